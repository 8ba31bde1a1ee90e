//! When the identity provider's keys are fetched, and how long they are believed.
//!
//! A pure state machine: a look-up says what to do, and the end of a fetch is told to it. Invariants:
//! - a key that is known verifies its tokens, whatever the provider does now, until the keys are a day old;
//! - there is one fetch at a time, and at most one a minute once there are keys, whoever sends what tokens;
//! - an answer that is no key set changes nothing.

use crate::auth::jwt::compact::Algorithm;
use crate::auth::jwt::key_set::{Jwk, JwkSet};
use crate::base::time::{DurationMs, Timestamp};

/// The durations of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCacheTimes {
    /// Keys of this age are fetched again, in the background.
    pub refresh_after: DurationMs,
    /// Keys of this age are not believed any more.
    pub keep: DurationMs,
    /// Between two fetches while there are keys: after an unknown `kid`, and when the provider fails.
    pub interval: DurationMs,
    /// Between two fetches while there are none.
    pub first_interval: DurationMs,
    /// How long a fetch may take.
    pub fetch_timeout: DurationMs,
}

impl KeyCacheTimes {
    /// Those of production.
    pub const STANDARD: Self = Self {
        refresh_after: DurationMs::minutes(10),
        keep: DurationMs::minutes(24 * 60),
        interval: DurationMs::minutes(1),
        first_interval: DurationMs::seconds(10),
        fetch_timeout: DurationMs::seconds(5),
    };

    /// Everything but the length of a fetch, divided for tests.
    #[must_use]
    pub const fn scaled_by(self, times: i64) -> Self {
        let times = if times < 1 { 1 } else { times };
        Self {
            refresh_after: DurationMs(self.refresh_after.0 / times),
            keep: DurationMs(self.keep.0 / times),
            interval: DurationMs(self.interval.0 / times),
            first_interval: DurationMs(self.first_interval.0 / times),
            fetch_timeout: self.fetch_timeout,
        }
    }
}

/// What to do for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// Check the signature with these, one after the other.
    Found {
        /// The keys that fit; at least one.
        keys: Vec<Jwk>,
        /// Begin a fetch that this request does not wait for.
        refresh: bool,
    },
    /// Begin a fetch, and look again when it has ended.
    Fetch,
    /// Another request fetches: look again in a moment.
    Wait,
    /// The provider has no such key.
    Unknown,
    /// The provider does not say which keys it has.
    Unavailable,
}

/// The name of one fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchId(u32);

/// The provider's keys and the last fetch.
#[derive(Clone, Debug, Default)]
pub struct KeyCache {
    kept: Option<KeptKeys>,
    last: Option<FetchAttempt>,
    changes: u32,
}

