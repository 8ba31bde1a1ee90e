"""Requests about projects and clips."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from .._call import Call, member_list, model, nothing, path_of, with_query
from ..models import Clip, Project, ProjectPage


class Keep(Enum):
    """Stands for a member that a change leaves as it is; None clears it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


def put(project_id: int, name: str | Keep | None, working_video_key: str | Keep | None) -> Call[Project]:
    """Creates or changes a project."""
    members = {"name": name, "working_video_key": working_video_key}
    body = {member: value for member, value in members.items() if value is not KEEP}
    return Call("PUT", path_of("projects", project_id), model(Project), body)


def get(project_id: int) -> Call[Project]:
    """A project."""
    return Call("GET", path_of("projects", project_id), model(Project))


def page(limit: int | None, cursor: str | None) -> Call[ProjectPage]:
    """One page of projects."""
    return Call("GET", with_query(path_of("projects"), limit=limit, cursor=cursor), model(ProjectPage))


def put_clip(
    project_id: int,
    clip_index: int,
    video_key: str,
    start_time: float | None,
    end_time: float | None,
    name: str | None,
) -> Call[Clip]:
    """Writes a clip, whole."""
    optional = {"start_time": start_time, "end_time": end_time, "name": name}
    body: dict[str, Any] = {"video_key": video_key}
    body |= {member: value for member, value in optional.items() if value is not None}
    return Call("PUT", path_of("projects", project_id, "clips", clip_index), model(Clip), body)


def get_clip(project_id: int, clip_index: int) -> Call[Clip]:
    """A clip."""
    return Call("GET", path_of("projects", project_id, "clips", clip_index), model(Clip))


def clips(project_id: int) -> Call[list[Clip]]:
    """The clips of a project in their order."""
    return Call("GET", path_of("projects", project_id, "clips"), member_list("clips", Clip))


def delete_clip(project_id: int, clip_index: int) -> Call[None]:
    """Deletes a clip; its video stays. Sent again after a lost answer, it may answer 404."""
    return Call("DELETE", path_of("projects", project_id, "clips", clip_index), nothing)
