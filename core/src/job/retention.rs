//! How long inputs stay in the bucket.

use crate::base::time::{DurationMs, Timestamp};

/// Whether an input is old enough to be deleted. The caller also checks that no job needs it.
pub fn input_expired(uploaded: Timestamp, now: Timestamp) -> bool {
    uploaded < now - INPUT_RETENTION
}

/// A week.
const INPUT_RETENTION: DurationMs = DurationMs::minutes(7 * 24 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_input_expires_after_a_week() {
        let uploaded = Timestamp(1_769_850_300_250);
        let week_ms = 7 * 24 * 60 * 60 * 1000;
        for (age_ms, expired) in
            [(0, false), (week_ms - 1, false), (week_ms, false), (week_ms + 1, true), (10 * week_ms, true)]
        {
            assert_eq!(input_expired(uploaded, Timestamp(uploaded.0 + age_ms)), expired, "{age_ms}");
        }
    }

    #[test]
    fn an_input_from_the_future_does_not_expire() {
        let now = Timestamp(1_769_850_300_250);
        for uploaded in [now + DurationMs::minutes(24 * 60), Timestamp(i64::MAX)] {
            assert!(!input_expired(uploaded, now));
        }
        assert!(!input_expired(Timestamp(0), Timestamp(0)), "with a clock at zero nothing expires");
    }

    proptest! {
        #[test]
        fn an_expired_input_stays_expired(uploaded: i64, now: i64, later in 0..i64::MAX) {
            let (uploaded, now) = (Timestamp(uploaded), Timestamp(now));
            prop_assert!(!input_expired(uploaded, now) || input_expired(uploaded, now + DurationMs(later)));
        }
    }
}
