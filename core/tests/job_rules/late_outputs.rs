//! What a GPU worker puts too late: nobody reports it, and yet it does not stay.

use reel_core::base::time::DurationMs;
use reel_core::job::companions::Companions;
use reel_core::job::deadline::{Deadline, deadlines, next_deadline};
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::gpu_service::StatusReply;
use reel_core::job::output_media::OutputMedia;
use reel_core::job::state::JobEnd;

use crate::fixture::{JobFixture, TIMEOUTS, claim, completed, failed, present};

/// How long after a claim something may still be put.
fn put_time() -> DurationMs {
    DurationMs(TIMEOUTS.worker_url_lifetime.0 + TIMEOUTS.late_put_grace.0)
}

fn sweeps(fixture: &JobFixture) -> bool {
    deadlines(&fixture.job, &TIMEOUTS).iter().any(|(deadline, _)| *deadline == Deadline::SweepOutputs)
}

/// A job that was cancelled while it rendered, with its outbox empty.
fn cancelled() -> JobFixture {
    let mut fixture = JobFixture::rendering();
    fixture.apply(JobEvent::CancelRequested);
    fixture.job.pending_cancels.clear();
    fixture.job.index.written = fixture.job.index.wanted;
    fixture
}

#[test]
fn an_output_that_is_put_after_the_cancel_is_deleted_when_its_url_has_expired() {
    let mut fixture = cancelled();
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), Some(fixture.now + put_time()));
    let step = fixture.wait(put_time()).alarm();
    assert_eq!(step.effects, [JobEffect::SweepOutputs { keep: Vec::new() }]);
    let step = fixture.apply(JobEvent::OutputsSwept { done: true });
    assert!(step.persist && step.entries.is_empty());
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), None);
}

#[test]
fn a_sweep_that_failed_is_repeated() {
    let mut fixture = cancelled();
    fixture.wait(put_time()).alarm();
    assert_eq!(fixture.apply(JobEvent::OutputsSwept { done: false }).outcome, Outcome::Ignored);
    let step = fixture.wait(TIMEOUTS.late_put_grace).alarm();
    assert_eq!(step.effects, [JobEffect::SweepOutputs { keep: Vec::new() }]);
}

#[test]
fn a_job_that_no_worker_has_claimed_needs_no_sweep() {
    let mut fixture = JobFixture::queued("a-u1");
    fixture.apply(JobEvent::CancelRequested);
    assert!(!sweeps(&fixture));
}

#[test]
fn a_result_of_a_later_attempt_is_kept_and_one_of_the_first_costs_no_sweep() {
    let mut first = JobFixture::rendering();
    let key = first.expected_output();
    first.callback(completed(&key));
    first.output_checked(present(7));
    assert!(!sweeps(&first), "what lies there goes with the job");

    let mut second = JobFixture::rendering();
    second.callback(failed(ErrorCode::GpuError));
    second.callback(claim("b-u1"));
    let key = second.expected_output();
    second.callback(completed(&key));
    second.output_checked(present(7));
    second.job.pending_cancels.clear();
    second.job.index.written = second.job.index.wanted;
    let step = second.wait(put_time()).alarm();
    assert_eq!(step.effects, [JobEffect::SweepOutputs { keep: vec![key] }]);
}

#[test]
fn a_retry_waits_with_the_sweep_until_its_own_end() {
    let mut fixture = cancelled();
    fixture.wait(TIMEOUTS.worker_url_lifetime).apply(JobEvent::RetryRequested);
    assert!(!sweeps(&fixture));
    fixture.callback(claim("b-u1"));
    fixture.apply(JobEvent::CancelRequested);
    assert_eq!(fixture.job.sweep_at, Some(fixture.now + put_time()));
}

#[test]
fn the_version_that_was_verified_is_remembered() {
    let mut fixture = JobFixture::rendering();
    let key = fixture.expected_output();
    fixture.callback(completed(&key));
    let step = fixture.apply(JobEvent::OutputChecked {
        key: key.clone(),
        output: present(7),
        poster: ObjectCheck::Missing,
        companions: Vec::new(),
    });
    assert!(matches!(step.job.end(), Some(JobEnd::Complete { poster_etag: None, .. })));
    assert_eq!(step.job.output_etag(key.as_str()), Some("\"7\""));
    assert_eq!(step.job.output_etag("output/else/1/video.mp4"), None);
}

#[test]
fn what_the_renderer_read_from_its_file_is_kept_also_when_a_poll_was_first() {
    let media = OutputMedia::new(1080, 1920, 29.97, 90, 3_003);
    for polled_first in [false, true] {
        let mut fixture = JobFixture::rendering();
        let key = fixture.expected_output();
        if polled_first {
            fixture.status_reply(StatusReply::Completed(Some(key.as_str().to_owned())));
        }
        let report = Report::Complete {
            key: key.clone(),
            poster: None,
            bytes: None,
            media,
            companions: Companions::default(),
        };
        assert_eq!(fixture.callback(report.clone()).outcome, Outcome::Applied);
        assert_eq!(fixture.callback(report).outcome, Outcome::Ignored, "a second one says nothing new");
        let step = fixture.output_checked(present(7));
        let output = step.job.snapshot().output.expect("an output");
        assert_eq!((output.media, output.bytes), (media, 7));
    }
}
