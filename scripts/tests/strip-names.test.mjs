import assert from "node:assert/strict";
import { test } from "node:test";

import { stripNames } from "../strip-names.mjs";

const custom = (name, bytes) => [0, 1 + name.length + bytes.length, name.length, ...Buffer.from(name), ...bytes];
const module = (...sections) => Buffer.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
// One function type `() -> ()`, one function of it with an empty body.
const code = [[1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 4, 1, 2, 0, 0x0b]];

test("only the section with names is removed, and the module stays valid", () => {
  const features = custom("target_features", [0]);
  const stripped = stripNames(module(...code, custom("name", [1, 4, 1, 0, 1, 0x66]), features));
  assert.deepEqual(stripped, module(...code, features));
  assert.ok(WebAssembly.validate(stripped));
});

test("a module without names does not change, and a truncated one is rejected", () => {
  const plain = module(...code);
  assert.deepEqual(stripNames(plain), plain);
  assert.throws(() => stripNames(plain.subarray(0, -2)), RangeError);
});
