"""Drives a flow by hand: each step is compared or answered by the test, and no IO is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reel_client._call import Response
from reel_client._steps import Emit, Flow, Sleep


def drive(flow: Flow[Any], answer: Callable[[Any], Any]) -> tuple[Any, list[Any], list[float]]:
    """Runs a flow: `answer` gives the result of each step, or the exception that it raises.

    Gives the flow's result, what it emitted, and how long it would have slept.
    """
    emitted: list[Any] = []
    sleeps: list[float] = []
    try:
        step = next(flow)
        while True:
            if isinstance(step, Emit):
                emitted.append(step.value)
                step = flow.send(None)
            elif isinstance(step, Sleep):
                sleeps.append(step.seconds)
                step = flow.send(None)
            else:
                result = answer(step)
                step = flow.throw(result) if isinstance(result, Exception) else flow.send(result)
    except StopIteration as end:
        return end.value, emitted, sleeps


def json_response(status: int, body: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(body).encode())


def job_json(**changes: Any) -> dict[str, Any]:
    """A job as the API answers it."""
    job: dict[str, Any] = {
        "type": "overlay",
        "seq": 1,
        "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
        "id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
        "project_id": 7,
        "status": "pending",
        "stage": "queued",
        "progress": 0,
        "message": "Waiting for a renderer",
        "attempt": 1,
        "max_attempts": 3,
        "retry_count": 0,
        "execution_timeout_ms": 600_000,
        "input_video_key": "input/abc/clip.mp4",
        "output_video_key": None,
        "output_bytes": None,
        "output": None,
        "output_url": None,
        "poster_url": None,
        "params": {"effect_type": "blur"},
        "error": None,
        "error_code": None,
        "retryable": None,
        "created_at": "2026-01-31T09:05:00.250Z",
        "started_at": None,
        "completed_at": None,
        "runpod_job_id": None,
        "websocket_url": "/api/jobs/x/ws?token=secret",
        "usage": {"object_rows": 4, "d1_rows": 5, "requests": 1, "alarms": 0},
    }
    return {**job, **changes}


def message(kind: str, seq: int | None, **changes: Any) -> str:
    """The same as a message of a socket."""
    job = job_json(type=kind, job_type="overlay", seq=seq, **changes)
    return json.dumps({name: value for name, value in job.items() if name not in ("usage", "params")})
