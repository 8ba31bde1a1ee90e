"""What an interrupted upload in parts needs to go on."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import ValidationError

from ._files import Source
from .models import MultipartUpload


class ResumeFile:
    """A small file beside an upload, readable only by its owner: whoever has the upload's id may write to it.

    It belongs to one state of the source. When the source has changed, it counts for nothing.
    """

    def __init__(self, path: Path | None, source: Source) -> None:
        self._path = path if source.path is not None else None
        self._fingerprint = [source.size, source.modified_ns]

    def load(self) -> MultipartUpload | None:
        """The upload that was begun, if there is one of this file as it is now."""
        if self._path is None:
            return None
        try:
            saved = json.loads(self._path.read_bytes())
            return MultipartUpload(**saved["upload"]) if saved["source"] == self._fingerprint else None
        except (FileNotFoundError, ValueError, KeyError, TypeError, ValidationError):
            return None

    def save(self, upload: MultipartUpload) -> None:
        """Writes it whole, or not at all."""
        if self._path is None:
            return
        content = {"source": self._fingerprint, "upload": upload.model_dump(mode="json", exclude={"parts"})}
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        draft.replace(self._path)

    def remove(self) -> None:
        """The upload is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
