import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { ROOT } from "../paths.mjs";
import { WASM_BINDGEN_RELEASES, checkArchive } from "../setup/toolchain.mjs";

const SETUP_MODULE = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "setup.mjs");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reel-test-"));
after(() => fs.rmSync(folder, { recursive: true }));

// Starts several commands at once, each with one step: it records its begin and its end, and is ready
// afterwards when `becomesReady` says so. Two commands inside at once would record "begin begin".
async function recordOf(name, { commands, becomesReady, staleLock = false }) {
  const [lock, record] = [path.join(folder, `${name}.lock`), path.join(folder, name)];
  if (staleLock) fs.writeFileSync(lock, `${spawnSync(process.execPath, ["-e", ""]).pid}\n`);
  const program = `
    import fs from "node:fs";
    import { runMissing } from ${JSON.stringify(SETUP_MODULE)};
    const record = ${JSON.stringify(record)};
    const step = {
      name: "a step",
      description: "",
      ready: () => ${becomesReady} && fs.existsSync(record) && fs.readFileSync(record, "utf8").endsWith("end "),
      async run() {
        fs.appendFileSync(record, "begin ");
        await new Promise((resolve) => setTimeout(resolve, 20));
        fs.appendFileSync(record, "end ");
      },
    };
    await runMissing([step], ${JSON.stringify(lock)});`;
  const exits = Array.from({ length: commands }, () => new Promise((resolve) => spawn(process.execPath, ["--input-type=module", "-e", program]).once("exit", resolve)));
  for (const code of await Promise.all(exits)) assert.equal(code, 0);
  assert.deepEqual(fs.readdirSync(folder).filter((file) => file.startsWith(`${name}.`)), [], "the lock is gone");
  return fs.readFileSync(record, "utf8");
}

test("commands that start at once take turns", async () => {
  assert.equal(await recordOf("turns", { commands: 4, becomesReady: false }), "begin end ".repeat(4));
});

test("a command does not repeat a step that ran while it waited", async () => {
  assert.equal(await recordOf("once", { commands: 4, becomesReady: true }), "begin end ");
});

test("the lock of a command that was killed is taken over, by one command at a time", async () => {
  assert.equal(await recordOf("stale", { commands: 3, becomesReady: false, staleLock: true }), "begin end ".repeat(3));
});

test("only an archive with the committed checksum is used", () => {
  const bytes = Buffer.from("an archive");
  const sha256 = crypto.createHash("sha256").update(bytes).digest("hex");
  checkArchive("x.tar.gz", bytes, sha256);
  assert.throws(() => checkArchive("x.tar.gz", Buffer.from("another archive"), sha256), (error) => /Nothing was installed/.test(error.why));
});

test("every platform's release of the locked wasm-bindgen has a checksum", () => {
  const lock = fs.readFileSync(path.join(ROOT, "Cargo.lock"), "utf8");
  const version = /^name = "wasm-bindgen"\nversion = "(.+)"$/m.exec(lock)[1];
  assert.deepEqual(Object.keys(WASM_BINDGEN_RELEASES), [version], "after another version, take the SHA-256 of its releases, or leave the table empty to compile it");
  for (const [platform, [, sha256]] of Object.entries(WASM_BINDGEN_RELEASES[version])) assert.match(sha256, /^[0-9a-f]{64}$/, platform);
});
