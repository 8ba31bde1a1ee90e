"""Uploads: where a video is sent, whole or in parts."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from ._base import Answer


class UploadTarget(Answer):
    """Where one request sends a whole video."""

    upload_url: str = Field(repr=False)
    """Presigned: good for one hour."""
    video_key: str
    method: str
    headers: dict[str, str]
    """Exactly these must be sent."""
    expires_at: AwareDatetime


class UploadedPart(Answer):
    """A part that the storage has."""

    part_number: int
    """From 1."""
    etag: str
    size_bytes: int | None = None


class MultipartUpload(Answer):
    """An upload in parts. Whoever has its ``upload_id`` may write to it."""

    video_key: str
    upload_id: str = Field(repr=False)
    size_bytes: int
    part_size: int
    """Bytes of every part but the last."""
    part_count: int
    expires_at: AwareDatetime
    """It is aborted if it is not complete by then."""
    status: str = "open"
    """``open`` or ``complete``."""
    parts: list[UploadedPart] = []
    """The parts that have arrived."""


class SignedPart(Answer):
    """Where one part is sent."""

    part_number: int
    url: str = Field(repr=False)
    size_bytes: int


class SignedParts(Answer):
    """Presigned URLs of some parts."""

    parts: list[SignedPart]
    expires_at: AwareDatetime


class ConfirmedParts(Answer):
    """How many parts the API knows to have arrived."""

    confirmed: int


class UploadedVideo(Answer):
    """A video that is in the bucket, as ``input_video_key`` of a job wants it."""

    video_key: str
    size_bytes: int
