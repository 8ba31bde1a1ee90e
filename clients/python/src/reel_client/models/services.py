"""What services ask: health, limits, tokens, the audit log and owners."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from ._base import Answer


class Health(Answer):
    """Whether the API can work."""

    status: str
    """``ok`` or ``not_configured``."""
    version: str
    env: str | None = None
    runpod: bool | None = None
    api_key: bool | None = None
    warning: str | None = None
    detail: str | None = None
    """What is not configured; only for callers who may know."""

    @property
    def is_ok(self) -> bool:
        """Whether jobs can be created."""
        return self.status == "ok"


class Limit(Answer):
    """One limit; what does not apply is None."""

    limit: int | None
    used: int | None = None
    window_s: int | None = None
    """Length of the window in which uses are counted."""
    resets_at: AwareDatetime | None = None
    limit_per_job: int | None = None


class Limits(Answer):
    """The caller's limits. A service has no limit of jobs, sockets and bytes."""

    requests: Limit
    sockets_per_job: Limit
    retries_by_hand: Limit
    jobs_in_flight: Limit | None = None
    sockets: Limit | None = None
    upload_bytes: Limit | None = None


class MintedToken(Answer):
    """A token for one end user."""

    token: str = Field(repr=False)
    token_type: str
    expires_at: AwareDatetime
    expires_in_s: int
    subject: str
    scopes: list[str]


class AuditEntry(Answer):
    """One change: who did what, and how it was answered."""

    at: AwareDatetime
    request_id: str
    caller: str
    """The name of a service's key, ``user`` or ``uploader``."""
    owner: str | None
    """A hash of the user."""
    route: str
    target: str
    status: int
    """HTTP status of the answer."""


class AuditPage(Answer):
    """One page of the audit log, newest first."""

    entries: list[AuditEntry]
    next_cursor: str | None


class RemovedCounts(Answer):
    """What one request of an erasure has removed."""

    jobs: int
    videos: int
    projects: int
    clips: int


class OwnerErasure(Answer):
    """A part of the erasure of a user."""

    done: bool
    """Whether nothing is left."""
    removed: RemovedCounts


class TokenRevocation(Answer):
    """From when on no older token of a user is accepted."""

    revoked_at: AwareDatetime
    open_jobs: int
