// Sending the parts of one upload: several at the same time, each again when it fails, and the first failure that
// remains stops all.
import { linkedController } from "../abort.js";
import { StorageError } from "../errors.js";
import type { MultipartSession } from "./multipart.js";
import { withPatience } from "./patience.js";
import { missingParts } from "./plan.js";
import { put } from "./send.js";
import type { UploadOptions } from "./uploads.js";

const PARALLEL = 4;

/** Sends the parts that are missing, several at the same time. */
export async function sendParts(file: Blob, multipart: MultipartSession, options: UploadOptions): Promise<void> {
  const { onProgress, parallel = PARALLEL } = options;
  const { part_size, size_bytes } = multipart.layout;
  const missing = missingParts(size_bytes, part_size, multipart.etags);
  let sentWhole = size_bytes - missing.reduce((sum, { start, end }) => sum + end - start, 0);
  const sending = new Map<number, number>();
  const tell = () => onProgress?.({ sent: sentWhole + [...sending.values()].reduce((sum, sent) => sum + sent, 0), total: size_bytes });
  tell();
  // The first failure stops the others.
  const { controller, unlink } = linkedController(options.signal);
  const { signal } = controller;
  const sendNext = async () => {
    for (let part = missing.shift(); part; part = missing.shift()) {
      const { number, start, end } = part;
      const onSent = (sent: number) => {
        sending.set(number, sent);
        tell();
      };
      const body = file.slice(start, end);
      const etag = await withPatience(signal, () => sendPart(multipart, { number, body, signal, onSent }));
      sending.delete(number);
      sentWhole += end - start;
      multipart.arrived(number, etag);
    }
  };
  const sendUntilFailure = () =>
    sendNext().catch((error: unknown) => {
      controller.abort(error);
      throw error;
    });
  try {
    await Promise.all(Array.from({ length: Math.max(1, parallel) }, sendUntilFailure));
  } finally {
    unlink();
    // So that a resumed upload knows of every part that has arrived.
    await multipart.told();
  }
}

interface PartToSend {
  number: number;
  body: Blob;
  signal?: AbortSignal | undefined;
  onSent: (sent: number) => void;
}

/** Sends one part by a URL that is used once. Gives its ETag. */
export async function sendPart(multipart: MultipartSession, { number, body, signal, onSent }: PartToSend): Promise<string> {
  const url = await multipart.urlOf(number);
  try {
    const etag = await put({ url, headers: {}, body, signal, onSent });
    if (etag) return etag;
    // Tried again it would be no better.
    throw new StorageError(200, "The storage does not expose the ETag header. Add it to `exposeHeaders` in the CORS rule of the bucket.");
  } finally {
    multipart.forgetUrl(number);
  }
}
