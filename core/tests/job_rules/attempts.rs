//! Attempts: when another follows, when none does, and which news belong to which.

use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, Report};
use reel_core::job::gpu_service::{SubmitReply, WorkerStage};
use reel_core::job::state::JobState;
use reel_core::job::status::JobStatus;

use crate::life::{ENDPOINT, JobFixture, T, accepted, claim, gave_up, progress};

#[test]
fn news_of_an_older_attempt_is_refused() {
    let mut life = JobFixture::rendering();
    assert_eq!(life.callback(gave_up(ErrorCode::GpuError)).outcome, Outcome::Retrying);
    assert_eq!(life.job.attempt, 2);
    for report in [progress(60, WorkerStage::Rendering), gave_up(ErrorCode::GpuError), claim("a-u1")] {
        let step = life.does(JobEvent::CallbackReceived { attempt: 1, report });
        assert_eq!(step.outcome, Outcome::Stale);
    }
}

#[test]
fn three_attempts_are_really_dispatched_and_then_it_fails() {
    let mut life = JobFixture::rendering();
    let mut pauses = Vec::new();
    for attempt in 2..=3 {
        life.callback(gave_up(ErrorCode::GpuError));
        let due = next_deadline(&life.job, &T).unwrap();
        // The index is due at once; the submit after a pause.
        life.does(JobEvent::IndexWritten { version: life.job.index.wanted, written: Some(3) });
        let submit = next_deadline(&life.job, &T).unwrap();
        assert!(due <= submit);
        pauses.push(submit.since(life.now).0);
        life.now = submit;
        assert!(life.alarm().effects.contains(&JobEffect::Submit { attempt }));
        life.does(accepted(attempt, "b-u1"));
        life.callback(claim("b-u1"));
    }
    assert_eq!(pauses, [2_000, 8_000]);
    life.callback(gave_up(ErrorCode::GpuError));
    assert_eq!(life.code(), Some(ErrorCode::GpuError));
    assert_eq!(life.job.snapshot().failure.unwrap().sentence, "It broke.");
}

#[test]
fn a_wrong_input_is_not_tried_again() {
    let mut life = JobFixture::rendering();
    let step = life.callback(gave_up(ErrorCode::InvalidInput));
    assert_eq!((step.outcome, life.code()), (Outcome::Applied, Some(ErrorCode::InvalidInput)));
    let mut life = JobFixture::rendering();
    life.callback(Report::Error { code: ErrorCode::GpuError, sentence: "No.".into(), retryable: false });
    assert_eq!(life.code(), Some(ErrorCode::GpuError), "a worker may forbid another attempt");
}

#[test]
fn a_refused_submit_is_tried_again_without_burning_an_attempt() {
    let mut life = JobFixture::new();
    for reply in [SubmitReply::Unknown, SubmitReply::Busy(Some(DurationMs::seconds(7)))] {
        life.alarm();
        life.does(JobEvent::SubmitReplied { attempt: 1, endpoint: ENDPOINT.to_owned(), reply });
        let JobState::PendingSubmit(waiting) = &life.job.state else { panic!("{:?}", life.job.state) };
        life.now = waiting.due_at;
    }
    assert_eq!(life.job.attempt, 1);
    life.later(T.queue_timeout).alarm();
    assert_eq!(life.code(), Some(ErrorCode::GpuUnreachable));
}

#[test]
fn a_refused_key_waits_for_an_operator() {
    let mut life = JobFixture::new();
    life.alarm();
    life.does(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    assert!(life.job.snapshot().message.contains("operator"));
    life.later(DurationMs::minutes(60)).alarm();
    assert_eq!(life.code(), None, "an hour is not enough to burn the job");
    life.does(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    life.later(DurationMs::minutes(24 * 60)).alarm();
    assert_eq!(life.code(), Some(ErrorCode::GpuUnauthorized));
}

#[test]
fn a_submit_that_was_lost_but_ran_is_taken_when_its_renderer_claims() {
    let mut life = JobFixture::new();
    life.alarm();
    life.does(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unknown,
    });
    assert_eq!(life.callback(claim("lost-u1")).outcome, Outcome::Applied);
    assert_eq!(life.job.snapshot().status, JobStatus::Processing);
    life.later(DurationMs::seconds(30));
    assert!(
        !life.alarm().effects.iter().any(|effect| matches!(effect, JobEffect::Submit { .. })),
        "not submitted again"
    );
}

#[test]
fn a_failed_job_starts_over_with_a_fresh_budget_and_a_new_attempt() {
    let mut life = JobFixture::rendering();
    life.callback(gave_up(ErrorCode::InvalidInput));
    assert_eq!(life.does(JobEvent::RetryRequested).outcome, Outcome::Applied);
    let face = life.job.snapshot();
    assert_eq!((face.attempt, face.max_attempts, face.status), (2, 4, JobStatus::Pending));
    assert_eq!(life.does(JobEvent::RetryRequested).outcome, Outcome::WrongStatus(JobStatus::Pending));
}

#[test]
fn a_job_remembers_the_endpoint_that_took_it() {
    let mut life = JobFixture::queued("a-u1");
    let late = JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: "elsewhere".into(),
        reply: SubmitReply::Unauthorized,
    };
    life.does(late);
    assert_eq!(life.job.endpoint.as_deref(), Some(ENDPOINT), "only one that accepts counts");
}
