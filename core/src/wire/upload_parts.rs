//! Parts that the bucket has and nobody confirmed: the uploader died between its last byte and its word.

use crate::s3::{PartList, StoredPart, parse_list_parts};
use crate::upload::{ConfirmedPart, Upload};

/// What became of a question for the parts that the bucket has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPartsReply {
    /// A page of them.
    Page(PartList),
    /// It cannot list parts; wrangler's local one cannot.
    NotImplemented,
    /// Nothing that helps.
    Nothing,
}

/// Reads the answer to `ListParts`.
pub fn read_list(status: u16, body: &str) -> ListPartsReply {
    match status {
        200 => parse_list_parts(body).map_or(ListPartsReply::Nothing, ListPartsReply::Page),
        _ if body.contains("<Code>NotImplemented</Code>") => ListPartsReply::NotImplemented,
        501 => ListPartsReply::NotImplemented,
        _ => ListPartsReply::Nothing,
    }
}

impl Upload {
    /// Those of the listed parts that are whole, and unknown here or known otherwise: what the bucket
    /// has outweighs what it is said to have.
    pub fn parts_from_bucket(&self, listed: &[StoredPart]) -> Vec<ConfirmedPart> {
        let whole = |part: &&StoredPart| self.upload.plan.bytes_of(part.part_number) == Some(part.size_bytes);
        let parts =
            listed.iter().filter(whole).filter_map(|part| ConfirmedPart::new(part.part_number, &part.etag));
        self.new_parts(parts.collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::Timestamp;
    use crate::upload::{PartLayout, UploadRecord, UploadState};

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn whole_parts_are_found() {
        let upload = UploadRecord {
            key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
            storage_id: "s".into(),
            plan: PartLayout::new(12 * MIB, Some(5 * MIB)).unwrap(),
            expires_at: Timestamp(0),
            state: UploadState::Open,
        };
        let mut ledger = Upload::new(upload, ConfirmedPart::new(1, "one"));
        let listed = |part_number, etag: &str, mib| StoredPart {
            part_number,
            etag: etag.into(),
            size_bytes: mib * MIB,
        };
        let page = [
            listed(1, "\"one\"", 5),
            listed(2, "\"two\"", 4),
            listed(3, "\"three\"", 2),
            listed(4, "\"four\"", 5),
            listed(0, "\"none\"", 5),
        ];
        let found = ledger.parts_from_bucket(&page);
        assert_eq!(
            found,
            Vec::from_iter(ConfirmedPart::new(3, "three")),
            "known, cut short, whole, and none of ours"
        );
        ledger.record(found);
        assert_eq!(ledger.parts_from_bucket(&page), []);
        assert_eq!(
            ledger.parts_from_bucket(&[listed(1, "other", 5)]),
            Vec::from_iter(ConfirmedPart::new(1, "other"))
        );
        ledger.upload.state = UploadState::Aborted;
        assert_eq!(ledger.parts_from_bucket(&[listed(2, "two", 5)]), []);
    }

    #[test]
    fn only_a_bucket_that_cannot_list_is_not_asked_again() {
        let xml = "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>";
        assert!(matches!(read_list(200, xml), ListPartsReply::Page(page) if page.parts.is_empty()));
        assert_eq!(read_list(501, ""), ListPartsReply::NotImplemented);
        assert_eq!(
            read_list(400, "<Error><Code>NotImplemented</Code></Error>"),
            ListPartsReply::NotImplemented
        );
        for (status, body) in [(200, "<html>"), (403, "<Error><Code>AccessDenied</Code></Error>"), (500, "")]
        {
            assert_eq!(read_list(status, body), ListPartsReply::Nothing, "{status}");
        }
    }
}
