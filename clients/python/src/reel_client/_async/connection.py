"""What every part of the async client is built on."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from .._call import Call
from .._http import Address
from .._logging import hide_signed_urls
from .._retry import RetryPolicy
from .._run_async import AsyncRunner, AsyncToken
from .._steps import Flow, ask

T = TypeVar("T")


class AsyncConnection:
    """The address, the credential and the connections of a client."""

    def __init__(
        self,
        base_url: str,
        token: AsyncToken | None = None,
        *,
        on_behalf_of: str | None = None,
        retry: RetryPolicy | None = None,
        timeout_s: float | None = None,
        http_client: httpx.AsyncClient | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            base_url: Scheme and host of the API, such as ``https://exports.example.com``.
            token: A service's key or a user's token; a function, or one that is awaited, is asked
                before each request, and may renew it.
            on_behalf_of: The user for whom a service acts.
            retry: How often idempotent requests are sent again; `NO_RETRIES` for once.
            timeout_s: Of each request, in place of 10 to 60 seconds by kind of request. Not of transfers.
            http_client: A client with settings of your own, such as a proxy; it is not closed with this one.
            ssl_context: Of WebSockets and, unless ``http_client`` is given, of HTTP.
        """
        hide_signed_urls()
        self._owns_http = http_client is None
        http = http_client or httpx.AsyncClient(verify=ssl_context or True)
        self._retry = retry or RetryPolicy()
        self._runner = AsyncRunner(Address.of(base_url, on_behalf_of, ssl_context, timeout_s), token, http)

    def acting_for(self, subject: str) -> Self:
        """A client for one user, which a service may have many of: it shares this one's connections."""
        address = self._runner.address
        return type(self)(
            address.base_url,
            self._runner.token,
            on_behalf_of=subject,
            retry=self._retry,
            timeout_s=address.timeout_s,
            http_client=self._runner.http,
            ssl_context=address.ssl_context,
        )

    async def close(self) -> None:
        """Closes the connections."""
        if self._owns_http:
            await self._runner.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, call: Call[T]) -> T:
        return await self._runner.run(ask(call, self._retry))

    async def _run(self, flow: Flow[T]) -> T:
        return await self._runner.run(flow)

    def _stream(self, flow: Flow[None]) -> AsyncIterator[Any]:
        return self._runner.stream(flow)
