//! The SQLite of one job's object: what was asked for, where it stands, and what happened.
//!
//! Invariant: state and events are written in one transaction. An object without a job has no tables,
//! so that a wrong id costs no storage.

use std::cell::RefCell;
use std::rc::Rc;

use reel_core::job::effect::Noted;
use reel_core::job::state::{Job, Order};
use serde::{Deserialize, Serialize};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Function, Reflect};
use worker::{Result, SqlStorage, SqlStorageValue, Storage};

/// The storage of one job.
pub struct JobStore {
    storage: Storage,
    sql: SqlStorage,
}

/// A row of the event log, as it is stored.
#[derive(Deserialize)]
struct EventRow {
    body: String,
}

#[derive(Deserialize)]
struct SheetRow {
    name: String,
    body: String,
}

impl JobStore {
    /// Opens the storage; writes nothing.
    pub fn new(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql }
    }

    /// The job that lives here, if one does.
    pub fn load(&self) -> Result<Option<(Order, Job)>> {
        if self
            .rows::<SheetRow>("SELECT name, '' AS body FROM sqlite_master WHERE name = 'sheet'")?
            .is_empty()
        {
            return Ok(None);
        }
        let (mut order, mut job) = (None, None);
        for row in self.rows::<SheetRow>("SELECT name, body FROM sheet")? {
            match row.name.as_str() {
                "order" => order = Some(read(&row.body)?),
                "job" => job = Some(read(&row.body)?),
                other => return Err(format!("unknown sheet {other}").into()),
            }
        }
        Ok(order.zip(job))
    }

    /// Writes a new job: the tables, the order, the job and its first event.
    pub fn create(&self, order: &Order, job: &Job, birth: &Noted) -> Result<()> {
        let (order, job, event) = (text(order)?, text(job)?, text(birth)?);
        let seq = integer(birth.seq)?;
        self.transaction(move |sql| {
            sql.exec(SCHEMA, None)?;
            sql.exec(
                "INSERT INTO sheet (name, body) VALUES ('order', ?), ('job', ?)",
                vec![order.into(), job.into()],
            )?;
            sql.exec("INSERT INTO events (seq, body) VALUES (?, ?)", vec![seq, event.into()])?;
            Ok(())
        })
    }

    /// Writes where the job stands and what happened, all or nothing. One row, and one for each event.
    pub fn commit(&self, job: &Job, log: &[Noted]) -> Result<()> {
        let job = text(job)?;
        let events =
            log.iter().map(|noted| Ok((integer(noted.seq)?, text(noted)?))).collect::<Result<Vec<_>>>()?;
        self.transaction(move |sql| {
            sql.exec("UPDATE sheet SET body = ? WHERE name = 'job'", vec![job.into()])?;
            for (seq, body) in events {
                sql.exec("INSERT INTO events (seq, body) VALUES (?, ?)", vec![seq, body.into()])?;
            }
            Ok(())
        })
    }

    /// The stored events after `seq`, oldest first.
    pub fn events_after(&self, seq: u64) -> Result<Vec<Noted>> {
        let cursor =
            self.sql.exec("SELECT body FROM events WHERE seq > ? ORDER BY seq", vec![integer(seq)?])?;
        cursor.to_array::<EventRow>()?.iter().map(|row| read(&row.body)).collect()
    }

    fn rows<T: for<'de> Deserialize<'de>>(&self, query: &str) -> Result<Vec<T>> {
        self.sql.exec(query, None)?.to_array()
    }

    /// `transactionSync`, which the SDK does not wrap: rolls back when the body fails.
    fn transaction(&self, body: impl FnOnce(&SqlStorage) -> Result<()> + 'static) -> Result<()> {
        let raw: &JsValue = self.storage.as_raw();
        let run: Function = Reflect::get(raw, &JsValue::from_str("transactionSync"))?.dyn_into()?;
        let sql = self.storage.sql();
        let failure = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&failure);
        let closure = Closure::once_into_js(move || -> std::result::Result<(), JsValue> {
            body(&sql).map_err(|error| {
                let thrown = JsValue::from_str("rolled back");
                *seen.borrow_mut() = Some(error);
                thrown
            })
        });
        match run.call1(raw, &closure) {
            Ok(_) => Ok(()),
            Err(thrown) => Err(failure.borrow_mut().take().unwrap_or_else(|| thrown.into())),
        }
    }
}

/// Stored as JSON text: the core's types are the schema, and their pins are its tests.
const SCHEMA: &str = "CREATE TABLE sheet (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID; \
    CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)";

fn text(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn read<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T> {
    Ok(serde_json::from_str(body)?)
}

fn integer(value: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(value).unwrap_or(i64::MAX))
}
