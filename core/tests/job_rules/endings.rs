//! How a job ends: once, verified, and told to RunPod.

use reel_core::base::object_key::ObjectKey;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::{StatusReply, WorkerStage};
use reel_core::job::log::MessageType;
use reel_core::job::status::JobStatus;

use crate::life::{JobFixture, T, accepted, claim, gave_up, gpu, progress, put};

#[test]
fn the_first_end_wins_and_late_news_is_ignored() {
    let mut life = JobFixture::rendering();
    let key = life.own_key();
    life.callback(put(&key));
    life.looks(ObjectCheck::Present(7));
    let ended = life.job.clone();
    for event in [
        JobEvent::CallbackReceived { attempt: 1, report: progress(50, WorkerStage::Rendering) },
        JobEvent::CallbackReceived { attempt: 1, report: gave_up(ErrorCode::GpuError) },
        JobEvent::CallbackReceived { attempt: 1, report: put(&key) },
        JobEvent::CallbackReceived { attempt: 1, report: claim("a-u1") },
        JobEvent::StatusPolled { attempt: 1, reply: StatusReply::Failed(ErrorCode::GpuError) },
        JobEvent::OutputChecked { key, found: ObjectCheck::Missing, poster: ObjectCheck::Missing },
        JobEvent::WebhookReceived { attempt: 1 },
    ] {
        let step = life.does(event.clone());
        assert_eq!(step.outcome, Outcome::Ignored, "{event:?}");
        assert!(step.entries.is_empty() && !step.persist && !step.broadcast_progress, "{event:?}");
        assert_eq!(life.job, ended, "{event:?}");
    }
}

#[test]
fn a_result_is_verified_before_it_is_announced() {
    for found in [ObjectCheck::Missing, ObjectCheck::Present(0)] {
        let mut life = JobFixture::rendering();
        let key = life.own_key();
        let step = life.callback(put(&key));
        assert!(step.entries.iter().all(|entry| entry.message_type != MessageType::Complete));
        assert_eq!(life.looks(found).outcome, Outcome::Retrying, "{found:?}");
        assert_eq!(life.job.attempt, 2);
    }
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_again() {
    let mut life = JobFixture::rendering();
    let key = life.own_key();
    life.callback(put(&key));
    life.looks(ObjectCheck::Unknown);
    life.later(T.check_output_backoff);
    let poster = ObjectKey::poster(life.job.id, 1);
    assert!(life.alarm().effects.contains(&JobEffect::CheckOutput { key, poster }));
    life.looks(ObjectCheck::Present(1));
    assert_eq!(life.job.snapshot().status, JobStatus::Complete);
}

#[test]
fn a_result_whose_report_was_lost_is_found_by_its_artifact() {
    for reply in [
        StatusReply::Completed(None),
        StatusReply::NotFound,
        StatusReply::Failed(ErrorCode::WorkerLost),
        StatusReply::Cancelled,
        StatusReply::TimedOut,
    ] {
        let mut life = JobFixture::rendering();
        life.status_reply(reply.clone());
        life.looks(ObjectCheck::Present(9));
        assert_eq!(life.job.snapshot().status, JobStatus::Complete, "{reply:?}");
    }
}

#[test]
fn cancel_is_idempotent_and_reaches_runpod_until_it_is_settled() {
    let mut life = JobFixture::rendering();
    assert_eq!(life.does(JobEvent::CancelRequested).outcome, Outcome::Applied);
    assert_eq!(life.code(), Some(ErrorCode::Cancelled));
    assert_eq!(life.does(JobEvent::CancelRequested).outcome, Outcome::Ignored);
    for _ in 0..3 {
        life.now = next_deadline(&life.job, &T).unwrap();
        assert!(life.alarm().effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: gpu("a-u1") }));
        life.does(JobEvent::CancelReplied { runpod_job_id: gpu("a-u1"), settled: false });
        life.does(JobEvent::IndexWritten { version: life.job.index.wanted, written: Some(3) });
    }
    life.does(JobEvent::CancelReplied { runpod_job_id: gpu("a-u1"), settled: true });
    assert_eq!(next_deadline(&life.job, &T), None, "nothing is left to do");
}

#[test]
fn a_submit_that_is_accepted_after_a_cancel_is_cancelled_too() {
    let mut life = JobFixture::new();
    life.alarm();
    life.does(JobEvent::CancelRequested);
    life.does(accepted(1, "late-u1"));
    assert!(life.alarm().effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: gpu("late-u1") }));
}

#[test]
fn a_complete_job_is_neither_cancelled_nor_retried() {
    let mut life = JobFixture::rendering();
    let key = life.own_key();
    life.callback(put(&key));
    life.looks(ObjectCheck::Present(1));
    assert_eq!(life.does(JobEvent::CancelRequested).outcome, Outcome::WrongStatus(JobStatus::Complete));
    assert_eq!(life.does(JobEvent::RetryRequested).outcome, Outcome::WrongStatus(JobStatus::Complete));
}
