//! A job with a clock, for tests of single rules.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::companions::Companions;
use reel_core::job::effect::Step;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::gpu_service::{RunpodJobId, StatusReply, SubmitReply, WorkerStage};
use reel_core::job::state::{Job, JobEnd, JobState};
use reel_core::job::step;
use reel_core::job::timeouts::Timeouts;

pub const TIMEOUTS: Timeouts = Timeouts::STANDARD;
/// With the fixture's seed, polls are spread by this.
pub const SPREAD: DurationMs = DurationMs(25);
pub const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// A job and its clock.
pub struct JobFixture {
    pub job: Job,
    pub now: Timestamp,
}

impl JobFixture {
    pub fn new() -> Self {
        let now = Timestamp(1_000_000_000);
        Self { job: Job::new(JobId::from_random([9; 16]), now), now }
    }

    pub fn apply(&mut self, event: JobEvent) -> Step {
        // With this seed the jitter is exactly 100 %.
        let step = step::apply(self.job.clone(), event, self.now, 25, &TIMEOUTS);
        self.job = step.job.clone();
        step
    }

    /// Moves the clock forward.
    pub fn wait(&mut self, duration: DurationMs) -> &mut Self {
        self.now = self.now + duration;
        self
    }

    pub fn alarm(&mut self) -> Step {
        self.apply(JobEvent::AlarmFired)
    }

    pub fn callback(&mut self, report: Report) -> Step {
        let attempt = self.job.attempt;
        self.apply(JobEvent::CallbackReceived { attempt, report })
    }

    pub fn status_reply(&mut self, reply: StatusReply) -> Step {
        let attempt = self.job.attempt;
        self.apply(JobEvent::StatusPolled { attempt, reply })
    }

    /// A job in RunPod's queue.
    pub fn queued(id: &str) -> Self {
        let mut fixture = Self::new();
        fixture.alarm();
        fixture.apply(accepted(1, id));
        fixture
    }

    /// A job that a GPU worker has claimed.
    pub fn rendering() -> Self {
        let mut fixture = Self::queued("a-u1");
        fixture.callback(claim("a-u1"));
        fixture
    }

    pub fn expected_output(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    pub fn output_checked(&mut self, found: ObjectCheck) -> Step {
        let key = match &self.job.state {
            JobState::Verifying { key, .. } => key.clone(),
            other => panic!("no output is being checked: {other:?}"),
        };
        self.apply(JobEvent::OutputChecked {
            key,
            output: found,
            poster: ObjectCheck::Missing,
            companions: Vec::new(),
        })
    }

    pub fn failure_code(&self) -> Option<ErrorCode> {
        match self.job.end() {
            Some(JobEnd::Failed { code, .. }) => Some(*code),
            _ => None,
        }
    }
}

pub fn runpod_job_id(id: &str) -> RunpodJobId {
    RunpodJobId::parse(id).expect("a valid id")
}

pub fn accepted(attempt: u32, id: &str) -> JobEvent {
    JobEvent::SubmitReplied {
        attempt,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Accepted(runpod_job_id(id)),
    }
}

pub fn claim(id: &str) -> Report {
    Report::Claim { runpod_job_id: Some(runpod_job_id(id)), conditional_put: false }
}

pub fn progress(percent: u8, stage: WorkerStage) -> Report {
    Report::Progress { percent, message: None, stage: Some(stage) }
}

/// A report with the key of the output only.
pub fn completed(key: &ObjectKey) -> Report {
    Report::Complete {
        key: key.clone(),
        poster: None,
        bytes: None,
        media: None,
        companions: Companions::default(),
    }
}

pub fn failed(code: ErrorCode) -> Report {
    Report::Error { code, sentence: "It broke.".into(), retryable: true }
}

/// An object of this size.
pub fn present(bytes: u64) -> ObjectCheck {
    ObjectCheck::Present(ObjectVersion { etag: format!("\"{bytes}\""), bytes })
}
