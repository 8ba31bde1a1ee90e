// The Durable Object of one job: RPC for the Worker, SQLite for state and events, one alarm, hibernating sockets.
import { DurableObject } from "cloudflare:workers";
import { isOutputOf, outputKey, posterKey, presignGet, presignPut } from "./bucket";
import { upsertJob } from "./database";
import type { Env } from "./env";
import { signToken } from "./keys";
import * as rules from "./rules";
import { HEARTBEAT, MINUTE, SECOND, backoff, hasEnded, jitter } from "./rules";
import * as runpod from "./runpod";
import type { Claim, Complete, Failure, Progress } from "./schemas";
import { type Detail, type Job, type MessageType, type Spec, type Urls, knownCode, newJob, view } from "./state";

const PERSIST_EVERY = 10 * SECOND;
const LINK_LIFETIME = 60 * MINUTE;
const LINK_KEPT = 5 * MINUTE;
const SOCKETS_MAX = 1000;
const PING = new WebSocketRequestResponsePair('{"type":"ping"}', '{"type":"pong"}');

const SCHEMA = `CREATE TABLE sheet (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)`;

export type Created = { body: string } | { refused: "idempotency_conflict" };
export type Received = { applied: boolean; retrying?: boolean } | { refused: "job_not_found" | "stale_attempt" | "already_claimed" };

export class ExportJob extends DurableObject<Env> {
  private sql = this.ctx.storage.sql;
  private spec!: Spec;
  private job: Job | null = null;
  /** When the alarm fires; undefined until storage was asked. */
  private alarmAt: number | null | undefined;
  private link: { token: string; madeAt: number } | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (this.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'sheet'").toArray().length === 0) return;
    const [order, job] = this.sql.exec<{ body: string }>("SELECT body FROM sheet ORDER BY name DESC").toArray();
    this.spec = JSON.parse(order.body);
    this.job = JSON.parse(job.body);
  }

  // ---- What the Worker calls.

  async create(spec: Spec): Promise<Created> {
    await this.loadAlarm();
    if (this.job) {
      const same = (a: Spec, b: Spec) => a.project_id === b.project_id && a.type === b.type && a.input_key === b.input_key && JSON.stringify(a.params) === JSON.stringify(b.params);
      if (!same(this.spec, spec)) return { refused: "idempotency_conflict" };
      return { body: await this.resource() };
    }
    const job = newJob(spec.created_at);
    this.ctx.storage.transactionSync(() => {
      this.sql.exec(SCHEMA);
      job.usage.object_rows += 5;
      this.sql.exec("INSERT INTO sheet (name, body) VALUES ('order', ?), ('job', ?)", JSON.stringify(spec), JSON.stringify(job));
      this.sql.exec("INSERT INTO events (seq, body) VALUES (?, ?)", job.seq, this.event("status", job));
    });
    this.spec = spec;
    this.job = job;
    job.usage.requests++;
    this.schedule();
    for (const socket of this.ctx.getWebSockets()) await this.greet(socket);
    return { body: await this.resource() };
  }

  /** The job as JSON text, or null when there is none. */
  async read(): Promise<string | null> {
    if (!this.job) return null;
    this.job.usage.requests++;
    return this.resource();
  }

  async claim(attempt: number, report: Claim): Promise<Received | { granted: string }> {
    const refusal = this.refusal(attempt);
    if (refusal) return refusal;
    await this.loadAlarm();
    const job = this.job!;
    if (job.phase === "verifying") return { refused: "already_claimed" };
    const other = job.runpod_job_id && report.runpod_job_id && job.runpod_job_id !== report.runpod_job_id;
    if (job.phase === "rendering" && other && Date.now() - job.heard_at < HEARTBEAT) return { refused: "already_claimed" };
    if (report.runpod_job_id) job.runpod_job_id = report.runpod_job_id;
    rules.begin(job, "starting");
    this.commit("progress");
    return { granted: await this.grant(report.conditional_put === true) };
  }

  async progress(attempt: number, report: Progress): Promise<Received> {
    const refusal = this.refusal(attempt);
    if (refusal) return refusal;
    const job = this.job!;
    if (job.phase === "verifying") return { applied: false };
    if (this.alarmAt === undefined) await this.loadAlarm();
    const now = Date.now();
    const before = { stage: job.stage, progress: job.progress, message: job.message };
    const begins = job.phase !== "rendering";
    if (begins) rules.begin(job, report.stage ?? "starting");
    job.heard_at = now;
    job.due_at = now + HEARTBEAT;
    job.tries = 0;
    job.progress = Math.max(job.progress, Math.min(99, Math.floor(Math.max(0, report.progress))));
    job.stage = report.stage ?? job.stage;
    job.message = report.message ?? job.message;
    if (begins || job.stage !== before.stage) {
      this.commit("progress");
    } else {
      if (Math.abs(now - job.kept_at) >= PERSIST_EVERY) this.keep();
      if (job.progress !== before.progress || job.message !== before.message) this.broadcast("progress");
    }
    return { applied: true, retrying: false };
  }

