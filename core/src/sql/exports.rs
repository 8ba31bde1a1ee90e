//! Statements of the export routes.

use crate::sql::statement::SqlStatement;

/// The working video of a project: one row whose `video_key` may be null, none without the project.
pub fn select_working_video(project_id: i64) -> SqlStatement {
    SqlStatement::new(SELECT_WORKING_VIDEO, [project_id.into()])
}

/// The video and the trim of a clip; no row without the clip.
pub fn select_clip_video(project_id: i64, clip_index: i64) -> SqlStatement {
    SqlStatement::new(SELECT_CLIP_VIDEO, [project_id.into(), clip_index.into()])
}

/// The 100 newest jobs that are pending or processing: `GET /api/exports/active`.
pub fn select_active_exports() -> SqlStatement {
    SqlStatement::new(SELECT_ACTIVE_EXPORTS, [])
}

const SELECT_WORKING_VIDEO: &str =
    "SELECT json_object('video_key', working_video_key) AS body FROM projects WHERE id = ?1";

const SELECT_CLIP_VIDEO: &str = "SELECT json_object('video_key', rc.video_key, 'start_time', wc.start_time, \
    'end_time', wc.end_time) AS body FROM working_clips AS wc JOIN raw_clips AS rc \
    ON wc.raw_clip_id = rc.id WHERE wc.project_id = ?1 AND wc.clip_index = ?2";

const SELECT_ACTIVE_EXPORTS: &str = "SELECT json_object('job_id', job.id, 'project_id', job.project_id, \
    'project_name', project.name, 'type', job.type, 'status', job.status, 'error', job.error, \
    'output_video_id', NULL, 'output_filename', NULL, 'created_at', job.created_at, \
    'started_at', job.started_at, 'completed_at', job.completed_at) AS body \
    FROM export_jobs AS job LEFT JOIN projects AS project ON project.id = job.project_id \
    WHERE job.status IN ('pending', 'processing') ORDER BY job.created_at DESC, job.id DESC LIMIT 100";
