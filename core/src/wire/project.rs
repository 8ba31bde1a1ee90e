//! Projects, clips and active exports as JSON.

use serde_json::Value as Json;

use crate::base::time::Timestamp;
use crate::sql::projects::ProjectListQuery;

/// A row as public JSON: times in ISO 8601.
pub fn row_to_json(row: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(row) else { return "null".to_owned() };
    for name in ["created_at", "updated_at", "started_at", "completed_at"] {
        if let Some(time) = json.get_mut(name)
            && let Some(at) = time.as_i64()
        {
            *time = Timestamp(at).iso().into();
        }
    }
    json.to_string()
}

/// The page of `GET /api/projects`: `{"projects": [...], "next_cursor": ...}`.
pub fn project_page_json(query: ProjectListQuery, mut rows: Vec<String>) -> String {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_next).and_then(|row| {
        let row: Json = serde_json::from_str(row).ok()?;
        Some(format!("\"{}_{}\"", row.get("created_at")?, row.get("id")?))
    });
    let projects: Vec<String> = rows.iter().map(|row| row_to_json(row)).collect();
    let next = next.as_deref().unwrap_or("null");
    format!("{{\"projects\":[{}],\"next_cursor\":{next}}}", projects.join(","))
}

/// `GET /api/exports/active`: `{"exports": [...]}`.
pub fn active_exports_json(rows: &[String]) -> String {
    let exports: Vec<String> = rows.iter().map(|row| row_to_json(row)).collect();
    format!("{{\"exports\":[{}]}}", exports.join(","))
}
