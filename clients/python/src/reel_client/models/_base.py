"""How answers of the API are read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A part of an answer.

    Members that this version does not know are ignored, and words such as ``status`` are plain strings: a newer
    server may send more. URLs, upload ids and tokens are left out of ``repr``, since whoever has them may use
    them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
