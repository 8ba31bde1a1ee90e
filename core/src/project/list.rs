//! What clients read: rows as JSON, and pages of them.

use serde_json::Value as Json;

use super::{digits, sql};
use crate::fault::FieldError;
use crate::intake::ID_MAX;
use crate::problem::Problem;
use crate::sql::SqlStatement;
use crate::time::Timestamp;

/// `GET /api/projects/{id}/clips`, from the answers to [`ProjectId::clips`].
///
/// # Errors
/// 404 when the project does not exist.
pub fn clips_json(answers: &[Vec<String>]) -> Result<String, Problem> {
    match answers {
        [exists, clips] if !exists.is_empty() => Ok(format!("{{\"clips\":[{}]}}", clips.join(","))),
        _ => Err(Problem::project_not_found()),
    }
}

/// A row as clients see it: times in ISO 8601.
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

/// `GET /api/projects`: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectListQuery {
    limit: i64,
    /// Only projects before this one: when it was created, and which it is.
    before: (i64, i64),
}

impl ProjectListQuery {
    /// Reads a query string, with every fault at once.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self { limit: 20, before: (ID_MAX, ID_MAX) };
        let mut faults = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let detail = match name {
                "limit" => match digits(value).filter(|limit| (1..=100).contains(limit)) {
                    Some(limit) => {
                        list.limit = limit;
                        continue;
                    }
                    None => "must be a whole number from 1 to 100",
                },
                "cursor" => {
                    let parts = value.split_once('_');
                    match parts.and_then(|(at, id)| Some((digits(at)?, digits(id)?))) {
                        Some(before) => {
                            list.before = before;
                            continue;
                        }
                        None => "must be the next_cursor of an earlier page",
                    }
                }
                _ => "is not a known parameter; a list of projects takes limit and cursor",
            };
            let pointer = format!("/{}", name.chars().take(40).collect::<String>());
            faults.push(FieldError { pointer, detail: detail.to_owned() });
        }
        if faults.is_empty() { Ok(list) } else { Err(Problem::invalid(faults)) }
    }

    /// The query of one page, and one project more: it tells whether another page follows.
    pub fn query(self) -> SqlStatement {
        let (at, id) = self.before;
        SqlStatement::new(sql::LIST_PROJECTS, [at.into(), id.into(), (self.limit + 1).into()])
    }

    /// The answer: `{"projects": [...], "next_cursor": ...}`.
    pub fn page(self, mut rows: Vec<String>) -> String {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).and_then(|row| {
            let row: Json = serde_json::from_str(row).ok()?;
            Some(format!("\"{}_{}\"", row.get("created_at")?, row.get("id")?))
        });
        let projects: Vec<String> = rows.iter().map(|row| row_to_json(row)).collect();
        let next = next.as_deref().unwrap_or("null");
        format!("{{\"projects\":[{}],\"next_cursor\":{next}}}", projects.join(","))
    }
}

/// `GET /api/exports/active`: what is pending or processing, the 100 newest, as the app's page reads it
/// when it opens.
pub fn active_exports() -> SqlStatement {
    SqlStatement::new(sql::ACTIVE_EXPORTS, [])
}

/// Its answer: `{"exports": [...]}`.
pub fn active_exports_json(rows: &[String]) -> String {
    let exports: Vec<String> = rows.iter().map(|row| row_to_json(row)).collect();
    format!("{{\"exports\":[{}]}}", exports.join(","))
}
