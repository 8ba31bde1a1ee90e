// One socket of a job as an async iterator of messages. It knows the frames and nothing of what they say.
//
// The token is offered as a subprotocol, which a browser can send and which is in no URL.
import type { JobMessage } from "../types.js";

/** What of a WebSocket is used: that of browsers, of Node 22, of Workers, or of the package `ws`. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocket;

export interface SocketOptions {
  /** Another class than the global one; null polls instead. */
  WebSocket?: WebSocketClass | null;
}

/** A message, and whether it is the first: the present state of the job. */
export type Received = { first: boolean; message: JobMessage };

/** Polling begins when it has not opened by then. */
const OPEN_MS = 5_000;
const PING = '{"type":"ping"}';
const PING_MS = 30_000;
/** Two pings and their answers: after this a connection is dead. */
const IDLE_MS = 75_000;
const SUBPROTOCOL = "reel.v1";

export class JobSocket {
  readonly #socket: WebSocket;
  readonly #received: Received[] = [];
  #first = true;
  #closed = false;
  #wake = () => {};
  #idle: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;

  constructor(WebSocket: WebSocketClass, url: URL, token: string | null) {
    this.#socket = new WebSocket(url.href.replace(/^http/, "ws"), token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL]);
    this.#expectWithin(OPEN_MS);
    this.#socket.addEventListener("open", () => {
      // A socket may wait for its job to be created.
      this.#expectWithin(IDLE_MS);
      this.#ping = setInterval(() => this.#socket.send(PING), PING_MS);
    });
    this.#socket.addEventListener("message", ({ data }) => this.#read(data));
    this.#socket.addEventListener("error", () => this.close());
    this.#socket.addEventListener("close", () => this.close());
  }

  /** The next message; null once the socket is closed, by either side or by the signal. */
  async next(signal?: AbortSignal): Promise<Received | null> {
    const abort = () => this.close();
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      while (this.#received.length === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
      return this.#received.shift() ?? null;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Does not wait for the other side, which may take ten seconds. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#idle);
    clearInterval(this.#ping);
    this.#socket.close();
    this.#wake();
  }

  #read(data: unknown): void {
    this.#expectWithin(IDLE_MS);
    const message = parseMessage(data);
    if (!message) return;
    this.#received.push({ first: this.#first, message });
    this.#first = false;
    this.#wake();
  }

  #expectWithin(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), ms);
  }
}

const TYPES = new Set(["status", "progress", "complete", "error"]);

/** Null for a pong, and for whatever a newer API may say. */
export function parseMessage(data: unknown): JobMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message: JobMessage | null = JSON.parse(data);
    return message && TYPES.has(message.type) && typeof message.job_id === "string" ? message : null;
  } catch {
    return null;
  }
}

/** Whether a subprotocol can hold the token (RFC 6455 4.1): an API key in Base64 is none. */
export function fitsSubprotocol(token: string): boolean {
  return /^[\w!#$%&'*+\-.^`|~]+$/.test(token);
}
