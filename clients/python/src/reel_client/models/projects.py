"""Projects and their clips."""

from __future__ import annotations

from pydantic import AwareDatetime

from ._base import Answer


class Project(Answer):
    """A project, and the video that its overlays are made of."""

    id: int
    name: str | None
    working_video_key: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ProjectPage(Answer):
    """One page of projects, newest first."""

    projects: list[Project]
    next_cursor: str | None


class Clip(Answer):
    """A clip of a project: a video and the part of it that is shown."""

    project_id: int
    clip_index: int
    """0 to 999."""
    video_key: str
    start_time: float | None
    """Seconds."""
    end_time: float | None
    """Seconds."""
    name: str | None
