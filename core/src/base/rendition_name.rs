//! Names of an edit's further outputs.
//!
//! Invariant: a name is a segment of a key that needs no escaping.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Names a rendition in its keys and in its job: 1 to 32 lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RenditionName(String);

/// The text does not name a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must have only lower-case letters, digits, '-' and '_', for example story")]
pub struct InvalidRenditionName;

/// The longest name.
pub const MAX_NAME_CHARS: usize = 32;

impl RenditionName {
    /// What a name is, as a regular expression.
    pub(crate) const PATTERN: &str = "^[a-z0-9_-]+$";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RenditionName {
    type Error = InvalidRenditionName;

    fn try_from(name: String) -> Result<Self, InvalidRenditionName> {
        let is_clean = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let fits = (1..=MAX_NAME_CHARS).contains(&name.len());
        if fits && name.chars().all(is_clean) { Ok(Self(name)) } else { Err(InvalidRenditionName) }
    }
}

impl From<RenditionName> for String {
    fn from(name: RenditionName) -> Self {
        name.0
    }
}

impl fmt::Display for RenditionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_clean_segment() {
        let read = |name: &str| RenditionName::try_from(name.to_owned()).is_ok();
        assert!(read("feed") && read("16x9-coach_2") && read(&"a".repeat(32)));
        for wrong in ["", "Feed", "a/b", "..", "a b", "é", &"a".repeat(33)] {
            assert!(!read(wrong), "{wrong}");
        }
    }
}
