//! What several do with their storage in the same way.

use reel_core::base::object_version::ObjectVersion;
use reel_core::base::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{Object, Result, SqlCursor, SqlStorage, SqlStorageValue, Storage, js_sys};

/// The first column of every row; it must be text.
pub fn query_text_column(
    sql: &SqlStorage,
    query: &str,
    bindings: Option<Vec<SqlStorageValue>>,
) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for row in sql.exec(query, bindings)?.raw() {
        match row?.into_iter().next() {
            Some(SqlStorageValue::String(text)) => texts.push(text),
            _ => return Err("a row without text".into()),
        }
    }
    Ok(texts)
}

/// Which version of an object the bucket shows.
pub fn object_version(object: &Object) -> ObjectVersion {
    ObjectVersion { etag: object.http_etag(), bytes: object.size() }
}

/// What a statement wrote, as it is billed.
pub fn rows_written(cursor: &SqlCursor) -> u64 {
    u64::try_from(cursor.rows_written()).unwrap_or(0)
}

/// Sets the alarm. Not awaited, so that it becomes durable with the writes before it.
pub fn set_alarm(storage: &Storage, at: Timestamp) -> Result<()> {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    let date = js_sys::Date::new(&JsValue::from_f64(at.0 as f64));
    let _durable_with_the_rest = storage.as_raw().set_alarm(date, js_sys::Object::new())?;
    Ok(())
}
