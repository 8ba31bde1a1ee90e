//! Frame sizes.

use serde_json::Value;

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

    /// Reads `output_width` and `output_height`. The outer `None` means an error, the inner `None` that both
    /// are missing. If one is missing, it gets its default.
    #[allow(clippy::option_option, reason = "absent and invalid are different results")]
    pub(super) fn read_output(fields: &mut ObjectReader<'_, '_>) -> Option<Option<Self>> {
        let width = fields.optional("output_width", even_side);
        let height = fields.optional("output_height", even_side);
        Some(match (width?, height?) {
            (None, None) => None,
            (width, height) => Some(Self {
                width: width.unwrap_or(Self::REEL.width),
                height: height.unwrap_or(Self::REEL.height),
            }),
        })
    }
}

/// The encoder stores colour at half the resolution, so both sides must be even.
fn even_side(value: &Value, mut at: FieldContext<'_>) -> Option<u32> {
    let side = integer(16..=4096)(value, at.reborrow())?;
    if side % 2 != 0 {
        return at.reject(format!("must be even, for example {}", side - 1));
    }
    u32::try_from(side).ok()
}
