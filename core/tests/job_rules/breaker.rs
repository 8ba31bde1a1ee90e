//! When RunPod is silent for many jobs, their questions wait.

use proptest::prelude::*;
use reel_core::base::id::JobId;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::breaker::{Breaker, BreakerLog, PAUSE_MAX, Permit, RunpodCall, SilentCalls};

fn job(number: u8) -> JobId {
    JobId::from_random([number; 16])
}

fn at(second: i64) -> Timestamp {
    Timestamp(1_000_000_000) + DurationMs::seconds(second)
}

fn ask(breaker: &mut Breaker, second: i64) -> Permit {
    breaker.permit(RunpodCall::Question, job(99), at(second))
}

/// A breaker that ten silent calls have opened at second 0.
fn open() -> Breaker {
    let mut breaker = Breaker::default();
    for number in 1..10 {
        assert_eq!(breaker.unanswered(Permit::Send, job(number), at(0)), None);
        assert!(breaker.logs_each_call());
        assert_eq!(ask(&mut breaker, 0), Permit::Send, "{number} silent calls stop nothing");
    }
    let examples = [1, 2, 3, 4, 5].map(job).to_vec();
    let paused = SilentCalls { unanswered: 10, not_sent: 0, examples };
    assert_eq!(breaker.unanswered(Permit::Send, job(10), at(0)), Some(BreakerLog::Paused(paused)));
    assert!(!breaker.logs_each_call());
    breaker
}

const fn wait(seconds: i64) -> Permit {
    Permit::Wait(DurationMs::seconds(seconds))
}

#[test]
fn ten_silent_calls_in_a_row_make_questions_wait_and_an_answer_ends_that() {
    let mut breaker = open();
    assert_eq!([1, 4].map(|second| ask(&mut breaker, second)), [wait(4), wait(1)]);
    assert_eq!(ask(&mut breaker, 5), Permit::Probe);
    assert_eq!(ask(&mut breaker, 6), wait(14), "one at a time");
    let log = breaker.answered();
    assert!(matches!(&log, Some(BreakerLog::Resumed(calls)) if calls.not_sent == 3), "{log:?}");
    assert_eq!(ask(&mut breaker, 6), Permit::Send);
    assert_eq!(breaker.answered(), None, "said once");
}

#[test]
fn an_answer_in_between_or_a_long_time_means_that_they_are_not_in_a_row() {
    let mut breaker = Breaker::default();
    for number in 0..30 {
        if number % 9 == 8 {
            assert_eq!(breaker.answered(), None);
        }
        assert_eq!(breaker.unanswered(Permit::Send, job(1), at(0)), None);
    }
    let mut breaker = Breaker::default();
    for number in 0..30 {
        assert_eq!(breaker.unanswered(Permit::Send, job(1), at(number * 4)), None, "eight in 30 s");
    }
}

#[test]
fn each_probe_without_an_answer_doubles_the_pause_up_to_a_minute() {
    let mut breaker = open();
    let (mut second, mut lines) = (0, 0);
    for pause in [5, 10, 20, 40, 60, 60] {
        assert_eq!(ask(&mut breaker, second), wait(pause));
        second += pause;
        assert_eq!(ask(&mut breaker, second), Permit::Probe);
        lines += usize::from(breaker.unanswered(Permit::Probe, job(1), at(second)).is_some());
    }
    assert_eq!(lines, 3, "at most one line a minute");
}

#[test]
fn silent_calls_from_before_it_opened_change_nothing() {
    let mut breaker = open();
    for number in 0..200 {
        assert_eq!(breaker.unanswered(Permit::Send, job(number), at(3)), None);
    }
    assert_eq!(ask(&mut breaker, 5), Permit::Probe);
    assert!(matches!(breaker.answered(), Some(BreakerLog::Resumed(calls)) if calls.unanswered == 210));
}

#[test]
fn a_submit_is_tried_every_five_seconds_however_long_questions_wait() {
    let mut breaker = open();
    for probe in [5, 15, 35, 75] {
        assert_eq!(ask(&mut breaker, probe), Permit::Probe);
        breaker.unanswered(Permit::Probe, job(1), at(probe));
    }
    let mut submit = |second| breaker.permit(RunpodCall::Submit, job(2), at(second));
    assert_eq!([77, 80, 81].map(&mut submit), [wait(3), Permit::Probe, wait(14)]);
}

#[test]
fn a_probe_whose_object_died_is_followed_by_another() {
    let mut breaker = open();
    assert_eq!([5, 19, 20].map(|second| ask(&mut breaker, second)), [Permit::Probe, wait(1), Permit::Probe]);
}

#[test]
fn a_clock_that_jumps_back_stops_nobody() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, -3600), Permit::Probe);
    assert!(matches!(ask(&mut breaker, -3600), Permit::Wait(_)));
    assert_eq!(ask(&mut breaker, -3585), Permit::Probe);
}

#[test]
fn a_line_of_the_log_names_counts_and_some_jobs() {
    let calls = SilentCalls { unanswered: 10, not_sent: 1257, examples: vec![job(1), job(2)] };
    let expected = format!("10 calls without an answer, 1257 not sent; jobs {}, {}", job(1), job(2));
    assert_eq!(calls.to_string(), expected);
}

proptest! {
    /// Whatever happens, in whatever order: nobody waits for long, few calls go to a silent endpoint, and an
    /// answer opens the way.
    #[test]
    fn calls_to_a_silent_endpoint_are_few_and_none_waits_for_ever(
        steps in prop::collection::vec((0..4_u8, 0..20_000_i64, any::<bool>()), 1..200)
    ) {
        let mut breaker = open();
        let (mut now, mut on_their_way) = (at(0), Vec::new());
        let (start, mut probes) = (now, 0);
        for (step, later_ms, is_submit) in steps {
            now = now + DurationMs(later_ms);
            if step == 0 {
                if let Some(permit) = on_their_way.pop() {
                    breaker.unanswered(permit, job(1), now);
                }
                continue;
            }
            let call = if is_submit { RunpodCall::Submit } else { RunpodCall::Question };
            match breaker.permit(call, job(1), now) {
                Permit::Send => prop_assert!(false, "an open breaker"),
                Permit::Probe => {
                    probes += 1;
                    on_their_way.push(Permit::Probe);
                }
                Permit::Wait(wait) => prop_assert!(wait > DurationMs(0) && wait <= PAUSE_MAX),
            }
        }
        prop_assert!(probes <= 1 + now.since(start).0 / 5_000, "{} probes", probes);
        prop_assert!(!matches!(breaker.permit(RunpodCall::Question, job(1), now + PAUSE_MAX), Permit::Wait(_)));
        breaker.answered();
        prop_assert_eq!(breaker.permit(RunpodCall::Question, job(1), now), Permit::Send);
    }
}
