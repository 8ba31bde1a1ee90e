//! The SQLite of one job's object: what was asked for, where it stands, and what happened.
//!
//! Invariant: state and events are written in one transaction. An object without a job has no tables,
//! so that a wrong id costs no storage.

use reel_core::base::time::Timestamp;
use reel_core::job::log::LogEntry;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::sql::statement::SqlStatement;
use serde::{Deserialize, Serialize};
use worker::{Result, Storage};

use crate::platform::sql::{first_column, run_in_transaction};

/// The storage of one job.
pub struct JobStore(Storage);

impl JobStore {
    /// Opens the storage; writes nothing.
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }

    /// The job that lives here, if one does.
    pub fn load(&self) -> Result<Option<(JobSpec, Job)>> {
        if !self.has_table("sheet")? {
            return Ok(None);
        }
        match self.texts("SELECT body FROM sheet ORDER BY name DESC")?.as_slice() {
            [order, job] => Ok(Some((from_json(order)?, from_json(job)?))),
            sheets => Err(format!("{} sheets instead of 2", sheets.len()).into()),
        }
    }

    /// Writes a new job: the tables, the order, the job and its first event. Answers the rows written.
    pub fn create(&self, order: &JobSpec, job: &Job, birth: &LogEntry) -> Result<u64> {
        let sheets = "INSERT INTO sheet (name, body) VALUES ('order', ?), ('job', ?)";
        let values = [to_json(order)?.into(), to_json(job)?.into()];
        run_in_transaction(
            &self.0,
            &[
                SqlStatement::new(SCHEMA, []),
                SqlStatement::new("DROP TABLE IF EXISTS tombstone", []),
                SqlStatement::new(sheets, values),
                insert_event(birth)?,
            ],
        )
    }

    /// Writes where the job stands and what happened, all or nothing. Answers the rows written: one, and
    /// one for each event.
    pub fn commit(&self, job: &Job, log: &[LogEntry]) -> Result<u64> {
        let update = "UPDATE sheet SET body = ? WHERE name = 'job'";
        let mut statements = vec![SqlStatement::new(update, [to_json(job)?.into()])];
        for entry in log {
            statements.push(insert_event(entry)?);
        }
        run_in_transaction(&self.0, &statements)
    }

    /// The stored events after `seq`, oldest first.
    pub fn events_after(&self, seq: u64) -> Result<Vec<LogEntry>> {
        let select = "SELECT body FROM events WHERE seq > ? ORDER BY seq";
        let events = first_column(&self.0, &SqlStatement::new(select, [integer(seq).into()]))?;
        events.iter().map(|body| from_json(body)).collect()
    }

    /// The stored event of this number.
    pub fn event(&self, seq: u64) -> Result<Option<LogEntry>> {
        let select = "SELECT body FROM events WHERE seq = ?";
        let events = first_column(&self.0, &SqlStatement::new(select, [integer(seq).into()]))?;
        events.first().map(|body| from_json(body)).transpose()
    }

    /// Forgets the job, and keeps when to delete what its GPU workers may still put: one row.
    pub fn leave_tombstone(&self, sweep_at: Timestamp) -> Result<()> {
        let bury = "DROP TABLE sheet; DROP TABLE events; CREATE TABLE tombstone (sweep_at INTEGER NOT NULL)";
        let keep = SqlStatement::new("INSERT INTO tombstone (sweep_at) VALUES (?)", [sweep_at.0.into()]);
        run_in_transaction(&self.0, &[SqlStatement::new(bury, []), keep]).map(|_| ())
    }

    /// When to delete what a deleted job's GPU workers may have put; `None` without such a job.
    pub fn tombstone(&self) -> Result<Option<Timestamp>> {
        if !self.has_table("tombstone")? {
            return Ok(None);
        }
        let kept = self.texts("SELECT CAST(sweep_at AS TEXT) FROM tombstone")?;
        Ok(kept.first().and_then(|text| text.parse().ok()).map(Timestamp))
    }

    /// Forgets everything, the alarm included.
    pub async fn delete_all(&self) -> Result<()> {
        self.0.delete_all().await
    }

    fn has_table(&self, name: &str) -> Result<bool> {
        let select = "SELECT name FROM sqlite_master WHERE name = ?";
        Ok(!first_column(&self.0, &SqlStatement::new(select, [name.into()]))?.is_empty())
    }

    fn texts(&self, select: &'static str) -> Result<Vec<String>> {
        first_column(&self.0, &SqlStatement::new(select, []))
    }
}

/// Stored as JSON text: the core's types are the schema, and their pins are its tests.
const SCHEMA: &str = "CREATE TABLE sheet (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID; \
    CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)";

fn insert_event(entry: &LogEntry) -> Result<SqlStatement> {
    let insert = "INSERT INTO events (seq, body) VALUES (?, ?)";
    Ok(SqlStatement::new(insert, [integer(entry.seq).into(), to_json(entry)?.into()]))
}

fn to_json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn from_json<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T> {
    Ok(serde_json::from_str(body)?)
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
