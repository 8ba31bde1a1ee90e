//! What clients write: bodies in, statements out.

use serde_json::Value as Json;

use super::{ClipId, ProjectId, row_to_json, sql};
use crate::edit::seconds;
use crate::fault::{FieldContext, ObjectReader, text};
use crate::intake::read_body;
use crate::object_key::ObjectKey;
use crate::problem::Problem;
use crate::sql::{SqlStatement, SqlValue};
use crate::time::Timestamp;

/// What a `PUT` does to one member: it may leave it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldPatch<T> {
    /// Not in the body.
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<T: AsRef<str>> FieldPatch<T> {
    fn value(&self) -> SqlValue {
        match self {
            Self::Keep | Self::Clear => SqlValue::Null,
            Self::Set(value) => value.as_ref().into(),
        }
    }

    fn is_present(&self) -> i64 {
        match self {
            Self::Keep => 0,
            Self::Clear | Self::Set(_) => 1,
        }
    }
}

/// `PUT /api/projects/{id}`: makes the project, or changes what the body names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutProjectRequest {
    pub(super) name: FieldPatch<String>,
    pub(super) working_video: FieldPatch<ObjectKey>,
}

impl PutProjectRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = ObjectReader::open(body, at)?;
            let name = fields.optional("name", name);
            let key = fields.optional("working_video_key", video_key);
            fields.finish();
            Some(Self {
                name: change(body, "name", name?),
                working_video: change(body, "working_video_key", key?),
            })
        })
    }

    /// The video that must be in the bucket.
    pub fn video(&self) -> Option<&ObjectKey> {
        match &self.working_video {
            FieldPatch::Set(key) => Some(key),
            FieldPatch::Keep | FieldPatch::Clear => None,
        }
    }

    /// Writes it: at most three rows for a new project, four for a change, none when nothing changes.
    /// The answers are for [`put_answer`].
    pub fn upsert_statements(&self, id: ProjectId, now: Timestamp) -> Vec<SqlStatement> {
        let values = [
            id.0.into(),
            self.name.value(),
            self.name.is_present().into(),
            self.working_video.value(),
            self.working_video.is_present().into(),
            now.0.into(),
        ];
        vec![id.exists(), SqlStatement::new(sql::PUT_PROJECT, values), id.select_statement()]
    }
}

/// `PUT /api/projects/{id}/clips/{clip_index}`: the whole clip; what the body leaves out is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PutClipRequest {
    video: ObjectKey,
    start_time: Option<f64>,
    end_time: Option<f64>,
    name: Option<String>,
}

impl PutClipRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
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
        })
    }

    /// The video that must be in the bucket.
    pub fn video(&self) -> &ObjectKey {
        &self.video
    }

    /// Writes it: four rows for a new clip of a new video, one for a new trim, none when nothing changes
    /// or the project does not exist. The answers are for [`put_answer`].
    pub fn written(&self, id: ClipId) -> Vec<SqlStatement> {
        let (project, key) = (id.project.0, self.video.as_str());
        let values = [
            project.into(),
            id.index.into(),
            key.into(),
            self.start_time.into(),
            self.end_time.into(),
            self.name.as_deref().into(),
        ];
        vec![
            id.shown(),
            id.delete_unused_video(Some(key)),
            SqlStatement::new(sql::ADD_RAW, [project.into(), key.into()]),
            SqlStatement::new(sql::PUT_CLIP, values),
            id.shown(),
        ]
    }
}

/// What a `PUT` answers, from the answers to its queries: 201 when the first was empty, else 200.
///
/// # Errors
/// 404 when the last is empty: a clip's project does not exist.
pub fn put_response(answers: &[Vec<String>]) -> Result<(u16, String), Problem> {
    let new = answers.first().is_none_or(Vec::is_empty);
    let row = answers.last().and_then(|rows| rows.first()).ok_or_else(Problem::project_not_found)?;
    Ok((if new { 201 } else { 200 }, row_to_json(row)))
}

fn name(value: &Json, at: FieldContext<'_>) -> Option<String> {
    text(200)(value, at).map(str::to_owned)
}

fn video_key(value: &Json, mut at: FieldContext<'_>) -> Option<ObjectKey> {
    let Json::String(text) = value else { return at.reject("must be a string") };
    ObjectKey::parse_video(text).or_else(|bad| at.reject(bad.to_string()).ok_or(bad)).ok()
}

fn change<T>(body: &Json, name: &str, value: Option<T>) -> FieldPatch<T> {
    match value {
        Some(value) => FieldPatch::Set(value),
        None if body.get(name).is_some() => FieldPatch::Clear,
        None => FieldPatch::Keep,
    }
}
