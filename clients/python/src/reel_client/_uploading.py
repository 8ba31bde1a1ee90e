"""Sending a video: in one request when it is small, else in parts that resume.

Invariant: a part that is confirmed is never sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ._call import Response
from ._calls import uploads
from ._calls.jobs import JobId
from ._files import ProgressCallback, Source, UploadProgress
from ._flows import expired, storage_error
from ._resume import ResumeFile
from ._retry import RetryPolicy
from ._steps import Flow, Put, PutAll, Sleep, ask
from .errors import ConflictError, ConnectionFailedError, NotFoundError, ReelError, UnexpectedAnswerError
from .models import MultipartUpload, SignedPart, UploadedPart, UploadedVideo

MULTIPART_FROM_BYTES = 16 * 1024 * 1024
"""Smaller files are sent at once: in parts they would take three requests more."""
COMPLETIONS_MAX = 3
PART_POLICY = RetryPolicy(attempts=8, wait_max_s=30.0)
"""Of a part: about a minute, since a person has waited for those before it."""


@dataclass(frozen=True)
class UploadOptions:
    """How a video is sent."""

    filename: str
    content_type: str | None
    job_id: JobId | None
    multipart_from: int
    """Files of so many bytes or more are sent in parts."""
    part_size: int | None
    parallel: int
    """Parts that are sent at the same time."""
    resume_file: Path | None
    progress: ProgressCallback | None


def upload(source: Source, options: UploadOptions, policy: RetryPolicy) -> Flow[UploadedVideo]:
    """Sends a video and gives its key."""
    if source.size < options.multipart_from:
        return (yield from _send_whole(source, options, policy))
    resume = ResumeFile(options.resume_file, source)
    state = yield from _begin(source, options, resume, policy)
    for completions_left in reversed(range(COMPLETIONS_MAX)):
        if state.status != "complete":
            yield from _send_missing(state, source, options, policy)
            source.require_unchanged()
        try:
            video = yield from ask(uploads.complete(state), policy)
        except ConflictError as error:
            # The storage lost or refused parts: ask which, and send those again.
            if error.code != "upload_incomplete" or completions_left == 0:
                raise
            state = yield from ask(uploads.show(state), policy)
        else:
            resume.remove()
            return video
    raise AssertionError("the last round returns or raises")


def _send_whole(source: Source, options: UploadOptions, policy: RetryPolicy) -> Flow[UploadedVideo]:
    call = uploads.target(options.filename, options.content_type, source.size, options.job_id)
    target = yield from ask(call, policy)
    sent = UploadProgress(source.size, options.progress).part(1)
    failures = 0
    while True:
        outcome = yield from _put([Put(target.upload_url, target.headers, source, 0, source.size, sent)])
        if isinstance(outcome[0], Response):
            return UploadedVideo(video_key=target.video_key, size_bytes=source.size)
        failures += 1
        wait_s = policy.wait_s(failures, outcome[0])
        if wait_s is None:
            raise outcome[0]
        yield Sleep(wait_s)


def _begin(source: Source, options: UploadOptions, resume: ResumeFile, policy: RetryPolicy) -> Flow[MultipartUpload]:
    """The upload that was begun before, if the server still has it, else a new one."""
    saved = resume.load()
    if saved is not None:
        try:
            shown = yield from ask(uploads.show(saved), policy)
        except NotFoundError:
            resume.remove()
        else:
            return _consistent(shown, source)
    call = uploads.create(options.filename, options.content_type, source.size, options.job_id, options.part_size)
    created = _consistent((yield from ask(call, policy)), source)
    resume.save(created)
    return created


def _consistent(upload: MultipartUpload, source: Source) -> MultipartUpload:
    whole_parts = -(-upload.size_bytes // max(upload.part_size, 1))
    if upload.size_bytes != source.size or whole_parts != upload.part_count:
        raise UnexpectedAnswerError("The upload's parts are not those of the file.")
    return upload


def missing_parts(upload: MultipartUpload) -> list[int]:
    """The numbers of the parts that have not arrived."""
    arrived = {part.part_number for part in upload.parts}
    return [number for number in range(1, upload.part_count + 1) if number not in arrived]


def part_range(upload: MultipartUpload, number: int) -> tuple[int, int]:
    """Offset and length of a part."""
    offset = (number - 1) * upload.part_size
    return offset, min(upload.part_size, upload.size_bytes - offset)


def _send_missing(upload: MultipartUpload, source: Source, options: UploadOptions, policy: RetryPolicy) -> Flow[None]:
    """Signs, sends and confirms some parts at a time, until all have arrived."""
    numbers = missing_parts(upload)
    arrived_bytes = source.size - sum(part_range(upload, number)[1] for number in numbers)
    progress = UploadProgress(source.size, options.progress, arrived_bytes)
    pending = deque(numbers)
    failures = 0
    while pending:
        batch = [pending.popleft() for _ in range(min(options.parallel, len(pending)))]
        signed = yield from ask(uploads.sign(upload, batch), policy)
        puts = [_put_of(part, upload, source, progress.part(part.part_number)) for part in signed.parts]
        outcomes = yield from _put(puts)
        arrived = [
            UploadedPart(part_number=part.part_number, etag=_etag(outcome))
            for part, outcome in zip(signed.parts, outcomes, strict=True)
            if isinstance(outcome, Response)
        ]
        if arrived:
            yield from ask(uploads.confirm(upload, arrived), policy)
        errors = [outcome for outcome in outcomes if isinstance(outcome, ReelError)]
        if not errors:
            failures = 0
            continue
        failures = 1 if arrived else failures + 1
        waits = [PART_POLICY.wait_s(failures, expired(error)) for error in errors]
        for error, wait_s in zip(errors, waits, strict=True):
            if wait_s is None:
                raise error
        confirmed = {part.part_number for part in arrived}
        pending.extendleft(number for number in reversed(batch) if number not in confirmed)
        yield Sleep(max(wait_s for wait_s in waits if wait_s is not None))


def _put_of(part: SignedPart, upload: MultipartUpload, source: Source, sent: Callable[[int], None]) -> Put:
    offset, length = part_range(upload, part.part_number)
    return Put(part.url, {}, source, offset, length, sent)


def _put(puts: list[Put]) -> Flow[list[Response | ReelError]]:
    """Sends all at the same time; an answer that is no success is an error."""
    outcomes: list[Response | ReelError] = yield PutAll(puts)
    return [
        storage_error(outcome) if isinstance(outcome, Response) and not 200 <= outcome.status < 300 else outcome
        for outcome in outcomes
    ]


def _etag(response: Response) -> str:
    etag = response.headers.get("etag")
    if not etag:
        raise ConnectionFailedError("The storage accepted a part without an ETag.")
    return etag.strip('"')
