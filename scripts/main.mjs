// The beginning and end of every script: errors, Ctrl-C and the exit code.
import os from "node:os";

import { StepError } from "./log.mjs";
import { interruption } from "./run.mjs";

const CLEAN_UP_TIMEOUT_MS = 12_000;

/**
 * Runs the body of a script and ends the process. After a signal the programs that the body waits for
 * are stopped (run.mjs), so the body fails and cleans up. That failure is not reported.
 */
export async function main(body) {
  const done = body().then(() => ({}), (error) => ({ error }));
  const { signal, error } = await Promise.race([interruption, done]);
  if (signal) {
    console.log("\nStopping ...");
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, CLEAN_UP_TIMEOUT_MS))]);
    console.log("Stopped.");
    process.exit(128 + os.constants.signals[signal]);
  }
  if (!error) process.exit();
  if (!(error instanceof StepError)) throw error;
  error.print();
  process.exit(1);
}
