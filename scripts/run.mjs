// Child processes: one that runs to its end, one that is only asked, and finding a program.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

import { StepError } from "./log.mjs";

// Of a long failure the beginning names the fault (npm), or the end does (cargo, apt-get).
const HEAD_LINES = 8;
const TAIL_LINES = 20;

/** The first `name` on PATH that may be executed, or null. */
export function find(name, env = process.env) {
  for (const dir of (env.PATH ?? "").split(path.delimiter)) {
    if (!dir) continue;
    const file = path.join(dir, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // Not here: look on.
    }
  }
  return null;
}

/** The trimmed stdout of a quick question to a program, or null when it cannot be asked or says no. */
export function capture(command, args, options = {}) {
  const answer = spawnSync(command, args, { encoding: "utf8", timeout: 20_000, stdio: ["ignore", "pipe", "ignore"], ...options });
  return answer.status === 0 ? answer.stdout.trim() : null;
}

/**
 * Runs a program to its end. `show: true` passes its output on, line by line (`"stderr"`: only that);
 * `terminal: true` gives it the terminal itself, for progress bars; else its last lines go into the
 * failure. `onLine` hears every line of stdout. Throws StepError, never returns a code.
 */
export async function run(command, args, { step, fix = "", show = false, terminal = false, onLine, cwd, env = process.env, timeoutMs } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", ...(terminal ? ["inherit", "inherit"] : ["pipe", "pipe"])], detached: true });
  const end = endWith(child);
  const [head, tail] = [[], []];
  let dropped = 0;
  const keep = (stream, sink, listener) =>
    eachLine(stream, (line) => {
      (head.length < HEAD_LINES ? head : tail).push(line);
      if (tail.length > TAIL_LINES) dropped += Boolean(tail.shift());
      listener?.(line);
      if (show === true || (show && sink === process.stderr)) sink.write(`${line}\n`);
    });
  const outputs = terminal ? [] : [keep(child.stdout, process.stdout, onLine), keep(child.stderr, process.stderr)];
  let timedOut = false;
  const timer = timeoutMs && setTimeout(() => { timedOut = true; end.kill("SIGKILL"); }, timeoutMs);
  const { code, signal, error } = await exitOf(child);
  clearTimeout(timer);
  await Promise.all(outputs);
  end.forget();
  if (code === 0) return;
  const name = path.basename(command);
  const verdict = error ? `${name}: ${error.message}` : timedOut ? `${name} did not end within ${timeoutMs / 1000} s` : signal ? `${name} was ended by ${signal}` : `${name} ended with ${code}`;
  throw new StepError(step ?? `${name} ${args.join(" ")}`, { why: [...(show || terminal ? [] : [...head, ...(dropped ? ["..."] : []), ...tail]), verdict].join("\n"), fix });
}

/** How a child ended: `{ code, signal, error }`. */
export function exitOf(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("exit", (code, signal) => resolve({ code, signal, error: null }));
  });
}

/** Calls `listener` for each line of a stream; resolves when the stream has ended. */
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

/** Signals a detached child and everything it started. */
export function killGroup(child, signal) {
  if (!child.pid) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

// Children are leaders of their own groups, so a Ctrl-C on the terminal does not reach them by
// itself. Every group that is alive is listed here, and this process does not go before they do.
const groups = new Set();

/** Lists a detached child to be ended with this process. */
export function endWith(child) {
  groups.add(child);
  return { kill: (signal) => killGroup(child, signal), forget: () => groups.delete(child) };
}

let interrupt;
/** Resolves when this process is told to end; `signal` then names how. */
export const interruption = new Promise((resolve) => { interrupt = resolve; });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A second one means "now": the exit handler below kills what is left.
    if (interruption.signal) process.exit(130);
    interruption.signal = signal;
    for (const child of groups) killGroup(child, "SIGTERM");
    interrupt();
  });
}
process.on("exit", () => {
  for (const child of groups) killGroup(child, "SIGKILL");
});
