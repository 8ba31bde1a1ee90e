from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from flows import drive, json_response
from reel_client._call import Response
from reel_client._files import Source, UploadProgress
from reel_client._retry import RetryPolicy
from reel_client._steps import PutAll, Send
from reel_client._uploading import UploadOptions, missing_parts, part_range, upload
from reel_client.errors import ConnectionFailedError, FileChangedError, InvalidRequestError, ReelError, StorageError
from reel_client.models import MultipartUpload, UploadedPart

PART = 5
SIZE = 12
KEY = "input/abc/clip.mp4"
SECRET = "upload-id"


class Api:
    """Keeps one upload in parts of 5 bytes, and refuses to be sent a part twice."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.created = 0
        self.calls: list[str] = []
        self.faults: dict[int, list[ReelError | Response]] = {}
        self.incomplete = 0

    def __call__(self, step: Any) -> Any:
        if isinstance(step, PutAll):
            return [self._put(put) for put in step.puts]
        assert isinstance(step, Send)
        call = step.call
        self.calls.append(f"{call.method} {call.path}")
        match call.method, call.path:
            case "POST", "/api/videos/upload-url":
                target = {"upload_url": "https://r2/whole", "video_key": KEY, "method": "PUT", "headers": {"a": "b"}}
                return json_response(200, {**target, "expires_at": "2026-01-31T10:00:00Z"})
            case "POST", "/api/videos/multipart":
                self.created += 1
                return json_response(201, self._shown())
        assert call.headers["upload-token"] == SECRET and SECRET not in call.path
        match call.method, call.path.rsplit("/", 1)[1]:
            case "GET", "parts":
                if not self.created:
                    return json_response(404, {"code": "upload_not_found", "detail": "Upload not found"})
                return json_response(200, {**self._shown(), "status": "open"})
            case "POST", "parts":
                signed = [
                    {"part_number": n, "url": f"https://r2/{n}", "size_bytes": 1} for n in call.body["part_numbers"]
                ]
                return json_response(200, {"parts": signed, "expires_at": "2026-01-31T10:00:00Z"})
            case "PUT", "parts":
                assert all(self.parts[part["part_number"]] for part in call.body["parts"])
                return json_response(200, {"confirmed": len(self.parts)})
            case "POST", "complete":
                if self.incomplete:
                    self.incomplete -= 1
                    del self.parts[2]
                    return json_response(409, {"code": "upload_incomplete", "detail": "Parts are missing"})
                return json_response(200, {"video_key": KEY, "size_bytes": SIZE, "etag": "e"})
        raise AssertionError(call.path)

    def _put(self, put: Any) -> Response | ReelError:
        name = put.url.rsplit("/", 1)[1]
        number = 0 if name == "whole" else int(name)
        if self.faults.get(number):
            put.sent(1)
            return self.faults[number].pop(0)
        assert number not in self.parts, f"part {number} was sent twice"
        self.parts[number] = b"".join(put.source.pieces(put.offset, put.length))
        put.sent(put.length)
        return Response(200, {"etag": f'"e{number}"'})

    def _shown(self) -> dict[str, Any]:
        parts = [{"part_number": n, "etag": "e", "size_bytes": len(data)} for n, data in self.parts.items()]
        about = {"video_key": KEY, "upload_id": SECRET, "size_bytes": SIZE, "part_size": PART, "part_count": 3}
        return {**about, "parts": parts, "expires_at": "2026-02-03T10:00:00Z"}


def options(**changes: Any) -> UploadOptions:
    standard: dict[str, Any] = {
        "filename": "clip.mp4",
        "content_type": None,
        "job_id": None,
        "multipart_from": 10,
        "part_size": PART,
        "parallel": 2,
        "resume_file": None,
        "progress": None,
    }
    return UploadOptions(**{**standard, **changes})


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"0123456789ab")
    return path


def test_a_small_file_is_sent_at_once_and_a_fault_is_retried(video: Path) -> None:
    api = Api()
    api.faults[0] = [ConnectionFailedError("cut"), Response(503, {})]
    seen: list[tuple[int, int]] = []
    small = options(multipart_from=100, progress=lambda done, total: seen.append((done, total)))
    result, _, sleeps = drive(upload(Source(video), small, RetryPolicy()), api)
    assert (result.video_key, result.size_bytes, api.parts) == (KEY, SIZE, {0: b"0123456789ab"})
    assert len(sleeps) == 2
    assert seen == [(1, 12), (12, 12)], "progress does not go down"


def test_a_refused_file_is_an_error_with_the_word_of_the_storage(video: Path) -> None:
    api = Api()
    api.faults[0] = [Response(400, {}, b"<Code>EntityTooLarge</Code>")]
    with pytest.raises(StorageError, match="EntityTooLarge"):
        drive(upload(Source(video), options(multipart_from=100), RetryPolicy()), api)


def test_parts_are_confirmed_before_the_next_are_sent(video: Path) -> None:
    api = Api()
    drive(upload(Source(video), options(), RetryPolicy()), api)
    assert api.parts == {1: b"01234", 2: b"56789", 3: b"ab"}
    assert [call.rsplit("/", 1)[1] for call in api.calls] == [
        "multipart",
        "parts",
        "parts",
        "parts",
        "parts",
        "complete",
    ]


def test_only_the_part_that_failed_is_sent_again_and_an_expired_url_is_renewed(video: Path) -> None:
    api = Api()
    api.faults[1] = [ConnectionFailedError("cut"), Response(403, {}, b"<Code>AccessDenied</Code>")]
    drive(upload(Source(video), options(), RetryPolicy()), api)
    assert api.parts == {1: b"01234", 2: b"56789", 3: b"ab"}


def test_an_interrupted_upload_goes_on_with_what_is_missing(video: Path, tmp_path: Path) -> None:
    api, resume_file = Api(), tmp_path / "resume.json"
    api.faults[3] = [Response(400, {}, b"<Code>BadDigest</Code>")]
    with pytest.raises(StorageError):
        drive(upload(Source(video), options(resume_file=resume_file), RetryPolicy()), api)
    assert stat.S_IMODE(resume_file.stat().st_mode) == 0o600
    seen: list[int] = []
    again = options(resume_file=resume_file, progress=lambda done, _: seen.append(done))
    drive(upload(Source(video), again, RetryPolicy()), api)
    assert (api.created, seen, resume_file.exists()) == (1, [12], False)


def test_a_changed_file_or_an_upload_that_is_gone_starts_over(video: Path, tmp_path: Path) -> None:
    api, resume_file = Api(), tmp_path / "resume.json"
    saved = {"source": [SIZE, 1], "upload": {**api._shown(), "part_count": 3}}
    resume_file.write_text(json.dumps(saved))
    drive(upload(Source(video), options(resume_file=resume_file), RetryPolicy()), api)
    assert (api.created, "GET /api/videos/multipart/-/parts" in api.calls) == (1, False)

    gone = Api()
    saved["source"] = [SIZE, video.stat().st_mtime_ns]
    resume_file.write_text(json.dumps(saved))
    drive(upload(Source(video), options(resume_file=resume_file), RetryPolicy()), gone)
    assert (gone.created, gone.calls[0]) == (1, "GET /api/videos/multipart/-/parts")


def test_parts_that_the_storage_lost_are_sent_again(video: Path) -> None:
    api = Api()
    api.incomplete = 1
    drive(upload(Source(video), options(), RetryPolicy()), api)
    assert sorted(api.parts) == [1, 2, 3]


def test_a_file_that_changes_meanwhile_is_not_completed(video: Path) -> None:
    api = Api()

    def change(done: int, total: int) -> None:
        if done == total:
            video.write_bytes(b"other")

    with pytest.raises(FileChangedError):
        drive(upload(Source(video), options(progress=change), RetryPolicy()), api)


def test_what_the_api_refuses_ends_the_upload(video: Path) -> None:
    def refuse(_: Any) -> Response:
        return json_response(422, {"code": "invalid_request", "detail": "size_bytes is too large."})

    with pytest.raises(InvalidRequestError):
        drive(upload(Source(video), options(), RetryPolicy()), refuse)


def test_parts_are_planned_from_what_has_arrived() -> None:
    parts = [UploadedPart(part_number=2, etag="e")]
    state = MultipartUpload(**Api()._shown()).model_copy(update={"parts": parts})
    assert missing_parts(state) == [1, 3]
    assert [part_range(state, number) for number in (1, 2, 3)] == [(0, 5), (5, 5), (10, 2)]


def test_progress_adds_up_and_never_goes_down() -> None:
    seen: list[int] = []
    progress = UploadProgress(10, lambda done, _: seen.append(done), done=2)
    first, second = progress.part(1), progress.part(2)
    first(3)
    second(4)
    first(0)
    first(4)
    assert seen == [5, 9, 10]
