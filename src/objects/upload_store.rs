//! The SQLite of one upload's object: the upload, and a row for each part that is known to have arrived.
//!
//! Invariant: an object without an upload has no tables, so that a wrong id costs no storage. Statements
//! that follow each other without an await become durable together.

use std::fmt::Write as _;

use reel_core::sql::statement::SqlStatement;
use reel_core::upload::{ConfirmedPart, Upload, UploadRecord};
use worker::{Result, Storage, console_error};

use crate::platform::sql::{first_column, run_in_transaction};

/// The storage of one upload.
pub struct UploadStore(Storage);

impl UploadStore {
    /// Opens the storage; writes nothing.
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }

    /// The upload that lives here, if one does.
    pub fn load(&self) -> Result<Option<Upload>> {
        if self.texts("SELECT name FROM sqlite_master WHERE name = 'upload'")?.is_empty() {
            return Ok(None);
        }
        let rows = self.texts("SELECT body FROM upload")?;
        let upload =
            rows.first().and_then(|body| UploadRecord::from_stored(body)).ok_or("an unreadable upload")?;
        let parts = self.texts("SELECT number || ' ' || etag FROM parts ORDER BY number")?;
        let parts = parts.iter().filter_map(|row| {
            let (number, etag) = row.split_once(' ')?;
            ConfirmedPart::new(number.parse().ok()?, etag)
        });
        Ok(Some(Upload::new(upload, parts)))
    }

    /// Writes a new upload.
    pub fn create(&self, upload: &UploadRecord) -> Result<()> {
        let insert = "INSERT INTO upload (body) VALUES (?)";
        let insert = SqlStatement::new(insert, [upload.to_stored().into()]);
        run_in_transaction(&self.0, &[SqlStatement::new(SCHEMA, []), insert]).map(|_| ())
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
        self.0.delete_all().await
    }

    fn texts(&self, select: &'static str) -> Result<Vec<String>> {
        first_column(&self.0, &SqlStatement::new(select, []))
    }

    /// One statement with one text; says so when it wrote other than `rows` rows, since rows are the bill.
    fn write(&self, statement: &'static str, text: String, rows: usize) -> Result<()> {
        let written = run_in_transaction(&self.0, &[SqlStatement::new(statement, [text.into()])])?;
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
