//! What must be done, as data: the shell drives effects after the commit and reports back with an event.

use crate::base::object_key::ObjectKey;
use crate::job::gpu_service::RunpodJobId;
use crate::job::log::LogEntry;
use crate::job::state::Job;
use crate::job::status::JobStatus;

/// Something to do. Each has its own deadline in the shell, and each is safe to do twice.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEffect {
    /// `POST /run` for this attempt; answered by `SubmitReplied`.
    Submit {
        /// Which attempt.
        attempt: u32,
    },
    /// `GET /status/{id}`; answered by `StatusPolled`.
    PollStatus {
        /// Which attempt.
        attempt: u32,
        /// RunPod's name of it.
        runpod_job_id: RunpodJobId,
    },
    /// `GET /health`; answered by `EndpointLoadRead`, or not at all.
    ReadEndpointLoad {
        /// The attempt that waits there.
        attempt: u32,
    },
    /// `POST /cancel/{id}`; answered by `CancelReplied`.
    CancelRunpodJob {
        /// RunPod's name of it.
        runpod_job_id: RunpodJobId,
    },
    /// Head both objects; answered by `OutputChecked`.
    CheckOutput {
        /// Where.
        key: ObjectKey,
        /// Where its picture may be.
        poster: ObjectKey,
    },
    /// Delete objects that came too late to be anybody's result. Nothing is heard of it: what stays
    /// behind by accident goes when the job is deleted.
    DeleteObjects {
        /// Which; never the result of a complete job.
        keys: Vec<ObjectKey>,
    },
    /// Bring the D1 row up to this version; answered by `IndexWritten`.
    WriteIndex {
        /// Which version.
        version: u64,
    },
}

/// What the caller of an event is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed the job.
    Applied,
    /// It changed the job, and another attempt will follow.
    Retrying,
    /// It came too late or twice; nothing changed.
    Ignored,
    /// It belongs to an attempt that another has replaced.
    Stale,
    /// The attempt is in another worker's hands.
    AlreadyClaimed,
    /// A job in this status cannot do that.
    WrongStatus(JobStatus),
}

/// The answer of [`apply`](crate::job::step::apply): the new job and what follows from it.
///
/// The shell writes `job` (when `keep`) and `log` in one transaction, then tells watchers, then drives
/// `effects`.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Step {
    /// The job afterwards.
    pub job: Job,
    /// Whether it must be written; otherwise losing it does no harm.
    pub persist: bool,
    /// Events to store and to tell.
    pub entries: Vec<LogEntry>,
    /// Whether watchers are told of progress that is not stored.
    pub broadcast_progress: bool,
    /// What to do.
    pub effects: Vec<JobEffect>,
    /// What the caller is told.
    pub outcome: Outcome,
}

impl Step {
    /// Whether the last entry was stored: subscribers are closed once they have it.
    pub fn closes_subscribers(&self) -> bool {
        self.job.end().is_some() && !self.entries.is_empty()
    }
}
