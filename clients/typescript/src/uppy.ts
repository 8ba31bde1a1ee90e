// Uploads for Uppy: the callbacks of `@uppy/aws-s3` (version 5) over this API's multipart uploads.
//
// What is better than with the plugin alone: an upload goes on after a reload, a crash or a failure, once the same file
// is added again, and sends nothing twice; URLs are signed in batches and anew when they have expired; and what permits
// to use an upload is in no URL. Only removing the file from Uppy, or cancelling, deletes what was sent.
import type { AwsS3Options } from "@uppy/aws-s3";

import type { ReelClient } from "./client.js";
import { StorageError } from "./errors.js";
import { Memory, type UploadSession, type UploadStorage, fingerprint } from "./uploads/memory.js";
import type { MultipartSession } from "./uploads/multipart.js";
import { partBytes } from "./uploads/plan.js";
import { put } from "./uploads/send.js";
import { isGone } from "./uploads/uploads.js";

export interface ReelUploadsOptions {
  client: Pick<ReelClient, "uploads">;
  /** The instance that the plugin is used with. */
  uppy: { getFile(id: string): unknown };
  /** Bytes of a part: a multiple of 1 MiB, at least 5 MiB; 16 MiB when left out. */
  partSize?: number;
  /** Where unfinished uploads are remembered; `localStorage` when left out. */
  storage?: UploadStorage;
}

/** What is read of Uppy's file. */
interface UppyFile {
  id: string;
  name: string;
  type?: string;
  data: Blob & { lastModified?: number };
}

/** Uppy's names of a session. */
interface Ids {
  key: string;
  uploadId: string;
}

interface Signature {
  method: "PUT";
  url: string;
  headers?: Record<string, string>;
  /** The part that the URL is for, and its ETag when it has arrived before. */
  reel?: { multipart: MultipartSession; partNumber: number; etag: string | undefined };
}

interface PartBytes {
  signature: Signature;
  body: Blob;
  onProgress?: (event: object) => void;
  onComplete?: (etag: string) => void;
  signal?: AbortSignal;
}

type Signalled = { signal?: AbortSignal };

