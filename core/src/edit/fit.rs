//! How a picture of one aspect is placed in an output of another.
//!
//! Invariant: the part lies inside what is shown, the target inside the output, and each has at least one
//! pixel. The target's sides and corners are even, as the encoder stores colour at half the resolution.

use crate::base::words::word_enum;
use crate::edit::{FrameSize, PixelRect};

word_enum! {
    /// What is done when aspects differ. A request with another word is refused.
    #[derive(Default)]
    pub enum Fit {
        /// All of the picture is visible; the rest of the output is black.
        #[default]
        Contain = "contain",
        /// The output is filled; what does not fit is cut off on both sides alike.
        Cover = "cover",
        /// The picture is stretched to the output.
        Fill = "fill",
    }
}

/// Which part of what is shown goes where in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Relative to the left upper corner of what is shown.
    pub part: PixelRect,
    /// The rest of the output is black.
    pub target: PixelRect,
}

/// Places a picture of size `shown` (each side at least 1) in an output with even sides, at least 2.
///
/// Crops are whole pixels, so their aspect is rarely exactly that of the output. When one more or one pixel
/// less would make it so, and that is no more than a fiftieth, every fit fills the output: such a picture
/// gets no black line and loses nothing.
pub fn placement(shown: FrameSize, output: FrameSize, fit: Fit) -> Placement {
    let (all, whole) = (whole_of(shown), whole_of(output));
    if fit == Fit::Fill || differs_by_rounding(shown, output) {
        return Placement { part: all, target: whole };
    }
    let is_wider = product(shown.width, output.height) > product(output.width, shown.height);
    match fit {
        Fit::Fill => Placement { part: all, target: whole },
        Fit::Contain => {
            let target = if is_wider {
                let height = even_ratio(output.width, shown.height, shown.width, output.height);
                PixelRect { y: ((output.height - height) / 2) & !1, height, ..whole }
            } else {
                let width = even_ratio(output.height, shown.width, shown.height, output.width);
                PixelRect { x: ((output.width - width) / 2) & !1, width, ..whole }
            };
            Placement { part: all, target }
        }
        Fit::Cover => {
            let part = if is_wider {
                let width = ratio(shown.height, output.width, output.height).clamp(1, shown.width);
                PixelRect { x: (shown.width - width) / 2, width, ..all }
            } else {
                let height = ratio(shown.width, output.height, output.width).clamp(1, shown.height);
                PixelRect { y: (shown.height - height) / 2, height, ..all }
            };
            Placement { part, target: whole }
        }
    }
}

/// Whether one pixel of what is shown, and at most a fiftieth of it, is all that the aspects differ by.
pub(super) fn differs_by_rounding(shown: FrameSize, output: FrameSize) -> bool {
    let (wide, high) = (product(shown.width, output.height), product(output.width, shown.height));
    let difference = wide.abs_diff(high);
    difference <= u64::from(output.width.max(output.height)) && difference * 50 <= wide.max(high)
}

fn whole_of(FrameSize { width, height }: FrameSize) -> PixelRect {
    PixelRect { x: 0, y: 0, width, height }
}

fn product(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}

/// `a * b / c`, rounded; `c` is not 0.
pub(super) fn ratio(a: u32, b: u32, c: u32) -> u32 {
    let c = u64::from(c.max(1));
    u32::try_from((product(a, b) + c / 2) / c).unwrap_or(u32::MAX)
}

/// `a * b / c`, rounded to an even number from 2 to `most`, which is even.
pub(super) fn even_ratio(a: u32, b: u32, c: u32, most: u32) -> u32 {
    let twice = u64::from(c.max(1)) * 2;
    let halves = (product(a, b) + twice / 2) / twice;
    u32::try_from(halves.saturating_mul(2)).unwrap_or(u32::MAX).clamp(2, most.max(2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> FrameSize {
        FrameSize { width, height }
    }

    fn rect(x: u32, y: u32, width: u32, height: u32) -> PixelRect {
        PixelRect { x, y, width, height }
    }

    #[test]
    fn a_wide_picture_in_a_vertical_reel() {
        let place = |fit| placement(size(1280, 720), FrameSize::REEL, fit);
        let (all, whole) = (rect(0, 0, 1280, 720), rect(0, 0, 1080, 1920));
        assert_eq!(place(Fit::Contain), Placement { part: all, target: rect(0, 656, 1080, 608) });
        assert_eq!(place(Fit::Cover), Placement { part: rect(437, 0, 405, 720), target: whole });
        assert_eq!(place(Fit::Fill), Placement { part: all, target: whole });
    }

    #[test]
    fn a_vertical_picture_in_a_square() {
        let place = |fit| placement(size(1080, 1920), size(720, 720), fit);
        assert_eq!(place(Fit::Contain).target, rect(156, 0, 406, 720));
        assert_eq!(place(Fit::Cover).part, rect(0, 420, 1080, 1080));
    }

    #[test]
    fn a_crop_that_differs_by_rounding_only_fills_the_output() {
        for (width, height) in [(608, 1080), (607, 1080), (405, 720), (406, 720), (205, 365), (1080, 1920)] {
            for fit in Fit::ALL {
                let place = placement(size(width, height), FrameSize::REEL, fit);
                let (part, target) = (rect(0, 0, width, height), rect(0, 0, 1080, 1920));
                assert_eq!(place, Placement { part, target }, "{width}x{height} {fit:?}");
            }
        }
    }

    #[test]
    fn a_pixel_of_a_tiny_crop_is_no_rounding() {
        assert_eq!(placement(size(10, 16), FrameSize::REEL, Fit::Contain).target, rect(0, 96, 1080, 1728));
    }

    proptest! {
        #[test]
        fn a_placement_is_inside_and_keeps_the_aspect(
            (width, height) in (1..8193_u32, 1..8193_u32),
            (half_width, half_height) in (8..2049_u32, 8..2049_u32),
            fit in prop::sample::select(&Fit::ALL[..]),
        ) {
            let (shown, output) = (size(width, height), size(half_width * 2, half_height * 2));
            let Placement { part, target } = placement(shown, output, fit);
            prop_assert!(part.width >= 1 && part.x + part.width <= width, "{part:?}");
            prop_assert!(part.height >= 1 && part.y + part.height <= height, "{part:?}");
            prop_assert!(target.width >= 2 && target.x + target.width <= output.width, "{target:?}");
            prop_assert!(target.height >= 2 && target.y + target.height <= output.height, "{target:?}");
            let even = [target.x, target.y, target.width, target.height].iter().all(|n| n % 2 == 0);
            prop_assert!(even, "{target:?}");
            match fit {
                Fit::Contain => {
                    prop_assert_eq!((part.width, part.height), (width, height), "all is visible");
                    prop_assert!(target.width == output.width || target.height == output.height);
                }
                Fit::Cover | Fit::Fill => {
                    prop_assert_eq!((target.width, target.height), (output.width, output.height));
                }
            }
            // One pixel of the target and one of the part are rounding; a fiftieth is allowed at the edge.
            let scale = |of: u32, to: u32| f64::from(to) / f64::from(of);
            let (across, down) = (scale(part.width, target.width), scale(part.height, target.height));
            let finest = |side: u32| 1.0 / f64::from(side.max(1));
            let rounding = finest(part.width) + finest(part.height) + finest(target.width) + finest(target.height);
            // A line of the picture cannot become less than two of the output.
            let is_line = target.width == 2 || target.height == 2;
            if fit != Fit::Fill && !is_line {
                prop_assert!((across / down).ln().abs() <= 2.0 * rounding + 0.021, "{across} {down}");
            }
        }
    }
}
