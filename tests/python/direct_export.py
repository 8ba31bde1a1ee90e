"""An export by the backend's two clients and its proxy, through the API's own routes.

    direct_export.py VIDEO            (the settings of backend/config.py in the environment)

Every answer is compared with what the backend's callers read; the first difference ends the script
with an assertion.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from backend.config import WORKERS_API_KEY, WORKERS_API_URL
from backend.r2_client import R2Client
from backend.websocket_proxy import ENDS, websocket_proxy
from backend.workers_client import WorkersClient

# As the overlay router fills it, with every default spelled out.
OVERLAY = {
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
}
# As the framing router fills it.
FRAMING = {
    "clip_index": 0,
    "crop_keyframes": [{"frame": 0, "x": 437.0, "y": 0.0, "width": 405.0, "height": 720.0}],
    "output_width": 1080,
    "output_height": 1920,
    "start_time": 0.0,
    "end_time": 2.0,
}
NOBODYS_JOB = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f99"


async def main(video: Path) -> None:
    """Both kinds of job, uploaded in all three ways."""
    workers, bucket = WorkersClient(), R2Client()

    # The routers name the key after an id of their own, which is not the job's.
    key = f"input/{uuid.uuid4()}/working_video.mp4"
    assert bucket.upload_file(str(video), key) == key
    overlay = await created(workers, "overlay", key, OVERLAY)
    await forwarded_to_its_end(workers, overlay)
    await downloaded(workers, overlay)

    key = f"input/{uuid.uuid4()}/source.mp4"
    assert bucket.upload_bytes(video.read_bytes(), key) == key
    framing = await created(workers, "framing", key, FRAMING)
    await polled_to_its_end(workers, framing)
    await downloaded(workers, framing)

    key = await uploaded_by_url(workers, video)
    await polled_to_its_end(workers, await created(workers, "overlay", key, OVERLAY))

    await refused(workers)
    print("all answers are the FastAPI backend's")


async def created(workers: WorkersClient, kind: str, key: str, params: dict[str, Any]) -> str:
    """Creates a job; the callers read three fields of the answer."""
    result = await workers.create_job(
        project_id=1, job_type=kind, input_video_key=key, params=params
    )
    job_id: str = result["job_id"]
    assert uuid.UUID(job_id)
    assert result["status"] == "pending", result["status"]
    assert result["websocket_url"].split("?")[0] == f"/api/jobs/{job_id}/ws", result["websocket_url"]
    return job_id


async def polled_to_its_end(workers: WorkersClient, job_id: str) -> None:
    """Reads the job until it has ended, as the status route's callers do."""
    seen: list[str] = []
    while not seen or seen[-1] not in ENDS:
        job = await workers.get_job(job_id)
        if not seen or seen[-1] != job["status"]:
            seen.append(job["status"])
        await asyncio.sleep(0.5)
    assert seen[-1] == "complete", f"{seen}: {job.get('error')}"
    assert set(seen) <= {"pending", "processing", "complete"}, seen


async def forwarded_to_its_end(workers: WorkersClient, job_id: str) -> None:
    """Listens to the proxy, which sends the whole job each time and ends with it."""
    messages: list[dict[str, Any]] = []
    async with websocket_proxy(workers.headers) as address:
        async with connect(f"{address}/ws/export/{job_id}") as socket:
            async for message in socket:
                messages.append(json.loads(message))
    assert messages[-1]["status"] == "complete", messages[-1]
    progress = [message["progress"] for message in messages]
    assert progress == sorted(progress) and progress[-1] == 100, progress
    for message in messages:
        assert message["job_id"] == job_id and message["project_id"] == 1
        assert message["type"] == "overlay", "type is the job's kind here"
        assert ("output_url" in message) and message["error"] is None


async def downloaded(workers: WorkersClient, job_id: str) -> None:
    """Fetches the result without a key: the URL is all that a browser has."""
    job = await workers.get_job(job_id)
    assert job["progress"] == 100 and job["error"] is None and job["completed_at"]
    assert job["output_video_key"].startswith(f"output/{job_id}/"), job["output_video_key"]
    async with httpx.AsyncClient() as client:
        reel = await client.get(httpx.URL(WORKERS_API_URL).join(job["output_url"]), timeout=30.0)
    assert reel.status_code == 200 and reel.content[4:8] == b"ftyp"


async def uploaded_by_url(workers: WorkersClient, video: Path) -> str:
    """Uploads as the frontend does, with a presigned URL; then once more for a job that has an id."""
    target = await workers.get_upload_url("working_video.mp4")
    key: str = target["video_key"]
    assert re.fullmatch(r"input/[0-9a-f-]{36}/working_video\.mp4", key), key
    async with httpx.AsyncClient() as client:
        stored = await client.put(
            target["upload_url"],
            content=video.read_bytes(),
            headers={"Content-Type": "video/mp4"},
            timeout=30.0,
        )
    assert stored.status_code == 200, f"the storage answers {stored.status_code}"
    own_id = str(uuid.uuid4())
    own = await workers.get_upload_url("working_video.mp4", own_id)
    assert own["video_key"] == f"input/{own_id}/working_video.mp4", own["video_key"]
    return key


async def refused(workers: WorkersClient) -> None:
    """What raise_for_status makes of each refusal, and the sentence that is shown."""
    body = await refusal(workers.get_job(NOBODYS_JOB), 404)
    assert body["error"] == body["detail"] == "Job not found", body

    missing = workers.create_job(1, "overlay", f"input/{NOBODYS_JOB}/missing.mp4", OVERLAY)
    body = await refusal(missing, 422)
    assert body["code"] == "input_not_found" and "missing.mp4" in body["detail"], body

    misspelt = workers.create_job(1, "overlay", "input/a/b.mp4", {"effect_type": "spotligth"})
    body = await refusal(misspelt, 422)
    assert 'did you mean "spotlight"?' in body["detail"], body

    # Open development has no key to ask for.
    if WORKERS_API_KEY:
        workers.headers = {"Content-Type": "application/json"}
        body = await refusal(workers.get_job(NOBODYS_JOB), 401)
        assert body["code"] == "unauthorized", body


async def refusal(call: Any, status: int) -> dict[str, Any]:
    """The body of an answer that must be refused so."""
    try:
        answer = await call
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == status, error.response.text
        body: dict[str, Any] = error.response.json()
        return body
    raise AssertionError(f"must be refused with {status}: {answer}")


asyncio.run(main(Path(sys.argv[1])))
