//! Statements that find out who names a key of the bucket: what nobody names is not handed out, and what
//! somebody names is not deleted.

use serde_json::Value as Json;

use crate::base::id::JobId;
use crate::base::owner::Visibility;
use crate::sql::statement::{SqlStatement, SqlValue};

/// Finds each kind of key by its own index: `output/{id}/...` has the id at character 8.
macro_rules! references {
    ($of_row:literal, $of_clip:literal) => {
        concat!(
            "SELECT '' AS body FROM export_jobs WHERE id = substr(?1, 8, 36) ",
            $of_row,
            "AND ?1 IN (output_video_key, poster_key) \
             UNION ALL SELECT '' FROM export_jobs WHERE input_video_key = ?1 ",
            $of_row,
            "UNION ALL SELECT '' FROM projects WHERE working_video_key = ?1 ",
            $of_row,
            "UNION ALL SELECT '' FROM raw_clips WHERE video_key = ?1 ",
            $of_clip,
            "UNION ALL SELECT '' FROM further_input_keys JOIN export_jobs ON id = job_id \
             WHERE video_key = ?1 ",
            $of_row,
            "LIMIT 1"
        )
    };
}

/// One row when a job that the caller sees names this key as an input, its result or its picture, or such a
/// project or clip names it; else none.
pub fn select_reference(key: &str, visibility: Visibility) -> SqlStatement {
    match visibility {
        Visibility::All => SqlStatement::new(references!("", ""), [key.into()]),
        Visibility::Owner(owner) => SqlStatement::new(
            references!(
                "AND owner = ?2 ",
                "AND EXISTS (SELECT 1 FROM working_clips WHERE raw_clip_id = raw_clips.id AND owner = ?2) "
            ),
            [key.into(), owner.to_string().into()],
        ),
    }
}

/// Those of these inputs that must stay in the bucket, however old they are: what a project or clip names,
/// and the inputs of jobs that have not ended.
pub fn select_inputs_in_use(keys: Vec<String>) -> SqlStatement {
    SqlStatement::new(SELECT_INPUTS_IN_USE, [json_array(keys)])
}

/// Those of a job's files that must outlive it: what a project or clip names, inputs of any other job, and
/// results that are inputs of another job that has not ended.
pub fn select_keys_outliving(job: JobId, keys: Vec<String>) -> SqlStatement {
    SqlStatement::new(SELECT_KEYS_OUTLIVING, [json_array(keys), job.to_string().into()])
}

/// One value for all of them: D1 takes at most 100 values.
fn json_array(keys: Vec<String>) -> SqlValue {
    Json::from(keys).to_string().into()
}

/// The keys of `?1` that a project or clip names, or a job that meets the condition as an input.
macro_rules! keys_named_by_jobs_where {
    ($condition:literal) => {
        concat!(
            "SELECT value AS body FROM json_each(?1) WHERE \
             EXISTS (SELECT 1 FROM projects WHERE working_video_key = value) \
             OR EXISTS (SELECT 1 FROM raw_clips WHERE video_key = value) \
             OR EXISTS (SELECT 1 FROM export_jobs WHERE input_video_key = value AND ",
            $condition,
            ") OR EXISTS (SELECT 1 FROM further_input_keys JOIN export_jobs ON id = job_id \
             WHERE video_key = value AND ",
            $condition,
            ")"
        )
    };
}

// A status that only a newer version knows counts as not ended: its files stay.
const SELECT_INPUTS_IN_USE: &str = keys_named_by_jobs_where!("status NOT IN ('complete', 'error')");

const SELECT_KEYS_OUTLIVING: &str =
    keys_named_by_jobs_where!("id <> ?2 AND (value LIKE 'input/%' OR status NOT IN ('complete', 'error'))");
