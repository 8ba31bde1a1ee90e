"""An upload in parts, one after the other, that a test may kill and start again.

    resume.py FILE RESUME_FILE        (REEL_API_URL and REEL_API_KEY in the environment)

Prints the first progress that it hears and, at the end, the video's key.
"""

from __future__ import annotations

import os
import sys

from reel_client import ReelClient

MIB = 1024 * 1024
first: list[int] = []


def note(sent: int, _: int) -> None:
    """Prints the first progress."""
    if not first:
        first.append(sent)
        print("first", sent, flush=True)


with ReelClient(os.environ["REEL_API_URL"], os.environ["REEL_API_KEY"]) as client:
    video = client.upload_file(
        sys.argv[1], resume_file=sys.argv[2], multipart_from=MIB, part_size=5 * MIB, parallel=1, progress=note
    )
print("key", video.video_key)
