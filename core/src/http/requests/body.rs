//! Request bodies as JSON, and readers of fields that several bodies have.

use serde_json::{Value, json};

use crate::base::id::JobId;
use crate::base::video_type::VideoType;
use crate::http::problem::{Problem, ProblemCode};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, text};

/// Reads a body as JSON and collects every error.
pub(crate) fn read_body<T>(
    body: &[u8],
    read: impl FnOnce(&Value, FieldContext<'_>) -> Option<T>,
) -> Result<T, Problem> {
    // One reader for all JSON: that of bytes would be the same code a second time.
    let value: Value = serde_json::from_str(body_text(body)?).map_err(|error| not_json(&error))?;
    let mut faults = Vec::new();
    let read = read(&value, FieldContext::root(&mut faults));
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(Problem::invalid(faults)),
    }
}

/// The body as text: JSON is UTF-8 (RFC 8259 8.1).
pub(crate) fn body_text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| not_json(&error))
}

fn not_json(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::NotJson, format!("The body is not valid JSON: {error}."))
}

pub(crate) fn job_id(value: &Value, mut at: FieldContext<'_>) -> Option<JobId> {
    at.describe(|| json!({"type": "string", "format": "uuid"}));
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.or_else(|| at.reject(crate::base::id::ParseIdError.to_string()))
}

pub(crate) fn filename(value: &Value, at: FieldContext<'_>) -> Option<String> {
    text(255)(value, at).map(str::to_owned)
}

/// `content_type` of an upload: it may be left out, and the name of the file then tells it.
pub(crate) fn video_type(fields: &mut ObjectReader<'_, '_>, filename: Option<&str>) -> Option<VideoType> {
    let said = fields.optional("content_type", |value, mut at| {
        at.describe(|| json!({"type": "string"}));
        match value {
            Value::String(said) => Some(said.as_str()),
            _ => at.reject("must be a string"),
        }
    })?;
    let video_type = VideoType::of_upload(said.unwrap_or_default(), filename.unwrap_or_default());
    video_type.or_else(|| fields.at().child("content_type").reject(NO_VIDEO_TYPE))
}

const NO_VIDEO_TYPE: &str = "must be a video type such as video/mp4 or video/quicktime; without one, the filename \
    must end as videos do, for example in .mp4 or .mov";
