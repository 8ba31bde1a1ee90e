"""The backend's client of the Workers API, in the request shapes that the migration describes.

Called with the API's address and a video. Every answer is compared with what that client's callers
read; the first difference ends the script with an assertion.
"""

import asyncio
import re
import sys
import uuid
from pathlib import Path
from typing import Any, Dict, Optional

import httpx


class WorkersClient:
    """Bearer key when there is one, JSON bodies, the timeouts of the backend."""

    def __init__(self, url: str, key: str = ""):
        self.base_url = url.rstrip("/")
        self.headers = {"Content-Type": "application/json"}
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    async def create_job(
        self, project_id: int, job_type: str, input_video_key: str, params: Dict[str, Any]
    ) -> Dict[str, Any]:
        async with httpx.AsyncClient() as client:
            response = await client.post(
                f"{self.base_url}/api/jobs",
                headers=self.headers,
                json={
                    "project_id": project_id,
                    "type": job_type,
                    "input_video_key": input_video_key,
                    "params": params,
                },
                timeout=30.0,
            )
            response.raise_for_status()
            return response.json()

    async def get_job(self, job_id: str) -> Dict[str, Any]:
        async with httpx.AsyncClient() as client:
            response = await client.get(
                f"{self.base_url}/api/jobs/{job_id}", headers=self.headers, timeout=10.0
            )
            response.raise_for_status()
            return response.json()

    async def get_upload_url(self, filename: str, job_id: Optional[str] = None) -> Dict[str, Any]:
        async with httpx.AsyncClient() as client:
            response = await client.post(
                f"{self.base_url}/api/videos/upload-url",
                headers=self.headers,
                json={"filename": filename, "content_type": "video/mp4", "job_id": job_id},
                timeout=10.0,
            )
            response.raise_for_status()
            return response.json()


async def main(url: str, video: Path) -> None:
    workers = WorkersClient(url)

    # The id goes out as null when the caller has none.
    target = await workers.get_upload_url("working_video.mp4")
    assert re.fullmatch(r"input/[0-9a-f-]{36}/working_video\.mp4", target["video_key"]), target["video_key"]
    assert target["upload_url"].startswith("http"), "an absolute URL"
    own_id = str(uuid.uuid4())
    own = await workers.get_upload_url("working_video.mp4", own_id)
    assert own["video_key"] == f"input/{own_id}/working_video.mp4", own["video_key"]

    async with httpx.AsyncClient() as client:
        stored = await client.put(
            target["upload_url"],
            content=video.read_bytes(),
            headers={"Content-Type": "video/mp4"},
            timeout=30.0,
        )
    assert stored.status_code == 200, f"the storage answers {stored.status_code}"

    # As the overlay router fills it, with every default spelled out.
    created = await workers.create_job(
        project_id=1,
        job_type="overlay",
        input_video_key=target["video_key"],
        params={
            "highlight_regions": [
                {
                    "start_frame": 0,
                    "end_frame": 60,
                    "x": 640.0,
                    "y": 360.0,
                    "radius_x": 80.0,
                    "radius_y": 160.0,
                    "opacity": 1.0,
                    "color": "#ffffff",
                }
            ],
            "effect_type": "blur",
            "crop_keyframes": None,
            "output_width": 1080,
            "output_height": 1920,
        },
    )
    job_id = created["job_id"]
    assert uuid.UUID(job_id)
    assert created["status"] == "pending", created["status"]
    assert created["websocket_url"].split("?")[0] == f"/api/jobs/{job_id}/ws"

    # The loop of the WebSocket proxy: only these two words end it.
    statuses = []
    for _ in range(400):
        job = await workers.get_job(job_id)
        if not statuses or statuses[-1] != job["status"]:
            statuses.append(job["status"])
        if job["status"] in ["complete", "error"]:
            break
        await asyncio.sleep(0.5)
    assert statuses[-1] == "complete", f"{statuses}: {job.get('error')}"
    assert set(statuses) <= {"pending", "processing", "complete"}, statuses
    assert job["progress"] == 100 and job["project_id"] == 1 and job["type"] == "overlay"
    async with httpx.AsyncClient() as client:
        reel = await client.get(httpx.URL(url).join(job["output_url"]), timeout=30.0)
    assert reel.status_code == 200 and reel.content[4:8] == b"ftyp"

    try:
        await workers.get_job("3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f99")
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404
        body = error.response.json()
        assert body["error"] == body["detail"] == "Job not found", body
    else:
        raise AssertionError("an unknown job must be a 404")

    print("all answers are the seed's")


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