/** Options for `uppy.use(AwsS3, ...)`. */
export function reelUploads({ client: { uploads }, uppy, partSize, storage }: ReelUploadsOptions): AwsS3Options<any, any> {
  const memory = new Memory(storage);
  const known = new Map<string, MultipartSession>();
  const sessionOf = ({ key, uploadId }: Ids) => {
    const multipart = known.get(uploadId) ?? uploads.multipart({ video_key: key, upload_id: uploadId });
    known.set(uploadId, multipart);
    return multipart;
  };
  const getChunkSize = ({ size }: { size: number }) => partBytes(size, partSize);
  const nameOf = ({ name, data }: UppyFile) => fingerprint(name, data, getChunkSize(data));
  const request = ({ name, type, data }: UppyFile) => ({ filename: name, content_type: type ?? "", size_bytes: data.size });

  /** The upload that this very file was in, if it is still there. */
  const recall = async (session: UploadSession | null, signal?: AbortSignal): Promise<Ids | null> => {
    if (!session) return null;
    const ids = { key: session.video_key, uploadId: session.upload_id };
    try {
      await sessionOf(ids).state(optional(signal));
      return ids;
    } catch (error) {
      if (!isGone(error)) throw error;
      known.delete(ids.uploadId);
      return null;
    }
  };

  const callbacks = {
    getChunkSize,

    /** Smaller files are sent at once: they are quicker sent again than resumed. */
    shouldUseMultipart: (file: UppyFile) => file.data.size > getChunkSize(file.data),

    async getUploadParameters(file: UppyFile, { signal }: Signalled = {}) {
      const target = await uploads.createUrl(request(file), optional(signal));
      // A PUT has no fields, but from here Uppy takes the key that it tells after the upload.
      return { method: target.method, url: target.upload_url, headers: target.headers, fields: { key: target.video_key } };
    },

    async createMultipartUpload(file: UppyFile, signal?: AbortSignal): Promise<Ids> {
      const kept = await recall(memory.read(nameOf(file)), signal);
      if (kept) return kept;
      const upload = await uploads.createMultipart({ ...request(file), part_size: getChunkSize(file.data) }, optional(signal));
      const multipart = uploads.multipart(upload, upload);
      known.set(upload.upload_id, multipart);
      memory.write(nameOf(file), multipart.session);
      return { key: upload.video_key, uploadId: upload.upload_id };
    },

    async signPart(_file: UppyFile, { partNumber, signal, ...ids }: Ids & Signalled & { partNumber: number }): Promise<Signature> {
      const multipart = sessionOf(ids);
      const etag = multipart.etags.get(partNumber);
      const url = etag ? "" : await multipart.urlOf(partNumber);
      signal?.throwIfAborted();
      return { method: "PUT", url, reel: { multipart, partNumber, etag } };
    },

    /** Sends a part, or a small file, and notes that it has arrived. */
    async uploadPartBytes({ signature, body, onProgress, onComplete, signal }: PartBytes) {
      const { url, headers = {}, reel } = signature;
      let etag = reel?.etag;
      if (!etag) {
        const onSent = (loaded: number) => onProgress?.({ loaded, lengthComputable: true });
        try {
          etag = requireEtag(await put({ url, headers, body, signal, onSent }));
        } catch (error) {
          throw asUppyError(error, signal);
        } finally {
          // Whatever became of it, this URL is not used again.
          reel?.multipart.forgetUrl(reel.partNumber);
        }
        reel?.multipart.arrived(reel.partNumber, etag);
      }
      onProgress?.({ loaded: body.size, lengthComputable: true });
      onComplete?.(etag);
      return { ETag: etag };
    },

    async listParts(_file: UppyFile, { signal, ...ids }: Ids & Signalled) {
      const multipart = sessionOf(ids);
      await multipart.state(optional(signal));
      // With what the server has not been told of yet: Uppy no longer holds the data of those parts.
      return multipart.parts.map(({ part_number, etag }) => ({ PartNumber: part_number, ETag: etag }));
    },

    async completeMultipartUpload(file: UppyFile, { signal, parts, ...ids }: Ids & Signalled & { parts: { PartNumber: number; ETag: string }[] }) {
      const named = parts.map(({ PartNumber, ETag }) => ({ part_number: PartNumber, etag: ETag }));
      const done = await sessionOf(ids).complete(named, optional(signal));
      known.delete(ids.uploadId);
      memory.remove(nameOf(file));
      return { ...done, key: done.video_key };
    },

    /** Uppy calls this of a file that was removed, and of one that has failed, whose retry goes on where it stopped. */
    async abortMultipartUpload(file: UppyFile, ids: Ids) {
      if (uppy.getFile(file.id)) return;
      memory.remove(nameOf(file));
      const multipart = sessionOf(ids);
      known.delete(ids.uploadId);
      await multipart.abort().catch((error: unknown) => {
        // Complete, or gone: there is nothing left to abort.
        if (!isGone(error)) throw error;
      });
    },
  };
  // The plugin's own types do not know that a signature carries more back to us than a URL.
  return callbacks as never;
}

function optional(signal: AbortSignal | undefined): Signalled {
  return signal ? { signal } : {};
}

function requireEtag(etag: string | null): string {
  if (etag) return etag;
  throw new Error("The storage does not expose the ETag header. Add it to `exposeHeaders` in the CORS rule of the bucket.");
}

/** Uppy decides by `source.status` whether it tries again, and signs anew only in its own words. */
function asUppyError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new DOMException("The upload was stopped.", "AbortError");
  if (!(error instanceof StorageError)) return error;
  const message = error.status === 403 ? "Request has expired" : error.message;
  return Object.assign(new Error(message), { source: { status: error.status } });
}
