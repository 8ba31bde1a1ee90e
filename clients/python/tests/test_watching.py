from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flows import drive, job_json, json_response, message
from reel_client._steps import CloseSocket, OpenSocket, Receive, Say, Send, SocketClosed
from reel_client._watching import watch
from reel_client.errors import ConnectionFailedError, NotFoundError

JOB = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50"
NO_SOCKET = ConnectionFailedError("no socket")


class Server:
    """Says what the test has it say: the messages of each socket, and an answer to each request."""

    def __init__(self, sockets: list[list[Any] | Exception], answers: list[tuple[str, Any]] | None = None) -> None:
        self.sockets = iter(sockets)
        self.answers = iter(answers or [])
        self.opened: list[str] = []
        self.said: list[str] = []
        self.closed = 0
        self._messages: Iterator[Any] = iter(())

    def __call__(self, step: Any) -> Any:
        match step:
            case OpenSocket():
                self.opened.append(step.path)
                messages = next(self.sockets)
                if isinstance(messages, Exception):
                    return messages
                self._messages = iter(messages)
            case Receive():
                return next(self._messages, SocketClosed(1006))
            case Say():
                self.said.append(step.text)
            case CloseSocket():
                self.closed += 1
            case Send():
                path, answer = next(self.answers)
                assert step.call.path.startswith(f"/api/jobs/{JOB}{path}"), step.call.path
                return answer if isinstance(answer, Exception) else json_response(200, answer)
        return None


def seqs(events: list[Any]) -> list[int | None]:
    return [event.seq for event in events]


def test_it_ends_with_the_last_message_and_not_with_the_close() -> None:
    live = [
        message("status", 1),
        message("progress", None, status="processing", progress=40),
        message("progress", None, status="processing", progress=30),
        '{"type":"pong"}',
        '{"type":"confetti"}',
        message("complete", 2, status="complete", progress=100),
        AssertionError("nothing is read after the last message"),
    ]
    server = Server([live])
    _, events, _ = drive(watch(JOB, after=1), server)
    assert [event.event for event in events] == ["status", "progress", "progress", "complete"]
    assert [event.progress for event in events] == [0, 40, 40, 100], "it does not go down"
    assert events[-1].type == "overlay" and events[-1].is_ended
    assert server.opened == [f"/api/jobs/{JOB}/ws?after=1"] and server.closed == 1


def test_a_new_socket_goes_on_after_the_last_stored_event() -> None:
    server = Server(
        [
            [message("status", 1), message("status", 1), message("progress", None, progress=10), message("status", 2)],
            [
                message("status", 3),
                message("status", 2),
                message("status", 3),
                message("complete", 4, status="complete"),
            ],
        ],
        [("", job_json(seq=2))],
    )
    _, events, _ = drive(watch(JOB, after=0), server)
    assert [seq for seq in seqs(events) if seq] == [1, 2, 3, 4]
    assert server.opened[1].endswith("after=2")


def test_a_number_that_was_left_out_is_asked_for_once_more() -> None:
    server = Server(
        [
            [message("status", 1), message("status", 1), message("status", 3)],
            [message("status", 3), message("status", 3), message("complete", 4, status="complete")],
        ],
        [("", job_json(seq=1))],
    )
    _, events, _ = drive(watch(JOB, after=0), server)
    assert [seq for seq in seqs(events) if seq] == [1, 3, 4], "then the server no longer has it"
    assert [path[-7:] for path in server.opened] == ["after=0", "after=1"]


def test_of_an_ended_job_the_stored_events_follow_the_snapshot() -> None:
    ended = {"status": "complete", "progress": 100}
    server = Server([[message("status", 2, **ended), message("status", 1), message("complete", 2, **ended)]])
    _, events, _ = drive(watch(JOB, after=0), server)
    assert seqs(events) == [None, 1, 2]
    _, events, _ = drive(watch(JOB, after=2), Server([[message("status", 2, **ended)]]))
    assert seqs(events) == [None] and events[0].is_ended, "all were delivered before"


def test_the_error_of_a_job_that_was_retried_since_is_not_the_last_event() -> None:
    live = [
        message("status", 4, status="processing", attempt=4),
        message("error", 3, status="error", attempt=3, error="x", error_code="gpu_error"),
        message("status", 4, status="pending", attempt=4),
        message("complete", 5, status="complete", attempt=4, progress=100),
    ]
    _, events, _ = drive(watch(JOB, after=2), Server([live]))
    assert seqs(events) == [None, 3, 4, 5]


def test_a_silent_socket_is_pinged_and_then_given_up() -> None:
    server = Server(
        [[message("status", 1), None, '{"type":"pong"}', None, None], [message("complete", 2, status="complete")]],
        [("", job_json(seq=1))] * 3,
    )
    drive(watch(JOB, after=1), server)
    assert [json.loads(text) for text in server.said] == [{"type": "ping"}] * 2
    assert len(server.opened) == 2


def test_without_a_socket_the_job_is_polled_and_no_stored_event_is_lost() -> None:
    stored = [
        json.loads(message("status", 2, status="processing")),
        json.loads(message("complete", 3, status="complete")),
    ]
    server = Server(
        [NO_SOCKET],
        [
            ("", job_json(seq=1)),
            ("", job_json(seq=1, status="processing", progress=20)),
            ("", job_json(seq=3, status="complete", progress=100)),
            ("/events?after=1", {"events": stored, "seq": 3}),
        ],
    )
    _, events, sleeps = drive(watch(JOB, after=1), server)
    assert seqs(events) == [None, None, 2, 3]
    assert events[-1].status == "complete" and len(sleeps) == 2


def test_a_job_that_does_not_exist_is_an_error() -> None:
    server = Server([[SocketClosed(4404)]], [("", NotFoundError(404, "job_not_found", "Job not found"))])
    with pytest.raises(NotFoundError):
        drive(watch(JOB, after=0), server)


def test_messages_that_leave_out_params_get_those_of_the_first() -> None:
    first = json.dumps({**json.loads(message("status", 1)), "params": {"effect_type": "blur"}})
    server = Server([[first, message("complete", 2, status="complete")]])
    _, events, _ = drive(watch(JOB, after=1), server)
    assert [event.params for event in events] == [{"effect_type": "blur"}] * 2
