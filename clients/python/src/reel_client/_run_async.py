"""Does the steps of flows with asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

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
AsyncToken = str | Callable[[], str | Awaitable[str]]


class _Result:
    """Wraps the result of a flow: an async generator cannot return one."""

    def __init__(self, value: Any) -> None:
        self.value = value


class AsyncRunner:
    """One client's connection to the API. Tasks may share it."""

    def __init__(self, address: Address, token: AsyncToken | None, http: httpx.AsyncClient) -> None:
        self.address = address
        self.token = token
        self.http = http

    async def run(self, flow: Flow[T]) -> T:
        """Does all steps and gives the flow's result."""
        async with aclosing(self._steps(flow)) as steps:
            async for item in steps:
                if isinstance(item, _Result):
                    result: T = item.value
                    return result
        raise AssertionError("a flow ends with a result")

    async def stream(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Does the steps as values are asked for, and gives each value."""
        async with aclosing(self._steps(flow)) as steps:
            async for item in steps:
                if not isinstance(item, _Result):
                    yield item

    async def _steps(self, flow: Flow[T]) -> AsyncGenerator[Any, None]:
        """Yields what the flow emits and at last its result, and does everything else."""
        steps = _Steps(self)
        try:
            step = next(flow)
            while True:
                try:
                    result = None
                    if isinstance(step, Emit):
                        yield step.value
                    else:
                        result = await steps.do(step)
                except Exception as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            yield _Result(end.value)
        finally:
            await steps.close_socket()
            flow.close()

    async def bearer(self) -> str | None:
        """The token of the next request."""
        if not callable(self.token):
            return self.token
        token = self.token()
        return await token if inspect.isawaitable(token) else token


class _Steps:
    """The steps of one flow, with the socket that it may have open."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner
        self._socket: ClientConnection | None = None

    async def do(self, step: object) -> Any:
        match step:
            case Send():
                return await self._send(step)
            case Sleep():
                await asyncio.sleep(step.seconds)
            case PutAll():
                return await self._put_all(step.puts)
            case Fetch():
                return await self._fetch(step)
            case OpenSocket():
                await self._open(step)
            case Receive():
                return await self._receive(step)
            case Say():
                await self._say(step)
            case CloseSocket():
                await self.close_socket()
            case _:
                raise TypeError(f"unknown step {type(step).__name__}")
        return None

    async def _send(self, step: Send) -> Response:
        request = self._runner.address.request(step.call, await self._runner.bearer())
        try:
            answer = await self._runner.http.request(**request)
        except httpx.TransportError as error:
            raise connection_failed(error) from error
        return response_of(answer, answer.content)

    async def _put_all(self, puts: list[Put]) -> list[Response | ReelError]:
        tasks = [asyncio.create_task(self._put(put)) for put in puts]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _put(self, put: Put) -> Response | ReelError:
        async def body() -> AsyncIterator[bytes]:
            sent = 0
            pieces = put.source.pieces(put.offset, put.length)
            # Reading a file blocks, so it is done beside the event loop.
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
                sent += len(piece)
                put.sent(sent)

        try:
            answer = await self._runner.http.put(
                put.url, headers=put_headers(put), content=body(), timeout=TRANSFER_TIMEOUT
            )
        except httpx.TransportError as error:
            return connection_failed(error)
        return response_of(answer, answer.content)

    async def _fetch(self, step: Fetch) -> Response:
        url = self._runner.address.url(step.url)
        try:
            async with self._runner.http.stream("GET", url, headers=step.headers, timeout=TRANSFER_TIMEOUT) as answer:
                if not answer.is_success:
                    return response_of(answer, await answer.aread())
                step.begin(answer.status_code, headers_of(answer))
                async for piece in answer.aiter_bytes():
                    await asyncio.to_thread(step.write, piece)
                return response_of(answer)
        except httpx.TransportError as error:
            raise connection_failed(error) from error

    async def _open(self, step: OpenSocket) -> None:
        address = self._runner.address
        url = address.socket_url(step.path)
        try:
            self._socket = await connect(
                url,
                additional_headers=address.headers(await self._runner.bearer()),
                ssl=address.ssl_context if url.startswith("wss") else None,
                open_timeout=SOCKET_OPEN_S,
                close_timeout=SOCKET_CLOSE_S,
                ping_interval=None,
                max_size=MESSAGE_MAX_BYTES,
                logger=socket_logger(),
            )
        except (OSError, WebSocketException) as error:
            raise connection_failed(error) from None

    async def _receive(self, step: Receive) -> str | None:
        try:
            message = await asyncio.wait_for(self._opened().recv(), step.timeout_s)
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise SocketClosed(error.rcvd.code if error.rcvd else None) from None
        return message if isinstance(message, str) else message.decode(errors="replace")

    async def _say(self, step: Say) -> None:
        try:
            await self._opened().send(step.text)
        except ConnectionClosed as error:
            raise SocketClosed(error.rcvd.code if error.rcvd else None) from None

    def _opened(self) -> ClientConnection:
        if self._socket is None:
            raise SocketClosed(None)
        return self._socket

    async def close_socket(self) -> None:
        if self._socket is not None:
            socket, self._socket = self._socket, None
            with suppress(OSError, WebSocketException):
                await socket.close()
