//! When a delivery that failed is tried again.
//!
//! Invariant: every delivery ends. Between two attempts there is at least a pause, and after the window none follows.

use crate::base::backoff::with_jitter;
use crate::base::time::{DurationMs, Timestamp};

/// When to try again after `attempts` attempts, of which the last failed at `now`; `None` when it is given up. `since` is
/// when its first attempt could have been, `retry_after` what the receiver asked for.
pub fn next_attempt_at(
    since: Timestamp,
    attempts: u32,
    now: Timestamp,
    retry_after: Option<DurationMs>,
    window: DurationMs,
    jitter_seed: u32,
) -> Option<Timestamp> {
    let end = since + window;
    if now >= end || attempts >= ATTEMPTS_MAX {
        return None;
    }
    let done = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(pause) = PAUSES.get(done) else { return Some(end) };
    let asked = retry_after.map_or(DurationMs(0), |asked| asked.min(RETRY_AFTER_MAX));
    let pause = scaled(with_jitter(*pause, jitter_seed).max(asked), window);
    Some((now + pause).min(end))
}

/// A duration of production by the clock whose window this is.
pub fn scaled(duration: DurationMs, window: DurationMs) -> DurationMs {
    DurationMs((duration.0.saturating_mul(window.0) / WINDOW.0).max(1))
}

/// How long a delivery is tried.
pub const WINDOW: DurationMs = DurationMs::minutes(24 * 60);
/// The first attempt, one after each pause, and one at the end of the window.
pub const ATTEMPTS_MAX: u32 = 10;
/// What a receiver may ask for.
const RETRY_AFTER_MAX: DurationMs = DurationMs::minutes(60);
const PAUSES: [DurationMs; 8] = [
    DurationMs::seconds(5),
    DurationMs::seconds(30),
    DurationMs::minutes(2),
    DurationMs::minutes(10),
    DurationMs::minutes(60),
    DurationMs::minutes(3 * 60),
    DurationMs::minutes(6 * 60),
    DurationMs::minutes(8 * 60),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp(1_769_850_300_250);

    /// The pauses before each attempt of a receiver that never answers well, in seconds.
    fn pauses_s(seed: u32, window: DurationMs) -> Vec<i64> {
        let (mut now, mut attempts, mut pauses) = (AT, 1, Vec::new());
        while let Some(next) = next_attempt_at(AT, attempts, now, None, window, seed) {
            pauses.push(next.since(now).0 / 1000);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(now, AT + window, "the last attempt is at the end of the window");
        pauses
    }

    #[test]
    fn a_receiver_that_is_down_is_tried_ten_times_in_a_day() {
        // With this seed the jitter is exactly 100 %.
        let expected = [5, 30, 120, 600, 3_600, 10_800, 21_600, 28_800, 20_845];
        assert_eq!(pauses_s(25, WINDOW), expected);
        assert_eq!(expected.len() + 1, ATTEMPTS_MAX as usize);
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_within_an_hour() {
        let next = |retry_after_s| {
            let asked = Some(DurationMs::seconds(retry_after_s));
            next_attempt_at(AT, 1, AT, asked, WINDOW, 25).unwrap().since(AT).0 / 1000
        };
        assert_eq!([0, 4, 60, 3_600, 86_400].map(next), [5, 5, 60, 3_600, 3_600]);
    }

    proptest! {
        #[test]
        fn every_delivery_ends_within_its_window(
            seed: u32, retry_after_s in prop::option::of(0..100_000_i64), speed in 1..1000_i64, slow_ms in 0..15_000_i64
        ) {
            let window = DurationMs(WINDOW.0 / speed);
            let asked = retry_after_s.map(DurationMs::seconds);
            let (mut now, mut attempts) = (AT, 1);
            while let Some(next) = next_attempt_at(AT, attempts, now, asked, window, seed) {
                prop_assert!(next > now && next <= AT + window);
                (now, attempts) = (next + DurationMs(slow_ms), attempts + 1);
            }
            prop_assert!(attempts <= ATTEMPTS_MAX);
        }
    }
}
