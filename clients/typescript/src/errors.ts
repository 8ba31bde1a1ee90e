// What goes wrong, one class for each family of causes. Nothing here makes a request, and no message holds a
// token or a presigned URL.
import type { FieldError, Problem } from "./types.js";

/** Whatever this package throws, but for the reason of an AbortSignal, which is thrown as it is. */
export class ReelError extends Error {
  override name = "ReelError";
  /** A word to decide by; sentences may change. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The API did not answer: no network, a name that does not resolve, or no answer in time. */
export class ConnectionError extends ReelError {
  override name = "ConnectionError";
}

/** The storage that takes the bytes of an upload refused them. */
export class StorageError extends ReelError {
  override name = "StorageError";
  /** Its HTTP status; 0 when it did not answer. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(status === 0 ? "storage_unreachable" : "storage_refused", message, options);
    this.status = status;
  }
}

/** The job ended without a result; thrown by `jobs.wait` alone. `code` is the job's `error_code`. */
export class JobFailedError extends ReelError {
  override name = "JobFailedError";
  readonly jobId: string;
  /** Whether `jobs.retry` may help. */
  readonly retryable: boolean;

  constructor(job: { job_id: string; error: string | null; error_code: string | null; retryable: boolean | null }) {
    super(job.error_code ?? "internal", job.error ?? "The export failed.");
    this.jobId = job.job_id;
    this.retryable = job.retryable ?? false;
  }
}

/** The API answered, and the answer is no. `message` is a sentence that a person can act on. */
export class ApiError extends ReelError {
  override name = "ApiError";
  readonly status: number;
  /** Every fault of the request at once, each with the JSON pointer of its place. */
  readonly errors: readonly FieldError[];
  /** Names the request in the log of the API. */
  readonly requestId: string | null;
  /** Seconds until it may be tried again, where the API says so. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Partial<Problem>, retryAfter: number | null) {
    super(problem.code ?? "unexpected_response", problem.detail ?? `The API answered ${status}.`);
    this.status = status;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id || null;
    this.retryAfter = retryAfter;
  }
}

/** 400, 413, 415, 422 and the like: the request itself is wrong. `errors` says where. */
export class ValidationError extends ApiError {
  override name = "ValidationError";
}

/** 401: the token is missing, wrong or no longer valid, also after it was asked for anew. */
export class AuthenticationError extends ApiError {
  override name = "AuthenticationError";
}

/** 403: the token is valid and does not permit this. */
export class PermissionError extends ApiError {
  override name = "PermissionError";
}

/** 404: there is no such thing, or it belongs to somebody else. */
export class NotFoundError extends ApiError {
  override name = "NotFoundError";
}

/** 409, 412: it contradicts the present state, such as to cancel a job that has ended. */
export class ConflictError extends ApiError {
  override name = "ConflictError";
}

/** 429: a limit is reached. `retryAfter` says when it may be tried again. */
export class RateLimitError extends ApiError {
  override name = "RateLimitError";
}

/** 5xx: the API, or something that it needs, does not work at the moment. */
export class ServerError extends ApiError {
  override name = "ServerError";
}

/** The error of its family for an answer that is none of the 2xx. */
export function toApiError(status: number, problem: Partial<Problem>, retryAfter: number | null): ApiError {
  return new (familyOf(status))(status, problem, retryAfter);
}

function familyOf(status: number): typeof ApiError {
  switch (status) {
    case 401:
      return AuthenticationError;
    case 403:
      return PermissionError;
    case 404:
      return NotFoundError;
    case 409:
    case 412:
      return ConflictError;
    case 429:
      return RateLimitError;
    default:
      return status >= 500 ? ServerError : status >= 400 ? ValidationError : ApiError;
  }
}