#[derive(Clone, Debug)]
struct KeptKeys {
    set: JwkSet,
    fetched_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct FetchAttempt {
    id: FetchId,
    begun_at: Timestamp,
    outcome: FetchOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FetchOutcome {
    Pending,
    Succeeded,
    Failed,
}

impl KeyCache {
    /// What to do for a token with this algorithm and `kid`.
    pub fn look_up(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        now: Timestamp,
        times: KeyCacheTimes,
    ) -> KeyLookup {
        let kept = self.kept.as_ref().filter(|kept| age(kept.fetched_at, now) < times.keep);
        let interval = if kept.is_some() { times.interval } else { times.first_interval };
        // The request that fetches may have been cancelled without a word.
        let given_up = times.fetch_timeout.0.saturating_add(GIVEN_UP_GRACE_MS);
        let pending = self.last.is_some_and(|last| {
            last.outcome == FetchOutcome::Pending && age(last.begun_at, now).0 < given_up
        });
        let may_fetch = !pending && self.last.is_none_or(|last| age(last.begun_at, now) >= interval);
        if let Some(kept) = kept {
            let keys: Vec<Jwk> = kept.set.fitting(algorithm, kid).into_iter().cloned().collect();
            if !keys.is_empty() {
                let refresh = may_fetch && age(kept.fetched_at, now) >= times.refresh_after;
                return KeyLookup::Found { keys, refresh };
            }
        }
        let answered = self.last.is_some_and(|last| last.outcome == FetchOutcome::Succeeded);
        match (may_fetch, pending, kept) {
            (true, _, _) => KeyLookup::Fetch,
            (false, true, _) => KeyLookup::Wait,
            (false, false, Some(_)) if answered => KeyLookup::Unknown,
            (false, false, _) => KeyLookup::Unavailable,
        }
    }

    /// A fetch begins now. One that is still out is forgotten: what it brings is not taken.
    pub fn begin_fetch(&mut self, now: Timestamp) -> FetchId {
        let id = FetchId(self.last.map_or(0, |last| last.id.0.wrapping_add(1)));
        self.last = Some(FetchAttempt { id, begun_at: now, outcome: FetchOutcome::Pending });
        id
    }

    /// A fetch has ended, with `None` when it brought no key set. Whether keys have changed or gone: what
    /// they verified is to be verified again.
    pub fn end_fetch(&mut self, id: FetchId, set: Option<JwkSet>, now: Timestamp) -> bool {
        let Some(last) = self.last.as_mut().filter(|last| last.id == id) else { return false };
        let Some(set) = set else {
            last.outcome = FetchOutcome::Failed;
            return false;
        };
        last.outcome = FetchOutcome::Succeeded;
        let changed = self.kept.as_ref().is_some_and(|kept| kept.set != set);
        self.kept = Some(KeptKeys { set, fetched_at: now });
        self.changes = self.changes.wrapping_add(u32::from(changed));
        changed
    }

    /// How often keys have changed or gone. What was looked up before a change is not to be kept after it.
    pub const fn changes(&self) -> u32 {
        self.changes
    }
}

/// How long ago; a clock that jumped back counts like one that jumped on, so that nothing lasts for ever.
fn age(since: Timestamp, now: Timestamp) -> DurationMs {
    DurationMs(now.0.saturating_sub(since.0).saturating_abs())
}

/// A fetch ends itself in time; beyond this it has died with its request.
const GIVEN_UP_GRACE_MS: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwt::key_set::tests::valid;
    use proptest::prelude::*;
    use serde_json::json;

    const TIMES: KeyCacheTimes = KeyCacheTimes::STANDARD;
    const START: Timestamp = Timestamp(1_769_850_300_250);

    fn set(kids: &[&str]) -> JwkSet {
        let keys: Vec<_> = kids
            .iter()
            .map(|kid| {
                let mut key = valid(Algorithm::Es256);
                key["kid"] = json!(kid);
                key
            })
            .collect();
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        START + DurationMs::seconds(seconds)
    }

    /// The word of what a look-up says.
    fn look(cache: &KeyCache, kid: &str, now: Timestamp) -> &'static str {
        match cache.look_up(Algorithm::Es256, Some(kid), now, TIMES) {
            KeyLookup::Found { refresh: false, .. } => "found",
            KeyLookup::Found { refresh: true, .. } => "found, refresh",
            KeyLookup::Fetch => "fetch",
            KeyLookup::Wait => "wait",
            KeyLookup::Unknown => "unknown",
            KeyLookup::Unavailable => "unavailable",
        }
    }

    fn filled() -> KeyCache {
        let mut cache = KeyCache::default();
        let id = cache.begin_fetch(START);
        assert!(!cache.end_fetch(id, Some(set(&["a"])), START));
        cache
    }

    #[test]
    fn the_first_token_fetches_and_the_others_wait() {
        let mut cache = KeyCache::default();
        assert_eq!(look(&cache, "a", START), "fetch");
        let id = cache.begin_fetch(START);
        assert_eq!(look(&cache, "a", at(1)), "wait");
        cache.end_fetch(id, Some(set(&["a"])), at(2));
        assert_eq!(look(&cache, "a", at(2)), "found");
    }

    #[test]
    fn an_unknown_kid_is_looked_for_once_a_minute() {
        let mut cache = filled();
        assert_eq!(look(&cache, "b", at(1)), "unknown");
        assert_eq!(look(&cache, "b", at(60)), "fetch");
        let id = cache.begin_fetch(at(60));
        assert_eq!(look(&cache, "b", at(61)), "wait");
        assert_eq!(look(&cache, "a", at(61)), "found", "a known key waits for nothing");
        assert!(cache.end_fetch(id, Some(set(&["b"])), at(62)));
        assert_eq!((filled().changes(), cache.changes()), (0, 1));
        assert_eq!(look(&cache, "b", at(62)), "found");
        assert_eq!(look(&cache, "a", at(62)), "unknown", "a key that is gone verifies nothing");
        assert_eq!(look(&cache, "c", at(119)), "unknown");
        assert_eq!(look(&cache, "c", at(120)), "fetch");
    }

