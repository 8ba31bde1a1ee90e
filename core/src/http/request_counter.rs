//! Counts what each caller does in a minute. The counts are kept in the memory of one isolate; the platform's
//! own limiter, where it is bound, counts over all isolates of a location.
//!
//! Invariant: a caller within the limit is never refused for what another one does.

use sha2::{Digest, Sha256};

use crate::base::sorted_map::SortedMap;
use crate::base::time::{DurationMs, Timestamp};
use crate::http::problem::{Problem, ProblemCode, ReachedLimit};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Every request of a caller.
    Requests,
    /// Refused credentials of an address.
    Refusals,
}

impl Counted {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Refusals => "refused credentials",
        }
    }
}

/// Requests of every caller in windows of a minute.
#[derive(Debug, Default)]
pub struct RequestCounter {
    /// By a hash of the caller's name, so that a name of any length takes as much memory as another.
    windows: SortedMap<[u8; 32], Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    starts_at: Timestamp,
    requests: u32,
}

impl RequestCounter {
    /// Counts one request of a caller, and gives how many it has made in this minute.
    pub fn count(&mut self, caller: &str, now: Timestamp) -> u32 {
        self.count_hashed(hash(caller), now)
    }

    fn count_hashed(&mut self, caller: [u8; 32], now: Timestamp) -> u32 {
        let known = self.windows.get(&caller).copied();
        if known.is_none() {
            self.make_room(now);
        }
        let fresh = Window { starts_at: now, requests: 0 };
        let mut window = known.filter(|window| !is_over(*window, now)).unwrap_or(fresh);
        window.requests = window.requests.saturating_add(1);
        self.windows.insert(caller, window);
        window.requests
    }

    /// Counts one request of a caller unless it would be more than `max` in this minute.
    pub fn count_up_to(&mut self, caller: &str, max: u32, now: Timestamp) -> bool {
        let caller = hash(caller);
        let requests = self.windows.get(&caller).filter(|window| !is_over(**window, now));
        let admitted = requests.map_or(0, |window| window.requests) < max;
        if admitted {
            self.count_hashed(caller, now);
        }
        admitted
    }

    /// How many requests a caller has made in this minute.
    pub fn used(&self, caller: &str, now: Timestamp) -> u32 {
        self.windows
            .get(&hash(caller))
            .filter(|window| !is_over(**window, now))
            .map_or(0, |window| window.requests)
    }

    /// What a caller over its limit is told.
    pub fn refusal(&self, caller: &str, what: Counted, limit: u32, now: Timestamp) -> Problem {
        let starts_at = self.windows.get(&hash(caller)).map_or(now, |window| window.starts_at);
        let left_ms = (starts_at + WINDOW).0.saturating_sub(now.0).max(1);
        let retry_after_s = u64::try_from(left_ms).unwrap_or(1).div_ceil(1000);
        let detail = format!(
            "Too many {}: {limit} a minute are allowed. Try again in {retry_after_s} s.",
            what.as_str()
        );
        let limit =
            ReachedLimit { name: what.as_str(), limit: u64::from(limit), window_s: WINDOW_S, retry_after_s };
        Problem { limit: Some(limit), ..Problem::new(ProblemCode::LimitReached, detail) }
    }

    /// Callers of earlier minutes go. So many callers in one minute as do not fit are an attack on the memory:
    /// then all counts begin anew.
    fn make_room(&mut self, now: Timestamp) {
        if self.windows.len() < CALLERS_MAX {
            return;
        }
        self.windows.retain(|window| !is_over(*window, now));
        if self.windows.len() >= CALLERS_MAX {
            self.windows.clear();
        }
    }
}

fn hash(caller: &str) -> [u8; 32] {
    Sha256::digest(caller.as_bytes()).into()
}

fn is_over(window: Window, now: Timestamp) -> bool {
    now >= window.starts_at + WINDOW || now < window.starts_at
}

const WINDOW: DurationMs = DurationMs::minutes(1);
const WINDOW_S: u64 = 60;
/// About 1 MB.
const CALLERS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    #[test]
    fn each_caller_is_counted_on_its_own_for_a_minute() {
        let mut counter = RequestCounter::default();
        assert_eq!([1, 2, 3], [0; 3].map(|_| counter.count("a", NOW)));
        assert_eq!(counter.count("b", NOW), 1);
        let later = NOW + DurationMs::seconds(59);
        assert_eq!((counter.count("a", later), counter.used("a", later)), (4, 4));
        let next = NOW + DurationMs::minutes(1);
        assert_eq!((counter.used("a", next), counter.count("a", next)), (0, 1));
        assert_eq!(counter.count("a", Timestamp(0)), 1, "a clock that was set back begins anew");
    }

    #[test]
    fn who_would_be_above_a_number_is_not_counted() {
        let mut counter = RequestCounter::default();
        assert_eq!([0; 3].map(|_| counter.count_up_to("a", 2, NOW)), [true, true, false]);
        assert_eq!(counter.used("a", NOW), 2);
        assert!(counter.count_up_to("a", 2, NOW + DurationMs::minutes(1)));
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let mut counter = RequestCounter::default();
        counter.count("a", NOW);
        let problem = counter.refusal("a", Counted::Requests, 5, NOW + DurationMs::seconds(50));
        let limit = problem.limit.unwrap();
        assert_eq!((problem.code.status(), limit.retry_after_s, limit.limit), (429, 10, 5));
    }

    #[test]
    fn the_memory_is_bounded_whoever_comes() {
        let mut counter = RequestCounter::default();
        for caller in 0..3 * CALLERS_MAX {
            counter.count(&caller.to_string(), NOW);
            assert!(counter.windows.len() <= CALLERS_MAX);
        }
        counter.count("a", NOW + DurationMs::minutes(2));
        counter.make_room(NOW + DurationMs::minutes(2));
    }
}
