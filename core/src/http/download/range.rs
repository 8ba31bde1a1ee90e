//! The `Range` header (RFC 9110 14): one range of bytes, or none.

use std::num::NonZeroU64;

/// A `Range` header, before the size of the video is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// `bytes=first-` and `bytes=first-last`.
    From {
        /// First byte, counted from 0.
        first: u64,
        /// How many bytes; `None` for all bytes to the end.
        length: Option<NonZeroU64>,
    },
    /// `bytes=-count`: the last bytes.
    Last {
        /// How many.
        count: u64,
    },
}

/// Existing bytes: `first..=last`, with `last` below the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, counted from 0.
    pub first: u64,
    /// Last byte, included.
    pub last: u64,
}

/// A range applied to a video of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResolvedRange {
    /// These bytes.
    Part(ByteRange),
    /// The whole video: the last bytes of an empty video were requested.
    Whole,
    /// No byte of the range exists.
    Nothing,
}

impl RangeRequest {
    /// Reads a header. `None` for headers that a server may ignore: other units, several ranges, malformed
    /// ranges (RFC 9110 14.2). The response is then the whole video.
    ///
    /// A number above 64 bits counts as the largest 64-bit number: no video has that byte.
    pub fn parse(header: &str) -> Option<Self> {
        let (unit, range) = header.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.trim().split_once('-')?;
        if first.is_empty() {
            return Some(Self::Last { count: number(last)? });
        }
        let first = number(first)?;
        if last.is_empty() {
            return Some(Self::From { first, length: None });
        }
        let more = number(last)?.checked_sub(first)?;
        Some(Self::From { first, length: Some(NonZeroU64::MIN.saturating_add(more)) })
    }

    pub(super) fn resolve(self, size_bytes: u64) -> ResolvedRange {
        let Some(end) = size_bytes.checked_sub(1) else {
            return match self {
                Self::Last { count: 1.. } => ResolvedRange::Whole,
                Self::Last { count: 0 } | Self::From { .. } => ResolvedRange::Nothing,
            };
        };
        match self {
            Self::From { first, .. } if first > end => ResolvedRange::Nothing,
            Self::From { first, length } => {
                let last = length.map_or(end, |length| first.saturating_add(length.get() - 1).min(end));
                ResolvedRange::Part(ByteRange { first, last })
            }
            Self::Last { count: 0 } => ResolvedRange::Nothing,
            Self::Last { count } => {
                ResolvedRange::Part(ByteRange { first: size_bytes.saturating_sub(count), last: end })
            }
        }
    }
}

impl ByteRange {
    /// The number of bytes; at least one.
    pub const fn length(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// The value of `content-range`.
    pub fn content_range(self, size_bytes: u64) -> String {
        format!("bytes {}-{}/{size_bytes}", self.first, self.last)
    }
}

impl From<ByteRange> for RangeRequest {
    fn from(part: ByteRange) -> Self {
        Self::From { first: part.first, length: NonZeroU64::new(part.length()) }
    }
}

/// One or more digits.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from(first: u64, last: Option<u64>) -> RangeRequest {
        let length = |last: u64| NonZeroU64::MIN.saturating_add(last - first);
        RangeRequest::From { first, length: last.map(length) }
    }

    #[test]
    fn a_header_is_one_range_or_ignored() {
        let from = |first, last| Some(from(first, last));
        let last = |count| Some(RangeRequest::Last { count });
        for (header, range) in [
            ("bytes=0-0", from(0, Some(0))),
            ("bytes=5-9", from(5, Some(9))),
            ("bytes=5-", from(5, None)),
            ("bytes=-5", last(5)),
            ("bytes=-0", last(0)),
            ("BYTES= 5-9 ", from(5, Some(9))),
            ("bytes=007-9", from(7, Some(9))),
            ("bytes=99999999999999999999-", from(u64::MAX, None)),
            ("bytes=1-99999999999999999999", from(1, Some(u64::MAX))),
            ("bytes=-99999999999999999999", last(u64::MAX)),
            // Ignored.
            ("", None),
            ("bytes", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=9-5", None),
            ("bytes=0-1,3-4", None),
            ("bytes=0-1,", None),
            ("bytes=--5", None),
            ("bytes=+1-5", None),
            ("bytes=1.5-", None),
            ("bytes=0x1-", None),
            ("bytes=a-b", None),
            ("bytes 0-5", None),
            ("seconds=0-5", None),
            ("bytes=\u{664}-", None),
        ] {
            assert_eq!(RangeRequest::parse(header), range, "{header:?}");
        }
    }

    #[test]
    fn a_range_is_clamped_to_the_existing_bytes() {
        let part = |first, last| ResolvedRange::Part(ByteRange { first, last });
        for (range, size, resolved) in [
            (from(0, None), 10, part(0, 9)),
            (from(0, Some(0)), 10, part(0, 0)),
            (from(9, None), 10, part(9, 9)),
            (from(9, Some(u64::MAX)), 10, part(9, 9)),
            (from(10, None), 10, ResolvedRange::Nothing),
            (from(u64::MAX, Some(u64::MAX)), 10, ResolvedRange::Nothing),
            (RangeRequest::Last { count: 1 }, 10, part(9, 9)),
            (RangeRequest::Last { count: 10 }, 10, part(0, 9)),
            (RangeRequest::Last { count: u64::MAX }, 10, part(0, 9)),
            (RangeRequest::Last { count: 0 }, 10, ResolvedRange::Nothing),
            (from(0, None), 0, ResolvedRange::Nothing),
            (RangeRequest::Last { count: 5 }, 0, ResolvedRange::Whole),
            (RangeRequest::Last { count: 0 }, 0, ResolvedRange::Nothing),
        ] {
            assert_eq!(range.resolve(size), resolved, "{range:?} of {size}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(header in "(bytes=)?.{0,60}") {
            let _ = RangeRequest::parse(&header).map(|range| range.resolve(7));
        }

        #[test]
        fn a_resolved_range_is_inside_the_video_and_the_request(first: u64, length: Option<NonZeroU64>, size: u64) {
            if let ResolvedRange::Part(part) = (RangeRequest::From { first, length }).resolve(size) {
                prop_assert!(part.first == first && part.first <= part.last && part.last < size);
                prop_assert!(length.is_none_or(|length| part.length() <= length.get()));
                prop_assert_eq!(RangeRequest::from(part).resolve(size), ResolvedRange::Part(part));
            } else {
                prop_assert!(first >= size);
            }
        }

        #[test]
        fn the_last_bytes_are_as_many_as_requested(count: u64, size in 1..=u64::MAX) {
            match (RangeRequest::Last { count }).resolve(size) {
                ResolvedRange::Part(part) => prop_assert_eq!((part.length(), part.last), (count.min(size), size - 1)),
                other => prop_assert_eq!((other, count), (ResolvedRange::Nothing, 0)),
            }
        }
    }
}
