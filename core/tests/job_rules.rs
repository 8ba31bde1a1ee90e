//! The rules of a job, one sentence each (design.md 4).
#![allow(unused_must_use, reason = "many steps only bring the job to where the rule begins")]

use reel_core::id::JobId;
use reel_core::job::code::ErrorCode;
use reel_core::job::deadline::next_wake;
use reel_core::job::effect::{Effect, Kind, Outcome, Step};
use reel_core::job::event::{Event, Found, Report};
use reel_core::job::state::{End, Job, Stage, State, Status};
use reel_core::job::step::apply;
use reel_core::job::timing::Timing;
use reel_core::object_key::ObjectKey;
use reel_core::runpod::{GpuJobId, StatusReply, SubmitReply};
use reel_core::time::{Millis, Span};
use reel_core::wire::gpu::WorkStage;

const T: Timing = Timing::STANDARD;
const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// A job and the clock it lives by.
struct Life {
    job: Job,
    now: Millis,
}

impl Life {
    fn new() -> Self {
        let now = Millis(1_000_000_000);
        Self { job: Job::new(JobId::from_random([9; 16]), now), now }
    }

    fn does(&mut self, event: Event) -> Step {
        // 25 is a chance that makes jitter exactly 100 %.
        let step = apply(self.job.clone(), event, self.now, 25, &T);
        self.job = step.job.clone();
        step
    }

    fn later(&mut self, span: Span) -> &mut Self {
        self.now = self.now + span;
        self
    }

    fn wakes(&mut self) -> Step {
        self.does(Event::Woke)
    }

    fn says(&mut self, report: Report) -> Step {
        let attempt = self.job.attempt;
        self.does(Event::Reported { attempt, report })
    }

    fn hears_status(&mut self, reply: StatusReply) -> Step {
        let attempt = self.job.attempt;
        self.does(Event::StatusRead { attempt, reply })
    }

    /// Handed over and in RunPod's queue.
    fn queued(id: &str) -> Self {
        let mut life = Self::new();
        life.wakes();
        life.does(accepted(1, id));
        life
    }

    /// Claimed by a renderer.
    fn rendering() -> Self {
        let mut life = Self::queued("a-u1");
        life.says(claim("a-u1"));
        life
    }

