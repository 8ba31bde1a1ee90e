//! One job and the clock it lives by, for rules that are told in one sentence.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::effect::Step;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::gpu_service::{RunpodJobId, StatusReply, SubmitReply, WorkerStage};
use reel_core::job::state::{Job, JobEnd, JobState};
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;

pub const T: Timeouts = Timeouts::STANDARD;
pub const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// A job and the clock it lives by.
pub struct JobFixture {
    pub job: Job,
    pub now: Timestamp,
}

impl JobFixture {
    pub fn new() -> Self {
        let now = Timestamp(1_000_000_000);
        Self { job: Job::new(JobId::from_random([9; 16]), now), now }
    }

    pub fn does(&mut self, event: JobEvent) -> Step {
        // 25 is a chance that makes jitter exactly 100 %.
        let step = apply(self.job.clone(), event, self.now, 25, &T);
        self.job = step.job.clone();
        step
    }

    pub fn later(&mut self, span: DurationMs) -> &mut Self {
        self.now = self.now + span;
        self
    }

    pub fn alarm(&mut self) -> Step {
        self.does(JobEvent::AlarmFired)
    }

    pub fn callback(&mut self, report: Report) -> Step {
        let attempt = self.job.attempt;
        self.does(JobEvent::CallbackReceived { attempt, report })
    }

    pub fn status_reply(&mut self, reply: StatusReply) -> Step {
        let attempt = self.job.attempt;
        self.does(JobEvent::StatusPolled { attempt, reply })
    }

    /// Handed over and in RunPod's queue.
    pub fn queued(id: &str) -> Self {
        let mut life = Self::new();
        life.alarm();
        life.does(accepted(1, id));
        life
    }

    /// Claimed by a renderer.
    pub fn rendering() -> Self {
        let mut life = Self::queued("a-u1");
        life.callback(claim("a-u1"));
        life
    }

    pub fn own_key(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    pub fn looks(&mut self, found: ObjectCheck) -> Step {
        let key = match &self.job.state {
            JobState::Verifying { key, .. } => key.clone(),
            other => panic!("nothing is being looked for: {other:?}"),
        };
        self.does(JobEvent::OutputChecked { key, found, poster: ObjectCheck::Missing })
    }

    pub fn code(&self) -> Option<ErrorCode> {
        match self.job.end() {
            Some(JobEnd::Failed { code, .. }) => Some(*code),
            _ => None,
        }
    }
}

pub fn gpu(id: &str) -> RunpodJobId {
    RunpodJobId::parse(id).expect("a name as RunPod gives them")
}

pub fn accepted(attempt: u32, id: &str) -> JobEvent {
    JobEvent::SubmitReplied { attempt, endpoint: ENDPOINT.to_owned(), reply: SubmitReply::Accepted(gpu(id)) }
}

pub fn claim(id: &str) -> Report {
    Report::Claim { runpod_job_id: Some(gpu(id)) }
}

pub fn progress(percent: u8, stage: WorkerStage) -> Report {
    Report::Progress { percent, message: None, stage: Some(stage) }
}

/// A result that the renderer says no more of than where it is.
pub fn put(key: &ObjectKey) -> Report {
    Report::Complete { key: key.clone(), poster: None, bytes: None }
}

pub fn gave_up(code: ErrorCode) -> Report {
    Report::Error { code, sentence: "It broke.".into(), retryable: true }
}
