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
