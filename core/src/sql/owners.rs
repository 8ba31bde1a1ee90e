//! Statements on what one owner has, over all tables.

use crate::base::owner::{OwnerId, Visibility};
use crate::base::time::Timestamp;
use crate::sql::job_pages::JobPageQuery;
use crate::sql::statement::SqlStatement;

/// How many of an owner's jobs have not ended, by their rows: `{"count": N}`. A row may be a moment behind.
/// A job is open for a day or two at most, so that older rows are not read.
pub fn count_open_jobs(owner: OwnerId, since: Timestamp) -> SqlStatement {
    SqlStatement::new(COUNT_OPEN_JOBS, [owner.to_string().into(), since.0.into()])
}

/// Adds to what an owner has begun to upload in a day, unless that would be more than `max_bytes`. The row is
/// `{"bytes": N}`; no row means that the limit is reached.
pub fn add_upload_bytes(owner: OwnerId, day: i64, bytes: u64, max_bytes: u64) -> SqlStatement {
    let values = [owner.to_string().into(), day.into(), integer(bytes).into(), integer(max_bytes).into()];
    SqlStatement::new(ADD_UPLOAD_BYTES, values)
}

/// What an owner has begun to upload in a day: `{"bytes": N}`, or no row.
pub fn select_upload_bytes(owner: OwnerId, day: i64) -> SqlStatement {
    SqlStatement::new(SELECT_UPLOAD_BYTES, [owner.to_string().into(), day.into()])
}

/// Removes the counts of days before this one.
pub fn delete_upload_bytes(before_day: i64) -> SqlStatement {
    SqlStatement::new("DELETE FROM owner_uploads WHERE day < ?1", [before_day.into()])
}

/// Revokes the tokens that an owner has had until now.
pub fn revoke_tokens(owner: OwnerId, now: Timestamp) -> SqlStatement {
    SqlStatement::new(REVOKE_TOKENS, [owner.to_string().into(), now.0.into()])
}

/// All revocations: `{owner} {milliseconds}` each.
pub fn select_revoked_tokens() -> SqlStatement {
    SqlStatement::new("SELECT owner || ' ' || revoked_at AS body FROM token_revocations", [])
}

/// Removes revocations before a moment.
pub fn delete_revocations(before: Timestamp) -> SqlStatement {
    SqlStatement::new("DELETE FROM token_revocations WHERE revoked_at < ?1", [before.0.into()])
}

/// Ids of an owner's jobs that have not ended, at most so many; see [`count_open_jobs`].
pub fn select_open_jobs_of(owner: OwnerId, since: Timestamp, limit: u32) -> SqlStatement {
    SqlStatement::new(
        SELECT_OPEN_JOBS_OF,
        [owner.to_string().into(), since.0.into(), i64::from(limit).into()],
    )
}

/// Ids of an owner's jobs, at most so many.
pub fn select_jobs_of(owner: OwnerId, limit: u32) -> SqlStatement {
    let visibility = Visibility::Owner(owner);
    let limit = i64::from(limit);
    JobPageQuery {
        visibility,
        project_id: None,
        status: None,
        job_type: None,
        label: None,
        cursor: None,
        limit,
    }
    .select("id")
}

/// Removes an owner's projects, clips and counts. Each of the first two answers has a row for each that was
/// removed.
pub fn delete_rows_of(owner: OwnerId) -> Vec<SqlStatement> {
    let statement = |sql| SqlStatement::new(sql, [owner.to_string().into()]);
    vec![
        statement("DELETE FROM projects WHERE owner = ?1 RETURNING '' AS body"),
        statement(DELETE_VIDEOS_OF),
        statement("DELETE FROM working_clips WHERE owner = ?1 RETURNING '' AS body"),
        statement("DELETE FROM owner_uploads WHERE owner = ?1"),
    ]
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const COUNT_OPEN_JOBS: &str = "SELECT json_object('count', count(*)) AS body FROM export_jobs \
    WHERE owner = ?1 AND completed_at IS NULL AND created_at > ?2 AND status NOT IN ('complete', 'error')";

const ADD_UPLOAD_BYTES: &str = "INSERT INTO owner_uploads (owner, day, bytes) \
    SELECT ?1, ?2, ?3 WHERE ?3 <= ?4 ON CONFLICT (owner, day) DO UPDATE SET bytes = bytes + excluded.bytes \
    WHERE bytes + excluded.bytes <= ?4 RETURNING json_object('bytes', bytes) AS body";

const SELECT_UPLOAD_BYTES: &str =
    "SELECT json_object('bytes', bytes) AS body FROM owner_uploads WHERE owner = ?1 AND day = ?2";

const SELECT_OPEN_JOBS_OF: &str = "SELECT id AS body FROM export_jobs \
    WHERE owner = ?1 AND completed_at IS NULL AND created_at > ?2 AND status NOT IN ('complete', 'error') \
    ORDER BY created_at DESC, id DESC LIMIT ?3";

const REVOKE_TOKENS: &str = "INSERT INTO token_revocations (owner, revoked_at) VALUES (?1, ?2) \
    ON CONFLICT (owner) DO UPDATE SET revoked_at = max(revoked_at, excluded.revoked_at)";

/// The rows of videos that only clips of this owner show.
const DELETE_VIDEOS_OF: &str = "DELETE FROM raw_clips WHERE id IN \
    (SELECT raw_clip_id FROM working_clips WHERE owner = ?1) AND NOT EXISTS \
    (SELECT 1 FROM working_clips AS other WHERE other.raw_clip_id = raw_clips.id AND other.owner <> ?1)";
