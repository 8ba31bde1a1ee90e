//! Tokens that were verified, so that the next request with one costs one hash.
//!
//! Invariants: an entry ends with its token and with the age of the keys that verified it, whichever is
//! first. Memory is bounded, and strangers cannot fill it, since only valid tokens enter. A token is found
//! by its SHA-256, so that no comparison of the token itself can be timed.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::auth::jwt::claims::LEEWAY;
use crate::auth::jwt::verify::VerifiedUser;
use crate::base::sorted_map::SortedMap;
use crate::base::time::{DurationMs, Timestamp};

/// The tokens of one isolate, in two generations: when the young one is full, the old one is dropped.
#[derive(Clone, Debug, Default)]
pub struct VerifiedTokens {
    young: SortedMap<[u8; 32], Entry>,
    old: SortedMap<[u8; 32], Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    user: Rc<VerifiedUser>,
    verified_at: Timestamp,
    until: Timestamp,
}

impl VerifiedTokens {
    /// The user of a token that was verified before and is still valid.
    pub fn get(&mut self, token: &str, now: Timestamp) -> Option<Rc<VerifiedUser>> {
        let hash = Sha256::digest(token.as_bytes()).into();
        if let Some(entry) = self.young.get(&hash) {
            return entry.user_at(now);
        }
        let entry = self.old.remove(&hash)?;
        let user = entry.user_at(now)?;
        self.insert_entry(hash, entry);
        Some(user)
    }

    /// Keeps a token that was verified at `now`, for at most `max_age`.
    pub fn insert(&mut self, token: &str, user: &Rc<VerifiedUser>, now: Timestamp, max_age: DurationMs) {
        let until = (now + max_age).min(user.expires_at + LEEWAY);
        let entry = Entry { user: Rc::clone(user), verified_at: now, until };
        self.insert_entry(Sha256::digest(token.as_bytes()).into(), entry);
    }

    /// Forgets everything: the keys have changed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn insert_entry(&mut self, hash: [u8; 32], entry: Entry) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
    }
}

impl Entry {
    fn user_at(&self, now: Timestamp) -> Option<Rc<VerifiedUser>> {
        // A clock that jumped back proves nothing about the token's beginning.
        (self.verified_at <= now && now < self.until).then(|| Rc::clone(&self.user))
    }
}

/// Two generations of these have about 400 kB.
const GENERATION_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwt::scope::Scopes;
    use crate::auth::subject::Subject;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);
    const MAX_AGE: DurationMs = DurationMs::minutes(10);

    fn user(expires_at: Timestamp) -> Rc<VerifiedUser> {
        let subject = Subject::parse("u").unwrap();
        Rc::new(VerifiedUser { subject, scopes: Scopes::ALL, issued_at: None, expires_at })
    }

    #[test]
    fn a_token_is_known_until_it_ends_or_its_keys_are_old() {
        let mut tokens = VerifiedTokens::default();
        tokens.insert("short", &user(NOW + DurationMs::minutes(1)), NOW, MAX_AGE);
        tokens.insert("long", &user(NOW + DurationMs::minutes(60)), NOW, MAX_AGE);
        let known = |tokens: &mut VerifiedTokens, token: &str, seconds| {
            tokens.get(token, NOW + DurationMs::seconds(seconds)).is_some()
        };
        assert!(known(&mut tokens, "short", 119), "a minute of leeway");
        assert!(!known(&mut tokens, "short", 120));
        assert!(known(&mut tokens, "long", 599));
        assert!(!known(&mut tokens, "long", 600));
        assert!(!known(&mut tokens, "long", -1), "before it was verified");
        assert!(!known(&mut tokens, "lon", 1));
        assert!(!known(&mut tokens, "long ", 1));
        tokens.clear();
        assert!(!known(&mut tokens, "long", 1));
    }

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let mut tokens = VerifiedTokens::default();
        let user = user(NOW + DurationMs::minutes(60));
        tokens.insert("used", &user, NOW, MAX_AGE);
        for n in 0..10_000 {
            tokens.insert(&format!("token {n}"), &user, NOW, MAX_AGE);
            assert!(tokens.young.len() <= GENERATION_MAX && tokens.old.len() <= GENERATION_MAX);
            assert!(tokens.get("used", NOW).is_some(), "{n}");
        }
        assert!(tokens.get("token 0", NOW).is_none());
        assert!(tokens.get("token 9999", NOW).is_some());
    }
}
