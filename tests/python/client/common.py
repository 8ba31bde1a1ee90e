"""What the scripts of the Python client share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from reel_client import OverlayParams, ReelError
from reel_client.models import JobEvent
from reel_client.params import CropKeyframe, FixedRegion

OVERLAY = OverlayParams(
    highlight_regions=[FixedRegion(start_frame=0, end_frame=131, x=640, y=360, radius_x=90, radius_y=160)],
    effect_type="spotlight",
    crop_keyframes=[CropKeyframe(frame=0, x=437, y=0, width=405, height=720)],
    output_width=360,
    filmstrip=True,
)
E = TypeVar("E", bound=ReelError)
# Only a fault reaches it.
EVENTUALLY_S = 30.0
NOBODYS_JOB = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f99"


def assert_whole(events: list[JobEvent], after: int = 0) -> None:
    """Stored events come once, in order and without a gap; progress does not go down; the last one is the end."""
    numbers = [event.seq for event in events if event.seq is not None]
    assert numbers == list(range(after + 1, after + 1 + len(numbers))), numbers
    progress = [event.progress for event in events if event.attempt == events[-1].attempt]
    assert progress == sorted(progress), progress
    assert events[-1].status == "complete", events[-1]
    assert events[-1].event == "complete", events[-1]
    assert not any(event.event in ("complete", "error") for event in events[:-1])


def assert_reel(path: Path, size_bytes: int | None) -> None:
    """An MP4 of this size."""
    content = path.read_bytes()
    assert content[4:8] == b"ftyp" and len(content) == size_bytes, (content[:12], len(content))


def assert_rises(progress: list[tuple[int, int]], total: int) -> None:
    """Transfers report more and more, up to all."""
    done = [count for count, _ in progress]
    assert done == sorted(done) and progress[-1] == (total, total), progress


def eventually(what: str, is_so: Callable[[], bool]) -> None:
    """Asks until it is so: lists are a moment behind."""
    deadline = time.monotonic() + EVENTUALLY_S
    while not is_so():
        assert time.monotonic() < deadline, f"it never came that {what}"
        time.sleep(0.05)


def refused(kind: type[E], call: Callable[[], object]) -> E:
    """The exception of exactly this kind that a call must raise."""
    try:
        answer = call()
    except ReelError as error:
        return _exactly(kind, error)
    raise AssertionError(f"{kind.__name__} was expected: {answer}")


async def refused_async(kind: type[E], call: Awaitable[object]) -> E:
    """The same of what is awaited."""
    try:
        answer = await call
    except ReelError as error:
        return _exactly(kind, error)
    raise AssertionError(f"{kind.__name__} was expected: {answer}")


def _exactly(kind: type[E], error: ReelError) -> E:
    assert isinstance(error, kind), f"{kind.__name__} was expected: {error!r}"
    return error
