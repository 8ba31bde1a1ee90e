//! How long to wait before a call is repeated: one policy for the objects, the GPU worker and the client.

use crate::base::time::DurationMs;

/// `first`, exponential_backoff for every earlier try, at most `max`.
pub fn exponential_backoff(first: DurationMs, tries: u32, max: DurationMs) -> DurationMs {
    DurationMs(first.0.saturating_mul(1_i64 << tries.min(20)).min(max.0))
}

/// Between 75 % and 125 % of `span`; `chance` is any random number.
pub fn with_jitter(span: DurationMs, chance: u32) -> DurationMs {
    DurationMs(span.0 * (75 + i64::from(chance % 51)) / 100)
}
