// RunPod's queue: submit a job, ask for its status.
import { outputKey } from "./bucket";
import type { Env } from "./env";
import { signToken } from "./keys";
import type { Job, Spec } from "./state";

const EXECUTION_MS = 10 * 60_000;
const QUEUE_MS = 15 * 60_000;
const TOKEN_MS = EXECUTION_MS + QUEUE_MS + 30 * 60_000;

async function call(env: Env, path: string, timeoutMs: number, body?: unknown): Promise<{ status: number; body: any } | null> {
  try {
    const response = await fetch(env.RUNPOD_ENDPOINT + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${env.RUNPOD_API_KEY}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) console.warn(`RunPod ${path.split("/")[1]}: HTTP ${response.status}`);
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch {
    return null;
  }
}

/** RunPod's id of the job, or null when it is not known to have taken it. */
export async function submit(env: Env, spec: Spec, job: Job): Promise<string | null> {
  const expiry = Math.floor((Date.now() + TOKEN_MS) / 1000);
  const [token, hook] = await Promise.all([
    signToken(env, "callback", spec.id, job.attempt, expiry),
    signToken(env, "webhook", spec.id, job.attempt, expiry),
  ]);
  const base = `${env.PUBLIC_URL}/api/jobs/${spec.id}`;
  const reply = await call(env, "/run", 10_000, {
    input: {
      job_id: spec.id,
      attempt: job.attempt,
      type: spec.type,
      input_video_key: spec.input_key,
      output_video_key: outputKey(spec.id, job.attempt),
      params: spec.params,
      callback_url: `${base}/do/${token}`,
      callback: { url: `${base}/attempt`, token },
    },
    webhook: `${env.PUBLIC_URL}/api/runpod/webhook/${spec.id}/${hook}`,
    policy: { executionTimeout: EXECUTION_MS, ttl: EXECUTION_MS + QUEUE_MS },
  });
  return reply && reply.status < 300 && typeof reply.body?.id === "string" ? reply.body.id : null;
}

/** RunPod's word for where the job is, or null. */
export async function status(env: Env, runpodJobId: string): Promise<string | null> {
  const reply = await call(env, `/status/${runpodJobId}`, 3_000);
  if (reply?.status === 404) return "NOT_FOUND";
  return reply && reply.status < 300 && typeof reply.body?.status === "string" ? reply.body.status : null;
}
