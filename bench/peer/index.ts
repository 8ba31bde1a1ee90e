// The hot routes of the API as an experienced TypeScript developer writes them: what ours are measured against.
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { z } from "zod";
import { Problem, invalid, json, problem } from "./answers";
import { isOutputOf, presignPut, safeName, urlsExpireAt } from "./bucket";
import { listJobs, writeAudit } from "./database";
import type { Env } from "./env";
import { hasApiKey, verifyToken } from "./keys";
import { createJob, isJobId, listQuery, reports, uploadUrl } from "./schemas";
import type { Spec } from "./state";

export { ExportJob } from "./job";

type App = { Bindings: Env; Variables: { requestId: string } };
const app = new Hono<App>();

const BODY_MAX = 1024 * 1024;

app.use(async (c, next) => {
  c.set("requestId", crypto.randomUUID());
  await next();
});

app.onError((error, c) => {
  const known = error instanceof Problem ? error : new Problem("internal", "An internal error occurred. Try again in a few seconds.");
  if (known.code === "internal") console.error(error);
  return problem(known, c.get("requestId"));
});
app.notFound((c) => problem(new Problem("route_not_found", "No such route. /docs lists all routes."), c.get("requestId")));

const withApiKey = createMiddleware<App>(async (c, next) => {
  if (!hasApiKey(c.env, c.req.header("authorization"))) throw new Problem("unauthorized", "Authentication required: send the API key as `Authorization: Bearer <key>`.");
  await next();
});

