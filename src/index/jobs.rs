//! The index of jobs in D1: rows for lists and sweeps. Never the truth.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::Timestamp;
use reel_core::job::snapshot::Snapshot;
use reel_core::job::spec::JobSpec;
use reel_core::sql::jobs::{JobListQuery, JobRow};
use reel_core::sql::projects::set_working_video_statement;
use reel_core::sql::statement::{SqlStatement, SqlValue};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Result};

/// Brings a job's row up to `version`; a row that is newer already stays.
///
/// Written rows: one for the table, one for each index that the change touches.
pub async fn write(database: &D1Database, order: &JobSpec, face: &Snapshot, version: u64) -> Result<u64> {
    let text = |value: Option<&str>| value.map_or(JsValue::NULL, JsValue::from_str);
    let some = |value: Option<i64>| value.map_or(JsValue::NULL, to_js_integer);
    let output = face.output.as_ref();
    let failure = face.failure.as_ref();
    let row = database.prepare(UPSERT).bind(&[
        JsValue::from_str(&order.id.to_string()),
        to_js_integer(order.project_id),
        JsValue::from_str(order.job_type.as_str()),
        JsValue::from_str(face.status.as_str()),
        JsValue::from_f64(f64::from(face.attempt)),
        JsValue::from_str(order.input_key.as_str()),
        text(output.map(|output| output.key.as_str())),
        some(output.and_then(|output| i64::try_from(output.bytes).ok())),
        text(output.and_then(|output| output.poster.as_deref())),
        text(failure.map(|failure| failure.sentence.as_str())),
        text(failure.map(|failure| failure.code.as_str())),
        to_js_integer(order.created_at.0),
        some(face.started_at.map(|at| at.0)),
        some(face.completed_at.map(|at| at.0)),
        some(i64::try_from(version).ok()),
        text(extra_inputs(order).as_deref()),
    ])?;
    let Some(working_video) = set_working_video_statement(order, face) else {
        return Ok(rows_written(&row.run().await?));
    };
    // Both or none: a project never waits for a job whose row says that it is complete.
    let results = database.batch(vec![row, prepare(database, working_video)?]).await?;
    Ok(results.iter().map(rows_written).sum())
}

/// Runs queries in one transaction; answers the `body` of every row of each.
pub async fn batch_query(database: &D1Database, queries: Vec<SqlStatement>) -> Result<Vec<Vec<String>>> {
    let queries = queries.into_iter().map(|query| prepare(database, query)).collect::<Result<_>>()?;
    let mut answers = Vec::new();
    for result in database.batch(queries).await? {
        answers.push(result.results::<JsonRow>()?.into_iter().map(|row| row.body).collect());
    }
    Ok(answers)
}

/// The `body` of every row of one query.
pub async fn query(database: &D1Database, query: SqlStatement) -> Result<Vec<String>> {
    Ok(batch_query(database, vec![query]).await?.pop().unwrap_or_default())
}

/// A page of jobs.
pub async fn list(database: &D1Database, listing: &JobListQuery) -> Result<Vec<JobRow>> {
    let (sql, values) = listing.select_statement();
    let values: Vec<JsValue> = values.into_iter().map(to_js_value).collect();
    database.prepare(sql).bind(&values)?.all().await?.results()
}

/// Jobs that have not ended by their rows and are older than `before`: the sweep looks whether that is so.
pub async fn open_before(database: &D1Database, before: Timestamp, limit: u32) -> Result<Vec<OpenRow>> {
    let sql = "SELECT id, version FROM export_jobs WHERE status IN ('pending', 'processing') AND created_at < ? \
        ORDER BY created_at LIMIT ?";
    database
        .prepare(sql)
        .bind(&[to_js_integer(before.0), JsValue::from_f64(f64::from(limit))])?
        .all()
        .await?
        .results()
}

