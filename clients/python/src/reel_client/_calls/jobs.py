"""Requests about jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from .._call import Call, Response, json_of, member_list, model, nothing, path_of, text, validated, with_query
from ..errors import UnexpectedAnswerError
from ..models import ActiveExport, ExportStarted, Job, JobEvent, JobPage, JobType
from ..params import Params, job_type_of, to_json

JobId = str | UUID
JobParams = Params | Mapping[str, Any]


def create(
    project_id: int,
    input_video_key: str,
    params: JobParams,
    job_type: JobType | None,
    job_id: JobId | None,
    labels: Mapping[str, str] | None,
    webhook_url: str | None,
    idempotency_key: str,
) -> Call[Job]:
    """A new job. The key makes it safe to send again: the same request gets the same job."""
    job_type, fields = typed_params(params, job_type)
    body = {"project_id": project_id, "type": job_type, "input_video_key": input_video_key, "params": fields}
    if job_id is not None:
        body["job_id"] = str(job_id)
    if labels:
        body["labels"] = dict(labels)
    if webhook_url is not None:
        body["webhook_url"] = webhook_url
    headers = {"idempotency-key": idempotency_key}
    return Call("POST", path_of("jobs"), model(Job), body, headers)


def typed_params(params: JobParams, job_type: JobType | None) -> tuple[JobType, dict[str, Any]]:
    """The type of a job and its params as JSON."""
    if not isinstance(params, Mapping):
        own_type = job_type_of(params)
        if job_type not in (None, own_type):
            raise ValueError(f"These are params of {own_type}, and the job is to be {job_type}.")
        return own_type, to_json(params)
    if job_type is None:
        raise ValueError("job_type is needed: a mapping does not say what kind of job it is for.")
    return job_type, dict(params)


def export_overlay(
    project_id: int, params: JobParams, job_id: JobId | None, idempotency_key: str
) -> Call[ExportStarted]:
    """An overlay of the project's working video."""
    body = {**typed_params(params, "overlay")[1], "project_id": project_id}
    return _export("overlay", body, job_id, idempotency_key, model(ExportStarted))


def export_framing(
    project_id: int,
    clip_index: int,
    params: JobParams,
    set_working_video: bool,
    job_id: JobId | None,
    idempotency_key: str,
) -> Call[Job]:
    """A framing of one of the project's clips."""
    own = {"project_id": project_id, "clip_index": clip_index, "set_working_video": set_working_video}
    body = {**typed_params(params, "framing")[1], **own}
    return _export("framing", body, job_id, idempotency_key, model(Job))


def _export(kind: str, body: dict[str, Any], job_id: JobId | None, idempotency_key: str, read: Any) -> Call[Any]:
    if job_id is not None:
        body["job_id"] = str(job_id)
    return Call("POST", path_of("export", kind), read, body, {"idempotency-key": idempotency_key})


def active_exports() -> Call[list[ActiveExport]]:
    """Exports that are pending or processing: the 100 newest."""
    return Call("GET", path_of("exports", "active"), member_list("exports", ActiveExport))


def get(job_id: JobId) -> Call[Job]:
    """A job as it is now."""
    return Call("GET", path_of("jobs", str(job_id)), model(Job), timeout_s=15.0)


def page(
    project_id: int | None,
    status: str | None,
    job_type: str | None,
    label: str | None,
    limit: int | None,
    cursor: str | None,
) -> Call[JobPage]:
    """One page of jobs."""
    query = {
        "project_id": project_id,
        "status": status,
        "type": job_type,
        "label": label,
        "limit": limit,
        "cursor": cursor,
    }
    return Call("GET", with_query(path_of("jobs"), **query), model(JobPage))


def cancel(job_id: JobId) -> Call[Job]:
    """Stops a job. One that is cancelled already stays so."""
    return Call("POST", path_of("jobs", str(job_id), "cancel"), model(Job))


def retry(job_id: JobId) -> Call[Job]:
    """Starts a failed job over. Not idempotent: a job that runs answers 409."""
    return Call("POST", path_of("jobs", str(job_id), "retry"), model(Job), is_idempotent=False)


def revoke_links(job_id: JobId) -> Call[None]:
    """Makes every link to the job so far worth nothing."""
    return Call("POST", path_of("jobs", str(job_id), "revoke-links"), nothing)


def delete(job_id: JobId) -> Call[None]:
    """Deletes an ended job with its files."""
    return Call("DELETE", path_of("jobs", str(job_id)), nothing)


def filmstrip(job_id: JobId) -> Call[str]:
    """The WebVTT of a job's filmstrip."""
    return Call("GET", path_of("jobs", str(job_id), "filmstrip.vtt"), text)


def events(job_id: JobId, after: int) -> Call[list[JobEvent]]:
    """The stored events after a number."""

    def read(response: Response) -> list[JobEvent]:
        messages = json_of(response).get("events")
        if not isinstance(messages, list):
            raise UnexpectedAnswerError("The answer has no list of events.")
        return [event_of(message) for message in messages]

    return Call("GET", with_query(path_of("jobs", str(job_id), "events"), after=after), read)


def event_of(message: Any) -> JobEvent:
    """An event from a message: its `type` is the message's, and `job_type` the job's."""
    if not isinstance(message, dict):
        raise UnexpectedAnswerError("A message about a job is not a JSON object.")
    return validated(JobEvent, {**message, "event": message.get("type"), "type": message.get("job_type")})
