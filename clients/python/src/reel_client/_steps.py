"""The steps of a flow.

A flow is a generator that decides what is done next and yields it as a step; a runner does the IO of the step and
sends its result back, or throws its error in. So one flow serves the blocking client and the async one, and can be
tested without either.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ._call import Call, Response
from ._files import Source
from ._retry import RetryPolicy

T = TypeVar("T")
Flow = Generator[Any, Any, T]
"""Yields steps and returns a T."""


@dataclass(frozen=True)
class Send:
    """Sends a call; gives its `Response`."""

    call: Call[Any]


@dataclass(frozen=True)
class Sleep:
    """Waits so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Put:
    """Sends a part of a source to a presigned URL; gives the `Response`."""

    url: str = field(repr=False)
    headers: Mapping[str, str]
    source: Source
    offset: int
    length: int
    sent: Callable[[int], None]
    """Called with the bytes that have been sent of it so far; after a failure it starts over from 0."""


@dataclass(frozen=True)
class PutAll:
    """Does several `Put` at the same time; gives a `Response` or the `ReelError` of each."""

    puts: list[Put]


@dataclass(frozen=True)
class Fetch:
    """Gets a URL outside of the API; gives the `Response` with the body only of errors.

    ``begin`` is called with the status and the headers of a success, ``write`` with each piece of its body.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]
    begin: Callable[[int, Mapping[str, str]], None]
    write: Callable[[bytes], None]


@dataclass(frozen=True)
class OpenSocket:
    """Opens a WebSocket to a path of the API; `ConnectionFailedError` if it cannot be opened."""

    path: str


@dataclass(frozen=True)
class Receive:
    """The next text of the socket; None when none arrives in time, `SocketClosed` when it is closed."""

    timeout_s: float


@dataclass(frozen=True)
class Say:
    """Sends a text on the socket."""

    text: str


@dataclass(frozen=True)
class CloseSocket:
    """Closes the socket, if one is open, without waiting for the other side."""


@dataclass(frozen=True)
class Emit:
    """Hands a value to the caller of an iterator."""

    value: Any


class SocketClosed(Exception):  # noqa: N818 - an event of the flow, which never leaves it
    """The socket is closed; ``code`` is None after a failure of the network."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


def ask(call: Call[T], policy: RetryPolicy) -> Flow[T]:
    """Sends a call until it succeeds, fails for good, or the policy ends."""
    failures = 0
    while True:
        try:
            response: Response = yield Send(call)
            return call.result(response)
        except Exception as error:
            failures += 1
            wait_s = policy.wait_s(failures, error) if call.is_idempotent else None
            if wait_s is None:
                raise
        yield Sleep(wait_s)
