from __future__ import annotations

import pytest

from flows import json_response
from reel_client._call import api_error
from reel_client._retry import NO_RETRIES, RetryPolicy, is_transient
from reel_client.errors import ApiError, ConnectionFailedError, NoOutputError, StorageError

OFFLINE = ConnectionFailedError("offline")


def refused(status: int, code: str = "unknown", retry_after_s: float | None = None) -> ApiError:
    return ApiError(status, code, "no", retry_after_s=retry_after_s)


def test_waits_grow_to_a_limit_and_then_end() -> None:
    policy = RetryPolicy(attempts=7, first_wait_s=0.5, wait_max_s=8)
    waits = [policy.wait_s(failures, OFFLINE, chance=1.0) for failures in range(1, 8)]
    assert waits == [0.5, 1, 2, 4, 8, 8, None]
    assert policy.wait_s(1, OFFLINE, chance=0.0) == 0.25, "half of it is random"
    assert NO_RETRIES.wait_s(1, OFFLINE) is None


def test_retry_after_is_the_least_wait_and_a_long_one_is_an_error_at_once() -> None:
    policy = RetryPolicy()
    assert policy.wait_s(1, refused(429, retry_after_s=7)) == 7
    assert policy.wait_s(1, refused(503, retry_after_s=61)) is None


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (OFFLINE, True),
        (refused(500, "internal"), True),
        (refused(503, "unavailable"), True),
        (refused(503, "not_configured"), False),
        (refused(502), True),
        (refused(408, "request_timeout"), True),
        (refused(429, "limit_reached", 3), True),
        (refused(429, "limit_reached"), False),
        (refused(409, "job_state"), False),
        (refused(422, "invalid_request"), False),
        (StorageError(503, "SlowDown"), True),
        (StorageError(403, "AccessDenied"), False),
        (NoOutputError("none"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_transient(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


def test_retry_after_may_be_a_date() -> None:
    headers = {"retry_after": "Sat, 31 Jan 2026 09:05:30 GMT", "date": "Sat, 31 Jan 2026 09:05:00 GMT"}
    assert api_error(json_response(429, {}, **headers)).retry_after_s == 30
    assert api_error(json_response(429, {}, retry_after="soon")).retry_after_s is None
    assert api_error(json_response(429, {}, retry_after="12")).retry_after_s == 12
