//! How long to wait before a call is repeated: exponential backoff with jitter.

use crate::base::time::DurationMs;

/// `first`, doubled for every earlier try, at most `max`.
pub fn exponential_backoff(first: DurationMs, tries: u32, max: DurationMs) -> DurationMs {
    DurationMs(first.0.saturating_mul(1_i64 << tries.min(20)).min(max.0))
}

/// Up to `within`, so that what began together does not go on together; `jitter_seed` is any random number.
pub fn spread(within: DurationMs, jitter_seed: u32) -> DurationMs {
    DurationMs(i64::from(jitter_seed) % (within.0.max(0) + 1))
}

/// Between 75 % and 125 % of `duration`; `jitter_seed` is any random number.
pub fn with_jitter(duration: DurationMs, jitter_seed: u32) -> DurationMs {
    DurationMs(duration.0 * (75 + i64::from(jitter_seed % 51)) / 100)
}

/// When the alarm of an object fires again after it has failed `failures` times in a row: after 5 s at first, after
/// five minutes at most. A fault that passes costs little time, and one that stays costs few alarms.
pub fn failed_alarm_pause(failures: u32) -> DurationMs {
    exponential_backoff(DurationMs::seconds(5), failures.saturating_sub(1), DurationMs::minutes(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_fails_again_and_again_fires_every_five_minutes() {
        let pauses_s =
            [0, 1, 2, 3, 4, 6, 7, 8, u32::MAX].map(|failures| failed_alarm_pause(failures).0 / 1000);
        assert_eq!(pauses_s, [5, 5, 10, 20, 40, 160, 300, 300, 300]);
    }
}
