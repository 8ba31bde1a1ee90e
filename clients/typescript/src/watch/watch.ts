// Following a job to its end: over a socket if possible, by polling if not.
//
// A socket carries every event, and `?after=N` brings those that were missed while it was closed. While none can be
// opened, the job is polled every two seconds and its stored events are fetched, so that a watcher is told the same.
import { sleep } from "../abort.js";
import type { Jobs } from "../jobs.js";
import { backoff, isTransient } from "../retry.js";
import type { RequestOptions, Transport } from "../transport.js";
import { Cursor, type Decision, type JobEvent, jobOf } from "./cursor.js";
import { JobSocket, type SocketOptions, type WebSocketClass, fitsSubprotocol } from "./socket.js";

export interface WatchOptions extends RequestOptions {
  /** Number of the last event that the caller knows; 0 for all of them. The present state is first when left out. */
  after?: number;
  /** Milliseconds between two polls, where sockets are blocked; 2 s when left out. */
  pollMs?: number;
}

export interface Watched {
  id: string;
  transport: Transport;
  sockets: SocketOptions;
  jobs: Jobs;
}

const POLL_MS = 2_000;
/** Between two sockets that did open. */
const RECONNECT_MAX_MS = 4_000;
/** Between two tries of a socket while polling works. */
const SOCKET_RETRY_MAX_MS = 30_000;
/** How long the API may be unreachable. */
const OFFLINE_MS = 5 * 60_000;

export async function* watchJob(watched: Watched, { after, pollMs = POLL_MS, signal }: WatchOptions): AsyncGenerator<JobEvent, void, undefined> {
  const cursor = new Cursor(after ?? null);
  const options = signal ? { signal } : {};
  const now = Date.now;
  const WebSocket = watched.sockets.WebSocket === undefined ? globalThis.WebSocket : watched.sockets.WebSocket;
  let [lastAnswer, nextSocket, refusedSockets, failures] = [now(), 0, 0, 0];
  for (;;) {
    if (WebSocket && now() >= nextSocket) {
      const outcome = yield* overSocket(WebSocket, watched, cursor, options);
      if (outcome === "ended") return;
      if (outcome === "broken") {
        // The next one is likely to open, too, and brings what was missed.
        [lastAnswer, refusedSockets] = [now(), 0];
        nextSocket = now() + backoff(0, RECONNECT_MAX_MS);
      } else {
        nextSocket = now() + backoff(refusedSockets++, SOCKET_RETRY_MAX_MS);
      }
    }
    try {
      if (yield* byPolling(watched, cursor, options)) return;
      [lastAnswer, failures] = [now(), 0];
      await sleep(WebSocket ? Math.max(0, Math.min(pollMs, nextSocket - now())) : pollMs, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error) || now() - lastAnswer > OFFLINE_MS) throw error;
      await sleep(backoff(failures++, RECONNECT_MAX_MS), signal);
    }
  }
}

/** Tells what one socket says. `refused`: it said nothing. */
async function* overSocket(
  WebSocket: WebSocketClass,
  watched: Watched,
  cursor: Cursor,
  { signal }: RequestOptions,
): AsyncGenerator<JobEvent, "ended" | "broken" | "refused", undefined> {
  signal?.throwIfAborted();
  // Whatever is wrong, the poll that follows says it.
  const socket = await openSocket(WebSocket, watched, cursor).catch(() => null);
  if (!socket) return "refused";
  try {
    for (let outcome: "broken" | "refused" = "refused"; ; outcome = "broken") {
      const received = await socket.next(signal);
      signal?.throwIfAborted();
      if (!received) return outcome;
      const { first, message } = received;
      const decision = first ? cursor.snapshot(jobOf(message)) : cursor.message(message);
      if (decision.action === "reconnect") return "broken";
      if (decision.action === "skip") continue;
      yield decision.event;
      if (decision.action === "end") return "ended";
    }
  } finally {
    socket.close();
  }
}

/** Tells what has happened since the cursor; true when the job has ended. */
async function* byPolling({ id, jobs }: Watched, cursor: Cursor, options: RequestOptions): AsyncGenerator<JobEvent, boolean, undefined> {
  const decisions: Decision[] = [cursor.snapshot(await jobs.get(id, options))];
  if (cursor.isBehind) {
    const { events } = await jobs.events(id, cursor.after ?? 0, options);
    for (const event of events) decisions.push(cursor.message(event));
  }
  for (const decision of decisions) {
    if (!("event" in decision)) continue;
    yield decision.event;
    if (decision.action === "end") return true;
  }
  return false;
}

async function openSocket(WebSocket: WebSocketClass, watched: Watched, cursor: Cursor): Promise<JobSocket> {
  const { id, transport } = watched;
  const token = await socketToken(watched);
  const url = transport.url(`/api/jobs/${encodeURIComponent(id)}/ws`, { after: cursor.after });
  return new JobSocket(WebSocket, url, token);
}

/** The token that a socket offers. In place of one that a subprotocol cannot hold: that of the job's link. */
async function socketToken({ id, jobs, transport }: Watched): Promise<string | null> {
  const token = await transport.token();
  if (token === null || fitsSubprotocol(token)) return token;
  const { websocket_url } = await jobs.get(id);
  return transport.url(websocket_url).searchParams.get("token");
}
