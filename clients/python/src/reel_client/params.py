"""What is rendered: the ``params`` of a job, checked before they are sent.

Unknown fields are refused, so a misspelt name fails here. Positions and lengths are pixels of the source, times are
seconds of the source unless it says otherwise. A plain mapping may be sent instead of these classes; the server
checks either, and knows rules between fields that these classes do not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .models import JobType

Frame = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Coordinate = Annotated[float, Field(ge=-16_384, le=16_384)]
Length = Annotated[float, Field(ge=1, le=16_384)]
Fraction = Annotated[float, Field(ge=0, le=1)]
EvenSide = Annotated[int, Field(ge=16, le=4096, multiple_of=2)]
AudioTrack = Annotated[int, Field(ge=1, le=100)]
"""The number of a sound track, from 1."""
Fit = Literal["contain", "cover", "fill"]
Interpolation = Literal["linear", "catmull_rom"]
EffectType = Literal["blur", "spotlight", "original", "brightness_boost", "dark_overlay"]
SizePreset = Literal["portrait_1080", "portrait_720", "square_1080", "landscape_1080", "draft_360"]


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)


class CropKeyframe(_Params):
    """The part of the picture that is shown at one ``frame`` or ``time``; all keyframes of a list use the same."""

    frame: Frame | None = None
    time: Seconds | None = None
    x: Coordinate
    y: Coordinate
    width: Length
    height: Length


CropKeyframes = Annotated[list[CropKeyframe], Field(min_length=1, max_length=10_000)]


class FixedRegion(_Params):
    """An ellipse around a player from one frame to another."""

    start_frame: Frame
    end_frame: Frame
    x: Coordinate
    y: Coordinate
    radius_x: Length
    radius_y: Length
    opacity: Fraction | None = None
    color: str | None = None
    """Such as ``#ffffff``."""


class RegionKeyframe(_Params):
    """Where a moving ellipse is at one moment."""

    time: Seconds
    x: Coordinate
    y: Coordinate
    radius_x: Length = Field(validation_alias="radiusX", serialization_alias="radiusX")
    radius_y: Length = Field(validation_alias="radiusY", serialization_alias="radiusY")
    opacity: Fraction | None = None
    color: str | None = None


class MovingRegion(_Params):
    """An ellipse that follows keyframes; a list of regions has only fixed ones or only moving ones."""

    start_time: Seconds
    end_time: Seconds
    keyframes: Annotated[list[RegionKeyframe], Field(min_length=1, max_length=10_000)]


class Output(_Params):
    """A further output of the same frames: a ``preset``, or ``width``, ``height`` or both."""

    name: Annotated[str, Field(min_length=1)]
    preset: SizePreset | None = None
    width: EvenSide | None = None
    height: EvenSide | None = None
    fit: Fit | None = None
    crop_keyframes: CropKeyframes | None = None


class _Reel(_Params):
    """What overlays and framings have in common."""

    preset: SizePreset | None = None
    """In place of a width and a height."""
    output_width: EvenSide | None = None
    output_height: EvenSide | None = None
    fit: Fit | None = None
    interpolation: Interpolation | None = None
    audio_track: AudioTrack | None = None
    outputs: Annotated[list[Output], Field(max_length=4)] | None = None
    filmstrip: bool | None = None


class OverlayParams(_Reel):
    """Highlights players in a finished clip."""

    highlight_regions: (
        Annotated[list[FixedRegion], Field(max_length=10_000)]
        | Annotated[list[MovingRegion], Field(max_length=10_000)]
        | None
    ) = None
    effect_type: EffectType | None = None
    crop_keyframes: Annotated[list[CropKeyframe], Field(max_length=10_000)] | None = None


class Segment(_Params):
    """A part of the source and its speed: 0.5 is half speed."""

    start: Seconds
    end: Seconds
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None


class FramingClip(_Params):
    """One clip of a reel of several."""

    crop_keyframes: CropKeyframes
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    segments: Annotated[list[Segment], Field(max_length=100)] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    video_key: str | None = None


class Transition(_Params):
    """What happens between two clips; ``duration`` in seconds."""

    type: Literal["cut", "fade", "dissolve"]
    duration: Annotated[float, Field(ge=0, le=10)] | None = None


class FramingParams(_Reel):
    """Crops a clip and changes its speed; or, with ``clips``, joins several."""

    crop_keyframes: CropKeyframes | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    segments: Annotated[list[Segment], Field(max_length=100)] | None = None
    clips: Annotated[list[FramingClip], Field(min_length=1, max_length=50)] | None = None
    transition: Transition | None = None
    clip_index: Annotated[int, Field(ge=0, le=100_000)] | None = None
    target_fps: Annotated[float, Field(ge=1, le=120)] | None = None
    include_audio: bool | None = None


class Annotation(_Params):
    """One clip of a game with the coach's words."""

    start_time: Seconds
    end_time: Seconds
    name: Annotated[str, Field(max_length=200)]
    rating: Annotated[int, Field(ge=1, le=5)]
    notes: Annotated[str, Field(max_length=2000)] | None = None
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)] | None = None


class AnnotateParams(_Params):
    """Joins annotated clips of a game."""

    clips: Annotated[list[Annotation], Field(min_length=1, max_length=100)]
    audio_track: AudioTrack | None = None
    filmstrip: bool | None = None


Params = OverlayParams | FramingParams | AnnotateParams

_TYPES: dict[type[BaseModel], JobType] = {
    OverlayParams: "overlay",
    FramingParams: "framing",
    AnnotateParams: "annotate",
}


def job_type_of(params: Params) -> JobType:
    """The type of the jobs that have such params."""
    return next(job_type for model, job_type in _TYPES.items() if isinstance(params, model))


def to_json(params: Params) -> dict[str, Any]:
    """What is sent: fields without a value are left out."""
    return params.model_dump(mode="json", by_alias=True, exclude_none=True)
