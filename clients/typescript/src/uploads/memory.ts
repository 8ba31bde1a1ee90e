// What is remembered of unfinished uploads, so that the same file goes on where it stopped. A full or forbidden
// storage remembers nothing, and is no error.

/** The part of `Storage` that is used; `localStorage` in pages. */
export interface UploadStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** What an upload goes on with. Whoever has it may write to the upload. */
export interface UploadSession {
  video_key: string;
  upload_id: string;
}

export class Memory {
  readonly #storage: UploadStorage | undefined;

  constructor(storage?: UploadStorage) {
    this.#storage = storage ?? attempt(() => (globalThis as { localStorage?: UploadStorage }).localStorage);
  }

  read(name: string): UploadSession | null {
    const kept = attempt(() => JSON.parse(this.#storage?.getItem(name) ?? "null"));
    return typeof kept?.video_key === "string" && typeof kept.upload_id === "string" ? kept : null;
  }

  write(name: string, { video_key, upload_id }: UploadSession): void {
    attempt(() => this.#storage?.setItem(name, JSON.stringify({ video_key, upload_id })));
  }

  remove(name: string): void {
    attempt(() => this.#storage?.removeItem(name));
  }
}

/** What makes a file on disk the same one tomorrow, sent in parts of this size. */
export function fingerprint(name: string, file: Blob & { lastModified?: number }, partSize: number): string {
  return `reel-upload:${JSON.stringify([name, file.size, file.lastModified ?? 0, partSize])}`;
}

// Reading the property alone throws where a browser forbids it.
function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}
