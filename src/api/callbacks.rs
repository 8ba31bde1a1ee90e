//! What comes back from RunPod: the GPU worker's reports and RunPod's webhook. The token in the path is
//! the credential; it is checked before the job's object is woken.

use reel_core::auth::token::Purpose;
use reel_core::base::id::JobId;
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::requests::callbacks::CallbackKind;

use reel_core::objects::job::JobCommand;

use super::RequestContext;

use crate::platform::clock;

/// `POST /api/jobs/{id}/do/{token}/{callback}`.
pub async fn report(
    context: &RequestContext<'_>,
    id: JobId,
    token: &str,
    callback: CallbackKind,
) -> Result<JobCommand, Problem> {
    let attempt = verify(context, Purpose::Callback, id, token)?;
    let report = callback.parse(id, &context.call.body(BODY_MAX_BYTES).await?)?;
    Ok(JobCommand::Callback { attempt, report })
}

/// `POST /api/runpod/webhook/{id}/{token}`. The body is not read: RunPod's `/status` is asked instead,
/// since the webhook is not signed and may be late, doubled or forged.
pub fn webhook(context: &RequestContext<'_>, id: JobId, token: &str) -> Result<JobCommand, Problem> {
    let attempt = verify(context, Purpose::Webhook, id, token)?;
    Ok(JobCommand::Webhook { attempt })
}

fn verify(context: &RequestContext<'_>, purpose: Purpose, id: JobId, token: &str) -> Result<u32, Problem> {
    let verified = context.config.signer.verify(purpose, id, token, clock::now());
    verified.map_err(|bad| Problem::new(ProblemCode::BadToken, format!("Callback rejected: {bad}.")))
}

/// Reports are a few hundred bytes.
const BODY_MAX_BYTES: usize = 64 * 1024;
