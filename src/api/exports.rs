//! The seed's export routes: look the project's video up, then create a job as everybody does.

use reel_core::facade::{ExportRequest, ExportType, overlay_answer};
use reel_core::problem::Problem;
use reel_core::project::{active_exports, active_exports_json};

use super::jobs::{BODY_MAX_BYTES, as_it_is, named_by_key, place, taken};
use super::projects::ask;
use super::{Reply, Visit};
use crate::http::Answer;

/// `POST /api/export/overlay` and `.../framing`. 200 as FastAPI answers, also when the job is new.
pub async fn create(visit: &Visit<'_>, kind: ExportType) -> Result<Reply, Problem> {
    let named_by_key = named_by_key(visit)?;
    let request = ExportRequest::parse(kind, &visit.call.body(BODY_MAX_BYTES).await?)?;
    let rows = ask(visit, vec![request.video_query()]).await?;
    let (new, export) = request.into_job(rows.first().and_then(|rows| rows.first()))?;
    let (status, body) = taken(place(visit, new, Some(export), named_by_key).await?).await?;
    Ok(match (status, kind) {
        (400.., _) => as_it_is(status, body),
        (_, ExportType::Overlay) => as_it_is(200, overlay_answer(&body)),
        (_, ExportType::Framing) => as_it_is(200, body),
    })
}

/// `GET /api/exports/active`.
pub async fn active(visit: &Visit<'_>) -> Result<Reply, Problem> {
    let rows = ask(visit, vec![active_exports()]).await?.pop().unwrap_or_default();
    Ok(Reply::Answer(Answer::json(200, active_exports_json(&rows))))
}
