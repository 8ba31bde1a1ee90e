// Servers that hear of jobs, and what has become of events on the way to them.
import type { RequestOptions, Transport } from "./transport.js";
import type { Deliveries, Delivery, Webhook, WebhookChange, WebhookRequest, WebhookTest } from "./types.js";

export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Registers one. The answer has its `secret`, which no other answer shows. */
  create(webhook: WebhookRequest, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("POST", "/api/webhooks", { ...options, body: webhook });
  }

  async list(options: RequestOptions = {}): Promise<Webhook[]> {
    const { webhooks } = await this.#transport.json<{ webhooks: Webhook[] }>("GET", "/api/webhooks", options);
    return webhooks;
  }

  get(id: string, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("GET", path(id), options);
  }

  /** Changes one: what is left out stays. `enabled` switches it off, or on again. */
  update(id: string, change: WebhookChange, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("PUT", path(id), { ...options, body: change });
  }

  async delete(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#transport.json("DELETE", path(id), options);
  }

  /** A new `secret`; for a day deliveries are signed with the one before, too. */
  rotateSecret(id: string, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("POST", path(id, "/rotate-secret"), options);
  }

  /** Sends a test event at once, and says what came back. */
  test(id: string, options: RequestOptions = {}): Promise<WebhookTest> {
    return this.#transport.json("POST", path(id, "/test"), options);
  }

  /** The secret that deliveries to the `webhook_url` of jobs are signed with. */
  async urlSecret(options: RequestOptions = {}): Promise<string> {
    return (await this.#transport.json<{ secret: string }>("GET", "/api/webhook-url-secret", options)).secret;
  }

  /** What has become of a job's events. */
  async deliveries(jobId: string, options: RequestOptions = {}): Promise<Delivery[]> {
    return (await this.#transport.json<Deliveries>("GET", deliveriesOf(jobId), options)).deliveries;
  }

  /** Delivers an event once more, with the same `webhook-id`. */
  redeliver(jobId: string, deliveryId: string, options: RequestOptions = {}): Promise<Delivery> {
    return this.#transport.json("POST", `${deliveriesOf(jobId)}/${encodeURIComponent(deliveryId)}/redeliver`, options);
  }
}

const path = (id: string, rest = "") => `/api/webhooks/${encodeURIComponent(id)}${rest}`;
const deliveriesOf = (jobId: string) => `/api/jobs/${encodeURIComponent(jobId)}/deliveries`;
