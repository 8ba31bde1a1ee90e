//! Request bodies as JSON, and readers of fields that several bodies have.

use serde_json::Value;

use crate::base::id::JobId;
use crate::http::problem::{Problem, ProblemCode};
use crate::json::field_error::FieldContext;
use crate::json::reader::text;

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
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.or_else(|| at.reject(crate::base::id::ParseIdError.to_string()))
}

pub(crate) fn filename(value: &Value, at: FieldContext<'_>) -> Option<String> {
    text(255)(value, at).map(str::to_owned)
}

/// `video/…` without parameters: the type becomes part of a signature.
pub(crate) fn video_type(value: &Value, mut at: FieldContext<'_>) -> Option<String> {
    let Value::String(text) = value else { return at.reject("must be a string") };
    let lower = text.trim().to_ascii_lowercase();
    let subtype = lower.strip_prefix("video/").unwrap_or_default();
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if (1..=60).contains(&subtype.len()) && subtype.chars().all(token) {
        Some(lower)
    } else {
        at.reject("must be a video type such as video/mp4 or video/quicktime")
    }
}
