"""Keeps credentials out of logs.

httpx logs the URL of each request, and a presigned URL is a credential; websockets logs the headers of its handshake.
"""

from __future__ import annotations

import logging

import httpx

_SECRET_PARAMETERS = ("x-amz-signature", "token")


class _HideSignedUrls(logging.Filter):
    """Replaces the query of a URL that allows something to whoever has it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_secrets(argument) for argument in record.args)
        return True


def _without_secrets(argument: object) -> object:
    if isinstance(argument, httpx.URL) and any(name.lower() in _SECRET_PARAMETERS for name in argument.params):
        return f"{argument.copy_with(query=None)}?[hidden]"
    return argument


def hide_signed_urls() -> None:
    """From now on httpx logs presigned URLs without their query."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(known, _HideSignedUrls) for known in logger.filters):
        logger.addFilter(_HideSignedUrls())


def socket_logger() -> logging.Logger:
    """A logger for websockets that leaves out headers and messages, which it logs as DEBUG."""
    logger = logging.getLogger("reel_client.websocket")
    logger.setLevel(logging.INFO)
    return logger
