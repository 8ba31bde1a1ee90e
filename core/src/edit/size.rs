//! Frame sizes.

use serde_json::{Value, json};

use crate::base::words::word_enum;
use crate::edit::fit::even_ratio;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, integer, one_of};

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

word_enum! {
    /// A size that has a name. A request with another word is refused.
    pub enum SizePreset {
        /// 1080x1920, for stories.
        Portrait1080 = "portrait_1080",
        /// 720x1280.
        Portrait720 = "portrait_720",
        /// 1080x1080, for a feed.
        Square1080 = "square_1080",
        /// 1920x1080, for a screen.
        Landscape1080 = "landscape_1080",
        /// 360 pixels on the shorter side, in the shape of what is shown.
        Draft360 = "draft_360",
    }
}

/// The size of an output as far as its params name it: a preset, or sides that are even, from 16 to 4096 pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputSize {
    /// `preset`; then no side is named.
    pub preset: Option<SizePreset>,
    /// `output_width`, `width` in `outputs`.
    pub width: Option<u32>,
    /// `output_height`, `height` in `outputs`.
    pub height: Option<u32>,
}

impl SizePreset {
    /// The size when `shown` is shown.
    fn resolve(self, shown: FrameSize) -> FrameSize {
        let fixed = |width, height| FrameSize { width, height };
        match self {
            Self::Portrait1080 => FrameSize::REEL,
            Self::Portrait720 => fixed(720, 1280),
            Self::Square1080 => fixed(1080, 1080),
            Self::Landscape1080 => fixed(1920, 1080),
            Self::Draft360 if shown.width < shown.height => {
                fixed(DRAFT_SIDE, side(DRAFT_SIDE, shown.height, shown.width))
            }
            Self::Draft360 => fixed(side(DRAFT_SIDE, shown.width, shown.height), DRAFT_SIDE),
        }
    }
}

impl OutputSize {
    /// Reads `preset`, and the two sides by these names.
    pub(super) fn read(
        fields: &mut ObjectReader<'_, '_>,
        width_name: &'static str,
        height_name: &'static str,
    ) -> Option<Self> {
        let preset = fields.optional("preset", one_of(SizePreset::WORDS));
        let width = fields.optional(width_name, even_side);
        let height = fields.optional(height_name, even_side);
        let size = Self { preset: preset?, width: width?, height: height? };
        if size.preset.is_some() && (size.width.is_some() || size.height.is_some()) {
            let message = format!("cannot be combined with `{width_name}` or `{height_name}`");
            return fields.at().child("preset").reject(message);
        }
        Some(size)
    }

    /// Whether anything is named.
    pub const fn is_named(self) -> bool {
        self.preset.is_some() || self.width.is_some() || self.height.is_some()
    }

    /// The whole size: a side that is missing follows from the other and the aspect of what is `shown`, within
    /// the limits of a side. `None` when nothing is named.
    pub fn resolve(self, shown: FrameSize) -> Option<FrameSize> {
        if let Some(preset) = self.preset {
            return Some(preset.resolve(shown));
        }
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

/// A side that follows from the other, within the limits.
fn side(other: u32, of: u32, per: u32) -> u32 {
    even_ratio(other, of, per, MAX_SIDE).max(MIN_SIDE)
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
/// The shorter side of a draft.
const DRAFT_SIDE: u32 = 360;
const MAX_SIDE: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Edit, JobType};

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
            let size =
                OutputSize { preset: None, width, height }.resolve(hd).map(|size| (size.width, size.height));
            assert_eq!(size, expected, "{width:?} {height:?}");
        }
    }

    #[test]
    fn a_side_that_follows_stays_within_the_limits() {
        let (wide, high) = (FrameSize { width: 8192, height: 16 }, FrameSize { width: 9, height: 8192 });
        let only = |width, height, shown| OutputSize { preset: None, width, height }.resolve(shown);
        assert_eq!(only(Some(640), None, wide), Some(FrameSize { width: 640, height: 16 }));
        assert_eq!(only(None, Some(640), wide), Some(FrameSize { width: 4096, height: 640 }));
        assert_eq!(only(Some(640), None, high), Some(FrameSize { width: 640, height: 4096 }));
    }

    #[test]
    fn a_preset_is_a_size_and_goes_with_no_side() {
        let sized = |json: &str| match Edit::parse(JobType::Overlay, json) {
            Ok(Edit::Overlay(overlay)) => Ok(overlay.output_size(FrameSize { width: 1280, height: 720 })),
            Ok(_) => panic!("not an overlay"),
            Err(errors) => Err(errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()),
        };
        let size = |width, height| Ok(Some(FrameSize { width, height }));
        assert_eq!(sized(r#"{"preset":"portrait_720"}"#), size(720, 1280));
        assert_eq!(sized(r#"{"preset":"draft_360"}"#), size(640, 360), "in the shape of the picture");
        let crop =
            r#"{"preset":"draft_360","crop_keyframes":[{"time":0,"x":0,"y":0,"width":405,"height":720}]}"#;
        assert_eq!(sized(crop), size(360, 640), "in the shape of the crop");
        assert_eq!(sized(r#"{"preset":"square_1080","output_width":640}"#), Err(vec!["/preset".to_owned()]));
    }
}
