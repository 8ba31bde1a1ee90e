// How every script begins and ends: one place for failures, Ctrl-C and the exit code.
import { interruption } from "./run.mjs";
import { StepError, say } from "./log.mjs";

const CLEAN_UP_MS = 12_000;

/**
 * Runs a script's body and ends the process. When a signal comes, the children are told to stop
 * (run.mjs), the body fails where it waits for them and cleans up behind itself, and nothing of
 * that is reported as a failure.
 */
export async function main(body) {
  const done = body().then(() => null, (error) => error);
  let error = await Promise.race([done, interruption.then(() => "interrupted")]);
  const signal = interruption.signal;
  if (signal) {
    if (error === "interrupted") say("\nStopping ...");
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, CLEAN_UP_MS))]);
    say("Stopped.");
    process.exit(128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal]);
  }
  if (error === null) process.exit();
  if (!(error instanceof StepError)) throw error;
  error.print();
  process.exit(error.exitCode);
}
