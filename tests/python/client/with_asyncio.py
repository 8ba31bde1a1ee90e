"""Two exports at once with the async client, against the real API.

with_asyncio.py VIDEO FOLDER      (REEL_API_URL and REEL_API_KEY in the environment)
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from common import NOBODYS_JOB, OVERLAY, assert_reel, assert_rises, assert_whole, refused_async
from reel_client import AsyncReelClient, InvalidRequestError, Job, NotFoundError

AT_ONCE_S = 3.0
MIB = 1024 * 1024


async def main(video: Path, folder: Path) -> None:
    """Uploads in one request and in parts, and follows both jobs."""
    key = os.environ["REEL_API_KEY"]

    async def token() -> str:
        return key

    async with AsyncReelClient(os.environ["REEL_API_URL"], token) as client:
        assert (await client.get_health()).is_ok
        small = await client.upload_file(video)
        large = await upload_in_parts(client, video, folder)
        jobs = [await client.create_job(8, key, OVERLAY) for key in (small.video_key, large)]
        await asyncio.gather(*(follow(client, job, folder) for job in jobs))
        listed = [one.job_id async for one in client.list_jobs(project_id=8, page_size=1)]
        assert sorted(listed) == sorted(job.job_id for job in jobs)
        await refusals(client, small.video_key)
        await left_early(client, jobs[0])
    print("the async client does it all")


def padded_copy(video: Path, folder: Path) -> Path:
    """The video, and 11 MiB that players skip."""
    padded, padding = folder / "padded.mp4", 11 * MIB
    padded.write_bytes(video.read_bytes() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    return padded


async def upload_in_parts(client: AsyncReelClient, video: Path, folder: Path) -> str:
    """Three parts, sent at the same time."""
    padded = padded_copy(video, folder)
    progress: list[tuple[int, int]] = []
    uploaded = await client.upload_file(
        padded,
        multipart_from=5 * MIB,
        part_size=5 * MIB,
        progress=lambda sent, total: progress.append((sent, total)),
    )
    assert_rises(progress, padded.stat().st_size)
    return uploaded.video_key


async def follow(client: AsyncReelClient, job: Job, folder: Path) -> None:
    """From the first event to the reel."""
    events = []
    async for event in client.watch(job.job_id):
        events.append(event)
        last_at = time.monotonic()
    assert time.monotonic() - last_at < AT_ONCE_S, "it waited for the close of the socket"
    assert_whole(events)
    seen: list[int] = []
    job = await client.wait(job.job_id, on_event=lambda event: seen.append(event.progress))
    assert seen[-1] == 100
    saved = await client.download(job.job_id, folder / f"{job.job_id}.mp4")
    assert_reel(saved, job.output_bytes)


async def refusals(client: AsyncReelClient, key: str) -> None:
    """The same exceptions as those of the blocking client."""
    wrong = client.create_job(8, key, {"filmstrip": 3}, job_type="overlay")
    error = await refused_async(InvalidRequestError, wrong)
    assert [fault.pointer for fault in error.errors] == ["/params/filmstrip"]
    unknown = await refused_async(NotFoundError, client.wait(NOBODYS_JOB))
    assert unknown.code == "job_not_found"


async def left_early(client: AsyncReelClient, job: Job) -> None:
    """Whoever stops listening waits for nothing."""
    began_at = time.monotonic()
    async for _ in client.watch(job.job_id):
        break
    assert time.monotonic() - began_at < AT_ONCE_S


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
