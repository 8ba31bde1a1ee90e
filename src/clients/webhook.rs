//! Deliveries to the servers of users, over HTTP.
//!
//! Invariant: every attempt ends within its time and has a reply that the core reads. No redirect is followed, no byte
//! of an answer's body is read, and nothing of the request or the answer but its status is logged.

use reel_core::objects::webhook_delivery::WebhookRequest;
use reel_core::webhook::delivery::{DeliveryFault, DeliveryReply};
use reel_core::webhook::queue::REQUEST_TIMEOUT;
use wasm_bindgen::JsValue;
use worker::{
    AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, ResponseBody, web_sys,
};

use super::runpod::error_kind;

/// Sends one delivery, and says what came of it.
pub async fn send(request: &WebhookRequest) -> DeliveryReply {
    match try_send(request).await {
        Ok(reply) => reply,
        Err(cause) if error_kind(&cause) == "timed out" => DeliveryReply::failed(DeliveryFault::TimedOut),
        Err(_) => DeliveryReply::failed(DeliveryFault::NoConnection),
    }
}

async fn try_send(request: &WebhookRequest) -> worker::Result<DeliveryReply> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("user-agent", USER_AGENT)?;
    for (name, value) in &request.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(JsValue::from_str(&request.body)));
    init.with_redirect(RequestRedirect::Manual);
    let timeout_ms = u32::try_from(REQUEST_TIMEOUT.0).unwrap_or(u32::MAX);
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(timeout_ms));
    let sent = Request::new_with_init(request.url.as_str(), &init)?;
    let response = Fetch::Request(sent).send_with_signal(&signal).await?;
    let retry_after = response.headers().get("retry-after")?;
    let reply = DeliveryReply::of_status(response.status_code(), retry_after.as_deref());
    if let ResponseBody::Stream(stream) = response.body() {
        let _cancelled = stream.cancel();
    }
    Ok(reply)
}

const USER_AGENT: &str = "reel-ballers-webhooks/1";
