// When a request is tried again, and after how long. Pure: no clock, no randomness but what is passed.
import { ApiError, ConnectionError, StorageError } from "./errors.js";

/** How often and how long a request is tried again. */
export interface RetryOptions {
  /** Attempts beside the first; 4 when left out, 0 for none. */
  retries?: number;
  /** The longest wait between two attempts, in milliseconds; 30 s when left out. */
  maxDelayMs?: number;
}

const RETRIES = 4;
const MAX_DELAY_MS = 30_000;
const FIRST_DELAY_MS = 500;

/**
 * Milliseconds until the next attempt after the failed attempt number `attempt` (from 0); null when there is
 * none. What the API says in `Retry-After` is waited out, unless it is longer than the longest wait: a limit
 * of a day is the caller's to know of.
 */
export function retryDelay(error: unknown, attempt: number, options: RetryOptions = {}, random = Math.random): number | null {
  const { retries = RETRIES, maxDelayMs = MAX_DELAY_MS } = options;
  if (attempt >= retries || !isTransient(error)) return null;
  const wished = error instanceof ApiError ? error.retryAfter : null;
  if (wished !== null) return wished * 1000 <= maxDelayMs ? wished * 1000 + jitter(FIRST_DELAY_MS, random) : null;
  return backoff(attempt, maxDelayMs, random);
}

/** Doubles with each attempt; between half and all of that, so that many clients do not come back at once. */
export function backoff(attempt: number, maxDelayMs = MAX_DELAY_MS, random = Math.random): number {
  const full = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** attempt);
  return full / 2 + jitter(full / 2, random);
}

/** Whether the same request may get another answer later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const status = error instanceof ApiError || error instanceof StorageError ? error.status : null;
  if (status === null) return false;
  // The API answers 503 `not_configured` until an operator has changed a setting.
  if (error instanceof ApiError && error.code === "not_configured") return false;
  return status === 408 || status === 429 || status >= 500 || (error instanceof StorageError && status === 0);
}

/** Seconds of a `Retry-After` header, which has a number of them or a date (RFC 9110 10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

function jitter(ms: number, random: () => number): number {
  return ms * random();
}
