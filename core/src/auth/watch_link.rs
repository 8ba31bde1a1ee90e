//! A watch token by what is signed in it: written again, it is the same token.
//!
//! Invariant: a link's expiry is fixed when the link is made. Nothing that is read with it is a newer link.

use serde::{Deserialize, Serialize};

use crate::auth::token::{Purpose, Signer};
use crate::base::id::JobId;
use crate::base::time::{DurationMs, Timestamp};

/// What a watch token says beside its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchLink {
    /// Links of a generation before the job's own are revoked. It is where other tokens have the attempt.
    pub generation: u32,
    /// Until then, in seconds since 1970.
    pub expires_at_s: i64,
}

impl WatchLink {
    /// A new link.
    pub const fn fresh(generation: u32, now: Timestamp) -> Self {
        Self { generation, expires_at_s: (now.0 + LIFETIME.0).div_euclid(1000) }
    }

    /// The link that this token is, if it is one to this job.
    pub fn verify(signer: &Signer, job: JobId, token: &str, now: Timestamp) -> Option<Self> {
        let generation = signer.verify(Purpose::Watch, job, token, now).ok()?;
        let expires_at_s = token.split('.').nth(1)?.parse().ok()?;
        Some(Self { generation, expires_at_s })
    }

    /// Its token.
    pub fn token(self, signer: &Signer, job: JobId) -> String {
        let expires_at = Timestamp(self.expires_at_s.saturating_mul(1000));
        signer.sign(Purpose::Watch, job, self.generation, expires_at, DurationMs(0))
    }

    /// As a word, such as `0.1769855100`: part of a path, and the tag of a socket.
    pub fn to_word(self) -> String {
        format!("{}.{}", self.generation, self.expires_at_s)
    }

    /// Reads what [`WatchLink::to_word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        let (generation, expires_at_s) = word.split_once('.')?;
        Some(Self { generation: generation.parse().ok()?, expires_at_s: expires_at_s.parse().ok()? })
    }
}

/// One hour.
const LIFETIME: DurationMs = DurationMs::minutes(60);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    #[test]
    fn whoever_reads_with_a_link_gets_the_same_link_however_late() {
        let (signer, job) = (Signer::new(&[7; 32]), JobId::from_random([1; 16]));
        let token = WatchLink::fresh(2, NOW).token(&signer, job);
        for minutes in [0, 1, 59, 60] {
            let now = NOW + DurationMs::minutes(minutes);
            let link = WatchLink::verify(&signer, job, &token, now).unwrap();
            assert_eq!((link.generation, link.expires_at_s), (2, 1_769_853_900));
            assert_eq!(link.token(&signer, job), token, "after {minutes} min");
        }
        assert_eq!(WatchLink::verify(&signer, job, &token, NOW + DurationMs::minutes(61)), None);
        assert_eq!(WatchLink::verify(&signer, JobId::from_random([2; 16]), &token, NOW), None);
    }

    #[test]
    fn a_link_crosses_as_a_word() {
        let link = WatchLink::fresh(2, NOW);
        assert_eq!(link.to_word(), "2.1769853900");
        assert_eq!(WatchLink::from_word(&link.to_word()), Some(link));
        for other in ["", "-", "2", "2.", ".5", "a.5", "2.5.6"] {
            assert_eq!(WatchLink::from_word(other), None, "{other}");
        }
    }
}
