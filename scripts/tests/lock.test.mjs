import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const LOCK_MODULE = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "setup", "lock.mjs");

// Enters, notes it, leaves: two that were inside together would leave "in in".
const enter = (lock, notes) => `
  import fs from "node:fs";
  import { withLock } from ${JSON.stringify(LOCK_MODULE)};
  await withLock(async () => {
    fs.appendFileSync(${JSON.stringify(notes)}, "in ");
    await new Promise((resolve) => setTimeout(resolve, 20));
    fs.appendFileSync(${JSON.stringify(notes)}, "out ");
  }, ${JSON.stringify(lock)});`;

const inTurn = (number) => "in out ".repeat(number);

test("commands that start at once take turns", async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "reel-test-"));
  const [lock, notes] = [path.join(dir, "lock"), path.join(dir, "notes")];
  const one = () => new Promise((resolve) => spawn(process.execPath, ["--input-type=module", "-e", enter(lock, notes)]).once("exit", resolve));
  assert.deepEqual(await Promise.all([one(), one(), one(), one()]), [0, 0, 0, 0]);
  assert.equal(fs.readFileSync(notes, "utf8"), inTurn(4));
  assert.deepEqual(fs.readdirSync(dir), ["notes"]);
  fs.rmSync(dir, { recursive: true });
});

test("the lock of a command that was killed is taken over, by one at a time", async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "reel-test-"));
  const [lock, notes] = [path.join(dir, "lock"), path.join(dir, "notes")];
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  fs.writeFileSync(lock, `${gone}\n`);
  const one = () => new Promise((resolve) => spawn(process.execPath, ["--input-type=module", "-e", enter(lock, notes)]).once("exit", resolve));
  assert.deepEqual(await Promise.all([one(), one(), one()]), [0, 0, 0]);
  assert.equal(fs.readFileSync(notes, "utf8"), inTurn(3));
  fs.rmSync(dir, { recursive: true });
});
