//! Who reads a job: the service and the owner, or whoever holds a link to it.
//!
//! Invariant: a holder of a link reads how the job goes and what it made, but neither keys nor params, and never
//! a link that is newer than theirs.

use serde::{Deserialize, Serialize};

use crate::auth::watch_link::WatchLink;
use crate::base::time::Timestamp;
use crate::http::access::{Caller, no_link};
use crate::http::problem::Problem;
use crate::wire::job::JobDetail;

/// Who reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// The service or the owner: each response has a fresh link.
    #[default]
    Owner,
    /// The holder of this link.
    Link(WatchLink),
}

impl Reader {
    /// The reader that a caller is.
    pub const fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Watcher(link) => Self::Link(*link),
            Caller::Anyone
            | Caller::Service { .. }
            | Caller::User(..)
            | Caller::Attempt(_)
            | Caller::Uploader(_) => Self::Owner,
        }
    }

    /// The link that this reader is given: their own, or a fresh one of the job's generation.
    pub const fn link(self, generation: u32, now: Timestamp) -> WatchLink {
        match self {
            Self::Owner => WatchLink::fresh(generation, now),
            Self::Link(link) => link,
        }
    }

    /// How much of a job this reader is shown where the owner is shown so much.
    pub const fn detail(self, of_owner: JobDetail) -> JobDetail {
        match self {
            Self::Owner => of_owner,
            Self::Link(_) => JobDetail::WithoutKeys,
        }
    }

    /// Whether the job may be read: a link may be revoked.
    ///
    /// # Errors
    /// 401, as for a link that is none.
    pub fn admit(self, generation: u32) -> Result<(), Problem> {
        match self {
            Self::Link(link) if link.generation != generation => Err(no_link()),
            Self::Owner | Self::Link(_) => Ok(()),
        }
    }

    /// As one segment of a path: `-` for the owner.
    pub fn to_word(self) -> String {
        match self {
            Self::Owner => "-".to_owned(),
            Self::Link(link) => link.to_word(),
        }
    }

    /// Reads what [`Reader::to_word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        if word == "-" { Some(Self::Owner) } else { WatchLink::from_word(word).map(Self::Link) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::DurationMs;

    #[test]
    fn only_the_owner_gets_fresh_links() {
        let now = Timestamp(1_769_850_300_250);
        let later = now + DurationMs::minutes(30);
        let link = WatchLink::fresh(0, now);
        assert_eq!(Reader::Link(link).link(3, later), link);
        assert_eq!(Reader::Owner.link(3, later), WatchLink::fresh(3, later));
        for reader in [Reader::Owner, Reader::Link(link)] {
            assert_eq!(Reader::from_word(&reader.to_word()), Some(reader));
        }
        assert_eq!(Reader::from_word("x"), None);
    }

    #[test]
    fn only_the_owner_is_shown_keys_and_params() {
        let link = Reader::Link(WatchLink { generation: 0, expires_at_s: 1 });
        for detail in [JobDetail::Full, JobDetail::WithoutParams] {
            assert_eq!(Reader::Owner.detail(detail), detail);
            assert_eq!(link.detail(detail), JobDetail::WithoutKeys);
        }
    }

    #[test]
    fn a_link_of_another_generation_is_none() {
        let link = Reader::Link(WatchLink { generation: 1, expires_at_s: 1 });
        assert_eq!([0, 1, 2].map(|generation| link.admit(generation).is_ok()), [false, true, false]);
        assert_eq!([0, 1, 2].map(|generation| Reader::Owner.admit(generation).is_ok()), [true; 3]);
    }
}
