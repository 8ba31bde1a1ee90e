//! What happens while nobody speaks: questions, deadlines, and what an answer is worth.

use reel_core::base::time::DurationMs;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::{EndpointLoad, StatusReply, WorkerStage};
use reel_core::job::status::JobStatus;

use crate::life::{JobFixture, T, gpu, progress};

#[test]
fn silence_is_asked_about_and_no_answer_is_no_failure() {
    let mut life = JobFixture::rendering();
    life.does(JobEvent::IndexWritten { version: life.job.index.wanted, written: Some(3) });
    assert_eq!(next_deadline(&life.job, &T), Some(life.now + T.heartbeat_timeout));
    life.later(T.heartbeat_timeout);
    assert_eq!(life.alarm().effects, [JobEffect::PollStatus { attempt: 1, runpod_job_id: gpu("a-u1") }]);
    for reply in [StatusReply::Unknown, StatusReply::Running, StatusReply::Unauthorized, StatusReply::Queued]
    {
        assert_eq!(life.status_reply(reply).outcome, Outcome::Ignored);
    }
    assert_eq!(life.job.snapshot().status, JobStatus::Processing);
    let pauses: Vec<i64> = (0..5)
        .map(|_| {
            let next = next_deadline(&life.job, &T).unwrap();
            let pause = next.since(life.now).0;
            life.now = next;
            life.alarm();
            pause
        })
        .collect();
    assert_eq!(pauses, [10_000, 20_000, 40_000, 60_000, 60_000], "questions back off");
}

#[test]
fn a_renderer_that_speaks_again_is_not_asked_about() {
    let mut life = JobFixture::rendering();
    life.later(DurationMs::seconds(59)).callback(progress(10, WorkerStage::Rendering));
    life.later(DurationMs::seconds(59));
    assert!(!life.alarm().effects.iter().any(|effect| matches!(effect, JobEffect::PollStatus { .. })));
}

#[test]
fn whoever_waits_in_the_queue_hears_whether_it_moves_without_a_stored_event() {
    let mut life = JobFixture::queued("a-u1");
    assert_eq!(life.status_reply(StatusReply::Queued).effects, [JobEffect::ReadEndpointLoad { attempt: 1 }]);
    let seen = |queued| JobEvent::EndpointLoadRead {
        attempt: 1,
        crowd: EndpointLoad { queued, rendering: 2, starting: 0, ready: 2 },
    };
    let step = life.does(seen(12));
    assert_eq!((step.persist, step.broadcast_progress, step.entries.len()), (true, true, 0));
    assert_eq!(life.job.snapshot().message, "Waiting for a renderer: 12 in the queue, 2 being rendered");
    let step = life.does(seen(12));
    assert!(!step.persist && !step.broadcast_progress, "the same again is no news");
    life.callback(progress(5, WorkerStage::Rendering));
    let rendering = life.job.clone();
    life.does(seen(3));
    assert_eq!(life.job, rendering, "who renders does not wait");
    assert_eq!(life.status_reply(StatusReply::Queued).effects, []);
}

#[test]
fn an_early_404_means_nothing_and_a_late_one_is_a_loss() {
    let mut life = JobFixture::queued("a-u1");
    life.later(DurationMs::seconds(149));
    assert_eq!(life.status_reply(StatusReply::NotFound).outcome, Outcome::Ignored);
    life.later(DurationMs::seconds(2));
    life.status_reply(StatusReply::NotFound);
    assert_eq!(life.looks(ObjectCheck::Missing).outcome, Outcome::Retrying);
    let mut life = JobFixture::rendering();
    life.status_reply(StatusReply::NotFound);
    life.looks(ObjectCheck::Missing);
    assert_eq!(life.job.attempt, 2, "once a renderer has spoken, a 404 is a loss");
}

#[test]
fn the_queue_deadline_ends_the_job_and_cancels_at_runpod() {
    let mut life = JobFixture::queued("a-u1");
    life.later(T.queue_timeout);
    let step = life.alarm();
    assert_eq!(life.code(), Some(ErrorCode::QueueTimeout));
    assert!(step.effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: gpu("a-u1") }));
}

#[test]
fn the_execution_deadline_looks_for_a_result_and_cancels() {
    let mut life = JobFixture::rendering();
    for _ in 0..10 {
        life.later(DurationMs::minutes(1)).callback(progress(30, WorkerStage::Rendering));
    }
    let step = life.alarm();
    assert!(step.effects.contains(&JobEffect::CancelRunpodJob { runpod_job_id: gpu("a-u1") }));
    life.looks(ObjectCheck::Missing);
    assert_eq!(life.job.attempt, 2);
}

#[test]
fn a_hint_asks_at_once_and_never_decides() {
    let mut life = JobFixture::rendering();
    life.does(JobEvent::WebhookReceived { attempt: 1 });
    assert_eq!(next_deadline(&life.job, &T), Some(life.now));
    assert!(life.alarm().effects.contains(&JobEffect::PollStatus { attempt: 1, runpod_job_id: gpu("a-u1") }));
    assert_eq!(life.job.snapshot().status, JobStatus::Processing);
}
