// Uses every group of the TypeScript client's methods against a real API, and asserts what they answer. Prints
// {sent_twice: [numbers of parts that were sent twice]}.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";

import { AuthenticationError, ConflictError, JobFailedError, NotFoundError, ReelClient, ValidationError } from "../../clients/typescript/dist/index.js";

const { api, api_key, video } = JSON.parse(process.argv[2]);
const PART = 5 * 1024 * 1024;
const PARAMS = { crop_keyframes: [{ frame: 0, x: 437, y: 0, width: 405, height: 720 }], output_width: 270, output_height: 480, filmstrip: true };

// The parts that go to the storage.
const sent = [];
const realFetch = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const answer = await realFetch(url, init);
  const part = new URL(url).searchParams.get("partNumber");
  if (part && init.method === "PUT" && answer.ok) sent.push(Number(part));
  return answer;
};

const service = new ReelClient({ baseUrl: api, token: api_key });
const token = async (refresh) => (await service.tokens.create({ subject: "parent", ...(refresh && { expires_in_s: 120 }) })).token;

/** Waits for what the index or the bucket shows a moment later. */
async function until(condition) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never: ${condition}`);
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

// Tokens: a wrong one is answered with 401, and the callback is asked for another, once.
const refreshes = [];
let current = "not.a.token";
const client = new ReelClient({
  baseUrl: api,
  token: async ({ refresh }) => {
    if (refresh) {
      refreshes.push(current);
      current = await token(true);
    }
    return current;
  },
});
assert.equal((await client.health()).status, "ok");
assert.equal((await client.limits.get()).jobs_in_flight.used, 0);
assert.deepEqual(refreshes, ["not.a.token"]);
await assert.rejects(client.tokens.create({ subject: "x" }), AuthenticationError);

// Uploads: a small file.
const small = await openAsBlob(video, { type: "video/mp4" });
const smallProgress = [];
const { video_key } = await client.uploads.upload(small, { filename: "clip.mp4", onProgress: (progress) => smallProgress.push(progress) });
assert.match(video_key, /\/clip\.mp4$/);
assert.deepEqual(smallProgress.at(-1), { sent: small.size, total: small.size });

// Uploads: a large file, stopped in the middle; the same call goes on with it.
const bytes = randomBytes(32_000_000);
const large = new File([bytes], "match.mp4", { type: "video/mp4", lastModified: 1 });
const kept = new Map();
const storage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) };
const sessions = [];
const upload = (onProgress, signal) => client.uploads.upload(large, { partSize: PART, parallel: 2, storage, signal, onProgress, onSession: (session) => sessions.push(session) });
const stop = new AbortController();
const reason = new Error("the user has stopped it");
await assert.rejects(upload(({ sent }) => sent >= 3 * PART && stop.abort(reason), stop.signal), reason);
assert.equal(kept.size, 1);
const goesOn = [];
const { video_key: large_key } = await upload((progress) => goesOn.push(progress));
assert.ok(goesOn[0].sent >= 3 * PART && goesOn.at(-1).sent === bytes.length, JSON.stringify(goesOn));
assert.equal(sessions[0].upload_id, sessions[1].upload_id);
assert.equal(kept.size, 0, "nothing is remembered of an upload that is complete");
assert.deepEqual([...new Set(sent)].sort(), [1, 2, 3, 4, 5, 6, 7]);
const sent_twice = sent.filter((part, index) => sent.indexOf(part) !== index);
const given_up = await client.uploads.createMultipart({ filename: "a.mp4", size_bytes: PART * 2, part_size: PART });
await client.uploads.abort(given_up);
await assert.rejects(client.uploads.multipart(given_up).state(), NotFoundError);

// A job, followed to its end over a socket and by polling: both are told the same.
const request = { project_id: 7, type: "framing", input_video_key: video_key, params: PARAMS };
const job = await client.jobs.create(request, { idempotencyKey: "once" });
assert.equal((await client.jobs.create(request, { idempotencyKey: "once" })).id, job.id);
const poller = new ReelClient({ baseUrl: api, token: () => current, WebSocket: null });
const follow = async (watching) => {
  const events = [];
  let at = 0;
  for await (const event of watching) {
    events.push(event);
    at = Date.now();
  }
  return { events, endedAfterMs: Date.now() - at };
};
// Before Node 22 there are none, and both poll.
if (Number.parseInt(process.versions.node, 10) >= 22) assert.equal(typeof WebSocket, "function");
const [bySocket, byPolling] = await Promise.all([follow(client.jobs.watch(job.id, { after: 0 })), follow(poller.jobs.watch(job.id, { after: 0, pollMs: 200 }))]);
const { events: stored } = await client.jobs.events(job.id);
const storedSeqs = stored.map(({ seq }) => seq);
assert.deepEqual(storedSeqs, storedSeqs.map((_, index) => index + 1));
for (const { events, endedAfterMs } of [bySocket, byPolling]) {
  assert.deepEqual(events.map(({ seq }) => seq).filter((seq) => seq !== null), storedSeqs);
  const last = events.at(-1);
  assert.deepEqual([last.type, last.job.status, last.job.progress, last.job.type], ["complete", "complete", 100, "framing"]);
  assert.deepEqual(last.job.params, job.params, "every event has the whole job");
  assert.ok(endedAfterMs < 2_000, `the watch ended ${endedAfterMs} ms after the last message`);
}
const done = await client.jobs.wait(job.id);
const reel = await realFetch(done.output_url);
assert.equal((await reel.arrayBuffer()).byteLength, done.output_bytes);
const head = await client.videos.download(done.output_video_key, { range: "bytes=4-7" });
assert.deepEqual([head.status, await head.text()], [206, "ftyp"]);
const link = new URL(done.websocket_url, api).searchParams.get("token");
assert.equal((await realFetch(client.videos.url(done.output_video_key, { filename: "reel.mp4", inline: true, token: link }))).status, 200);
assert.match(await client.jobs.filmstrip(job.id), /^WEBVTT/);
await client.jobs.revokeLinks(job.id);
assert.equal((await realFetch(client.videos.url(done.output_video_key, { token: link }))).ok, false);

// Errors are typed, and say where.
const wrong = client.jobs.create({ project_id: "7", type: "framing", input_video_key: video_key, params: { ...PARAMS, fit: "wide" } });
await assert.rejects(wrong, (error) => {
  assert.ok(error instanceof ValidationError);
  assert.deepEqual([error.status, error.code, error.errors.map(({ pointer }) => pointer)], [422, "invalid_request", ["/project_id", "/params/fit"]]);
  assert.ok(error.requestId);
  return true;
});
await assert.rejects(client.jobs.retry(job.id), ConflictError);
assert.deepEqual([(await client.jobs.check(request)).output.width, (await client.jobs.page()).jobs.length <= 1], [270, true], "a check creates nothing");
const [refused] = await client.jobs.createBatch([{ ...request, type: "frame" }]);
assert.deepEqual(refused.error.errors.map(({ pointer }) => pointer), ["/type"]);
await assert.rejects(client.jobs.get("3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50"), { name: "NotFoundError", code: "job_not_found" });

// Cancelling; and the large file has arrived as it was.
const stopped = await client.jobs.create({ ...request, input_video_key: large_key });
await client.jobs.cancel(stopped.id);
assert.equal((await client.jobs.cancel(stopped.id)).error_code, "cancelled", "the second time it is the same");
await assert.rejects(client.jobs.cancel(job.id), ConflictError);
await assert.rejects(client.jobs.wait(stopped.id), (error) => error instanceof JobFailedError && error.code === "cancelled");
const arrived = await until(() => client.videos.download(large_key).catch(() => null));
const hash = (data) => createHash("sha256").update(data).digest("hex");
assert.equal(hash(Buffer.from(await arrived.arrayBuffer())), hash(bytes));

// Lists.
const listed = await until(async () => {
  const jobs = await all(client.jobs.list({ project_id: 7, limit: 1 }));
  return jobs.length === 2 && jobs;
});
assert.deepEqual(listed.map(({ id }) => id), [stopped.id, job.id]);
assert.deepEqual((await client.jobs.page({ status: "error" })).jobs.map(({ error_code }) => error_code), ["cancelled"]);

// Projects, clips, exports.
await client.projects.put(7, { name: "Final", working_video_key: video_key });
await client.projects.put(8, { name: "Other" });
assert.equal((await client.projects.get(7)).name, "Final");
assert.deepEqual((await all(client.projects.list({ limit: 1 }))).map(({ id }) => id), [8, 7]);
await client.projects.clips.put(7, 0, { video_key, start_time: 0.5, end_time: 2 });
assert.equal((await client.projects.clips.get(7, 0)).end_time, 2);
assert.equal((await client.projects.clips.list(7)).length, 1);
const framing = await client.exports.create({ type: "framing", project_id: 7, clip_index: 0, crop_keyframes: PARAMS.crop_keyframes });
assert.equal(framing.type, "framing");
const overlay = await client.exports.create({ type: "overlay", project_id: 7, effect_type: "blur" });
assert.equal((await client.exports.get("overlay", overlay.job_id)).project_id, 7);
for (const id of [framing.id, overlay.job_id]) await client.jobs.cancel(id).catch((error) => assert.ok(error instanceof ConflictError));
await until(async () => (await client.exports.active()).length === 0);
await client.projects.clips.delete(7, 0);
await assert.rejects(client.projects.clips.get(7, 0), { code: "clip_not_found" });

// Deleting; and what services do with users.
await client.jobs.delete(job.id);
await assert.rejects(client.jobs.get(job.id), NotFoundError);
const actingFor = new ReelClient({ baseUrl: api, token: api_key, onBehalfOf: "parent" });
assert.deepEqual((await actingFor.projects.page()).projects.map(({ id }) => id), [8, 7]);
await until(async () => (await all(service.audit.list({ subject: "parent", limit: 50 }))).length > 0);
assert.ok((await service.owners.revokeTokens("parent")).revoked_at);
assert.equal((await service.owners.erase("parent")).projects, 2);

console.log(JSON.stringify({ sent_twice }));
