//! Pixels of the effects, against the specification's golden values and against OpenCV.

use reel_core::edit::Color;

use super::*;
use crate::test_picture::{assert_near, bgr, detailed, flat};

/// Blue, green, red.
const GREY_BLUE: [u8; 3] = [100, 150, 200];
const SMALL: FrameSize = FrameSize { width: 320, height: 240 };

fn ellipse(center_x: i32, center_y: i32, radius_x: i32, radius_y: i32) -> Highlight {
    Highlight {
        center_x,
        center_y,
        radius_x,
        radius_y,
        color: Color::YELLOW,
        strength: 1.0,
        fill_alpha: 0.15,
        ring_alpha: 0.6,
    }
}

fn with_effect(effect: HighlightEffect, frame: &Frame, highlights: &[Highlight]) -> Frame {
    let mut result = frame.clone();
    EffectRenderer::new(effect).apply(&mut result, frame.bounds(), highlights);
    result
}

#[test]
fn original_has_the_golden_pixels() {
    let drawn = with_effect(HighlightEffect::Original, &flat(SMALL, GREY_BLUE), &[ellipse(160, 120, 30, 50)]);
    assert_near(bgr(&drawn, 160, 120), [85, 166, 208], 2, "centre");
    // Light alone: these share their colour samples with pixels of another kind.
    assert_light_near(&drawn, (190, 120), [34, 219, 236]);
    assert_light_near(&drawn, (192, 120), [40, 213, 233]);
    // Nearer to the centre, the ring has its colour samples for itself.
    assert_near(bgr(&drawn, 188, 120), [34, 219, 236], 2, "outline over the fill");
    assert_near(bgr(&drawn, 195, 120), GREY_BLUE, 2, "background");
    assert_near(bgr(&drawn, 0, 0), GREY_BLUE, 2, "background");
}

#[test]
fn brightness_boost_has_the_golden_pixels() {
    let drawn =
        with_effect(HighlightEffect::BrightnessBoost, &flat(SMALL, GREY_BLUE), &[ellipse(160, 120, 30, 50)]);
    assert_near(bgr(&drawn, 160, 120), [150, 225, 255], 2, "pixel");
    assert_near(bgr(&drawn, 188, 120), [150, 225, 255], 2, "beside the edge");
    assert_light_near(&drawn, (190, 120), [150, 225, 255]);
    assert_light_near(&drawn, (191, 120), GREY_BLUE);
}

#[test]
fn dark_overlay_has_the_golden_pixels() {
    let drawn =
        with_effect(HighlightEffect::DarkOverlay, &flat(SMALL, GREY_BLUE), &[ellipse(160, 120, 30, 50)]);
    assert_near(bgr(&drawn, 160, 120), GREY_BLUE, 2, "pixel");
    assert_near(bgr(&drawn, 130, 120), GREY_BLUE, 2, "pixel");
    assert_near(bgr(&drawn, 129, 120), [70, 105, 140], 2, "pixel");
    assert_near(bgr(&drawn, 319, 239), [70, 105, 140], 2, "pixel");
}

#[test]
fn without_highlights_every_effect_leaves_the_picture_alone() {
    let frame = detailed();
    for (name, effect) in HighlightEffect::WORDS {
        assert_eq!(with_effect(*effect, &frame, &[]), frame, "{name}");
    }
}

#[test]
fn a_highlight_outside_the_picture_draws_nothing_with_a_hard_edge() {
    let frame = detailed();
    for effect in [HighlightEffect::Original, HighlightEffect::BrightnessBoost, HighlightEffect::DarkOverlay]
    {
        assert_eq!(with_effect(effect, &frame, &[ellipse(-50, 60, 30, 30)]), frame, "{effect:?}");
    }
}

