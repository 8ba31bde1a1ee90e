//! What a job is. The state carries its data, so that impossible combinations cannot be written.
//!
//! Invariant: [`State::Ended`] is never left except by a retry that a person asked for.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::edit::JobKind;
use crate::id::JobId;
use crate::job::code::ErrorCode;
use crate::job::effect::{Kind, Noted};
use crate::job::timing::MAX_ATTEMPTS;
use crate::job::usage::Usage;
use crate::object_key::ObjectKey;
use crate::problem::Problem;
use crate::runpod::GpuJobId;
use crate::time::Millis;
use crate::wire::gpu::WorkStage;

/// What was asked for. Written once, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The job.
    pub id: JobId,
    /// The app's project.
    pub project_id: i64,
    /// What to render.
    pub kind: JobKind,
    /// The video in the bucket.
    pub input_key: ObjectKey,
    /// The other videos that the edit names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_inputs: Vec<ObjectKey>,
    /// The edit, validated, in a canonical spelling: two equal requests have equal text.
    pub params: Box<RawValue>,
    /// When it was accepted.
    pub created_at: Millis,
    /// What only an export of a project has (`POST /api/export/...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ProjectExport>,
}

/// How a job came out of a project: its input, and a clip's trim, were looked up there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectExport {
    /// Stands for the request as the client sent it: the project may have changed before it comes again.
    pub asked: String,
    /// Whether the result becomes the project's working video.
    pub set_working_video: bool,
}

impl Order {
    /// Every video that the job reads, its own input first.
    pub fn inputs(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.input_key).chain(&self.further_inputs)
    }

    /// Whether another request asks for the same thing, whenever it came.
    pub fn same_request(&self, other: &Self) -> bool {
        self.id == other.id
            && self.project_id == other.project_id
            && self.kind == other.kind
            && match (&self.export, &other.export) {
                (Some(mine), Some(theirs)) => mine.asked == theirs.asked,
                (None, None) => self.input_key == other.input_key && self.params.get() == other.params.get(),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// What the client is told when these videos of the job are not in the bucket, each with its place in
    /// the request.
    pub fn inputs_missing(&self, missing: &[(String, &ObjectKey)]) -> Problem {
        let own = missing.iter().any(|(_, key)| **key == self.input_key);
        match (&self.export, self.kind) {
            (Some(_), JobKind::Overlay) if own => Problem::no_working_video(),
            (Some(_), JobKind::Framing) if own => Problem::source_not_found(),
            (None, _) => Problem::inputs_not_found(missing),
            // The body of an export has its params at the top level.
            (Some(_), _) => {
                let mut problem = Problem::inputs_not_found(missing);
                for fault in &mut problem.faults {
                    if let Some(rest) = fault.pointer.strip_prefix("/params") {
                        fault.pointer = rest.to_owned();
                    }
                }
                problem
            }
        }
    }
}

/// The life of one job: all that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// Number of the current attempt, from 1; never used twice.
    pub attempt: u32,
    /// The first attempt that counts against the budget: a retry by hand starts a new one.
    pub budget_from: u32,
    /// Where it stands.
    pub state: State,
    /// First sign of a renderer in this budget.
    pub started_at: Option<Millis>,
    /// Number of the last stored event.
    pub seq: u64,
    /// The endpoint that took the last submit; its jobs are asked about and cancelled there.
    pub endpoint: Option<String>,
    /// RunPod jobs that must still be cancelled.
    pub errands: Vec<Errand>,
    /// What the D1 index has yet to hear.
    pub index: IndexDebt,
    /// When this record was last worth keeping.
    pub kept_at: Millis,
    /// What it has cost.
    pub usage: Usage,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be handed to RunPod.
    Waiting(Waiting),
    /// Being handed over; the answer is not known yet.
    Submitting {
        /// The wait that led here, in case it must go on.
        waiting: Waiting,
        /// When the request was sent.
        sent_at: Millis,
    },
    /// In RunPod's queue; no renderer has spoken yet.
    Queued {
        /// RunPod's name of it.
        gpu_job: GpuJobId,
        /// When RunPod took it.
        submitted_at: Millis,
        /// When to ask about it.
        check: Check,
        /// One line for a person who waits, once there is something to tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A renderer works on it.
    Rendering(Rendering),
    /// The result is said to be there, and is being looked for.
    Verifying {
        /// RunPod's name of it.
        gpu_job: Option<GpuJobId>,
        /// Where the result should be.
        key: ObjectKey,
        /// Where its picture is, if the renderer named a place; else beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// How many bytes the renderer put, if it said so: a result of another size is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promised_bytes: Option<u64>,
        /// What it means when it is not there.
        otherwise: ErrorCode,
        /// When the search began.
        since: Millis,
        /// When to look (again).
        look_at: Millis,
    },
    /// The end.
    Ended(End),
}

/// A job that is to be handed to RunPod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// When this attempt began to wait.
    pub since: Millis,
    /// When to hand it over (again).
    pub due_at: Millis,
    /// How often that was tried for this attempt.
    pub tries: u32,
    /// RunPod refused our key the last time.
    pub unauthorized: bool,
    /// One line for a person.
    pub message: String,
}

