//! Statements on the audit log. A line is one written row, since the table is its own index in the order of
//! time, and one more when it has an owner.

use crate::base::owner::OwnerId;
use crate::base::time::Timestamp;
use crate::sql::statement::{SqlStatement, SqlValue};

/// One change, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Name of the request in the logs.
    pub request_id: String,
    /// Who: the name of a service's key, `user`, or `uploader` for the holder of an upload.
    pub caller: String,
    /// The owner that the caller is, or acts for.
    pub owner: Option<OwnerId>,
    /// Method and path, such as `POST /api/jobs/{job_id}/cancel`.
    pub route: String,
    /// Id of what was changed.
    pub target: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// Adds lines.
pub fn insert_audit_entries(entries: &[AuditEntry]) -> SqlStatement {
    let line = |entry: &AuditEntry| {
        let owner = entry.owner.map(|owner| owner.to_string());
        let AuditEntry { at, request_id, caller, route, target, status, .. } = entry;
        serde_json::json!([at.0, request_id, caller, owner, route, target, status])
    };
    let lines = serde_json::Value::from(entries.iter().map(line).collect::<Vec<_>>());
    SqlStatement::new(INSERT_ENTRIES, [lines.to_string().into()])
}

/// Removes lines from before this moment, at most so many of the oldest.
pub fn delete_audit_entries(before: Timestamp, limit: u32) -> SqlStatement {
    SqlStatement::new(DELETE_ENTRIES, [before.0.into(), i64::from(limit).into()])
}

macro_rules! audit_page {
    ($condition:literal) => {
        concat!(
            "SELECT json_object('at', at, 'request_id', request_id, 'caller', caller, 'owner', owner, \
             'route', route, 'target', target, 'status', status) AS body FROM audit \
             WHERE (at, request_id) < (?1, ?2) ",
            $condition,
            "ORDER BY at DESC, request_id DESC LIMIT ?3"
        )
    };
}

/// `GET /api/audit`: newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only of this owner.
    pub owner: Option<OwnerId>,
    /// At most so many, 1 to 100.
    pub limit: u32,
    /// Only lines before this one: when it was, and its request.
    pub before: Option<(i64, String)>,
}

impl AuditQuery {
    /// The statement of one page, and one line more: it tells whether another page follows.
    pub fn select_statement(&self) -> SqlStatement {
        let (at, request_id) = self.before.clone().unwrap_or((i64::MAX >> 10, String::new()));
        let mut values: Vec<SqlValue> =
            vec![at.into(), request_id.into(), (i64::from(self.limit) + 1).into()];
        if let Some(owner) = self.owner {
            values.push(owner.to_string().into());
            return SqlStatement::new(audit_page!("AND owner = ?4 "), values);
        }
        SqlStatement::new(audit_page!(""), values)
    }
}

const INSERT_ENTRIES: &str = "INSERT INTO audit (at, request_id, caller, owner, route, target, status) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
    FROM json_each(?1) WHERE true ON CONFLICT (at, request_id) DO NOTHING";

const DELETE_ENTRIES: &str = "DELETE FROM audit WHERE (at, request_id) IN \
    (SELECT at, request_id FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)";
