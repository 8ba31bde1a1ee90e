//! Statements on projects and clips.

use crate::base::owner::OwnerId;
use crate::base::time::Timestamp;
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::project::{ClipId, FieldPatch, ProjectId, PutClipRequest, PutProjectRequest};
use crate::sql::statement::{SqlStatement, SqlValue, owner_key};

/// A project's row.
pub fn select_project(owner: Option<OwnerId>, id: ProjectId) -> SqlStatement {
    SqlStatement::new(SELECT_PROJECT, project_key(owner, id))
}

/// A project's clips in their order, after a first answer that is empty when the project does not exist.
pub fn select_clips(owner: Option<OwnerId>, id: ProjectId) -> Vec<SqlStatement> {
    vec![project_exists(owner, id), SqlStatement::new(SELECT_CLIPS, project_key(owner, id))]
}

fn project_exists(owner: Option<OwnerId>, id: ProjectId) -> SqlStatement {
    SqlStatement::new(PROJECT_EXISTS, project_key(owner, id))
}

/// A project's number is its owner's own.
fn project_key(owner: Option<OwnerId>, id: ProjectId) -> [SqlValue; 2] {
    [owner_key(owner), id.get().into()]
}

/// A clip's row.
pub fn select_clip(owner: Option<OwnerId>, id: ClipId) -> SqlStatement {
    SqlStatement::new(SELECT_CLIP, clip_key(owner, id))
}

/// Deletes a clip; the first answer is empty when there was none. Its video stays in the bucket.
pub fn delete_clip(owner: Option<OwnerId>, id: ClipId) -> Vec<SqlStatement> {
    vec![
        select_clip(owner, id),
        delete_unused_video(owner, id, None),
        SqlStatement::new(DELETE_CLIP, clip_key(owner, id)),
    ]
}

fn delete_unused_video(owner: Option<OwnerId>, id: ClipId, except: Option<&str>) -> SqlStatement {
    let [owner, project, index] = clip_key(owner, id);
    SqlStatement::new(DELETE_UNUSED_VIDEO, [owner, project, index, except.into()])
}

fn clip_key(owner: Option<OwnerId>, id: ClipId) -> [SqlValue; 3] {
    [owner_key(owner), id.project.get().into(), id.index().into()]
}

/// Writes a project: at most three rows for a new one, four for a change, none when nothing changes. The
/// first answer is empty when it is new, the last is its row.
pub fn upsert_project(
    owner: Option<OwnerId>,
    id: ProjectId,
    put: &PutProjectRequest,
    now: Timestamp,
) -> Vec<SqlStatement> {
    let values = [
        id.get().into(),
        patch_value(&put.name),
        i64::from(put.name != FieldPatch::Keep).into(),
        patch_value(&put.working_video),
        i64::from(put.working_video != FieldPatch::Keep).into(),
        now.0.into(),
        owner_key(owner),
    ];
    vec![project_exists(owner, id), SqlStatement::new(UPSERT_PROJECT, values), select_project(owner, id)]
}

fn patch_value<T: AsRef<str>>(patch: &FieldPatch<T>) -> SqlValue {
    match patch {
        FieldPatch::Keep | FieldPatch::Clear => SqlValue::Null,
        FieldPatch::Set(value) => value.as_ref().into(),
    }
}

/// Writes a clip: four rows for a new clip of a new video, one for a new trim, none when nothing changes or
/// the project does not exist. The first answer is empty when it is new, the last is its row.
pub fn upsert_clip(owner: Option<OwnerId>, id: ClipId, put: &PutClipRequest) -> Vec<SqlStatement> {
    let (project, key) = (id.project.get(), put.video.as_str());
    let values = [
        project.into(),
        id.index().into(),
        key.into(),
        put.start_time.into(),
        put.end_time.into(),
        put.name.as_deref().into(),
        owner_key(owner),
    ];
    vec![
        select_clip(owner, id),
        delete_unused_video(owner, id, Some(key)),
        SqlStatement::new(INSERT_VIDEO, [owner_key(owner), project.into(), key.into()]),
        SqlStatement::new(UPSERT_CLIP, values),
        select_clip(owner, id),
    ]
}

/// `GET /api/projects`: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectListQuery {
    /// At most so many, 1 to 100.
    pub limit: i64,
    /// Only projects before this one: when it was created, and which it is.
    pub before: (i64, i64),
}

impl ProjectListQuery {
    /// The statement of one page, and one project more: it tells whether another page follows.
    pub fn select_statement(self, owner: Option<OwnerId>) -> SqlStatement {
        let (at, id) = self.before;
        let values = [owner_key(owner), at.into(), id.into(), (self.limit + 1).into()];
        SqlStatement::new(SELECT_PROJECTS, values)
    }
}

