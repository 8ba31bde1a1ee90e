//! What the GPU worker reports.

use reel_core::base::id::JobId;
use reel_core::http::problem::Problem;
use reel_core::http::requests::callbacks::CallbackKind;

use super::RequestContext;
use crate::objects::job::JobCommand;

/// `POST /api/jobs/{id}/do/{token}/{callback}`, from the holder of this attempt's token.
pub async fn report(
    visit: &RequestContext<'_>,
    id: JobId,
    attempt: u32,
    callback: CallbackKind,
) -> Result<JobCommand, Problem> {
    let report = callback.parse(id, &visit.call.body(BODY_MAX_BYTES).await?)?;
    Ok(JobCommand::Report { attempt, report })
}

/// Reports are a few hundred bytes.
const BODY_MAX_BYTES: usize = 64 * 1024;
