//! Projects and their clips: parse, look that the video is there, ask the index, answer.

use reel_core::object_key::ObjectKey;
use reel_core::problem::Problem;
use reel_core::project::{
    ClipId, ProjectId, ProjectListQuery, PutClipRequest, PutProjectRequest, clips_json, put_response,
    row_to_json,
};
use reel_core::sql::SqlStatement;

use super::jobs::{is_in_bucket, unavailable};
use super::{Reply, Visit};
use crate::deadline::{BINDING, within};
use crate::http::Answer;
use crate::{clock, env, index};

/// `GET /api/projects`.
pub async fn list(visit: &Visit<'_>) -> Result<Reply, Problem> {
    let list = ProjectListQuery::parse(visit.call.query_string())?;
    let rows = ask(visit, vec![list.query()]).await?.pop().unwrap_or_default();
    Ok(json(200, list.page(rows)))
}

/// `GET /api/projects/{id}`.
pub async fn show(visit: &Visit<'_>, id: ProjectId) -> Result<Reply, Problem> {
    shown(visit, id.select_statement(), Problem::project_not_found).await
}

/// `PUT /api/projects/{id}`.
pub async fn put(visit: &Visit<'_>, id: ProjectId) -> Result<Reply, Problem> {
    let project = PutProjectRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
    if let Some(key) = project.video() {
        must_be_there(visit, key).await?;
    }
    put_done(&ask(visit, project.upsert_statements(id, clock::now())).await?)
}

/// `GET /api/projects/{id}/clips`.
pub async fn list_clips(visit: &Visit<'_>, id: ProjectId) -> Result<Reply, Problem> {
    Ok(json(200, clips_json(&ask(visit, id.clips()).await?)?))
}

/// `GET /api/projects/{id}/clips/{clip_index}`.
pub async fn show_clip(visit: &Visit<'_>, id: ClipId) -> Result<Reply, Problem> {
    shown(visit, id.shown(), Problem::clip_not_found).await
}

/// `PUT /api/projects/{id}/clips/{clip_index}`.
pub async fn put_clip(visit: &Visit<'_>, id: ClipId) -> Result<Reply, Problem> {
    let clip = PutClipRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
    must_be_there(visit, clip.video()).await?;
    put_done(&ask(visit, clip.written(id)).await?)
}

/// `DELETE /api/projects/{id}/clips/{clip_index}`.
pub async fn delete_clip(visit: &Visit<'_>, id: ClipId) -> Result<Reply, Problem> {
    let answers = ask(visit, id.delete_statements()).await?;
    if answers.first().is_none_or(Vec::is_empty) {
        return Err(Problem::clip_not_found());
    }
    Ok(json(200, r#"{"success":true}"#.to_owned()))
}

/// Asks the index, in one transaction.
pub async fn ask(visit: &Visit<'_>, queries: Vec<SqlStatement>) -> Result<Vec<Vec<String>>, Problem> {
    let database = env::database(visit.env)?;
    let answers = within(BINDING, index::ask(&database, queries)).await;
    answers.map_err(|cause| unavailable("the index", &cause))
}

async fn shown(visit: &Visit<'_>, query: SqlStatement, missing: fn() -> Problem) -> Result<Reply, Problem> {
    let row = ask(visit, vec![query]).await?.pop().and_then(|mut rows| rows.pop()).ok_or_else(missing)?;
    Ok(json(200, row_to_json(&row)))
}

async fn must_be_there(visit: &Visit<'_>, key: &ObjectKey) -> Result<(), Problem> {
    if is_in_bucket(visit, key).await? { Ok(()) } else { Err(Problem::input_not_found(key)) }
}

fn put_done(answers: &[Vec<String>]) -> Result<Reply, Problem> {
    let (status, body) = put_response(answers)?;
    Ok(json(status, body))
}

fn json(status: u16, body: String) -> Reply {
    Reply::Answer(Answer::json(status, body))
}

/// A name and a key.
const BODY_MAX_BYTES: usize = 16 * 1024;
