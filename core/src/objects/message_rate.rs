//! How often a client may speak on its socket.
//!
//! The state is one moment: until when the messages so far are paid for, at one each second. So it fits
//! beside a socket that sleeps, where nothing else of it is kept.

use crate::base::time::{DurationMs, Timestamp};

/// Takes one more message. Answers until when all of them are paid for, or `None` for one too many.
pub fn take_message(paid_until: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let paid_until = Timestamp(paid_until.0.max(now.0)) + INTERVAL;
    (paid_until.0 - now.0 <= INTERVAL.0 * BURST).then_some(paid_until)
}

/// One a second for as long as the socket lives.
const INTERVAL: DurationMs = DurationMs::seconds(1);
/// As many at once: a page that has slept says what it missed.
const BURST: i64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a message each `every_ms` are taken in a minute.
    fn taken(every_ms: i64) -> usize {
        let mut paid_until = Timestamp(0);
        (0..60_000 / every_ms)
            .map_while(|index| {
                paid_until = take_message(paid_until, Timestamp(1_000_000 + index * every_ms))?;
                Some(())
            })
            .count()
    }

    #[test]
    fn a_client_may_speak_once_a_second_and_ten_times_at_once() {
        assert_eq!(taken(1_000), 60, "all");
        assert_eq!(taken(30_000), 2, "all");
        assert_eq!(taken(1), 10, "a burst, and no more");
        assert_eq!(taken(500), 19, "twice as fast as it may is noticed soon");
    }

    #[test]
    fn who_pauses_may_speak_again() {
        let mut paid_until = Timestamp(0);
        for _ in 0..10 {
            paid_until = take_message(paid_until, Timestamp(5_000)).unwrap();
        }
        assert_eq!(take_message(paid_until, Timestamp(5_999)), None);
        assert!(take_message(paid_until, Timestamp(6_000)).is_some());
    }
}
