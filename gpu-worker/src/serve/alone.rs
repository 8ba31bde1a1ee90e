//! One attempt without a queue of ours: what a worker of RunPod's cloud runs for each job.
//!
//! Invariant: it is the same attempt that `serve` runs, and leaves as little behind.

use std::path::PathBuf;
use std::sync::Arc;

use reel_core::job::gpu_service::RunpodJobId;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Log;
use super::StartError;
use super::Timing;
use super::attempt::Attempt;
use super::attempt::Shop;
use super::http;
use super::queue::RunEnd;
use super::scratch::Scratch;

/// One attempt, ready to run.
#[derive(Debug)]
pub struct Alone {
    /// `input` of the job, as the queue has it.
    pub input: String,
    /// RunPod's id of the job, for the API and the log.
    pub runpod_job_id: Option<RunpodJobId>,
    /// Where the job's folder is made.
    pub scratch: PathBuf,
    /// Every wait.
    pub timing: Timing,
    /// Where log lines go.
    pub log: Log,
}

impl Alone {
    /// Claims, renders, uploads and reports; answers the job's result at RunPod, with a member `error`
    /// when it failed. `cancel` ends it within a second; its files are gone then.
    ///
    /// # Errors
    /// When the scratch folder cannot be used, or the system has no TLS root certificates.
    pub async fn run(self, cancel: CancellationToken) -> Result<Value, StartError> {
        let shop = Shop {
            client: http::client().map_err(StartError::Client)?,
            timing: self.timing,
            log: self.log,
            scratch: Arc::new(Scratch::open(&self.scratch).map_err(StartError::Scratch)?),
        };
        let scratch = shop.scratch.clone();
        let claimant = self.runpod_job_id.map(|id| id.as_str().to_owned());
        let end = Attempt::alone(shop, claimant, self.input, cancel).run().await;
        // A progress report that is still on its way keeps the shop alive, and the folder with it.
        scratch.remove();
        Ok(match end {
            RunEnd::Returned(result) => result,
            // Only scripts of faults say so, and there is none here.
            RunEnd::TimedOut | RunEnd::Lost => {
                serde_json::json!({"status": "error", "error": "the worker was lost"})
            }
        })
    }
}
