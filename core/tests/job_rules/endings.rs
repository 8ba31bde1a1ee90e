//! How a job ends: once, with a verified output, and with its RunPod jobs cancelled.

use reel_core::base::object_key::ObjectKey;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::{StatusReply, WorkerStage};
use reel_core::job::log::MessageType;
use reel_core::job::status::JobStatus;

use crate::fixture::{
    JobFixture, TIMEOUTS, accepted, claim, completed, failed, present, progress, runpod_job_id,
};

#[test]
fn the_first_end_wins_and_late_events_are_ignored() {
    let mut fixture = JobFixture::rendering();
    let key = fixture.expected_output();
    fixture.callback(completed(&key));
    fixture.output_checked(present(7));
    let ended = fixture.job.clone();
    for event in [
        JobEvent::CallbackReceived { attempt: 1, report: progress(50, WorkerStage::Rendering) },
        JobEvent::CallbackReceived { attempt: 1, report: failed(ErrorCode::GpuError) },
        JobEvent::CallbackReceived { attempt: 1, report: completed(&key) },
        JobEvent::CallbackReceived { attempt: 1, report: claim("a-u1") },
        JobEvent::StatusPolled { attempt: 1, reply: StatusReply::Failed(ErrorCode::GpuError) },
        JobEvent::OutputChecked {
            key,
            output: ObjectCheck::Missing,
            poster: ObjectCheck::Missing,
            companions: Vec::new(),
        },
        JobEvent::WebhookReceived { attempt: 1 },
    ] {
        let step = fixture.apply(event.clone());
        assert_eq!(step.outcome, Outcome::Ignored, "{event:?}");
        assert!(step.entries.is_empty() && !step.persist && !step.broadcast_progress, "{event:?}");
        assert_eq!(fixture.job, ended, "{event:?}");
    }
}

#[test]
fn an_output_is_verified_before_the_job_is_complete() {
    for found in [ObjectCheck::Missing, present(0)] {
        let mut fixture = JobFixture::rendering();
        let key = fixture.expected_output();
        let step = fixture.callback(completed(&key));
        assert!(step.entries.iter().all(|entry| entry.message_type != MessageType::Complete));
        assert_eq!(fixture.output_checked(found.clone()).outcome, Outcome::Retrying, "{found:?}");
        assert_eq!(fixture.job.attempt, 2);
    }
}

#[test]
fn an_output_is_checked_again_if_the_bucket_does_not_reply() {
    let mut fixture = JobFixture::rendering();
    let key = fixture.expected_output();
    fixture.callback(completed(&key));
    fixture.output_checked(ObjectCheck::Unknown);
    fixture.wait(TIMEOUTS.check_output_backoff);
    let poster = ObjectKey::poster(fixture.job.id, 1);
    assert!(fixture.alarm().effects.contains(&JobEffect::CheckOutput {
        key,
        poster,
        companions: Vec::new()
    }));
    fixture.output_checked(present(1));
    assert_eq!(fixture.job.snapshot().status, JobStatus::Complete);
}

#[test]
fn an_output_without_a_report_is_found_in_the_bucket() {
    for reply in [
        StatusReply::Completed(None),
        StatusReply::NotFound,
        StatusReply::Failed(ErrorCode::WorkerLost),
        StatusReply::Cancelled,
        StatusReply::TimedOut,
    ] {
        let mut fixture = JobFixture::rendering();
        fixture.status_reply(reply.clone());
        fixture.output_checked(present(9));
        assert_eq!(fixture.job.snapshot().status, JobStatus::Complete, "{reply:?}");
    }
}

#[test]
fn a_cancel_is_idempotent_and_is_sent_to_runpod_until_it_is_confirmed() {
    let mut fixture = JobFixture::rendering();
    assert_eq!(fixture.apply(JobEvent::CancelRequested).outcome, Outcome::Applied);
    assert_eq!(fixture.failure_code(), Some(ErrorCode::Cancelled));
    assert_eq!(fixture.apply(JobEvent::CancelRequested).outcome, Outcome::Ignored);
    for _ in 0..3 {
        fixture.now = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
        assert!(
            fixture
                .alarm()
                .effects
                .contains(&JobEffect::CancelRunpodJob { runpod_job_id: runpod_job_id("a-u1") })
        );
        fixture.apply(JobEvent::CancelReplied { runpod_job_id: runpod_job_id("a-u1"), confirmed: false });
        fixture.apply(JobEvent::IndexWritten {
            version: fixture.job.index.wanted,
            written: Some(3),
            endpoints: None,
        });
    }
    fixture.apply(JobEvent::CancelReplied { runpod_job_id: runpod_job_id("a-u1"), confirmed: true });
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), fixture.job.sweep_at, "only the sweep is left to do");
}

#[test]
fn a_submit_that_is_accepted_after_a_cancel_is_cancelled() {
    let mut fixture = JobFixture::new();
    fixture.alarm();
    fixture.apply(JobEvent::CancelRequested);
    fixture.apply(accepted(1, "late-u1"));
    assert!(
        fixture
            .alarm()
            .effects
            .contains(&JobEffect::CancelRunpodJob { runpod_job_id: runpod_job_id("late-u1") })
    );
}

#[test]
fn a_complete_job_can_be_neither_cancelled_nor_retried() {
    let mut fixture = JobFixture::rendering();
    let key = fixture.expected_output();
    fixture.callback(completed(&key));
    fixture.output_checked(present(1));
    assert_eq!(fixture.apply(JobEvent::CancelRequested).outcome, Outcome::WrongStatus(JobStatus::Complete));
    assert_eq!(fixture.apply(JobEvent::RetryRequested).outcome, Outcome::WrongStatus(JobStatus::Complete));
}

#[test]
fn links_are_revoked_in_every_state_and_nothing_else_changes() {
    let mut complete = JobFixture::rendering();
    let key = complete.expected_output();
    complete.callback(completed(&key));
    complete.output_checked(present(1));
    for mut fixture in [JobFixture::new(), JobFixture::rendering(), complete] {
        let before = fixture.job.clone();
        let step = fixture.apply(JobEvent::RevokeLinksRequested);
        assert!(step.persist && step.entries.is_empty() && step.effects.is_empty());
        assert_eq!(step.outcome, Outcome::Applied);
        assert_eq!((fixture.job.link_generation, &fixture.job.state), (1, &before.state));
        fixture.apply(JobEvent::RevokeLinksRequested);
        assert_eq!(fixture.job.link_generation, 2);
    }
}
