// The least that a request can cost on this runtime: a constant answer, nothing else.
export default { fetch: () => new Response('{"status":"ok"}', { headers: { "content-type": "application/json" } }) };
