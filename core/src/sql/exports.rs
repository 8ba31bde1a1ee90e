//! Statements that look up the video of an export of a project.

use crate::sql::statement::SqlStatement;

/// The working video of a project: one row whose `video_key` may be null, none without the project.
pub fn select_working_video(project_id: i64) -> SqlStatement {
    SqlStatement::new(WORKING_VIDEO, [project_id.into()])
}

/// The video and the trim of a clip; no row without the clip.
pub fn select_clip_video(project_id: i64, clip_index: i64) -> SqlStatement {
    SqlStatement::new(CLIP, [project_id.into(), clip_index.into()])
}

const WORKING_VIDEO: &str =
    "SELECT json_object('video_key', working_video_key) AS body FROM projects WHERE id = ?1";

const CLIP: &str = "SELECT json_object('video_key', rc.video_key, 'start_time', wc.start_time, \
    'end_time', wc.end_time) AS body FROM working_clips AS wc JOIN raw_clips AS rc \
    ON wc.raw_clip_id = rc.id WHERE wc.project_id = ?1 AND wc.clip_index = ?2";
