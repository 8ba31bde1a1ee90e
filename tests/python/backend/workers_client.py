"""The client of the jobs API: a bearer key when there is one, JSON bodies, an exception for errors."""

from __future__ import annotations

from typing import Any

import httpx

from .config import WORKERS_API_KEY, WORKERS_API_URL

CREATE_TIMEOUT_S = 30.0
READ_TIMEOUT_S = 10.0


class WorkersClient:
    """One connection per call, as the backend has it."""

    def __init__(self) -> None:
        self.base_url = WORKERS_API_URL.rstrip("/")
        self.headers = {"Content-Type": "application/json"}
        if WORKERS_API_KEY:
            self.headers["Authorization"] = f"Bearer {WORKERS_API_KEY}"

    async def create_job(
        self, project_id: int, job_type: str, input_video_key: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers at least job_id, status and websocket_url."""
        body = {
            "project_id": project_id,
            "type": job_type,
            "input_video_key": input_video_key,
            "params": params,
        }
        return await self._call("POST", "/api/jobs", CREATE_TIMEOUT_S, body)

    async def get_job(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        return await self._call("GET", f"/api/jobs/{job_id}", READ_TIMEOUT_S)

    async def get_upload_url(self, filename: str, job_id: str | None = None) -> dict[str, Any]:
        """Answers upload_url and video_key. The id goes out as null when there is none."""
        body = {"filename": filename, "content_type": "video/mp4", "job_id": job_id}
        return await self._call("POST", "/api/videos/upload-url", READ_TIMEOUT_S, body)

    async def _call(
        self, method: str, path: str, timeout_s: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            response = await client.request(
                method, f"{self.base_url}{path}", headers=self.headers, json=body, timeout=timeout_s
            )
            response.raise_for_status()
            answer: dict[str, Any] = response.json()
            return answer
