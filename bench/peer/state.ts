// A job: what was asked for, where it stands, and how readers see it.
import type { CreateJob } from "./schemas";

export interface Spec {
  id: string;
  project_id: number;
  type: "overlay" | "framing";
  input_key: string;
  input_version: { etag: string; bytes: number };
  params: CreateJob["params"];
  created_at: number;
}

export type Stage = "queued" | "starting" | "downloading" | "rendering" | "uploading" | "verifying" | "done";

export interface Usage { object_rows: number; d1_rows: number; requests: number; alarms: number }

export interface Job {
  attempt: number;
  phase: "waiting" | "submitting" | "queued" | "rendering" | "verifying" | "complete" | "failed";
  stage: Stage;
  progress: number;
  message: string;
  seq: number;
  runpod_job_id: string | null;
  started_at: number | null;
  completed_at: number | null;
  /** Since when it is in this phase, when it was last heard of, and when to act next. */
  since: number;
  heard_at: number;
  due_at: number;
  tries: number;
  kept_at: number;
  reported: { key: string; bytes: number | null; poster: string | null } | null;
  output: { key: string; bytes: number; etag: string; poster: string | null } | null;
  failure: { code: string; sentence: string } | null;
  index: { wanted: number; written: number; due_at: number; tries: number };
  usage: Usage;
}

export const MAX_ATTEMPTS = 3;

export const newJob = (now: number): Job => ({
  attempt: 1, phase: "waiting", stage: "queued", progress: 0, message: "Waiting for a renderer", seq: 1,
  runpod_job_id: null, started_at: null, completed_at: null, since: now, heard_at: now, due_at: now, tries: 0, kept_at: now,
  reported: null, output: null, failure: null,
  index: { wanted: 1, written: 0, due_at: now, tries: 0 },
  usage: { object_rows: 0, d1_rows: 0, requests: 0, alarms: 0 },
});

export const statusOf = ({ phase }: Job) =>
  phase === "complete" ? "complete" : phase === "failed" ? "error" : phase === "rendering" || phase === "verifying" ? "processing" : "pending";

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

export interface Urls { output: string | null; poster: string | null; socket: string }

/** What a reader is shown: all, all without params, or only what a link may show. */
export type Detail = "full" | "message" | "link";
export type MessageType = "status" | "progress" | "complete" | "error";

export function view(spec: Spec, job: Job, urls: Urls, { message, seq, detail, usage }: { message?: MessageType; seq?: number; detail: Detail; usage?: Usage }): string {
  const keys = detail !== "link";
  return JSON.stringify({
    type: message ?? spec.type,
    job_type: message && spec.type,
    seq,
    job_id: spec.id,
    id: spec.id,
    project_id: spec.project_id,
    status: statusOf(job),
    stage: job.stage,
    progress: job.progress,
    message: job.message,
    attempt: job.attempt,
    max_attempts: MAX_ATTEMPTS,
    retry_count: job.attempt - 1,
    input_video_key: keys ? spec.input_key : undefined,
    output_video_key: keys ? (job.output?.key ?? null) : undefined,
    execution_timeout_ms: 600_000,
    output_bytes: job.output?.bytes ?? null,
    output: null,
    output_url: urls.output,
    poster_url: urls.poster,
    params: detail === "full" ? spec.params : undefined,
    error: job.failure?.sentence ?? null,
    error_code: job.failure?.code ?? null,
    retryable: job.failure ? isRetryable(job.failure.code) : null,
    created_at: iso(spec.created_at),
    started_at: iso(job.started_at),
    completed_at: iso(job.completed_at),
    runpod_job_id: keys ? job.runpod_job_id : undefined,
    websocket_url: urls.socket,
    usage,
  });
}

const FINAL = new Set(["cancelled", "invalid_input", "input_changed", "inputs_too_large"]);
const NOT_BY_ITSELF = new Set(["gpu_unreachable", "gpu_unauthorized", "queue_timeout"]);
const KNOWN = new Set([...FINAL, ...NOT_BY_ITSELF, "gpu_error", "gpu_out_of_memory", "execution_timeout", "worker_lost", "output_missing", "internal"]);

export const knownCode = (code: string | null | undefined) => (code && KNOWN.has(code) ? code : "gpu_error");
export const isRetryable = (code: string) => !FINAL.has(code);
export const isRetriedByItself = (code: string) => !FINAL.has(code) && !NOT_BY_ITSELF.has(code);
