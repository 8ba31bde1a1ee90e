"""RunPod's queue on loopback, between the export API and RunPod's own Python SDK.

    runpod_queue.py --port PORT --endpoint NAME --worker-key KEY     (RUNPOD_API_KEY in the environment)

One side is the public API: /v2/NAME/run, /status/ID, /cancel/ID, and the webhook. The other is what
the SDK's production loop speaks: /sdk/job-take, /job-stop, /job-done, /ping. Unlike
`gpu-worker serve` it renders nothing: the handler under test does, in a process of its own.

Invariants: polls are held, since the SDK asks again at once; a job that has ended never changes; a
cancelled job's late result is noted and ignored. What the SDK said can be read at GET /seen, and
POST /lose-results makes the queue answer 400 to every result from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.typedefs import Handler

POLL_S = 20.0
WEBHOOK_TRIES_S = (0, 5, 20)
ENDS = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass
class Job:
    """One job, with the times of its steps on the monotonic clock."""

    id: str
    input: Any
    webhook: str | None
    status: str = "IN_QUEUE"
    result: dict[str, Any] = field(default_factory=dict)
    queued_at: float = field(default_factory=time.monotonic)
    taken_at: float | None = None
    ended_at: float | None = None

    def shown(self) -> dict[str, Any]:
        """The job as /status and the webhook show it."""
        shown: dict[str, Any] = {"id": self.id, "status": self.status, **self.result}
        if self.taken_at is not None:
            shown["delayTime"] = round((self.taken_at - self.queued_at) * 1000)
        if self.taken_at is not None and self.ended_at is not None:
            shown["executionTime"] = round((self.ended_at - self.taken_at) * 1000)
        return shown


class Queue:
    """All jobs, both doors, and what the worker said."""

    def __init__(self, api_key: str, worker_key: str) -> None:
        self.api_key = api_key
        self.worker_key = worker_key
        self.jobs: dict[str, Job] = {}
        self.waiting: asyncio.Queue[Job] = asyncio.Queue()
        self.stops: asyncio.Queue[str] = asyncio.Queue()
        self.seen: list[dict[str, Any]] = []
        self.loses_results = False
        self.webhooks: set[asyncio.Task[None]] = set()

    def note(self, what: str, **more: Any) -> None:
        """Remembers for /seen; never an input or a URL, which are capabilities."""
        self.seen.append({"what": what, **more})
        print(f"queue: {what} {more}", flush=True)

    # The public API.

    async def run(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not isinstance(body.get("input"), dict) or not body["input"]:
            return web.json_response({"error": "input is required"}, status=400)
        job = Job(f"{uuid.uuid4()}-u1", body["input"], body.get("webhook"))
        self.jobs[job.id] = job
        self.waiting.put_nowait(job)
        self.note("run", id=job.id, job_id=job.input.get("job_id"))
        return web.json_response({"id": job.id, "status": job.status})

    async def status(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"status": 404, "title": "Not Found"}, status=404)
        return web.json_response(job.shown())

    async def cancel(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"status": 404, "title": "Not Found"}, status=404)
        if job.status not in ENDS:
            if job.status == "IN_PROGRESS":
                self.stops.put_nowait(job.id)
            job.status, job.ended_at = "CANCELLED", time.monotonic()
            self.note("cancel", id=job.id)
        return web.json_response({"id": job.id, "status": job.status})

    # The worker's door.

    async def take(self, request: web.Request) -> web.Response:
        deadline = time.monotonic() + POLL_S
        while True:
            try:
                left = deadline - time.monotonic()
                job = await asyncio.wait_for(self.waiting.get(), left)
            except asyncio.TimeoutError:
                return web.Response(status=204)
            if job.status == "IN_QUEUE":
                break
        job.status, job.taken_at = "IN_PROGRESS", time.monotonic()
        self.note("take", id=job.id)
        return web.json_response({"id": job.id, "input": job.input, "webhook": job.webhook})

    async def stop(self, request: web.Request) -> web.Response:
        try:
            stopped = await asyncio.wait_for(self.stops.get(), POLL_S)
        except asyncio.TimeoutError:
            return web.Response(status=204)
        self.note("stop", id=stopped)
        return web.json_response({"jobsToStop": [stopped]})

    async def done(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        # The SDK sends JSON and calls it a form.
        result = json.loads(await request.read())
        known = {key: result[key] for key in ("output", "error") if key in result}
        is_progress = result.get("status") == "IN_PROGRESS"
        self.note("progress" if is_progress else "done", id=request.match_info["id"], result=known)
        if job is None or self.loses_results:
            return web.Response(status=400)
        if job.status in ENDS:
            return web.Response()
        job.result = known
        if not is_progress:
            job.status = "FAILED" if "error" in known else "COMPLETED"
            job.ended_at = time.monotonic()
            task = asyncio.create_task(self.call_webhook(job))
            self.webhooks.add(task)
            task.add_done_callback(self.webhooks.discard)
        return web.Response()

    async def ping(self, request: web.Request) -> web.Response:
        self.note("ping", jobs=request.query.get("job_id"), sdk=request.query.get("runpod_version"))
        return web.Response()

    # The tests' door.

    async def show_seen(self, request: web.Request) -> web.Response:
        return web.json_response(self.seen)

    async def lose_results(self, request: web.Request) -> web.Response:
        self.loses_results = True
        return web.Response()

    async def call_webhook(self, job: Job) -> None:
        """RunPod's three tries, until one is taken."""
        if job.webhook is None:
            return
        started = time.monotonic()
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            for at_s in WEBHOOK_TRIES_S:
                await asyncio.sleep(max(0.0, started + at_s - time.monotonic()))
                try:
                    body = {**job.shown(), "input": job.input, "webhook": job.webhook}
                    async with session.post(job.webhook, json=body) as answer:
                        self.note("webhook", id=job.id, http=answer.status)
                        if answer.status < 300:
                            return
                except (ClientError, asyncio.TimeoutError) as error:
                    self.note("webhook", id=job.id, failed=type(error).__name__)

    @web.middleware
    async def check_key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The caller's key on one side, the worker's on the other, as RunPod wants them."""
        given = request.headers.get("Authorization", "")
        if request.path.startswith("/v2/") and given != f"Bearer {self.api_key}":
            return web.Response(status=401, text="no token provided")
        if request.path.startswith("/sdk/") and given != self.worker_key:
            self.note("wrong worker key", path=request.path.split("/")[2])
            return web.Response(status=401)
        return await handler(request)

    def app(self, endpoint: str) -> web.Application:
        """All routes."""
        app = web.Application(middlewares=[self.check_key], client_max_size=10 * 1024 * 1024)
        public = f"/v2/{endpoint}"
        app.add_routes(
            [
                web.post(f"{public}/run", self.run),
                web.get(f"{public}/status/{{id}}", self.status),
                web.post(f"{public}/cancel/{{id}}", self.cancel),
                web.get("/sdk/job-take/{worker}", self.take),
                web.get("/sdk/job-stop/{worker}", self.stop),
                web.post("/sdk/job-done/{worker}/{id}", self.done),
                web.get("/sdk/ping/{worker}", self.ping),
                web.get("/seen", self.show_seen),
                web.post("/lose-results", self.lose_results),
            ]
        )
        return app


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description="RunPod's queue on loopback, for tests")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--worker-key", required=True)
    args = parser.parse_args()
    queue = Queue(os.environ["RUNPOD_API_KEY"], args.worker_key)
    web.run_app(queue.app(args.endpoint), host="127.0.0.1", port=args.port, handle_signals=True, print=None)


if __name__ == "__main__":
    main()
