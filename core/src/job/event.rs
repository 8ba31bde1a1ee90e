//! What happened to a job, as the shell saw it.

use serde::{Deserialize, Serialize};

use crate::base::object_key::ObjectKey;
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply, WorkerStage};

/// Something happened. News of another attempt than the current one changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// The alarm rang.
    AlarmFired,
    /// RunPod answered a submit, or did not.
    SubmitReplied {
        /// Which attempt was submitted.
        attempt: u32,
        /// To which endpoint: later questions go there, whatever the configuration says by then.
        endpoint: String,
        /// What came of it.
        reply: SubmitReply,
    },
    /// A GPU worker spoke; its token was good for this attempt.
    CallbackReceived {
        /// The token's attempt.
        attempt: u32,
        /// What it said.
        report: Report,
    },
    /// RunPod's webhook came: a reason to ask, never the truth.
    WebhookReceived {
        /// The token's attempt.
        attempt: u32,
    },
    /// RunPod answered a question about the job, or did not.
    StatusPolled {
        /// Which attempt was asked about.
        attempt: u32,
        /// What it said.
        reply: StatusReply,
    },
    /// RunPod told how busy the endpoint is.
    EndpointLoadRead {
        /// The attempt that waits there.
        attempt: u32,
        /// How busy.
        crowd: EndpointLoad,
    },
    /// The bucket was asked for the result.
    OutputChecked {
        /// Where.
        key: ObjectKey,
        /// What was found.
        found: ObjectCheck,
        /// What was found where its picture should be; anything but bytes means that there is none.
        poster: ObjectCheck,
    },
    /// RunPod was asked to cancel one of its jobs.
    CancelReplied {
        /// Which.
        runpod_job_id: RunpodJobId,
        /// It does not run (any more); otherwise it must be asked again.
        settled: bool,
    },
    /// The index row was written, or not.
    IndexWritten {
        /// Which version.
        version: u64,
        /// Whether it is in the index, and how many rows that took.
        written: Option<u64>,
    },
    /// The sweep found the index row at this version, or none.
    IndexReconciled {
        /// The row's version.
        version: Option<u64>,
    },
    /// A person wants it to stop.
    CancelRequested,
    /// A person wants it to start over.
    RetryRequested,
}

/// What a GPU worker may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// It takes the attempt.
    Claim {
        /// RunPod's name of the job it works for, if it knows.
        runpod_job_id: Option<RunpodJobId>,
    },
    /// It got further.
    Progress {
        /// Percent of this attempt, 0 to 100.
        percent: u8,
        /// One line for a person.
        message: Option<String>,
        /// What it is doing, if it says.
        stage: Option<WorkerStage>,
    },
    /// The result is in the bucket, it says.
    Complete {
        /// Where.
        key: ObjectKey,
        /// Where a picture of it is, if it says.
        #[serde(default)]
        poster: Option<ObjectKey>,
        /// How many bytes were put, if it says.
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// It gave up.
    Error {
        /// Why.
        code: ErrorCode,
        /// One sentence for a person.
        sentence: String,
        /// Whether another attempt may follow.
        retryable: bool,
    },
}

/// What the bucket said of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectCheck {
    /// An object of so many bytes.
    Present(u64),
    /// Nothing.
    Missing,
    /// It did not say.
    Unknown,
}
