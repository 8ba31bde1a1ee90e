"""Following a job to its end: over a WebSocket if possible, by polling if not.

Invariants: stored events are delivered in order and once; progress does not go down within an attempt; the flow ends
after the last event of the job, without waiting for the socket to be closed: the platform does that late.
"""

from __future__ import annotations

import json

from ._call import path_of, with_query
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
        self.has_ended = False
        """The last event was delivered."""
        self._awaits_snapshot = False
        self._newest_seq = after
        self._asked_again_at: int | None = None
        self._params: dict[str, object] | None = None
        self._attempt = 0
        self._progress = 0
        self._polled: Job | None = None

    def connected(self) -> None:
        """A socket was opened; its first message is a snapshot."""
        self._awaits_snapshot, self.awaits_replay = True, False

    def disconnected(self) -> None:
        """The socket is gone."""
        self._awaits_snapshot = self.awaits_replay = False

    def expect(self, seq: int) -> None:
        """The job has events up to this number."""
        self._newest_seq = max(self._newest_seq, seq)

    def received(self, event: JobEvent) -> JobEvent | None:
        """The event to deliver, if it is one. Raises `MissingEvent` when one was lost in between."""
        if self._awaits_snapshot and event.event == "status":
            self._awaits_snapshot = False
            self.expect(event.seq or 0)
            self.awaits_replay = event.is_ended and self._newest_seq > self.last_seq
            self.has_ended = event.is_ended and not self.awaits_replay
            return self._delivered(event.model_copy(update={"seq": None}))
        if event.seq is None:
            return self._delivered(event)
        if event.seq <= self.last_seq:
            return None
        if event.seq > self.last_seq + 1 and self._asked_again_at != self.last_seq:
            # It is asked for once more; if it is missing again, the server has it no longer.
            self._asked_again_at = self.last_seq
            raise MissingEvent
        self.last_seq = event.seq
        # An error before the newest event is that of a job that was retried by hand since.
        self.has_ended = event.event in ("complete", "error") and event.seq >= self._newest_seq
        return self._delivered(event)

    def polled(self, job: Job) -> JobEvent | None:
        """An event for a job that was polled and has changed."""
        before, self._polled = self._polled, job
        if before is not None and not job.is_ended and _visible(before) == _visible(job):
            return None
        self.has_ended = job.is_ended
        return self._delivered(JobEvent(**{**job.model_dump(), "seq": None, "event": "status"}))

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
            yield OpenSocket(with_query(path_of("jobs", str(job_id), "ws"), after=tracker.last_seq))
        except ConnectionFailedError:
            pass
        else:
            tracker.connected()
            has_ended = yield from _listen(tracker)
            tracker.disconnected()
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
            if tracker.has_ended:
                return True


def _is_of_job(message: object) -> bool:
    """Whether it is no answer to a ping, and nothing that a newer server may say."""
    return isinstance(message, dict) and message.get("type") in ("status", "progress", "complete", "error")


def _poll(job_id: JobId, tracker: EventTracker) -> Flow[bool]:
    """Emits what has changed; gives whether the job has ended."""
    job = yield from ask(jobs.get(job_id), PATIENT)
    if job.seq is not None and job.seq > tracker.last_seq:
        tracker.expect(job.seq)
        for stored in (yield from ask(jobs.events(job_id, tracker.last_seq), PATIENT)):
            try:
                event = tracker.received(stored)
            except MissingEvent:
                event = tracker.received(stored)
            if event is not None:
                yield Emit(event)
    if not tracker.has_ended:
        event = tracker.polled(job)
        if event is not None:
            yield Emit(event)
    return tracker.has_ended
