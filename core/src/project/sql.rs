//! The statements. Each answers one column, `body`, and takes its values by number.

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

pub const SHOW_PROJECT: &str = concat!(project_row!(), "WHERE id = ?1");

pub const LIST_PROJECTS: &str =
    concat!(project_row!(), "WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");

pub const SHOW_CLIP: &str = concat!(clip_row!(), "WHERE wc.project_id = ?1 AND wc.clip_index = ?2");

pub const LIST_CLIPS: &str = concat!(clip_row!(), "WHERE wc.project_id = ?1 ORDER BY wc.clip_index");

pub const PUT_PROJECT: &str = "INSERT INTO projects \
    (id, name, working_video_key, working_video_at, created_at, updated_at) \
    VALUES (?1, ?2, ?4, iif(?5, ?6, NULL), ?6, ?6) ON CONFLICT (id) DO UPDATE SET \
    name = iif(?3, excluded.name, name), \
    working_video_key = iif(?5, excluded.working_video_key, working_video_key), \
    working_video_at = iif(?5, excluded.working_video_at, working_video_at), \
    updated_at = excluded.updated_at \
    WHERE (?3 AND name IS NOT excluded.name) \
    OR (?5 AND working_video_key IS NOT excluded.working_video_key)";

/// An empty key is less than any: a working video that was taken away at the same moment gives way.
pub const SET_WORKING_VIDEO: &str = "UPDATE projects SET working_video_key = ?1, working_video_at = ?2, \
    updated_at = max(updated_at, ?2) WHERE id = ?3 AND (working_video_at IS NULL \
    OR (working_video_at, coalesce(working_video_key, '')) < (?2, ?1))";

/// Before the clip changes: its video's row, unless it stays the same or another clip has it too.
pub const DROP_RAW: &str = "DELETE FROM raw_clips WHERE id = \
    (SELECT raw_clip_id FROM working_clips WHERE project_id = ?1 AND clip_index = ?2) \
    AND video_key IS NOT ?3 AND NOT EXISTS (SELECT 1 FROM working_clips AS other \
    WHERE other.raw_clip_id = raw_clips.id AND (other.project_id, other.clip_index) <> (?1, ?2))";

pub const ADD_RAW: &str = "INSERT INTO raw_clips (video_key) SELECT ?2 FROM projects WHERE id = ?1 \
    ON CONFLICT (video_key) DO NOTHING";

pub const PUT_CLIP: &str = "INSERT INTO working_clips \
    (project_id, clip_index, raw_clip_id, start_time, end_time, name) \
    SELECT p.id, ?2, rc.id, ?4, ?5, ?6 FROM projects AS p JOIN raw_clips AS rc ON rc.video_key = ?3 \
    WHERE p.id = ?1 ON CONFLICT (project_id, clip_index) DO UPDATE SET \
    raw_clip_id = excluded.raw_clip_id, start_time = excluded.start_time, end_time = excluded.end_time, \
    name = excluded.name WHERE (raw_clip_id, start_time, end_time, name) \
    IS NOT (excluded.raw_clip_id, excluded.start_time, excluded.end_time, excluded.name)";

pub const REMOVE_CLIP: &str = "DELETE FROM working_clips WHERE project_id = ?1 AND clip_index = ?2";

pub const ACTIVE_EXPORTS: &str = "SELECT json_object('job_id', job.id, 'project_id', job.project_id, \
    'project_name', project.name, 'type', job.type, 'status', job.status, 'error', job.error, \
    'output_video_id', NULL, 'output_filename', NULL, 'created_at', job.created_at, \
    'started_at', job.started_at, 'completed_at', job.completed_at) AS body \
    FROM export_jobs AS job LEFT JOIN projects AS project ON project.id = job.project_id \
    WHERE job.status IN ('pending', 'processing') ORDER BY job.created_at DESC, job.id DESC LIMIT 100";

pub const KEYS_IN_USE: &str = "SELECT value AS body FROM json_each(?1) WHERE \
    EXISTS (SELECT 1 FROM projects WHERE working_video_key = value) \
    OR EXISTS (SELECT 1 FROM raw_clips WHERE video_key = value) \
    OR EXISTS (SELECT 1 FROM export_jobs WHERE input_video_key = value AND id <> ?2 \
    AND status IN ('pending', 'processing')) \
    OR EXISTS (SELECT 1 FROM export_jobs WHERE further_inputs IS NOT NULL \
    AND instr(further_inputs, ' ' || value || ' ') AND id <> ?2 AND status IN ('pending', 'processing'))";
