// The videos and pictures of jobs, through the API. `output_url` of a job leads to its result without it.
import type { RequestOptions, Transport } from "./transport.js";

export interface DownloadOptions extends RequestOptions {
  /** A range of bytes, such as `bytes=0-1023`. */
  range?: string;
}

export interface VideoLinkOptions {
  /** The name under which a browser saves it. */
  filename?: string;
  /** For a `<video>` rather than for saving. */
  inline?: boolean;
  /** The `token` of the job's `websocket_url`, for whoever has no other. */
  token?: string;
}

export class Videos {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A job's input, result or picture. The body of the response is still to be read. */
  download(videoKey: string, { range, ...options }: DownloadOptions = {}): Promise<Response> {
    return this.#transport.response("GET", path(videoKey), { ...options, ...(range !== undefined && { headers: { range } }) });
  }

  /** Its address, for a link or a `<video>`. */
  url(videoKey: string, { filename, inline, token }: VideoLinkOptions = {}): string {
    return this.#transport.url(path(videoKey), { filename, inline: inline ? 1 : null, token }).href;
  }
}

function path(videoKey: string): string {
  return `/api/videos/download/${videoKey.split("/").map(encodeURIComponent).join("/")}`;
}
