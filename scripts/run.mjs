// Starts programs: one that runs to its end, one whose output is the result, one that runs beside the script.
//
// Invariant: no program outlives the script that started it. Each leads a process group of its own, so
// Ctrl-C on the terminal does not reach it; the script passes the signal on to all groups instead.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

import { StepError } from "./log.mjs";

// The cause of a long failure is in its first lines (npm) or in its last (cargo, apt-get).
const HEAD_LINES = 8;
const TAIL_LINES = 20;

/** The path of the first executable `name` on PATH, or null. */
export function find(name) {
  for (const folder of (process.env.PATH ?? "").split(path.delimiter).filter(Boolean)) {
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** The trimmed stdout of a quick program, or null when it cannot be started or fails. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", timeout: 20_000, stdio: ["ignore", "pipe", "ignore"], ...options });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * Runs a program to its end, and throws StepError when it fails.
 *
 * Its output goes into the error, or is printed: all of it with `show: true`, only stderr with
 * `show: "stderr"`. `terminal: true` gives it the terminal, for progress bars. `onLine` gets every line
 * of stdout.
 */
export async function run(command, args, { step, fix, show = false, terminal = false, onLine, cwd, env, timeoutMs }) {
  const group = startGroup(command, args, { cwd, env, stdio: ["ignore", ...(terminal ? ["inherit", "inherit"] : ["pipe", "pipe"])] });
  const [head, tail] = [[], []];
  let cut = false;
  const read = (stream, printTo, listener) =>
    eachLine(stream, (line) => {
      (head.length < HEAD_LINES ? head : tail).push(line);
      if (tail.length > TAIL_LINES) {
        tail.shift();
        cut = true;
      }
      listener?.(line);
      if (printTo) printTo.write(`${line}\n`);
    });
  const outputs = terminal ? [] : [read(group.child.stdout, show === true && process.stdout, onLine), read(group.child.stderr, show && process.stderr)];
  let timedOut = false;
  const timer = timeoutMs && setTimeout(() => { timedOut = true; group.kill("SIGKILL"); }, timeoutMs);
  const { code, signal, error } = await group.exit;
  clearTimeout(timer);
  await Promise.all(outputs);
  group.forget();
  if (code === 0) return;

  const name = path.basename(command);
  const output = show || terminal ? [] : [...head, ...(cut ? ["..."] : []), ...tail];
  let outcome = `${name} failed with exit code ${code}`;
  if (error) outcome = error.code === "ENOENT" ? `${command} is not installed or not on PATH` : `${name} did not start: ${error.message}`;
  else if (timedOut) outcome = `${name} did not finish within ${timeoutMs / 1000} s`;
  else if (signal) outcome = `${name} was stopped by ${signal}`;
  throw new StepError(step, { why: [...output, outcome].join("\n"), fix });
}

/**
 * Starts a program with its own process group. Returns
 * - `child`: the child process;
 * - `exit`: resolves with `{ code, signal, error }` when the program ends;
 * - `kill(signal)`: signals the program and all that it started; false when nothing of them is left;
 * - `forget()`: ends the care for the group, which until then is killed when this process ends.
 */
export function startGroup(command, args, options) {
  const child = spawn(command, args, { ...options, detached: true });
  const kill = (signal) => {
    try {
      return Boolean(child.pid) && process.kill(-child.pid, signal);
    } catch {
      return false;
    }
  };
  const exit = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("exit", (code, signal) => resolve({ code, signal, error: null }));
  });
  runningGroups.add(kill);
  return { child, exit, kill, forget: () => runningGroups.delete(kill) };
}

/** Calls `listener` for each line of a stream. Resolves when the stream has ended. */
export function eachLine(stream, listener) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach(listener);
  });
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (rest) listener(rest);
      resolve();
    });
  });
}

const runningGroups = new Set();

let interrupted = false;

/** Resolves with `{ signal }` when this process is told to end. */
export const interruption = new Promise((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // The second signal means "now": the handler of "exit" kills what is left.
      if (interrupted) process.exit(130);
      interrupted = true;
      for (const kill of runningGroups) kill("SIGTERM");
      resolve({ signal });
    });
  }
});

process.on("exit", () => {
  for (const kill of runningGroups) kill("SIGKILL");
});
