"""Jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from uuid import uuid4

from .._call import Call
from .._calls import jobs
from .._calls.jobs import JobId, JobParams
from .._files import ProgressCallback
from .._flows import completed, download, items
from .._watching import watch
from ..models import ActiveExport, ExportStarted, Job, JobEvent, JobPage, JobStatus, JobSummary, JobType
from .connection import Connection


class JobMethods(Connection):
    """What a client does with jobs."""

    def create_job(
        self,
        project_id: int,
        input_video_key: str,
        params: JobParams,
        *,
        job_type: JobType | None = None,
        job_id: JobId | None = None,
        labels: Mapping[str, str] | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Starts an export of an uploaded video.

        The request always has an ``Idempotency-Key``, one of its own unless it is given, so a retry never makes a
        second job. Give one that you have stored, and the call may be repeated even after a crash.

        Args:
            params: ``OverlayParams``, ``FramingParams`` or ``AnnotateParams``; or a mapping, with ``job_type``.
            labels: Short texts by key, by which lists find the job; at most 16.
            webhook_url: A server that is to hear of this job.

        Raises:
            InvalidRequestError: The params are wrong; its ``errors`` have pointers.
            ConflictError: The id or key was used for another request.
            LimitReachedError: The user has too many jobs in flight.
        """
        key = idempotency_key or uuid4().hex
        call = jobs.create(project_id, input_video_key, params, job_type, job_id, labels, webhook_url, key)
        return self._call(call)

    def export_overlay(
        self,
        project_id: int,
        params: JobParams,
        *,
        job_id: JobId | None = None,
        idempotency_key: str | None = None,
    ) -> ExportStarted:
        """Starts an overlay of the project's working video."""
        return self._call(jobs.export_overlay(project_id, params, job_id, idempotency_key or uuid4().hex))

    def export_framing(
        self,
        project_id: int,
        clip_index: int,
        params: JobParams,
        *,
        set_working_video: bool = False,
        job_id: JobId | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Starts a framing of one of the project's clips; its result may become the working video."""
        key = idempotency_key or uuid4().hex
        return self._call(jobs.export_framing(project_id, clip_index, params, set_working_video, job_id, key))

    def active_exports(self) -> list[ActiveExport]:
        """Exports that are pending or processing: the 100 newest."""
        return self._call(jobs.active_exports())

    def get_job(self, job_id: JobId) -> Job:
        """The job as it is now, with fresh URLs."""
        return self._call(jobs.get(job_id))

    def list_jobs(
        self,
        *,
        project_id: int | None = None,
        status: JobStatus | None = None,
        job_type: JobType | None = None,
        label: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[JobSummary]:
        """All jobs, newest first; further pages (of 1 to 100) are asked for as you go on.

        Args:
            label: Only jobs with this label, as ``key:value``.
        """

        def page(cursor: str | None) -> Call[JobPage]:
            return jobs.page(project_id, status, job_type, label, page_size, cursor)

        return self._stream(items(page, lambda answer: answer.jobs, self._retry))

    def watch(self, job_id: JobId, *, after: int = 0) -> Iterator[JobEvent]:
        """What happens to a job, from its start or after the stored event ``after``, until it has ended.

        A WebSocket carries it. When that is closed it is opened again and what was missed comes first; while it
        cannot be opened, the job is polled. Stored events come once and in order. Each connection begins with a
        snapshot of the job (an event without ``seq``). The last event is of a job that ``is_ended``.
        """
        return self._stream(watch(job_id, after))

    def wait(self, job_id: JobId, *, on_event: Callable[[JobEvent], None] | None = None) -> Job:
        """Follows a job to its end and gives it.

        Raises:
            JobFailedError: It has ended with an error, or was cancelled.
        """
        for event in self.watch(job_id):
            if on_event:
                on_event(event)
        return completed(self.get_job(job_id))

    def get_events(self, job_id: JobId, *, after: int = 0) -> list[JobEvent]:
        """The stored events after a number."""
        return self._call(jobs.events(job_id, after))

    def download(
        self,
        job_id: JobId,
        target: str | PathLike[str],
        *,
        output: str | None = None,
        progress: ProgressCallback | None = None,
    ) -> Path:
        """Downloads a complete job's reel to a file.

        Args:
            output: The name of one of the job's further ``outputs``; the main one unless it is given.
            progress: Called with the bytes that were received and all bytes.

        Raises:
            NoOutputError: The job has nothing to download.
        """
        return self._run(download(job_id, target, output, progress, self._retry))

    def cancel_job(self, job_id: JobId) -> Job:
        """Stops a job, also at the renderer; one that has failed stays as it is, and a complete one is a 409."""
        return self._call(jobs.cancel(job_id))

    def retry_job(self, job_id: JobId) -> Job:
        """Starts a failed job over. It is not retried: 409 for one that has not failed."""
        return self._call(jobs.retry(job_id))

    def delete_job(self, job_id: JobId) -> None:
        """Deletes an ended job with its outputs, and its input unless something else uses it."""
        self._call(jobs.delete(job_id))

    def revoke_links(self, job_id: JobId) -> None:
        """Makes the token of every ``websocket_url`` so far worth nothing."""
        self._call(jobs.revoke_links(job_id))

    def get_filmstrip(self, job_id: JobId) -> str:
        """The WebVTT of a job's filmstrip: which of its pictures shows which moment."""
        return self._call(jobs.filmstrip(job_id))
