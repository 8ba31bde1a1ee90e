//! What comes back from RunPod: the GPU worker's reports and RunPod's webhook. The token in the path is
//! the credential; it is checked before the job's object is woken.

use reel_core::auth::token::Purpose;
use reel_core::base::id::JobId;
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::requests::callbacks::CallbackKind;

use super::RequestContext;
use crate::objects::job::JobCommand;
use crate::platform::clock;

/// `POST /api/jobs/{id}/do/{token}/{callback}`.
pub async fn report(
    visit: &RequestContext<'_>,
    id: JobId,
    token: &str,
    callback: CallbackKind,
) -> Result<JobCommand, Problem> {
    let attempt = verify(visit, Purpose::Callback, id, token)?;
    let report = callback.parse(id, &visit.call.body(BODY_MAX_BYTES).await?)?;
    Ok(JobCommand::Report { attempt, report })
}

/// `POST /api/runpod/webhook/{id}/{token}`. The body is not read: RunPod's `/status` is asked instead,
/// since the webhook is not signed and may be late, exponential_backoff or forged.
pub fn webhook(visit: &RequestContext<'_>, id: JobId, token: &str) -> Result<JobCommand, Problem> {
    let attempt = verify(visit, Purpose::Webhook, id, token)?;
    Ok(JobCommand::Webhook { attempt })
}

fn verify(visit: &RequestContext<'_>, purpose: Purpose, id: JobId, token: &str) -> Result<u32, Problem> {
    let verified = visit.config.signer.verify(purpose, id, token, clock::now());
    verified.map_err(|bad| Problem::new(ProblemCode::BadToken, format!("This callback is refused: {bad}.")))
}

/// Reports are a few hundred bytes.
const BODY_MAX_BYTES: usize = 64 * 1024;
