//! Export routes of the FastAPI backend's clients: look the project's video up, then create a job.

use reel_core::http::problem::Problem;
use reel_core::http::requests::exports::{ExportRequest, ExportType, overlay_answer};
use reel_core::sql::exports::select_active_exports;
use reel_core::wire::project::active_exports_json;

use super::jobs::{BODY_MAX_BYTES, create_job, job_id_from_idempotency_key};
use super::projects::ask;
use super::{HandlerResponse, RequestContext};
use crate::platform::http::HttpResponse;

/// `POST /api/export/overlay` and `.../framing`. 200 as FastAPI answers, also when the job is new.
pub async fn create(context: &RequestContext<'_>, kind: ExportType) -> Result<HandlerResponse, Problem> {
    let named_by_key = job_id_from_idempotency_key(context)?;
    let request = ExportRequest::parse(kind, &context.call.body(BODY_MAX_BYTES).await?)?;
    let rows = ask(context, vec![request.video_query(context.owner())]).await?;
    let (new, export) = request.into_job(rows.first().and_then(|rows| rows.first()))?;
    let body = create_job(context, new, Some(export), named_by_key).await?;
    let body = match kind {
        ExportType::Overlay => overlay_answer(&body),
        ExportType::Framing => body,
    };
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body)))
}

/// `GET /api/exports/active`.
pub async fn list_active(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let rows =
        ask(context, vec![select_active_exports(context.visibility())]).await?.pop().unwrap_or_default();
    Ok(HandlerResponse::Answer(HttpResponse::json(200, active_exports_json(&rows))))
}