    #[test]
    fn keys_are_refreshed_in_the_background_and_kept_for_a_day_without_the_provider() {
        let mut cache = filled();
        assert_eq!(look(&cache, "a", at(599)), "found");
        assert_eq!(look(&cache, "a", at(600)), "found, refresh");
        let id = cache.begin_fetch(at(600));
        assert_eq!(look(&cache, "a", at(601)), "found", "one fetch at a time");
        cache.end_fetch(id, None, at(605));
        assert_eq!(look(&cache, "a", at(606)), "found", "not again within a minute");
        assert_eq!(look(&cache, "b", at(606)), "unavailable", "nobody knows whether b exists");
        assert_eq!(look(&cache, "a", at(660)), "found, refresh");
        assert_eq!(look(&cache, "a", at(86_399)), "found, refresh");
        assert_eq!(look(&cache, "a", at(86_400)), "fetch", "a day is over");
        let id = cache.begin_fetch(at(86_400));
        cache.end_fetch(id, None, at(86_401));
        assert_eq!(look(&cache, "a", at(86_402)), "unavailable");
        assert_eq!(look(&cache, "a", at(86_410)), "fetch");
    }

    #[test]
    fn a_provider_that_fails_at_first_is_asked_again_after_ten_seconds() {
        let mut cache = KeyCache::default();
        let id = cache.begin_fetch(START);
        cache.end_fetch(id, None, at(5));
        assert_eq!(look(&cache, "a", at(9)), "unavailable");
        assert_eq!(look(&cache, "a", at(10)), "fetch");
    }

    #[test]
    fn a_fetch_that_died_with_its_request_is_given_up_and_its_answer_not_taken() {
        let mut cache = KeyCache::default();
        let dead = cache.begin_fetch(START);
        assert_eq!(look(&cache, "a", at(5)), "wait");
        assert_eq!(look(&cache, "a", at(6)), "unavailable");
        assert_eq!(look(&cache, "a", at(10)), "fetch");
        let id = cache.begin_fetch(at(10));
        assert!(!cache.end_fetch(dead, Some(set(&["evil"])), at(11)));
        assert_eq!(look(&cache, "evil", at(11)), "wait");
        cache.end_fetch(id, Some(set(&["a"])), at(11));
        assert_eq!(look(&cache, "a", at(12)), "found");
    }

    #[test]
    fn the_same_keys_again_change_nothing_and_a_clock_that_jumps_back_ends_no_wait_for_ever() {
        let mut cache = filled();
        let id = cache.begin_fetch(at(600));
        assert!(!cache.end_fetch(id, Some(set(&["a"])), at(601)));
        assert_eq!(look(&cache, "b", at(-3600)), "fetch");
        let _pending = cache.begin_fetch(at(700));
        assert_eq!(look(&cache, "b", at(0)), "fetch");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Any history of look-ups, answers and clocks: never two fetches within the shortest interval, and
        /// no key that the provider has not published within a day.
        #[test]
        fn no_history_fetches_too_often_or_believes_too_long(
            steps in prop::collection::vec((0_i64..4_000, 0_u8..4, 0_u8..3), 1..60)
        ) {
            let mut cache = KeyCache::default();
            let (mut now, mut out, mut last_begun) = (START, None, None::<Timestamp>);
            let mut published: [Option<Timestamp>; 3] = [None; 3];
            let kids = ["a", "b", "c"];
            for (seconds, action, key) in steps {
                now = now + DurationMs::seconds(seconds);
                let kid = kids[usize::from(key)];
                match action {
                    0 | 1 => match cache.look_up(Algorithm::Es256, Some(kid), now, TIMES) {
                        KeyLookup::Fetch | KeyLookup::Found { refresh: true, .. } => {
                            prop_assert!(last_begun.is_none_or(|begun| now.since(begun) >= TIMES.first_interval));
                            last_begun = Some(now);
                            out = Some(cache.begin_fetch(now));
                        }
                        KeyLookup::Found { .. } => {
                            let seen = published[usize::from(key)];
                            prop_assert!(seen.is_some_and(|seen| now.since(seen) < TIMES.keep));
                        }
                        KeyLookup::Wait => prop_assert!(out.is_some()),
                        KeyLookup::Unknown | KeyLookup::Unavailable => {}
                    },
                    2 => if let Some(id) = out.take() { cache.end_fetch(id, None, now); },
                    _ => if let Some(id) = out.take() {
                        published = [None; 3];
                        published[usize::from(key)] = Some(now);
                        cache.end_fetch(id, Some(set(&[kid])), now);
                    },
                }
            }
        }
    }
}
