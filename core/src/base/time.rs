//! Points in time and durations. There is no `now` here: the caller passes it in.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Stored as an integer; public JSON has [`Timestamp::iso`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Date and time of day in UTC. Times before 1970 or after 9999 become the nearest time in that range, so
/// that every text has the same length.
pub(crate) struct CivilDateTime {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub millisecond: u64,
}

impl From<Timestamp> for CivilDateTime {
    fn from(at: Timestamp) -> Self {
        let ms = u64::try_from(at.0).unwrap_or(0).min(LAST_MS);
        let of_day_s = ms / 1000 % 86_400;
        // Howard Hinnant's civil_from_days (howardhinnant.github.io/date_algorithms.html): years begin in
        // March, so that the leap day is a year's last; an era is the 400 years after which days repeat.
        let days = ms / 86_400_000 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: of_year - (153 * march_month + 2) / 5 + 1,
            hour: of_day_s / 3600,
            minute: of_day_s / 60 % 60,
            second: of_day_s % 60,
            millisecond: ms % 1000,
        }
    }
}

/// A duration in whole milliseconds.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationMs(pub i64);

impl DurationMs {
    /// A number of seconds.
    pub const fn seconds(count: i64) -> Self {
        Self(count * 1000)
    }

    /// A number of minutes.
    pub const fn minutes(count: i64) -> Self {
        Self::seconds(count * 60)
    }
}

impl Timestamp {
    /// ISO 8601 in UTC with milliseconds, as in `2026-01-31T09:05:00.250Z`.
    pub fn iso(self) -> String {
        let CivilDateTime { year, month, day, hour, minute, second, millisecond } = CivilDateTime::from(self);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }

    /// ISO 8601's basic form in whole seconds, as in `20260131T090500Z`, which SigV4 signs.
    /// Its first eight characters are the day.
    pub fn iso_basic(self) -> String {
        let CivilDateTime { year, month, day, hour, minute, second, .. } = CivilDateTime::from(self);
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// How long ago `earlier` was. Never negative: a clock may jump back.
    pub fn since(self, earlier: Self) -> DurationMs {
        DurationMs((self.0 - earlier.0).max(0))
    }
}

impl Add<DurationMs> for Timestamp {
    type Output = Self;

    fn add(self, duration: DurationMs) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl Sub<DurationMs> for Timestamp {
    type Output = Self;

    fn sub(self, duration: DurationMs) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

/// 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_with_milliseconds_in_utc() {
        assert_eq!(Timestamp(1_769_850_300_250).iso(), "2026-01-31T09:05:00.250Z");
        assert_eq!(Timestamp(0).iso(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(i64::MAX).iso(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp(-1).iso(), Timestamp(0).iso());
        assert_eq!(Timestamp(951_782_400_000).iso_basic(), "20000229T000000Z");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn a_time_agrees_with_jiff(ms in 0..=253_402_207_200_000_i64) {
            let known = jiff::Timestamp::from_millisecond(ms).unwrap();
            prop_assert_eq!(Timestamp(ms).iso(), format!("{known:.3}"));
            prop_assert_eq!(Timestamp(ms).iso_basic(), known.strftime("%Y%m%dT%H%M%SZ").to_string());
            let read: jiff::Timestamp = Timestamp(ms).iso().parse().unwrap();
            prop_assert_eq!(read.as_millisecond(), ms);
        }

        #[test]
        fn every_day_agrees_with_jiff(day in 0..=2_932_895_i64, second in 0..86_400_i64) {
            let ms = (day * 86_400 + second) * 1000;
            let known = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            let day = format!("{known}T");
            prop_assert!(Timestamp(ms).iso().starts_with(&day));
        }
    }

    #[test]
    fn since_is_zero_when_the_clock_jumped_back() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), DurationMs(0));
    }
}