/// Makes the result of an export its project's working video, if the request said so and no later video
/// has taken the place. It belongs to the batch of the job's row, and may be run again at any time.
pub(super) fn set_working_video(spec: &JobSpec, snapshot: &Snapshot) -> Option<SqlStatement> {
    let wanted = spec.export.as_ref().is_some_and(|export| export.set_working_video);
    let (output, at) = (snapshot.output.as_ref()?, snapshot.completed_at?);
    let values = [output.key.as_str().into(), at.0.into(), spec.project_id.into(), owner_key(spec.owner)];
    wanted.then(|| SqlStatement::new(SET_WORKING_VIDEO, values))
}

macro_rules! project_row {
    () => {
        "SELECT json_object('id', id, 'name', name, 'working_video_key', working_video_key, \
         'created_at', created_at, 'updated_at', updated_at) AS body FROM projects "
    };
}

macro_rules! clip_row {
    () => {
        "SELECT json_object('project_id', wc.project_id, 'clip_index', wc.clip_index, \
         'video_key', rc.video_key, 'start_time', wc.start_time, 'end_time', wc.end_time, \
         'name', wc.name) AS body FROM working_clips AS wc JOIN raw_clips AS rc ON wc.raw_clip_id = rc.id "
    };
}

const PROJECT_EXISTS: &str = "SELECT '' AS body FROM projects WHERE owner = ?1 AND id = ?2";

const SELECT_PROJECT: &str = concat!(project_row!(), "WHERE owner = ?1 AND id = ?2");

const SELECT_PROJECTS: &str = concat!(
    project_row!(),
    "WHERE owner = ?1 AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4"
);

const SELECT_CLIP: &str =
    concat!(clip_row!(), "WHERE wc.owner = ?1 AND wc.project_id = ?2 AND wc.clip_index = ?3");

const SELECT_CLIPS: &str =
    concat!(clip_row!(), "WHERE wc.owner = ?1 AND wc.project_id = ?2 ORDER BY wc.clip_index");

const UPSERT_PROJECT: &str = "INSERT INTO projects \
    (owner, id, name, working_video_key, working_video_at, created_at, updated_at) \
    VALUES (?7, ?1, ?2, ?4, iif(?5, ?6, NULL), ?6, ?6) ON CONFLICT (owner, id) DO UPDATE SET \
    name = iif(?3, excluded.name, name), \
    working_video_key = iif(?5, excluded.working_video_key, working_video_key), \
    working_video_at = iif(?5, excluded.working_video_at, working_video_at), \
    updated_at = excluded.updated_at \
    WHERE (?3 AND name IS NOT excluded.name) \
    OR (?5 AND working_video_key IS NOT excluded.working_video_key)";

/// An empty key is less than any: a working video that was taken away at the same moment gives way.
const SET_WORKING_VIDEO: &str = "UPDATE projects SET working_video_key = ?1, working_video_at = ?2, \
    updated_at = max(updated_at, ?2) WHERE owner = ?4 AND id = ?3 AND (working_video_at IS NULL \
    OR (working_video_at, coalesce(working_video_key, '')) < (?2, ?1))";

/// Runs before the clip changes. It deletes the row of the clip's video, unless the clip keeps that video or
/// another clip has it too.
const DELETE_UNUSED_VIDEO: &str = "DELETE FROM raw_clips WHERE id = \
    (SELECT raw_clip_id FROM working_clips WHERE owner = ?1 AND project_id = ?2 AND clip_index = ?3) \
    AND video_key IS NOT ?4 AND NOT EXISTS (SELECT 1 FROM working_clips AS other \
    WHERE other.raw_clip_id = raw_clips.id \
    AND (other.owner, other.project_id, other.clip_index) <> (?1, ?2, ?3))";

const INSERT_VIDEO: &str = "INSERT INTO raw_clips (video_key) SELECT ?3 FROM projects WHERE owner = ?1 AND id = ?2 \
    ON CONFLICT (video_key) DO NOTHING";

const UPSERT_CLIP: &str = "INSERT INTO working_clips \
    (owner, project_id, clip_index, raw_clip_id, start_time, end_time, name) \
    SELECT p.owner, p.id, ?2, rc.id, ?4, ?5, ?6 FROM projects AS p JOIN raw_clips AS rc ON rc.video_key = ?3 \
    WHERE p.owner = ?7 AND p.id = ?1 ON CONFLICT (owner, project_id, clip_index) DO UPDATE SET \
    raw_clip_id = excluded.raw_clip_id, start_time = excluded.start_time, end_time = excluded.end_time, \
    name = excluded.name WHERE (raw_clip_id, start_time, end_time, name) \
    IS NOT (excluded.raw_clip_id, excluded.start_time, excluded.end_time, excluded.name)";

const DELETE_CLIP: &str =
    "DELETE FROM working_clips WHERE owner = ?1 AND project_id = ?2 AND clip_index = ?3";
