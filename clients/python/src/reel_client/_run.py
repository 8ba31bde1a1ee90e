"""Does the steps of flows with blocking IO."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event
from typing import Any, TypeVar

import httpx
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from ._call import Response
from ._http import (
    MESSAGE_MAX_BYTES,
    SOCKET_CLOSE_S,
    SOCKET_OPEN_S,
    TRANSFER_TIMEOUT,
    Address,
    connection_failed,
    headers_of,
    put_headers,
    response_of,
)
from ._logging import socket_logger
from ._steps import CloseSocket, Emit, Fetch, Flow, OpenSocket, Put, PutAll, Receive, Say, Send, Sleep, SocketClosed
from .errors import ReelError

T = TypeVar("T")
Token = str | Callable[[], str]


class Runner:
    """One client's connection to the API. Threads may share it."""

    def __init__(self, address: Address, token: Token | None, http: httpx.Client) -> None:
        self.address = address
        self.token = token
        self.http = http

    def run(self, flow: Flow[T]) -> T:
        """Does all steps and gives the flow's result."""
        steps = self._steps(flow)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result

    def stream(self, flow: Flow[None]) -> Iterator[Any]:
        """Does the steps as values are asked for, and gives each value."""
        yield from self._steps(flow)

    def _steps(self, flow: Flow[T]) -> Generator[Any, None, T]:
        """Yields what the flow emits, and does everything else."""
        steps = _Steps(self)
        try:
            step = next(flow)
            while True:
                try:
                    result = (yield step.value) if isinstance(step, Emit) else steps.do(step)
                except Exception as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close_socket()
            flow.close()

    def bearer(self) -> str | None:
        """The token of the next request."""
        return self.token() if callable(self.token) else self.token


class _Steps:
    """The steps of one flow, with the socket that it may have open."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._socket: ClientConnection | None = None
        self._open_socket = ExitStack()

    def do(self, step: object) -> Any:
        match step:
            case Send():
                return self._send(step)
            case Sleep():
                time.sleep(step.seconds)
            case PutAll():
                return self._put_all(step.puts)
            case Fetch():
                return self._fetch(step)
            case OpenSocket():
                self._open(step)
            case Receive():
                return self._receive(step)
            case Say():
                self._say(step)
            case CloseSocket():
                self.close_socket()
            case _:
                raise TypeError(f"unknown step {type(step).__name__}")
        return None

    def _send(self, step: Send) -> Response:
        request = self._runner.address.request(step.call, self._runner.bearer())
        try:
            answer = self._runner.http.request(**request)
        except httpx.TransportError as error:
            raise connection_failed(error) from error
        return response_of(answer, answer.content)

    def _put_all(self, puts: list[Put]) -> list[Response | ReelError]:
        stop = Event()
        if len(puts) == 1:
            return [self._put(puts[0], stop)]
        with ThreadPoolExecutor(len(puts), "reel-upload") as pool:
            try:
                return list(pool.map(lambda put: self._put(put, stop), puts))
            except BaseException:
                # The pool waits for its threads: they end with their next piece.
                stop.set()
                raise

    def _put(self, put: Put, stop: Event) -> Response | ReelError:
        def body() -> Iterator[bytes]:
            sent = 0
            for piece in put.source.pieces(put.offset, put.length):
                if stop.is_set():
                    raise InterruptedError("The upload was interrupted.")
                yield piece
                sent += len(piece)
                put.sent(sent)

        try:
            answer = self._runner.http.put(put.url, headers=put_headers(put), content=body(), timeout=TRANSFER_TIMEOUT)
        except httpx.TransportError as error:
            return connection_failed(error)
        return response_of(answer, answer.content)

    def _fetch(self, step: Fetch) -> Response:
        url = self._runner.address.url(step.url)
        try:
            with self._runner.http.stream("GET", url, headers=step.headers, timeout=TRANSFER_TIMEOUT) as answer:
                if not answer.is_success:
                    return response_of(answer, answer.read())
                step.begin(answer.status_code, headers_of(answer))
                for piece in answer.iter_bytes():
                    step.write(piece)
                return response_of(answer)
        except httpx.TransportError as error:
            raise connection_failed(error) from error

    def _open(self, step: OpenSocket) -> None:
        address = self._runner.address
        url = address.socket_url(step.path)
        try:
            socket = connect(
                url,
                additional_headers=address.headers(self._runner.bearer()),
                ssl=address.ssl_context if url.startswith("wss") else None,
                open_timeout=SOCKET_OPEN_S,
                close_timeout=SOCKET_CLOSE_S,
                ping_interval=None,
                max_size=MESSAGE_MAX_BYTES,
                logger=socket_logger(),
            )
            self._socket = self._open_socket.enter_context(socket)
        except (OSError, WebSocketException) as error:
            raise connection_failed(error) from None

    def _receive(self, step: Receive) -> str | None:
        try:
            message = self._opened().recv(timeout=step.timeout_s)
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise SocketClosed(error.rcvd.code if error.rcvd else None) from None
        return message if isinstance(message, str) else message.decode(errors="replace")

    def _say(self, step: Say) -> None:
        try:
            self._opened().send(step.text)
        except ConnectionClosed as error:
            raise SocketClosed(error.rcvd.code if error.rcvd else None) from None

    def _opened(self) -> ClientConnection:
        if self._socket is None:
            raise SocketClosed(None)
        return self._socket

    def close_socket(self) -> None:
        self._socket = None
        with suppress(OSError, WebSocketException):
            self._open_socket.close()
