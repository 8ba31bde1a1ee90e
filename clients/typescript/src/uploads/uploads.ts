// `uploads.upload`: a file by one PUT or in parts, with progress, and resumed where it stopped.
//
// Invariant: no step relies on this process living on. What is not confirmed is sent again, at worst.
import { ApiError, AuthenticationError } from "../errors.js";
import { isTransient } from "../retry.js";
import type { RequestOptions, Transport } from "../transport.js";
import type { MultipartRequest, MultipartUpload, UploadTarget, UploadUrlRequest, UploadedVideo } from "../types.js";
import { Memory, type UploadSession, type UploadStorage, fingerprint } from "./memory.js";
import { MultipartSession, type PartLayout } from "./multipart.js";
import { sendParts } from "./parts.js";
import { isExpired, withPatience } from "./patience.js";
import { partBytes } from "./plan.js";
import { put } from "./send.js";

export interface UploadProgress {
  /** Bytes that have been sent, those of an earlier session included. */
  sent: number;
  total: number;
}

export interface UploadOptions extends RequestOptions {
  /** The name of the file; that of a `File` when left out. */
  filename?: string;
  /** The type of the file; what the browser says of it when left out. */
  contentType?: string;
  /** The id that the job of this video will have. */
  jobId?: string;
  onProgress?: (progress: UploadProgress) => void;
  /** Bytes of a part: a multiple of 1 MiB, at least 5 MiB; 16 MiB when left out. Smaller files are sent by one PUT. */
  partSize?: number;
  /** Parts that are sent at the same time; 4 when left out. */
  parallel?: number;
  /** Where unfinished uploads are remembered; `localStorage` where there is one. */
  storage?: UploadStorage;
  /** An upload that goes on, on another device or without a storage. */
  resume?: UploadSession;
  /** Is told what the upload can go on with. Keep it as you would a password. */
  onSession?: (session: UploadSession) => void;
}

export class Uploads {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Uploads a file, with patience for a bad network: about a minute, and for as long as the device is offline. Aborting, or a failure, leaves an upload in parts as it is: the same call goes on with it,
   * also after a reload, and sends only what is missing.
   */
  async upload(file: Blob, options: UploadOptions = {}): Promise<{ video_key: string }> {
    const filename = options.filename ?? (file as { name?: string }).name;
    if (!filename) throw new TypeError("A file without a name needs the option `filename`.");
    const { jobId } = options;
    const request: MultipartRequest = {
      filename,
      content_type: options.contentType ?? file.type,
      size_bytes: file.size,
      ...(jobId !== undefined && { job_id: jobId }),
    };
    const partSize = partBytes(file.size, options.partSize);
    if (file.size <= partSize && !options.resume) return this.#whole(file, request, options);
    return this.#inParts(file, { ...request, part_size: partSize }, options);
  }

  /** A presigned URL for one PUT with exactly its headers. */
  createUrl(request: UploadUrlRequest, options: RequestOptions = {}): Promise<UploadTarget> {
    return this.#transport.json("POST", "/api/videos/upload-url", { ...options, body: request, repeatable: true });
  }

  /** Starts an upload in parts. */
  createMultipart(request: MultipartRequest, options: RequestOptions = {}): Promise<MultipartUpload> {
    return this.#transport.json("POST", "/api/videos/multipart", { ...options, body: request, repeatable: true });
  }

  /** The routes of one upload in parts. */
  multipart({ video_key, upload_id }: UploadSession, layout?: PartLayout): MultipartSession {
    return new MultipartSession(this.#transport, { video_key, upload_id }, layout);
  }

  /** Deletes what has been sent of an unfinished upload. */
  abort(session: UploadSession, options: RequestOptions = {}): Promise<void> {
    return this.multipart(session).abort(options);
  }

  async #whole(file: Blob, request: UploadUrlRequest, options: UploadOptions): Promise<{ video_key: string }> {
    const { signal, onProgress } = options;
    const onSent = (sent: number) => onProgress?.({ sent, total: file.size });
    let target: UploadTarget | null = null;
    return withPatience(signal, async () => {
      target ??= await this.createUrl(request, signalOf(options));
      const { upload_url: url, headers, video_key } = target;
      try {
        await put({ url, headers, body: file, signal, onSent });
      } catch (error) {
        if (isExpired(error)) target = null;
        throw error;
      }
      return { video_key };
    });
  }

  async #inParts(file: Blob, request: MultipartRequest, options: UploadOptions): Promise<UploadedVideo> {
    const signal = signalOf(options);
    const memory = new Memory(options.storage);
    const name = fingerprint(request.filename, file, request.part_size ?? 0);
    const multipart = (await this.#recall(memory.read(name), file, options)) ?? (await this.#begin(request, signal));
    memory.write(name, multipart.session);
    options.onSession?.(multipart.session);
    await sendParts(file, multipart, options);
    const done = await withPatience(options.signal, () => multipart.complete(multipart.parts, signal));
    memory.remove(name);
    return done;
  }

  async #begin(request: MultipartRequest, signal: RequestOptions): Promise<MultipartSession> {
    const upload = await this.createMultipart(request, signal);
    return this.multipart(upload, upload);
  }

  /** An earlier upload; null when there is none, or when it is gone and was only remembered. */
  async #recall(kept: UploadSession | null, file: Blob, options: UploadOptions): Promise<MultipartSession | null> {
    const session = options.resume ?? kept;
    if (!session) return null;
    const multipart = this.multipart(session);
    try {
      const { size_bytes } = await multipart.state(signalOf(options));
      if (size_bytes !== file.size) throw new TypeError("The file has another size than the upload that is resumed.");
      return multipart;
    } catch (error) {
      if (options.resume || !isGone(error)) throw error;
      return null;
    }
  }
}

/** Whether the API knows nothing of the upload that was asked for. Anything else may pass. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && !(error instanceof AuthenticationError) && !isTransient(error);
}

function signalOf({ signal }: RequestOptions): RequestOptions {
  return signal ? { signal } : {};
}
