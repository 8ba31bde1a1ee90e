//! Calls to RunPod, each with an end and a reply that the core reads.
//!
//! Invariant: no answer is an answer too. Nothing here returns an error, and no URL is logged.

use std::cell::RefCell;

use reel_core::base::object_key::ObjectKey;
use reel_core::base::sorted_map::SortedMap;
use reel_core::base::time::DurationMs;
use reel_core::config::RunpodConfig;
use reel_core::job::breaker::{Breaker, BreakerLog, Permit, RunpodCall};
use reel_core::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply};
use reel_core::job::spec::JobSpec;
use reel_core::job::timeouts::Timeouts;
use reel_core::objects::job_view::AttemptUrls;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::wire::gpu_worker::RunInput;
use reel_core::wire::runpod::{
    HttpReply, cancel_confirmed, parse_health, parse_status_reply, parse_submit_reply, run_request_body,
};
use wasm_bindgen::JsValue;
use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, web_sys};

use crate::platform::clock;
use crate::platform::log::log;

/// An HTTP reply, owned.
pub(super) struct OwnedHttpReply {
    pub(super) status: u16,
    retry_after: Option<String>,
    pub(super) body: String,
}

/// Calls to one endpoint for one job.
#[derive(Clone, Copy)]
pub struct RunpodClient<'c> {
    /// The endpoint and its key.
    pub endpoint: &'c RunpodConfig,
    /// How long a reply may take.
    pub timeouts: &'c Timeouts,
    /// The job.
    pub spec: &'c JobSpec,
}

thread_local! {
    /// By endpoint: jobs go on asking where they were submitted. What the objects of this isolate share.
    static BREAKERS: RefCell<SortedMap<String, Breaker>> = RefCell::default();
}

/// More endpoints than an isolate meets.
const BREAKERS_MAX: usize = 16;

