"""Projects and clips."""

from __future__ import annotations

from collections.abc import Iterator

from .._call import Call
from .._calls import projects
from .._calls.projects import KEEP, Keep
from .._flows import items
from ..models import Clip, Project, ProjectPage
from .connection import Connection


class ProjectMethods(Connection):
    """What a client does with projects."""

    def put_project(
        self, project_id: int, *, name: str | Keep | None = KEEP, working_video_key: str | Keep | None = KEEP
    ) -> Project:
        """Creates or changes a project. What is left out stays, and None clears it."""
        return self._call(projects.put(project_id, name, working_video_key))

    def get_project(self, project_id: int) -> Project:
        """A project."""
        return self._call(projects.get(project_id))

    def list_projects(self, *, page_size: int | None = None) -> Iterator[Project]:
        """All projects, newest first; further pages (of 1 to 100) are asked for as you go on."""

        def page(cursor: str | None) -> Call[ProjectPage]:
            return projects.page(page_size, cursor)

        return self._stream(items(page, lambda answer: answer.projects, self._retry))

    def put_clip(
        self,
        project_id: int,
        clip_index: int,
        video_key: str,
        *,
        start_time: float | None = None,
        end_time: float | None = None,
        name: str | None = None,
    ) -> Clip:
        """Writes a clip, whole: what is left out is cleared. ``clip_index`` is 0 to 999, times are seconds."""
        return self._call(projects.put_clip(project_id, clip_index, video_key, start_time, end_time, name))

    def get_clip(self, project_id: int, clip_index: int) -> Clip:
        """A clip."""
        return self._call(projects.get_clip(project_id, clip_index))

    def list_clips(self, project_id: int) -> list[Clip]:
        """The clips of a project in their order."""
        return self._call(projects.clips(project_id))

    def delete_clip(self, project_id: int, clip_index: int) -> None:
        """Deletes a clip; its video stays."""
        self._call(projects.delete_clip(project_id, clip_index))
