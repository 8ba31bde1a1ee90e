//! From pending to complete: what GPU workers report, and how much of it is stored.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::Report;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::job::log::MessageType;
use reel_core::job::status::{JobStage, JobStatus};

use crate::fixture::{JobFixture, TIMEOUTS, accepted, claim, completed, failed, present, progress};

#[test]
fn a_job_goes_from_pending_to_complete() {
    let mut fixture = JobFixture::new();
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), Some(fixture.now));
    assert_eq!(fixture.alarm().effects[0], JobEffect::Submit { attempt: 1 });
    fixture.apply(accepted(1, "a-u1"));
    assert_eq!(
        (fixture.job.snapshot().status, fixture.job.snapshot().stage),
        (JobStatus::Pending, JobStage::Queued)
    );
    fixture.callback(claim("a-u1"));
    fixture.callback(progress(40, WorkerStage::Rendering));
    assert_eq!((fixture.job.snapshot().status, fixture.job.snapshot().progress), (JobStatus::Processing, 40));
    let key = fixture.expected_output();
    let step = fixture.callback(completed(&key));
    let poster = ObjectKey::poster(fixture.job.id, 1);
    assert_eq!(step.effects, [JobEffect::CheckOutput { key: key.clone(), poster, companions: Vec::new() }]);
    assert_eq!(fixture.job.snapshot().stage, JobStage::Verifying);
    let step = fixture.output_checked(present(7));
    assert_eq!((step.outcome, step.entries[0].message_type), (Outcome::Applied, MessageType::Complete));
    let snapshot = fixture.job.snapshot();
    assert_eq!(
        (snapshot.status, snapshot.progress, snapshot.output.map(|o| (o.key, o.bytes))),
        (JobStatus::Complete, 100, Some((key.as_str().into(), 7)))
    );
}

#[test]
fn progress_never_decreases_within_an_attempt() {
    let mut fixture = JobFixture::rendering();
    fixture.callback(progress(60, WorkerStage::Rendering));
    fixture.callback(progress(20, WorkerStage::Rendering));
    assert_eq!(fixture.job.snapshot().progress, 60);
    fixture.callback(progress(100, WorkerStage::Uploading));
    assert_eq!(fixture.job.snapshot().progress, 99, "100 is for a verified output");
    let step = fixture.callback(failed(ErrorCode::GpuError));
    assert_eq!(fixture.job.snapshot().progress, 0);
    assert_eq!(step.entries[0].snapshot.message, "Retrying (attempt 2/3): It broke.");
}

#[test]
fn a_minute_of_progress_is_written_six_times_without_log_entries() {
    let mut fixture = JobFixture::rendering();
    fixture.callback(progress(10, WorkerStage::Rendering));
    let (mut writes, mut entries, mut broadcasts) = (0, 0, 0);
    for second in (2..=60).step_by(2) {
        let step =
            fixture.wait(DurationMs::seconds(2)).callback(progress(10 + second, WorkerStage::Rendering));
        writes += usize::from(step.persist);
        entries += step.entries.len();
        broadcasts += usize::from(step.broadcast_progress);
    }
    assert_eq!((writes, entries, broadcasts), (6, 0, 30));
}

#[test]
fn a_worker_may_skip_the_claim() {
    let mut fixture = JobFixture::queued("a-u1");
    fixture.callback(Report::Progress {
        percent: 5,
        message: Some("Downloading video...".into()),
        stage: None,
    });
    assert_eq!((fixture.job.snapshot().status, fixture.job.snapshot().progress), (JobStatus::Processing, 5));
}

#[test]
fn a_second_claim_is_rejected_while_the_first_worker_sends_heartbeats() {
    let mut fixture = JobFixture::rendering();
    let step = fixture.callback(claim("other-u1"));
    assert_eq!(step.outcome, Outcome::AlreadyClaimed);
    assert_eq!(
        fixture.callback(claim("a-u1")).outcome,
        Outcome::Applied,
        "the same RunPod job may claim again"
    );
    fixture.wait(TIMEOUTS.heartbeat_timeout);
    assert_eq!(
        fixture.callback(claim("other-u1")).outcome,
        Outcome::Applied,
        "a worker without heartbeats is replaced"
    );
}
