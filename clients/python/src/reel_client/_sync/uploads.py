"""Uploads."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from .._calls import uploads
from .._calls.jobs import JobId
from .._files import ProgressCallback, Source
from .._uploading import MULTIPART_FROM_BYTES, UploadOptions, upload
from ..models import MultipartUpload, SignedParts, UploadedPart, UploadedVideo, UploadTarget
from .connection import Connection


class UploadMethods(Connection):
    """What a client does with videos that are to be edited."""

    def upload_file(
        self,
        path: str | PathLike[str],
        *,
        filename: str | None = None,
        content_type: str | None = None,
        job_id: JobId | None = None,
        progress: ProgressCallback | None = None,
        resume_file: str | PathLike[str] | None = None,
        multipart_from: int = MULTIPART_FROM_BYTES,
        part_size: int | None = None,
        parallel: int = 4,
    ) -> UploadedVideo:
        """Uploads a video of up to 10 GB, straight to the storage; its key is what a job is created with.

        Args:
            filename: The name of the file for the API; that of ``path`` unless it is given.
            content_type: By default, the file's name tells it.
            job_id: The id that its job is going to have, if you choose it; the key then begins with it.
            progress: Called with the bytes that were sent and all bytes, also from other threads.
            resume_file: Where an upload in parts is noted. After an interruption the same call sends only the
                parts that have not arrived. The file is a credential: whoever reads it may write to the upload.
            multipart_from: Files of so many bytes or more are sent in parts.
            part_size: Bytes of a part: whole MiB, from 5 on; by default the API chooses.
            parallel: Parts that are sent at the same time.

        Raises:
            FileChangedError: The file changed while it was sent.
            StorageError: The storage refused it.
        """
        options = UploadOptions(
            filename or Path(path).name,
            content_type,
            job_id,
            multipart_from,
            part_size,
            parallel,
            Path(resume_file) if resume_file else None,
            progress,
        )
        return self._run(upload(Source(path), options, self._retry))

    def upload_bytes(
        self,
        data: bytes,
        filename: str,
        *,
        content_type: str | None = None,
        job_id: JobId | None = None,
        progress: ProgressCallback | None = None,
    ) -> UploadedVideo:
        """Uploads a video that is in memory."""
        options = UploadOptions(filename, content_type, job_id, MULTIPART_FROM_BYTES, None, 4, None, progress)
        return self._run(upload(Source(data), options, self._retry))

    def get_upload_url(
        self,
        filename: str,
        *,
        content_type: str | None = None,
        size_bytes: int | None = None,
        job_id: JobId | None = None,
    ) -> UploadTarget:
        """A presigned URL to which somebody else, such as a browser, sends a video."""
        return self._call(uploads.target(filename, content_type, size_bytes, job_id))

    def create_upload(
        self,
        filename: str,
        size_bytes: int,
        *,
        content_type: str | None = None,
        job_id: JobId | None = None,
        part_size: int | None = None,
    ) -> MultipartUpload:
        """An upload in parts that somebody else sends. It is not retried: each request makes another."""
        return self._call(uploads.create(filename, content_type, size_bytes, job_id, part_size))

    def get_upload(self, upload: MultipartUpload) -> MultipartUpload:
        """The upload with the parts that have arrived."""
        return self._call(uploads.show(upload))

    def sign_parts(self, upload: MultipartUpload, part_numbers: list[int]) -> SignedParts:
        """Presigned URLs for up to 100 parts."""
        return self._call(uploads.sign(upload, part_numbers))

    def confirm_parts(self, upload: MultipartUpload, parts: list[UploadedPart]) -> int:
        """Tells that parts have arrived; gives how many that are in all."""
        return self._call(uploads.confirm(upload, parts)).confirmed

    def complete_upload(self, upload: MultipartUpload) -> UploadedVideo:
        """Makes one video of the parts."""
        return self._call(uploads.complete(upload))

    def abort_upload(self, upload: MultipartUpload) -> None:
        """Deletes what has arrived."""
        self._call(uploads.abort(upload))
