// Servers that hear of jobs, and what came of telling them.
import type { RequestOptions, Transport } from "./transport.js";
import type { Delivery, Webhook, WebhookChange, WebhookRequest, WebhookTest } from "./types.js";

export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The answer, and that of `rotateSecret`, has the secret; no other one does. Not repeated: it makes another. */
  create(webhook: WebhookRequest, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("POST", "/api/webhooks", { ...options, body: webhook });
  }

  async list(options: RequestOptions = {}): Promise<Webhook[]> {
    const { webhooks } = await this.#transport.json<{ webhooks: Webhook[] }>("GET", "/api/webhooks", options);
    return webhooks;
  }

  get(id: string, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("GET", webhookPath(id), options);
  }

  /** Changes one, and switches it on or off. */
  update(id: string, webhook: WebhookChange, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("PUT", webhookPath(id), { ...options, body: webhook });
  }

  async delete(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#transport.json("DELETE", webhookPath(id), options);
  }

  /** A new secret; deliveries are signed with the old one as well for a day. */
  rotateSecret(id: string, options: RequestOptions = {}): Promise<Webhook> {
    return this.#transport.json("POST", `${webhookPath(id)}/rotate-secret`, options);
  }

  /** Sends a test event now, and says what came back. */
  test(id: string, options: RequestOptions = {}): Promise<WebhookTest> {
    return this.#transport.json("POST", `${webhookPath(id)}/test`, { ...options, repeatable: true });
  }

  /** The secret that signs what is sent to the `webhook_url` of a job. */
  async urlSecret(options: RequestOptions = {}): Promise<string> {
    const { secret } = await this.#transport.json<{ secret: string }>("GET", "/api/webhook-url-secret", options);
    return secret;
  }

  /** What came of telling webhooks of a job. */
  async deliveries(jobId: string, options: RequestOptions = {}): Promise<Delivery[]> {
    const path = `/api/jobs/${encodeURIComponent(jobId)}/deliveries`;
    return (await this.#transport.json<{ deliveries: Delivery[] }>("GET", path, options)).deliveries;
  }

  /** Sends one of them once more, with the same `webhook-id`. */
  redeliver(jobId: string, deliveryId: string, options: RequestOptions = {}): Promise<Delivery> {
    const path = `/api/jobs/${encodeURIComponent(jobId)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`;
    return this.#transport.json("POST", path, { ...options, repeatable: true });
  }
}

function webhookPath(id: string): string {
  return `/api/webhooks/${encodeURIComponent(id)}`;
}
