// The system on one machine: the Worker in workerd (wrangler dev) and a gpu-worker beside it.
//
// Invariant: whatever was started is stopped by `stop`, in every case; each part leads its own
// process group, so that what it started goes with it.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

import { digest } from "./digest.mjs";
import { NODE_MODULES, ROOT } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { eachLine, endWith, exitOf, killGroup, run } from "./run.mjs";
import { StepError } from "./log.mjs";
import { wranglerNode } from "./setup/node-modules.mjs";
import { givenEndpoint, withoutSettings, writeSettings } from "./worker-settings.mjs";
import { readable } from "./wrangler-log.mjs";

const READY_MS = 180_000;
const POLL_MS = 150;
const STOP_MS = 6_000;
const LINGER_MS = 500;
const KEPT_LINES = 200;
const ERROR_GRACE_MS = 3_000;

/**
 * Builds the native programs when needed and returns where cargo put them: `{ reel, "gpu-worker" }`.
 */
export async function buildPrograms(environment) {
  const programs = {};
  // cargo says on stderr what it compiles; it is silent when there is nothing to do.
  await run("cargo", ["build", "-p", "gpu-worker", "-p", "reel-client", "--bins", "--message-format=json-render-diagnostics"], {
    cwd: ROOT,
    env: environment,
    step: "building gpu-worker and reel (cargo build)",
    fix: "mend the error above.",
    show: "stderr",
    onLine(line) {
      const { reason, executable, target } = line.startsWith("{") ? JSON.parse(line) : {};
      if (reason === "compiler-artifact" && executable) programs[target.name] = executable;
    },
  });
  return programs;
}

/**
 * Starts both and waits until they answer. `log(part, line)` hears what they print. `ownSettings`
 * leaves out what the user has set in the environment and in .dev.vars.
 * Returns `{ apiUrl, gpuUrl, ended, stop }`; `ended` resolves, with a sentence, when a part dies.
 */
export async function startStack({ port, gpuPort, stateDir, gpuWorker, environment: given, ownSettings = false, log }) {
  fs.mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const apiUrl = `http://127.0.0.1:${port}`;
  const environment = ownSettings ? withoutSettings(given) : { ...given };
  const endpoint = ownSettings ? null : givenEndpoint(environment);
  const gpuUrl = endpoint ? null : `http://127.0.0.1:${gpuPort}/v2/local`;
  const { files, runpodKey } = writeSettings({ stateDir, apiUrl, gpuEndpoint: gpuUrl, env: environment, devVars: !ownSettings });
  environment.WRANGLER_LOG_PATH = path.join(stateDir, "logs");
  await applyMigrations(stateDir, environment, log);

  const parts = [];
  const stop = () => Promise.all(parts.map((part) => part.stop()));
  try {
    if (gpuUrl) {
      const gpu = startPart("gpu-worker", gpuWorker, ["serve", "--port", String(gpuPort)], { ...environment, RUNPOD_API_KEY: runpodKey }, log);
      parts.push(gpu);
      await gpu.until(`gpu-worker listening on ${gpuUrl}`);
    }
    const worker = startPart("worker", ...await wranglerDev({ port, stateDir, files }), environment, log, readable());
    parts.push(worker);
    await worker.untilAnswers(`${apiUrl}/health`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { apiUrl, gpuUrl: gpuUrl ?? endpoint, ended: Promise.race(parts.map((part) => part.ended)), stop };
}

async function wranglerDev({ port, stateDir, files }) {
  return [
    ...wrangler(
      "dev",
      "--ip", "127.0.0.1",
      "--port", String(port),
      "--inspector-port", String(await freePort()),
      "--persist-to", path.join(stateDir, "worker"),
      "--show-interactive-dev-session=false",
      "--log-level", "info",
      ...files.flatMap((file) => ["--env-file", file]),
    ),
  ];
}

/** A program and its arguments: wrangler, under a Node that may run it. */
export function wrangler(...args) {
  return [wranglerNode(), [path.join(NODE_MODULES, "wrangler", "bin", "wrangler.js"), ...args]];
}

// wrangler takes formatDuration to find out that there is nothing to apply.
async function applyMigrations(stateDir, environment, log) {
  const folder = path.join(ROOT, "migrations");
  const files = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".sql")) : [];
  if (files.length === 0) return;
  const applied = path.join(stateDir, "migrations.applied");
  const wanted = digest([folder]);
  if (fs.existsSync(applied) && fs.readFileSync(applied, "utf8") === wanted) return;
  const [command, args] = wrangler("d1", "migrations", "apply", "DB", "--local", "--persist-to", path.join(stateDir, "worker"));
  log("worker", `applying ${files.length} migration(s) to the local database`);
  await run(command, args, { cwd: ROOT, env: environment, step: "applying the migrations to the local database", fix: `mend the migration, or start from an empty database: delete ${stateDir}` });
  fs.writeFileSync(applied, wanted);
}

