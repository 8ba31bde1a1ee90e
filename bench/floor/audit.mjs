// What one row of the audit log costs by itself: every request that changes something writes one after its answer.
export default {
  fetch(request, env, context) {
    const row = env.DB.prepare("INSERT INTO audit (at, request_id, caller, owner, route, target, status) VALUES (?1, ?2, 'service', NULL, ?3, ?4, 200)");
    context.waitUntil(row.bind(Date.now(), crypto.randomUUID(), "POST /api/videos/upload-url", request.url).run());
    return new Response('{"status":"ok"}', { headers: { "content-type": "application/json" } });
  },
};
