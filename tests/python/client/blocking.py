"""Everything that the blocking client can do, against the real API.

blocking.py VIDEO FOLDER          (REEL_API_URL and REEL_API_KEY in the environment)
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

from common import NOBODYS_JOB, OVERLAY, assert_reel, assert_rises, assert_whole, eventually, refused
from reel_client import (
    ConflictError,
    FramingParams,
    InvalidRequestError,
    JobFailedError,
    NotFoundError,
    OverlayParams,
    ReelClient,
    UnauthorizedError,
)
from reel_client.params import CropKeyframe

# Later than this, a client waits for the close of a socket, which comes 10 s after the last message.
AT_ONCE_S = 3.0


def main(video: Path, folder: Path) -> None:
    """One export from the file to the reel, and what is around it."""
    url, key = os.environ["REEL_API_URL"], os.environ["REEL_API_KEY"]
    with ReelClient(url, token=lambda: key) as client:
        assert client.get_health().is_ok
        uploaded = upload(client, video)
        export(client, uploaded, folder)
        refusals(client, uploaded)
        cancelled(client, uploaded)
        projects(client, uploaded)
        services(client, video)
    wrong_key(url)
    print("the blocking client does it all")


def upload(client: ReelClient, video: Path) -> str:
    """A small file is sent at once, with progress."""
    progress: list[tuple[int, int]] = []
    uploaded = client.upload_file(video, progress=lambda sent, total: progress.append((sent, total)))
    assert uploaded.size_bytes == video.stat().st_size
    assert_rises(progress, uploaded.size_bytes)
    return uploaded.video_key


def export(client: ReelClient, key: str, folder: Path) -> None:
    """Created, followed, downloaded, deleted."""
    job = client.create_job(7, key, OVERLAY, idempotency_key="one export")
    assert client.create_job(7, key, OVERLAY, idempotency_key="one export").job_id == job.job_id

    events = []
    for event in client.watch(job.job_id):
        events.append(event)
        last_at = time.monotonic()
    assert time.monotonic() - last_at < AT_ONCE_S, "it waited for the close of the socket"
    assert_whole(events)
    assert all(event.params == events[0].params for event in events)

    assert [event.seq for event in client.get_events(job.job_id)] == [e.seq for e in events if e.seq is not None]
    half = len(client.get_events(job.job_id)) // 2
    assert_whole(list(client.watch(job.job_id, after=half)), after=half)

    job = client.wait(job.job_id)
    assert job.output is not None and job.output.width == 360 and job.usage is not None
    progress: list[tuple[int, int]] = []
    saved = client.download(job.job_id, folder / "reel.mp4", progress=lambda got, total: progress.append((got, total)))
    assert_reel(saved, job.output_bytes)
    assert_rises(progress, job.output.bytes)
    assert client.get_filmstrip(job.job_id).startswith("WEBVTT")
    client.revoke_links(job.job_id)

    listed = partial(client.list_jobs, project_id=7, status="complete", page_size=1)
    eventually("it is listed", lambda: job.job_id in [one.job_id for one in listed()])
    client.delete_job(job.job_id)
    error = refused(NotFoundError, lambda: client.get_job(job.job_id))
    assert error.code == "job_not_found" and error.request_id


def refusals(client: ReelClient, key: str) -> None:
    """Every fault has its pointer, and exceptions say which family they are of."""
    wrong = {"effect_type": "spotligth", "output_width": 17}
    error = refused(InvalidRequestError, lambda: client.create_job(7, key, wrong, job_type="overlay"))
    assert (error.status, error.code) == (422, "invalid_request")
    assert {fault.pointer for fault in error.errors} == {"/params/effect_type", "/params/output_width"}
    assert 'did you mean "spotlight"?' in str(error)
    assert refused(NotFoundError, lambda: client.cancel_job(NOBODYS_JOB)).code == "job_not_found"
    unknown = refused(NotFoundError, lambda: list(client.watch(NOBODYS_JOB)))
    assert unknown.code == "job_not_found"


def cancelled(client: ReelClient, key: str) -> None:
    """A job that is cancelled ends as one; it may be retried by hand, and that is followed to the new end."""
    job = client.create_job(7, key, OverlayParams())
    client.cancel_job(job.job_id)
    assert refused(JobFailedError, lambda: client.wait(job.job_id)).job.error_code == "cancelled"
    assert client.cancel_job(job.job_id).error_code == "cancelled", "a second time it changes nothing"
    assert client.retry_job(job.job_id).attempt > 1
    assert refused(ConflictError, lambda: client.retry_job(job.job_id)).code == "job_state"
    events = list(client.watch(job.job_id))
    assert "error" in [event.event for event in events] and events[-1].status == "complete"
    assert refused(ConflictError, lambda: client.cancel_job(job.job_id)).code == "job_state"


def projects(client: ReelClient, key: str) -> None:
    """A project, its clips, and an export of each kind."""
    project = client.put_project(41, name="Cup final", working_video_key=key)
    assert client.put_project(41, name=None).working_video_key == project.working_video_key == key
    clip = client.put_clip(41, 3, key, start_time=0.5, end_time=1.5, name="Goal")
    assert client.get_clip(41, 3) == clip and client.list_clips(41) == [clip]
    assert [one.id for one in client.list_projects(page_size=1)].count(41) == 1
    crop = [CropKeyframe(frame=0, x=437, y=0, width=405, height=720)]
    framing = client.export_framing(41, 3, FramingParams(crop_keyframes=crop), set_working_video=True)
    overlay = client.export_overlay(41, OverlayParams(effect_type="blur"))
    eventually("it is active", lambda: overlay.job_id in [one.job_id for one in client.active_exports()])
    reframed = client.wait(framing.job_id).output_video_key
    eventually("it is the working video", lambda: client.get_project(41).working_video_key == reframed)
    client.wait(overlay.job_id)
    client.delete_clip(41, 3)
    assert client.list_clips(41) == []


def services(client: ReelClient, video: Path) -> None:
    """What a service does for its users."""
    user = client.acting_for("somebody|é")
    key = user.upload_bytes(video.read_bytes(), "clip.mp4").video_key
    own = user.create_job(1, key, OverlayParams())
    eventually("it is counted", lambda: jobs_in_flight(user) == 1)
    minted = client.create_token("somebody|é", scopes=["read"], expires_in_s=60)
    assert minted.scopes == ["read"] and minted.token not in repr(minted)
    assert [job.job_id for job in client.acting_for("another").list_jobs()] == []
    audit = partial(client.list_audit, subject="somebody|é", page_size=1)
    eventually("it is in the audit log", lambda: own.job_id in [entry.target for entry in audit()])
    client.revoke_tokens("somebody|é")
    erased = client.erase_owner("somebody|é")
    assert erased.done and erased.removed.jobs == 1 and erased.removed.videos >= 1, erased
    assert list(user.list_jobs()) == []


def jobs_in_flight(client: ReelClient) -> int | None:
    """How many open jobs the caller's limits count."""
    limit = client.get_limits().jobs_in_flight
    return limit.used if limit else None


def wrong_key(url: str) -> None:
    """A key that is wrong is refused, and is in no message."""
    with ReelClient(url, "not-the-key") as client:
        error = refused(UnauthorizedError, lambda: list(client.watch(NOBODYS_JOB)))
        assert error.code == "unauthorized" and "not-the-key" not in str(error)


main(Path(sys.argv[1]), Path(sys.argv[2]))
