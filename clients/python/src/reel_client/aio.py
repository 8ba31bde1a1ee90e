"""The async client."""

from __future__ import annotations

from ._async.jobs import AsyncJobMethods
from ._async.projects import AsyncProjectMethods
from ._async.services import AsyncServiceMethods
from ._async.uploads import AsyncUploadMethods


class AsyncReelClient(AsyncUploadMethods, AsyncJobMethods, AsyncProjectMethods, AsyncServiceMethods):
    """The same as `ReelClient` for asyncio. Use it in an ``async with`` statement, within one event loop.

    Every method raises a subclass of `ReelError`: what the API refused is an `ApiError`, no answer at all a
    `ConnectionFailedError`.
    """
