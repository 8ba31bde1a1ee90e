import assert from "node:assert/strict";
import { test } from "node:test";

import { Memory, fingerprint } from "../dist/uploads/memory.js";
import { withNext } from "../dist/uploads/multipart.js";
import { MIB, missingParts, partBytes } from "../dist/uploads/plan.js";

test("parts are as large as is wished, but not too many", () => {
  assert.equal(partBytes(1), 16 * MIB);
  assert.equal(partBytes(1, 5 * MIB), 5 * MIB);
  assert.equal(partBytes(1_000_000 * MIB), 100 * MIB);
});

test("the parts that have not arrived cover the rest of the file", () => {
  assert.deepEqual(missingParts(25, 10, new Set([2])), [
    { number: 1, start: 0, end: 10 },
    { number: 3, start: 20, end: 25 },
  ]);
  assert.deepEqual(missingParts(20, 10, new Set()).map(({ end }) => end), [10, 20], "no empty part at the end");
  assert.deepEqual(missingParts(20, 10, new Set([1, 2])), []);
});

test("as many parts as ask are signed ahead, and none that has arrived", () => {
  assert.deepEqual(withNext([1, 2], 10, new Set([3])), [1, 2, 4, 5]);
  assert.deepEqual(withNext([9], 9, new Set()), [9]);
  assert.equal(withNext(Array.from({ length: 80 }, (_, index) => index + 1), 1_000, new Set()).length, 100);
});

test("an upload is remembered by its file and the size of its parts", () => {
  const kept = new Map();
  const memory = new Memory({ getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) });
  const file = new File(["abc"], "a.mp4", { lastModified: 5 });
  const name = fingerprint(file.name, file, 10);
  memory.write(name, { video_key: "k", upload_id: "u", part_count: 1 });
  assert.deepEqual(memory.read(name), { video_key: "k", upload_id: "u" });
  assert.equal(memory.read(fingerprint(file.name, file, 20)), null);
  kept.set(name, "{not json");
  assert.equal(memory.read(name), null);
  memory.remove(name);
  assert.equal(kept.size, 0);
});

test("a storage that is full or forbidden is no error", () => {
  const fail = () => {
    throw new Error("no");
  };
  const memory = new Memory({ getItem: fail, setItem: fail, removeItem: fail });
  memory.write("a", { video_key: "k", upload_id: "u" });
  memory.remove("a");
  assert.equal(memory.read("a"), null);
});
