"""Both clients over httpx's mock transport: what is sent, what is retried, what is logged."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import job_json
from reel_client import AsyncReelClient, ConnectionFailedError, OverlayParams, ReelClient, RetryPolicy, ServerError
from reel_client.errors import NoOutputError, StorageError

QUICK = RetryPolicy(attempts=3, first_wait_s=0)
API = "https://api.example"
Handler = Callable[[httpx.Request], httpx.Response]


def blocking(handler: Handler, **settings: Any) -> ReelClient:
    return ReelClient(API, http_client=httpx.Client(transport=httpx.MockTransport(handler)), retry=QUICK, **settings)


def run_async(handler: Handler, use: Callable[[AsyncReelClient], Any], **settings: Any) -> Any:
    async def main() -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        async with http, AsyncReelClient(API, http_client=http, retry=QUICK, **settings) as client:
            return await use(client)

    return asyncio.run(main())


def failing_once(answer: httpx.Response) -> tuple[Handler, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 1:
            raise httpx.ReadError("cut", request=request)
        return answer

    return handler, requests


def test_a_created_job_is_retried_under_the_same_key() -> None:
    for use in ("blocking", "async"):
        handler, requests = failing_once(httpx.Response(201, json=job_json()))
        if use == "blocking":
            job = blocking(handler, token="t", on_behalf_of="auth0|é").create_job(1, "k", OverlayParams())
        else:
            job = run_async(
                handler, lambda client: client.create_job(1, "k", OverlayParams()), token="t", on_behalf_of="auth0|é"
            )
        assert job.job_id == job_json()["job_id"]
        first, second = requests
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert json.loads(second.content)["params"] == {}
        assert (second.headers["authorization"], second.headers["on-behalf-of"]) == ("Bearer t", "auth0%7C%C3%A9")
        assert second.headers["content-type"] == "application/json"


def test_what_is_not_idempotent_is_sent_once() -> None:
    handler, requests = failing_once(httpx.Response(200, json=job_json()))
    with pytest.raises(ConnectionFailedError):
        blocking(handler).retry_job("x")
    assert len(requests) == 1


def test_retries_end() -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503, json={"code": "unavailable", "detail": "Try again."})

    with pytest.raises(ServerError):
        blocking(handler).get_job("x")
    assert len(requests) == 3


def test_a_token_may_be_renewed_between_requests() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=job_json())

    tokens = iter(["a", "b"])
    client = blocking(handler, token=lambda: next(tokens))
    client.get_job("x")
    client.acting_for("somebody").get_job("x")

    async def renewed() -> str:
        return "c"

    run_async(handler, lambda client: client.get_job("x"), token=renewed)
    assert seen == ["Bearer a", "Bearer b", "Bearer c"]


def test_a_list_asks_for_a_page_when_the_one_before_is_used_up() -> None:
    summary = {name: value for name, value in job_json().items() if name != "usage"}
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        cursor = None if "cursor" in request.url.params else "1_x"
        return httpx.Response(200, json={"jobs": [summary, summary], "next_cursor": cursor})

    jobs = blocking(handler).list_jobs(project_id=7, page_size=2)
    next(jobs)
    assert asked == ["project_id=7&limit=2"]
    assert len(list(jobs)) == 3
    assert asked[1] == "project_id=7&limit=2&cursor=1_x"

    async def count(client: AsyncReelClient) -> int:
        return len([job async for job in client.list_jobs()])

    assert run_async(handler, count) == 4


def download_server(reel: bytes) -> tuple[Handler, list[httpx.Request]]:
    """Cuts the first download in the middle, and refuses the second URL as expired."""
    fetched: list[httpx.Request] = []

    async def cut_async() -> Any:
        yield reel[:4]
        raise httpx.ReadError("cut")

    class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            yield reel[:4]
            raise httpx.ReadError("cut")

        def __aiter__(self) -> Any:
            return cut_async()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.example":
            url = f"https://r2.example/reel.mp4?X-Amz-Signature=secret{len(fetched)}"
            return httpx.Response(200, json=job_json(status="complete", output_url=url))
        assert "authorization" not in request.headers, "the storage gets no key"
        fetched.append(request)
        headers = {"etag": '"v1"', "content-length": str(len(reel))}
        match len(fetched):
            case 1:
                return httpx.Response(200, headers=headers, stream=Cut())
            case 2:
                return httpx.Response(403, content=b"<Code>ExpiredRequest</Code>")
        assert (request.headers["range"], request.headers["if-range"]) == ("bytes=4-", '"v1"')
        rest = {"etag": '"v1"', "content-range": f"bytes 4-{len(reel) - 1}/{len(reel)}"}
        return httpx.Response(206, headers=rest, content=reel[4:])

    return handler, fetched


@pytest.mark.parametrize("use", ["blocking", "async"])
def test_a_download_goes_on_where_it_was_cut_and_logs_no_signature(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    caplog.set_level(logging.DEBUG)
    handler, fetched = download_server(b"0123456789")
    target = tmp_path / "reel.mp4"
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))

    if use == "blocking":
        blocking(handler, token="top-secret").download("x", target, progress=progress)
    else:
        run_async(handler, lambda client: client.download("x", target, progress=progress), token="top-secret")
    assert target.read_bytes() == b"0123456789"
    assert len(fetched) == 3 and seen == [(4, 10), (10, 10)]
    assert [path.name for path in tmp_path.iterdir()] == ["reel.mp4"]
    assert "https://r2.example/reel.mp4?[hidden]" in caplog.text
    assert "secret" not in caplog.text


def test_a_job_without_a_result_cannot_be_downloaded(tmp_path: Path) -> None:
    client = blocking(lambda _: httpx.Response(200, json=job_json()))
    with pytest.raises(NoOutputError, match="pending"):
        client.download("x", tmp_path / "reel.mp4")


def test_an_error_of_the_network_names_no_url() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    with pytest.raises(ConnectionFailedError) as caught:
        blocking(handler).get_job("x")
    assert str(caught.value) == "No answer: ConnectError ([Errno 111] Connection refused)."


def test_a_base_url_must_be_one() -> None:
    for url in ("exports.example.com", "ftp://x", "https://x/?a=b"):
        with pytest.raises(ValueError, match="base_url"):
            ReelClient(url)


def test_both_clients_are_described_alike() -> None:
    def public(client: type) -> dict[str, tuple[list[str], str | None]]:
        methods = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
        return {
            name: ([str(one) for one in inspect.signature(method).parameters.values()], inspect.getdoc(method))
            for name, method in methods.items()
        }

    assert public(ReelClient) == public(AsyncReelClient)


def test_a_download_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.example":
            return httpx.Response(200, json=job_json(status="complete", output_url="https://r2.example/reel.mp4"))
        return httpx.Response(404, content=b"<Code>NoSuchKey</Code>")

    with pytest.raises(StorageError, match="NoSuchKey"):
        blocking(handler).download("x", tmp_path / "reel.mp4")
    assert list(tmp_path.iterdir()) == []
