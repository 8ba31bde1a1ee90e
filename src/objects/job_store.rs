//! The SQLite of one job's object: what was asked for, where it stands, and what happened.
//!
//! Invariant: state and events are written in one transaction. An object without a job has no tables,
//! so that a wrong id costs no storage.

use std::cell::Cell;
use std::rc::Rc;

use reel_core::base::time::Timestamp;
use reel_core::job::log::LogEntry;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use serde::{Deserialize, Serialize};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Function, Reflect};
use worker::{Result, SqlStorage, SqlStorageValue, Storage};

use crate::platform::object_storage::{query_text_column, rows_written};

/// The storage of one job.
pub struct JobStore {
    storage: Storage,
    sql: SqlStorage,
}

impl JobStore {
    /// Opens the storage; writes nothing.
    pub fn new(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql }
    }

    /// The job that lives here, if one does.
    pub fn load(&self) -> Result<Option<(JobSpec, Job)>> {
        if query_text_column(&self.sql, "SELECT name FROM sqlite_master WHERE name = 'sheet'", None)?
            .is_empty()
        {
            return Ok(None);
        }
        match query_text_column(&self.sql, "SELECT body FROM sheet ORDER BY name DESC", None)?.as_slice() {
            [order, job] => Ok(Some((from_json(order)?, from_json(job)?))),
            sheets => Err(format!("{} sheets instead of 2", sheets.len()).into()),
        }
    }

    /// Writes a new job: the tables, the order, the job and its first event. Answers the rows written.
    pub fn create(&self, order: &JobSpec, job: &Job, birth: &LogEntry) -> Result<u64> {
        let (order, job, event) = (to_json(order)?, to_json(job)?, to_json(birth)?);
        let seq = integer(birth.seq)?;
        self.transaction(move |sql| {
            let mut rows = rows_written(&sql.exec(SCHEMA, None)?);
            sql.exec("DROP TABLE IF EXISTS tombstone", None)?;
            let sheets = "INSERT INTO sheet (name, body) VALUES ('order', ?), ('job', ?)";
            rows += rows_written(&sql.exec(sheets, vec![order.into(), job.into()])?);
            rows += rows_written(&sql.exec(INSERT_EVENT, vec![seq, event.into()])?);
            Ok(rows)
        })
    }

    /// Writes where the job stands and what happened, all or nothing. Answers the rows written: one, and
    /// one for each event.
    pub fn commit(&self, job: &Job, log: &[LogEntry]) -> Result<u64> {
        let job = to_json(job)?;
        let events =
            log.iter().map(|entry| Ok((integer(entry.seq)?, to_json(entry)?))).collect::<Result<Vec<_>>>()?;
        self.transaction(move |sql| {
            let mut rows =
                rows_written(&sql.exec("UPDATE sheet SET body = ? WHERE name = 'job'", vec![job.into()])?);
            for (seq, body) in events {
                rows += rows_written(&sql.exec(INSERT_EVENT, vec![seq, body.into()])?);
            }
            Ok(rows)
        })
    }

    /// The stored events after `seq`, oldest first.
    pub fn events_after(&self, seq: u64) -> Result<Vec<LogEntry>> {
        let after = Some(vec![integer(seq)?]);
        query_text_column(&self.sql, "SELECT body FROM events WHERE seq > ? ORDER BY seq", after)?
            .iter()
            .map(|body| from_json(body))
            .collect()
    }

    /// Forgets the job, and keeps when to delete what its GPU workers may still put: one row.
    pub fn leave_tombstone(&self, sweep_at: Timestamp) -> Result<()> {
        let sweep_at = SqlStorageValue::try_from_i64(sweep_at.0)?;
        let buried = self.transaction(move |sql| {
            sql.exec(
                "DROP TABLE sheet; DROP TABLE events; CREATE TABLE tombstone (sweep_at INTEGER NOT NULL)",
                None,
            )?;
            Ok(rows_written(&sql.exec("INSERT INTO tombstone (sweep_at) VALUES (?)", vec![sweep_at])?))
        });
        buried.map(|_| ())
    }

    /// When to delete what a deleted job's GPU workers may have put; `None` without such a job.
    pub fn tombstone(&self) -> Result<Option<Timestamp>> {
        let known = "SELECT name FROM sqlite_master WHERE name = 'tombstone'";
        if query_text_column(&self.sql, known, None)?.is_empty() {
            return Ok(None);
        }
        let kept = query_text_column(&self.sql, "SELECT CAST(sweep_at AS TEXT) FROM tombstone", None)?;
        Ok(kept.first().and_then(|text| text.parse().ok()).map(Timestamp))
    }

    /// Forgets everything, the alarm included.
    pub async fn delete_all(&self) -> Result<()> {
        self.storage.delete_all().await
    }

    /// `transactionSync`, which the SDK does not wrap: rolls back when the body fails.
    fn transaction(&self, body: impl FnOnce(&SqlStorage) -> Result<u64> + 'static) -> Result<u64> {
        let raw: &JsValue = self.storage.as_raw();
        let run: Function = Reflect::get(raw, &JsValue::from_str("transactionSync"))?.dyn_into()?;
        let sql = self.storage.sql();
        let outcome = Rc::new(Cell::new(None));
        let seen = Rc::clone(&outcome);
        let closure = Closure::once_into_js(move || -> std::result::Result<(), JsValue> {
            let answer = body(&sql);
            let thrown = if answer.is_ok() { Ok(()) } else { Err(JsValue::from_str("rolled back")) };
            seen.set(Some(answer));
            thrown
        });
        // A throw of the runtime's own outweighs what the body answered: nothing was written then.
        match (run.call1(raw, &closure), outcome.take()) {
            (Ok(_), Some(answer)) | (Err(_), Some(answer @ Err(_))) => answer,
            (Err(thrown), _) => Err(thrown.into()),
            (Ok(_), None) => Err("the transaction did not run".into()),
        }
    }
}

/// Stored as JSON text: the core's types are the schema, and their pins are its tests.
const SCHEMA: &str = "CREATE TABLE sheet (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID; \
    CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)";

const INSERT_EVENT: &str = "INSERT INTO events (seq, body) VALUES (?, ?)";

fn to_json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn from_json<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T> {
    Ok(serde_json::from_str(body)?)
}

fn integer(value: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(value).unwrap_or(i64::MAX))
}
