// What the package gives: a client with a group of methods for each part of the API.
import { Jobs } from "./jobs.js";
import { Exports, Projects } from "./projects.js";
import { Audit, LimitsApi, Owners, Tokens, health } from "./service.js";
import { type RequestOptions, Transport, type TransportOptions } from "./transport.js";
import type { Health } from "./types.js";
import { Uploads } from "./uploads/uploads.js";
import { Videos } from "./videos.js";
import { Webhooks } from "./webhooks.js";
import type { SocketOptions } from "./watch/socket.js";

export interface ClientOptions extends TransportOptions, SocketOptions {}

/** Everything but uploads. */
export class ApiClient {
  readonly jobs: Jobs;
  readonly exports: Exports;
  readonly projects: Projects;
  readonly videos: Videos;
  readonly webhooks: Webhooks;
  readonly limits: LimitsApi;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly owners: Owners;
  protected readonly transport: Transport;

  constructor(options: ClientOptions = {}) {
    const transport = new Transport(options);
    this.transport = transport;
    this.jobs = new Jobs(transport, options);
    this.exports = new Exports(transport);
    this.projects = new Projects(transport);
    this.videos = new Videos(transport);
    this.webhooks = new Webhooks(transport);
    this.limits = new LimitsApi(transport);
    this.tokens = new Tokens(transport);
    this.audit = new Audit(transport);
    this.owners = new Owners(transport);
  }

  /** Whether the API can work. */
  health(options: RequestOptions = {}): Promise<Health> {
    return health(this.transport, options);
  }
}

/** The whole API. A service that uploads nothing has a smaller bundle with `ApiClient`. */
export class ReelClient extends ApiClient {
  readonly uploads: Uploads;

  constructor(options: ClientOptions = {}) {
    super(options);
    this.uploads = new Uploads(this.transport);
  }
}
