"""The frontend's side of the FastAPI backend's export routes, which the API serves itself now.

    facade_export.py VIDEO            (the settings of backend/config.py in the environment)

The bodies and answers are those of the backend's own routers; only what the routers read from their
database is told to the API first. A socket is open before its job exists, since the app opens it first.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from backend.config import WORKERS_API_KEY, WORKERS_API_URL
from backend.r2_client import R2Client

PROJECT = 7
HIGHLIGHT = {
    "start_frame": 0,
    "end_frame": 60,
    "x": 640.0,
    "y": 360.0,
    "radius_x": 80.0,
    "radius_y": 160.0,
}
CROP = [{"frame": 0, "x": 437.0, "y": 0.0, "width": 405.0, "height": 720.0}]


class Frontend:
    """Calls the API as an authorised frontend, and expects a status each time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, expected: int, body: Any = None) -> Any:
        """One call; the body of its answer."""
        response = await self.http.request(method, path, json=body)
        assert response.status_code == expected, f"{method} {path}: {response.text}"
        return response.json()

    async def refused(self, path: str, body: Any, status: int, sentence: str) -> None:
        """What FastAPI's clients read of an error is its `detail`."""
        answer = await self.call("POST", path, status, body)
        assert answer["detail"] == sentence, answer

    def watch(self, job_id: str) -> Any:
        """The old path of the socket."""
        url = WORKERS_API_URL.replace("http", "ws", 1)
        headers = {"Authorization": f"Bearer {WORKERS_API_KEY}"}
        return connect(f"{url}/ws/export/{job_id}", additional_headers=headers)


async def main(video: Path) -> None:
    """Framing of a clip, then overlay of a working video."""
    bucket = R2Client()
    source = bucket.upload_file(str(video), f"input/{uuid.uuid4()}/source.mp4")
    working = bucket.upload_bytes(video.read_bytes(), f"input/{uuid.uuid4()}/working_video.mp4")
    headers = {"Authorization": f"Bearer {WORKERS_API_KEY}"}
    async with httpx.AsyncClient(base_url=WORKERS_API_URL, headers=headers, timeout=30.0) as http:
        frontend = Frontend(http)
        await framing(frontend, source)
        await overlay(frontend, working)
    print("all answers are the FastAPI backend's")


async def framing(frontend: Frontend, source: str) -> None:
    """One clip of a project, which the backend's tables knew."""
    body = {"project_id": PROJECT, "clip_index": 0, "crop_keyframes": CROP}
    await frontend.refused("/api/export/framing", body, 404, "Clip not found")
    await frontend.call("PUT", f"/api/projects/{PROJECT}", 201, {"name": "Great Goal"})
    await frontend.refused("/api/export/framing", body, 404, "Clip not found")
    clip = {"video_key": source, "start_time": 0.0, "end_time": 2.0}
    await frontend.call("PUT", f"/api/projects/{PROJECT}/clips/0", 201, clip)

    # The id is the client's own, and its socket is open before anybody knows it.
    job_id = str(uuid.uuid4())
    async with frontend.watch(job_id) as socket:
        result = await frontend.call("POST", "/api/export/framing", 200, {**body, "job_id": job_id})
        assert result["job_id"] == job_id and result["status"] == "pending", result
        assert result["websocket_url"].split("?")[0] == f"/api/jobs/{job_id}/ws", result
        params = result["params"]
        assert (params["output_width"], params["output_height"]) == (1080, 1920), params
        assert (params["start_time"], params["end_time"]) == (0.0, 2.0), params
        await heard_to_its_end(socket, job_id, "framing")
    await is_complete(frontend, "framing", job_id)

    unknown = {"project_id": PROJECT, "clip_index": 1, "crop_keyframes": CROP}
    await frontend.refused("/api/export/framing", unknown, 404, "Clip not found")


async def overlay(frontend: Frontend, working: str) -> None:
    """The working video of a project; every field but the project has a default."""
    path = "/api/export/overlay"
    await frontend.refused(path, {"project_id": 8}, 404, "Project not found")
    await frontend.call("PUT", "/api/projects/8", 201, {"name": "Better Goal"})
    await frontend.refused(path, {"project_id": 8}, 400, "No working video found")
    await frontend.call("PUT", "/api/projects/8", 200, {"working_video_key": working})

    answer = await frontend.call("POST", path, 200, {"project_id": 8})
    assert sorted(answer) == ["job_id", "status", "websocket_url"], answer
    job_id = answer["job_id"]
    async with frontend.watch(job_id) as socket:
        await heard_to_its_end(socket, job_id, "overlay")
    job = await is_complete(frontend, "overlay", job_id)
    params = job["params"]
    assert params["effect_type"] == "blur" and params["highlight_regions"] == [], params
    assert params["crop_keyframes"] is None, params
    # Without a crop, and without a size that is named, a reel has the size of its video.
    assert "output_width" not in params and "output_height" not in params, params

    body = {"project_id": 8, "highlight_regions": [HIGHLIGHT], "effect_type": "spotlight",
            "crop_keyframes": CROP, "output_width": 1080, "output_height": 1920}
    full = (await frontend.call("POST", path, 200, body))["job_id"]
    active = (await frontend.call("GET", "/api/exports/active", 200))["exports"]
    assert all(export["status"] in ("pending", "processing") for export in active), active
    async with frontend.watch(full) as socket:
        await heard_to_its_end(socket, full, "overlay")

    wrong = {"project_id": 8, "effect_type": "spotligth", "output_width": 1081}
    problem = await frontend.call("POST", path, 422, wrong)
    assert isinstance(problem["detail"], str), problem
    pointers = sorted(fault["pointer"] for fault in problem["errors"])
    assert pointers == ["/effect_type", "/output_width"], problem
    # A job of the other kind is none of this route's.
    await frontend.call("GET", f"/api/export/framing/{full}", 404)


async def heard_to_its_end(socket: ClientConnection, job_id: str, kind: str) -> None:
    """All that the app reads of a message; `status` tells what it is, `type` is the kind of export."""
    messages: list[dict[str, Any]] = []
    async for text in socket:
        message = json.loads(text)
        assert message["type"] == kind and message["job_id"] == job_id, message
        assert message["projectId"] == message["project_id"], message
        assert message["status"] in ("pending", "processing", "complete"), message
        assert 0 <= message["progress"] <= 100 and isinstance(message["message"], str), message
        messages.append(message)
    assert messages[0]["status"] in ("pending", "processing"), "a snapshot comes first"
    assert messages[-1]["status"] == "complete" and messages[-1]["output_url"], messages[-1]
    assert socket.close_code == 1000, socket.close_code


async def is_complete(frontend: Frontend, kind: str, job_id: str) -> dict[str, Any]:
    """The status route passes the whole job on."""
    job: dict[str, Any] = await frontend.call("GET", f"/api/export/{kind}/{job_id}", 200)
    assert job["status"] == "complete" and job["progress"] == 100, job
    async with httpx.AsyncClient() as anybody:
        reel = await anybody.get(job["output_url"], timeout=30.0)
    assert reel.status_code == 200 and reel.content[4:8] == b"ftyp"
    return job


asyncio.run(main(Path(sys.argv[1])))
