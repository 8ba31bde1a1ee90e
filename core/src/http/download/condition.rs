//! Conditional requests (RFC 9110 13): one decision from the headers and the stored object.

use crate::base::http_date::{http_date, parse_http_date};
use crate::base::time::Timestamp;
use crate::http::download::range::{ByteRange, RangeRequest, ResolvedRange};

/// The metadata of a stored video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size of the whole video.
    pub size_bytes: u64,
    /// Its strong entity tag, with quotes.
    pub etag: String,
    /// When it was stored.
    pub modified: Timestamp,
}

/// The conditions and the range of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<String>,
    if_unmodified_since: Option<Timestamp>,
    if_none_match: Option<String>,
    if_modified_since: Option<Timestamp>,
    if_range: Option<String>,
    range: Option<RangeRequest>,
    head_only: bool,
}

/// The response to a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadDecision {
    /// 200 with the whole video.
    Whole,
    /// 206 with a range.
    Part(ByteRange),
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416.
    Unsatisfiable,
}

/// How to read a video from the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    /// Only its metadata.
    Head,
    /// With its bytes, or a range of them.
    Body(Option<RangeRequest>),
}

impl Conditions {
    /// Reads the headers. HEAD gets the response of a GET without `Range`, which is defined for GET only
    /// (RFC 9110 14.2). Invalid dates are ignored (13.1.3, 13.1.4).
    pub fn read(head_only: bool, header: impl Fn(&str) -> Option<String>) -> Self {
        let date = |name| header(name).as_deref().and_then(parse_http_date);
        Self {
            if_match: header("if-match"),
            if_unmodified_since: date("if-unmodified-since"),
            if_none_match: header("if-none-match"),
            if_modified_since: date("if-modified-since"),
            if_range: header("if-range"),
            range: if head_only { None } else { header("range").as_deref().and_then(RangeRequest::parse) },
            head_only,
        }
    }

    /// What to read first. The bytes are read at once, except when the response may have none. So most
    /// requests need one read.
    pub const fn initial_read(&self) -> ReadPlan {
        let conditional = self.if_match.is_some()
            || self.if_unmodified_since.is_some()
            || self.if_none_match.is_some()
            || self.if_modified_since.is_some();
        if self.head_only || conditional { ReadPlan::Head } else { ReadPlan::Body(self.range) }
    }

    /// Decides in the order of RFC 9110 13.2.2.
    pub fn decide(&self, stored: &ObjectMeta) -> DownloadDecision {
        let seconds = |at: Timestamp| at.0.div_euclid(1000);
        let later_than = |date: Timestamp| seconds(stored.modified) > seconds(date);
        let precondition_failed = match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => !any_tag(tags, |tag| tag == stored.etag),
            (None, Some(date)) => later_than(date),
            (None, None) => false,
        };
        if precondition_failed {
            return DownloadDecision::PreconditionFailed;
        }
        let not_modified = match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => any_tag(tags, |tag| tag.strip_prefix("W/").unwrap_or(tag) == stored.etag),
            (None, Some(date)) => !later_than(date),
            (None, None) => false,
        };
        if not_modified {
            return DownloadDecision::NotModified;
        }
        let range_applies = match &self.if_range {
            None => true,
            // A date must be exactly the one that was sent (13.1.5).
            Some(validator) => *validator == stored.etag || *validator == http_date(stored.modified),
        };
        match self.range.filter(|_| range_applies).map(|range| range.resolve(stored.size_bytes)) {
            None | Some(ResolvedRange::Whole) => DownloadDecision::Whole,
            Some(ResolvedRange::Part(part)) => DownloadDecision::Part(part),
            Some(ResolvedRange::Nothing) => DownloadDecision::Unsatisfiable,
        }
    }
}

impl DownloadDecision {
    /// HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Whole => 200,
            Self::Part(_) => 206,
            Self::NotModified => 304,
            Self::PreconditionFailed => 412,
            Self::Unsatisfiable => 416,
        }
    }
}

impl ReadPlan {
    /// Whether this read of a video of this size has the bytes that the decision needs.
    pub fn satisfies(self, decision: DownloadDecision, size_bytes: u64) -> bool {
        match (self, decision) {
            (Self::Body(None), DownloadDecision::Whole) => true,
            (Self::Body(Some(range)), DownloadDecision::Part(part)) => {
                range.resolve(size_bytes) == ResolvedRange::Part(part)
            }
            _ => false,
        }
    }
}