    fn own_key(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    fn looks(&mut self, found: Found) -> Step {
        let key = match &self.job.state {
            State::Verifying { key, .. } => key.clone(),
            other => panic!("nothing is being looked for: {other:?}"),
        };
        self.does(Event::OutputLooked { key, found })
    }

    fn code(&self) -> Option<ErrorCode> {
        match self.job.end() {
            Some(End::Failed { code, .. }) => Some(*code),
            _ => None,
        }
    }
}

fn gpu(id: &str) -> GpuJobId {
    GpuJobId::parse(id).expect("a name as RunPod gives them")
}

fn accepted(attempt: u32, id: &str) -> Event {
    Event::SubmitAnswered { attempt, endpoint: ENDPOINT.to_owned(), reply: SubmitReply::Accepted(gpu(id)) }
}

fn claim(id: &str) -> Report {
    Report::Claim { gpu_job: Some(gpu(id)) }
}

fn progress(percent: u8, stage: WorkStage) -> Report {
    Report::Progress { percent, message: None, stage: Some(stage) }
}

fn gave_up(code: ErrorCode) -> Report {
    Report::Error { code, sentence: "It broke.".into(), may_retry: true }
}

#[test]
fn a_job_runs_from_waiting_to_complete() {
    let mut life = Life::new();
    assert_eq!(next_wake(&life.job, &T), Some(life.now));
    assert_eq!(life.wakes().effects[0], Effect::Submit { attempt: 1 });
    life.does(accepted(1, "a-u1"));
    assert_eq!((life.job.face().status, life.job.face().stage), (Status::Pending, Stage::Queued));
    life.says(claim("a-u1"));
    life.says(progress(40, WorkStage::Rendering));
    assert_eq!((life.job.face().status, life.job.face().progress), (Status::Processing, 40));
    let key = life.own_key();
    let step = life.says(Report::Complete { key: key.clone() });
    assert_eq!(step.effects, [Effect::LookForOutput { key: key.clone() }]);
    assert_eq!(life.job.face().stage, Stage::Verifying);
    let step = life.looks(Found::Bytes(7));
    assert_eq!((step.outcome, step.log[0].kind), (Outcome::Applied, Kind::Complete));
    let face = life.job.face();
    assert_eq!(
        (face.status, face.progress, face.output.map(|o| (o.key, o.bytes))),
        (Status::Complete, 100, Some((key.as_str().into(), 7)))
    );
}

#[test]
fn the_first_end_wins_and_late_news_is_ignored() {
    let mut life = Life::rendering();
    let key = life.own_key();
    life.says(Report::Complete { key: key.clone() });
    life.looks(Found::Bytes(7));
    let ended = life.job.clone();
    for event in [
        Event::Reported { attempt: 1, report: progress(50, WorkStage::Rendering) },
        Event::Reported { attempt: 1, report: gave_up(ErrorCode::GpuError) },
        Event::Reported { attempt: 1, report: Report::Complete { key: key.clone() } },
        Event::Reported { attempt: 1, report: claim("a-u1") },
        Event::StatusRead { attempt: 1, reply: StatusReply::Failed(ErrorCode::GpuError) },
        Event::OutputLooked { key, found: Found::Missing },
        Event::Hinted { attempt: 1 },
    ] {
        let step = life.does(event.clone());
        assert_eq!(step.outcome, Outcome::Ignored, "{event:?}");
        assert!(step.log.is_empty() && !step.keep && !step.tick, "{event:?}");
        assert_eq!(life.job, ended, "{event:?}");
    }
}

#[test]
fn news_of_an_older_attempt_is_refused() {
    let mut life = Life::rendering();
    assert_eq!(life.says(gave_up(ErrorCode::GpuError)).outcome, Outcome::Retrying);
    assert_eq!(life.job.attempt, 2);
    for report in [progress(60, WorkStage::Rendering), gave_up(ErrorCode::GpuError), claim("a-u1")] {
        let step = life.does(Event::Reported { attempt: 1, report });
        assert_eq!(step.outcome, Outcome::Stale);
    }
}

#[test]
fn progress_never_goes_down_within_an_attempt_and_starts_over_with_the_next() {
    let mut life = Life::rendering();
    life.says(progress(60, WorkStage::Rendering));
    life.says(progress(20, WorkStage::Rendering));
    assert_eq!(life.job.face().progress, 60);
    life.says(progress(100, WorkStage::Uploading));
    assert_eq!(life.job.face().progress, 99, "100 is for a verified result");
    let step = life.says(gave_up(ErrorCode::GpuError));
    assert_eq!(life.job.face().progress, 0);
    assert_eq!(step.log[0].face.message, "Retrying (attempt 2/3): It broke.");
}

#[test]
fn three_attempts_are_really_dispatched_and_then_it_fails() {
    let mut life = Life::rendering();
    let mut pauses = Vec::new();
    for attempt in 2..=3 {
        life.says(gave_up(ErrorCode::GpuError));
        let due = next_wake(&life.job, &T).unwrap();
        // The index is due at once; the submit after a pause.
        life.does(Event::IndexAnswered { version: life.job.index.wanted, written: Some(3) });
        let submit = next_wake(&life.job, &T).unwrap();
        assert!(due <= submit);
        pauses.push(submit.since(life.now).0);
        life.now = submit;
        assert!(life.wakes().effects.contains(&Effect::Submit { attempt }));
        life.does(accepted(attempt, "b-u1"));
        life.says(claim("b-u1"));
    }
    assert_eq!(pauses, [2_000, 8_000]);
    life.says(gave_up(ErrorCode::GpuError));
    assert_eq!(life.code(), Some(ErrorCode::GpuError));
    assert_eq!(life.job.face().failure.unwrap().sentence, "It broke.");
}

#[test]
fn a_wrong_input_is_not_tried_again() {
    let mut life = Life::rendering();
    let step = life.says(gave_up(ErrorCode::InvalidInput));
    assert_eq!((step.outcome, life.code()), (Outcome::Applied, Some(ErrorCode::InvalidInput)));
    let mut life = Life::rendering();
    life.says(Report::Error { code: ErrorCode::GpuError, sentence: "No.".into(), may_retry: false });
    assert_eq!(life.code(), Some(ErrorCode::GpuError), "a worker may forbid another attempt");
}

#[test]
fn a_result_is_verified_before_it_is_announced() {
    for found in [Found::Missing, Found::Bytes(0)] {
        let mut life = Life::rendering();
        let key = life.own_key();
        let step = life.says(Report::Complete { key });
        assert!(step.log.iter().all(|noted| noted.kind != Kind::Complete));
        assert_eq!(life.looks(found).outcome, Outcome::Retrying, "{found:?}");
        assert_eq!(life.job.attempt, 2);
    }
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_again() {
    let mut life = Life::rendering();
    let key = life.own_key();
    life.says(Report::Complete { key: key.clone() });
    life.looks(Found::CannotTell);
    life.later(T.look_again);
    assert!(life.wakes().effects.contains(&Effect::LookForOutput { key }));
    life.looks(Found::Bytes(1));
    assert_eq!(life.job.face().status, Status::Complete);
}

#[test]
fn silence_is_asked_about_and_no_answer_is_no_failure() {
    let mut life = Life::rendering();
    life.does(Event::IndexAnswered { version: life.job.index.wanted, written: Some(3) });
    assert_eq!(next_wake(&life.job, &T), Some(life.now + T.silence));
    life.later(T.silence);
    assert_eq!(life.wakes().effects, [Effect::AskStatus { attempt: 1, gpu_job: gpu("a-u1") }]);
    for reply in
        [StatusReply::CannotTell, StatusReply::Running, StatusReply::Unauthorized, StatusReply::Queued]
    {
        assert_eq!(life.hears_status(reply).outcome, Outcome::Ignored);
    }
    assert_eq!(life.job.face().status, Status::Processing);
    let pauses: Vec<i64> = (0..5)
        .map(|_| {
            let next = next_wake(&life.job, &T).unwrap();
            let pause = next.since(life.now).0;
            life.now = next;
            life.wakes();
            pause
        })
        .collect();
    assert_eq!(pauses, [10_000, 20_000, 40_000, 60_000, 60_000], "questions back off");
}

#[test]
fn a_renderer_that_speaks_again_is_not_asked_about() {
    let mut life = Life::rendering();
    life.later(Span::seconds(59)).says(progress(10, WorkStage::Rendering));
    life.later(Span::seconds(59));
    assert!(!life.wakes().effects.iter().any(|effect| matches!(effect, Effect::AskStatus { .. })));
}

#[test]
fn an_early_404_means_nothing_and_a_late_one_is_a_loss() {
    let mut life = Life::queued("a-u1");
    life.later(Span::seconds(149));
    assert_eq!(life.hears_status(StatusReply::Gone).outcome, Outcome::Ignored);
    life.later(Span::seconds(2));
    life.hears_status(StatusReply::Gone);
    assert_eq!(life.looks(Found::Missing).outcome, Outcome::Retrying);
    let mut life = Life::rendering();
    life.hears_status(StatusReply::Gone);
    life.looks(Found::Missing);
    assert_eq!(life.job.attempt, 2, "once a renderer has spoken, a 404 is a loss");
}

#[test]
fn a_result_whose_report_was_lost_is_found_by_its_artifact() {
    for reply in [
        StatusReply::Completed(None),
        StatusReply::Gone,
        StatusReply::Failed(ErrorCode::WorkerLost),
        StatusReply::Cancelled,
        StatusReply::TimedOut,
    ] {
        let mut life = Life::rendering();
        life.hears_status(reply.clone());
        life.looks(Found::Bytes(9));
        assert_eq!(life.job.face().status, Status::Complete, "{reply:?}");
    }
}

#[test]
fn the_queue_deadline_ends_the_job_and_cancels_at_runpod() {
    let mut life = Life::queued("a-u1");
    life.later(T.queue);
    let step = life.wakes();
    assert_eq!(life.code(), Some(ErrorCode::QueueTimeout));
    assert!(step.effects.contains(&Effect::CancelGpu { gpu_job: gpu("a-u1") }));
}

#[test]
fn the_execution_deadline_looks_for_a_result_and_cancels() {
    let mut life = Life::rendering();
    for _ in 0..10 {
        life.later(Span::minutes(1)).says(progress(30, WorkStage::Rendering));
    }
    let step = life.wakes();
    assert!(step.effects.contains(&Effect::CancelGpu { gpu_job: gpu("a-u1") }));
    life.looks(Found::Missing);
    assert_eq!(life.job.attempt, 2);
}

#[test]
fn a_refused_submit_is_tried_again_without_burning_an_attempt() {
    let mut life = Life::new();
    for reply in [SubmitReply::Unknown, SubmitReply::Busy(Some(Span::seconds(7)))] {
        life.wakes();
        life.does(Event::SubmitAnswered { attempt: 1, endpoint: ENDPOINT.to_owned(), reply });
        let State::Waiting(waiting) = &life.job.state else { panic!("{:?}", life.job.state) };
        life.now = waiting.due_at;
    }
    assert_eq!(life.job.attempt, 1);
    life.later(T.queue).wakes();
    assert_eq!(life.code(), Some(ErrorCode::GpuUnreachable));
}

#[test]
fn a_refused_key_waits_for_an_operator() {
    let mut life = Life::new();
    life.wakes();
    life.does(Event::SubmitAnswered {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    assert!(life.job.face().message.contains("operator"));
    life.later(Span::minutes(60)).wakes();
    assert_eq!(life.code(), None, "an hour is not enough to burn the job");
    life.does(Event::SubmitAnswered {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    life.later(Span::minutes(24 * 60)).wakes();
    assert_eq!(life.code(), Some(ErrorCode::GpuUnauthorized));
}

#[test]
fn a_submit_that_was_lost_but_ran_is_taken_when_its_renderer_claims() {
    let mut life = Life::new();
    life.wakes();
    life.does(Event::SubmitAnswered {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unknown,
    });
    assert_eq!(life.says(claim("lost-u1")).outcome, Outcome::Applied);
    assert_eq!(life.job.face().status, Status::Processing);
    life.later(Span::seconds(30));
    assert!(
        !life.wakes().effects.iter().any(|effect| matches!(effect, Effect::Submit { .. })),
        "not submitted again"
    );
}

#[test]
fn of_two_renderers_for_one_attempt_the_second_is_refused_while_the_first_is_alive() {
    let mut life = Life::rendering();
    let step = life.says(claim("other-u1"));
    assert_eq!(step.outcome, Outcome::AlreadyClaimed);
    assert_eq!(life.says(claim("a-u1")).outcome, Outcome::Applied, "RunPod may run its own job again");
    life.later(T.silence);
    assert_eq!(life.says(claim("other-u1")).outcome, Outcome::Applied, "a silent one is replaced");
}

#[test]
fn cancel_is_idempotent_and_reaches_runpod_until_it_is_settled() {
    let mut life = Life::rendering();
    assert_eq!(life.does(Event::CancelAsked).outcome, Outcome::Applied);
    assert_eq!(life.code(), Some(ErrorCode::Cancelled));
    assert_eq!(life.does(Event::CancelAsked).outcome, Outcome::Ignored);
    for _ in 0..3 {
        life.now = next_wake(&life.job, &T).unwrap();
        assert!(life.wakes().effects.contains(&Effect::CancelGpu { gpu_job: gpu("a-u1") }));
        life.does(Event::CancelAnswered { gpu_job: gpu("a-u1"), settled: false });
        life.does(Event::IndexAnswered { version: life.job.index.wanted, written: Some(3) });
    }
    life.does(Event::CancelAnswered { gpu_job: gpu("a-u1"), settled: true });
    assert_eq!(next_wake(&life.job, &T), None, "nothing is left to do");
}

#[test]
fn a_submit_that_is_accepted_after_a_cancel_is_cancelled_too() {
    let mut life = Life::new();
    life.wakes();
    life.does(Event::CancelAsked);
    life.does(accepted(1, "late-u1"));
    assert!(life.wakes().effects.contains(&Effect::CancelGpu { gpu_job: gpu("late-u1") }));
}

#[test]
fn a_complete_job_is_neither_cancelled_nor_retried() {
    let mut life = Life::rendering();
    let key = life.own_key();
    life.says(Report::Complete { key });
    life.looks(Found::Bytes(1));
    assert_eq!(life.does(Event::CancelAsked).outcome, Outcome::WrongStatus(Status::Complete));
    assert_eq!(life.does(Event::RetryAsked).outcome, Outcome::WrongStatus(Status::Complete));
}

#[test]
fn a_failed_job_starts_over_with_a_fresh_budget_and_a_new_attempt() {
    let mut life = Life::rendering();
    life.says(gave_up(ErrorCode::InvalidInput));
    assert_eq!(life.does(Event::RetryAsked).outcome, Outcome::Applied);
    let face = life.job.face();
    assert_eq!((face.attempt, face.max_attempts, face.status), (2, 4, Status::Pending));
    assert_eq!(life.does(Event::RetryAsked).outcome, Outcome::WrongStatus(Status::Pending));
}

#[test]
fn a_hint_asks_at_once_and_never_decides() {
    let mut life = Life::rendering();
    life.does(Event::Hinted { attempt: 1 });
    assert_eq!(next_wake(&life.job, &T), Some(life.now));
    assert!(life.wakes().effects.contains(&Effect::AskStatus { attempt: 1, gpu_job: gpu("a-u1") }));
    assert_eq!(life.job.face().status, Status::Processing);
}

#[test]
fn a_minute_of_progress_keeps_little_and_stores_no_events() {
    let mut life = Life::rendering();
    life.says(progress(10, WorkStage::Rendering));
    let (mut kept, mut stored, mut told) = (0, 0, 0);
    for second in (2..=60).step_by(2) {
        let step = life.later(Span::seconds(2)).says(progress(10 + second, WorkStage::Rendering));
        kept += usize::from(step.keep);
        stored += step.log.len();
        told += usize::from(step.tick);
    }
    assert_eq!((kept, stored, told), (6, 0, 30));
}

#[test]
fn a_worker_that_skips_the_claim_is_understood() {
    let mut life = Life::queued("a-u1");
    life.says(Report::Progress { percent: 5, message: Some("Downloading video...".into()), stage: None });
    assert_eq!((life.job.face().status, life.job.face().progress), (Status::Processing, 5));
}

#[test]
fn a_job_remembers_the_endpoint_that_took_it() {
    let mut life = Life::queued("a-u1");
    let late =
        Event::SubmitAnswered { attempt: 1, endpoint: "elsewhere".into(), reply: SubmitReply::Unauthorized };
    life.does(late);
    assert_eq!(life.job.endpoint.as_deref(), Some(ENDPOINT), "only one that accepts counts");
}

#[test]
fn a_kept_job_reads_back_as_it_was() {
    for life in [Life::new(), Life::queued("a-u1"), Life::rendering()] {
        let text = serde_json::to_string(&life.job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), life.job);
    }
}

#[test]
fn the_stored_format_is_pinned() {
    let text = serde_json::to_value(&Life::rendering().job).unwrap();
    assert_eq!(
        text,
        serde_json::json!({
            "id": "09090909-0909-4909-8909-090909090909", "attempt": 1, "budget_from": 1,
            "state": {"rendering": {"gpu_job": "a-u1", "since": 1_000_000_000, "heard_at": 1_000_000_000,
                "stage": "starting", "progress": 0, "message": "A renderer has taken the export",
                "check": {"next_at": 1_000_000_000, "tries": 0, "hinted": false}}},
            "started_at": 1_000_000_000, "seq": 3, "endpoint": ENDPOINT, "errands": [],
            "index": {"wanted": 2, "written": 0, "due_at": 1_000_000_000, "tries": 0},
            "kept_at": 1_000_000_000,
            "usage": {"object_rows": 5, "d1_rows": 0, "requests": 0, "alarms": 0}
        })
    );
}
