//! The transition between two clips of a reel.

use serde_json::Value;

use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, number, one_of};

/// What happens between two clips. A transition takes at most half of either clip: between short clips it
/// is shortened, so that every reel can be rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Transition {
    /// The next clip follows at once.
    #[default]
    Cut,
    /// A fade to black and a fade from black; the reel keeps its length.
    Fade {
        /// Length of each half, in seconds of the reel.
        seconds: f64,
    },
    /// The clips overlap, and the reel becomes shorter by the overlap.
    Dissolve {
        /// The overlap, in seconds of the reel.
        seconds: f64,
    },
}

/// The frontend's default.
const DEFAULT_S: f64 = 0.5;
const MAX_S: f64 = 10.0;

impl Transition {
    #[allow(clippy::type_complexity, reason = "each word with its constructor")]
    const WORDS: &'static [(&'static str, fn(f64) -> Self)] = &[
        ("cut", |_| Self::Cut),
        ("fade", |seconds| Self::Fade { seconds }),
        ("dissolve", |seconds| Self::Dissolve { seconds }),
    ];

    /// Reads `transition`. The frontend sends a `duration` with a cut, too: it is ignored.
    pub(super) fn read(value: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(value, at)?;
        let from_seconds = fields.required("type", one_of(Self::WORDS));
        let duration = fields.optional("duration", number(0.0..=MAX_S));
        fields.finish();
        Some(from_seconds?(duration?.unwrap_or(DEFAULT_S)))
    }
}
