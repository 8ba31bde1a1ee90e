//! Runs the core's statements on D1. It has no SQL and no rule of its own.

use reel_core::sql::statement::{SqlStatement, SqlValue};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result, Result};

/// The `body` of each row of one statement.
pub async fn query(database: &D1Database, statement: SqlStatement) -> Result<Vec<String>> {
    Ok(batch_query(database, vec![statement]).await?.pop().unwrap_or_default())
}

/// Runs statements in one transaction; answers the `body` of each row, for each statement.
pub async fn batch_query(database: &D1Database, statements: Vec<SqlStatement>) -> Result<Vec<Vec<String>>> {
    run(database, statements).await?.iter().map(rows).collect()
}

/// Runs statements in one transaction; answers how many rows were written, as D1 bills them: a table's row
/// and one for each index that changed.
pub async fn write(database: &D1Database, statements: Vec<SqlStatement>) -> Result<u64> {
    Ok(run(database, statements).await?.iter().map(rows_written).sum())
}

async fn run(database: &D1Database, statements: Vec<SqlStatement>) -> Result<Vec<D1Result>> {
    let prepared =
        statements.into_iter().map(|statement| prepare(database, statement)).collect::<Result<_>>()?;
    database.batch(prepared).await
}

fn prepare(database: &D1Database, statement: SqlStatement) -> Result<D1PreparedStatement> {
    let values: Vec<JsValue> = statement.values.into_iter().map(to_js_value).collect();
    database.prepare(statement.sql).bind(&values)
}

fn to_js_value(value: SqlValue) -> JsValue {
    match value {
        SqlValue::Null => JsValue::NULL,
        #[allow(clippy::cast_precision_loss, reason = "ids, sizes and times are below 2^53")]
        SqlValue::Integer(number) => JsValue::from_f64(number as f64),
        SqlValue::Real(number) => JsValue::from_f64(number),
        SqlValue::Text(text) => JsValue::from_str(&text),
    }
}

fn rows(result: &D1Result) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        body: String,
    }
    Ok(result.results::<Row>()?.into_iter().map(|row| row.body).collect())
}

fn rows_written(result: &D1Result) -> u64 {
    let rows = result.meta().ok().flatten().and_then(|meta| meta.rows_written).unwrap_or(0);
    u64::try_from(rows).unwrap_or(0)
}
