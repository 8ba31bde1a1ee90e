//! The index of jobs in D1: rows for lists and sweeps. Never the truth.

use reel_core::job::state::Order;
use reel_core::job::view::Face;
use wasm_bindgen::JsValue;
use worker::{D1Database, Result};

/// Brings a job's row up to `version`; a row that is newer already stays.
///
/// Written rows: one for the table, one for each index that the change touches.
pub async fn write(database: &D1Database, order: &Order, face: &Face, version: u64) -> Result<()> {
    let text = |value: Option<&str>| value.map_or(JsValue::NULL, JsValue::from_str);
    let whole = |value: i64| {
        #[allow(clippy::cast_precision_loss, reason = "ids, sizes and times are below 2^53")]
        JsValue::from_f64(value as f64)
    };
    let some = |value: Option<i64>| value.map_or(JsValue::NULL, whole);
    let output = face.output.as_ref();
    let failure = face.failure.as_ref();
    let status = reel_core::job::state::Status::WORDS.iter().find(|(_, status)| *status == face.status);
    database
        .prepare(UPSERT)
        .bind(&[
            JsValue::from_str(&order.id.to_string()),
            whole(order.project_id),
            JsValue::from_str(order.kind.as_str()),
            text(status.map(|(word, _)| *word)),
            JsValue::from_f64(f64::from(face.attempt)),
            JsValue::from_str(order.input_key.as_str()),
            text(output.map(|output| output.key.as_str())),
            some(output.and_then(|output| i64::try_from(output.bytes).ok())),
            text(failure.map(|failure| failure.sentence.as_str())),
            text(failure.map(|failure| failure.code.as_str())),
            whole(order.created_at.0),
            some(face.started_at.map(|at| at.0)),
            some(face.completed_at.map(|at| at.0)),
            some(i64::try_from(version).ok()),
        ])?
        .run()
        .await?;
    Ok(())
}

const UPSERT: &str = "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, \
    output_video_key, output_bytes, error, error_code, created_at, started_at, completed_at, version) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt, \
    output_video_key = excluded.output_video_key, output_bytes = excluded.output_bytes, \
    error = excluded.error, error_code = excluded.error_code, started_at = excluded.started_at, \
    completed_at = excluded.completed_at, version = excluded.version \
    WHERE excluded.version > export_jobs.version";
