//! What a job needs to know of a GPU service. How RunPod says it is in `wire::runpod`.

use crate::base::time::DurationMs;
use crate::base::words::word_enum;
use crate::job::error_code::ErrorCode;
use serde::{Deserialize, Serialize};

/// RunPod's name of a job: opaque, but safe in a URL path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunpodJobId(String);

impl RunpodJobId {
    /// `[A-Za-z0-9_-]`, 1 to 128 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        ((1..=128).contains(&text.len()) && text.chars().all(clean)).then(|| Self(text.to_owned()))
    }

    /// The id as RunPod wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitReply {
    /// It is in the queue.
    Accepted(RunpodJobId),
    /// Too many requests; come again after this long, if said.
    Busy(Option<DurationMs>),
    /// The key or the endpoint is wrong: an operator must act, the job must wait.
    Unauthorized,
    /// No answer, or one that does not say: it may be in the queue or not.
    Unknown,
}

/// What RunPod says of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReply {
    /// Waiting for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It ended well, says RunPod, and its output may name the artifact; only the artifact proves it.
    Completed(Option<String>),
    /// It ended badly.
    Failed(ErrorCode),
    /// Somebody cancelled it.
    Cancelled,
    /// RunPod gave it up by its own clock.
    TimedOut,
    /// RunPod does not know it (any more, or yet).
    NotFound,
    /// The key or the endpoint is wrong.
    Unauthorized,
    /// Too many requests.
    Busy(Option<DurationMs>),
    /// No answer, or one that does not say.
    Unknown,
}

/// How busy an endpoint is, as `GET /health` counts it. For people who wait: nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointLoad {
    /// Jobs in the queue, whoever's they are.
    pub queued: u64,
    /// Jobs that are being worked on.
    pub rendering: u64,
    /// Workers that are being started.
    pub starting: u64,
    /// Workers that work or could: neither starting, nor without a GPU, nor broken.
    pub ready: u64,
}

impl EndpointLoad {
    /// What a person in the queue is told: whether it moves, which "queued" alone does not say. The order
    /// of the queue is not known, so no place in it is named.
    pub fn queue_message(self) -> String {
        match self {
            Self { ready: 0, starting: 0, .. } => {
                "Waiting for a renderer: the render service has none at work right now".to_owned()
            }
            Self { ready: 0, .. } => "Waiting for a renderer: one is being started".to_owned(),
            Self { queued, rendering, .. } => {
                format!("Waiting for a renderer: {queued} in the queue, {rendering} being rendered")
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
