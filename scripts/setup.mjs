// Makes the checkout ready for the other commands. It installs what is missing and leaves the rest alone.
// `npm run setup` does only this; every other command begins with it.
//
// This file lists the steps and runs them. setup/system.mjs has the steps that install system packages,
// setup/toolchain.mjs those that install what builds and runs the Worker.
//
// Invariant: a step is ready when its result is on the disk, not because it has run before. So a deleted
// folder, a changed lock file or a new compiler is noticed, and nothing is done twice.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { dim, formatDuration } from "./log.mjs";
import { main } from "./main.mjs";
import { NODE_BIN, TOOLS, TOOLS_BIN } from "./paths.mjs";
import { ffmpeg, fonts, rust } from "./setup/system.mjs";
import { nodeModules, wasmBindgen, wasmEnvironment, wasmTarget, workerBuild } from "./setup/toolchain.mjs";

// A step is `{ name, description, ready(), run() }`. `ready` is quick and changes nothing; `run` throws
// StepError when it fails. Later steps may need earlier ones.
const STEPS = [rust, ffmpeg, fonts, nodeModules, wasmTarget, wasmBindgen, workerBuild];

const LOCK = path.join(TOOLS, "setup.lock");
const LOCK_POLL_MS = 250;

/**
 * Makes the checkout ready, with `extraSteps` for what only some commands need. Returns the environments
 * to run programs in: `native` for cargo, wrangler and the tests, `wasm` for what compiles the Worker.
 */
export async function setUp(extraSteps = []) {
  await runMissing([...STEPS, ...extraSteps]);
  const native = nativeEnvironment();
  return { native, wasm: wasmEnvironment(native) };
}

/** Runs the steps that are not ready, one command at a time in this checkout. */
export async function runMissing(steps, lock = LOCK) {
  const missing = () => steps.filter((step) => !step.ready());
  if (missing().length === 0) return;
  await withLock(lock, async () => {
    // Checked again: another command may have run them while this one waited.
    for (const step of missing()) {
      console.log(`${step.name}: ${dim(step.description)}`);
      const start = Date.now();
      await step.run();
      console.log(`${step.name}: done in ${formatDuration(Date.now() - start)}`);
    }
  });
}

// worker-build downloads its tools unless these variables name them.
function nativeEnvironment() {
  const environment = {
    ...process.env,
    // node_modules/.bin first: wrangler and the scripts it starts need the Node in there.
    PATH: [NODE_BIN, TOOLS_BIN, process.env.PATH].join(path.delimiter),
    WASM_BINDGEN_BIN: path.join(TOOLS_BIN, "wasm-bindgen"),
    WASM_OPT_BIN: path.join(NODE_BIN, "wasm-opt"),
    ESBUILD_BIN: path.join(NODE_BIN, "esbuild"),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
  };
  if (process.stdout.isTTY && !environment.CARGO_TERM_COLOR) environment.CARGO_TERM_COLOR = "always";
  return environment;
}

// The lock is a file that holds the process id of its owner. A lock is stale when that process is gone.
async function withLock(lock, body) {
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  let announced = false;
  while (!acquire(lock)) {
    const owner = readOwner(lock);
    if (owner !== null && !isRunning(owner)) {
      removeStale(lock, owner);
      continue;
    }
    if (!announced) console.log(`Another command (process ${owner ?? "unknown"}) is setting up this checkout. Waiting for it.`);
    announced = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  const release = () => fs.rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    await body();
  } finally {
    process.off("exit", release);
    release();
  }
}

// The file is written first and then linked to its name, so nobody reads a lock without a process id.
function acquire(lock) {
  const own = `${lock}.${process.pid}`;
  fs.writeFileSync(own, `${process.pid}\n`);
  try {
    fs.linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function readOwner(lock) {
  try {
    return Number.parseInt(fs.readFileSync(lock, "utf8"), 10);
  } catch {
    return null;
  }
}

// Two commands may find the same stale lock. The slower one must put back the new lock of the faster one.
function removeStale(lock, owner) {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    fs.renameSync(lock, aside);
    if (readOwner(aside) !== owner) fs.linkSync(aside, lock);
  } catch {
    // The other command was faster. The next `acquire` shows who has the lock.
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const start = Date.now();
    await setUp();
    console.log(`Set-up is complete (${formatDuration(Date.now() - start)}).`);
  });
}
