//! Calls to RunPod: each with a deadline, each ending in a reply that the core reads.
//!
//! Invariant: no answer is an answer too. Nothing here returns an error, and no URL is logged.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::config::RunpodConfig;
use reel_core::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply};
use reel_core::job::spec::JobSpec;
use reel_core::job::timeouts::Timeouts;
use reel_core::wire::gpu_worker::RunInput;
use reel_core::wire::runpod;
use reel_core::wire::runpod::HttpReply;
use wasm_bindgen::JsValue;
use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, console_warn, web_sys};

/// An HTTP answer, owned.
pub(super) struct OwnedHttpReply {
    pub(super) status: u16,
    retry_after: Option<String>,
    pub(super) body: String,
}

/// `POST /run` for one attempt.
pub async fn submit(
    gpu: &RunpodConfig,
    order: &JobSpec,
    attempt: u32,
    callback_url: String,
    webhook_url: &str,
    timing: &Timeouts,
) -> SubmitReply {
    let input = RunInput {
        job_id: order.id,
        attempt,
        job_type: order.job_type,
        input_video_key: order.input_key.as_str().to_owned(),
        output_video_key: ObjectKey::output(order.id, attempt).as_str().to_owned(),
        params: order.params.clone(),
        callback_url,
    };
    let body = runpod::run_request_body(&input, webhook_url, timing.execution_timeout, timing.queue_timeout);
    match request(gpu, Method::Post, "/run", Some(&body), timing.submit_request_timeout).await {
        Some(heard) => runpod::parse_submit_reply(heard.as_reply()),
        None => SubmitReply::Unknown,
    }
}

/// `GET /status/{id}`.
pub async fn status(gpu: &RunpodConfig, job: &RunpodJobId, timing: &Timeouts) -> StatusReply {
    let path = format!("/status/{}", job.as_str());
    match request(gpu, Method::Get, &path, None, timing.status_request_timeout).await {
        Some(heard) => runpod::parse_status_reply(heard.as_reply()),
        None => StatusReply::Unknown,
    }
}

/// `GET /health`.
pub async fn endpoint_load(gpu: &RunpodConfig, timing: &Timeouts) -> Option<EndpointLoad> {
    let heard = request(gpu, Method::Get, "/health", None, timing.status_request_timeout).await?;
    runpod::parse_health(heard.as_reply())
}

/// `POST /cancel/{id}`: whether the job is known not to run any more.
pub async fn cancel(gpu: &RunpodConfig, job: &RunpodJobId, timing: &Timeouts) -> bool {
    let path = format!("/cancel/{}", job.as_str());
    match request(gpu, Method::Post, &path, Some("{}"), timing.status_request_timeout).await {
        Some(heard) => runpod::cancel_confirmed(heard.status),
        None => false,
    }
}

impl OwnedHttpReply {
    fn as_reply(&self) -> HttpReply<'_> {
        HttpReply { status: self.status, retry_after: self.retry_after.as_deref(), body: &self.body }
    }
}

/// One request; `None` when there was no whole answer in time.
async fn request(
    gpu: &RunpodConfig,
    method: Method,
    path: &str,
    body: Option<&str>,
    within: DurationMs,
) -> Option<OwnedHttpReply> {
    let verb = path.split('/').nth(1).unwrap_or_default().to_owned();
    match exchange(gpu, method, path, body, within).await {
        Ok(heard) => {
            if heard.status >= 400 {
                console_warn!("RunPod answered {} to {verb}", heard.status);
            }
            Some(heard)
        }
        Err(cause) => {
            console_warn!("RunPod did not answer {verb}: {}", error_kind(&cause));
            None
        }
    }
}

async fn exchange(
    gpu: &RunpodConfig,
    method: Method,
    path: &str,
    body: Option<&str>,
    within: DurationMs,
) -> worker::Result<OwnedHttpReply> {
    let headers = Headers::new();
    headers.set("authorization", &format!("Bearer {}", gpu.key.reveal()))?;
    headers.set("content-type", "application/json")?;
    let mut init = RequestInit::new();
    init.with_method(method).with_headers(headers).with_body(body.map(JsValue::from_str));
    fetch_with_timeout(Request::new_with_init(&format!("{}{path}", gpu.endpoint), &init)?, within).await
}

/// The whole answer to a request, in time.
pub(super) async fn fetch_with_timeout(
    request: Request,
    within: DurationMs,
) -> worker::Result<OwnedHttpReply> {
    // The signal also ends a body that trickles.
    let timeout_ms = u32::try_from(within.0).unwrap_or(u32::MAX);
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(timeout_ms));
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let retry_after = response.headers().get("retry-after")?;
    let status = response.status_code();
    Ok(OwnedHttpReply { status, retry_after, body: response.text().await? })
}

/// What kind of error it was: its text may contain the URL.
pub(super) fn error_kind(cause: &worker::Error) -> &'static str {
    match cause {
        worker::Error::UnknownJsError { name: Some(name), .. } if name == "TimeoutError" => "timed out",
        _ => "no connection",
    }
}
