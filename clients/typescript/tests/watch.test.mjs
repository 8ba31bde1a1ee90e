import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiClient } from "../dist/index.js";
import { fitsSubprotocol, parseMessage } from "../dist/watch/socket.js";

const job = (change) => ({ job_id: "a", id: "a", type: "overlay", status: "processing", stage: "rendering", progress: 0, message: "", attempt: 1, websocket_url: "/api/jobs/a/ws?token=link", ...change });
const message = (type, change) => ({ ...job(change), type, job_type: "overlay" });
const END = message("complete", { seq: 3, status: "complete", progress: 100 });

/** A WebSocket class; each new socket plays the next script of messages, and then closes, or hangs after "hang". */
function scripted(scripts) {
  const opened = [];
  class FakeSocket extends EventTarget {
    closed = false;
    constructor(url, protocols) {
      super();
      opened.push({ url, protocols, socket: this });
      queueMicrotask(() => this.#play(scripts.shift() ?? []));
    }
    #play(script) {
      if (script.length > 0) this.dispatchEvent(new Event("open"));
      for (const message of script) {
        if (message === "hang") return;
        this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
      }
      this.dispatchEvent(new Event("close"));
    }
    send() {}
    close() {
      this.closed = true;
    }
  }
  return { WebSocket: FakeSocket, opened };
}

/** The answers of the API by path, the last of each for ever. */
function answering(answers) {
  return async (url) => {
    const path = new URL(url).pathname + new URL(url).search;
    const [answer] = answers[path].length > 1 ? [answers[path].shift()] : answers[path];
    return new Response(JSON.stringify(answer), { status: answer.status_code ?? 200 });
  };
}

async function seqsOf(client, options) {
  const seqs = [];
  for await (const { type, seq } of client.jobs.watch("a", options)) seqs.push([type, seq]);
  return seqs;
}

test("the watch ends with the last message, and does not wait for the socket to be closed", async () => {
  const { WebSocket, opened } = scripted([[message("status", { seq: 2 }), message("progress", { progress: 50 }), END, "hang"]]);
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket, token: "t.o.k" });
  assert.deepEqual(await seqsOf(client), [["status", null], ["progress", null], ["complete", 3]]);
  assert.deepEqual(opened.map(({ url, protocols }) => [url, protocols]), [["wss://api.example/api/jobs/a/ws", ["reel.v1", "bearer.t.o.k"]]]);
  assert.ok(opened[0].socket.closed);
});

test("a socket that breaks is opened again with the cursor", async () => {
  const { WebSocket, opened } = scripted([
    [message("status", { seq: 1 }), message("status", { seq: 1 })],
    [message("status", { seq: 3, status: "complete" }), message("status", { seq: 2 }), END, "hang"],
  ]);
  const fetch = answering({ "/api/jobs/a": [job({ seq: 1 })] });
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket, fetch });
  assert.deepEqual(await seqsOf(client), [["status", null], ["status", 2], ["complete", 3]]);
  assert.deepEqual(opened.map(({ url }) => new URL(url).search), ["", "?after=1"]);
});

test("where sockets are blocked, polling tells the same events", async () => {
  const fetch = answering({
    "/api/jobs/a": [job({ seq: 1 }), job({ seq: 1, progress: 10 }), job({ seq: 3, status: "complete", progress: 100 })],
    "/api/jobs/a/events?after=1": [{ events: [message("progress", { seq: 2, progress: 50 }), END], seq: 3 }],
  });
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket: null, fetch });
  assert.deepEqual(await seqsOf(client, { pollMs: 1 }), [["status", null], ["status", null], ["progress", 2], ["complete", 3]]);
});

test("a job that does not exist is an error", async () => {
  const { WebSocket } = scripted([[]]);
  const fetch = answering({ "/api/jobs/a": [{ status_code: 404, code: "job_not_found", detail: "There is no such job." }] });
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket, fetch });
  await assert.rejects(seqsOf(client), { name: "NotFoundError", code: "job_not_found" });
});

test("an aborted watch ends with the reason of its signal, and closes its socket", async () => {
  const { WebSocket, opened } = scripted([[message("status", { seq: 1 }), "hang"]]);
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket });
  const controller = new AbortController();
  const reason = new Error("the page is gone");
  const watch = async () => {
    for await (const _ of client.jobs.watch("a", { signal: controller.signal })) controller.abort(reason);
  };
  await assert.rejects(watch, reason);
  assert.ok(opened[0].socket.closed);
});

test("whoever leaves the loop closes the socket", async () => {
  const { WebSocket, opened } = scripted([[message("status", { seq: 1 }), "hang"]]);
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket });
  for await (const _ of client.jobs.watch("a")) break;
  assert.ok(opened[0].socket.closed);
});

test("a job that fails rejects what waits for it", async () => {
  const failed = message("error", { seq: 2, status: "error", error: "It cannot be rendered.", error_code: "invalid_input", retryable: false });
  const { WebSocket } = scripted([[message("status", { seq: 1 }), failed, "hang"]]);
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket });
  await assert.rejects(client.jobs.wait("a"), { name: "JobFailedError", code: "invalid_input", message: "It cannot be rendered.", retryable: false });
});

test("a token that no subprotocol can hold stays away from the socket, and the job's link takes its place", async () => {
  assert.ok(fitsSubprotocol("eyJh.eyJz.a-b_c") && !fitsSubprotocol("a/b=") && !fitsSubprotocol("a, b") && !fitsSubprotocol(""));
  const { WebSocket, opened } = scripted([[message("status", { seq: 2 }), END, "hang"]]);
  const fetch = answering({ "/api/jobs/a": [job({ seq: 2 })] });
  const client = new ApiClient({ baseUrl: "https://api.example", WebSocket, fetch, token: "a/b=" });
  await seqsOf(client);
  assert.deepEqual(opened[0].protocols, ["reel.v1", "bearer.link"]);
});

test("pongs, and what a newer API may say, are no messages", () => {
  for (const data of ['{"type":"pong"}', '{"type":"eta","job_id":"a"}', "pong", "null", new Uint8Array(1)]) assert.equal(parseMessage(data), null);
});