  async complete(attempt: number, report: Complete): Promise<Received> {
    const refusal = this.refusal(attempt);
    if (refusal) return refusal;
    await this.loadAlarm();
    const job = this.job!;
    if (job.phase === "verifying" && job.reported?.key === report.output_video_key) return { applied: false };
    const poster = report.poster_key && isOutputOf(this.spec.id, report.poster_key) ? report.poster_key : null;
    rules.verify(job, { key: report.output_video_key, bytes: report.output_bytes ?? null, poster });
    this.commit("progress");
    await this.checkOutput("output_missing");
    return { applied: true, retrying: this.job!.attempt !== attempt };
  }

  async error(attempt: number, report: Failure): Promise<Received> {
    const refusal = this.refusal(attempt);
    if (refusal) return refusal;
    await this.loadAlarm();
    const code = knownCode(report.error_code);
    this.commit(rules.failAttempt(this.job!, code, report.error || "The renderer failed; try the export again.", report.should_retry !== false));
    return { applied: true, retrying: this.job!.attempt !== attempt };
  }

  async webhook(attempt: number): Promise<Received> {
    const refusal = this.refusal(attempt);
    if (refusal) return "applied" in refusal ? refusal : { applied: false };
    await this.loadAlarm();
    if (this.job!.phase === "queued" || this.job!.phase === "rendering") {
      this.job!.due_at = Date.now();
      this.schedule();
    }
    return { applied: true };
  }

  // ---- Sockets.

  async fetch(request: Request): Promise<Response> {
    if (this.ctx.getWebSockets().length >= SOCKETS_MAX) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    const query = new URL(request.url).searchParams;
    const [after, link] = [query.get("after"), query.get("link")];
    this.ctx.acceptWebSocket(server, [link ? `link:${link}` : "owner"]);
    this.ctx.setWebSocketAutoResponse(PING);
    if (this.job) await this.greet(server, after === null ? undefined : Number(after));
    else setTimeout(() => this.job || server.close(4404, "Job not found"), 30 * SECOND);
    return new Response(null, { status: 101, webSocket: client });
  }

