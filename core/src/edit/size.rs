//! Frame sizes.

use serde_json::{Value, json};

use crate::edit::fit::even_ratio;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, integer};

/// The size of a frame in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl FrameSize {
    /// The default size of a reel: vertical Full HD.
    pub const REEL: Self = Self { width: 1080, height: 1920 };
}

/// The size of an output as far as its params name it: each side even, from 16 to 4096 pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputSize {
    /// `output_width`, `width` in `outputs`.
    pub width: Option<u32>,
    /// `output_height`, `height` in `outputs`.
    pub height: Option<u32>,
}

impl OutputSize {
    /// Reads `output_width` and `output_height`.
    pub(super) fn read(fields: &mut ObjectReader<'_, '_>) -> Option<Self> {
        Self::read_named(fields, "output_width", "output_height")
    }

    /// Reads the two sides by these names.
    pub(super) fn read_named(
        fields: &mut ObjectReader<'_, '_>,
        width: &'static str,
        height: &'static str,
    ) -> Option<Self> {
        let width = fields.optional(width, even_side);
        let height = fields.optional(height, even_side);
        Some(Self { width: width?, height: height? })
    }

    /// The whole size: a side that is missing follows from the other and the aspect of what is `shown`, within
    /// the limits of a side. `None` when neither is named.
    pub fn resolve(self, shown: FrameSize) -> Option<FrameSize> {
        let side = |other, of, per| even_ratio(other, of, per, MAX_SIDE).max(MIN_SIDE);
        match (self.width, self.height) {
            (None, None) => None,
            (Some(width), Some(height)) => Some(FrameSize { width, height }),
            (Some(width), None) => Some(FrameSize { width, height: side(width, shown.height, shown.width) }),
            (None, Some(height)) => {
                Some(FrameSize { width: side(height, shown.width, shown.height), height })
            }
        }
    }
}

/// The encoder stores colour at half the resolution, so both sides must be even.
fn even_side(value: &Value, mut at: FieldContext<'_>) -> Option<u32> {
    at.describe(|| json!({"multipleOf": 2}));
    let side = integer(MIN_SIDE.into()..=MAX_SIDE.into())(value, at.reborrow())?;
    if side % 2 != 0 {
        return at.reject(format!("must be even, for example {}", side - 1));
    }
    u32::try_from(side).ok()
}

const MIN_SIDE: u32 = 16;
const MAX_SIDE: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_side_follows_from_the_other() {
        let hd = FrameSize { width: 1280, height: 720 };
        for (width, height, expected) in [
            (None, None, None),
            (Some(640), Some(640), Some((640, 640))),
            (Some(640), None, Some((640, 360))),
            (None, Some(480), Some((854, 480))),
            (Some(4096), None, Some((4096, 2304))),
        ] {
            let size = OutputSize { width, height }.resolve(hd).map(|size| (size.width, size.height));
            assert_eq!(size, expected, "{width:?} {height:?}");
        }
    }

    #[test]
    fn a_side_that_follows_stays_within_the_limits() {
        let (wide, high) = (FrameSize { width: 8192, height: 16 }, FrameSize { width: 9, height: 8192 });
        let only = |width, height, shown| OutputSize { width, height }.resolve(shown);
        assert_eq!(only(Some(640), None, wide), Some(FrameSize { width: 640, height: 16 }));
        assert_eq!(only(None, Some(640), wide), Some(FrameSize { width: 4096, height: 640 }));
        assert_eq!(only(Some(640), None, high), Some(FrameSize { width: 640, height: 4096 }));
    }
}
