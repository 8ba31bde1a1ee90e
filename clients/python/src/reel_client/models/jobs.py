"""Jobs: what the API says of an export."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from ._base import Answer

JobType = Literal["overlay", "framing", "annotate"]
JobStatus = Literal["pending", "processing", "complete", "error"]


class OutputMedia(Answer):
    """What was made, read from the file itself."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    fps: float
    """Frames per second."""
    frames: int
    duration_ms: int
    bytes: int


class Rendition(Answer):
    """A further output of a job, one of its ``outputs``."""

    name: str
    output_video_key: str | None = None
    output_bytes: int | None
    output: OutputMedia | None
    output_url: str | None = Field(repr=False)
    """Where it can be downloaded for an hour."""
    poster_url: str | None = Field(repr=False)


class Filmstrip(Answer):
    """A sheet of small pictures of a reel, and how it is divided."""

    url: str = Field(repr=False)
    vtt_url: str = Field(repr=False)
    tile_width: int
    tile_height: int
    columns: int
    tiles: int
    interval_ms: int
    """Time between two pictures."""


class Usage(Answer):
    """What a job has cost in written rows and requests."""

    object_rows: int
    d1_rows: int
    requests: int
    alarms: int


class _JobFacts(Answer):
    """What lists and single jobs have in common."""

    job_id: str
    project_id: int
    status: str
    """One of ``JobStatus``."""
    attempt: int
    retry_count: int
    input_video_key: str | None = None
    """Left out for the holder of a link."""
    output_video_key: str | None = None
    output_bytes: int | None
    poster_url: str | None = Field(repr=False)
    error: str | None
    """One sentence for a person; None while nothing has failed."""
    error_code: str | None
    """Why it failed, such as ``invalid_input`` or ``cancelled``."""
    retryable: bool | None
    """Whether a retry of the same job can help; None while nothing has failed."""
    labels: dict[str, str] = {}
    """What its creator has noted on it. Left out for the holder of a link."""
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None

    @property
    def is_ended(self) -> bool:
        """Whether the status is final: ``complete`` or ``error``."""
        return self.status in ("complete", "error")


class JobSummary(_JobFacts):
    """A job as lists have it: without progress and params, and a moment behind."""

    type: str
    """One of ``JobType``."""


class Job(_JobFacts):
    """A job with everything that is known of it."""

    type: str
    """One of ``JobType``."""
    seq: int | None = None
    """Number of the last stored event."""
    stage: str
    """``queued``, ``starting``, ``downloading``, ``rendering``, ``uploading``, ``verifying`` or ``done``."""
    progress: int
    """Percent; it does not go down within an attempt."""
    message: str
    max_attempts: int
    execution_timeout_ms: int
    """How long one attempt may take."""
    output: OutputMedia | None
    output_url: str | None = Field(repr=False)
    """Where the reel can be downloaded for an hour; None until it is complete."""
    outputs: list[Rendition] = []
    filmstrip: Filmstrip | None = None
    params: dict[str, Any] | None = Field(default=None, repr=False)
    """The edit; only answers to ``get_job``, ``create_job`` and the first message of a socket have it."""
    runpod_job_id: str | None = None
    websocket_url: str = Field(repr=False)
    usage: Usage | None = None


class JobEvent(Job):
    """A message about a job: the job as it then was, and what kind of message it is."""

    event: str
    """``status``, ``progress``, ``complete`` or ``error``. Those with a ``seq`` are stored and numbered without a
    gap; those without are snapshots, and progress in between."""


class JobPage(Answer):
    """One page of a list of jobs, newest first."""

    jobs: list[JobSummary]
    next_cursor: str | None


class ExportStarted(Answer):
    """The short answer to an overlay export of a project."""

    job_id: str
    status: str
    websocket_url: str = Field(repr=False)


class ActiveExport(Answer):
    """An export that is pending or processing, with the name of its project."""

    job_id: str
    project_id: int
    project_name: str | None
    type: str
    status: str
    error: str | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
