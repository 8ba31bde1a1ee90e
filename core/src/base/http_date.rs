//! HTTP dates (RFC 9110 5.6.7): written in the current form, read in all three.

use crate::base::time::{CivilDateTime, Timestamp};

/// A date in the current form: `Sat, 31 Jan 2026 09:05:00 GMT`. Milliseconds are dropped.
pub fn http_date(at: Timestamp) -> String {
    let CivilDateTime { year, month, day, hour, minute, second, .. } = CivilDateTime::from(at);
    // 1970-01-01 was a Thursday.
    let weekday = (at.0.max(0) / 86_400_000 + 4) % 7;
    let weekday =
        usize::try_from(weekday).ok().and_then(|day| WEEKDAYS.get(day).copied()).unwrap_or_default();
    let name =
        usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month).copied()).unwrap_or_default();
    format!("{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a date in any of the three forms: IMF-fixdate, RFC 850 and C's `asctime`. The weekday is not
/// checked against the date. The result has whole seconds.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let ([_, day, month, year, clock, "GMT"] | [_, month, day, clock, year]) = *words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().zip(1..).find_map(|(name, number)| (*name == month).then_some(number))?;
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // RFC 850 has two digits, which mean the years 1970 to 2069.
        (2, year @ 70..) => 1900 + year,
        (2, year) => 2000 + year,
        _ => return None,
    };
    let mut clock = clock.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let day = number(day)?;
    let fits = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && clock.next().is_none();
    if !fits {
        return None;
    }
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1000))
}

/// The days since 1970-01-01: the inverse of [`CivilDateTime`]'s conversion.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    cycle * 146_097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719_468
}

/// At most four digits.
fn number(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

const DAY_SECONDS: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of RFC 9110 5.6.7.
    const EXAMPLE: Timestamp = Timestamp(784_111_777_000);

    #[test]
    fn all_three_forms_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text), Some(EXAMPLE), "{text}");
        }
        assert_eq!(http_date(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(Timestamp(1_769_850_300_999)), "Sat, 31 Jan 2026 09:05:00 GMT");
        assert_eq!(http_date(Timestamp(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(Timestamp(1_709_164_800_000)), "Thu, 29 Feb 2024 00:00:00 GMT");
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "yesterday",
            "2026-01-31T09:05:00Z",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 199499 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_date_reads_back(seconds in 0_i64..253_402_300_800) {
            let at = Timestamp(seconds * 1000);
            prop_assert_eq!(parse_http_date(&http_date(at)), Some(at));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}", ms: i64) {
            let _ = (parse_http_date(&text), http_date(Timestamp(ms)));
        }
    }
}