  async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (message === "ping") return socket.send("pong");
    if (typeof message !== "string" || !this.job) return;
    let type: unknown;
    try {
      type = JSON.parse(message)?.type;
    } catch {
      return;
    }
    if (type === "ping") socket.send('{"type":"pong"}');
    if (type === "subscribe") await this.greet(socket);
  }

  webSocketClose(socket: WebSocket, code: number): void {
    socket.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code, "");
  }

  /** Sends the whole job, then the stored events that the client has not had. */
  private async greet(socket: WebSocket, after?: number): Promise<void> {
    const job = this.job!;
    const ended = hasEnded(job);
    const missed = this.sql.exec<{ body: string }>("SELECT body FROM events WHERE seq > ? ORDER BY seq", after ?? (ended ? job.seq - 1 : job.seq)).toArray();
    const detail = this.detailOf(socket);
    const urls = await this.urls(job);
    socket.send(view(this.spec, job, urls, { message: "status", seq: job.seq, detail: detail === "link" ? "link" : "full", usage: detail === "link" ? undefined : job.usage }));
    for (const { body } of missed) {
      const { type, job: then } = JSON.parse(body) as { type: MessageType; job: Job };
      socket.send(view(this.spec, then, then.output ? urls : { ...urls, output: null, poster: null }, { message: type, seq: then.seq, detail }));
    }
    if (ended) socket.close(1000, "the job has ended");
  }

  private detailOf(socket: WebSocket): Detail {
    return this.ctx.getTags(socket)[0] === "owner" ? "message" : "link";
  }

  /** Tells every socket; each text is written once for all who read alike. */
  private broadcast(message: MessageType, seq?: number): void {
    const sockets = this.ctx.getWebSockets();
    if (sockets.length === 0) return;
    const ended = hasEnded(this.job!);
    const send = (job: Job, urls: Urls) => {
      const texts: Partial<Record<Detail, string>> = {};
      for (const socket of sockets) {
        const detail = this.detailOf(socket);
        try {
          socket.send((texts[detail] ??= view(this.spec, job, urls, { message, seq, detail })));
          if (ended) socket.close(1000, "the job has ended");
        } catch {
          // It is closing: its client reconnects with its cursor.
        }
      }
    };
    // Nothing to wait for is the usual case, and keeps the order of messages.
    if (!this.job!.output && this.freshLink()) return send(this.job!, { output: null, poster: null, socket: this.socketUrl() });
    const job = structuredClone(this.job!);
    this.ctx.waitUntil(this.urls(job).then((urls) => send(job, urls)));
  }

  // ---- Time.

  async alarm(): Promise<void> {
    this.alarmAt = null;
    if (!this.job) return;
    this.job.usage.alarms++;
    try {
      await this.act();
    } catch (error) {
      console.error("alarm", this.spec.id, error);
      this.setAlarm(Date.now() + 5 * SECOND);
      return;
    }
    this.schedule();
  }

  /** Does what is due, side by side. */
  private async act(): Promise<void> {
    const job = this.job!;
    const now = Date.now();
    const work: Promise<unknown>[] = [];
    if (rules.dueAt(job) <= now) {
      if (job.phase === "waiting") {
        job.phase = "submitting";
        job.due_at = now + 20 * SECOND;
        this.keep();
        work.push(this.submit());
      } else if (job.phase === "submitting") {
        this.waitAgain();
      } else if (rules.isQueuedTooLong(job, now)) {
        this.fail("queue_timeout", "No renderer became available in time. Try the export again later.");
      } else if (rules.isRenderedTooLong(job, now)) {
        this.expectOutput();
        work.push(this.checkOutput("execution_timeout"));
      } else if (job.phase === "queued" || job.phase === "rendering") {
        work.push(this.poll());
      } else if (job.phase === "verifying") {
        work.push(this.checkOutput("output_missing"));
      }
    }
    if (job.index.wanted > job.index.written && job.index.due_at <= now) work.push(this.writeIndex());
    await Promise.all(work);
  }

  private async submit(): Promise<void> {
    const { attempt } = this.job!;
    const id = await runpod.submit(this.env, this.spec, this.job!);
    const job = this.job!;
    if (job.attempt !== attempt) return;
    if (id && !job.runpod_job_id) job.runpod_job_id = id;
    if (job.phase !== "submitting") return this.keep();
    if (!id) return this.waitAgain();
    const now = Date.now();
    Object.assign(job, { phase: "queued", since: now, due_at: now + 30 * SECOND, tries: 0 });
    this.commit("status");
  }

  private waitAgain(): void {
    const waits = rules.waitAgain(this.job!);
    if (waits === "given up") this.fail("gpu_unreachable", "The render service could not be reached; try the export again in a few minutes.");
    else if (waits === "told") this.commit("status");
    else this.keep();
  }

  private async poll(): Promise<void> {
    const { attempt, runpod_job_id: id, tries } = this.job!;
    this.job!.due_at = Date.now() + jitter(backoff(10 * SECOND, tries, MINUTE));
    this.job!.tries++;
    if (!id) return;
    const word = await runpod.status(this.env, id);
    const job = this.job!;
    if (job.attempt !== attempt || (job.phase !== "queued" && job.phase !== "rendering")) return;
    if (word === "NOT_FOUND" && job.phase === "queued" && Date.now() - job.since < 150 * SECOND) return;
    const lost = { COMPLETED: "output_missing", FAILED: "gpu_error", CANCELLED: "worker_lost", TIMED_OUT: "execution_timeout", NOT_FOUND: "worker_lost" }[word ?? ""];
    if (lost) {
      this.expectOutput();
      await this.checkOutput(lost);
    } else if (job.phase === "queued" && word === "IN_PROGRESS") {
      rules.begin(job, "starting");
      this.commit("progress");
    }
  }

  private async writeIndex(): Promise<void> {
    const { index } = this.job!;
    const version = index.wanted;
    index.due_at = Date.now() + jitter(backoff(5 * SECOND, index.tries, MINUTE));
    try {
      this.job!.usage.d1_rows += await upsertJob(this.env, this.spec, this.job!, version);
      index.written = Math.max(index.written, version);
      index.tries = 0;
      index.due_at = Date.now();
      this.keep();
    } catch (error) {
      index.tries++;
      console.error("index", this.spec.id, error);
    }
  }

  // ---- Transitions.

  private refusal(attempt: number): Received | null {
    if (!this.job) return { refused: "job_not_found" };
    this.job.usage.requests++;
    if (hasEnded(this.job)) return { applied: false };
    return attempt === this.job.attempt ? null : { refused: "stale_attempt" };
  }

  /** Looks for an output that no report has described. */
  private expectOutput(): void {
    rules.verify(this.job!, { key: outputKey(this.spec.id, this.job!.attempt), bytes: null, poster: null });
    this.commit("progress");
  }

  private async checkOutput(otherwise: string): Promise<void> {
    const { reported, attempt } = this.job!;
    if (!reported) return;
    const poster = reported.poster ?? posterKey(this.spec.id, attempt);
    const [output, picture] = await Promise.all([this.env.VIDEOS.head(reported.key), this.env.VIDEOS.head(poster)]);
    const job = this.job!;
    if (job.phase !== "verifying" || job.reported?.key !== reported.key) return;
    if (!output || output.size === 0 || (reported.bytes !== null && reported.bytes !== output.size)) {
      return this.commit(rules.failAttempt(job, otherwise, "The renderer finished but produced no video. Try the export again.", true));
    }
    rules.complete(job, { key: reported.key, bytes: output.size, etag: output.httpEtag, poster: picture && picture.size > 0 ? poster : null });
    this.commit("complete");
  }

  private fail(code: string, sentence: string): void {
    rules.fail(this.job!, code, sentence);
    this.commit("error");
  }

  // ---- Storage.

  private event = (type: MessageType, job: Job) => JSON.stringify({ type, job });

  /** State and event in one transaction; then the alarm and the sockets. */
  private commit(type: MessageType): void {
    const job = this.job!;
    job.seq++;
    job.kept_at = Date.now();
    job.usage.object_rows += 2;
    this.ctx.storage.transactionSync(() => {
      this.sql.exec("UPDATE sheet SET body = ? WHERE name = 'job'", JSON.stringify(job));
      this.sql.exec("INSERT INTO events (seq, body) VALUES (?, ?)", job.seq, this.event(type, job));
    });
    this.schedule();
    this.broadcast(type, job.seq);
  }

  private keep(): void {
    const job = this.job!;
    job.kept_at = Date.now();
    job.usage.object_rows++;
    this.sql.exec("UPDATE sheet SET body = ? WHERE name = 'job'", JSON.stringify(job));
    this.schedule();
  }

  private async loadAlarm(): Promise<void> {
    if (this.alarmAt === undefined) this.alarmAt = await this.ctx.storage.getAlarm();
  }

  /** Sets the alarm unless an earlier one will fire: each setting is a written row. */
  private schedule(): void {
    const { index } = this.job!;
    const at = Math.min(rules.dueAt(this.job!), index.wanted > index.written ? index.due_at : Number.POSITIVE_INFINITY);
    if (at === Number.POSITIVE_INFINITY || (this.alarmAt != null && this.alarmAt <= at)) return;
    this.setAlarm(at);
  }

  private setAlarm(at: number): void {
    this.alarmAt = at;
    this.job!.usage.object_rows++;
    void this.ctx.storage.setAlarm(at);
  }

  // ---- Views.

  private async resource(): Promise<string> {
    const job = this.job!;
    return view(this.spec, job, await this.urls(job), { seq: job.seq, detail: "full", usage: job.usage });
  }

  private freshLink = () => this.link !== null && Date.now() - this.link.madeAt < LINK_KEPT;
  private socketUrl = () => `/api/jobs/${this.spec.id}/ws?token=${this.link!.token}`;

  private async urls({ output }: Job): Promise<Urls> {
    if (!this.freshLink()) {
      const madeAt = Date.now();
      this.link = { madeAt, token: await signToken(this.env, "watch", this.spec.id, 0, Math.floor((madeAt + LINK_LIFETIME) / 1000)) };
    }
    if (!output) return { output: null, poster: null, socket: this.socketUrl() };
    const [video, poster] = await Promise.all([
      presignGet(this.env, output.key, `${this.spec.type}-${this.spec.id}.mp4`),
      output.poster && presignGet(this.env, output.poster),
    ]);
    return { output: video, poster: poster || null, socket: this.socketUrl() };
  }

  /** What a GPU worker needs for its attempt. */
  private async grant(once: boolean): Promise<string> {
    const { id, type, params, input_key, input_version } = this.spec;
    const { attempt } = this.job!;
    const put = async (key: string, content_type: string) => ({ url: await presignPut(this.env, key, content_type, { once }), key, content_type, if_none_match: once ? "*" : undefined });
    const [input_url, output, poster] = await Promise.all([
      presignGet(this.env, input_key),
      put(outputKey(id, attempt), "video/mp4"),
      put(posterKey(id, attempt), "image/jpeg"),
    ]);
    return JSON.stringify({ applied: true, job_id: id, attempt, type, params, input_url, input_version, execution_timeout_ms: 600_000, output, poster });
  }
}
