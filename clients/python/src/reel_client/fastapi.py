"""The clients of the FastAPI backend, with the names and signatures that its routers use.

A backend imports ``workers_client`` and ``r2_client`` from here and changes nothing else. Settings come from the
environment: ``WORKERS_API_URL`` and ``WORKERS_API_KEY``. The keys of the bucket are not needed any more: uploads go to
presigned URLs that the API gives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from ._call import Call, json_of
from ._http import Address
from ._logging import hide_signed_urls
from ._retry import RetryPolicy
from ._run_async import AsyncRunner
from ._steps import ask
from .client import ReelClient
from .errors import ApiError, ConnectionFailedError

CREATE_TIMEOUT_S = 30.0
READ_TIMEOUT_S = 10.0
RETRIES = RetryPolicy()


class WorkersClient:
    """Creates and reads jobs; answers are the API's JSON as dictionaries.

    A refusal is an ``httpx.HTTPStatusError`` with the API's sentence, no answer an ``httpx.TransportError``. Requests
    that failed on the way are repeated, and never create a second job.
    """

    def __init__(self) -> None:
        hide_signed_urls()
        self.base_url = _api_url()
        self.headers = {"Content-Type": "application/json"}
        if key := _api_key():
            self.headers["Authorization"] = f"Bearer {key}"

    async def create_job(
        self, project_id: int, job_type: str, input_video_key: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Starts a job; the answer has ``job_id``, ``status``, ``websocket_url`` and the rest of the job."""
        job = {"project_id": project_id, "type": job_type, "input_video_key": input_video_key, "params": params}
        return await self._call("POST", "/api/jobs", CREATE_TIMEOUT_S, job, {"Idempotency-Key": uuid4().hex})

    async def get_job(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        return await self._call("GET", f"/api/jobs/{job_id}", READ_TIMEOUT_S)

    async def get_upload_url(self, filename: str, job_id: str | None = None) -> dict[str, Any]:
        """A presigned URL for a video; the answer has ``upload_url``, ``video_key`` and ``headers``."""
        video = {"filename": filename, "content_type": "video/mp4", "job_id": job_id}
        return await self._call("POST", "/api/videos/upload-url", READ_TIMEOUT_S, video)

    async def _call(
        self,
        method: str,
        path: str,
        timeout_s: float,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        call = Call(method, path, json_of, body, {**self.headers, **(headers or {})}, timeout_s=timeout_s)
        # A connection for each call, since one client serves every event loop of the process.
        async with httpx.AsyncClient() as http:
            try:
                return await AsyncRunner(Address(self.base_url), None, http).run(ask(call, RETRIES))
            except ApiError as error:
                request = httpx.Request(method, f"{self.base_url}{path}")
                response = httpx.Response(error.status, json=dict(error.problem), request=request)
                raise httpx.HTTPStatusError(str(error), request=request, response=response) from error
            except ConnectionFailedError as error:
                raise (error.__cause__ or error) from None


class R2Client:
    """Uploads videos under keys that the backend chooses: ``input/{id}/{filename}``, where the id is a UUID.

    Both methods block, as they always did. A key can be used once: a second upload is a `ConflictError`.
    """

    def upload_file(self, local_path: str, key: str, content_type: str = "video/mp4") -> str:
        """Uploads a file, in parts when it is long, and gives the key back."""
        job_id, filename = _parts_of(key)
        with _client() as client:
            video = client.upload_file(Path(local_path), filename=filename, content_type=content_type, job_id=job_id)
        return _as_asked(key, video.video_key)

    def upload_bytes(self, data: bytes, key: str, content_type: str = "video/mp4") -> str:
        """Uploads what is in memory and gives the key back."""
        job_id, filename = _parts_of(key)
        with _client() as client:
            video = client.upload_bytes(data, filename, content_type=content_type, job_id=job_id)
        return _as_asked(key, video.video_key)


def _parts_of(key: str) -> tuple[UUID, str]:
    try:
        folder, job_id, filename = key.split("/")
        if folder == "input" and filename:
            return UUID(job_id), filename
    except ValueError:
        pass
    raise ValueError("A key must be like input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/video.mp4.")


def _as_asked(key: str, stored_as: str) -> str:
    if stored_as != key:
        raise ValueError(f"The API stores this file as {stored_as}: use a name of letters, digits, '.', '-' and '_'.")
    return key


def _client() -> ReelClient:
    return ReelClient(_api_url(), _api_key())


def _api_url() -> str:
    return os.environ.get("WORKERS_API_URL", "http://localhost:8787").rstrip("/")


def _api_key() -> str | None:
    return os.environ.get("WORKERS_API_KEY") or None


workers_client = WorkersClient()
r2_client = R2Client()
