import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { claimPort, freePort } from "../ports.mjs";
import { find, run } from "../run.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const failure = (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);

test("a failed program is told with its step, its last words and what to do", async () => {
  const error = await failure(run("sh", ["-c", "echo out; echo err >&2; exit 3"], { step: "a step", fix: "do this" }));
  assert.equal(error.message, "a step");
  assert.match(error.why, /out/);
  assert.match(error.why, /err/);
  assert.match(error.why, /sh ended with 3$/);
  assert.equal(error.fix, "do this");
});

test("a program that is not there is a failure like any other", async () => {
  const error = await failure(run("no-such-program", [], { step: "a step" }));
  assert.match(error.why, /no-such-program: .*ENOENT/);
  assert.equal(find("no-such-program"), null);
});

test("a program that hangs is ended with its children", async () => {
  const error = await failure(run("sh", ["-c", "sleep 600 & wait"], { step: "a step", timeoutMs: 200 }));
  assert.match(error.why, /did not end within 0.2 s/);
});

test("a taken port is told with the variable that moves it", async () => {
  const port = await freePort();
  const server = net.createServer();
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const error = await failure(claimPort("PORT", 8787, { PORT: String(port) }));
  server.close();
  assert.match(error.why, new RegExp(`listens on 127.0.0.1:${port}`));
  assert.match(error.fix, /PORT=/);
  assert.match((await failure(claimPort("PORT", 8787, { PORT: "web" }))).why, /no port/);
});

test("a signal ends a script and what it started, and says so by its exit code", { timeout: 30_000 }, async () => {
  const program = `
    import { main } from ${JSON.stringify(path.join(HERE, "..", "main.mjs"))};
    import { run } from ${JSON.stringify(path.join(HERE, "..", "run.mjs"))};
    await main(() => run("sh", ["-c", "echo $$; sleep 600 & wait"], { show: true, step: "waiting" }));`;
  const script = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const group = await new Promise((resolve) => script.stdout.once("data", (text) => resolve(Number(text.toString()))));
  script.kill("SIGTERM");
  const code = await new Promise((resolve) => script.once("exit", resolve));
  assert.equal(code, 143);
  await gone(group);
});

// Until the last of a process group is gone and buried; an orphan's burial is up to the system.
async function gone(group) {
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
