//! Answers that are read from rows of the index, and what it means when there are none.

use crate::http::problem::Problem;
use crate::wire::project::row_to_json;

/// What a `PUT` answers, from the answers to its queries: 201 when the first was empty, else 200.
///
/// # Errors
/// 404 when the last is empty: a clip's project does not exist.
pub fn put_response(answers: &[Vec<String>]) -> Result<(u16, String), Problem> {
    let new = answers.first().is_none_or(Vec::is_empty);
    let row = answers.last().and_then(|rows| rows.first()).ok_or_else(Problem::project_not_found)?;
    Ok((if new { 201 } else { 200 }, row_to_json(row)))
}

/// `GET /api/projects/{id}/clips`, from the answers to `sql::projects::select_clips`.
///
/// # Errors
/// 404 when the project does not exist.
pub fn clips_json(answers: &[Vec<String>]) -> Result<String, Problem> {
    match answers {
        [exists, clips] if !exists.is_empty() => Ok(format!("{{\"clips\":[{}]}}", clips.join(","))),
        _ => Err(Problem::project_not_found()),
    }
}
