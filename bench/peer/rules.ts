// How a job moves on. These change the job alone; its object stores it and tells others.
import { type Job, MAX_ATTEMPTS, isRetriedByItself } from "./state";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HEARTBEAT = MINUTE;
const QUEUE_TIMEOUT = 15 * MINUTE;
const EXECUTION_TIMEOUT = 10 * MINUTE;

export const jitter = (ms: number) => ms * (0.75 + Math.random() / 2);
export const backoff = (first: number, tries: number, max: number) => Math.min(first * 2 ** tries, max);
export const hasEnded = ({ phase }: Job) => phase === "complete" || phase === "failed";

/** When the job must be looked at again. */
export function dueAt(job: Job): number {
  if (hasEnded(job)) return Number.POSITIVE_INFINITY;
  if (job.phase === "queued") return Math.min(job.due_at, job.since + QUEUE_TIMEOUT);
  if (job.phase === "rendering") return Math.min(job.due_at, job.since + EXECUTION_TIMEOUT);
  return job.due_at;
}

export const isQueuedTooLong = (job: Job, now: number) => job.phase === "queued" && now - job.since >= QUEUE_TIMEOUT;
export const isRenderedTooLong = (job: Job, now: number) => job.phase === "rendering" && now - job.since >= EXECUTION_TIMEOUT;

export function wantIndex(job: Job): void {
  Object.assign(job.index, { wanted: job.index.wanted + 1, due_at: Date.now(), tries: 0 });
}

/** A GPU worker has the attempt. */
export function begin(job: Job, stage: Job["stage"]): void {
  const now = Date.now();
  if (job.phase !== "rendering") Object.assign(job, { phase: "rendering", since: now, progress: 0 });
  if (job.started_at === null || job.attempt > 1) wantIndex(job);
  job.started_at ??= now;
  Object.assign(job, { stage, message: "Starting the renderer", heard_at: now, due_at: now + HEARTBEAT, tries: 0 });
}

/** The output should be there; it is looked for next. */
export function verify(job: Job, reported: NonNullable<Job["reported"]>): void {
  const now = Date.now();
  Object.assign(job, { phase: "verifying", stage: "verifying", progress: 99, message: "Checking the result", reported, since: now, due_at: now + 2 * SECOND });
}

/** RunPod did not take it. */
export function waitAgain(job: Job): "given up" | "told" | "as before" {
  const changed = job.message !== "Waiting for the render service";
  if (Date.now() - job.since > QUEUE_TIMEOUT) return "given up";
  Object.assign(job, { phase: "waiting", message: "Waiting for the render service", due_at: Date.now() + jitter(backoff(5 * SECOND, job.tries, MINUTE)), tries: job.tries + 1 });
  return changed ? "told" : "as before";
}

export function complete(job: Job, output: NonNullable<Job["output"]>): void {
  const now = Date.now();
  Object.assign(job, { phase: "complete", stage: "done", progress: 100, message: "Export complete", completed_at: now, started_at: job.started_at ?? now, output });
  wantIndex(job);
}

export function fail(job: Job, code: string, sentence: string): void {
  Object.assign(job, { phase: "failed", stage: "done", message: sentence, failure: { code, sentence }, completed_at: Date.now(), runpod_job_id: null });
  wantIndex(job);
}

/** The attempt has failed: another one follows, or the end. Gives which of them. */
export function failAttempt(job: Job, code: string, sentence: string, mayRetry: boolean): "progress" | "error" {
  if (!mayRetry || !isRetriedByItself(code) || job.attempt >= MAX_ATTEMPTS) {
    fail(job, code, sentence);
    return "error";
  }
  const now = Date.now();
  const pause = backoff(2 * SECOND, 2 * (job.attempt - 1), MINUTE);
  Object.assign(job, {
    attempt: job.attempt + 1, phase: "waiting", stage: "queued", progress: 0, message: `Retrying (attempt ${job.attempt + 1}/${MAX_ATTEMPTS}): ${sentence}`,
    runpod_job_id: null, since: now, due_at: now + jitter(pause), tries: 0, reported: null,
  });
  wantIndex(job);
  return "progress";
}
