"""What can go wrong: one exception for each family of refusals.

No message holds a credential or a URL. ``ApiError`` and its subclasses are what the API answered; the others are
what happened on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import Job


class ReelError(Exception):
    """Everything that this package raises on its own."""


class ConnectionFailedError(ReelError):
    """No answer arrived: the network failed, or the server did not answer in time."""


class UnexpectedAnswerError(ReelError):
    """An answer that is not one of the API: perhaps the base URL is that of another server."""


class FileChangedError(ReelError):
    """The file has another size than when its upload began."""


class JobFailedError(ReelError):
    """A job that was waited for has ended with an error; ``job`` says more."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.error or "The export failed.")
        self.job = job


class NoOutputError(ReelError):
    """There is nothing to download: the job is not complete, or has no output of that name."""


class StorageError(ReelError):
    """The storage refused a transfer."""

    def __init__(self, status: int, code: str | None) -> None:
        super().__init__(f"The storage answers {status}{f' ({code})' if code else ''}.")
        self.status = status
        """HTTP status."""
        self.code = code
        """The storage's own word, such as ``AccessDenied``."""


@dataclass(frozen=True)
class FieldError:
    """One fault of a request body."""

    pointer: str
    """JSON Pointer (RFC 6901) into the body; of a query, ``/`` and the parameter's name."""
    detail: str


class ApiError(ReelError):
    """The API refused the request (RFC 9457)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        request_id: str | None = None,
        retry_after_s: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        """HTTP status."""
        self.code = code
        """What kind of problem, such as ``job_not_found``; a newer server may have more."""
        self.detail = detail
        """One sentence for a person."""
        self.errors = errors
        """Every fault of the body."""
        self.request_id = request_id
        """The request's name in the server's log."""
        self.retry_after_s = retry_after_s
        """Seconds after which it makes sense to try again."""
        self.problem = problem or {}
        """The whole answer, with members that this version does not know."""

    def __str__(self) -> str:
        faults = "".join(f"\n  {error.pointer or '/'}: {error.detail}" for error in self.errors)
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.detail} ({self.status} {self.code}){request}{faults}"


class InvalidRequestError(ApiError):
    """The request is wrong; ``errors`` says where (400, 408, 412, 413, 415, 416, 422)."""


class UnauthorizedError(ApiError):
    """The key or token is missing, wrong or no longer valid (401)."""


class ForbiddenError(ApiError):
    """The key or token does not allow this (403)."""


class NotFoundError(ApiError):
    """It does not exist, or belongs to somebody else (404)."""


class ConflictError(ApiError):
    """It is in the wrong state, or the id was used for another request (409)."""


class LimitReachedError(ApiError):
    """The caller has done as much as one may (429); ``retry_after_s`` says when to come again."""


class ServerError(ApiError):
    """The server could not do it: a fault of its own, or something that it needs did not answer (5xx)."""


_FAMILIES: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    429: LimitReachedError,
}


def error_class(status: int) -> type[ApiError]:
    """The family of an HTTP status."""
    if status in _FAMILIES:
        return _FAMILIES[status]
    if status >= 500:
        return ServerError
    return InvalidRequestError if status >= 400 else ApiError