async function body<T extends z.ZodType>(request: { header(name: string): string | undefined; text(): Promise<string> }, schema: T): Promise<z.infer<T>> {
  if (!request.header("content-type")?.startsWith("application/json")) throw new Problem("unsupported_media_type", "Send the body as `Content-Type: application/json`.");
  if (Number(request.header("content-length") ?? 0) > BODY_MAX) throw new Problem("body_too_large", "The body is larger than 1 MiB.");
  let value: unknown;
  try {
    value = JSON.parse((await request.text()) || "{}");
  } catch (error) {
    throw new Problem("not_json", `The body is not valid JSON: ${(error as Error).message}.`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error);
  return parsed.data;
}

const jobNotFound = () => new Problem("job_not_found", "Job not found");
const inputExists = () => new Problem("input_exists", "A job with this job_id exists, or its video is uploaded already. Use a new job_id, or leave it out.");

function jobId(id: string): string {
  if (!isJobId(id)) throw jobNotFound();
  return id.toLowerCase();
}

app.get("/health", (c) => json(JSON.stringify({ status: "ok", env: c.env.ENVIRONMENT, version: "peer", runpod: true, api_key: true }), 200, c.get("requestId")));

app.post("/api/videos/upload-url", withApiKey, async (c) => {
  const { filename, content_type, size_bytes, job_id } = await body(c.req, uploadUrl);
  const key = `input/${job_id ?? crypto.randomUUID()}/${safeName(filename)}`;
  if (job_id && ((await c.env.VIDEOS.head(key)) || (await c.env.EXPORT_JOB.getByName(job_id).read()))) throw inputExists();
  const upload_url = await presignPut(c.env, key, content_type, { size: size_bytes ?? undefined });
  c.executionCtx.waitUntil(writeAudit(c.env, c.get("requestId"), "POST /api/videos/upload-url", key, 200));
  return json(JSON.stringify({ upload_url, video_key: key, method: "PUT", headers: { "content-type": content_type }, expires_at: urlsExpireAt() }), 200, c.get("requestId"));
});

app.post("/api/jobs", withApiKey, async (c) => {
  const request = await body(c.req, createJob);
  const id = request.job_id ?? crypto.randomUUID();
  const input = await c.env.VIDEOS.head(request.input_video_key);
  if (!input) {
    const detail = `Video ${request.input_video_key} has not been uploaded. Upload it with POST /api/videos/upload-url first.`;
    throw new Problem("input_not_found", detail, [{ pointer: "/input_video_key", detail: `${request.input_video_key} has not been uploaded` }]);
  }
  const spec: Spec = {
    id, project_id: request.project_id, type: request.type, input_key: request.input_video_key, params: request.params,
    input_version: { etag: input.httpEtag, bytes: input.size }, created_at: Date.now(),
  };
  const created = await c.env.EXPORT_JOB.getByName(id).create(spec);
  if ("refused" in created) throw new Problem("idempotency_conflict", "This job_id or Idempotency-Key was already used for a different request. Use a new one.");
  c.executionCtx.waitUntil(writeAudit(c.env, c.get("requestId"), "POST /api/jobs", id, 201));
  return json(created.body, 201, c.get("requestId"));
});

app.get("/api/jobs", withApiKey, async (c) => {
  const query = listQuery.safeParse(c.req.query());
  if (!query.success) throw invalid(query.error);
  return json(await listJobs(c.env, query.data), 200, c.get("requestId"));
});

app.get("/api/jobs/:id", withApiKey, async (c) => {
  const job = await c.env.EXPORT_JOB.getByName(jobId(c.req.param("id"))).read();
  if (job === null) throw jobNotFound();
  return json(job, 200, c.get("requestId"));
});

app.get("/api/jobs/:id/ws", async (c) => {
  const id = jobId(c.req.param("id"));
  const token = c.req.query("token");
  const owner = hasApiKey(c.env, c.req.header("authorization"));
  const link = !owner && token ? await verifyToken(c.env, "watch", id, token) : null;
  if (!owner && !link) throw new Problem("unauthorized", "This socket needs the API key, or the token of a `websocket_url`.");
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new Problem("upgrade_required", "This endpoint requires a WebSocket upgrade. To poll instead, use GET /api/jobs/{id}.");
  const after = c.req.query("after");
  const query = new URLSearchParams({ ...(after && { after }), ...(link && { link: `${link.attempt}.${link.expiry}` }) });
  return c.env.EXPORT_JOB.getByName(id).fetch(`https://object/?${query}`, { headers: { upgrade: "websocket" } });
});

const REFUSALS = {
  job_not_found: "Job not found",
  stale_attempt: "This attempt has been superseded by a newer one. Stop: its output will not be used.",
  already_claimed: "This attempt is already claimed by another worker. Stop.",
} as const;

async function callback(c: { env: Env; req: any; get(name: "requestId"): string }, id: string, token: string | undefined, kind: string): Promise<Response> {
  if (!Object.hasOwn(reports, kind)) throw new Problem("route_not_found", "No such route. /docs lists all routes.");
  const holder = token ? await verifyToken(c.env, "callback", id, token) : null;
  if (!holder) throw new Problem("bad_token", "Callback rejected: the token in this URL is not valid for this job.");
  const job = c.env.EXPORT_JOB.getByName(id);
  const { attempt } = holder;
  const received = await (async () => {
    switch (kind as keyof typeof reports) {
      case "claim":
        return job.claim(attempt, await body(c.req, reports.claim));
      case "progress":
        return job.progress(attempt, await body(c.req, reports.progress));
      case "error":
        return job.error(attempt, await body(c.req, reports.error));
      case "complete": {
        const report = await body(c.req, reports.complete);
        if (!isOutputOf(id, report.output_video_key)) throw new Problem("invalid_request", `output_video_key must start with output/${id}/.`, [{ pointer: "/output_video_key", detail: `must start with output/${id}/` }]);
        return job.complete(attempt, report);
      }
    }
  })();
  if ("granted" in received) return json(received.granted, 200, c.get("requestId"));
  if ("refused" in received) throw new Problem(received.refused, REFUSALS[received.refused]);
  return json(JSON.stringify({ success: true, ...received }), 200, c.get("requestId"));
}

app.post("/api/jobs/:id/attempt/:kind", (c) => {
  const authorization = c.req.header("authorization");
  const token = authorization?.startsWith("Bearer ") ? authorization.slice(7) : undefined;
  return callback(c, jobId(c.req.param("id")), token, c.req.param("kind"));
});
app.post("/api/jobs/:id/do/:token/:kind", (c) => callback(c, jobId(c.req.param("id")), c.req.param("token"), c.req.param("kind")));

app.post("/api/runpod/webhook/:id/:token", async (c) => {
  const id = jobId(c.req.param("id"));
  const holder = await verifyToken(c.env, "webhook", id, c.req.param("token"));
  if (!holder) throw new Problem("bad_token", "Webhook rejected: the token in this URL is not valid for this job.");
  const received = await c.env.EXPORT_JOB.getByName(id).webhook(holder.attempt);
  return json(JSON.stringify({ success: true, ...received }), 200, c.get("requestId"));
});

export default app;
