//! Projects and their clips: what the export routes look videos up in. Rows of D1, written by clients.
//!
//! Invariants: a clip belongs to a project that exists; of two videos that want to be a project's working
//! video, the one that was finished or set later wins, in whichever order they are written.

mod body;
mod list;
mod sql;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

pub use body::{Change, PutClip, PutProject, put_answer};
pub use list::{Projects, active_exports, active_json, clips_json, project_json};

use crate::intake::ID_MAX;
use crate::job::state::Order;
use crate::job::view::Face;
use crate::problem::{Code, Problem};
use crate::sql::{Query, Value};

/// A project's number, the app's own: 1 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectId(i64);

impl ProjectId {
    /// Reads a segment of a path.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).filter(|id| (1..=ID_MAX).contains(id)).map(Self)
    }

    /// Its row: JSON as [`project_json`] reads it.
    pub fn shown(self) -> Query {
        Query::new(sql::SHOW_PROJECT, [self.0.into()])
    }

    /// Its clips in their order, after a first answer that is empty when the project does not exist.
    pub fn clips(self) -> Vec<Query> {
        vec![self.exists(), Query::new(sql::LIST_CLIPS, [self.0.into()])]
    }

    fn exists(self) -> Query {
        Query::new("SELECT '' AS body FROM projects WHERE id = ?1", [self.0.into()])
    }
}

/// A clip of a project: its place in it, 0 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipId {
    project: ProjectId,
    index: i64,
}

impl ClipId {
    /// Reads two segments of a path.
    pub fn parse(project: ProjectId, index: &str) -> Option<Self> {
        digits(index)
            .filter(|index| (0..=CLIP_INDEX_MAX).contains(index))
            .map(|index| Self { project, index })
    }

    /// Its row: JSON as [`project_json`] reads it.
    pub fn shown(self) -> Query {
        Query::new(sql::SHOW_CLIP, self.values())
    }

    /// Forgets it; the first answer is empty when it did not exist. Its video stays.
    pub fn removed(self) -> Vec<Query> {
        vec![self.shown(), self.raw_dropped(None), Query::new(sql::REMOVE_CLIP, self.values())]
    }

    fn raw_dropped(self, but: Option<&str>) -> Query {
        Query::new(sql::DROP_RAW, [self.project.0.into(), self.index.into(), but.into()])
    }

    fn values(self) -> [Value; 2] {
        [self.project.0.into(), self.index.into()]
    }
}

/// Makes a finished export its project's working video, if its order says so and none came after it.
/// Belongs to the same batch as the job's row, and may be written again at any time.
pub fn working_video_set(order: &Order, face: &Face) -> Option<Query> {
    let wanted = order.export.as_ref().is_some_and(|export| export.set_working_video);
    let (output, at) = (face.output.as_ref()?, face.completed_at?);
    let values = [output.key.as_str().into(), at.0.into(), order.project_id.into()];
    wanted.then(|| Query::new(sql::SET_WORKING_VIDEO, values))
}

/// Which of these keys must stay in the bucket: those that a project or clip names, and the inputs of jobs
/// that have not ended, `but_by` aside.
pub fn keys_in_use(keys: Vec<String>, but_by: &str) -> Query {
    Query::new(sql::KEYS_IN_USE, [Json::from(keys).to_string().as_str().into(), but_by.into()])
}

/// A path that names no project.
pub fn bad_project(method: &str) -> Problem {
    if method == "PUT" {
        Problem::new(Code::InvalidRequest, "A project's id must be a whole number from 1 to 2^53 - 1.")
    } else {
        Problem::project_not_found()
    }
}

/// A path that names no clip.
pub fn bad_clip(method: &str) -> Problem {
    if method == "PUT" {
        let sentence = format!("A clip_index must be a whole number from 0 to {CLIP_INDEX_MAX}.");
        Problem::new(Code::InvalidRequest, sentence)
    } else {
        Problem::clip_not_found()
    }
}

/// Digits alone: `+1` and `01` would be second names of the same thing.
fn digits(text: &str) -> Option<i64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| plain)
}

/// A project of a thousand clips is no reel any more, and a list of them fits one answer.
const CLIP_INDEX_MAX: i64 = 999;
