//! One job and the clock it lives by, for rules that are told in one sentence.

use reel_core::id::JobId;
use reel_core::job::code::ErrorCode;
use reel_core::job::effect::Step;
use reel_core::job::event::{Event, Found, Report};
use reel_core::job::state::{End, Job, State};
use reel_core::job::step::apply;
use reel_core::job::timing::Timing;
use reel_core::object_key::ObjectKey;
use reel_core::runpod::{GpuJobId, StatusReply, SubmitReply};
use reel_core::time::{Millis, Span};
use reel_core::wire::gpu::WorkStage;

pub const T: Timing = Timing::STANDARD;
pub const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// A job and the clock it lives by.
pub struct Life {
    pub job: Job,
    pub now: Millis,
}

impl Life {
    pub fn new() -> Self {
        let now = Millis(1_000_000_000);
        Self { job: Job::new(JobId::from_random([9; 16]), now), now }
    }

    pub fn does(&mut self, event: Event) -> Step {
        // 25 is a chance that makes jitter exactly 100 %.
        let step = apply(self.job.clone(), event, self.now, 25, &T);
        self.job = step.job.clone();
        step
    }

    pub fn later(&mut self, span: Span) -> &mut Self {
        self.now = self.now + span;
        self
    }

    pub fn wakes(&mut self) -> Step {
        self.does(Event::Woke)
    }

    pub fn says(&mut self, report: Report) -> Step {
        let attempt = self.job.attempt;
        self.does(Event::Reported { attempt, report })
    }

    pub fn hears_status(&mut self, reply: StatusReply) -> Step {
        let attempt = self.job.attempt;
        self.does(Event::StatusRead { attempt, reply })
    }

    /// Handed over and in RunPod's queue.
    pub fn queued(id: &str) -> Self {
        let mut life = Self::new();
        life.wakes();
        life.does(accepted(1, id));
        life
    }

    /// Claimed by a renderer.
    pub fn rendering() -> Self {
        let mut life = Self::queued("a-u1");
        life.says(claim("a-u1"));
        life
    }

    pub fn own_key(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    pub fn looks(&mut self, found: Found) -> Step {
        let key = match &self.job.state {
            State::Verifying { key, .. } => key.clone(),
            other => panic!("nothing is being looked for: {other:?}"),
        };
        self.does(Event::OutputLooked { key, found, poster: Found::Missing })
    }

    pub fn code(&self) -> Option<ErrorCode> {
        match self.job.end() {
            Some(End::Failed { code, .. }) => Some(*code),
            _ => None,
        }
    }
}

pub fn gpu(id: &str) -> GpuJobId {
    GpuJobId::parse(id).expect("a name as RunPod gives them")
}

pub fn accepted(attempt: u32, id: &str) -> Event {
    Event::SubmitAnswered { attempt, endpoint: ENDPOINT.to_owned(), reply: SubmitReply::Accepted(gpu(id)) }
}

pub fn claim(id: &str) -> Report {
    Report::Claim { gpu_job: Some(gpu(id)) }
}

pub fn progress(percent: u8, stage: WorkStage) -> Report {
    Report::Progress { percent, message: None, stage: Some(stage) }
}

/// A result that the renderer says no more of than where it is.
pub fn put(key: &ObjectKey) -> Report {
    Report::Complete { key: key.clone(), poster: None, bytes: None }
}

pub fn gave_up(code: ErrorCode) -> Report {
    Report::Error { code, sentence: "It broke.".into(), may_retry: true }
}
