// One upload in parts on the server: its routes, URLs that are signed ahead in batches, and parts that are confirmed
// together. It sends no bytes itself.
//
// What permits to use the upload, its id with its key, is sent in headers and is in no URL, so in no log.
import type { ApiRequest, RequestOptions, Transport } from "../transport.js";
import type { MultipartState, MultipartUpload, SignedParts, UploadedPart, UploadedVideo } from "../types.js";
import type { UploadSession } from "./memory.js";

/** Of one request. */
const SIGN_MAX = 100;
const CONFIRM_MAX = 1_000;
/** A URL is not used in the last minutes of its life: the part must begin to be sent before its end. */
const URL_SPARE_MS = 5 * 60_000;

/** How a file is divided into parts. */
export type PartLayout = Pick<MultipartUpload, "size_bytes" | "part_size" | "part_count">;

const UNKNOWN: PartLayout = { size_bytes: 0, part_size: 0, part_count: 0 };

type Waiting = { resolve: (url: string) => void; reject: (error: unknown) => void };

export class MultipartSession {
  readonly session: UploadSession;
  /** The parts that have arrived, with their ETags. */
  readonly etags = new Map<number, string>();
  /** How the file is divided; of an upload that is resumed once `state` has been asked. */
  layout: PartLayout;
  readonly #transport: Transport;
  readonly #urls = new Map<number, { url: string; expiresAt: number }>();
  /** Parts that ask for a URL in this tick. */
  readonly #asking = new Map<number, Waiting[]>();
  /** Parts that the server has not been told of. */
  readonly #untold = new Map<number, string>();
  #telling: Promise<void> | null = null;

  constructor(transport: Transport, session: UploadSession, layout = UNKNOWN) {
    this.#transport = transport;
    this.session = session;
    this.layout = layout;
  }

  /** What the server says of the upload, such as which parts have arrived. */
  async state(options: RequestOptions = {}): Promise<MultipartState> {
    const state = await this.#ask<MultipartState>("GET", "/parts", options);
    this.layout = state;
    for (const { part_number, etag } of state.parts) this.etags.set(part_number, etag);
    return state;
  }

  /** Every part that has arrived, in order, also those that the server was not told of yet. */
  get parts(): UploadedPart[] {
    return [...this.etags].map(([part_number, etag]) => ({ part_number, etag })).sort((a, b) => a.part_number - b.part_number);
  }

  sign(partNumbers: readonly number[], options: RequestOptions = {}): Promise<SignedParts> {
    return this.#ask("POST", "/parts", { ...options, body: { part_numbers: partNumbers } });
  }

  confirm(parts: readonly UploadedPart[], options: RequestOptions = {}): Promise<{ confirmed: number }> {
    return this.#ask("PUT", "/parts", { ...options, body: { parts } });
  }

  complete(parts: readonly UploadedPart[] = [], options: RequestOptions = {}): Promise<UploadedVideo> {
    return this.#ask("POST", "/complete", { ...options, body: { parts } });
  }

  abort(options: RequestOptions = {}): Promise<void> {
    return this.#transport.remove(PATH, { ...options, headers: this.#capability() });
  }

  /** A URL for a part: of a batch with all that ask in the same tick, and as many that follow. */
  urlOf(partNumber: number): Promise<string> {
    const signed = this.#urls.get(partNumber);
    if (signed && signed.expiresAt - Date.now() > URL_SPARE_MS) return Promise.resolve(signed.url);
    return new Promise((resolve, reject) => {
      if (this.#asking.size === 0) setTimeout(() => void this.#signAll());
      this.#asking.set(partNumber, [...(this.#asking.get(partNumber) ?? []), { resolve, reject }]);
    });
  }

  /** A part is sent, or its URL does not work: it is not used again. */
  forgetUrl(partNumber: number): void {
    this.#urls.delete(partNumber);
  }

  /** Tells the server of a part, together with those that arrive while it is being told. */
  arrived(partNumber: number, etag: string): void {
    this.etags.set(partNumber, etag);
    this.#untold.set(partNumber, etag);
    this.#telling ??= this.#tell();
  }

  /** When the server has been told of all parts so far, as far as it could be. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #signAll(): Promise<void> {
    const asking = [...this.#asking];
    this.#asking.clear();
    for (let from = 0; from < asking.length; from += SIGN_MAX) {
      const batch = asking.slice(from, from + SIGN_MAX);
      try {
        const { parts, expires_at } = await this.sign(withNext(batch.map(([number]) => number), this.layout.part_count, this.etags));
        const expiresAt = Date.parse(expires_at);
        for (const { part_number, url } of parts) this.#urls.set(part_number, { url, expiresAt });
        for (const [number, waiting] of batch) for (const { resolve } of waiting) resolve(this.#urls.get(number)?.url ?? "");
      } catch (error) {
        for (const [, waiting] of batch) for (const { reject } of waiting) reject(error);
      }
    }
  }

  async #tell(): Promise<void> {
    while (this.#untold.size > 0) {
      const batch = [...this.#untold].slice(0, CONFIRM_MAX);
      try {
        await this.confirm(batch.map(([part_number, etag]) => ({ part_number, etag })));
      } catch {
        // They go with the next part, or with the completion, which names them all.
        break;
      }
      for (const [number, etag] of batch) if (this.#untold.get(number) === etag) this.#untold.delete(number);
    }
    this.#telling = null;
  }

  #ask<T>(method: string, verb: string, request: ApiRequest): Promise<T> {
    return this.#transport.json(method, `${PATH}${verb}`, { ...request, headers: this.#capability(), repeatable: true });
  }

  #capability(): Record<string, string> {
    const { video_key, upload_id } = this.session;
    return { "upload-token": upload_id, "video-key": encodeURIComponent(video_key) };
  }
}

/** `-` in the place of the id: it is in a header. */
const PATH = "/api/videos/multipart/-";

/** The parts and as many that follow: the next ones to ask, most likely. */
export function withNext(numbers: readonly number[], partCount: number, arrived: { has(number: number): boolean }): number[] {
  const all = new Set(numbers);
  const wanted = Math.min(SIGN_MAX, numbers.length * 2);
  for (let next = Math.max(...numbers) + 1; all.size < wanted && next <= partCount; next++) {
    if (!arrived.has(next)) all.add(next);
  }
  return [...all];
}
