//! Annotate: join annotated moments of a game.

use serde_json::Value;

use crate::fault::At;

/// A compilation job.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotate {}

impl Annotate {
    pub(super) fn read(_params: &Value, _at: At<'_>) -> Option<Self> {
        Some(Self {})
    }
}
