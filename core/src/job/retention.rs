//! How long the bucket keeps what nobody deletes.

use crate::base::time::{DurationMs, Timestamp};

/// Whether an input may go, by its age alone: whether a job still needs it is another question.
pub fn input_expired(uploaded: Timestamp, now: Timestamp) -> bool {
    uploaded < now - INPUT_RETENTION
}

/// A week, as the plan's bucket did.
const INPUT_RETENTION: DurationMs = DurationMs::minutes(7 * 24 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_input_is_kept_for_a_week_and_not_a_millisecond_less() {
        let uploaded = Timestamp(1_769_850_300_250);
        let week_ms = 7 * 24 * 60 * 60 * 1000;
        for (age_ms, expired) in
            [(0, false), (week_ms - 1, false), (week_ms, false), (week_ms + 1, true), (10 * week_ms, true)]
        {
            assert_eq!(input_expired(uploaded, Timestamp(uploaded.0 + age_ms)), expired, "{age_ms}");
        }
    }

    #[test]
    fn an_input_of_tomorrow_or_of_no_known_time_is_kept() {
        let now = Timestamp(1_769_850_300_250);
        for uploaded in [now + DurationMs::minutes(24 * 60), Timestamp(i64::MAX)] {
            assert!(!input_expired(uploaded, now));
        }
        assert!(!input_expired(Timestamp(0), Timestamp(0)), "a clock that was never set expires nothing");
    }

    proptest! {
        #[test]
        fn what_has_expired_stays_expired(uploaded: i64, now: i64, later in 0..i64::MAX) {
            let (uploaded, now) = (Timestamp(uploaded), Timestamp(now));
            prop_assert!(!input_expired(uploaded, now) || input_expired(uploaded, now + DurationMs(later)));
        }
    }
}
