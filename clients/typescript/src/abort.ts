// Waiting that an AbortSignal can stop, and signals that are joined. `AbortSignal.any` and `.timeout` would
// do, but are too young for the browsers that a parent may have.

/** Waits; rejects with the reason of the signal when that is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Waits until a page is online again, where the runtime knows. */
export async function whileOffline(signal?: AbortSignal): Promise<void> {
  if (globalThis.navigator?.onLine !== false) return;
  await new Promise<void>((resolve, reject) => {
    addEventListener("online", () => resolve(), { once: true });
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** A controller that is aborted with any of these signals. `unlink` lets go of them, so that none is kept. */
export function linkedController(...signals: (AbortSignal | undefined)[]): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const links = signals.flatMap((signal) => {
    if (!signal) return [];
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return [() => signal.removeEventListener("abort", abort)];
  });
  return { controller, unlink: () => links.forEach((unlink) => unlink()) };
}
