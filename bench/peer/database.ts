// The index of jobs and the audit log, in D1: the tables of ours.
import { presignGet } from "./bucket";
import type { Env } from "./env";
import type { ListQuery } from "./schemas";
import { type Job, type Spec, isRetryable, statusOf } from "./state";

const UPSERT = `INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, output_video_key, output_bytes,
    poster_key, error, error_code, created_at, started_at, completed_at, version, further_inputs, owner)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, NULL, NULL)
  ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt, output_video_key = excluded.output_video_key,
    output_bytes = excluded.output_bytes, poster_key = excluded.poster_key, error = excluded.error, error_code = excluded.error_code,
    started_at = excluded.started_at, completed_at = excluded.completed_at, version = excluded.version
  WHERE excluded.version > export_jobs.version`;

/** Brings a job's row up to a version; gives the rows written. */
export async function upsertJob(env: Env, spec: Spec, job: Job, version: number): Promise<number> {
  const { meta } = await env.DB.prepare(UPSERT)
    .bind(spec.id, spec.project_id, spec.type, statusOf(job), job.attempt, spec.input_key, job.output?.key ?? null, job.output?.bytes ?? null,
      job.output?.poster ?? null, job.failure?.sentence ?? null, job.failure?.code ?? null, spec.created_at, job.started_at, job.completed_at, version)
    .run();
  return meta.rows_written;
}

export async function writeAudit(env: Env, requestId: string, route: string, target: string, status: number): Promise<void> {
  await env.DB.prepare("INSERT INTO audit (at, request_id, caller, owner, route, target, status) VALUES (?1, ?2, 'service', NULL, ?3, ?4, ?5)")
    .bind(Date.now(), requestId, route, target, status)
    .run();
}

interface Row {
  id: string; project_id: number; type: string; status: string; attempt: number; input_video_key: string;
  output_video_key: string | null; output_bytes: number | null; poster_key: string | null; error: string | null;
  error_code: string | null; created_at: number; started_at: number | null; completed_at: number | null;
}

const COLUMNS = "id, project_id, type, status, attempt, input_video_key, output_video_key, output_bytes, poster_key, error, error_code, created_at, started_at, completed_at";

/** A page of jobs, newest first. */
export async function listJobs(env: Env, query: ListQuery): Promise<string> {
  const where: string[] = [];
  const values: (string | number)[] = [];
  for (const column of ["project_id", "status", "type"] as const) {
    const value = query[column];
    if (value === undefined) continue;
    where.push(`${column} = ?`);
    values.push(value);
  }
  if (query.cursor) {
    const [createdAt, id] = query.cursor.split("_");
    where.push("(created_at, id) < (?, ?)");
    values.push(Number(createdAt), id);
  }
  const sql = `SELECT ${COLUMNS} FROM export_jobs ${where.length ? `WHERE ${where.join(" AND ")}` : ""} ORDER BY created_at DESC, id DESC LIMIT ?`;
  const { results } = await env.DB.prepare(sql).bind(...values, query.limit + 1).all<Row>();
  const rows = results.slice(0, query.limit);
  const last = results.length > query.limit ? rows.at(-1) : undefined;
  const jobs = await Promise.all(rows.map((row) => shown(env, row)));
  return JSON.stringify({ jobs, next_cursor: last ? `${last.created_at}_${last.id}` : null });
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

async function shown(env: Env, row: Row) {
  return {
    type: row.type,
    job_id: row.id,
    id: row.id,
    project_id: row.project_id,
    status: row.status,
    attempt: row.attempt,
    retry_count: row.attempt - 1,
    input_video_key: row.input_video_key,
    output_video_key: row.output_video_key,
    output_bytes: row.output_bytes,
    poster_url: row.poster_key ? await presignGet(env, row.poster_key) : null,
    error: row.error,
    error_code: row.error_code,
    retryable: row.error_code ? isRetryable(row.error_code) : null,
    created_at: iso(row.created_at),
    started_at: iso(row.started_at),
    completed_at: iso(row.completed_at),
  };
}
