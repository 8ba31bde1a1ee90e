//! SQL of objects and of D1, through the few functions of `bindings.mjs`: one crossing for all statements of a call.

use reel_core::sql::rows::{answers, rows};
use reel_core::sql::statement::SqlStatement;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::{D1Database, Result, Storage, js_sys};

#[wasm_bindgen(module = "/src/platform/bindings.mjs")]
extern "C" {
    #[wasm_bindgen(catch, js_name = runInTransaction)]
    fn run_in_transaction_of(storage: &JsValue, statements: &str) -> std::result::Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_name = firstColumn)]
    fn first_column_of(storage: &JsValue, statement: &str) -> std::result::Result<String, JsValue>;
    #[wasm_bindgen(js_name = bodies)]
    fn bodies_of(database: &JsValue, statements: &str) -> js_sys::Promise;
    #[wasm_bindgen(js_name = writtenAndBodies)]
    fn written_and_bodies_of(database: &JsValue, statements: &str) -> js_sys::Promise;
    #[wasm_bindgen(js_name = written)]
    fn written_of(database: &JsValue, statements: &str) -> js_sys::Promise;
}

/// Runs statements on an object's storage, all or none. Answers how many rows were written, as they are billed.
pub fn run_in_transaction(storage: &Storage, statements: &[SqlStatement]) -> Result<u64> {
    Ok(count(run_in_transaction_of(storage.as_raw().unchecked_ref(), &serde_json::to_string(statements)?)?))
}

/// The first column of every row of a statement on an object's storage; it must be text.
pub fn first_column(storage: &Storage, statement: &SqlStatement) -> Result<Vec<String>> {
    Ok(rows(&first_column_of(storage.as_raw().unchecked_ref(), &serde_json::to_string(statement)?)?))
}

/// Runs statements on D1 in one transaction. Answers the column `body` of each row, for each statement; it must
/// be text.
pub async fn bodies(database: &D1Database, statements: &[SqlStatement]) -> Result<Vec<Vec<String>>> {
    let bodies = JsFuture::from(bodies_of(database.as_ref(), &serde_json::to_string(statements)?)).await?;
    Ok(answers(&bodies.as_string().unwrap_or_default()))
}

/// Runs statements on D1 in one transaction. Answers how many rows were written, as they are billed: a table's
/// row, and one for each index that changed.
pub async fn written(database: &D1Database, statements: &[SqlStatement]) -> Result<u64> {
    let written = JsFuture::from(written_of(database.as_ref(), &serde_json::to_string(statements)?)).await?;
    Ok(count(written.as_f64().unwrap_or_default()))
}

/// As [`written`], and the column `body` of each row of the last statement.
pub async fn written_and_bodies(
    database: &D1Database,
    statements: &[SqlStatement],
) -> Result<(u64, Vec<String>)> {
    let answer = written_and_bodies_of(database.as_ref(), &serde_json::to_string(statements)?);
    let mut rows = rows(&JsFuture::from(answer).await?.as_string().unwrap_or_default()).into_iter();
    let written = rows.next().and_then(|count| count.parse().ok()).unwrap_or_default();
    Ok((written, rows.collect()))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is far below 2^53")]
fn count(number: f64) -> u64 {
    number as u64
}
