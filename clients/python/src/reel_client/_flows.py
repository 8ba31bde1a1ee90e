"""What takes more than one request: pages, erasures, downloads, waiting for several answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Protocol, TypeVar

from ._call import Call, Response
from ._calls import jobs, services
from ._calls.jobs import JobId
from ._files import FileSink, ProgressCallback
from ._retry import RetryPolicy
from ._steps import Emit, Fetch, Flow, Sleep, ask
from .errors import ConnectionFailedError, JobFailedError, NoOutputError, StorageError
from .models import Job, OwnerErasure, RemovedCounts

ERASURE_REQUESTS_MAX = 10_000


class _Page(Protocol):
    @property
    def next_cursor(self) -> str | None: ...


P = TypeVar("P", bound=_Page)


def items(
    page: Callable[[str | None], Call[P]], of: Callable[[P], Iterable[object]], policy: RetryPolicy
) -> Flow[None]:
    """Emits the items of all pages; a page is asked for when the one before is used up."""
    cursor = None
    while True:
        answer = yield from ask(page(cursor), policy)
        for item in of(answer):
            yield Emit(item)
        cursor = answer.next_cursor
        if cursor is None:
            return


def erase_owner(subject: str, policy: RetryPolicy) -> Flow[OwnerErasure]:
    """Repeats the request until nothing is left; the counts are those of all requests."""
    removed = dict.fromkeys(RemovedCounts.model_fields, 0)
    for _ in range(ERASURE_REQUESTS_MAX):
        erasure = yield from ask(services.erase_owner(subject), policy)
        removed = {name: count + getattr(erasure.removed, name) for name, count in removed.items()}
        if erasure.done:
            break
    return OwnerErasure(done=erasure.done, removed=RemovedCounts(**removed))


def completed(job: Job) -> Job:
    """The job, if it is complete; raises `JobFailedError` otherwise."""
    if job.status != "complete":
        raise JobFailedError(job)
    return job


def download(
    job_id: JobId,
    target: str | PathLike[str],
    output: str | None,
    progress: ProgressCallback | None,
    policy: RetryPolicy,
) -> Flow[Path]:
    """Downloads a job's reel. After a failure it goes on where it was, with a fresh URL."""
    sink = FileSink(target, progress)
    failures = 0
    try:
        while True:
            job = yield from ask(jobs.get(job_id), policy)
            before = sink.received
            try:
                answer: Response = yield Fetch(output_url(job, output), sink.request_headers(), sink.begin, sink.write)
                if not 200 <= answer.status < 300:
                    raise storage_error(answer)
                return sink.finish()
            except (ConnectionFailedError, StorageError) as error:
                failures = 1 if sink.received > before else failures + 1
                wait_s = policy.wait_s(failures, expired(error))
                if wait_s is None:
                    raise
            yield Sleep(wait_s)
    except BaseException:
        sink.discard()
        raise


def output_url(job: Job, output: str | None) -> str:
    """Where the main output, or one of the further ones, can be fetched."""
    if output is None:
        url = job.output_url
    else:
        url = next((rendition.output_url for rendition in job.outputs if rendition.name == output), None)
    if url is None:
        named = f" output {output!r}" if output is not None else " output"
        raise NoOutputError(f"The job has no{named} to download; its status is {job.status}.")
    return url


def storage_error(response: Response) -> StorageError:
    """What the storage says, by its code; its text may repeat a URL."""
    _, found, rest = response.body.decode("utf-8", errors="replace").partition("<Code>")
    code = rest.partition("</Code>")[0] if found else ""
    return StorageError(response.status, code if code.isalnum() and len(code) < 64 else None)


def expired(error: Exception) -> Exception:
    """A URL that has expired is refused with 403. The next attempt has a fresh one, so it is worth trying."""
    if isinstance(error, StorageError) and error.status == 403:
        return ConnectionFailedError("The URL has expired.")
    return error
