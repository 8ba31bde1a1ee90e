// A server that runs beside a script: started, waited for, and stopped with all that it started.
import { StepError } from "./log.mjs";
import { ROOT } from "./paths.mjs";
import { eachLine, startGroup } from "./run.mjs";

const READY_TIMEOUT_MS = 180_000;
const HEALTH_TIMEOUT_MS = 5_000;
const HEALTH_POLL_MS = 150;
// wrangler may report an error and recover from it within this time.
const ERROR_GRACE_MS = 3_000;
const STOP_TIMEOUT_MS = 6_000;
const DESCENDANTS_TIMEOUT_MS = 500;
const OUTPUT_TIMEOUT_MS = 500;
const KEPT_LINES = 200;
const ERROR_LINES = 15;

/**
 * Starts a server. `log(name, line)` gets each line that it prints and that `filter` keeps. Returns
 * - `untilPrinted(text)` and `untilHealthy(url, key)`: wait for the server, or throw StepError. With the API key
 *   the server says what is wrong with its settings;
 * - `ended`: resolves with a sentence when the server ends without `stop`;
 * - `stop()`.
 */
export function startServer(name, command, args, { env, log, filter = (line) => line }) {
  const group = startGroup(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines = [];
  const listeners = new Set();
  const onLine = (rawLine) => {
    const line = filter(rawLine);
    if (line === null) return;
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    log(name, line);
    for (const listener of listeners) listener(line);
  };
  const outputs = [eachLine(group.child.stdout, onLine), eachLine(group.child.stderr, onLine)];

  let stopping = false;
  const exited = group.exit.then(async ({ code, signal, error }) => {
    // Its last lines may arrive after the exit.
    await Promise.race([Promise.all(outputs), timeout(OUTPUT_TIMEOUT_MS)]);
    return error ? `${name} did not start: ${error.message}` : `${name} stopped by itself (${signal ?? `exit code ${code}`})`;
  });

  const fail = (sentence) => {
    throw new StepError(`starting ${name}`, { why: [...lines.slice(-ERROR_LINES), sentence].join("\n"), fix: "see the last lines above." });
  };
  const failOnExit = exited.then(fail);
  failOnExit.catch(() => {}); // Nobody may be waiting for the server when it ends.
  const failOnTimeout = (what) => timeout(READY_TIMEOUT_MS).then(() => fail(`It did not ${what} within ${READY_TIMEOUT_MS / 1000} s.`));
  const printed = (text) =>
    new Promise((resolve) => {
      listeners.add((line) => line.includes(text) && resolve());
      if (lines.some((line) => line.includes(text))) resolve();
    });

  return {
    ended: exited.then((sentence) => (stopping ? new Promise(() => {}) : sentence)),

    untilPrinted: (text) => Promise.race([printed(text), failOnExit, failOnTimeout(`print "${text}"`)]),

    // After an error in its configuration or in a build, wrangler does not end but waits for an edit.
    untilHealthy: (url, key) =>
      Promise.race([
        healthy(name, url, key, () => stopping),
        failOnExit,
        failOnTimeout(`answer ${url}`),
        printed("[ERROR]").then(() => timeout(ERROR_GRACE_MS)).then(() => fail("It reported an error and does not answer.")),
      ]),

    async stop() {
      stopping = true;
      group.kill("SIGTERM");
      await Promise.race([group.exit, timeout(STOP_TIMEOUT_MS)]);
      // workerd may end a moment later than wrangler. Whatever is left then is killed, which does no
      // harm to the stored state.
      const deadline = Date.now() + DESCENDANTS_TIMEOUT_MS;
      while (Date.now() < deadline && group.kill(0)) await sleep(50);
      group.kill("SIGKILL");
      await group.exit;
      group.forget();
    },
  };
}

async function healthy(name, url, key, isStopping) {
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  while (!isStopping()) {
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
      if (response.ok) return;
      throw new StepError(`starting ${name}`, {
        why: `${url} answers ${response.status}: ${(await response.text()).slice(0, 2_000)}`,
        fix: "correct the settings that the answer names, in the environment or in .dev.vars.",
      });
    } catch (error) {
      if (error instanceof StepError) throw error;
    }
    await sleep(HEALTH_POLL_MS);
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Limits another wait. It does not keep this process alive by itself.
const timeout = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
