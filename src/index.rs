//! Runs the core's statements on D1, each call for at most ten seconds. It has no SQL and no rule of its own.

use reel_core::sql::statement::SqlStatement;
use worker::{D1Database, Result};

use crate::platform::sql;

/// The `body` of each row of one statement.
pub async fn query(database: &D1Database, statement: SqlStatement) -> Result<Vec<String>> {
    Ok(sql::bodies(database, &[statement]).await?.pop().unwrap_or_default())
}

/// Runs statements in one transaction; answers the `body` of each row, for each statement.
pub async fn batch_query(database: &D1Database, statements: Vec<SqlStatement>) -> Result<Vec<Vec<String>>> {
    sql::bodies(database, &statements).await
}

/// Runs statements in one transaction; answers how many rows were written.
pub async fn write(database: &D1Database, statements: Vec<SqlStatement>) -> Result<u64> {
    sql::written(database, &statements).await
}

/// Runs statements in one transaction; answers how many rows were written, and the `body` of each row of the last.
pub async fn write_and_query(
    database: &D1Database,
    statements: Vec<SqlStatement>,
) -> Result<(u64, Vec<String>)> {
    sql::written_and_bodies(database, &statements).await
}
