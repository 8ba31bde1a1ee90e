//! Calls to the bucket's S3 endpoint, for what its binding cannot do.
//!
//! Invariant: no answer is an answer too. Nothing here returns an error, and no URL is logged.

use std::cell::Cell;

use reel_core::base::time::DurationMs;
use reel_core::config::Config;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::upload::UploadRecord;
use reel_core::upload::event::PartPage;
use reel_core::wire::upload_parts::{ListPartsReply, read_list};
use worker::{Method, Request, RequestInit, RequestRedirect};

use super::runpod::{error_kind, fetch_with_timeout};
use crate::platform::clock;
use crate::platform::log::log;

thread_local! {
    /// Whether this bucket has said that it does not implement `ListParts`: it is not asked again.
    static LISTS_NO_PARTS: Cell<bool> = const { Cell::new(false) };
}

/// A page of the parts that the bucket has of an upload; `None` when it does not say.
pub async fn list_parts(
    config: &Config,
    subject: LogSubject<'_>,
    upload: &UploadRecord,
    marker: Option<u32>,
) -> Option<PartPage> {
    if LISTS_NO_PARTS.get() {
        return None;
    }
    let url =
        config.presigner.list_parts(&upload.key, &upload.storage_id, marker, LIST_LIFETIME, clock::now());
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(&url, &init).ok()?;
    match fetch_with_timeout(request, config.timeouts.status_request_timeout).await {
        Ok(reply) => match read_list(reply.status, &reply.body) {
            ListPartsReply::Page(page) => Some(page),
            ListPartsReply::NotImplemented => {
                LISTS_NO_PARTS.set(true);
                None
            }
            ListPartsReply::Nothing => {
                log(subject, LogEvent::PartsNotListed, &format!("HTTP {}", reply.status));
                None
            }
        },
        Err(cause) => {
            log(subject, LogEvent::PartsNotListed, error_kind(&cause));
            None
        }
    }
}

/// It is used at once.
const LIST_LIFETIME: DurationMs = DurationMs::minutes(1);
