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

test("ids of uploads, keys of videos and unknown parameters are hidden", () => {
  const show = wranglerLogFilter();
  const mac = "5d6d3f9bae77015b977cec4445343f69418ada2e12c83b0f2d1d6b36020db9ba";
  const shown = [
    "[wrangler:info] PUT /api/videos/multipart/s3cret/parts?video_key=input%2Fs3cret%2Fa.mp4 200 OK (3ms)",
    "[wrangler:info] DELETE /api/videos/multipart/s3cret?video_key=input/s3cret/a.mp4 200 OK (3ms)",
    "[wrangler:info] GET /api/videos/download/output/s3cret/1/video.mp4?inline=1&token=s3cret 206 (3ms)",
    "[wrangler:info] GET /api/videos/download/input%2Fs3cret%2Fa.mp4 200 OK (3ms)",
    "PUT /cdn-cgi/local/r2/s3/b/input/s3cret/x.mp4?partNumber=1&uploadId=s3cret 200",
    "GET /api/jobs?limit=5&later=s3cret&cursor=7_8 200",
    `Error: 1769852100 is past the expiry of 0.1769852100.${mac}`,
    `Error: no such upload: 01010101-0101-4101-8101-010101010101.${mac}`,
    "Error: no object at input/s3cret/clip.mp4",
  ].map(show);
  for (const line of shown) assert.ok(!line.includes("s3cret") && !line.includes(mac), line);
  assert.equal(shown[0], "[wrangler:info] PUT /api/videos/multipart/***/parts?video_key=*** 200 OK (3ms)");
  assert.equal(shown[5], "GET /api/jobs?limit=5&later=***&cursor=7_8 200");
  assert.match(shown[2], /inline=1&token=\*\*\*/);
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
