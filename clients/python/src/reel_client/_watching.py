"""Following a job to its end: over a WebSocket if possible, by polling if not.

Invariants: stored events are delivered in order and once; progress does not go down within an attempt; the flow ends
after the last event of the job, without waiting for the socket to be closed: the platform does that late.
"""

from __future__ import annotations

import json

from ._call import with_query
from ._calls import jobs
from ._calls.jobs import JobId
from ._retry import RetryPolicy
from ._steps import CloseSocket, Emit, Flow, OpenSocket, Receive, Say, Sleep, SocketClosed, ask
from .errors import ConnectionFailedError
from .models import Job, JobEvent

PING = '{"type":"ping"}'
PING_AFTER_S = 30.0
"""After so long without a message a ping is sent, and after as long again the socket counts as dead."""
REPLAY_S = 10.0
"""How long the last event of an ended job may take after the snapshot that promises it."""
POLL_S = 2.0
POLLS_MAX = 15
"""Polls between two attempts to open the socket; fewer after the first failures."""
PATIENT = RetryPolicy(attempts=65, first_wait_s=0.5, wait_max_s=5.0, retry_after_max_s=120.0)
"""Of a poll: about five minutes without the network, during which a job goes on."""


class EventTracker:
    """Decides which messages of a job are delivered."""

    def __init__(self, after: int) -> None:
        self.last_seq = after
        """Number of the last stored event that was delivered."""
        self.awaits_replay = False
        """The snapshot says that the job has ended, and its last events are still to come."""
        self._awaits_snapshot = False
        self._asked_again_at: int | None = None
        self._params: dict[str, object] | None = None
        self._attempt = 0
        self._progress = 0
        self._polled: Job | None = None

    def connected(self) -> None:
        """A socket was opened; its first message is a snapshot."""
        self._awaits_snapshot, self.awaits_replay = True, False

    def received(self, event: JobEvent) -> JobEvent | None:
        """The event to deliver, if it is one. Raises `MissingEvent` when one was lost in between."""
        if self._awaits_snapshot and event.event == "status":
            self._awaits_snapshot = False
            self.awaits_replay = event.is_ended and event.seq is not None and event.seq > self.last_seq
            # Only stored events count as such; is_last is true of a snapshot without number.
            kind = event.event if self.awaits_replay or not event.is_ended else event.status
            return self._delivered(event.model_copy(update={"seq": None, "event": kind}))
        if event.seq is None:
            return self._delivered(event)
        if event.seq <= self.last_seq:
            return None
        if event.seq > self.last_seq + 1 and self._asked_again_at != self.last_seq:
            # It is asked for once more; if it is missing again, the server has it no longer.
            self._asked_again_at = self.last_seq
            raise MissingEvent
        self.last_seq = event.seq
        return self._delivered(event)

    def polled(self, job: Job) -> JobEvent | None:
        """An event for a job that was polled and has changed."""
        before, self._polled = self._polled, job
        if before is not None and not job.is_ended and _visible(before) == _visible(job):
            return None
        kind = job.status if job.is_ended else "status"
        return self._delivered(JobEvent(**{**job.model_dump(), "seq": None, "event": kind}))

    def _delivered(self, event: JobEvent) -> JobEvent:
        changes: dict[str, object] = {}
        if event.attempt == self._attempt and event.progress < self._progress:
            changes["progress"] = self._progress
        if event.attempt >= self._attempt:
            self._progress = max(event.progress, self._progress if event.attempt == self._attempt else 0)
            self._attempt = event.attempt
        # They never change, so later messages leave them out.
        self._params = event.params or self._params
        if event.params is None and self._params is not None:
            changes["params"] = self._params
        return event.model_copy(update=changes) if changes else event


class MissingEvent(Exception):  # noqa: N818 - it never leaves the flow
    """A number was left out."""


def _visible(job: Job) -> tuple[object, ...]:
    return job.status, job.stage, job.progress, job.message, job.attempt


def watch(job_id: JobId, after: int) -> Flow[None]:
    """Emits every stored event after this number, and what happens in between, until the job has ended."""
    tracker = EventTracker(after)
    failures = 0
    while True:
        seq_before = tracker.last_seq
        try:
            yield OpenSocket(with_query(f"/api/jobs/{job_id}/ws", after=tracker.last_seq))
        except ConnectionFailedError:
            pass
        else:
            tracker.connected()
            has_ended = yield from _listen(tracker)
            yield CloseSocket()
            if has_ended:
                return
        # A socket that brought news is opened again at once; one that did not may never do.
        failures = 0 if tracker.last_seq > seq_before else failures + 1
        for _ in range(min(1 + 2 * failures, POLLS_MAX)):
            if (yield from _poll(job_id, tracker)):
                return
            if failures == 0:
                break
            yield Sleep(POLL_S)


def _listen(tracker: EventTracker) -> Flow[bool]:
    """Emits what the socket says, until the last event (True) or until it fails."""
    has_pinged = False
    while True:
        try:
            text: str | None = yield Receive(REPLAY_S if tracker.awaits_replay else PING_AFTER_S)
            if text is None:
                if has_pinged or tracker.awaits_replay:
                    return False
                has_pinged = True
                yield Say(PING)
                continue
            has_pinged = False
            event = tracker.received(jobs.event_of(message)) if _is_of_job(message := json.loads(text)) else None
        except (SocketClosed, MissingEvent, ValueError):
            return False
        if event is not None:
            yield Emit(event)
            if event.is_last:
                return True


def _is_of_job(message: object) -> bool:
    """Whether it is no answer to a ping, and nothing that a newer server may say."""
    return isinstance(message, dict) and message.get("type") in ("status", "progress", "complete", "error")


def _poll(job_id: JobId, tracker: EventTracker) -> Flow[bool]:
    """Emits what has changed; gives whether the job has ended."""
    job = yield from ask(jobs.get(job_id), PATIENT)
    if job.seq is not None and job.seq > tracker.last_seq:
        for stored in (yield from ask(jobs.events(job_id, tracker.last_seq), PATIENT)):
            try:
                event = tracker.received(stored)
            except MissingEvent:
                event = tracker.received(stored)
            if event is not None:
                yield Emit(event)
                if event.is_last:
                    return True
    event = tracker.polled(job)
    if event is not None:
        yield Emit(event)
    return event is not None and event.is_last