impl RunpodClient<'_> {
    /// `POST /run` for one attempt.
    pub async fn submit(self, attempt: u32, urls: AttemptUrls) -> SubmitReply {
        let permit = self.permit(RunpodCall::Submit);
        if let Permit::Wait(pause) = permit {
            return SubmitReply::NotSent(pause);
        }
        let spec = self.spec;
        let input = RunInput {
            job_id: spec.id,
            attempt,
            job_type: spec.job_type,
            input_video_key: spec.input_key.as_str().to_owned(),
            output_video_key: ObjectKey::output(spec.id, attempt).as_str().to_owned(),
            params: spec.params.clone(),
            callback_url: urls.callback_url,
            callback: Some(urls.callback),
        };
        let (execution, queue) = (self.timeouts.execution_timeout, self.timeouts.queue_timeout);
        let body = run_request_body(&input, &urls.webhook_url, execution, queue);
        let timeout = self.timeouts.submit_request_timeout;
        match self.request(attempt, permit, Method::Post, "/run", Some(&body), timeout).await {
            Some(reply) => parse_submit_reply(reply.as_reply()),
            None => SubmitReply::Unknown,
        }
    }

    /// `GET /status/{id}`.
    pub async fn status(self, attempt: u32, job: &RunpodJobId) -> StatusReply {
        let permit = self.permit(RunpodCall::Question);
        if let Permit::Wait(pause) = permit {
            return StatusReply::NotAsked(pause);
        }
        let path = format!("/status/{}", job.as_str());
        let timeout = self.timeouts.status_request_timeout;
        match self.request(attempt, permit, Method::Get, &path, None, timeout).await {
            Some(reply) => parse_status_reply(reply.as_reply()),
            None => StatusReply::Unknown,
        }
    }

    /// `GET /health`.
    pub async fn endpoint_load(self, attempt: u32) -> Option<EndpointLoad> {
        let permit = self.permit(RunpodCall::Question);
        if matches!(permit, Permit::Wait(_)) {
            return None;
        }
        let timeout = self.timeouts.status_request_timeout;
        parse_health(self.request(attempt, permit, Method::Get, "/health", None, timeout).await?.as_reply())
    }

    /// `POST /cancel/{id}`: whether the RunPod job is known not to run any more. It is sent in any case, since
    /// it is tried a few times only and a render costs money.
    pub async fn cancel(self, attempt: u32, job: &RunpodJobId) -> bool {
        let path = format!("/cancel/{}", job.as_str());
        let timeout = self.timeouts.status_request_timeout;
        let reply = self.request(attempt, Permit::Send, Method::Post, &path, Some("{}"), timeout).await;
        reply.is_some_and(|reply| cancel_confirmed(reply.status))
    }

    /// One request; `None` when there was no whole reply in time.
    async fn request(
        self,
        attempt: u32,
        permit: Permit,
        method: Method,
        path: &str,
        body: Option<&str>,
        timeout: DurationMs,
    ) -> Option<OwnedHttpReply> {
        let verb = path.split('/').nth(1).unwrap_or_default();
        let job = self.spec.id.to_string();
        let subject = LogSubject::Job(&job, Some(attempt));
        match self.exchange(method, path, body, timeout).await {
            Ok(reply) => {
                log_breaker(self.breaker(Breaker::answered));
                if reply.status >= 400 {
                    log(subject, LogEvent::RunpodRefused, &format!("{verb}: HTTP {}", reply.status));
                }
                Some(reply)
            }
            Err(cause) => {
                let (line, is_own) = self.breaker(|breaker| {
                    let line = breaker.unanswered(permit, self.spec.id, clock::now());
                    (line, breaker.logs_each_call())
                });
                if is_own {
                    log(subject, LogEvent::RunpodSilent, &format!("{verb}: {}", error_kind(&cause)));
                }
                log_breaker(line);
                None
            }
        }
    }

    fn permit(self, call: RunpodCall) -> Permit {
        self.breaker(|breaker| breaker.permit(call, self.spec.id, clock::now()))
    }

    /// Asks or tells the endpoint's breaker something. Nothing awaits meanwhile.
    fn breaker<T>(self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        BREAKERS.with_borrow_mut(|breakers| {
            let endpoint = &self.endpoint.endpoint;
            let mut breaker = breakers.remove(endpoint).unwrap_or_default();
            let result = act(&mut breaker);
            if breakers.len() >= BREAKERS_MAX {
                breakers.clear();
            }
            breakers.insert(endpoint.clone(), breaker);
            result
        })
    }

    async fn exchange(
        self,
        method: Method,
        path: &str,
        body: Option<&str>,
        timeout: DurationMs,
    ) -> worker::Result<OwnedHttpReply> {
        let headers = Headers::new();
        headers.set("authorization", &format!("Bearer {}", self.endpoint.key.reveal()))?;
        headers.set("content-type", "application/json")?;
        let mut init = RequestInit::new();
        init.with_method(method).with_headers(headers).with_body(body.map(JsValue::from_str));
        // The body has the callback's token: whoever can redirect the endpoint must not get it.
        init.with_redirect(RequestRedirect::Manual);
        let url = format!("{}{path}", self.endpoint.endpoint);
        fetch_with_timeout(Request::new_with_init(&url, &init)?, timeout).await
    }
}

fn log_breaker(line: Option<BreakerLog>) {
    match line {
        Some(BreakerLog::Paused(calls)) => {
            log(LogSubject::Endpoint, LogEvent::RunpodPaused, &calls.to_string());
        }
        Some(BreakerLog::Resumed(calls)) => {
            log(LogSubject::Endpoint, LogEvent::RunpodResumed, &calls.to_string());
        }
        None => {}
    }
}

impl OwnedHttpReply {
    fn as_reply(&self) -> HttpReply<'_> {
        HttpReply { status: self.status, retry_after: self.retry_after.as_deref(), body: &self.body }
    }
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
