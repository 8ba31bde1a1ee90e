// Requests to the API: address, token, time limit, retries, and errors made of problem documents. The only module
// that sends any; it knows no route. It never logs, and puts no token into a URL.
import { linkedController, sleep } from "./abort.js";
import { ApiError, AuthenticationError, ConnectionError, NotFoundError, RateLimitError, toApiError } from "./errors.js";
import { type RetryOptions, parseRetryAfter, retryDelay } from "./retry.js";
import type { Problem } from "./types.js";

/** Gives the token of a request, or nothing where the API is open. `refresh`: the one before was refused. */
export type TokenSource = (request: { refresh: boolean }) => string | null | undefined | Promise<string | null | undefined>;

export interface TransportOptions {
  /** Origin of the API, such as `https://exports.example.com`; in a page its own origin when left out. */
  baseUrl?: string;
  /** A token, or a function that is asked before each request, and once more after a 401. */
  token?: string | TokenSource;
  /** For services: the user that they act for. */
  onBehalfOf?: string;
  /** Another `fetch`. */
  fetch?: typeof fetch;
  /** The time limit of one attempt in milliseconds; 60 s when left out. */
  timeoutMs?: number;
  retry?: RetryOptions;
}

export interface RequestOptions {
  signal?: AbortSignal;
}

export interface ApiRequest extends RequestOptions {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Whether the same request may be sent twice; by its method when left out. */
  repeatable?: boolean;
  /** A status beside the 2xx that is an answer and no error. */
  alsoAccept?: number;
}

type Reader<T> = (response: Response) => Promise<T>;

const unread = async (response: Response): Promise<Response> => response;
const TIMEOUT_MS = 60_000;
const IDEMPOTENT = new Set(["GET", "HEAD", "PUT", "DELETE"]);

export class Transport {
  readonly #options: TransportOptions;
  readonly #fetch: typeof fetch;

  constructor(options: TransportOptions) {
    this.#options = options;
    // Called without `this`: a browser's fetch refuses any other than the window.
    const given = options.fetch;
    this.#fetch = given ? (...args) => given(...args) : (...args) => fetch(...args);
  }

  /** The address of a path, for what is not fetched: a socket, a link. */
  url(path: string, query: ApiRequest["query"] = {}): URL {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const base = this.#options.baseUrl ?? page;
    if (base === undefined) throw new TypeError("baseUrl is required outside of a page.");
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  async token(refresh = false): Promise<string | null> {
    const { token } = this.#options;
    return (typeof token === "function" ? await token({ refresh }) : token) ?? null;
  }

  /** The JSON of a 2xx answer. */
  async json<T>(method: string, path: string, request: ApiRequest = {}): Promise<T> {
    return this.#send(method, path, request, async (response) => (await response.json()) as T);
  }

  async text(method: string, path: string, request: ApiRequest = {}): Promise<string> {
    return this.#send(method, path, request, (response) => response.text());
  }

  /** A 2xx answer whose body is still to be read; the time limit ends with its head. */
  async response(method: string, path: string, request: ApiRequest = {}): Promise<Response> {
    return this.#send(method, path, request, unread);
  }

  /** Deletes what the path names. */
  async remove(path: string, request: ApiRequest = {}): Promise<void> {
    let repeated = false;
    try {
      await this.#send("DELETE", path, request, (response) => response.text(), () => (repeated = true));
    } catch (error) {
      // The first request has deleted it, and its answer was lost.
      if (!(repeated && error instanceof NotFoundError)) throw error;
    }
  }

  async #send<T>(method: string, path: string, request: ApiRequest, read: Reader<T>, onRepeat?: () => void): Promise<T> {
    const repeatable = request.repeatable ?? IDEMPOTENT.has(method);
    let [refresh, refreshed] = [false, false];
    for (let attempt = 0; ; ) {
      try {
        return await this.#attempt(method, path, request, refresh, read);
      } catch (error) {
        refresh = error instanceof AuthenticationError && !refreshed && typeof this.#options.token === "function";
        if (refresh) {
          // It has expired, most likely. Nothing was done, so that every request may be sent again.
          refreshed = true;
          continue;
        }
        // Nothing was done of a request over a limit either.
        const delay = repeatable || error instanceof RateLimitError ? retryDelay(error, attempt, this.#options.retry) : null;
        if (delay === null) throw error;
        attempt += 1;
        onRepeat?.();
        await sleep(delay, request.signal);
      }
    }
  }

  async #attempt<T>(method: string, path: string, request: ApiRequest, refresh: boolean, read: Reader<T>): Promise<T> {
    const { signal, body } = request;
    signal?.throwIfAborted();
    const headers = await this.#headers(request, refresh);
    const url = this.url(path, request.query);
    const { controller, unlink } = linkedController(signal);
    const timeout = () => controller.abort(new ConnectionError("timeout", "The API did not answer in time."));
    const timer = setTimeout(timeout, this.#options.timeoutMs ?? TIMEOUT_MS);
    try {
      const init = { method, headers, signal: controller.signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await this.#fetch(url, init);
      if (!response.ok && response.status !== request.alsoAccept) throw await problemOf(response);
      return await read(response);
    } catch (error) {
      unlink();
      // By the caller's signal, or by the time limit.
      if (controller.signal.aborted) throw controller.signal.reason;
      if (error instanceof ApiError) throw error;
      throw new ConnectionError("unreachable", "The API could not be reached.", { cause: error });
    } finally {
      clearTimeout(timer);
      // A body that is read later is still stopped by the caller's signal.
      if (read !== unread) unlink();
    }
  }

  async #headers(request: ApiRequest, refresh: boolean): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: "application/json, */*;q=0.5" };
    const token = await this.token(refresh);
    if (token) headers["authorization"] = `Bearer ${token}`;
    if (this.#options.onBehalfOf !== undefined) headers["on-behalf-of"] = encodeURIComponent(this.#options.onBehalfOf);
    if (request.body !== undefined) headers["content-type"] = "application/json";
    return { ...headers, ...request.headers };
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  // A proxy in between may answer with anything.
  const problem: Partial<Problem> = await response.json().catch(() => ({}));
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  return toApiError(response.status, { request_id: response.headers.get("x-request-id") ?? "", ...problem }, retryAfter);
}
