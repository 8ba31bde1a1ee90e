// Every answer of the peer: JSON with the standing headers, and problems of one shape.
import type { ZodError } from "zod";

const STANDING = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "strict-transport-security": "max-age=31536000",
};

const KINDS = {
  not_json: [400, "Body is not JSON"],
  unauthorized: [401, "Unauthorized"],
  bad_token: [403, "Bad token"],
  route_not_found: [404, "Not found"],
  job_not_found: [404, "Job not found"],
  stale_attempt: [409, "Stale attempt"],
  already_claimed: [409, "Already claimed"],
  idempotency_conflict: [409, "Already used for a different request"],
  input_exists: [409, "Already uploaded"],
  body_too_large: [413, "Body too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  invalid_request: [422, "Invalid request"],
  input_not_found: [422, "Input video not found"],
  upgrade_required: [426, "Upgrade required"],
  internal: [500, "Internal error"],
  unavailable: [503, "Temporarily unavailable"],
} as const;

export type ProblemCode = keyof typeof KINDS;
export interface FieldError { pointer: string; detail: string }

/** Thrown by handlers; the app answers with it. */
export class Problem extends Error {
  constructor(readonly code: ProblemCode, readonly detail: string, readonly errors?: FieldError[]) {
    super(detail);
  }
}

/** What a schema found, every fault at once. */
export function invalid(error: ZodError): Problem {
  const errors = error.issues.flatMap((issue): FieldError[] => {
    const pointer = issue.path.map((part) => `/${String(part)}`).join("");
    if (issue.code !== "unrecognized_keys") return [{ pointer, detail: issue.message }];
    return issue.keys.map((key) => ({ pointer: `${pointer}/${key}`, detail: "is not a known field" }));
  });
  const [first] = errors;
  const place = first.pointer.slice(1).replaceAll("/", ".") || "The body";
  const detail = errors.length === 1 ? `${place} ${first.detail}.` : `The request has ${errors.length} errors. First: ${place} ${first.detail}.`;
  return new Problem("invalid_request", detail, errors);
}

/** An answer whose body is JSON text already. */
export const json = (text: string, status: number, requestId: string) =>
  new Response(text, { status, headers: { ...STANDING, "content-type": "application/json", "x-request-id": requestId } });

export function problem({ code, detail, errors }: Problem, requestId: string): Response {
  const [status, title] = KINDS[code];
  const body = { type: `https://reelballers.com/problems/${code}`, title, status, detail, error: detail, code, errors, request_id: requestId };
  const headers: Record<string, string> = { ...STANDING, "content-type": "application/problem+json", "x-request-id": requestId };
  if (code === "unauthorized") headers["www-authenticate"] = "Bearer";
  return new Response(JSON.stringify(body), { status, headers });
}
