// The least that a request through an object can cost: a text goes to it by RPC and comes back.
import { DurableObject } from "cloudflare:workers";

export class Echo extends DurableObject {
  echo(text) {
    return text;
  }
}

export default {
  async fetch(request, env) {
    const text = request.method === "POST" ? await request.text() : request.url;
    return new Response(await env.ECHO.getByName("echo").echo(text), { headers: { "content-type": "text/plain" } });
  },
};
