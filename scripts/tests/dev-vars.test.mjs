import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { makeDevVars, readDevVars } from "../dev-vars.mjs";
import { ROOT } from "../paths.mjs";

function scratch() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reel-test-"));
  fs.copyFileSync(path.join(ROOT, ".dev.vars.example"), path.join(folder, ".dev.vars.example"));
  return folder;
}

test("the first start makes random keys that only this user can read", () => {
  const [one, other] = [scratch(), scratch()];
  assert.deepEqual(makeDevVars(one), ["WORKERS_API_KEY", "SIGNING_KEY", "ID_KEY"]);
  makeDevVars(other);
  const keys = readDevVars(one);
  assert.deepEqual(Object.keys(keys), ["WORKERS_API_KEY", "SIGNING_KEY", "ID_KEY"]);
  for (const [name, key] of Object.entries(keys)) {
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.notEqual(key, readDevVars(other)[name]);
  }
  assert.equal(new Set(Object.values(keys)).size, 3);
  assert.equal(fs.statSync(path.join(one, ".dev.vars")).mode & 0o077, 0);
  const text = fs.readFileSync(path.join(one, ".dev.vars"), "utf8");
  assert.deepEqual(makeDevVars(one), []);
  assert.equal(fs.readFileSync(path.join(one, ".dev.vars"), "utf8"), text, "a second start changes nothing");
  for (const dir of [one, other]) fs.rmSync(dir, { recursive: true });
});

test("settings that are there stay, and only missing keys are added", () => {
  const folder = scratch();
  const file = path.join(folder, ".dev.vars");
  fs.writeFileSync(file, "RUNPOD_ENDPOINT='https://gpu.example/v2/x'\nSIGNING_KEY=mine # kept");
  assert.deepEqual(makeDevVars(folder), ["WORKERS_API_KEY", "ID_KEY"]);
  const text = fs.readFileSync(file, "utf8");
  assert.ok(text.startsWith("RUNPOD_ENDPOINT='https://gpu.example/v2/x'\nSIGNING_KEY=mine # kept\n"), text);
  assert.equal(text.match(/SIGNING_KEY/g).length, 1);
  assert.equal(readDevVars(folder).RUNPOD_ENDPOINT, "https://gpu.example/v2/x");
  assert.equal(fs.statSync(file).mode & 0o077, 0);
  fs.rmSync(folder, { recursive: true });
});
