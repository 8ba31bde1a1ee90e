"""What the blocking and the async runner have in common: addresses, headers, and what errors mean."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from ._call import Call, Response
from ._steps import Put
from ._version import __version__
from .errors import ConnectionFailedError

USER_AGENT = f"reel-client-python/{__version__}"
TRANSFER_TIMEOUT = httpx.Timeout(60.0)
"""Of each read and write of a video, not of the whole transfer."""
SOCKET_OPEN_S = 10.0
SOCKET_CLOSE_S = 0.2
"""The platform answers a close about 10 s late; nobody waits for it."""
MESSAGE_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Address:
    """Where the API is, and for whom it is called."""

    base_url: str
    on_behalf_of: str | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    timeout_s: float | None = None

    @classmethod
    def of(
        cls, base_url: str, on_behalf_of: str | None, ssl_context: ssl.SSLContext | None, timeout_s: float | None
    ) -> Address:
        """Raises ValueError for what is no URL of an API."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("base_url must be like https://exports.example.com")
        return cls(base_url.rstrip("/"), on_behalf_of, ssl_context, timeout_s)

    def url(self, path: str) -> str:
        """Of a path of the API, or of a URL in one of its answers."""
        return urljoin(f"{self.base_url}/", path) if "://" in path else f"{self.base_url}{path}"

    def socket_url(self, path: str) -> str:
        """The same with the scheme of WebSockets."""
        return "ws" + self.url(path).removeprefix("http")

    def headers(self, token: str | None) -> dict[str, str]:
        """Of every request to the API, and of none to the storage."""
        headers = {"user-agent": USER_AGENT}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if self.on_behalf_of is not None:
            headers["on-behalf-of"] = quote(self.on_behalf_of, safe="")
        return headers

    def request(self, call: Call[Any], token: str | None) -> dict[str, Any]:
        """The arguments of httpx's `request`."""
        headers = httpx.Headers(self.headers(token) | dict(call.headers))
        content = None
        if call.body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(call.body, allow_nan=False).encode()
        return {
            "method": call.method,
            "url": self.url(call.path),
            "headers": headers,
            "content": content,
            "timeout": self.timeout_s or call.timeout_s,
        }


def put_headers(put: Put) -> dict[str, str]:
    """With the length: without it, httpx would send chunks, which the storage refuses."""
    return {**put.headers, "content-length": str(put.length)}


def response_of(answer: httpx.Response, body: bytes = b"") -> Response:
    """The answer without httpx, which knows the request's URL."""
    return Response(answer.status_code, headers_of(answer), body)


def headers_of(answer: httpx.Response) -> Mapping[str, str]:
    """The headers, named in lower case."""
    return {name.lower(): value for name, value in answer.headers.items()}


def connection_failed(error: Exception) -> ConnectionFailedError:
    """The failure in words: httpx's are those of the operating system, and name no URL."""
    reason = str(error).strip() if isinstance(error, (httpx.TransportError, OSError)) else ""
    kind = type(error).__name__
    return ConnectionFailedError(f"No answer: {kind}{f' ({reason})' if reason else ''}.")
