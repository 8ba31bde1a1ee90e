//! A delivery as it is sent: URL, headers, body.
//!
//! Invariant: nothing of it may be logged. The body has presigned URLs, which are fresh with each attempt.

use crate::base::time::Timestamp;
use crate::config::Config;
use crate::job::log::LogEntry;
use crate::job::spec::JobSpec;
use crate::job::state::Job;
use crate::objects::job_view::with_urls;
use crate::objects::reader::Reader;
use crate::objects::subscribe::{SocketProtocol, entry_message};
use crate::sql::webhooks::WebhookRow;
use crate::webhook::address::{Reach, WebhookUrl};
use crate::webhook::delivery::DeliveryFault;
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::signature::{WebhookSecret, signed_headers};
use crate::wire::webhook::{event_body, message_id, test_body};

/// One request to an endpoint.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    /// Where it goes.
    pub url: WebhookUrl,
    /// Its headers, beside those of every request.
    pub headers: [(&'static str, String); 3],
    /// JSON.
    pub body: String,
}

/// What may be called: this machine in development only.
pub const fn reach(config: &Config) -> Reach {
    if config.development { Reach::PublicAndLoopback } else { Reach::Public }
}

/// The request that delivers an event of a job, to an endpoint or, without one, to the job's own URL.
///
/// # Errors
/// Why nothing can be sent.
pub fn delivery_request(
    config: &Config,
    (spec, job): (&JobSpec, &Job),
    (event_type, entry): (WebhookEventType, &LogEntry),
    endpoint: Option<&WebhookRow>,
    now: Timestamp,
) -> Result<WebhookRequest, DeliveryFault> {
    let (url, secrets) = match endpoint {
        Some(row) if row.is_disabled => return Err(DeliveryFault::EndpointDisabled),
        Some(row) => (row.url.as_str(), secrets(config, row, now)),
        None => {
            let url = spec.webhook_url.as_deref().ok_or(DeliveryFault::EndpointDeleted)?;
            (url, vec![config.id_key.webhook_url_secret(spec.owner)])
        }
    };
    // It was checked when it came; the rules may have changed since.
    let url = WebhookUrl::parse(url, reach(config)).map_err(|_| DeliveryFault::UrlNotAllowed)?;
    let link = Reader::Owner.link(job.link_generation, now);
    let body = with_urls(config, spec, &entry.snapshot, link, now, |urls| {
        let message = entry_message(spec, entry, SocketProtocol::Message, Reader::Owner, urls);
        event_body(event_type, entry.at, &message)
    });
    let headers = signed_headers(&message_id(spec.id, entry), now, &body, &secrets);
    Ok(WebhookRequest { url, headers, body })
}

/// The request that tests an endpoint; `request_id` makes its message id.
///
/// # Errors
/// Why nothing can be sent.
pub fn test_request(
    config: &Config,
    row: &WebhookRow,
    request_id: &str,
    now: Timestamp,
) -> Result<WebhookRequest, DeliveryFault> {
    let url = WebhookUrl::parse(&row.url, reach(config)).map_err(|_| DeliveryFault::UrlNotAllowed)?;
    let body = test_body(row.id, now);
    let headers = signed_headers(&format!("msg_test_{request_id}"), now, &body, &secrets(config, row, now));
    Ok(WebhookRequest { url, headers, body })
}

fn secrets(config: &Config, row: &WebhookRow, now: Timestamp) -> Vec<WebhookSecret> {
    let generations = row.generations(now).into_iter();
    generations.map(|generation| config.id_key.webhook_secret(row.id, generation)).collect()
}
