//! What a job needs to know of a GPU service. Its HTTP and JSON are in `wire::runpod`.

use serde::{Deserialize, Serialize};

use crate::base::time::DurationMs;
use crate::base::words::word_enum;
use crate::job::error_code::ErrorCode;

/// RunPod's id of a job: opaque, but safe in the path of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunpodJobId(String);

impl RunpodJobId {
    /// Parses an id: `[A-Za-z0-9_-]`, 1 to 128 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        ((1..=128).contains(&text.len()) && text.chars().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The id as RunPod wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitReply {
    /// The job is in the queue.
    Accepted(RunpodJobId),
    /// Too many requests; try again after this time, if RunPod says so.
    Busy(Option<DurationMs>),
    /// The key or the endpoint is wrong. The job waits until an operator has corrected it.
    Unauthorized,
    /// No endpoint is set, so nothing was sent. The job waits until an operator has set one.
    NoEndpoint,
    /// Where this API can be called back is not known yet, so nothing was sent. Only in development.
    NoCallbackAddress,
    /// No reply, or an unclear one: the job may be in the queue or not.
    Unknown,
    /// Nothing was sent, since the endpoint does not answer; try again after this time.
    NotSent(DurationMs),
}

impl SubmitReply {
    /// What a person reads while the job waits for another try.
    pub const fn wait_message(&self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "The render service rejects the API key. The export continues once an operator has replaced it."
            }
            Self::NoEndpoint => {
                "No GPU endpoint is set. The export continues once RUNPOD_ENDPOINT and RUNPOD_API_KEY are set; on a laptop, `npm run dev` starts a renderer."
            }
            Self::NoCallbackAddress => {
                "The development server was not called since its start, so it does not know its address; the next request starts the export."
            }
            Self::Accepted(_) | Self::Busy(_) | Self::Unknown | Self::NotSent(_) => {
                "The render service is not accepting jobs; retrying"
            }
        }
    }
}

/// RunPod's status of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReply {
    /// Waiting for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// RunPod reports success, perhaps with the key of the output. Only the object in the bucket proves it.
    Completed(Option<String>),
    /// It failed.
    Failed(ErrorCode),
    /// It was cancelled.
    Cancelled,
    /// RunPod's own timeout ended it.
    TimedOut,
    /// RunPod does not know it, or not any more, or not yet.
    NotFound,
    /// The key or the endpoint is wrong.
    Unauthorized,
    /// Too many requests.
    Busy(Option<DurationMs>),
    /// No reply, or an unclear one.
    Unknown,
    /// RunPod was not asked, since the endpoint does not answer; ask again after this time.
    NotAsked(DurationMs),
}

/// How busy an endpoint is. It is shown to people who wait; no decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointLoad {
    /// Jobs in the queue, of all clients.
    pub queued: u64,
    /// Jobs that are running.
    pub rendering: u64,
    /// Workers that are starting.
    pub starting: u64,
    /// Workers that run a job or could: not starting, not throttled, not unhealthy.
    pub ready: u64,
}

impl EndpointLoad {
    /// The message for a person who waits in the queue. RunPod does not tell the position of a job, so the
    /// message has only totals.
    pub fn queue_message(self) -> String {
        match self {
            Self { ready: 0, starting: 0, .. } => {
                "Waiting for a renderer: none is running at the moment".to_owned()
            }
            Self { ready: 0, .. } => "Waiting for a renderer: one is starting".to_owned(),
            Self { queued, rendering, .. } => {
                format!("Waiting for a renderer: {queued} queued, {rendering} running")
            }
        }
    }
}

word_enum! {
    /// The part of an attempt that happens in the GPU worker. A stored job with another word is not read; a
    /// callback with another word reports no stage, since a GPU worker may be newer than this API.
    pub enum WorkerStage {
        /// Claimed, nothing fetched yet.
        Starting = "starting",
        /// Fetching the input.
        Downloading = "downloading",
        /// Decoding, drawing, encoding.
        Rendering = "rendering",
        /// Putting the output.
        Uploading = "uploading",
    }
}
