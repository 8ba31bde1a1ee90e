//! The webhook of one ended job, as RunPod sends it.
//!
//! Invariant: the receiver's response does not change the job, which stays readable by `/status`.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep_until};

use super::EmulatorTimeouts;
use super::queue::QueuedJob;
use crate::attempt::Log;

/// One webhook to be sent.
#[derive(Clone, Debug)]
pub struct Webhook {
    url: String,
    body: Vec<u8>,
    job: String,
}

/// RunPod's body, keys in the order in which its Go server writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookBody<'a> {
    delay_time: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    execution_time: u128,
    id: &'a str,
    input: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a Value>,
    status: &'a str,
    webhook: &'a str,
}

impl Webhook {
    /// The webhook of a job that has just ended; `None` when it has no webhook URL.
    ///
    /// `status` is the job's own, unless a script says otherwise.
    pub fn for_job(id: &str, job: &QueuedJob, status: &str) -> Option<Self> {
        let url = job.request.webhook.as_deref()?;
        let body = WebhookBody {
            delay_time: job.delay.unwrap_or_default().as_millis(),
            error: job.error.as_deref(),
            execution_time: job.execution.unwrap_or_default().as_millis(),
            id,
            input: &job.request.input,
            output: job.output.as_ref(),
            status,
            webhook: url,
        };
        Some(Self { url: url.to_owned(), body: serde_json::to_vec(&body).ok()?, job: id.to_owned() })
    }

    /// Tries at RunPod's times until a response is 2xx.
    pub async fn send_with_retries(self, client: reqwest::Client, timeouts: EmulatorTimeouts, log: Log) {
        let ended_at = Instant::now();
        for after in &timeouts.webhook_delays {
            sleep_until(ended_at + *after).await;
            let sent = client
                .post(&self.url)
                .header("content-type", "application/json")
                .header("user-agent", "Go-http-client/2.0")
                .header("traceparent", traceparent())
                .timeout(timeouts.webhook_timeout)
                .body(self.body.clone())
                .send()
                .await;
            match sent {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => log.job(&self.job, format_args!("webhook: HTTP {}", response.status())),
                Err(_) => log.job(&self.job, "webhook: no response"),
            }
        }
        log.job(&self.job, "webhook: no more tries");
    }
}

/// A fresh trace (W3C Trace Context), as RunPod's calls carry one.
fn traceparent() -> String {
    format!("00-{:032x}-{:016x}-01", fastrand::u128(1..), fastrand::u64(1..))
}
