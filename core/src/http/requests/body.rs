//! Request bodies as JSON, and readers of fields that several bodies have.

use serde_json::{Value, json};

use crate::base::id::JobId;
use crate::base::video_type::VideoType;
use crate::http::problem::{Problem, ProblemCode};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, text};
use crate::json::unique::parse_unique;

/// Reads a body as JSON and collects every error.
pub(crate) fn read_body<T>(
    body: &[u8],
    read: impl FnOnce(&Value, FieldContext<'_>) -> Option<T>,
) -> Result<T, Problem> {
    let text = body_text(body)?;
    let value =
        parse_unique(text).map_err(|error| if is_utf16(text) { not_utf8() } else { not_json(&error) })?;
    let mut faults = Vec::new();
    let read = read(&value, FieldContext::root(&mut faults));
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(Problem::invalid(faults)),
    }
}

/// The body as text: JSON is UTF-8, and a byte order mark may be ignored (RFC 8259 8.1).
pub(crate) fn body_text(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| not_utf8())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// UTF-16 has a zero in every letter of JSON's own. The runtime's reader has replaced its byte order mark.
fn is_utf16(text: &str) -> bool {
    text.contains('\0')
}

fn not_utf8() -> Problem {
    Problem::new(ProblemCode::NotJson, "The body is not UTF-8. Send JSON in UTF-8 (RFC 8259).")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Value, Problem> {
        read_body(body, |value, _| Some(value.clone()))
    }

    #[test]
    fn an_encoding_that_is_not_utf_8_is_named() {
        assert_eq!(read(b"\xef\xbb\xbf{}"), Ok(json!({})), "a byte order mark is ignored");
        let utf16: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        // As it is, and as a reader of text hands it on.
        for body in
            [[b"\xff\xfe".to_vec(), utf16.clone()].concat(), utf16.clone(), b"{\"a\":\"\xe9\"}".to_vec()]
        {
            let problem = read(&body).unwrap_err();
            assert!(problem.detail.starts_with("The body is not UTF-8."), "{}", problem.detail);
        }
        let text = String::from_utf8_lossy(&[b"\xff\xfe".to_vec(), utf16].concat()).into_owned();
        let problem = read(text.as_bytes()).unwrap_err();
        assert!(problem.detail.starts_with("The body is not UTF-8."), "as the runtime's reader hands it on");
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let problem = read(br#"{"type": "overlay", "type": "framing"}"#).unwrap_err();
        assert_eq!(problem.code, ProblemCode::NotJson);
        assert!(problem.detail.contains("the member \"type\" stands twice at line 1"), "{}", problem.detail);
    }
}
