"""Follows a job while the API is killed and comes back.

    follow.py VIDEO                   (REEL_API_URL and REEL_API_KEY in the environment)

Prints `half-way` when a good part is rendered, and at the end whether nothing was lost.
"""

from __future__ import annotations

import asyncio
import os
import sys

from common import OVERLAY, assert_whole
from reel_client import AsyncReelClient
from reel_client.models import JobEvent

HALF_WAY = 20
# Large enough that the render goes on for seconds after that.
LARGE = OVERLAY.model_copy(update={"effect_type": "blur", "output_width": 1080, "output_height": 1920})


async def main(video: str) -> None:
    """Every stored event comes once and in order."""
    events: list[JobEvent] = []
    async with AsyncReelClient(os.environ["REEL_API_URL"], os.environ["REEL_API_KEY"]) as client:
        uploaded = await client.upload_file(video)
        job = await client.create_job(9, uploaded.video_key, LARGE)
        is_half_way = False
        async for event in client.watch(job.job_id):
            events.append(event)
            assert is_half_way or not event.is_ended, "the job was over before the accident could happen"
            if event.progress >= HALF_WAY and not is_half_way:
                is_half_way = True
                print("half-way", flush=True)
    assert_whole(events)
    snapshots = [event for event in events if event.event == "status" and event.seq is None]
    assert len(snapshots) > 1, "the first socket broke, and another was opened or the job polled"
    print("nothing was lost")


asyncio.run(main(sys.argv[1]))
