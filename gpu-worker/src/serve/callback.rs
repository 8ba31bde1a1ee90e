//! The attempt's line to the API: claim, progress, complete, error.
//!
//! Invariants: the callback URL is a capability and never reaches a log or an error text; an
//! answer that says the attempt is over is never argued with; everything else that is not an
//! answer (no connection, 5xx, 429, a proxy's page) is tried again until patience runs out.

use std::time::Duration;

use reel_core::wire::gpu_worker::CallbackResponse;
use reel_core::wire::gpu_worker::ClaimResponse;
use reel_core::wire::gpu_worker::CompleteReport;
use reel_core::wire::gpu_worker::ErrorReport;
use reel_core::wire::gpu_worker::ProgressReport;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use super::log::Log;
use super::timing::Backoff;
use super::timing::Timing;

/// The callbacks of one attempt.
#[derive(Clone)]
pub struct Callback {
    client: reqwest::Client,
    url: String,
    timing: Timing,
    log: Log,
    job: String,
}

/// Why a call did not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// Another attempt took over, or the job has ended: stop, and say nothing more.
    #[error("this attempt is over")]
    Over,
    /// The API does not understand us; trying again cannot help.
    #[error("the export API refused the call with HTTP {0}")]
    Refused(u16),
    /// No answer for as long as it makes sense to wait.
    #[error("the export API could not be reached")]
    Unreachable,
}

/// What the answer to a progress report means for the render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Go on; a lost report counts as this, too.
    Current,
    /// Stop: nobody wants the result any more.
    Over,
}

impl Callback {
    /// `url` is the attempt's `callback_url`, `job` what to call it in the log.
    pub fn new(client: reqwest::Client, url: &str, timing: Timing, log: Log, job: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { client, url, timing, log, job: job.to_owned() }
    }

    /// Takes the attempt and gets fresh URLs. `claimant` is the queue's id of this run, where there is
    /// one: by it the API tells two runs of one attempt apart, and knows which to cancel.
    pub async fn claim(&self, claimant: Option<&str>) -> Result<ClaimResponse, CallError> {
        let body = claimant.map_or_else(|| json!({}), |id| json!({"runpod_job_id": id}));
        self.insist("claim", &body, self.timing.claim_patience).await
    }

    /// Tells that the output was put. `Over` when somebody else ended the job before.
    pub async fn complete(&self, report: &CompleteReport) -> Result<CallbackResponse, CallError> {
        self.insist("complete", report, self.timing.report_patience).await
    }

    /// Tells that the attempt failed.
    pub async fn error(&self, report: &ErrorReport) -> Result<CallbackResponse, CallError> {
        self.insist("error", report, self.timing.report_patience).await
    }

    /// Tells how far the attempt is: one try, and its loss is no harm.
    pub async fn progress(&self, report: &ProgressReport) -> Standing {
        match self.call::<CallbackResponse>("progress", report, self.timing.progress_timeout).await {
            // A route that is not there for a moment (404) is no reason to throw a render away.
            Call::Answered(_) | Call::Refused(_) | Call::Failed { .. } | Call::Over(404) => Standing::Current,
            Call::Over(_) => Standing::Over,
        }
    }

    async fn insist<T: DeserializeOwned>(
        &self,
        action: &str,
        body: &impl Serialize,
        patience: Duration,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::new(&self.timing, patience);
        let mut is_first_failure = true;
        loop {
            match self.call(action, body, self.timing.call_timeout).await {
                Call::Answered(answer) => return Ok(answer),
                Call::Over(_) => return Err(CallError::Over),
                Call::Refused(status) => return Err(CallError::Refused(status)),
                Call::Failed { why, retry_after } => {
                    if std::mem::take(&mut is_first_failure) {
                        self.log.job(&self.job, format_args!("{action}: {why}, trying again"));
                    }
                    if !backoff.pause(retry_after).await {
                        return Err(CallError::Unreachable);
                    }
                }
            }
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Call<T> {
        let Ok(body) = serde_json::to_vec(body) else { return Call::Refused(0) };
        let request = self
            .client
            .post(format!("{}/{action}", self.url))
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .timeout(timeout);
        match request.send().await {
            Ok(answer) => Call::read(answer).await,
            Err(error) if error.is_builder() => Call::Refused(0),
            Err(error) => {
                Call::failed(if error.is_timeout() { "no answer in time" } else { "no connection" })
            }
        }
    }
}

enum Call<T> {
    Answered(T),
    Over(u16),
    Refused(u16),
    Failed { why: String, retry_after: Option<Duration> },
}

impl<T: DeserializeOwned> Call<T> {
    async fn read(answer: reqwest::Response) -> Self {
        let status = answer.status();
        let retry_after = retry_after(&answer);
        match status {
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::GONE => Self::Over(status.as_u16()),
            _ if is_transient(status) => Self::Failed { why: format!("HTTP {status}"), retry_after },
            _ if !status.is_success() => Self::Refused(status.as_u16()),
            _ => match answer.bytes().await {
                Ok(body) => Self::parse(&body, status),
                Err(_) => Self::failed("the answer broke off"),
            },
        }
    }

    fn parse(body: &[u8], status: StatusCode) -> Self {
        match serde_json::from_slice::<Applied>(body) {
            Ok(Applied { applied: false }) => Self::Over(status.as_u16()),
            Ok(_) => serde_json::from_slice(body)
                .map_or_else(|_| Self::failed("an answer that makes no sense"), Self::Answered),
            Err(_) => Self::failed("an answer that is not the API's"),
        }
    }

    fn failed(why: &str) -> Self {
        Self::Failed { why: why.to_owned(), retry_after: None }
    }
}

#[derive(Deserialize)]
struct Applied {
    applied: bool,
}

/// Whether the same request may do better in a moment.
pub fn is_transient(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

/// `Retry-After` in seconds, capped: nobody may send us to sleep for an hour.
pub fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds).min(Duration::from_secs(30)))
}
