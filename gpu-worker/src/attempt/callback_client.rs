//! The attempt's calls to the API: claim, progress, complete, error.
//!
//! Invariants: callback URL and token are capabilities and never reach a log or an error text; a response
//! that ends the attempt is final; everything else that is not the API's own response (no connection,
//! 5xx, 429, a proxy's page) is retried until the retry timeout.

use std::time::Duration;

use reel_core::wire::gpu_worker::{
    CallbackResponse, ClaimRequest, ClaimResponse, CompleteReport, ErrorReport, ProgressReport, RunInput,
};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::context::AttemptContext;
use super::http::{is_transient, read_bounded, retry_after};
use super::timeouts::Backoff;

/// The callbacks of one attempt.
#[derive(Clone)]
pub(super) struct CallbackClient {
    context: AttemptContext,
    /// What the log calls the attempt.
    id: String,
    url: String,
    /// Sent in a header; an older API has it in the URL.
    token: Option<String>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum CallError {
    /// Another attempt took over, or the job has ended: stop, and make no more calls.
    #[error("the export API has ended this attempt")]
    Superseded,
    /// The API does not understand the call: another try cannot help.
    #[error("the export API refused the call with HTTP {0}")]
    Rejected(u16),
    /// No response until the retry timeout.
    #[error("the export API could not be reached")]
    Unreachable,
}

/// What the response to a progress report means for the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptStatus {
    /// Go on; also when the report was lost.
    Current,
    /// Stop: the result is not needed any more.
    Superseded,
}

impl CallbackClient {
    pub(super) fn new(context: &AttemptContext, id: &str, input: &RunInput) -> Self {
        let (url, token) = match &input.callback {
            Some(callback) => (&callback.url, Some(callback.token.clone())),
            None => (&input.callback_url, None),
        };
        let url = url.trim_end_matches('/').to_owned();
        Self { context: context.clone(), id: id.to_owned(), url, token }
    }

    /// Claims the attempt and gets fresh URLs. By RunPod's job id the API tells two runs of one attempt
    /// apart, and knows which to cancel.
    pub(super) async fn claim(&self, runpod_job_id: Option<&str>) -> Result<ClaimResponse, CallError> {
        let body = ClaimRequest { runpod_job_id: runpod_job_id.map(str::to_owned), conditional_put: true };
        self.retry_call("claim", &body, self.context.timeouts.claim_retry_timeout).await
    }

    /// Reports that the output was uploaded. `Superseded` when the job has ended already.
    pub(super) async fn complete(&self, report: &CompleteReport) -> Result<(), CallError> {
        self.report("complete", report).await
    }

    /// Reports that the attempt failed.
    pub(super) async fn error(&self, report: &ErrorReport) -> Result<(), CallError> {
        self.report("error", report).await
    }

    /// Reports progress, once; a lost report does no harm.
    pub(super) async fn progress(&self, report: &ProgressReport) -> AttemptStatus {
        match self.call::<CallbackResponse>("progress", report, self.context.timeouts.progress_timeout).await
        {
            // A route that is missing for a moment (404) is no reason to discard a render.
            CallResult::Success(_)
            | CallResult::Rejected(_)
            | CallResult::Retryable { .. }
            | CallResult::Superseded(404) => AttemptStatus::Current,
            CallResult::Superseded(_) => {
                self.log(CallError::Superseded);
                AttemptStatus::Superseded
            }
        }
    }

    async fn report(&self, action: &str, report: &impl Serialize) -> Result<(), CallError> {
        let retry_timeout = self.context.timeouts.report_retry_timeout;
        self.retry_call::<CallbackResponse>(action, report, retry_timeout).await.map(|_| ())
    }

    async fn retry_call<T: DeserializeOwned>(
        &self,
        action: &str,
        body: &impl Serialize,
        retry_timeout: Duration,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::new(&self.context.timeouts, retry_timeout);
        let mut is_first_failure = true;
        loop {
            match self.call(action, body, self.context.timeouts.call_timeout).await {
                CallResult::Success(response) => return Ok(response),
                CallResult::Superseded(_) => {
                    self.log(CallError::Superseded);
                    return Err(CallError::Superseded);
                }
                CallResult::Rejected(status) => return Err(CallError::Rejected(status)),
                CallResult::Retryable { why, retry_after } => {
                    if std::mem::take(&mut is_first_failure) {
                        self.log(format_args!("{action}: {why}, retrying"));
                    }
                    if !backoff.wait(retry_after).await {
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
    ) -> CallResult<T> {
        let Ok(body) = serde_json::to_vec(body) else { return CallResult::Rejected(0) };
        let request = self
            .context
            .client
            .post(format!("{}/{action}", self.url))
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .timeout(timeout);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match request.send().await {
            Ok(response) => CallResult::read(response).await,
            Err(error) if error.is_builder() => CallResult::Rejected(0),
            Err(error) if error.is_timeout() => CallResult::retryable("no response in time"),
            Err(_) => CallResult::retryable("no connection"),
        }
    }

    fn log(&self, what: impl std::fmt::Display) {
        self.context.log.job(&self.id, what);
    }
}

enum CallResult<T> {
    Success(T),
    Superseded(u16),
    Rejected(u16),
    Retryable { why: String, retry_after: Option<Duration> },
}

impl<T: DeserializeOwned> CallResult<T> {
    async fn read(response: reqwest::Response) -> Self {
        let status = response.status();
        let retry_after = retry_after(&response);
        match status {
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::GONE => Self::Superseded(status.as_u16()),
            _ if is_transient(status) => Self::Retryable { why: format!("HTTP {status}"), retry_after },
            _ if !status.is_success() => Self::Rejected(status.as_u16()),
            _ => match read_bounded(response, ANSWER_MAX_BYTES).await {
                Ok(Some(body)) => Self::parse(&body, status),
                Ok(None) => Self::retryable("the response is too large"),
                Err(_) => Self::retryable("the response was cut off"),
            },
        }
    }

    fn parse(body: &[u8], status: StatusCode) -> Self {
        match serde_json::from_slice::<AppliedField>(body) {
            Ok(AppliedField { applied: false }) => Self::Superseded(status.as_u16()),
            Ok(_) => serde_json::from_slice(body)
                .map_or_else(|_| Self::retryable("the response has unexpected fields"), Self::Success),
            Err(_) => Self::retryable("the response is not the API's"),
        }
    }

    fn retryable(why: &str) -> Self {
        Self::Retryable { why: why.to_owned(), retry_after: None }
    }
}

/// A claim's answer holds params, at most 1 MiB, and some URLs.
const ANSWER_MAX_BYTES: usize = 4 << 20;

#[derive(Deserialize)]
struct AppliedField {
    applied: bool,
}
