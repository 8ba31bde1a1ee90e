//! What happens while nobody speaks: questions, deadlines, and what an answer is worth.

use reel_core::job::code::ErrorCode;
use reel_core::job::deadline::next_wake;
use reel_core::job::effect::{Effect, Outcome};
use reel_core::job::event::{Event, Found};
use reel_core::job::state::Status;
use reel_core::runpod::{Crowd, StatusReply};
use reel_core::time::Span;
use reel_core::wire::gpu::WorkStage;

use crate::life::{Life, T, gpu, progress};

#[test]
fn silence_is_asked_about_and_no_answer_is_no_failure() {
    let mut life = Life::rendering();
    life.does(Event::IndexAnswered { version: life.job.index.wanted, written: Some(3) });
    assert_eq!(next_wake(&life.job, &T), Some(life.now + T.silence));
    life.later(T.silence);
    assert_eq!(life.wakes().effects, [Effect::AskStatus { attempt: 1, gpu_job: gpu("a-u1") }]);
    for reply in
        [StatusReply::CannotTell, StatusReply::Running, StatusReply::Unauthorized, StatusReply::Queued]
    {
        assert_eq!(life.hears_status(reply).outcome, Outcome::Ignored);
    }
    assert_eq!(life.job.face().status, Status::Processing);
    let pauses: Vec<i64> = (0..5)
        .map(|_| {
            let next = next_wake(&life.job, &T).unwrap();
            let pause = next.since(life.now).0;
            life.now = next;
            life.wakes();
            pause
        })
        .collect();
    assert_eq!(pauses, [10_000, 20_000, 40_000, 60_000, 60_000], "questions back off");
}

#[test]
fn a_renderer_that_speaks_again_is_not_asked_about() {
    let mut life = Life::rendering();
    life.later(Span::seconds(59)).says(progress(10, WorkStage::Rendering));
    life.later(Span::seconds(59));
    assert!(!life.wakes().effects.iter().any(|effect| matches!(effect, Effect::AskStatus { .. })));
}

#[test]
fn whoever_waits_in_the_queue_hears_whether_it_moves_without_a_stored_event() {
    let mut life = Life::queued("a-u1");
    assert_eq!(life.hears_status(StatusReply::Queued).effects, [Effect::AskCrowd { attempt: 1 }]);
    let seen = |queued| Event::CrowdSeen {
        attempt: 1,
        crowd: Crowd { queued, rendering: 2, starting: 0, ready: 2 },
    };
    let step = life.does(seen(12));
    assert_eq!((step.keep, step.tick, step.log.len()), (true, true, 0));
    assert_eq!(life.job.face().message, "Waiting for a renderer: 12 in the queue, 2 being rendered");
    let step = life.does(seen(12));
    assert!(!step.keep && !step.tick, "the same again is no news");
    life.says(progress(5, WorkStage::Rendering));
    let rendering = life.job.clone();
    life.does(seen(3));
    assert_eq!(life.job, rendering, "who renders does not wait");
    assert_eq!(life.hears_status(StatusReply::Queued).effects, []);
}

#[test]
fn an_early_404_means_nothing_and_a_late_one_is_a_loss() {
    let mut life = Life::queued("a-u1");
    life.later(Span::seconds(149));
    assert_eq!(life.hears_status(StatusReply::Gone).outcome, Outcome::Ignored);
    life.later(Span::seconds(2));
    life.hears_status(StatusReply::Gone);
    assert_eq!(life.looks(Found::Missing).outcome, Outcome::Retrying);
    let mut life = Life::rendering();
    life.hears_status(StatusReply::Gone);
    life.looks(Found::Missing);
    assert_eq!(life.job.attempt, 2, "once a renderer has spoken, a 404 is a loss");
}

#[test]
fn the_queue_deadline_ends_the_job_and_cancels_at_runpod() {
    let mut life = Life::queued("a-u1");
    life.later(T.queue);
    let step = life.wakes();
    assert_eq!(life.code(), Some(ErrorCode::QueueTimeout));
    assert!(step.effects.contains(&Effect::CancelGpu { gpu_job: gpu("a-u1") }));
}

#[test]
fn the_execution_deadline_looks_for_a_result_and_cancels() {
    let mut life = Life::rendering();
    for _ in 0..10 {
        life.later(Span::minutes(1)).says(progress(30, WorkStage::Rendering));
    }
    let step = life.wakes();
    assert!(step.effects.contains(&Effect::CancelGpu { gpu_job: gpu("a-u1") }));
    life.looks(Found::Missing);
    assert_eq!(life.job.attempt, 2);
}

#[test]
fn a_hint_asks_at_once_and_never_decides() {
    let mut life = Life::rendering();
    life.does(Event::Hinted { attempt: 1 });
    assert_eq!(next_wake(&life.job, &T), Some(life.now));
    assert!(life.wakes().effects.contains(&Effect::AskStatus { attempt: 1, gpu_job: gpu("a-u1") }));
    assert_eq!(life.job.face().status, Status::Processing);
}
