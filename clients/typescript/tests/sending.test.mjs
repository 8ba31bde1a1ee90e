// Uploads against a scripted API and storage: what is sent again, what is signed anew, and what is remembered.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { ReelClient } from "../dist/index.js";

const MIB = 1024 * 1024;
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

/** An API with one upload of three parts, in front of a storage that answers `storage(part)`. */
function scripted(storage) {
  const state = { signed: [], put: [], confirmed: new Map(), urls: 0, started: 0 };
  const layout = { video_key: "input/a/a.mp4", upload_id: "u", size_bytes: 11 * MIB, part_size: 5 * MIB, part_count: 3, expires_at: "" };
  const routes = {
    "POST /api/videos/upload-url": () => ({ upload_url: `https://storage/whole?${++state.urls}`, video_key: `input/${state.urls}/a.mp4`, method: "PUT", headers: {}, expires_at: "" }),
    "POST /api/videos/multipart": () => (state.started++, layout),
    "GET /api/videos/multipart/-/parts": () => ({ ...layout, status: "open", parts: [...state.confirmed].map(([part_number, etag]) => ({ part_number, etag, size_bytes: 1 })) }),
    "POST /api/videos/multipart/-/parts": ({ part_numbers }) => {
      state.signed.push(part_numbers);
      return { parts: part_numbers.map((part_number) => ({ part_number, url: `https://storage/part?${part_number}`, size_bytes: 1 })), expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    },
    "PUT /api/videos/multipart/-/parts": ({ parts }) => {
      for (const { part_number, etag } of parts) state.confirmed.set(part_number, etag);
      return { confirmed: state.confirmed.size };
    },
    "POST /api/videos/multipart/-/complete": ({ parts }) => ({ video_key: layout.video_key, size_bytes: layout.size_bytes, etag: "e", parts }),
  };
  const api = async (url, { method, body }) => Response.json(routes[`${method} ${new URL(url).pathname}`](JSON.parse(body ?? "null")));
  globalThis.fetch = async (url) => {
    const part = Number(new URL(url).search.slice(1));
    state.put.push(part);
    return storage(part, state);
  };
  return { state, uploads: new ReelClient({ baseUrl: "https://api.example", fetch: api }).uploads };
}

const stored = (part) => new Response(null, { headers: { etag: `"${part}"` } });
const small = new File(["abc"], "a.mp4");
const large = new File([new Uint8Array(11 * MIB)], "a.mp4");
const options = { partSize: 5 * MIB, parallel: 1 };

test("a part that the storage does not take is sent again, by a new URL when its own has expired", async () => {
  const answers = [() => new Response(null, { status: 403 }), () => new Response(null, { status: 503 })];
  const { state, uploads } = scripted((part) => (part === 2 && answers.shift()?.()) || stored(part));
  await uploads.upload(large, options);
  assert.deepEqual(state.put, [1, 2, 2, 2, 3]);
  assert.deepEqual(state.signed, [[1, 2], [2, 3], [2, 3]], "URLs are signed ahead, and none is used twice");
  assert.deepEqual([...state.confirmed.keys()], [1, 2, 3]);
});

test("a small file whose URL has expired gets another one", async () => {
  const { state, uploads } = scripted((url) => (url === 1 ? new Response(null, { status: 403 }) : stored(url)));
  assert.deepEqual(await uploads.upload(small), { video_key: "input/2/a.mp4" });
  assert.deepEqual(state.put, [1, 2]);
});

test("what the storage refuses for good is an error, and the upload can go on", async () => {
  let refuses = true;
  const { state, uploads } = scripted((part) => (refuses && part === 2 ? new Response(null, { status: 400 }) : stored(part)));
  const sessions = [];
  await assert.rejects(uploads.upload(large, { ...options, onSession: (session) => sessions.push(session) }), { name: "StorageError", status: 400 });
  assert.deepEqual([...state.confirmed.keys()], [1], "what has arrived is known to the server");
  refuses = false;
  const progress = [];
  await uploads.upload(large, { ...options, resume: sessions[0], onProgress: ({ sent }) => progress.push(sent / MIB) });
  assert.deepEqual([state.put, state.started, progress], [[1, 2, 2, 3], 1, [5, 10, 11]]);
});

test("a storage that hides the ETag is named as the cause", async () => {
  const { uploads } = scripted(() => new Response(null));
  await assert.rejects(uploads.upload(large, options), /exposeHeaders/);
});

test("no error tells a presigned URL", async () => {
  const { uploads } = scripted(() => {
    throw new TypeError("fetch failed: https://storage/part?secret");
  });
  const signal = AbortSignal.timeout(50);
  const error = await uploads.upload(small, { signal }).catch((error) => error);
  assert.equal(error, signal.reason);
  const refused = scripted(() => new Response("https://storage/secret", { status: 400 }));
  const told = await refused.uploads.upload(small).catch((error) => error);
  assert.ok(!JSON.stringify([told.message, told.stack, told.cause ?? ""]).includes("https://storage"));
});

test("a file needs a name", async () => {
  const { uploads } = scripted(stored);
  await assert.rejects(uploads.upload(new Blob(["a"])), TypeError);
});
