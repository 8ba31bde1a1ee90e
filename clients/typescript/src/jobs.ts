// Jobs: one method for each route, and the watch.
import { type ApiError, JobFailedError, toApiError } from "./errors.js";
import { itemsOf } from "./pages.js";
import type { RequestOptions, Transport } from "./transport.js";
import type { BatchAnswer, Job, JobCheck, JobEventPage, JobPage, JobQuery, JobRequest, JobSummary } from "./types.js";
import { randomUuid } from "./uuid.js";
import type { JobEvent } from "./watch/cursor.js";
import type { SocketOptions } from "./watch/socket.js";
import { type WatchOptions, watchJob } from "./watch/watch.js";

export interface CreateOptions extends RequestOptions {
  /** Names the request: the same key and body give the same job. A random one when left out. */
  idempotencyKey?: string;
}

/** One job of a batch, or why it was refused. */
export type BatchResult = { job: Job; error: null } | { job: null; error: ApiError };

export class Jobs {
  readonly #transport: Transport;
  readonly #sockets: SocketOptions;

  constructor(transport: Transport, sockets: SocketOptions) {
    this.#transport = transport;
    this.#sockets = sockets;
  }

  /** Creates a job. Always sent with an `Idempotency-Key`, so that a repeated request makes no second job. */
  create(job: JobRequest, { idempotencyKey = randomUuid(), ...options }: CreateOptions = {}): Promise<Job> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#transport.json("POST", "/api/jobs", { ...options, body: job, headers, repeatable: true });
  }

  /** Creates up to fifty, each for itself: one that is refused keeps no other from being created. In the order of `jobs`. */
  async createBatch(jobs: JobRequest[], { idempotencyKey = randomUuid(), ...options }: CreateOptions = {}): Promise<BatchResult[]> {
    const request = { ...options, body: { jobs }, headers: { "idempotency-key": idempotencyKey }, repeatable: true };
    const { results } = await this.#transport.json<BatchAnswer>("POST", "/api/jobs/batch", request);
    return results.map(({ status, job, problem }) => (job ? { job, error: null } : { job: null, error: toApiError(status, problem ?? {}, null) }));
  }

  /** Checks a job as `create` would, and creates nothing. Says what it would make, and about what it would cost. */
  check(job: JobRequest, options: RequestOptions = {}): Promise<JobCheck> {
    return this.#transport.json("POST", "/api/jobs", { ...options, body: job, query: { dry_run: true }, repeatable: true });
  }

  get(id: string, options: RequestOptions = {}): Promise<Job> {
    return this.#transport.json("GET", path(id), options);
  }

  /** One page, newest first. */
  page(query: JobQuery = {}, options: RequestOptions = {}): Promise<JobPage> {
    return this.#transport.json("GET", "/api/jobs", { ...options, query: { ...query } });
  }

  /** Every job that the query finds, newest first: `for await (const job of client.jobs.list())`. */
  list(query: JobQuery = {}, options: RequestOptions = {}): AsyncGenerator<JobSummary, void, undefined> {
    return itemsOf((page) => this.page({ ...query, ...page }, options), ({ jobs }) => jobs, query);
  }

  /** Stops it; `ConflictError` when it has ended otherwise. */
  cancel(id: string, options: RequestOptions = {}): Promise<Job> {
    return this.#transport.json("POST", path(id, "/cancel"), { ...options, repeatable: true });
  }

  /** Starts a failed one over; `ConflictError` when it has not failed. */
  retry(id: string, options: RequestOptions = {}): Promise<Job> {
    return this.#transport.json("POST", path(id, "/retry"), options);
  }

  /** Deletes an ended job with its files. */
  delete(id: string, options: RequestOptions = {}): Promise<void> {
    return this.#transport.remove(path(id), options);
  }

  /** The stored events after number `after`. */
  events(id: string, after = 0, options: RequestOptions = {}): Promise<JobEventPage> {
    return this.#transport.json("GET", path(id, "/events"), { ...options, query: { after } });
  }

  /** WebVTT for a player: which part of the filmstrip shows which moment. */
  filmstrip(id: string, options: RequestOptions = {}): Promise<string> {
    return this.#transport.text("GET", path(id, "/filmstrip.vtt"), options);
  }

  /** Makes every link to the job so far worth nothing. */
  revokeLinks(id: string, options: RequestOptions = {}): Promise<Job> {
    return this.#transport.json("POST", path(id, "/revoke-links"), { ...options, repeatable: true });
  }

  /**
   * Follows a job to its end: what happens to it as it happens, over a socket, or by polling where sockets are
   * blocked. With `after`, first every stored event after that number. Ends with the job's last event.
   */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    return watchJob({ id, transport: this.#transport, sockets: this.#sockets, jobs: this }, options);
  }

  /** The job once it is complete; `JobFailedError` when it ends otherwise. `onEvent` is told what happens before. */
  async wait(id: string, { onEvent, ...options }: WatchOptions & { onEvent?: (event: JobEvent) => void } = {}): Promise<Job> {
    let last: Job | null = null;
    for await (const event of this.watch(id, options)) {
      onEvent?.(event);
      last = event.job;
    }
    if (last?.status !== "complete") throw new JobFailedError(last ?? { job_id: id, error: null, error_code: null, retryable: null });
    return last;
  }
}

function path(id: string, verb = ""): string {
  return `/api/jobs/${encodeURIComponent(id)}${verb}`;
}
