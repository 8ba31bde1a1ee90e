"""Watching over real sockets of this machine: a server that never closes, one that hangs up, and one without."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from flows import job_json, message
from reel_client import AsyncReelClient, JobEvent, ReelClient

LAST = message("complete", 2, status="complete", progress=100)


@contextmanager
def listening(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    server: Server = serve(handler, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()


def watch(url: str, use: str) -> list[JobEvent]:
    """All events; plain requests are answered by a job that has not changed."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=job_json(seq=1)))
    if use == "blocking":
        with ReelClient(url, "top-secret", http_client=httpx.Client(transport=transport)) as client:
            return list(client.watch("x"))

    async def main() -> list[JobEvent]:
        http = httpx.AsyncClient(transport=transport)
        async with http, AsyncReelClient(url, "top-secret", http_client=http) as client:
            return [event async for event in client.watch("x")]

    return asyncio.run(main())


@pytest.mark.parametrize("use", ["blocking", "async"])
def test_the_end_of_the_job_is_the_end_though_the_server_never_closes(
    use: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked: list[Any] = []
    is_over = threading.Event()

    def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append((socket.request.path, socket.request.headers["authorization"]))
        for text in (message("status", 1), message("status", 1), LAST):
            socket.send(text)
        # As the platform: it answers the close much later.
        is_over.wait(20)

    with listening(handler) as url:
        began_at = time.monotonic()
        events = watch(url, use)
        took_s = time.monotonic() - began_at
        is_over.set()
    assert [event.seq for event in events] == [None, 1, 2]
    assert took_s < 5, "it must not wait for the close"
    assert asked == [("/api/jobs/x/ws?after=0", "Bearer top-secret")]
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server"))
    assert "top-secret" not in ours and "token=secret" not in ours


@pytest.mark.parametrize("use", ["blocking", "async"])
def test_after_a_hang_up_it_goes_on_where_it_was(use: str) -> None:
    asked: list[str] = []

    def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append(socket.request.path)
        texts = [message("status", 1), message("status", 1)] if len(asked) == 1 else [message("status", 2), LAST]
        for text in texts:
            socket.send(text)
        if len(asked) == 1:
            socket.socket.close()
            return
        with suppress(ConnectionClosed, TimeoutError):
            socket.recv(timeout=5)

    with listening(handler) as url:
        events = watch(url, use)
    assert [event.seq for event in events if event.seq] == [1, 2]
    assert asked == ["/api/jobs/x/ws?after=0", "/api/jobs/x/ws?after=1"]
