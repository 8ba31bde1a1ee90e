"""The blocking client."""

from __future__ import annotations

from ._sync.jobs import JobMethods
from ._sync.projects import ProjectMethods
from ._sync.services import ServiceMethods
from ._sync.uploads import UploadMethods


class ReelClient(UploadMethods, JobMethods, ProjectMethods, ServiceMethods):
    """A blocking client of the API. Threads may share it; close it, or use it in a ``with`` statement.

    Every method raises a subclass of `ReelError`: what the API refused is an `ApiError`, no answer at all a
    `ConnectionFailedError`.
    """
