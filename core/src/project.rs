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

pub use body::{FieldPatch, PutClipRequest, PutProjectRequest, put_response};
pub use list::{ProjectListQuery, active_exports, active_exports_json, clips_json, row_to_json};

use crate::intake::ID_MAX;
use crate::job::state::JobSpec;
use crate::job::view::Snapshot;
use crate::problem::{Problem, ProblemCode};
use crate::sql::{SqlStatement, SqlValue};

/// A project's number, the app's own: 1 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectId(i64);

impl ProjectId {
    /// Reads a segment of a path.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).filter(|id| (1..=ID_MAX).contains(id)).map(Self)
    }

    /// Its row: JSON as [`project_json`] reads it.
    pub fn select_statement(self) -> SqlStatement {
        SqlStatement::new(sql::SHOW_PROJECT, [self.0.into()])
    }

    /// Its clips in their order, after a first answer that is empty when the project does not exist.
    pub fn clips(self) -> Vec<SqlStatement> {
        vec![self.exists(), SqlStatement::new(sql::LIST_CLIPS, [self.0.into()])]
    }

    fn exists(self) -> SqlStatement {
        SqlStatement::new("SELECT '' AS body FROM projects WHERE id = ?1", [self.0.into()])
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
    pub fn shown(self) -> SqlStatement {
        SqlStatement::new(sql::SHOW_CLIP, self.values())
    }

    /// Forgets it; the first answer is empty when it did not exist. Its video stays.
    pub fn delete_statements(self) -> Vec<SqlStatement> {
        vec![self.shown(), self.delete_unused_video(None), SqlStatement::new(sql::REMOVE_CLIP, self.values())]
    }

    fn delete_unused_video(self, but: Option<&str>) -> SqlStatement {
        SqlStatement::new(sql::DROP_RAW, [self.project.0.into(), self.index.into(), but.into()])
    }

    fn values(self) -> [SqlValue; 2] {
        [self.project.0.into(), self.index.into()]
    }
}

/// Makes a finished export its project's working video, if its order says so and none came after it.
/// Belongs to the same batch as the job's row, and may be written again at any time.
pub fn set_working_video_statement(order: &JobSpec, face: &Snapshot) -> Option<SqlStatement> {
    let wanted = order.export.as_ref().is_some_and(|export| export.set_working_video);
    let (output, at) = (face.output.as_ref()?, face.completed_at?);
    let values = [output.key.as_str().into(), at.0.into(), order.project_id.into()];
    wanted.then(|| SqlStatement::new(sql::SET_WORKING_VIDEO, values))
}

/// Which of these keys must stay in the bucket: those that a project or clip names, and the inputs of jobs
/// that have not ended, `but_by` aside.
pub fn keys_in_use(keys: Vec<String>, but_by: &str) -> SqlStatement {
    SqlStatement::new(sql::KEYS_IN_USE, [Json::from(keys).to_string().as_str().into(), but_by.into()])
}

/// A path that names no project.
pub fn invalid_project_id(method: &str) -> Problem {
    if method == "PUT" {
        Problem::new(ProblemCode::InvalidRequest, "A project's id must be a whole number from 1 to 2^53 - 1.")
    } else {
        Problem::project_not_found()
    }
}

/// A path that names no clip.
pub fn invalid_clip_index(method: &str) -> Problem {
    if method == "PUT" {
        let sentence = format!("A clip_index must be a whole number from 0 to {CLIP_INDEX_MAX}.");
        Problem::new(ProblemCode::InvalidRequest, sentence)
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
