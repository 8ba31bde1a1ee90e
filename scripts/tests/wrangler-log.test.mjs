import assert from "node:assert/strict";
import { test } from "node:test";

import { wranglerLogFilter } from "../wrangler-log.mjs";

test("capabilities in paths and queries are hidden", () => {
  const show = wranglerLogFilter();
  const shown = [
    "[wrangler:info] POST /api/jobs/5f/do/s3cret/progress 200 OK (3ms)",
    "[wrangler:info] POST /api/runpod/webhook/5f/s3cret 200 OK (3ms)",
    "[wrangler:info] GET /api/jobs/5f/ws?token=s3cret&after=3 101",
    "PUT /cdn-cgi/local/r2/s3/b/input/x.mp4?X-Amz-Credential=s3cret%2F2026&X-Amz-Signature=s3cret 200",
  ].map(show);
  for (const line of shown) assert.ok(!line.includes("s3cret"), line);
  assert.equal(shown[0], "[wrangler:info] POST /api/jobs/5f/do/***/progress 200 OK (3ms)");
  assert.match(shown[2], /after=3/);
});

test("the failed lookup of Request.cf is hidden, and what follows is shown", () => {
  const show = wranglerLogFilter();
  const lines = [
    "[wrangler:warn] Unable to fetch the `Request.cf` object! Falling back to a default placeholder...",
    "Error: getaddrinfo ENOTFOUND workers.example",
    "    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:123:26)",
    "[wrangler:info] Ready on http://127.0.0.1:1",
    "Error: a real one",
  ];
  assert.deepEqual(lines.map(show).filter(Boolean), lines.slice(3));
});

test("an error is found by its word, whatever its colors", () => {
  assert.equal(wranglerLogFilter()("\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mno\x1b[0m"), "✘ [ERROR] no");
});