/// Whether a list of tags is `*` or has a matching tag. A text that is not a tag does not match.
fn any_tag(list: &str, matches: impl Fn(&str) -> bool) -> bool {
    if list.trim() == "*" {
        return true;
    }
    // A tag may contain a comma, but the bucket's tags do not, so splitting at commas is safe.
    list.split(',').map(str::trim).any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: &str = "\"abc\"";
    const BEFORE: &str = "Sat, 31 Jan 2026 09:04:59 GMT";
    const SAME: &str = "Sat, 31 Jan 2026 09:05:00 GMT";

    fn stored() -> ObjectMeta {
        ObjectMeta { size_bytes: 10, etag: TAG.to_owned(), modified: Timestamp(1_769_850_300_250) }
    }

    fn conditions(head_only: bool, headers: &[(&str, &str)]) -> Conditions {
        Conditions::read(head_only, |name| {
            headers.iter().find_map(|(header, value)| (*header == name).then(|| (*value).to_owned()))
        })
    }

    const fn part(first: u64, last: u64) -> DownloadDecision {
        DownloadDecision::Part(ByteRange { first, last })
    }

    #[test]
    fn the_headers_decide_the_response() {
        use DownloadDecision::{NotModified, PreconditionFailed, Unsatisfiable, Whole};
        for (headers, decision) in [
            (&[][..], Whole),
            (&[("range", "bytes=2-4")], part(2, 4)),
            (&[("range", "bytes=10-")], Unsatisfiable),
            (&[("range", "bytes=4-2")], Whole),
            (&[("range", "bytes=0-1,4-5")], Whole),
            (&[("if-none-match", TAG)], NotModified),
            (&[("if-none-match", "W/\"abc\"")], NotModified),
            (&[("if-none-match", "\"x\", W/\"abc\" ,\"y\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"abcd\"")], Whole),
            (&[("if-none-match", "abc")], Whole),
            (&[("if-none-match", "")], Whole),
            (&[("if-none-match", TAG), ("range", "bytes=0-0")], NotModified),
            (&[("if-none-match", "\"x\""), ("range", "bytes=0-0")], part(0, 0)),
            // With a tag, the date is ignored.
            (&[("if-none-match", "\"x\""), ("if-modified-since", SAME)], Whole),
            (&[("if-modified-since", SAME)], NotModified),
            (&[("if-modified-since", BEFORE)], Whole),
            (&[("if-modified-since", "soon")], Whole),
            (&[("if-match", TAG)], Whole),
            (&[("if-match", "\"x\", \"abc\"")], Whole),
            (&[("if-match", "*")], Whole),
            (&[("if-match", "W/\"abc\"")], PreconditionFailed),
            (&[("if-match", "\"x\"")], PreconditionFailed),
            (&[("if-match", "")], PreconditionFailed),
            (&[("if-match", TAG), ("if-unmodified-since", BEFORE)], Whole),
            (&[("if-unmodified-since", SAME)], Whole),
            (&[("if-unmodified-since", BEFORE)], PreconditionFailed),
            (&[("if-unmodified-since", "soon")], Whole),
            (&[("if-match", "\"x\""), ("if-none-match", TAG)], PreconditionFailed),
            (&[("range", "bytes=2-4"), ("if-range", TAG)], part(2, 4)),
            (&[("range", "bytes=2-4"), ("if-range", SAME)], part(2, 4)),
            (&[("range", "bytes=2-4"), ("if-range", "\"x\"")], Whole),
            (&[("range", "bytes=2-4"), ("if-range", "W/\"abc\"")], Whole),
            (&[("range", "bytes=2-4"), ("if-range", BEFORE)], Whole),
            (&[("range", "bytes=20-"), ("if-range", "\"x\"")], Whole),
            (&[("if-range", "\"x\"")], Whole),
        ] {
            assert_eq!(conditions(false, headers).decide(&stored()), decision, "{headers:?}");
        }
    }

    #[test]
    fn head_ignores_range() {
        assert_eq!(conditions(true, &[("range", "bytes=2-4")]).decide(&stored()), DownloadDecision::Whole);
        assert_eq!(
            conditions(true, &[("if-none-match", TAG)]).decide(&stored()),
            DownloadDecision::NotModified
        );
        assert_eq!(conditions(true, &[]).initial_read(), ReadPlan::Head);
    }

    #[test]
    fn requests_of_a_player_need_one_read() {
        for headers in [
            &[][..],
            &[("range", "bytes=0-")],
            &[("range", "bytes=7-8"), ("if-range", TAG)],
            &[("range", "bytes=5-99")],
            &[("range", "bytes=-99")],
        ] {
            let conditions = conditions(false, headers);
            assert!(conditions.initial_read().satisfies(conditions.decide(&stored()), 10), "{headers:?}");
        }
        for headers in [
            &[("range", "bytes=7-8"), ("if-range", "\"x\"")][..],
            &[("range", "bytes=10-")],
            &[("if-match", "*")],
        ] {
            let conditions = conditions(false, headers);
            assert!(!conditions.initial_read().satisfies(conditions.decide(&stored()), 10), "{headers:?}");
        }
    }

    proptest! {
        /// For every request, a second read has the bytes that the decision needs.
        #[test]
        fn two_reads_are_always_enough(
            range in "(bytes=[0-9]{0,3}-[0-9]{0,3}|.{0,9})",
            if_range in "(\"abc\"|\"x\")",
            if_none_match in "(\"abc\"|\\*|\"x\"|.{0,9})",
            size_bytes in 0_u64..200,
        ) {
            let headers = [("range", &*range), ("if-range", &*if_range), ("if-none-match", &*if_none_match)];
            for used in 0..8 {
                let some: Vec<_> =
                    headers.iter().enumerate().filter(|(bit, _)| used >> bit & 1 == 1).map(|(_, pair)| *pair).collect();
                let stored = ObjectMeta { size_bytes, ..stored() };
                let decision = conditions(false, &some).decide(&stored);
                let second = match decision {
                    DownloadDecision::Whole => ReadPlan::Body(None),
                    DownloadDecision::Part(part) => ReadPlan::Body(Some(part.into())),
                    DownloadDecision::NotModified | DownloadDecision::PreconditionFailed | DownloadDecision::Unsatisfiable => continue,
                };
                prop_assert!(second.satisfies(decision, size_bytes));
            }
        }
    }
}
