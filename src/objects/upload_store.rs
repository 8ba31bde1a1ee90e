//! The SQLite of one upload's object: the upload, and a row for each part that is known to have arrived.
//!
//! Invariant: an object without an upload has no tables, so that a wrong id costs no storage. Statements
//! that follow each other without an await become durable together.

use std::fmt::Write as _;

use reel_core::upload::{ConfirmedPart, Upload, UploadRecord};
use worker::{Result, SqlStorage, SqlStorageValue, Storage, console_error};

use crate::platform::object_storage::{query_text_column, rows_written};

/// The storage of one upload.
pub struct UploadStore {
    storage: Storage,
    sql: SqlStorage,
}

impl UploadStore {
    /// Opens the storage; writes nothing.
    pub fn new(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql }
    }

    /// The upload that lives here, if one does.
    pub fn load(&self) -> Result<Option<Upload>> {
        if query_text_column(&self.sql, "SELECT name FROM sqlite_master WHERE name = 'upload'", None)?
            .is_empty()
        {
            return Ok(None);
        }
        let rows = query_text_column(&self.sql, "SELECT body FROM upload", None)?;
        let upload =
            rows.first().and_then(|body| UploadRecord::from_stored(body)).ok_or("an unreadable upload")?;
        let parts =
            query_text_column(&self.sql, "SELECT number || ' ' || etag FROM parts ORDER BY number", None)?;
        let parts = parts.iter().filter_map(|row| {
            let (number, etag) = row.split_once(' ')?;
            ConfirmedPart::new(number.parse().ok()?, etag)
        });
        Ok(Some(Upload::new(upload, parts)))
    }

    /// Writes a new upload.
    pub fn create(&self, upload: &UploadRecord) -> Result<()> {
        self.sql.exec(SCHEMA, None)?;
        self.write("INSERT INTO upload (body) VALUES (?)", upload.to_stored(), 1)
    }

    /// Writes where the upload stands.
    pub fn update(&self, upload: &UploadRecord) -> Result<()> {
        self.write("UPDATE upload SET body = ?", upload.to_stored(), 1)
    }

    /// Writes parts that are new or other than before: one row each, whatever their number one statement.
    pub fn add_parts(&self, parts: &[ConfirmedPart]) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let mut list = String::from("[");
        for (index, part) in parts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(list, "{comma}[{},\"{}\"]", part.number, part.etag());
        }
        list.push(']');
        self.write(INSERT_PARTS, list, parts.len())
    }

    /// Forgets everything.
    pub async fn delete_all(&self) -> Result<()> {
        self.storage.delete_all().await
    }

    /// One statement with one text; says so when it wrote other than `rows` rows, since rows are the bill.
    fn write(&self, statement: &str, text: String, rows: usize) -> Result<()> {
        let cursor = self.sql.exec(statement, vec![SqlStorageValue::from(text)])?;
        let written = rows_written(&cursor);
        if written != u64::try_from(rows).unwrap_or(0) {
            console_error!("an upload wrote {written} rows instead of {rows}");
        }
        Ok(())
    }
}

const SCHEMA: &str = "CREATE TABLE upload (body TEXT NOT NULL); \
    CREATE TABLE parts (number INTEGER PRIMARY KEY, etag TEXT NOT NULL)";

/// Of a JSON list of pairs.
const INSERT_PARTS: &str = "INSERT OR REPLACE INTO parts (number, etag) \
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)";
