//! How one clip of a reel leads to the next.

use serde_json::Value;

use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, number, one_of};

/// What happens where two clips meet. It never takes more than half of either clip: between
/// shorter clips it is shortened, so that every reel can be rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Transition {
    /// The next clip follows at once.
    #[default]
    Cut,
    /// Out to black and in from black, each this long; the reel keeps its length.
    Fade {
        /// Length of each half, in seconds of the reel.
        seconds: f64,
    },
    /// The clips lie over each other for so long, and the reel becomes as much shorter.
    Dissolve {
        /// The overlap, in seconds of the reel.
        seconds: f64,
    },
}

/// The app's default.
const DEFAULT_S: f64 = 0.5;
const MAX_S: f64 = 10.0;

impl Transition {
    #[allow(clippy::type_complexity, reason = "each word with what it makes of a length")]
    const WORDS: &'static [(&'static str, fn(f64) -> Self)] = &[
        ("cut", |_| Self::Cut),
        ("fade", |seconds| Self::Fade { seconds }),
        ("dissolve", |seconds| Self::Dissolve { seconds }),
    ];

    /// Reads `transition`; a cut may name a length, as the app does, and has none.
    pub(super) fn read(value: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(value, at)?;
        let kind = fields.required("type", one_of(Self::WORDS));
        let duration = fields.optional("duration", number(0.0..=MAX_S));
        fields.finish();
        Some(kind?(duration?.unwrap_or(DEFAULT_S)))
    }
}
