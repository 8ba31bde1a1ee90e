//! Projects and their clips: parse, look that the video is there, ask the index, answer.

use reel_core::base::object_key::ObjectKey;
use reel_core::http::problem::Problem;
use reel_core::http::responses;
use reel_core::http::responses::clips_json;
use reel_core::project::{ClipId, ProjectId, PutClipRequest, PutProjectRequest};
use reel_core::sql::projects::{
    ProjectListQuery, delete_clip as delete_clip_statements, select_clip, select_clips, select_project,
    upsert_clip, upsert_project,
};
use reel_core::sql::statement::SqlStatement;
use reel_core::wire::project::{project_page_json, row_to_json};

use super::jobs::{find_usable, unavailable};
use super::{HandlerResponse, RequestContext};
use crate::index;
use crate::platform::http::HttpResponse;
use crate::platform::{clock, env};

/// `GET /api/projects`.
pub async fn list(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let list = ProjectListQuery::parse(context.call.query_string())?;
    let rows = ask(context, vec![list.select_statement(context.owner())]).await?.pop().unwrap_or_default();
    Ok(json(200, project_page_json(list, rows)))
}

/// `GET /api/projects/{id}`.
pub async fn show(context: &RequestContext<'_>, id: ProjectId) -> Result<HandlerResponse, Problem> {
    respond_with_row(context, select_project(context.owner(), id), Problem::project_not_found).await
}

/// `PUT /api/projects/{id}`.
pub async fn put(context: &RequestContext<'_>, id: ProjectId) -> Result<HandlerResponse, Problem> {
    let project = PutProjectRequest::parse(&context.call.body(BODY_MAX_BYTES).await?)?;
    if let Some(key) = project.video() {
        require_uploaded(context, key).await?;
    }
    put_response(&ask(context, upsert_project(context.owner(), id, &project, clock::now())).await?)
}

/// `GET /api/projects/{id}/clips`.
pub async fn list_clips(context: &RequestContext<'_>, id: ProjectId) -> Result<HandlerResponse, Problem> {
    Ok(json(200, clips_json(&ask(context, select_clips(context.owner(), id)).await?)?))
}

/// `GET /api/projects/{id}/clips/{clip_index}`.
pub async fn show_clip(context: &RequestContext<'_>, id: ClipId) -> Result<HandlerResponse, Problem> {
    respond_with_row(context, select_clip(context.owner(), id), Problem::clip_not_found).await
}

/// `PUT /api/projects/{id}/clips/{clip_index}`.
pub async fn put_clip(context: &RequestContext<'_>, id: ClipId) -> Result<HandlerResponse, Problem> {
    let clip = PutClipRequest::parse(&context.call.body(BODY_MAX_BYTES).await?)?;
    require_uploaded(context, &clip.video).await?;
    put_response(&ask(context, upsert_clip(context.owner(), id, &clip)).await?)
}

/// `DELETE /api/projects/{id}/clips/{clip_index}`.
pub async fn delete_clip(context: &RequestContext<'_>, id: ClipId) -> Result<HandlerResponse, Problem> {
    let answers = ask(context, delete_clip_statements(context.owner(), id)).await?;
    if answers.first().is_none_or(Vec::is_empty) {
        return Err(Problem::clip_not_found());
    }
    Ok(json(200, r#"{"success":true}"#.to_owned()))
}

/// Asks the index, in one transaction.
pub async fn ask(
    context: &RequestContext<'_>,
    queries: Vec<SqlStatement>,
) -> Result<Vec<Vec<String>>, Problem> {
    let database = env::database(context.env)?;
    let answers = index::batch_query(&database, queries).await;
    answers.map_err(|cause| unavailable(context, "the index", &cause))
}

async fn respond_with_row(
    context: &RequestContext<'_>,
    query: SqlStatement,
    missing: fn() -> Problem,
) -> Result<HandlerResponse, Problem> {
    let row = ask(context, vec![query]).await?.pop().and_then(|mut rows| rows.pop()).ok_or_else(missing)?;
    Ok(json(200, row_to_json(&row)))
}

async fn require_uploaded(context: &RequestContext<'_>, key: &ObjectKey) -> Result<(), Problem> {
    find_usable(context, key).await?.map(|_| ()).ok_or_else(|| Problem::input_not_found(key))
}

fn put_response(answers: &[Vec<String>]) -> Result<HandlerResponse, Problem> {
    let (status, body) = responses::put_response(answers)?;
    Ok(json(status, body))
}

fn json(status: u16, body: String) -> HandlerResponse {
    HandlerResponse::Answer(HttpResponse::json(status, body))
}

/// A name and a key.
const BODY_MAX_BYTES: usize = 16 * 1024;