/// Whether another job, running or not, was made of this input.
pub async fn input_is_used(database: &D1Database, key: &str, but_by: &str) -> Result<bool> {
    let sql = "SELECT 1 AS used FROM export_jobs WHERE input_video_key = ?1 AND id <> ?2 \
        UNION ALL SELECT 1 FROM export_jobs WHERE further_inputs IS NOT NULL \
        AND instr(further_inputs, ' ' || ?1 || ' ') AND id <> ?2 LIMIT 1";
    let used = [JsValue::from_str(key), JsValue::from_str(but_by)];
    Ok(database.prepare(sql).bind(&used)?.first::<f64>(Some("used")).await?.is_some())
}

/// Whether a job's row names this key, as its input, its result or its picture, or a project or clip does:
/// what no row names is not handed out.
pub async fn is_key_referenced(database: &D1Database, key: &str) -> Result<bool> {
    let named = database.prepare(NAMES).bind(&[JsValue::from_str(key)])?.first::<f64>(Some("named")).await?;
    Ok(named.is_some())
}

/// Removes a job's row.
pub async fn remove(database: &D1Database, id: JobId) -> Result<()> {
    database
        .prepare("DELETE FROM export_jobs WHERE id = ?")
        .bind(&[JsValue::from_str(&id.to_string())])?
        .run()
        .await?;
    Ok(())
}

/// A row that the sweep looks at.
#[derive(Deserialize)]
pub struct OpenRow {
    /// The job.
    pub id: String,
    /// The version of its row.
    pub version: u64,
}

/// The answer of a [`Query`].
#[derive(Deserialize)]
struct JsonRow {
    body: String,
}

fn prepare(database: &D1Database, query: SqlStatement) -> Result<D1PreparedStatement> {
    let values: Vec<JsValue> = query.values.into_iter().map(to_js_value).collect();
    database.prepare(query.sql).bind(&values)
}

fn to_js_value(value: SqlValue) -> JsValue {
    match value {
        SqlValue::Null => JsValue::NULL,
        SqlValue::Integer(number) => to_js_integer(number),
        SqlValue::Real(number) => JsValue::from_f64(number),
        SqlValue::Text(text) => JsValue::from_str(&text),
    }
}

/// The column `extra_inputs`: keys have no blanks, so one with a blank on both sides is found whole.
fn extra_inputs(order: &JobSpec) -> Option<String> {
    let keys: Vec<&str> = order.extra_inputs.iter().map(ObjectKey::as_str).collect();
    (!keys.is_empty()).then(|| format!(" {} ", keys.join(" ")))
}

fn to_js_integer(value: i64) -> JsValue {
    #[allow(clippy::cast_precision_loss, reason = "ids, sizes and times are below 2^53")]
    JsValue::from_f64(value as f64)
}

/// As D1 bills them: the table's row and one for each index that changed.
fn rows_written(result: &worker::D1Result) -> u64 {
    let rows = result.meta().ok().flatten().and_then(|meta| meta.rows_written).unwrap_or(0);
    u64::try_from(rows).unwrap_or(0)
}

/// Of each kind of key by its own index: `output/{id}/...` has the id at character 8.
const NAMES: &str = "SELECT 1 AS named FROM export_jobs WHERE id = substr(?1, 8, 36) \
    AND ?1 IN (output_video_key, poster_key) \
    UNION ALL SELECT 1 FROM export_jobs WHERE input_video_key = ?1 \
    UNION ALL SELECT 1 FROM projects WHERE working_video_key = ?1 \
    UNION ALL SELECT 1 FROM raw_clips WHERE video_key = ?1 \
    UNION ALL SELECT 1 FROM export_jobs WHERE further_inputs IS NOT NULL \
    AND instr(further_inputs, ' ' || ?1 || ' ') LIMIT 1";

const UPSERT: &str = "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, \
    output_video_key, output_bytes, poster_key, error, error_code, created_at, started_at, completed_at, \
    version, further_inputs) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt, \
    output_video_key = excluded.output_video_key, output_bytes = excluded.output_bytes, \
    poster_key = excluded.poster_key, \
    error = excluded.error, error_code = excluded.error_code, started_at = excluded.started_at, \
    completed_at = excluded.completed_at, version = excluded.version \
    WHERE excluded.version > export_jobs.version";
