//! What must be done, as data: the shell drives effects after the commit and reports back with an event.

use crate::job::state::{Job, Status};
use crate::job::view::Face;
use crate::object_key::ObjectKey;
use crate::runpod::GpuJobId;
use crate::time::Millis;

/// Something to do. Each has its own deadline in the shell, and each is safe to do twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// `POST /run` for this attempt; answered by `SubmitAnswered`.
    Submit {
        /// Which attempt.
        attempt: u32,
    },
    /// `GET /status/{id}`; answered by `StatusRead`.
    AskStatus {
        /// Which attempt.
        attempt: u32,
        /// RunPod's name of it.
        gpu_job: GpuJobId,
    },
    /// `GET /health`; answered by `CrowdSeen`, or not at all.
    AskCrowd {
        /// The attempt that waits there.
        attempt: u32,
    },
    /// `POST /cancel/{id}`; answered by `CancelAnswered`.
    CancelGpu {
        /// RunPod's name of it.
        gpu_job: GpuJobId,
    },
    /// Head both objects; answered by `OutputLooked`.
    LookForOutput {
        /// Where.
        key: ObjectKey,
        /// Where its picture may be.
        poster: ObjectKey,
    },
    /// Delete objects that came too late to be anybody's result. Nothing is heard of it: what stays
    /// behind by accident goes when the job is deleted.
    Discard {
        /// Which; never the result of a complete job.
        keys: Vec<ObjectKey>,
    },
    /// Bring the D1 row up to this version; answered by `IndexAnswered`.
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
    WrongStatus(Status),
}

/// One stored event: what a watcher sees, and replays after a reconnect.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Noted {
    /// Number of the event, strictly one more than the one before.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// What kind of message it is.
    pub kind: Kind,
    /// The job as it then was.
    pub face: Face,
}

/// The kinds of message on a job's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A snapshot, or a change of status without progress.
    Status,
    /// It got further, or starts over.
    Progress,
    /// The reel is there. The last message.
    Complete,
    /// It failed. The last message.
    Error,
}

impl Kind {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Progress => "progress",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
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
    pub keep: bool,
    /// Events to store and to tell.
    pub log: Vec<Noted>,
    /// Whether watchers are told of progress that is not stored.
    pub tick: bool,
    /// What to do.
    pub effects: Vec<Effect>,
    /// What the caller is told.
    pub outcome: Outcome,
}
