//! From waiting to complete: what renderers report, and how much of it is kept.

use reel_core::job::code::ErrorCode;
use reel_core::job::deadline::next_wake;
use reel_core::job::effect::{Effect, Kind, Outcome};
use reel_core::job::event::{Found, Report};
use reel_core::job::state::{Stage, Status};
use reel_core::object_key::ObjectKey;
use reel_core::time::Span;
use reel_core::wire::gpu::WorkStage;

use crate::life::{Life, T, accepted, claim, gave_up, progress, put};

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
    let step = life.says(put(&key));
    let poster = ObjectKey::poster(life.job.id, 1);
    assert_eq!(step.effects, [Effect::LookForOutput { key: key.clone(), poster }]);
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
fn of_two_renderers_for_one_attempt_the_second_is_refused_while_the_first_is_alive() {
    let mut life = Life::rendering();
    let step = life.says(claim("other-u1"));
    assert_eq!(step.outcome, Outcome::AlreadyClaimed);
    assert_eq!(life.says(claim("a-u1")).outcome, Outcome::Applied, "RunPod may run its own job again");
    life.later(T.silence);
    assert_eq!(life.says(claim("other-u1")).outcome, Outcome::Applied, "a silent one is replaced");
}
