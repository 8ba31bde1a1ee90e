"""Follows a job while the API is killed and comes back.

    follow.py JOB_ID                  (REEL_API_URL and REEL_API_KEY in the environment)

Prints `listening` at the first event, and whether nothing was lost at the end.
"""

from __future__ import annotations

import asyncio
import os
import sys

from common import assert_whole
from reel_client import AsyncReelClient
from reel_client.models import JobEvent


async def main(job_id: str) -> None:
    """Every stored event comes once and in order."""
    events: list[JobEvent] = []
    async with AsyncReelClient(os.environ["REEL_API_URL"], os.environ["REEL_API_KEY"]) as client:
        async for event in client.watch(job_id):
            if not events:
                print("listening", flush=True)
            events.append(event)
    assert_whole(events)
    snapshots = [event for event in events if event.event == "status" and event.seq is None]
    assert len(snapshots) > 1, "the first socket broke, and another was opened or the job polled"
    print("nothing was lost")


asyncio.run(main(sys.argv[1]))
