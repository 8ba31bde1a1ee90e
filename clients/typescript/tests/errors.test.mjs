import assert from "node:assert/strict";
import { test } from "node:test";

import * as errors from "../dist/errors.js";

test("each family of statuses has its class, and every class says what happened", () => {
  const families = { 400: "ValidationError", 401: "AuthenticationError", 403: "PermissionError", 404: "NotFoundError", 409: "ConflictError", 412: "ConflictError", 413: "ValidationError", 422: "ValidationError", 429: "RateLimitError", 500: "ServerError", 503: "ServerError" };
  for (const [status, name] of Object.entries(families)) {
    const problem = { code: "a_code", detail: "A sentence.", errors: [{ pointer: "/a", detail: "b" }], request_id: "r-1" };
    const error = errors.toApiError(Number(status), problem, 7);
    assert.ok(error instanceof errors[name] && error instanceof errors.ApiError && error instanceof errors.ReelError, status);
    assert.deepEqual([error.name, error.message, error.code, error.status, error.errors, error.requestId, error.retryAfter], [name, "A sentence.", "a_code", Number(status), problem.errors, "r-1", 7]);
  }
});

test("an answer that is no problem document is an error all the same", () => {
  const error = errors.toApiError(502, {}, null);
  assert.deepEqual([error.code, error.message, error.errors, error.requestId], ["unexpected_response", "The API answered 502.", [], null]);
});
