//! From waiting to complete: what renderers report, and how much of it is kept.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{ObjectCheck, Report};
use reel_core::job::gpu_service::WorkerStage;
use reel_core::job::log::MessageType;
use reel_core::job::status::{JobStage, JobStatus};

use crate::life::{JobFixture, T, accepted, claim, gave_up, progress, put};

#[test]
fn a_job_runs_from_waiting_to_complete() {
    let mut life = JobFixture::new();
    assert_eq!(next_deadline(&life.job, &T), Some(life.now));
    assert_eq!(life.alarm().effects[0], JobEffect::Submit { attempt: 1 });
    life.does(accepted(1, "a-u1"));
    assert_eq!(
        (life.job.snapshot().status, life.job.snapshot().stage),
        (JobStatus::Pending, JobStage::Queued)
    );
    life.callback(claim("a-u1"));
    life.callback(progress(40, WorkerStage::Rendering));
    assert_eq!((life.job.snapshot().status, life.job.snapshot().progress), (JobStatus::Processing, 40));
    let key = life.own_key();
    let step = life.callback(put(&key));
    let poster = ObjectKey::poster(life.job.id, 1);
    assert_eq!(step.effects, [JobEffect::CheckOutput { key: key.clone(), poster }]);
    assert_eq!(life.job.snapshot().stage, JobStage::Verifying);
    let step = life.looks(ObjectCheck::Present(7));
    assert_eq!((step.outcome, step.entries[0].message_type), (Outcome::Applied, MessageType::Complete));
    let face = life.job.snapshot();
    assert_eq!(
        (face.status, face.progress, face.output.map(|o| (o.key, o.bytes))),
        (JobStatus::Complete, 100, Some((key.as_str().into(), 7)))
    );
}

#[test]
fn progress_never_goes_down_within_an_attempt_and_starts_over_with_the_next() {
    let mut life = JobFixture::rendering();
    life.callback(progress(60, WorkerStage::Rendering));
    life.callback(progress(20, WorkerStage::Rendering));
    assert_eq!(life.job.snapshot().progress, 60);
    life.callback(progress(100, WorkerStage::Uploading));
    assert_eq!(life.job.snapshot().progress, 99, "100 is for a verified result");
    let step = life.callback(gave_up(ErrorCode::GpuError));
    assert_eq!(life.job.snapshot().progress, 0);
    assert_eq!(step.entries[0].snapshot.message, "Retrying (attempt 2/3): It broke.");
}

#[test]
fn a_minute_of_progress_keeps_little_and_stores_no_events() {
    let mut life = JobFixture::rendering();
    life.callback(progress(10, WorkerStage::Rendering));
    let (mut kept, mut stored, mut told) = (0, 0, 0);
    for second in (2..=60).step_by(2) {
        let step = life.later(DurationMs::seconds(2)).callback(progress(10 + second, WorkerStage::Rendering));
        kept += usize::from(step.persist);
        stored += step.entries.len();
        told += usize::from(step.broadcast_progress);
    }
    assert_eq!((kept, stored, told), (6, 0, 30));
}

#[test]
fn a_worker_that_skips_the_claim_is_understood() {
    let mut life = JobFixture::queued("a-u1");
    life.callback(Report::Progress { percent: 5, message: Some("Downloading video...".into()), stage: None });
    assert_eq!((life.job.snapshot().status, life.job.snapshot().progress), (JobStatus::Processing, 5));
}

#[test]
fn of_two_renderers_for_one_attempt_the_second_is_refused_while_the_first_is_alive() {
    let mut life = JobFixture::rendering();
    let step = life.callback(claim("other-u1"));
    assert_eq!(step.outcome, Outcome::AlreadyClaimed);
    assert_eq!(life.callback(claim("a-u1")).outcome, Outcome::Applied, "RunPod may run its own job again");
    life.later(T.heartbeat_timeout);
    assert_eq!(life.callback(claim("other-u1")).outcome, Outcome::Applied, "a silent one is replaced");
}
