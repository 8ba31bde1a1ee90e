from __future__ import annotations

import asyncio
import inspect

import httpx
import pytest

from reel_client import NO_RETRIES, fastapi
from reel_client.fastapi import R2Client, WorkersClient


def test_signatures_are_those_of_the_backend() -> None:
    def parameters(function: object) -> list[str]:
        assert callable(function)
        return [name for name in inspect.signature(function).parameters if name != "self"]

    assert parameters(WorkersClient.create_job) == ["project_id", "job_type", "input_video_key", "params"]
    assert parameters(WorkersClient.get_job) == ["job_id"]
    assert parameters(WorkersClient.get_upload_url) == ["filename", "job_id"]
    assert parameters(R2Client.upload_file) == ["local_path", "key", "content_type"]
    assert parameters(R2Client.upload_bytes) == ["data", "key", "content_type"]
    assert isinstance(fastapi.workers_client, WorkersClient) and isinstance(fastapi.r2_client, R2Client)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS_API_URL", "https://exports.example.com/")
    monkeypatch.setenv("WORKERS_API_KEY", "key")
    client = WorkersClient()
    assert client.base_url == "https://exports.example.com"
    assert client.headers == {"Content-Type": "application/json", "Authorization": "Bearer key"}


@pytest.mark.parametrize("key", ["video.mp4", "input/x/video.mp4", "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/a"])
def test_a_key_must_be_that_of_an_input(key: str) -> None:
    with pytest.raises(ValueError, match="input/"):
        R2Client().upload_bytes(b"x", key)


def test_no_answer_is_an_error_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS_API_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(fastapi, "RETRIES", NO_RETRIES)
    with pytest.raises(httpx.ConnectError):
        asyncio.run(WorkersClient().get_job("x"))
