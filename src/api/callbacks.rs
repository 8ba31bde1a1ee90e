//! What the GPU worker reports.

use reel_core::base::id::JobId;
use reel_core::http::problem::Problem;
use reel_core::http::requests::callbacks::{CallbackKind, REPORT_MAX_BYTES};
use reel_core::objects::job::JobCommand;

use super::RequestContext;

/// `POST /api/jobs/{id}/do/{token}/{callback}`, from the holder of this attempt's token.
pub async fn report(
    context: &RequestContext<'_>,
    id: JobId,
    attempt: u32,
    callback: CallbackKind,
) -> Result<JobCommand, Problem> {
    let report = callback.parse(id, &context.call.body(REPORT_MAX_BYTES).await?)?;
    Ok(JobCommand::Callback { attempt, report })
}
