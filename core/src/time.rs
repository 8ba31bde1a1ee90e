//! Points in time. There is no `now` here: whoever calls the core brings it.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Integer inside and in storage; [`Millis::iso`] is its form in public JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    /// So many seconds.
    pub const fn seconds(count: i64) -> Self {
        Self(count * 1000)
    }

    /// So many minutes.
    pub const fn minutes(count: i64) -> Self {
        Self::seconds(count * 60)
    }
}

impl Millis {
    /// ISO 8601 in UTC with milliseconds, as in `2026-01-31T09:05:00.250Z`.
    pub fn iso(self) -> String {
        format!("{:.3}", self.timestamp())
    }

    /// For the signer, which wants its own type. Times outside of its range become its ends.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// How long ago `earlier` was; never negative, since clocks may jump back.
    pub fn since(self, earlier: Self) -> Span {
        Span((self.0 - earlier.0).max(0))
    }
}

impl Add<Span> for Millis {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Millis {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_in_utc() {
        assert_eq!(Millis(1_769_850_300_250).iso(), "2026-01-31T09:05:00.250Z");
        assert_eq!(Millis(0).iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Millis(i64::MAX).timestamp(), jiff::Timestamp::MAX);
    }

    #[test]
    fn a_clock_that_jumped_back_measures_nothing() {
        assert_eq!(Millis(5).since(Millis(9)), Span(0));
    }
}
