//! Statements of the export routes.

use crate::base::owner::{OwnerId, Visibility};
use crate::sql::statement::{SqlStatement, owner_key};

/// The working video of a project: one row whose `video_key` may be null, none without the project.
pub fn select_working_video(owner: Option<OwnerId>, project_id: i64) -> SqlStatement {
    SqlStatement::new(SELECT_WORKING_VIDEO, [owner_key(owner), project_id.into()])
}

/// The video and the trim of a clip; no row without the clip.
pub fn select_clip_video(owner: Option<OwnerId>, project_id: i64, clip_index: i64) -> SqlStatement {
    SqlStatement::new(SELECT_CLIP_VIDEO, [owner_key(owner), project_id.into(), clip_index.into()])
}

macro_rules! active_exports {
    ($condition:literal) => {
        concat!(
            "SELECT json_object('job_id', job.id, 'project_id', job.project_id, \
             'project_name', project.name, 'type', job.type, 'status', job.status, 'error', job.error, \
             'output_video_id', NULL, 'output_filename', NULL, 'created_at', job.created_at, \
             'started_at', job.started_at, 'completed_at', job.completed_at) AS body \
             FROM export_jobs AS job LEFT JOIN projects AS project \
             ON project.owner = coalesce(job.owner, '') AND project.id = job.project_id \
             WHERE job.completed_at IS NULL AND job.status IN ('pending', 'processing') ",
            $condition,
            "ORDER BY job.created_at DESC, job.id DESC LIMIT 100"
        )
    };
}

/// The 100 newest jobs that are pending or processing: `GET /api/exports/active`.
pub fn select_active_exports(visibility: Visibility) -> SqlStatement {
    match visibility {
        Visibility::All => SqlStatement::new(active_exports!(""), []),
        Visibility::Owner(owner) => {
            SqlStatement::new(active_exports!("AND job.owner = ?1 "), [owner.to_string().into()])
        }
    }
}

const SELECT_WORKING_VIDEO: &str =
    "SELECT json_object('video_key', working_video_key) AS body FROM projects WHERE owner = ?1 AND id = ?2";

const SELECT_CLIP_VIDEO: &str = "SELECT json_object('video_key', rc.video_key, 'start_time', wc.start_time, \
    'end_time', wc.end_time) AS body FROM working_clips AS wc JOIN raw_clips AS rc \
    ON wc.raw_clip_id = rc.id WHERE wc.owner = ?1 AND wc.project_id = ?2 AND wc.clip_index = ?3";
