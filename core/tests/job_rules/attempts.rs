//! Attempts: when another one follows, and which events belong to which attempt.

use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, Report};
use reel_core::job::gpu_service::{SubmitReply, WorkerStage};
use reel_core::job::state::JobState;
use reel_core::job::status::JobStatus;

use crate::fixture::{ENDPOINT, JobFixture, TIMEOUTS, accepted, claim, failed, progress, runpod_job_id};

#[test]
fn events_of_an_older_attempt_are_stale() {
    let mut fixture = JobFixture::rendering();
    assert_eq!(fixture.callback(failed(ErrorCode::GpuError)).outcome, Outcome::Retrying);
    assert_eq!(fixture.job.attempt, 2);
    for report in [progress(60, WorkerStage::Rendering), failed(ErrorCode::GpuError), claim("a-u1")] {
        let step = fixture.apply(JobEvent::CallbackReceived { attempt: 1, report });
        assert_eq!(step.outcome, Outcome::Stale);
    }
}

#[test]
fn a_job_fails_after_three_submitted_attempts() {
    let mut fixture = JobFixture::rendering();
    let mut pauses = Vec::new();
    for attempt in 2..=3 {
        fixture.callback(failed(ErrorCode::GpuError));
        let due = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
        // The index write is due at once, the submit after a backoff.
        fixture.apply(JobEvent::IndexWritten {
            version: fixture.job.index.wanted,
            written: Some(3),
            endpoints: None,
        });
        let submit = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
        assert!(due <= submit);
        pauses.push(submit.since(fixture.now).0);
        fixture.now = submit;
        assert!(fixture.alarm().effects.contains(&JobEffect::Submit { attempt }));
        fixture.apply(accepted(attempt, "b-u1"));
        fixture.callback(claim("b-u1"));
    }
    assert_eq!(pauses, [2_000, 8_000]);
    fixture.callback(failed(ErrorCode::GpuError));
    assert_eq!(fixture.failure_code(), Some(ErrorCode::GpuError));
    assert_eq!(fixture.job.snapshot().failure.unwrap().sentence, "It broke.");
}

#[test]
fn invalid_input_is_not_retried() {
    let mut fixture = JobFixture::rendering();
    let step = fixture.callback(failed(ErrorCode::InvalidInput));
    assert_eq!((step.outcome, fixture.failure_code()), (Outcome::Applied, Some(ErrorCode::InvalidInput)));
    let mut fixture = JobFixture::rendering();
    fixture.callback(Report::Error { code: ErrorCode::GpuError, sentence: "No.".into(), retryable: false });
    assert_eq!(fixture.failure_code(), Some(ErrorCode::GpuError), "a worker may rule out another attempt");
}

#[test]
fn a_rejected_submit_is_repeated_with_the_same_attempt() {
    let mut fixture = JobFixture::new();
    let pause = DurationMs::seconds(7);
    for reply in [SubmitReply::Unknown, SubmitReply::Busy(Some(pause)), SubmitReply::NotSent(pause)] {
        fixture.alarm();
        fixture.apply(JobEvent::SubmitReplied { attempt: 1, endpoint: ENDPOINT.to_owned(), reply });
        let JobState::PendingSubmit(pending) = &fixture.job.state else { panic!("{:?}", fixture.job.state) };
        fixture.now = pending.due_at;
    }
    assert_eq!(fixture.job.attempt, 1);
    fixture.wait(TIMEOUTS.queue_timeout).alarm();
    assert_eq!(fixture.failure_code(), Some(ErrorCode::GpuUnreachable));
}

#[test]
fn with_a_rejected_api_key_the_job_waits_for_an_operator() {
    let mut fixture = JobFixture::new();
    fixture.alarm();
    fixture.apply(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    assert!(fixture.job.snapshot().message.contains("operator"));
    fixture.wait(DurationMs::minutes(60)).alarm();
    assert_eq!(fixture.failure_code(), None, "after an hour the job still waits");
    fixture.apply(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unauthorized,
    });
    fixture.wait(DurationMs::minutes(24 * 60)).alarm();
    assert_eq!(fixture.failure_code(), Some(ErrorCode::GpuUnauthorized));
}

#[test]
fn without_a_gpu_endpoint_the_job_says_so_and_waits_until_one_is_set() {
    let mut fixture = JobFixture::new();
    let submit = |fixture: &mut JobFixture, reply| {
        fixture.alarm();
        fixture.apply(JobEvent::SubmitReplied { attempt: 1, endpoint: String::new(), reply });
        let JobState::PendingSubmit(pending) = &fixture.job.state else { panic!("{:?}", fixture.job.state) };
        fixture.now = pending.due_at;
    };
    submit(&mut fixture, SubmitReply::NoEndpoint);
    let message = fixture.job.snapshot().message;
    assert!(message.contains("No GPU endpoint is set") && message.contains("RUNPOD_ENDPOINT"), "{message}");
    fixture.wait(TIMEOUTS.queue_timeout);
    submit(&mut fixture, SubmitReply::NoEndpoint);
    assert_eq!(fixture.failure_code(), None, "it waits as long as for a key");
    submit(&mut fixture, SubmitReply::NoCallbackAddress);
    assert_eq!(fixture.job.attempt, 1, "nothing was sent, so nothing was tried");
    fixture.alarm();
    fixture.apply(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Accepted(runpod_job_id("a-u1")),
    });
    assert!(matches!(fixture.job.state, JobState::Queued { .. }));
}

#[test]
fn a_claim_is_accepted_even_if_the_reply_to_the_submit_was_lost() {
    let mut fixture = JobFixture::new();
    fixture.alarm();
    fixture.apply(JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: ENDPOINT.to_owned(),
        reply: SubmitReply::Unknown,
    });
    assert_eq!(fixture.callback(claim("lost-u1")).outcome, Outcome::Applied);
    assert_eq!(fixture.job.snapshot().status, JobStatus::Processing);
    fixture.wait(DurationMs::seconds(30));
    assert!(
        !fixture.alarm().effects.iter().any(|effect| matches!(effect, JobEffect::Submit { .. })),
        "not submitted again"
    );
}

#[test]
fn a_retry_starts_a_new_attempt_and_allows_three_more() {
    let mut fixture = JobFixture::rendering();
    fixture.callback(failed(ErrorCode::InvalidInput));
    assert_eq!(fixture.apply(JobEvent::RetryRequested).outcome, Outcome::Applied);
    let snapshot = fixture.job.snapshot();
    assert_eq!((snapshot.attempt, snapshot.max_attempts, snapshot.status), (2, 4, JobStatus::Pending));
    assert_eq!(fixture.apply(JobEvent::RetryRequested).outcome, Outcome::WrongStatus(JobStatus::Pending));
}

#[test]
fn a_job_remembers_the_endpoint_that_accepted_it() {
    let mut fixture = JobFixture::queued("a-u1");
    let late = JobEvent::SubmitReplied {
        attempt: 1,
        endpoint: "elsewhere".into(),
        reply: SubmitReply::Unauthorized,
    };
    fixture.apply(late);
    assert_eq!(fixture.job.endpoint.as_deref(), Some(ENDPOINT), "only an accepted submit counts");
}
