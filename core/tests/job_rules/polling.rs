//! Jobs without callbacks: polls, deadlines, and what RunPod's replies mean.

use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::{EndpointLoad, StatusReply, WorkerStage};
use reel_core::job::status::JobStatus;

use crate::fixture::{JobFixture, SPREAD, TIMEOUTS, progress, runpod_job_id};

#[test]
fn without_heartbeats_runpod_is_polled_and_an_unclear_reply_is_no_failure() {
    let mut fixture = JobFixture::rendering();
    fixture.apply(JobEvent::IndexWritten {
        version: fixture.job.index.wanted,
        written: Some(3),
        endpoints: None,
    });
    let due_at = fixture.now + TIMEOUTS.heartbeat_timeout + SPREAD;
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), Some(due_at));
    fixture.wait(TIMEOUTS.heartbeat_timeout).wait(SPREAD);
    assert_eq!(
        fixture.alarm().effects,
        [JobEffect::PollStatus { attempt: 1, runpod_job_id: runpod_job_id("a-u1") }]
    );
    for reply in [StatusReply::Unknown, StatusReply::Running, StatusReply::Unauthorized, StatusReply::Queued]
    {
        assert_eq!(fixture.status_reply(reply).outcome, Outcome::Ignored);
    }
    assert_eq!(fixture.job.snapshot().status, JobStatus::Processing);
    let pauses: Vec<i64> = (0..5)
        .map(|_| {
            let next = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
            let pause = next.since(fixture.now).0;
            fixture.now = next;
            fixture.alarm();
            pause
        })
        .collect();
    assert_eq!(pauses, [10_000, 20_000, 40_000, 60_000, 60_000], "polls back off");
}

#[test]
fn a_heartbeat_delays_the_next_poll() {
    let mut fixture = JobFixture::rendering();
    fixture.wait(DurationMs::seconds(59)).callback(progress(10, WorkerStage::Rendering));
    fixture.wait(DurationMs::seconds(59));
    assert!(!fixture.alarm().effects.iter().any(|effect| matches!(effect, JobEffect::PollStatus { .. })));
}

#[test]
fn the_endpoint_load_changes_the_message_without_a_log_entry() {
    let mut fixture = JobFixture::queued("a-u1");
    assert_eq!(
        fixture.status_reply(StatusReply::Queued).effects,
        [JobEffect::ReadEndpointLoad { attempt: 1 }]
    );
    let load_read = |queued| JobEvent::EndpointLoadRead {
        attempt: 1,
        load: EndpointLoad { queued, rendering: 2, starting: 0, ready: 2 },
    };
    let step = fixture.apply(load_read(12));
    assert_eq!((step.persist, step.broadcast_progress, step.entries.len()), (true, true, 0));
    assert_eq!(fixture.job.snapshot().message, "Waiting for a renderer: 12 queued, 2 running");
    let step = fixture.apply(load_read(12));
    assert!(!step.persist && !step.broadcast_progress, "an unchanged message is not written");
    fixture.callback(progress(5, WorkerStage::Rendering));
    let rendering = fixture.job.clone();
    fixture.apply(load_read(3));
    assert_eq!(fixture.job, rendering, "a rendering job has no queue message");
    assert_eq!(fixture.status_reply(StatusReply::Queued).effects, []);
}

#[test]
fn an_early_404_is_ignored_and_a_late_one_loses_the_attempt() {
    let mut fixture = JobFixture::queued("a-u1");
    fixture.wait(DurationMs::seconds(149));
    assert_eq!(fixture.status_reply(StatusReply::NotFound).outcome, Outcome::Ignored);
    fixture.wait(DurationMs::seconds(2));
    fixture.status_reply(StatusReply::NotFound);
    assert_eq!(fixture.output_checked(ObjectCheck::Missing).outcome, Outcome::Retrying);
    let mut fixture = JobFixture::rendering();
    fixture.status_reply(StatusReply::NotFound);
    fixture.output_checked(ObjectCheck::Missing);
    assert_eq!(fixture.job.attempt, 2, "after the first heartbeat a 404 loses the attempt");
}

