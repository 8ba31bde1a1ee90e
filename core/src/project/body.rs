//! What clients write: bodies in, statements out.

use serde_json::Value as Json;

use super::{ClipId, ProjectId, project_json, sql};
use crate::edit::seconds;
use crate::fault::{At, Fields, text};
use crate::intake::read_body;
use crate::object_key::ObjectKey;
use crate::problem::Problem;
use crate::sql::{Query, Value};
use crate::time::Millis;

/// What a `PUT` does to one member: it may leave it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Not in the body.
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<T: AsRef<str>> Change<T> {
    fn value(&self) -> Value {
        match self {
            Self::Keep | Self::Clear => Value::Null,
            Self::Set(value) => value.as_ref().into(),
        }
    }

    fn is_asked(&self) -> i64 {
        match self {
            Self::Keep => 0,
            Self::Clear | Self::Set(_) => 1,
        }
    }
}

/// `PUT /api/projects/{id}`: makes the project, or changes what the body names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutProject {
    pub(super) name: Change<String>,
    pub(super) working_video: Change<ObjectKey>,
}

impl PutProject {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = Fields::open(body, at)?;
            let name = fields.optional("name", name);
            let key = fields.optional("working_video_key", video_key);
            fields.close();
            Some(Self {
                name: change(body, "name", name?),
                working_video: change(body, "working_video_key", key?),
            })
        })
    }

    /// The video that must be in the bucket.
    pub fn video(&self) -> Option<&ObjectKey> {
        match &self.working_video {
            Change::Set(key) => Some(key),
            Change::Keep | Change::Clear => None,
        }
    }

    /// Writes it: at most three rows for a new project, four for a change, none when nothing changes.
    /// The answers are for [`put_answer`].
    pub fn written(&self, id: ProjectId, now: Millis) -> Vec<Query> {
        let values = [
            id.0.into(),
            self.name.value(),
            self.name.is_asked().into(),
            self.working_video.value(),
            self.working_video.is_asked().into(),
            now.0.into(),
        ];
        vec![id.exists(), Query::new(sql::PUT_PROJECT, values), id.shown()]
    }
}

/// `PUT /api/projects/{id}/clips/{clip_index}`: the whole clip; what the body leaves out is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PutClip {
    video: ObjectKey,
    start_time: Option<f64>,
    end_time: Option<f64>,
    name: Option<String>,
}

impl PutClip {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = Fields::open(body, at)?;
            let video = fields.required("video_key", video_key);
            let start_time = fields.optional("start_time", seconds);
            let end_time = fields.optional("end_time", seconds);
            let name = fields.optional("name", name);
            let ordered = match (start_time, end_time) {
                (Some(start), Some(Some(end))) if end <= start.unwrap_or(0.0) => {
                    fields.at().child("end_time").refuse("must be after start_time")
                }
                _ => Some(()),
            };
            fields.close();
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
    pub fn written(&self, id: ClipId) -> Vec<Query> {
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
            id.raw_dropped(Some(key)),
            Query::new(sql::ADD_RAW, [project.into(), key.into()]),
            Query::new(sql::PUT_CLIP, values),
            id.shown(),
        ]
    }
}

/// What a `PUT` answers, from the answers to its queries: 201 when the first was empty, else 200.
///
/// # Errors
/// 404 when the last is empty: a clip's project does not exist.
pub fn put_answer(answers: &[Vec<String>]) -> Result<(u16, String), Problem> {
    let new = answers.first().is_none_or(Vec::is_empty);
    let row = answers.last().and_then(|rows| rows.first()).ok_or_else(Problem::project_not_found)?;
    Ok((if new { 201 } else { 200 }, project_json(row)))
}

fn name(value: &Json, at: At<'_>) -> Option<String> {
    text(200)(value, at).map(str::to_owned)
}

fn video_key(value: &Json, mut at: At<'_>) -> Option<ObjectKey> {
    let Json::String(text) = value else { return at.refuse("must be a string") };
    ObjectKey::parse_video(text).or_else(|bad| at.refuse(bad.to_string()).ok_or(bad)).ok()
}

fn change<T>(body: &Json, name: &str, value: Option<T>) -> Change<T> {
    match value {
        Some(value) => Change::Set(value),
        None if body.get(name).is_some() => Change::Clear,
        None => Change::Keep,
    }
}
