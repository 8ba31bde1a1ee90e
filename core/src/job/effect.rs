//! What must be done, as data. The shell performs effects after the commit and reports results as events.

use crate::base::object_key::ObjectKey;
use crate::job::gpu_service::RunpodJobId;
use crate::job::log::LogEntry;
use crate::job::state::Job;
use crate::job::status::JobStatus;
use crate::webhook::delivery::EndpointNote;
use crate::webhook::id::WebhookId;
use crate::webhook::queue::DeliveryAttempt;

/// Something to do. Each effect has its own timeout in the shell, and each may safely be done twice.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEffect {
    /// Submit this attempt to RunPod; the reply is `SubmitReplied`.
    Submit {
        /// Number of the attempt.
        attempt: u32,
    },
    /// Poll RunPod for the status; the reply is `StatusPolled`.
    PollStatus {
        /// Number of the attempt.
        attempt: u32,
        /// The RunPod job.
        runpod_job_id: RunpodJobId,
    },
    /// Read how busy the endpoint is; the reply, if any, is `EndpointLoadRead`.
    ReadEndpointLoad {
        /// The attempt that waits in the queue.
        attempt: u32,
    },
    /// Cancel a RunPod job; the reply is `CancelReplied`.
    CancelRunpodJob {
        /// The RunPod job.
        runpod_job_id: RunpodJobId,
    },
    /// Read size of output, poster and companions; the reply is `OutputChecked`.
    CheckOutput {
        /// Key of the output.
        key: ObjectKey,
        /// Key that its poster may have.
        poster: ObjectKey,
        /// Keys of its companions.
        companions: Vec<ObjectKey>,
    },
    /// Delete objects that came too late to be a result. There is no reply: objects that could not be
    /// deleted are deleted with the job.
    DeleteObjects {
        /// Their keys; never the output of a complete job.
        keys: Vec<ObjectKey>,
    },
    /// Delete what lies in the job's output folder beside its result; the reply is `OutputsSwept`. No presigned
    /// PUT is valid any more.
    SweepOutputs {
        /// The result, its poster and companions.
        keep: Vec<ObjectKey>,
    },
    /// Write this version to the index; the reply is `IndexWritten`.
    WriteIndex {
        /// Version of the row.
        version: u64,
        /// Whether the reply must say which endpoints hear of the job's events.
        find_endpoints: bool,
    },
    /// Send an event to an endpoint; the reply is `DeliveryEnded`. Nothing waits for it.
    DeliverWebhook(DeliveryAttempt),
    /// Keep in an endpoint's row what came of a delivery. There is no reply: the next delivery says it again.
    NoteEndpoint {
        /// The endpoint.
        webhook_id: WebhookId,
        /// What came of it.
        note: EndpointNote,
    },
}

/// What the sender of an event is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event changed the job.
    Applied,
    /// The event changed the job, and another attempt follows.
    Retrying,
    /// The event came too late or twice. Nothing changed.
    Ignored,
    /// The event belongs to an attempt that a newer one has replaced.
    Stale,
    /// Another GPU worker has claimed the attempt.
    AlreadyClaimed,
    /// This is not possible in the job's status.
    WrongStatus(JobStatus),
}

/// The result of [`apply`](crate::job::step::apply): the new job and what follows from it.
///
/// The shell writes `job` (if `persist`) and `entries` in one transaction, then sends messages to
/// subscribers, then performs `effects`.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Step {
    /// The job after the event.
    pub job: Job,
    /// Whether the job must be written. If not, it may be lost without harm.
    pub persist: bool,
    /// Log entries to store and to send to subscribers.
    pub entries: Vec<LogEntry>,
    /// Whether subscribers get a progress message that is not stored.
    pub broadcast_progress: bool,
    /// What to do after the commit.
    pub effects: Vec<JobEffect>,
    /// What the sender of the event is told.
    pub outcome: Outcome,
}

impl Step {
    /// Whether the last entry was stored: subscribers are closed once they have it.
    pub fn closes_subscribers(&self) -> bool {
        self.job.end().is_some() && !self.entries.is_empty()
    }
}
