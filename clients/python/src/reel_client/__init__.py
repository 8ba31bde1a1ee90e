"""Client of the video-export API of Reel Ballers: uploads, jobs and what belongs to them."""

from . import errors, models, params
from ._calls.projects import KEEP
from ._retry import NO_RETRIES, RetryPolicy
from ._version import __version__
from .aio import AsyncReelClient
from .client import ReelClient
from .errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    FieldError,
    FileChangedError,
    ForbiddenError,
    InvalidRequestError,
    JobFailedError,
    LimitReachedError,
    NoOutputError,
    NotFoundError,
    ReelError,
    ServerError,
    StorageError,
    UnauthorizedError,
    UnexpectedAnswerError,
)
from .models import Job, JobEvent, JobSummary, UploadedVideo
from .params import AnnotateParams, FramingParams, OverlayParams

__all__ = [
    "KEEP",
    "NO_RETRIES",
    "AnnotateParams",
    "ApiError",
    "AsyncReelClient",
    "ConflictError",
    "ConnectionFailedError",
    "FieldError",
    "FileChangedError",
    "ForbiddenError",
    "FramingParams",
    "InvalidRequestError",
    "Job",
    "JobEvent",
    "JobFailedError",
    "JobSummary",
    "LimitReachedError",
    "NoOutputError",
    "NotFoundError",
    "OverlayParams",
    "ReelClient",
    "ReelError",
    "RetryPolicy",
    "ServerError",
    "StorageError",
    "UnauthorizedError",
    "UnexpectedAnswerError",
    "UploadedVideo",
    "__version__",
    "errors",
    "models",
    "params",
]
