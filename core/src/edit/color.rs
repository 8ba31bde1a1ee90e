//! Colours as the frontend writes them.

use serde_json::{Value, json};

use crate::json::field_error::FieldContext;

/// One opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

impl Color {
    /// The default of a fixed region.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// The default of a moving region: the yellow of the frontend.
    pub const YELLOW: Self = Self { red: 255, green: 255, blue: 0 };

    /// Reads `#RRGGBB`, in either case.
    pub(super) fn read(value: &Value, mut at: FieldContext<'_>) -> Option<Self> {
        at.describe(|| json!({"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}));
        value.as_str().and_then(Self::parse).or_else(|| at.reject("must be a colour such as #FFFF00"))
    }

    fn parse(word: &str) -> Option<Self> {
        let digits = word.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self { red, green, blue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_hex_digits_after_a_hash() {
        assert_eq!(Color::parse("#FFff00"), Some(Color::YELLOW));
        for invalid in ["FFFF00", "#FFF", "#FFFF0", "#FFFF000", "#+FFF00", "#GGGGGG", "#ééé", "yellow"] {
            assert_eq!(Color::parse(invalid), None, "{invalid}");
        }
    }
}
