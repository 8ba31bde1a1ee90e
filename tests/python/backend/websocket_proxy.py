"""The proxy that the backend may keep at /ws/export/{job_id}: it polls the API and forwards the job.

The migration's proxy sends no key, which an API with a key refuses; this one sends the client's headers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from websockets.asyncio.server import ServerConnection, serve

from .config import WORKERS_API_URL

POLL_S = 1.0
POLL_TIMEOUT_S = 5.0
# The only two words that end the loop.
ENDS = ("complete", "error")


@asynccontextmanager
async def websocket_proxy(headers: dict[str, str]) -> AsyncIterator[str]:
    """Serves on a free port of this machine, and gives the address."""

    async def forward(socket: ServerConnection) -> None:
        job_id = socket.request.path.rsplit("/", 1)[1] if socket.request else ""
        async with httpx.AsyncClient() as client:
            while True:
                url = f"{WORKERS_API_URL}/api/jobs/{job_id}"
                response = await client.get(url, headers=headers, timeout=POLL_TIMEOUT_S)
                job = response.json()
                await socket.send(json.dumps(job))
                if job.get("status") in ENDS:
                    break
                await asyncio.sleep(POLL_S)

    async with serve(forward, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
