"""Requests about uploads. The key and the id of an upload travel in headers, since URLs end in logs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .._call import Call, model, nothing, path_of
from ..models import ConfirmedParts, MultipartUpload, SignedParts, UploadedPart, UploadedVideo, UploadTarget
from .jobs import JobId


def target(filename: str, content_type: str | None, size_bytes: int | None, job_id: JobId | None) -> Call[UploadTarget]:
    """A URL for a whole video. It may be asked for again: that only signs another URL."""
    body = _described(filename, content_type, job_id)
    if size_bytes is not None:
        body["size_bytes"] = size_bytes
    return Call("POST", path_of("videos", "upload-url"), model(UploadTarget), body)


def create(
    filename: str, content_type: str | None, size_bytes: int, job_id: JobId | None, part_size: int | None
) -> Call[MultipartUpload]:
    """An upload in parts. Not idempotent: each request makes an upload."""
    body = {**_described(filename, content_type, job_id), "size_bytes": size_bytes}
    if part_size is not None:
        body["part_size"] = part_size
    return Call("POST", path_of("videos", "multipart"), model(MultipartUpload), body, is_idempotent=False)


def _described(filename: str, content_type: str | None, job_id: JobId | None) -> dict[str, Any]:
    body = {"filename": filename}
    if content_type is not None:
        body["content_type"] = content_type
    if job_id is not None:
        body["job_id"] = str(job_id)
    return body


def show(upload: MultipartUpload) -> Call[MultipartUpload]:
    """The upload with the parts that have arrived."""
    return Call("GET", _path("parts"), model(MultipartUpload), headers=_headers(upload))


def sign(upload: MultipartUpload, part_numbers: list[int]) -> Call[SignedParts]:
    """URLs for up to 100 parts, each good for an hour."""
    body = {"part_numbers": part_numbers}
    return Call("POST", _path("parts"), model(SignedParts), body, _headers(upload))


def confirm(upload: MultipartUpload, parts: list[UploadedPart]) -> Call[ConfirmedParts]:
    """Tells which parts the storage has accepted."""
    body = {"parts": [{"part_number": part.part_number, "etag": part.etag} for part in parts]}
    return Call("PUT", _path("parts"), model(ConfirmedParts), body, _headers(upload))


def complete(upload: MultipartUpload) -> Call[UploadedVideo]:
    """Makes one video of the parts; 409 `upload_incomplete` while some are missing."""
    return Call("POST", _path("complete"), model(UploadedVideo), {}, _headers(upload), timeout_s=60.0)


def abort(upload: MultipartUpload) -> Call[None]:
    """Deletes the parts."""
    return Call("DELETE", path_of("videos", "multipart", "-"), nothing, headers=_headers(upload))


def _path(action: str) -> str:
    return path_of("videos", "multipart", "-", action)


def _headers(upload: MultipartUpload) -> dict[str, str]:
    return {"upload-token": upload.upload_id, "video-key": quote(upload.video_key, safe="/")}
