//! `GET /api/limits`.

use reel_core::http::problem::Problem;
use reel_core::http::quotas::{LimitUsage, limits_json};

use super::{HandlerResponse, RequestContext};
use crate::limits;
use crate::platform::clock;
use crate::platform::http::HttpResponse;

/// The caller's limits, and what of them is used.
pub async fn show(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let mut usage = LimitUsage { requests: limits::requests_used(context), ..LimitUsage::default() };
    if let Some(owner) = context.owner() {
        usage.jobs_in_flight = Some(limits::open_jobs(context, owner).await?);
        usage.upload_bytes = Some(limits::uploaded_today(context, owner).await?);
    }
    let body = limits_json(&context.caller, &context.config.limits, &usage, clock::now());
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body)))
}
