import assert from "node:assert/strict";
import { test } from "node:test";

import { Cursor, jobOf } from "../dist/watch/cursor.js";

const job = (change = {}) => ({ job_id: "a", type: "overlay", status: "processing", stage: "rendering", progress: 10, message: "", attempt: 1, params: { filmstrip: true }, input_video_key: "input/a", ...change });
/** A message as a socket has it: without what never changes. */
const message = (type, change = {}) => {
  const { params, ...rest } = job(change);
  return { ...rest, type, job_type: "overlay" };
};
const told = ({ action, event }) => [action, event?.type, event?.seq, event?.job.progress];

test("without a cursor the present state is first, and stored events follow it", () => {
  const cursor = new Cursor();
  assert.equal(cursor.after, null);
  assert.deepEqual(told(cursor.snapshot(job({ seq: 3 }))), ["tell", "status", null, 10]);
  assert.equal(cursor.after, 3);
  assert.deepEqual(told(cursor.message(message("progress", { progress: 20 }))), ["tell", "progress", null, 20]);
  assert.deepEqual(told(cursor.message(message("progress", { seq: 4, progress: 30 }))), ["tell", "progress", 4, 30]);
  const last = cursor.message(message("complete", { seq: 5, status: "complete", progress: 100 }));
  assert.deepEqual(told(last), ["end", "complete", 5, 100]);
  assert.deepEqual([last.event.job.type, last.event.job.params], ["overlay", { filmstrip: true }], "the job is whole");
});

test("with a cursor the stored events are told, each once, and the state that they lead to is not", () => {
  const cursor = new Cursor(0);
  assert.equal(cursor.snapshot(job({ seq: 2 })).action, "skip");
  assert.ok(cursor.isBehind);
  assert.deepEqual(told(cursor.message(message("status", { seq: 1 }))), ["tell", "status", 1, 10]);
  assert.equal(cursor.message(message("status", { seq: 1 })).action, "skip");
  assert.equal(cursor.message(message("progress", { progress: 50 })).action, "skip", "progress is ahead of the events that are missing");
  assert.deepEqual(told(cursor.message(message("status", { seq: 2 }))), ["tell", "status", 2, 10]);
  assert.ok(!cursor.isBehind);
});

test("a state that was told before is not told again after a reconnection", () => {
  const cursor = new Cursor();
  cursor.snapshot(job({ seq: 3 }));
  assert.equal(cursor.snapshot(job({ seq: 3, output_url: "signed anew" })).action, "skip");
  assert.deepEqual(told(cursor.snapshot(job({ seq: 3, progress: 40 }))), ["tell", "status", null, 40]);
  assert.deepEqual(told(cursor.snapshot(job({ seq: 3, status: "error" }))), ["end", "error", null, 40]);
});

test("an event that is missing is asked for again, once", () => {
  const cursor = new Cursor(1);
  assert.equal(cursor.message(message("progress", { seq: 3 })).action, "reconnect");
  assert.equal(cursor.after, 1);
  assert.equal(cursor.message(message("progress", { seq: 3 })).action, "tell", "the API no longer has it");
});

test("an error that was retried is not the end", () => {
  const cursor = new Cursor(0);
  cursor.snapshot(job({ seq: 2 }));
  assert.deepEqual(told(cursor.message(message("error", { seq: 1, status: "error" }))), ["tell", "error", 1, 10]);
  assert.deepEqual(told(cursor.message(message("status", { seq: 2, attempt: 2, progress: 0 }))), ["tell", "status", 2, 0]);
});

test("progress never falls within an attempt", () => {
  const cursor = new Cursor();
  cursor.snapshot(job({ seq: 1, progress: 50 }));
  const progress = [[1, 42], [1, 60], [2, 0], [2, 10]].map(([attempt, progress]) => cursor.message(message("progress", { attempt, progress })).event.job.progress);
  assert.deepEqual(progress, [50, 60, 0, 10]);
});

test("the job of a message has its own type", () => {
  assert.deepEqual(jobOf({ type: "status", job_type: "framing", job_id: "a" }), { type: "framing", job_id: "a" });
});
