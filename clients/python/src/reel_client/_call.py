"""A request to the API as data, and how its answer is read. Nothing here does IO."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from .errors import ApiError, FieldError, UnexpectedAnswerError, error_class

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Response:
    """An answer with its whole body. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request to the API."""

    method: str
    path: str
    """From the root of the API, with its query."""
    read: Callable[[Response], T]
    """Makes the result of a successful answer; may raise `UnexpectedAnswerError`."""
    body: Any = field(default=None, repr=False)
    """Sent as JSON unless it is None."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_idempotent: bool = True
    """Whether it may be sent again when it is not known what became of it."""
    timeout_s: float = 30.0

    def result(self, response: Response) -> T:
        """The result, or the error that the answer stands for."""
        if not 200 <= response.status < 300:
            raise api_error(response)
        return self.read(response)


def path_of(*segments: str | int) -> str:
    """A path below ``/api``, with every segment encoded."""
    return "/api/" + "/".join(quote(str(segment), safe="") for segment in segments)


def with_query(path: str, **parameters: str | int | None) -> str:
    """The path with the parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given, quote_via=quote)}" if given else path


def model(model_class: type[M]) -> Callable[[Response], M]:
    """Reads a body as one object."""

    def read(response: Response) -> M:
        return validated(model_class, json_of(response))

    return read


def member_list(name: str, model_class: type[M]) -> Callable[[Response], list[M]]:
    """Reads a body as an object with a list of this name."""

    def read(response: Response) -> list[M]:
        items = json_of(response).get(name)
        if not isinstance(items, list):
            raise UnexpectedAnswerError(f"The answer has no list of {name}.")
        return [validated(model_class, item) for item in items]

    return read


def text(response: Response) -> str:
    """Reads a body as text."""
    return response.body.decode("utf-8", errors="replace")


def nothing(_: Response) -> None:
    """Ignores the body."""


def validated(model_class: type[M], value: Any) -> M:
    """A model of a value. The error names the wrong members and never their values, which may be secret."""
    try:
        return model_class.model_validate(value)
    except ValidationError as error:
        places = [".".join(str(part) for part in fault["loc"]) for fault in error.errors(include_input=False)]
        message = f"The answer is no {model_class.__name__}: {', '.join(places[:5])}."
    raise UnexpectedAnswerError(message)


def json_of(response: Response) -> dict[str, Any]:
    """The body, which must be a JSON object."""
    try:
        value = json.loads(response.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UnexpectedAnswerError(f"The answer ({response.status}) is not a JSON object.")
    return value


def api_error(response: Response) -> ApiError:
    """The error of an answer. A proxy in front of the API may answer something else than a problem document."""
    try:
        problem = json_of(response)
    except UnexpectedAnswerError:
        problem = {}
    faults = problem.get("errors")
    errors = tuple(
        FieldError(str(fault.get("pointer", "")), str(fault.get("detail", "")))
        for fault in (faults if isinstance(faults, list) else [])
        if isinstance(fault, dict)
    )
    request_id = problem.get("request_id")
    return error_class(response.status)(
        status=response.status,
        code=str(problem.get("code", "unknown")),
        detail=str(problem.get("detail", f"The server answers {response.status}.")),
        errors=errors,
        request_id=None if request_id is None else str(request_id),
        retry_after_s=retry_after(response.headers),
        problem=problem,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait (RFC 9110 10.2.3): a number, or a moment relative to the answer's own ``Date``."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(wait.total_seconds(), 0.0)
