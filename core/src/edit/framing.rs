//! Framing: crop and pace one clip.

use serde_json::Value;

use crate::fault::At;

/// A framing job.
#[derive(Clone, Debug, PartialEq)]
pub struct Framing {}

impl Framing {
    pub(super) fn read(_params: &Value, _at: At<'_>) -> Option<Self> {
        Some(Self {})
    }
}
