// How long an upload waits for its network: longer than a single request, since a phone loses it often.
import { sleep, whileOffline } from "../abort.js";
import { ConnectionError, StorageError } from "../errors.js";
import { retryDelay } from "../retry.js";

/** About a minute. */
const RETRIES = { retries: 6 };
/** How often a URL is signed anew in its place. */
const EXPIRED_MAX = 2;

/** Does again what failed for want of a network or a storage, and not while the device is offline. */
export async function withPatience<T>(signal: AbortSignal | undefined, send: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      signal?.throwIfAborted();
      const delay = isExpired(error) && attempt < EXPIRED_MAX ? 0 : delayAfter(error, attempt);
      if (delay === null) throw error;
      await sleep(delay, signal);
      await whileOffline(signal);
    }
  }
}

/** Whether a URL has expired, such as while a phone slept: another one may do. */
export function isExpired(error: unknown): boolean {
  return error instanceof StorageError && error.status === 403;
}

// What the API itself has answered was tried again before it came here.
function delayAfter(error: unknown, attempt: number): number | null {
  const isNetwork = error instanceof StorageError || error instanceof ConnectionError;
  return isNetwork ? retryDelay(error, attempt, RETRIES) : null;
}
