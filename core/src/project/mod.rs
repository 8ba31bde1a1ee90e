//! Projects and their clips: what the export routes look videos up in. Rows of D1, written by clients.
//!
//! Invariants: a clip belongs to a project that exists; of two videos that want to be a project's working
//! video, the one that was finished or set later wins, in whichever order they are written.

use crate::base::object_key::ObjectKey;

/// A project's number, the client's own: 1 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectId(i64);

impl ProjectId {
    /// Reads a segment of a path.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).filter(|id| (1..=ID_MAX).contains(id)).map(Self)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A clip of a project: its place in it, 0 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipId {
    /// Its project.
    pub project: ProjectId,
    index: i64,
}

impl ClipId {
    /// Reads two segments of a path.
    pub fn parse(project: ProjectId, index: &str) -> Option<Self> {
        digits(index)
            .filter(|index| (0..=CLIP_INDEX_MAX).contains(index))
            .map(|index| Self { project, index })
    }

    /// Its place in the project.
    pub const fn index(self) -> i64 {
        self.index
    }
}

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

/// `PUT /api/projects/{id}`: makes the project, or changes what the body names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutProjectRequest {
    /// Name of the project.
    pub name: FieldPatch<String>,
    /// The video that overlay exports render.
    pub working_video: FieldPatch<ObjectKey>,
}

impl PutProjectRequest {
    /// The video that must be in the bucket.
    pub fn video(&self) -> Option<&ObjectKey> {
        match &self.working_video {
            FieldPatch::Set(key) => Some(key),
            FieldPatch::Keep | FieldPatch::Clear => None,
        }
    }
}

/// `PUT /api/projects/{id}/clips/{clip_index}`: the whole clip; what the body leaves out is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PutClipRequest {
    /// The clip's video.
    pub video: ObjectKey,
    /// Start of the trim, in seconds of the video.
    pub start_time: Option<f64>,
    /// End of the trim, in seconds of the video.
    pub end_time: Option<f64>,
    /// Title of the clip.
    pub name: Option<String>,
}

/// Digits alone: `+1` and `01` would be second names of the same thing.
pub fn digits(text: &str) -> Option<i64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| plain)
}

/// Whole numbers that JavaScript and D1 hold exactly.
pub const ID_MAX: i64 = (1 << 53) - 1;
/// A project of a thousand clips is no reel any more, and a list of them fits one answer.
pub const CLIP_INDEX_MAX: i64 = 999;
