//! The boxes of an MP4 or MOV file (ISO/IEC 14496-12, `QuickTime` File Format).
//!
//! Invariant: no length that a file names is trusted; whatever does not fit is `None`.

/// The name of a box and how many bytes of the file it takes with its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoxHeader {
    pub name: [u8; 4],
    pub header_bytes: u64,
    /// `None` when it goes on to the end of the file.
    pub bytes: Option<u64>,
}

impl BoxHeader {
    /// The longest header.
    pub(super) const MAX_BYTES: u64 = 16;

    /// Reads a header; `None` when there is none here.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let name = bytes.get(4..8)?.try_into().ok()?;
        let (header_bytes, length) = match u32_at(bytes, 0)? {
            0 => (8, None),
            1 => (16, Some(u64_at(bytes, 8)?)),
            short => (8, Some(u64::from(short))),
        };
        let is_long_enough = length.is_none_or(|length| length >= header_bytes);
        is_long_enough.then_some(Self { name, header_bytes, bytes: length })
    }
}

/// The boxes within a box, as name and content; ends where a box does not fit.
pub(super) fn children(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let header = BoxHeader::parse(bytes)?;
        let end = header.bytes.map_or(Some(bytes.len()), |length| usize::try_from(length).ok())?;
        let content = bytes.get(usize::try_from(header.header_bytes).ok()?..end)?;
        bytes = bytes.get(end..)?;
        Some((header.name, content))
    })
}

/// The first box of this path.
pub(super) fn descendant<'b>(bytes: &'b [u8], path: &[&[u8; 4]]) -> Option<&'b [u8]> {
    path.iter().try_fold(bytes, |bytes, name| {
        children(bytes).find(|(found, _)| found == *name).map(|(_, content)| content)
    })
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_be_bytes(bytes.get(at..end)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let end = at.checked_add(8)?;
    Some(u64::from_be_bytes(bytes.get(at..end)?.try_into().ok()?))
}

/// The entries of a table that starts with version, flags and their count; `None` when it is cut off.
pub(super) fn entries(table: &[u8], entry_bytes: usize) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
    let count = usize::try_from(u32_at(table, 4)?).ok()?;
    let rows = table.get(8..)?.get(..count.checked_mul(entry_bytes)?)?;
    Some(rows.chunks_exact(entry_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_does_not_fit_ends_the_list() {
        let boxes = b"\0\0\0\x0Cfreeabcd\0\0\0\x09freeX\0\0\0\xFFmdat";
        let found: Vec<_> = children(boxes).collect();
        assert_eq!(found, [(*b"free", &b"abcd"[..]), (*b"free", &b"X"[..])]);
        assert_eq!(BoxHeader::parse(b"\0\0\0\x07free"), None);
        let large = BoxHeader::parse(b"\0\0\0\x01mdat\0\0\0\x02\0\0\0\0").expect("a header");
        assert_eq!((large.header_bytes, large.bytes), (16, Some(2 << 32)));
        assert_eq!(BoxHeader::parse(b"\0\0\0\0mdat").expect("a header").bytes, None);
    }

    #[test]
    fn a_table_that_is_cut_off_is_none() {
        assert_eq!(entries(b"\0\0\0\0\0\0\0\x02abcdefgh", 4).map(Iterator::count), Some(2));
        assert!(entries(b"\0\0\0\0\0\0\0\x03abcdefgh", 4).is_none());
        assert!(entries(b"\0\0\0\0\xFF\xFF\xFF\xFFabcdefgh", 4).is_none());
    }
}
