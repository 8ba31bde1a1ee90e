import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { claimPort, freePort } from "../ports.mjs";
import { find, run } from "../run.mjs";

const SCRIPTS = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const errorOf = (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);

test("the error of a failed program has its step, its last output and how to fix it", async () => {
  const error = await errorOf(run("sh", ["-c", "echo out; echo err >&2; exit 3"], { step: "a step", fix: "do this" }));
  assert.equal(error.message, "a step");
  assert.match(error.why, /out/);
  assert.match(error.why, /err/);
  assert.match(error.why, /sh failed with exit code 3$/);
  assert.equal(error.fix, "do this");
});

test("of a long output the error has the first and the last lines", async () => {
  const error = await errorOf(run("sh", ["-c", "seq 100; exit 1"], { step: "a step" }));
  assert.match(error.why, /^1\n(\d+\n)+8\n\.\.\.\n81\n(\d+\n)+100\nsh failed/);
});

test("a program that is not installed is an error like any other", async () => {
  const error = await errorOf(run("no-such-program", [], { step: "a step" }));
  assert.equal(error.why, "no-such-program is not installed or not on PATH");
  assert.equal(find("no-such-program"), null);
});

test("a program that hangs is stopped with its children", async () => {
  const error = await errorOf(run("sh", ["-c", "sleep 600 & wait"], { step: "a step", timeoutMs: 200 }));
  assert.match(error.why, /did not finish within 0.2 s/);
});

test("the error of a port in use names the variable that changes the port", async () => {
  const port = await freePort();
  const server = net.createServer();
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const error = await errorOf(claimPort("PORT", 8787, { PORT: String(port) }));
  server.close();
  assert.match(error.why, new RegExp(`listens on 127.0.0.1:${port}`));
  assert.match(error.fix, /PORT=/);
  assert.match((await errorOf(claimPort("PORT", 8787, { PORT: "web" }))).why, /not a port number/);
});

test("a script prints the step, the reason and the fix of an error", () => {
  const { status, stderr } = spawnSync(process.execPath, script('run("sh", ["-c", "echo no; exit 3"], { step: "a step", fix: "do this." })'), { encoding: "utf8" });
  assert.equal(status, 1);
  assert.equal(stderr, "\nFailed: a step\n  no\n  sh failed with exit code 3\nFix: do this.\n");
});

test("a signal stops a script with what it started, and sets its exit code", { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, script('run("sh", ["-c", "echo $$; sleep 600 & wait"], { show: true, step: "waiting" })'), { stdio: ["ignore", "pipe", "inherit"] });
  const group = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(Number(text.toString()))));
  child.kill("SIGTERM");
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 143);
  await groupEnded(group);
});

// The arguments for Node to run a script with this body.
function script(body) {
  const program = `
    import { main } from ${JSON.stringify(path.join(SCRIPTS, "main.mjs"))};
    import { run } from ${JSON.stringify(path.join(SCRIPTS, "run.mjs"))};
    await main(() => ${body});`;
  return ["--input-type=module", "-e", program];
}

// Waits until the last process of a group is reaped. The system decides when it reaps orphans.
async function groupEnded(group) {
  for (;;) {
    try {
      process.kill(-group, 0);
    } catch (error) {
      assert.equal(error.code, "ESRCH");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
