// Projects, their clips, and the exports of their videos.
import { itemsOf } from "./pages.js";
import type { RequestOptions, Transport } from "./transport.js";
import type {
  ActiveExport,
  Clip,
  ClipRequest,
  FramingExportRequest,
  Job,
  OverlayExport,
  OverlayExportRequest,
  PageQuery,
  Project,
  ProjectPage,
  ProjectRequest,
} from "./types.js";
import { randomUuid } from "./uuid.js";

export class Projects {
  readonly clips: Clips;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.clips = new Clips(transport);
  }

  /** Makes or changes one: what is left out stays, `null` clears. */
  put(id: number, project: ProjectRequest, options: RequestOptions = {}): Promise<Project> {
    return this.#transport.json("PUT", `/api/projects/${id}`, { ...options, body: project });
  }

  get(id: number, options: RequestOptions = {}): Promise<Project> {
    return this.#transport.json("GET", `/api/projects/${id}`, options);
  }

  /** One page, newest first. */
  page(query: PageQuery = {}, options: RequestOptions = {}): Promise<ProjectPage> {
    return this.#transport.json("GET", "/api/projects", { ...options, query: { ...query } });
  }

  /** All of them, newest first. */
  list(query: PageQuery = {}, options: RequestOptions = {}): AsyncGenerator<Project, void, undefined> {
    return itemsOf((page) => this.page(page, options), ({ projects }) => projects, query);
  }
}

export class Clips {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes or replaces one, whole. */
  put(projectId: number, index: number, clip: ClipRequest, options: RequestOptions = {}): Promise<Clip> {
    return this.#transport.json("PUT", clipPath(projectId, index), { ...options, body: clip });
  }

  get(projectId: number, index: number, options: RequestOptions = {}): Promise<Clip> {
    return this.#transport.json("GET", clipPath(projectId, index), options);
  }

  delete(projectId: number, index: number, options: RequestOptions = {}): Promise<void> {
    return this.#transport.remove(clipPath(projectId, index), options);
  }

  async list(projectId: number, options: RequestOptions = {}): Promise<Clip[]> {
    const { clips } = await this.#transport.json<{ clips: Clip[] }>("GET", `/api/projects/${projectId}/clips`, options);
    return clips;
  }
}

export type ExportRequest = ({ type: "overlay" } & OverlayExportRequest) | ({ type: "framing" } & FramingExportRequest);

export class Exports {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Creates the job of an export: `overlay` of the project's working video, or `framing` of one of its clips.
   * A `job_id` is chosen when the request has none, so that a repeated request makes no second job.
   */
  create(request: { type: "overlay" } & OverlayExportRequest, options?: RequestOptions): Promise<OverlayExport>;
  create(request: { type: "framing" } & FramingExportRequest, options?: RequestOptions): Promise<Job>;
  create(request: ExportRequest, options?: RequestOptions): Promise<OverlayExport | Job>;
  create({ type, ...request }: ExportRequest, options: RequestOptions = {}): Promise<OverlayExport | Job> {
    const body = { ...request, job_id: request.job_id ?? randomUuid() };
    return this.#transport.json("POST", `/api/export/${type}`, { ...options, body, repeatable: true });
  }

  get(type: "overlay" | "framing", jobId: string, options: RequestOptions = {}): Promise<Job> {
    return this.#transport.json("GET", `/api/export/${type}/${encodeURIComponent(jobId)}`, options);
  }

  /** Those that are pending or processing, with the name of their project. */
  async active(options: RequestOptions = {}): Promise<ActiveExport[]> {
    const { exports } = await this.#transport.json<{ exports: ActiveExport[] }>("GET", "/api/exports/active", options);
    return exports;
  }
}

function clipPath(projectId: number, index: number): string {
  return `/api/projects/${projectId}/clips/${index}`;
}