#[test]
fn a_question_that_was_not_sent_is_asked_later_and_counts_for_nothing() {
    for mut fixture in [JobFixture::queued("a-u1"), JobFixture::rendering()] {
        fixture.apply(JobEvent::IndexWritten {
            version: fixture.job.index.wanted,
            written: Some(3),
            endpoints: None,
        });
        let (attempt, started_at) = (fixture.job.attempt, fixture.job.started_at);
        fixture.wait(TIMEOUTS.heartbeat_timeout);
        fixture.apply(JobEvent::WebhookReceived { attempt: 1 });
        for round in 0..5 {
            assert!(matches!(fixture.alarm().effects[..], [JobEffect::PollStatus { attempt: 1, .. }]));
            let step = fixture.status_reply(StatusReply::NotAsked(DurationMs::seconds(7)));
            assert_eq!(step.entries.len(), usize::from(round == 0), "its log says so once");
            assert!(fixture.job.snapshot().message.contains("does not answer"));
            let next = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
            assert_eq!(next, fixture.now + DurationMs::seconds(7) + SPREAD);
            fixture.now = next;
        }
        assert_eq!((fixture.job.attempt, fixture.job.started_at), (attempt, started_at));
        // Answered, it goes on as if nothing had been: the second question follows as soon as ever.
        fixture.alarm();
        let step = fixture.status_reply(StatusReply::Unauthorized);
        assert_eq!((step.persist, step.entries.len()), (true, 0));
        assert!(!fixture.job.snapshot().message.contains("does not answer"));
        fixture.status_reply(StatusReply::Unknown);
        let next = next_deadline(&fixture.job, &TIMEOUTS).unwrap();
        assert_eq!(next, fixture.now + TIMEOUTS.poll_backoff);
        assert_eq!(fixture.callback(progress(5, WorkerStage::Rendering)).outcome, Outcome::Applied);
    }
}

#[test]
fn a_question_that_was_not_sent_does_not_prolong_a_job() {
    let mut fixture = JobFixture::queued("a-u1");
    let limit = fixture.now + TIMEOUTS.queue_timeout;
    while fixture.job.end().is_none() {
        assert!(fixture.now <= limit, "{:?}", fixture.job.state);
        if fixture.alarm().effects.iter().any(|effect| matches!(effect, JobEffect::PollStatus { .. })) {
            fixture.status_reply(StatusReply::NotAsked(DurationMs::seconds(60)));
        }
        fixture.apply(JobEvent::IndexWritten {
            version: fixture.job.index.wanted,
            written: Some(3),
            endpoints: None,
        });
        fixture.now = next_deadline(&fixture.job, &TIMEOUTS).unwrap_or(fixture.now);
    }
    assert_eq!(fixture.failure_code(), Some(ErrorCode::QueueTimeout));
}

#[test]
fn the_queue_timeout_fails_the_job_and_cancels_the_runpod_job() {
    let mut fixture = JobFixture::queued("a-u1");
    fixture.wait(TIMEOUTS.queue_timeout);
    let step = fixture.alarm();
    assert_eq!(fixture.failure_code(), Some(ErrorCode::QueueTimeout));
    assert!(step.effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: runpod_job_id("a-u1") }));
}

#[test]
fn the_execution_timeout_checks_the_output_and_cancels_the_runpod_job() {
    let mut fixture = JobFixture::rendering();
    for _ in 0..10 {
        fixture.wait(DurationMs::minutes(1)).callback(progress(30, WorkerStage::Rendering));
    }
    let step = fixture.alarm();
    assert!(step.effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: runpod_job_id("a-u1") }));
    fixture.output_checked(ObjectCheck::Missing);
    assert_eq!(fixture.job.attempt, 2);
}

#[test]
fn a_webhook_only_polls_at_once() {
    let mut fixture = JobFixture::rendering();
    fixture.apply(JobEvent::WebhookReceived { attempt: 1 });
    assert_eq!(next_deadline(&fixture.job, &TIMEOUTS), Some(fixture.now));
    assert!(
        fixture
            .alarm()
            .effects
            .contains(&JobEffect::PollStatus { attempt: 1, runpod_job_id: runpod_job_id("a-u1") })
    );
    assert_eq!(fixture.job.snapshot().status, JobStatus::Processing);
}
