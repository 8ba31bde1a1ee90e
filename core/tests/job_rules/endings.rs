//! How a job ends: once, verified, and told to RunPod.

use reel_core::job::code::ErrorCode;
use reel_core::job::deadline::next_wake;
use reel_core::job::effect::{Effect, Kind, Outcome};
use reel_core::job::event::{Event, Found};
use reel_core::job::state::Status;
use reel_core::object_key::ObjectKey;
use reel_core::runpod::StatusReply;
use reel_core::wire::gpu::WorkStage;

use crate::life::{Life, T, accepted, claim, gave_up, gpu, progress, put};

#[test]
fn the_first_end_wins_and_late_news_is_ignored() {
    let mut life = Life::rendering();
    let key = life.own_key();
    life.says(put(&key));
    life.looks(Found::Bytes(7));
    let ended = life.job.clone();
    for event in [
        Event::Reported { attempt: 1, report: progress(50, WorkStage::Rendering) },
        Event::Reported { attempt: 1, report: gave_up(ErrorCode::GpuError) },
        Event::Reported { attempt: 1, report: put(&key) },
        Event::Reported { attempt: 1, report: claim("a-u1") },
        Event::StatusRead { attempt: 1, reply: StatusReply::Failed(ErrorCode::GpuError) },
        Event::OutputLooked { key, found: Found::Missing, poster: Found::Missing },
        Event::Hinted { attempt: 1 },
    ] {
        let step = life.does(event.clone());
        assert_eq!(step.outcome, Outcome::Ignored, "{event:?}");
        assert!(step.log.is_empty() && !step.keep && !step.tick, "{event:?}");
        assert_eq!(life.job, ended, "{event:?}");
    }
}

#[test]
fn a_result_is_verified_before_it_is_announced() {
    for found in [Found::Missing, Found::Bytes(0)] {
        let mut life = Life::rendering();
        let key = life.own_key();
        let step = life.says(put(&key));
        assert!(step.log.iter().all(|noted| noted.kind != Kind::Complete));
        assert_eq!(life.looks(found).outcome, Outcome::Retrying, "{found:?}");
        assert_eq!(life.job.attempt, 2);
    }
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_again() {
    let mut life = Life::rendering();
    let key = life.own_key();
    life.says(put(&key));
    life.looks(Found::CannotTell);
    life.later(T.look_again);
    let poster = ObjectKey::poster(life.job.id, 1);
    assert!(life.wakes().effects.contains(&Effect::LookForOutput { key, poster }));
    life.looks(Found::Bytes(1));
    assert_eq!(life.job.face().status, Status::Complete);
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
    life.says(put(&key));
    life.looks(Found::Bytes(1));
    assert_eq!(life.does(Event::CancelAsked).outcome, Outcome::WrongStatus(Status::Complete));
    assert_eq!(life.does(Event::RetryAsked).outcome, Outcome::WrongStatus(Status::Complete));
}