#[test]
fn where_highlights_overlap_none_counts_twice() {
    let two = [ellipse(150, 120, 30, 50), ellipse(170, 120, 30, 50)];
    let drawn = with_effect(HighlightEffect::BrightnessBoost, &flat(SMALL, GREY_BLUE), &two);
    for x in [125, 160, 195] {
        assert_near(bgr(&drawn, x, 120), [150, 225, 255], 2, &x.to_string());
    }
    let drawn = with_effect(HighlightEffect::DarkOverlay, &flat(SMALL, GREY_BLUE), &two);
    assert_near(bgr(&drawn, 160, 120), GREY_BLUE, 2, "both");
    assert_near(bgr(&drawn, 119, 120), [70, 105, 140], 2, "none");
}

#[test]
fn a_fixed_regions_opacity_is_the_strength_of_the_effect() {
    let half = Highlight { strength: 0.5, ..ellipse(160, 120, 30, 50) };
    let drawn = with_effect(HighlightEffect::BrightnessBoost, &flat(SMALL, GREY_BLUE), &[half]);
    assert_near(bgr(&drawn, 160, 120), [125, 187, 250], 2, "pixel");
    let drawn = with_effect(HighlightEffect::DarkOverlay, &flat(SMALL, GREY_BLUE), &[half]);
    assert_near(bgr(&drawn, 160, 120), [85, 127, 170], 2, "pixel");
}

#[test]
fn soft_effects_match_opencv() {
    // OpenCV's ellipses differ from ours in a few pixels of their border, which the feather spreads
    // thin. Light is compared: colour is halved, which these saw teeth do not survive.
    let second = Highlight { strength: 0.5, ..ellipse(140, 100, 25, 30) };
    let highlights = [ellipse(60, 50, 30, 40), second];
    let (blurred, spotlit) = (
        with_effect(HighlightEffect::Blur, &detailed(), &highlights),
        with_effect(HighlightEffect::Spotlight, &detailed(), &highlights),
    );
    for ((x, y), blur, spotlight) in SOFT {
        for (drawn, expected, name) in [(&blurred, blur, "blur"), (&spotlit, spotlight, "spotlight")] {
            let (found, expected) = (drawn.planes()[0].row(*y)[*x as usize], light(*expected));
            assert!(found.abs_diff(expected) <= 2, "{name} at {x},{y}: {found}, not {expected}");
        }
    }
}

#[track_caller]
fn assert_light_near(drawn: &Frame, (x, y): (u32, u32), expected: [u8; 3]) {
    let (found, expected) = (drawn.planes()[0].row(y)[x as usize], light(expected));
    assert!(found.abs_diff(expected) <= 2, "{x},{y}: {found}, not {expected}");
}

fn light([blue, green, red]: [u8; 3]) -> u8 {
    planes_of(Color { red, green, blue })[0]
}

#[test]
fn what_is_not_shown_changes_nothing_that_is() {
    let highlights = [ellipse(60, 50, 30, 40), ellipse(140, 100, 25, 30)];
    let view = PixelRect { x: 37, y: 21, width: 70, height: 64 };
    for (name, effect) in HighlightEffect::WORDS {
        let plain = detailed();
        let whole = with_effect(*effect, &plain, &highlights);
        let mut part = plain.clone();
        EffectRenderer::new(*effect).apply(&mut part, view, &highlights);
        for y in 0..120 {
            for x in 0..160 {
                // Widened to whole colour samples.
                let shown = (36..108).contains(&x) && (20..86).contains(&y);
                let expected = if shown { bgr(&whole, x, y) } else { bgr(&plain, x, y) };
                assert_eq!(bgr(&part, x, y), expected, "{name} at {x},{y}");
            }
        }
    }
}

/// A pixel, and its blue, green, red after blur and after spotlight.
type SoftEdgeCase = ((u32, u32), [u8; 3], [u8; 3]);

