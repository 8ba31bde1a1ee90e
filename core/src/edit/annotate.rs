//! Annotate: join annotated clips of a game.

use serde_json::{Value, json};

use crate::edit::limits::{MAX_SEGMENTS, audio_track, seconds};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, integer, list, text};

/// An annotate job: at least one clip, shown in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotate {
    /// The clips. They may overlap and need not be in the order of the source.
    pub clips: Vec<Annotation>,
    /// Which of the video's sound tracks is heard, from 1; `None` leaves the choice to the renderer.
    pub audio_track: Option<u32>,
    /// Whether a sheet of small pictures is made of the output.
    pub filmstrip: bool,
}

/// One clip of a game, with the coach's annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Seconds of source.
    pub start_time: f64,
    /// Seconds of source, after `start_time`.
    pub end_time: f64,
    /// The title; may be empty.
    pub name: String,
    /// A second line; may be empty.
    pub notes: String,
    /// How good the play was.
    pub rating: Rating,
    /// Search words; they are not drawn.
    pub tags: Vec<String>,
}

/// One to five, shown in chess notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// 1, `??`
    Blunder,
    /// 2, `?`
    Mistake,
    /// 3, `!?`
    Interesting,
    /// 4, `!`
    Good,
    /// 5, `!!`
    Brilliant,
}

impl Rating {
    /// The chess symbol.
    pub const fn notation(self) -> &'static str {
        match self {
            Self::Blunder => "??",
            Self::Mistake => "?",
            Self::Interesting => "!?",
            Self::Good => "!",
            Self::Brilliant => "!!",
        }
    }

    fn read(value: &Value, at: FieldContext<'_>) -> Option<Self> {
        integer(1..=5)(value, at).map(|rating| match rating {
            1 => Self::Blunder,
            2 => Self::Mistake,
            3 => Self::Interesting,
            4 => Self::Good,
            _ => Self::Brilliant,
        })
    }
}

impl Annotate {
    pub(super) fn read(params: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(params, at)?;
        let clips = fields.required("clips", read_clips);
        let audio_track = fields.optional("audio_track", audio_track);
        let filmstrip = fields.optional("filmstrip", boolean);
        fields.finish();
        Some(Self { clips: clips?, audio_track: audio_track?, filmstrip: filmstrip?.unwrap_or(false) })
    }
}

fn read_clips(value: &Value, mut at: FieldContext<'_>) -> Option<Vec<Annotation>> {
    at.describe(|| json!({"minItems": 1}));
    let clips = list(MAX_SEGMENTS, Annotation::read)(value, at.reborrow())?;
    if clips.is_empty() {
        return at.reject("must have at least one clip");
    }
    Some(clips)
}

impl Annotation {
    fn read(value: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(value, at)?;
        let start = fields.required("start_time", seconds);
        let end = fields.required("end_time", seconds);
        let name = fields.required("name", line(200));
        let notes = fields.optional("notes", line(2000));
        let rating = fields.required("rating", Rating::read);
        let tags = fields.optional("tags", list(50, |value, at| text(100)(value, at).map(str::to_owned)));
        let ordered = match (start, end) {
            (Some(start), Some(end)) if end <= start => {
                fields.at().child("end_time").reject("must be after start_time")
            }
            _ => Some(()),
        };
        fields.finish();
        ordered?;
        Some(Self {
            start_time: start?,
            end_time: end?,
            name: name?,
            notes: notes?.unwrap_or_default(),
            rating: rating?,
            tags: tags?.unwrap_or_default(),
        })
    }
}

/// Text that a person typed: it may be empty, and line breaks become spaces.
fn line(max_chars: usize) -> impl Fn(&Value, FieldContext<'_>) -> Option<String> {
    move |value, mut at| {
        at.describe(|| json!({"type": "string", "maxLength": max_chars}));
        match value.as_str() {
            Some(typed) if typed.chars().count() > max_chars => {
                at.reject(format!("must have at most {max_chars} characters"))
            }
            Some(typed) => {
                let plain: String = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                Some(plain.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            None => at.expected("a string", value),
        }
    }
}
