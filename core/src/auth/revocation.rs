//! The tokens of end users that were revoked, as one isolate knows them.
//!
//! Invariant: nothing older than [`LIST_MAX_AGE`] is believed, so that a revocation holds everywhere within that
//! time. While the list cannot be read, one of at most ten minutes serves; after that no token of a user is
//! accepted.

use crate::base::owner::OwnerId;
use crate::base::sorted_map::SortedMap;
use crate::base::time::{DurationMs, Timestamp};

/// The owners whose tokens were revoked, and when that was.
#[derive(Clone, Debug, Default)]
pub struct RevokedTokens {
    revoked_at: SortedMap<OwnerId, Timestamp>,
    read_at: Option<Timestamp>,
    /// Somebody reads it anew.
    refreshing: bool,
}

/// What is to be done before the list is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListState {
    /// Nothing.
    Fresh,
    /// It may be asked; it is to be read anew after the response.
    Aging,
    /// It is to be read first.
    Old,
}

impl RevokedTokens {
    /// What is to be done before the list is asked. Of all who find it aging, one is told so.
    pub fn state(&mut self, now: Timestamp) -> ListState {
        match self.age(now) {
            None => ListState::Old,
            Some(age) if age > LIST_MAX_AGE => ListState::Old,
            Some(age) if age > LIST_REFRESH_AGE && !self.refreshing => {
                self.refreshing = true;
                ListState::Aging
            }
            Some(_) => ListState::Fresh,
        }
    }

    /// Whether the list may be asked, and nothing is to be done.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now).is_some_and(|age| age <= LIST_REFRESH_AGE)
    }

    /// Whether the list may be asked although it could not be read anew.
    pub fn serves_unread(&self, now: Timestamp) -> bool {
        self.age(now).is_some_and(|age| age <= UNREAD_MAX_AGE)
    }

    /// Takes the rows that were read; the question was asked at `asked_at`.
    pub fn replace(&mut self, rows: &[String], asked_at: Timestamp) {
        self.revoked_at.clear();
        for (owner, at) in rows.iter().filter_map(|row| parse_row(row)) {
            self.revoked_at.insert(owner, at);
        }
        self.read_at = Some(asked_at);
        self.refreshing = false;
    }

    /// Takes a revocation that was made here, before the list is read anew.
    pub fn add(&mut self, owner: OwnerId, revoked_at: Timestamp) {
        self.revoked_at.insert(owner, revoked_at);
    }

    /// Whether this token of an owner was revoked. One that does not say when it was issued may be older than
    /// any revocation. A token has whole seconds, so that one of the same second counts as revoked.
    pub fn revokes(&self, owner: impl FnOnce() -> OwnerId, issued_at: Option<Timestamp>) -> bool {
        if self.revoked_at.is_empty() {
            return false;
        }
        let revoked_at = self.revoked_at.get(&owner());
        revoked_at.is_some_and(|revoked_at| issued_at.is_none_or(|issued_at| issued_at <= *revoked_at))
    }

    fn age(&self, now: Timestamp) -> Option<DurationMs> {
        // A clock that jumped back proves nothing.
        self.read_at.filter(|at| *at <= now).map(|at| now.since(at))
    }
}

/// `{owner} {milliseconds}`, as `select_revoked_tokens` writes it.
fn parse_row(row: &str) -> Option<(OwnerId, Timestamp)> {
    let (owner, at) = row.split_once(' ')?;
    Some((owner.parse().ok()?, Timestamp(at.parse().ok()?)))
}

/// A revocation holds everywhere after this time.
pub const LIST_MAX_AGE: DurationMs = DurationMs::seconds(60);
/// From this age on, the list is read anew after a response, so that no request waits for it.
const LIST_REFRESH_AGE: DurationMs = DurationMs::seconds(30);
/// How long a list serves while the database does not answer.
const UNREAD_MAX_AGE: DurationMs = DurationMs::minutes(10);
/// How long a revocation is kept: no provider's token for a browser lives so long.
pub const REVOCATIONS_KEPT: DurationMs = DurationMs::minutes(90 * 24 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    fn owner(number: u8) -> OwnerId {
        OwnerId::new([number; 8])
    }

    fn list(rows: &[(u8, Timestamp)]) -> RevokedTokens {
        let rows: Vec<String> =
            rows.iter().map(|(number, at)| format!("{} {}", owner(*number), at.0)).collect();
        let mut list = RevokedTokens::default();
        list.replace(&rows, NOW);
        list
    }

    #[test]
    fn tokens_up_to_the_revocation_are_revoked_and_later_ones_are_not() {
        let list = list(&[(1, NOW), (2, NOW)]);
        let second = DurationMs::seconds(1);
        for (number, issued_at, revoked) in [
            (1, Some(NOW - second), true),
            (1, Some(NOW), true),
            (1, Some(Timestamp(NOW.0 - 250)), true),
            (1, Some(NOW + second), false),
            (1, None, true),
            (3, Some(NOW - second), false),
            (3, None, false),
        ] {
            assert_eq!(list.revokes(|| owner(number), issued_at), revoked, "{number} {issued_at:?}");
        }
    }

    #[test]
    fn a_list_is_read_anew_before_it_is_too_old_and_by_one_request_alone() {
        let mut list = list(&[]);
        let mut state = |seconds| list.state(NOW + DurationMs::seconds(seconds));
        assert_eq!([0, 30].map(&mut state), [ListState::Fresh; 2]);
        assert_eq!([31, 31, 60].map(&mut state), [ListState::Aging, ListState::Fresh, ListState::Fresh]);
        assert_eq!([61, -1].map(&mut state), [ListState::Old; 2]);
        let is_fresh = |seconds| list.is_fresh(NOW + DurationMs::seconds(seconds));
        assert_eq!([0, 30, 31, -1].map(is_fresh), [true, true, false, false]);
        assert_eq!(RevokedTokens::default().state(NOW), ListState::Old);
    }

    #[test]
    fn a_list_that_cannot_be_read_anew_serves_for_a_while() {
        let list = list(&[(1, NOW)]);
        let serves = |minutes| list.serves_unread(NOW + DurationMs::minutes(minutes));
        assert_eq!([0, 10, 11, -1].map(serves), [true, true, false, false]);
        assert!(!RevokedTokens::default().serves_unread(NOW));
    }

    #[test]
    fn a_list_is_replaced_as_a_whole_and_forgets_what_is_no_row() {
        let mut list = list(&[(1, NOW)]);
        list.replace(&["x 1".to_owned(), format!("{} x", owner(2)), String::new()], NOW);
        assert!([1, 2].iter().all(|number| !list.revokes(|| owner(*number), None)));
        list.add(owner(2), NOW);
        assert!(list.revokes(|| owner(2), None));
    }
}