/// Made with opencv-python-headless 5.0 and numpy from the frame of `detailed`: a float mask
/// with `cv2.ellipse(.., -1)` of (60, 50), (30, 40), value 1.0 and (140, 100), (25, 30), value
/// 0.5; `cv2.GaussianBlur(mask, (21, 21), 0)`; the background `cv2.GaussianBlur(frame, (51, 51),
/// 0)` or `(frame * 0.3).astype(uint8)`; `(frame * m + background * (1 - m)).astype(uint8)`.
#[rustfmt::skip]
const SOFT: &[SoftEdgeCase] = &[
    ((82, 19), [156, 89, 98], [114, 0, 15]),
    ((147, 74), [151, 165, 176], [110, 127, 144]),
    ((56, 5), [117, 115, 117], [0, 10, 20]),
    ((142, 109), [129, 143, 158], [84, 103, 122]),
    ((34, 37), [79, 101, 124], [57, 82, 106]),
    ((143, 104), [100, 115, 129], [47, 66, 85]),
    ((46, 13), [114, 126, 137], [54, 71, 87]),
    ((148, 73), [140, 152, 162], [91, 107, 122]),
    ((149, 118), [99, 114, 128], [46, 65, 83]),
    ((46, 89), [126, 135, 143], [51, 64, 76]),
    ((62, 10), [184, 65, 81], [157, 6, 25]),
    ((30, 65), [144, 153, 158], [85, 100, 115]),
    ((87, 19), [125, 122, 123], [8, 18, 27]),
    ((142, 73), [171, 79, 91], [138, 5, 22]),
    ((89, 76), [129, 132, 115], [73, 84, 3]),
    ((127, 74), [131, 139, 146], [67, 81, 95]),
    ((121, 89), [125, 137, 151], [74, 92, 110]),
    ((79, 82), [138, 151, 166], [97, 115, 133]),
    ((147, 87), [148, 163, 177], [110, 128, 147]),
    ((43, 78), [184, 210, 234], [174, 200, 226]),
    ((29, 63), [127, 134, 137], [52, 65, 80]),
    ((73, 16), [211, 49, 70], [195, 14, 37]),
    ((110, 110), [125, 126, 124], [3, 12, 22]),
    ((45, 19), [45, 68, 92], [22, 47, 72]),
    ((59, 84), [189, 217, 245], [187, 215, 243]),
    ((124, 106), [99, 114, 129], [45, 64, 83]),
    ((131, 79), [178, 69, 83], [149, 4, 22]),
    ((123, 81), [105, 115, 126], [35, 51, 68]),
    ((48, 8), [112, 113, 116], [1, 11, 22]),
    ((41, 14), [115, 124, 130], [29, 41, 53]),
    ((87, 76), [129, 135, 142], [70, 82, 94]),
    ((13, 13), [123, 128, 133], [47, 56, 65]),
    ((0, 72), [130, 129, 127], [68, 0, 9]),
    ((38, 68), [186, 213, 239], [180, 207, 234]),
    ((25, 46), [119, 119, 123], [36, 47, 57]),
    ((157, 3), [133, 131, 128], [22, 30, 39]),
    ((18, 111), [125, 126, 127], [12, 21, 30]),
    ((53, 78), [223, 252, 26], [223, 252, 25]),
    ((96, 19), [128, 126, 127], [0, 9, 18]),
    ((64, 44), [108, 137, 166], [108, 137, 166]),
    ((154, 46), [128, 127, 126], [42, 51, 60]),
    ((121, 15), [128, 127, 128], [37, 46, 54]),
    ((29, 108), [129, 127, 127], [55, 64, 72]),
    ((124, 59), [127, 128, 127], [7, 16, 25]),
    ((122, 61), [126, 127, 126], [18, 27, 36]),
    ((79, 10), [128, 124, 125], [22, 32, 42]),
    ((36, 13), [124, 130, 134], [38, 46, 55]),
    ((87, 94), [129, 130, 132], [59, 68, 0]),
    ((0, 0), [118, 127, 125], [0, 8, 17]),
    ((159, 119), [116, 131, 145], [68, 87, 105]),
    ((159, 0), [132, 130, 127], [63, 72, 3]),
    ((0, 119), [126, 128, 128], [39, 48, 57]),
    ((60, 50), [195, 224, 253], [195, 224, 253]),
    ((159, 100), [74, 90, 104], [14, 33, 52]),
];
