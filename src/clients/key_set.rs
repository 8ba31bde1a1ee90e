//! The identity provider's key set, over HTTP.
//!
//! Invariant: no answer is an answer too. Nothing here returns an error, and no URL is logged. No redirect is
//! followed: whoever can redirect the address must not choose the keys.

use reel_core::auth::jwt::key_set::{JwkSet, KEY_SET_MAX_BYTES};
use reel_core::auth::jwt::settings::KeySetUrl;
use reel_core::base::time::DurationMs;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use worker::{AbortSignal, Fetch, Method, Request, RequestInit, RequestRedirect, ResponseBody, web_sys};

use super::runpod::error_kind;
use crate::platform::log::log;
use crate::platform::stream::read_at_most;

/// The keys that the provider publishes now; `None` when it gives none in time.
pub async fn fetch(url: &KeySetUrl, within: DurationMs, subject: LogSubject<'_>) -> Option<JwkSet> {
    match try_fetch(url, within).await {
        Ok(set) => Some(set),
        Err(why) => {
            log(subject, LogEvent::KeySetUnavailable, &why);
            None
        }
    }
}

async fn try_fetch(url: &KeySetUrl, within: DurationMs) -> Result<JwkSet, String> {
    let failed = |cause: worker::Error| error_kind(&cause).to_owned();
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url.as_str(), &init).map_err(failed)?;
    // The signal also ends a body that trickles.
    let timeout_ms = u32::try_from(within.0).unwrap_or(u32::MAX);
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(timeout_ms));
    let response = Fetch::Request(request).send_with_signal(&signal).await.map_err(failed)?;
    match response.status_code() {
        200 => {}
        status => return Err(format!("HTTP {status}")),
    }
    let body = match response.body() {
        ResponseBody::Stream(stream) => read_at_most(stream, KEY_SET_MAX_BYTES).await,
        ResponseBody::Empty | ResponseBody::Body(_) => Ok(Some(Vec::new())),
    };
    // What is over the bound is too long for the core as well, which says so.
    let body = body.map_err(|_| "the answer ended early or timed out".to_owned())?;
    let body = body.unwrap_or_else(|| vec![b' '; KEY_SET_MAX_BYTES + 1]);
    JwkSet::parse(&body).map_err(|error| error.to_string())
}
