"""The models against the API's own description: no member has another name, and none is missing.

A member that a model requires must be one that the API always sends, and the other way round for what is sent.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from reel_client import models, params

OPENAPI = Path(__file__).parents[3] / "openapi.json"

ANSWERS: dict[type[BaseModel], str] = {
    models.ActiveExport: "ActiveExport",
    models.AuditEntry: "AuditEntry",
    models.AuditPage: "AuditPage",
    models.Clip: "Clip",
    models.ConfirmedParts: "ConfirmedParts",
    models.ExportStarted: "ExportStarted",
    models.Filmstrip: "Filmstrip",
    models.Job: "Job",
    models.JobPage: "JobPage",
    models.JobSummary: "JobSummary",
    models.Limits: "Limits",
    models.MintedToken: "Token",
    models.MultipartUpload: "UploadJson",
    models.OutputMedia: "OutputMedia",
    models.OwnerErasure: "ErasedOwner",
    models.Project: "Project",
    models.ProjectPage: "ProjectPage",
    models.RemovedCounts: "ErasedCounts",
    models.Rendition: "JobOutput",
    models.SignedPart: "SignedPart",
    models.SignedParts: "SignedParts",
    models.TokenRevocation: "RevokedTokens",
    models.UploadTarget: "UploadUrl",
    models.UploadedPart: "ConfirmedPartJson",
    models.UploadedVideo: "CompletedUpload",
    models.Usage: "Usage",
}
SENT: dict[type[BaseModel], list[str]] = {
    params.AnnotateParams: ["AnnotateParams"],
    params.Annotation: ["AnnotatedClip"],
    params.CropKeyframe: ["CropAtFrame", "CropAtTime"],
    params.FixedRegion: ["FixedRegion"],
    params.FramingClip: ["ReelClip"],
    params.FramingParams: ["ClipFraming", "ReelFraming"],
    params.MovingRegion: ["MovingRegion"],
    params.Output: ["FurtherOutput"],
    params.OverlayParams: ["OverlayParams"],
    params.RegionKeyframe: ["EllipseKeyframe"],
    params.Segment: ["Segment"],
    params.Transition: ["Transition"],
}
LIMITS = ["ByteLimit", "Limit", "RequestLimit", "SocketLimit", "UsedLimit"]
# What the API has and this client does not offer yet. A new member belongs in its model, or here.
LATER: set[str] = set()
# Of the backend's older clients, and the ETag of a whole video.
UNUSED = {"projectId", "job_type", "output_filename", "output_video_id"}
UNUSED_OF: dict[type[BaseModel], set[str]] = {models.UploadedVideo: {"etag"}}
# What the frontend notes for itself.
NOT_SENT = {"id", "origin"}


@cache
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(OPENAPI.read_text())["components"]["schemas"]
    return found


@pytest.fixture(autouse=True)
def description() -> None:
    if not OPENAPI.exists():
        pytest.skip("the package's sources are apart from the API's")


def fields_of(model: type[BaseModel]) -> dict[str, bool]:
    """The names as they are on the wire, and which are required."""
    return {str(field.serialization_alias or name): field.is_required() for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("model", "name"), ANSWERS.items(), ids=lambda item: getattr(item, "__name__", item))
def test_an_answer_has_the_members_of_its_schema(model: type[BaseModel], name: str) -> None:
    schema, fields = schemas()[name], fields_of(model)
    members, required = set(schema["properties"]), set(schema["required"])
    second_name = {"id"} if "job_id" in members else set()
    assert set(fields) == members - second_name - LATER - UNUSED - UNUSED_OF.get(model, set())
    too_strict = {field for field, is_required in fields.items() if is_required} - required
    assert too_strict == set(), "they may be left out"


@pytest.mark.parametrize(("model", "names"), SENT.items(), ids=lambda item: getattr(item, "__name__", None))
def test_what_is_sent_has_the_members_of_its_schemas(model: type[BaseModel], names: list[str]) -> None:
    fields = fields_of(model)
    found = [schemas()[name] for name in names]
    assert set(fields) == set().union(*(schema["properties"] for schema in found)) - LATER - NOT_SENT
    required = set.intersection(*(set(schema.get("required", [])) for schema in found))
    assert {field for field, is_required in fields.items() if is_required} == required


def test_one_class_reads_every_kind_of_limit() -> None:
    members = set().union(*(schemas()[name]["properties"] for name in LIMITS))
    assert set(fields_of(models.Limit)) == members


def test_health_is_read_whether_the_api_works_or_not() -> None:
    members = set(schemas()["Health"]["properties"]) | set(schemas()["NotConfigured"]["properties"])
    assert set(fields_of(models.Health)) == members


def test_words_that_are_sent_are_those_of_the_api() -> None:
    def words(name: str) -> set[str]:
        return set(schemas()[name]["enum"])

    assert set(models.JobType.__args__) == words("JobType")  # type: ignore[attr-defined]
    assert set(models.JobStatus.__args__) == words("JobStatus")  # type: ignore[attr-defined]
