//! Facts that the shell reports to a job.

use serde::{Deserialize, Serialize};

use crate::base::object_key::ObjectKey;
use crate::base::object_version::ObjectVersion;
use crate::job::companions::Companions;
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply, WorkerStage};
use crate::job::output_media::OutputMedia;
use crate::webhook::delivery::Subscription;
use crate::webhook::id::DeliveryId;
use crate::webhook::queue::EndedAttempt;

/// A fact about a job. An event of another attempt than the current one does not change the job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// The alarm fired.
    AlarmFired,
    /// RunPod replied to a submit, or did not.
    SubmitReplied {
        /// The attempt that was submitted.
        attempt: u32,
        /// The endpoint it was submitted to. Later calls go there even if the setting has changed.
        endpoint: String,
        /// The reply.
        reply: SubmitReply,
    },
    /// A GPU worker sent a callback. Its token was valid for this attempt.
    CallbackReceived {
        /// The token's attempt.
        attempt: u32,
        /// Content of the callback.
        report: Report,
    },
    /// RunPod's webhook came. It is only a reason to poll: its content is not used.
    WebhookReceived {
        /// The token's attempt.
        attempt: u32,
    },
    /// RunPod replied to a poll, or did not.
    StatusPolled {
        /// The attempt that was polled.
        attempt: u32,
        /// The reply.
        reply: StatusReply,
    },
    /// RunPod reported how busy the endpoint is.
    EndpointLoadRead {
        /// The attempt that waits in the queue.
        attempt: u32,
        /// How busy the endpoint is.
        load: EndpointLoad,
    },
    /// The output was checked in the bucket.
    OutputChecked {
        /// Key of the output.
        key: ObjectKey,
        /// Result for the output.
        output: ObjectCheck,
        /// Result for the poster. Only `Present` with at least one byte counts.
        poster: ObjectCheck,
        /// Results for the companions, in the order of the effect's keys.
        companions: Vec<ObjectCheck>,
    },
    /// RunPod replied to a cancel, or did not.
    CancelReplied {
        /// The RunPod job.
        runpod_job_id: RunpodJobId,
        /// Whether the RunPod job is not running any more. If false, the cancel is repeated.
        confirmed: bool,
    },
    /// Objects that came too late to be reported were deleted, or not.
    OutputsSwept {
        /// Whether nothing is left but the result.
        done: bool,
    },
    /// The index row was written, or not.
    IndexWritten {
        /// Version of the row.
        version: u64,
        /// The number of rows written; `None` if the write failed.
        written: Option<u64>,
        /// The endpoints of the job's owner and of services, if they were asked for.
        endpoints: Option<Vec<Subscription>>,
    },
    /// An attempt to deliver an event has ended.
    DeliveryEnded(EndedAttempt),
    /// A client asks for a delivery once more.
    RedeliveryRequested(DeliveryId),
    /// The cron job found this version of the index row.
    IndexReconciled {
        /// The row's version; `None` without a row.
        version: Option<u64>,
    },
    /// A client cancels the job.
    CancelRequested,
    /// A client retries the job.
    RetryRequested,
    /// A client makes every link to the job useless.
    RevokeLinksRequested,
}

/// The content of a GPU worker's callback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The worker claims the attempt.
    Claim {
        /// The RunPod job that the worker runs for, if it knows.
        runpod_job_id: Option<RunpodJobId>,
        /// Whether the worker can put an object on condition that there is none yet.
        #[serde(default)]
        conditional_put: bool,
    },
    /// The worker reports progress.
    Progress {
        /// Percent of this attempt, 0 to 100.
        percent: u8,
        /// One line for a person.
        message: Option<String>,
        /// What the worker is doing, if the report says so.
        stage: Option<WorkerStage>,
    },
    /// The worker has uploaded the output. This is checked before the job is complete.
    Complete {
        /// Key of the output.
        key: ObjectKey,
        /// Key of the poster, if the report says so.
        #[serde(default)]
        poster: Option<ObjectKey>,
        /// Size of the output, if the report says so.
        #[serde(default)]
        bytes: Option<u64>,
        /// What the worker read from the output, if the report says so.
        #[serde(default)]
        media: Option<OutputMedia>,
        /// What it has put beside.
        #[serde(default, skip_serializing_if = "Companions::is_empty")]
        companions: Companions,
    },
    /// The worker failed.
    Error {
        /// The reason.
        code: ErrorCode,
        /// One sentence for a person.
        sentence: String,
        /// Whether another attempt may follow.
        retryable: bool,
    },
}

/// The result of looking up a key in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectCheck {
    /// There is this object.
    Present(ObjectVersion),
    /// There is no object.
    Missing,
    /// The bucket did not reply.
    Unknown,
}
