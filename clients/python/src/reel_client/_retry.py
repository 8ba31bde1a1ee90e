"""When a failed request is sent again. Nothing here does IO."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .errors import ApiError, ConnectionFailedError, StorageError


@dataclass(frozen=True)
class RetryPolicy:
    """How often an idempotent request is sent, and how long it waits in between.

    The wait doubles from ``first_wait_s`` up to ``wait_max_s``, of which a random half to whole is taken, so that
    clients that failed together do not come back together. A ``Retry-After`` is the least wait; one beyond
    ``retry_after_max_s`` is an error at once, since no caller expects to wait so long.
    """

    attempts: int = 4
    first_wait_s: float = 0.5
    wait_max_s: float = 8.0
    retry_after_max_s: float = 60.0

    def wait_s(self, failures: int, error: Exception, chance: float | None = None) -> float | None:
        """Seconds until the next attempt after so many failures; None when there is none.

        ``chance`` from 0 to 1 takes the place of randomness in tests.
        """
        if failures >= self.attempts or not is_transient(error):
            return None
        retry_after_s = (error.retry_after_s or 0.0) if isinstance(error, ApiError) else 0.0
        if retry_after_s > self.retry_after_max_s:
            return None
        longest = min(self.first_wait_s * 2.0 ** (failures - 1), self.wait_max_s)
        chance = random.random() if chance is None else chance  # noqa: S311 - it keeps no secret
        return max(longest * (0.5 + chance / 2), retry_after_s)


NO_RETRIES = RetryPolicy(attempts=1)


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, ConnectionFailedError):
        return True
    if isinstance(error, ApiError):
        # 429 without Retry-After is a limit that waiting does not lift.
        if error.status == 429:
            return error.retry_after_s is not None
        return error.status == 408 or (error.status >= 500 and error.code != "not_configured")
    return isinstance(error, StorageError) and (error.status in (408, 429) or error.status >= 500)
