import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiClient, AuthenticationError, ConnectionError, RateLimitError, ReelClient } from "../dist/index.js";

const BASE = "https://api.example";

/** A client whose requests are answered by `answers`, in turn, and kept in `asked`. */
function clientOf(answers, options = {}) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url: String(url), ...init });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    const { status = 200, body = {}, headers = {} } = answer;
    return new Response(JSON.stringify(body), { status, headers });
  };
  // A test does not wait: what is tested is that there is another attempt.
  const retry = { maxDelayMs: 1 };
  return { client: new ReelClient({ baseUrl: BASE, fetch, retry, ...options }), asked };
}

test("a request that may be sent twice is, until it is answered", async () => {
  const { client, asked } = clientOf([new TypeError("fetch failed"), { status: 503 }, { body: { id: "a" } }]);
  assert.deepEqual(await client.jobs.get("a"), { id: "a" });
  assert.equal(asked.length, 3);
});

test("a job is created once, whatever the network does", async () => {
  const { client, asked } = clientOf([new TypeError("fetch failed"), { status: 201, body: { id: "a" } }]);
  await client.jobs.create({ project_id: 1, type: "overlay", input_video_key: "k", params: {} });
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  assert.ok(keys[0].length > 30 && keys[0] === keys[1], String(keys));
  const { client: exporter, asked: exported } = clientOf([{ status: 503 }, { body: { job_id: "a" } }]);
  await exporter.exports.create({ type: "overlay", project_id: 1 });
  const [first, second] = exported.map(({ body }) => JSON.parse(body));
  assert.ok(first.job_id.length === 36 && first.job_id === second.job_id && first.type === undefined);
});

test("of a batch each job has its own answer", async () => {
  const problem = { code: "invalid_request", detail: "type is required.", errors: [{ pointer: "/type", detail: "is required" }] };
  const { client, asked } = clientOf([{ status: 503 }, { body: { results: [{ status: 201, job: { id: "a" } }, { status: 422, problem }] } }]);
  const [created, refused] = await client.jobs.createBatch([{}, {}]);
  assert.deepEqual(created, { job: { id: "a" }, error: null });
  assert.deepEqual([refused.job, refused.error.name, refused.error.errors], [null, "ValidationError", problem.errors]);
  assert.equal(asked[0].headers["idempotency-key"], asked[1].headers["idempotency-key"]);
});

test("what is not the same the second time is not sent again, unless it was refused unread", async () => {
  const broken = clientOf([new TypeError("fetch failed")]);
  await assert.rejects(broken.client.jobs.retry("a"), ConnectionError);
  assert.equal(broken.asked.length, 1);
  const limited = clientOf([{ status: 429, headers: { "retry-after": "0" } }, { body: {} }]);
  await limited.client.jobs.retry("a");
  assert.equal(limited.asked.length, 2);
});

test("a limit that lasts is told at once", async () => {
  const { client, asked } = clientOf([{ status: 429, headers: { "retry-after": "3600" }, body: { code: "limit_reached" } }]);
  await assert.rejects(client.jobs.get("a"), (error) => error instanceof RateLimitError && error.retryAfter === 3600);
  assert.equal(asked.length, 1);
});

test("the token is asked for before each request, and once more after a 401", async () => {
  const refreshes = [];
  const token = async ({ refresh }) => {
    refreshes.push(refresh);
    return refresh ? "new" : "old";
  };
  const { client, asked } = clientOf([{ status: 401 }, { body: {} }], { token });
  await client.jobs.cancel("a");
  assert.deepEqual([refreshes, asked.map(({ headers }) => headers.authorization)], [[false, true], ["Bearer old", "Bearer new"]]);

  const refused = clientOf([{ status: 401 }], { token });
  await assert.rejects(refused.client.jobs.get("a"), AuthenticationError);
  assert.equal(refused.asked.length, 2);
  const fixed = clientOf([{ status: 401 }], { token: "old" });
  await assert.rejects(fixed.client.jobs.get("a"), AuthenticationError);
  assert.equal(fixed.asked.length, 1, "a fixed token is no better the second time");
});

test("what was deleted by a request whose answer was lost is deleted", async () => {
  const { client } = clientOf([new TypeError("fetch failed"), { status: 404 }]);
  await client.jobs.delete("a");
  await assert.rejects(clientOf([{ status: 404 }]).client.jobs.delete("a"), { name: "NotFoundError" });
});

test("an aborted request ends with the reason of its signal, also between two attempts", async () => {
  const controller = new AbortController();
  const reason = new Error("the page is gone");
  const { client } = clientOf([new TypeError("fetch failed")], { retry: { maxDelayMs: 60_000 } });
  const answer = client.jobs.get("a", { signal: controller.signal });
  setImmediate(() => controller.abort(reason));
  await assert.rejects(answer, reason);
  await assert.rejects(client.jobs.get("a", { signal: controller.signal }), reason);
});

test("an API that is silent is a connection error", async () => {
  const fetch = (_url, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const client = new ApiClient({ baseUrl: BASE, fetch, timeoutMs: 5, retry: { retries: 0 } });
  await assert.rejects(client.jobs.get("a"), (error) => error instanceof ConnectionError && error.code === "timeout");
});

test("lists are read page by page", async () => {
  const { client, asked } = clientOf([{ body: { jobs: [{ id: "a" }, { id: "b" }], next_cursor: "c" } }, { body: { jobs: [{ id: "d" }], next_cursor: null } }]);
  const ids = [];
  for await (const { id } of client.jobs.list({ status: "error", limit: 2 })) ids.push(id);
  assert.deepEqual(ids, ["a", "b", "d"]);
  assert.deepEqual(asked.map(({ url }) => new URL(url).search), ["?status=error&limit=2", "?status=error&limit=2&cursor=c"]);
});

test("a service acts for a user, whatever the user is called", async () => {
  const { client, asked } = clientOf([{ body: {} }], { onBehalfOf: "auth0|Zoë" });
  await client.limits.get();
  await client.owners.revokeTokens("a/b");
  assert.equal(asked[0].headers["on-behalf-of"], "auth0%7CZo%C3%AB");
  assert.equal(asked[1].url, `${BASE}/api/owners/a%2Fb/revoke-tokens`);
});

test("a user is erased part by part", async () => {
  const removed = (jobs) => ({ jobs, videos: 1, projects: 0, clips: 0 });
  const { client, asked } = clientOf([{ body: { done: false, removed: removed(100) } }, { body: { done: true, removed: removed(3) } }]);
  assert.deepEqual(await client.owners.erase("u"), { jobs: 103, videos: 2, projects: 0, clips: 0 });
  assert.equal(asked.length, 2);
});

test("an API that is not configured says so", async () => {
  const { client, asked } = clientOf([{ status: 503, body: { status: "not_configured", version: "1", detail: "SIGNING_KEY is missing." } }]);
  assert.equal((await client.health()).status, "not_configured");
  assert.equal(asked.length, 1);
});
