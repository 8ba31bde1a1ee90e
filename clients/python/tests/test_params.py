from __future__ import annotations

import pytest
from pydantic import ValidationError

from reel_client import AnnotateParams, FramingParams, OverlayParams
from reel_client._calls.jobs import typed_params
from reel_client.params import CropKeyframe, MovingRegion, RegionKeyframe, to_json

CROP = CropKeyframe(frame=0, x=437, y=0, width=405, height=720)


def test_what_has_no_value_is_not_sent_and_names_are_those_of_the_api() -> None:
    moving = MovingRegion(
        start_time=0, end_time=2, keyframes=[RegionKeyframe(time=0, x=1, y=2, radius_x=3, radius_y=4)]
    )
    assert to_json(OverlayParams(highlight_regions=[moving], effect_type="blur")) == {
        "highlight_regions": [
            {
                "start_time": 0.0,
                "end_time": 2.0,
                "keyframes": [{"time": 0.0, "x": 1.0, "y": 2.0, "radiusX": 3.0, "radiusY": 4.0}],
            }
        ],
        "effect_type": "blur",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"crop_keyframe": []},
        {"crop_keyframes": []},
        {"crop_keyframes": [CROP], "output_width": 1081},
        {"crop_keyframes": [CROP], "output_width": 4098},
        {"crop_keyframes": [CROP], "fit": "stretch"},
        {"crop_keyframes": [CROP], "target_fps": 121},
        {"crop_keyframes": [CROP], "segments": [{"start": 0, "end": 1, "speed": 5}]},
        {"crop_keyframes": [CROP], "outputs": [{"name": "a"}] * 5},
    ],
)
def test_params_that_are_wrong_fail_before_they_are_sent(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FramingParams.model_validate(fields)


def test_params_know_their_job_type_and_a_mapping_needs_one() -> None:
    annotate = AnnotateParams.model_validate({"clips": [{"start_time": 0, "end_time": 1, "name": "Goal", "rating": 5}]})
    assert typed_params(annotate, None)[0] == "annotate"
    assert typed_params({"effect_type": "blur"}, "overlay") == ("overlay", {"effect_type": "blur"})
    with pytest.raises(ValueError, match="job_type"):
        typed_params({}, None)
    with pytest.raises(ValueError, match="framing"):
        typed_params(FramingParams(crop_keyframes=[CROP]), "overlay")