/// A job that a renderer works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendering {
    /// RunPod's name of it; unknown while only the renderer has spoken.
    pub gpu_job: Option<GpuJobId>,
    /// First sign of the renderer in this attempt: the execution deadline counts from here.
    pub since: Millis,
    /// Last sign of the renderer.
    pub heard_at: Millis,
    /// What it is doing.
    pub stage: WorkStage,
    /// Whole percent, 0 to 99; never goes down within an attempt.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// When to ask RunPod about it.
    pub check: Check,
}

/// When RunPod is to be asked about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Not before this.
    pub next_at: Millis,
    /// How often it was asked in vain.
    pub tries: u32,
    /// The webhook said that there is news: do not wait for silence.
    pub hinted: bool,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The reel is in the bucket.
    Complete {
        /// Where.
        key: ObjectKey,
        /// Its size.
        bytes: u64,
        /// Where a picture of it is, when there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// When that was verified.
        at: Millis,
        /// RunPod's name of the attempt that made it.
        gpu_job: Option<GpuJobId>,
    },
    /// There is no reel.
    Failed {
        /// Why.
        code: ErrorCode,
        /// One sentence for a person.
        sentence: String,
        /// When.
        at: Millis,
        /// How far the last attempt had come.
        progress: u8,
    },
}

/// A cancel that RunPod has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// Which of RunPod's jobs.
    pub gpu_job: GpuJobId,
    /// When to ask (again).
    pub due_at: Millis,
    /// How often it was asked.
    pub tries: u32,
}

/// What the D1 index knows of the job: it is right when both versions are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDebt {
    /// Raised on every transition that the index shows.
    pub wanted: u64,
    /// The last version that was written.
    pub written: u64,
    /// When to write (again).
    pub due_at: Millis,
    /// Failed writes in a row.
    pub tries: u32,
}

/// The four words of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not started.
    Pending,
    /// A renderer works on it.
    Processing,
    /// The reel is there.
    Complete,
    /// It failed or was cancelled.
    Error,
}

/// The words of `stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Waiting for a renderer.
    Queued,
    /// A renderer has it.
    Starting,
    /// It fetches the input.
    Downloading,
    /// It renders.
    Rendering,
    /// It puts the output.
    Uploading,
    /// We look for the output.
    Verifying,
    /// Over.
    Done,
}

impl Status {
    /// Every status with its word on the wire.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("pending", Self::Pending),
        ("processing", Self::Processing),
        ("complete", Self::Complete),
        ("error", Self::Error),
    ];

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
}

impl From<WorkStage> for Stage {
    fn from(stage: WorkStage) -> Self {
        match stage {
            WorkStage::Starting => Self::Starting,
            WorkStage::Downloading => Self::Downloading,
            WorkStage::Rendering => Self::Rendering,
            WorkStage::Uploading => Self::Uploading,
        }
    }
}

impl Job {
    /// A job that was just accepted: due at once.
    pub fn new(id: JobId, now: Millis) -> Self {
        Self {
            id,
            attempt: 1,
            budget_from: 1,
            state: State::Waiting(Waiting {
                since: now,
                due_at: now,
                tries: 0,
                unauthorized: false,
                message: "Waiting for a renderer".to_owned(),
            }),
            started_at: None,
            seq: 1,
            endpoint: None,
            errands: Vec::new(),
            index: IndexDebt { wanted: 1, written: 0, due_at: now, tries: 0 },
            kept_at: now,
            usage: Usage::default(),
        }
    }

    /// The first stored event of a job that was just accepted.
    pub fn birth(&self) -> Noted {
        Noted { seq: self.seq, at: self.kept_at, kind: Kind::Status, face: self.face() }
    }

    /// Number of the last attempt that this budget allows.
    pub fn max_attempts(&self) -> u32 {
        self.budget_from + MAX_ATTEMPTS - 1
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<&End> {
        match &self.state {
            State::Ended(end) => Some(end),
            State::Waiting(_)
            | State::Submitting { .. }
            | State::Queued { .. }
            | State::Rendering(_)
            | State::Verifying { .. } => None,
        }
    }
}
