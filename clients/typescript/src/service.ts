// What is about the caller or the service as a whole: limits, tokens, the audit log, users, health.
import { itemsOf } from "./pages.js";
import type { RequestOptions, Transport } from "./transport.js";
import type { AuditEntry, AuditPage, AuditQuery, ErasedOwner, Health, Limits, RevokedTokens, Token, TokenRequest } from "./types.js";

export class LimitsApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The caller's limits, and what of them is used. */
  get(options: RequestOptions = {}): Promise<Limits> {
    return this.#transport.json("GET", "/api/limits", options);
  }
}

export class Tokens {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** For services: a token for one end user. */
  create(request: TokenRequest, options: RequestOptions = {}): Promise<Token> {
    return this.#transport.json("POST", "/api/tokens", { ...options, body: request, repeatable: true });
  }
}

export class Audit {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** For services: one page of who changed what, newest first. */
  page(query: AuditQuery = {}, options: RequestOptions = {}): Promise<AuditPage> {
    return this.#transport.json("GET", "/api/audit", { ...options, query: { ...query } });
  }

  list(query: AuditQuery = {}, options: RequestOptions = {}): AsyncGenerator<AuditEntry, void, undefined> {
    return itemsOf((page) => this.page({ ...query, ...page }, options), ({ entries }) => entries, query);
  }
}

export class Owners {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** For services: no token that this user has so far is accepted any more. */
  revokeTokens(subject: string, options: RequestOptions = {}): Promise<RevokedTokens> {
    return this.#transport.json("POST", `${ownerPath(subject)}/revoke-tokens`, { ...options, repeatable: true });
  }

  /** For services: erases a user's jobs, files, projects and clips; repeats the request until all is gone. */
  async erase(subject: string, options: RequestOptions = {}): Promise<ErasedOwner["removed"]> {
    const total = { jobs: 0, videos: 0, projects: 0, clips: 0 };
    for (;;) {
      const { done, removed } = await this.#transport.json<ErasedOwner>("DELETE", ownerPath(subject), options);
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += removed[name];
      if (done) return total;
    }
  }
}

/** Whether the API can work. `not_configured` is an answer as well, not an error. */
export function health(transport: Transport, options: RequestOptions = {}): Promise<Health> {
  return transport.json("GET", "/health", { ...options, alsoAccept: 503 });
}

function ownerPath(subject: string): string {
  return `/api/owners/${encodeURIComponent(subject)}`;
}
