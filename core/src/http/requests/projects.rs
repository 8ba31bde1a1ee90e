//! Requests about projects and clips.

use serde_json::{Value as Json, json};

use crate::base::object_key::{KEY_MAX_BYTES, ObjectKey};
use crate::edit::seconds;
use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::json::field_error::{FieldContext, FieldError};
use crate::json::reader::{ObjectReader, text};
use crate::project::{FieldPatch, ID_MAX, PutClipRequest, PutProjectRequest, digits};
use crate::sql::projects::ProjectListQuery;

impl PutProjectRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, Self::read)
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Json, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let name = fields.optional("name", name);
        let key = fields.optional("working_video_key", video_key);
        fields.finish();
        Some(Self {
            name: field_patch(body, "name", name?),
            working_video: field_patch(body, "working_video_key", key?),
        })
    }
}

impl PutClipRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, Self::read)
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Json, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let video = fields.required("video_key", video_key);
        let start_time = fields.optional("start_time", seconds);
        let end_time = fields.optional("end_time", seconds);
        let name = fields.optional("name", name);
        let ordered = match (start_time, end_time) {
            (Some(start), Some(Some(end))) if end <= start.unwrap_or(0.0) => {
                fields.at().child("end_time").reject("must be after start_time")
            }
            _ => Some(()),
        };
        fields.finish();
        ordered?;
        Some(Self { video: video?, start_time: start_time?, end_time: end_time?, name: name? })
    }
}

impl ProjectListQuery {
    /// Reads a query string and collects every error.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self { limit: 20, before: (ID_MAX, ID_MAX) };
        let mut errors = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let detail = match name {
                "limit" => match digits(value).filter(|limit| (1..=100).contains(limit)) {
                    Some(limit) => {
                        list.limit = limit;
                        continue;
                    }
                    None => "must be a whole number from 1 to 100",
                },
                "cursor" => {
                    let parts = value.split_once('_');
                    match parts.and_then(|(at, id)| Some((digits(at)?, digits(id)?))) {
                        Some(before) => {
                            list.before = before;
                            continue;
                        }
                        None => "must be the next_cursor of an earlier page",
                    }
                }
                _ => "is not a known parameter; the parameters are limit and cursor",
            };
            let pointer = format!("/{}", name.chars().take(40).collect::<String>());
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        }
        if errors.is_empty() { Ok(list) } else { Err(Problem::invalid(errors)) }
    }
}

fn name(value: &Json, at: FieldContext<'_>) -> Option<String> {
    text(200)(value, at).map(str::to_owned)
}

fn video_key(value: &Json, mut at: FieldContext<'_>) -> Option<ObjectKey> {
    at.describe(|| json!({"type": "string", "pattern": ObjectKey::PATTERN, "maxLength": KEY_MAX_BYTES}));
    let Json::String(text) = value else { return at.reject("must be a string") };
    ObjectKey::parse_video(text).or_else(|error| at.reject(error.to_string()).ok_or(error)).ok()
}

fn field_patch<T>(body: &Json, name: &str, value: Option<T>) -> FieldPatch<T> {
    match value {
        Some(value) => FieldPatch::Set(value),
        None if body.get(name).is_some() => FieldPatch::Clear,
        None => FieldPatch::Keep,
    }
}