function startPart(name, command, args, env, log, show = (line) => line) {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const { forget } = endWith(child);
  const lines = [];
  const waiters = new Set();
  const hear = (raw) => {
    const line = show(raw);
    if (line === null) return;
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    log(name, line);
    for (const waiter of waiters) waiter(line);
  };
  const outputs = [eachLine(child.stdout, hear), eachLine(child.stderr, hear)];
  let stopping = false;
  const exit = exitOf(child);
  const ended = exit.then(async ({ code, signal, error }) => {
    await Promise.race([Promise.all(outputs), deadline(500)]);
    return `${name} ${error ? `could not start: ${error.message}` : `ended by itself (${signal ?? `exit code ${code}`})`}`;
  });
  const fail = (sentence) => {
    throw new StepError(`starting ${name}`, { why: [...lines.slice(-15), sentence].join("\n"), fix: "see the last lines above." });
  };
  const died = ended.then((sentence) => fail(sentence));
  died.catch(() => {});
  const inTime = (what) => deadline(READY_MS).then(() => fail(`It did not ${what} within ${READY_MS / 1000} s.`));
  const heard = (text) =>
    new Promise((resolve) => {
      waiters.add((line) => line.includes(text) && resolve());
      if (lines.some((line) => line.includes(text))) resolve();
    });
  return {
    name,
    // A part that is told to stop has not died.
    ended: ended.then((sentence) => (stopping ? new Promise(() => {}) : sentence)),
    until: (text) => Promise.race([heard(text), died, inTime(`print "${text}"`)]),
    // wrangler stays up after an error in a configuration or a build, and waits for it to be mended.
    untilAnswers: (url) =>
      Promise.race([
        answers(url, () => stopping),
        died,
        inTime(`answer ${url}`),
        heard("[ERROR]").then(() => deadline(ERROR_GRACE_MS)).then(() => fail("It reported an error and does not answer.")),
      ]),
    async stop() {
      stopping = true;
      killGroup(child, "SIGTERM");
      await Promise.race([exit, deadline(STOP_MS)]);
      await groupGone(child, Date.now() + LINGER_MS);
      killGroup(child, "SIGKILL");
      await exit;
      forget();
    },
  };
}

async function answers(url, over) {
  while (!over()) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      if (answer.ok) return;
      throw new StepError("starting worker", { why: `${url} answers ${answer.status}: ${(await answer.text()).slice(0, 2_000)}`, fix: "check the settings that the answer names, in the environment and in .dev.vars." });
    } catch (error) {
      if (error instanceof StepError) throw error;
    }
    await pause(POLL_MS);
  }
}

// The leader may be gone a moment before workerd is. Orphans that nobody has buried yet still count
// as there, so this is no wait for certainty: what is left is killed, and state survives that.
async function groupGone(child, until) {
  while (Date.now() < until) {
    try {
      process.kill(-child.pid, 0);
    } catch {
      return;
    }
    await pause(50);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Does not keep this process alive by itself: it ends a wait for something that does.
const deadline = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
