import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionError, StorageError, toApiError } from "../dist/errors.js";
import { backoff, isTransient, parseRetryAfter, retryDelay } from "../dist/retry.js";

const half = () => 0.5;
const api = (status, code = "x", retryAfter = null) => toApiError(status, { code }, retryAfter);

test("the wait doubles up to its bound, and half of it is random", () => {
  const waits = [0, 1, 2, 3, 10].map((attempt) => backoff(attempt, 3_000, half));
  assert.deepEqual(waits, [375, 750, 1_500, 2_250, 2_250]);
  assert.equal(backoff(0, 3_000, () => 0), 250);
});

test("only what may pass is tried again, and not for ever", () => {
  for (const error of [new ConnectionError("timeout", ""), api(408), api(429), api(500), api(503), new StorageError(0, ""), new StorageError(503, "")]) {
    assert.ok(retryDelay(error, 0, {}, half) > 0, String(error.status));
    assert.equal(retryDelay(error, 4), null);
    assert.equal(retryDelay(error, 0, { retries: 0 }), null);
  }
  for (const error of [api(400), api(401), api(404), api(409), api(422), api(503, "not_configured"), new StorageError(403, ""), new TypeError()]) {
    assert.equal(isTransient(error), false, String(error.status));
    assert.equal(retryDelay(error, 0), null);
  }
});

test("Retry-After is waited out, unless that takes too long", () => {
  assert.equal(retryDelay(api(429, "limit_reached", 3), 0, {}, half), 3_250);
  assert.equal(retryDelay(api(429, "limit_reached", 3_600), 0, {}, half), null);
  const now = Date.parse("2026-01-31T09:05:00Z");
  for (const [header, seconds] of [["5", 5], ["0", 0], ["-1", 0], ["Sat, 31 Jan 2026 09:06:00 GMT", 60], ["Sat, 31 Jan 2026 09:04:00 GMT", 0], ["soon", null], ["", null], [null, null]]) {
    assert.equal(parseRetryAfter(header, now), seconds, String(header));
  }
});
