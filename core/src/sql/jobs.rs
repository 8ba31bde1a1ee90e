//! Statements on the index of jobs.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::base::id::JobId;
use crate::base::time::Timestamp;
use crate::edit::JobType;
use crate::job::status::JobStatus;
use crate::sql::statement::SqlValue;

/// `GET /api/jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobListQuery {
    /// Only of this project.
    pub project_id: Option<i64>,
    /// Only in this status.
    pub status: Option<JobStatus>,
    /// Only of this kind.
    pub job_type: Option<JobType>,
    /// At most so many, 1 to 100.
    pub limit: u32,
    /// Only jobs that are older than this one.
    pub cursor: Option<Cursor>,
}

/// The last job of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it was created.
    pub created_at: Timestamp,
    /// Which it is: several may be created in one millisecond.
    pub id: JobId,
}

impl JobListQuery {
    /// The query of one page, and one job more: it tells whether another page follows.
    pub fn select_statement(&self) -> (String, Vec<SqlValue>) {
        let mut sql = "SELECT id, project_id, type, status, attempt, input_video_key, output_video_key, \
            output_bytes, poster_key, error, error_code, created_at, started_at, completed_at \
            FROM export_jobs WHERE 1"
            .to_owned();
        let mut values = Vec::new();
        if let Some(project_id) = self.project_id {
            sql.push_str(" AND project_id = ?");
            values.push(SqlValue::Integer(project_id));
        }
        if let Some(status) = self.status {
            sql.push_str(" AND status = ?");
            values.push(SqlValue::Text(status.as_str().to_owned()));
        }
        if let Some(kind) = self.job_type {
            sql.push_str(" AND type = ?");
            values.push(SqlValue::Text(kind.as_str().to_owned()));
        }
        if let Some(cursor) = self.cursor {
            sql.push_str(" AND (created_at, id) < (?, ?)");
            values.extend([SqlValue::Integer(cursor.created_at.0), SqlValue::Text(cursor.id.to_string())]);
        }
        // Writing to a string cannot fail.
        let _ = write!(sql, " ORDER BY created_at DESC, id DESC LIMIT {}", self.limit + 1);
        (sql, values)
    }
}

/// A row of the index. Its words stay text: a newer version may have written one that this one does not know,
/// and one row must not hide the others.
#[derive(Clone, Debug, Deserialize)]
pub struct JobRow {
    pub id: String,
    pub project_id: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub attempt: u32,
    pub input_video_key: String,
    pub output_video_key: Option<String>,
    pub output_bytes: Option<u64>,
    pub poster_key: Option<String>,
    pub error: Option<String>,
    pub error_code: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}
