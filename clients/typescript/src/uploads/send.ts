// One PUT of bytes to the storage, by a presigned URL, which no error tells. In pages by XMLHttpRequest, since fetch
// does not say how much has been sent; elsewhere by fetch, which tells once all has.
import { StorageError } from "../errors.js";

export interface Put {
  url: string;
  headers: Record<string, string>;
  body: Blob;
  signal?: AbortSignal | undefined;
  /** Bytes that have been sent so far. */
  onSent?: (bytes: number) => void;
}

/** The ETag that the storage answers; null when it does not show it. */
export async function put(request: Put): Promise<string | null> {
  request.signal?.throwIfAborted();
  return typeof XMLHttpRequest === "undefined" ? byFetch(request) : byXhr(request);
}

async function byFetch({ url, headers, body, signal, onSent }: Put): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch(url, { method: "PUT", headers, body, ...(signal && { signal }) });
    // Read to its end, so that the connection can be used again.
    await response.arrayBuffer();
  } catch {
    signal?.throwIfAborted();
    throw unreachable();
  }
  if (!response.ok) throw refused(response.status);
  onSent?.(body.size);
  return response.headers.get("etag");
}

function byXhr({ url, headers, body, signal, onSent }: Put): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onSent?.(loaded);
    request.onabort = () => reject(signal?.reason);
    request.onerror = () => reject(unreachable());
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    request.onload = () => {
      if (request.status < 200 || request.status >= 300) return reject(refused(request.status));
      onSent?.(body.size);
      resolve(request.getResponseHeader("etag"));
    };
    signal?.addEventListener("abort", abort, { once: true });
    request.send(body);
  });
}

// Without the cause: the messages of some runtimes hold the URL.
function unreachable(): StorageError {
  return new StorageError(0, "The connection to the storage broke.");
}

function refused(status: number): StorageError {
  return new StorageError(status, `The storage answered ${status}.`);
}
