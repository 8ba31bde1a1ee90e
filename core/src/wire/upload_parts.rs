//! What the bucket says of a multipart upload: lists of parts, and errors.

use crate::s3::{StoredPart, parse_list_parts};
use crate::upload::ConfirmedPart;
use crate::upload::event::{CompleteReply, ListedPart, PartPage};

/// What became of a request for the parts that the bucket has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPartsReply {
    /// A page of them.
    Page(PartPage),
    /// It cannot list parts; wrangler's local one cannot.
    NotImplemented,
    /// Nothing that helps.
    Nothing,
}

/// Reads the answer to `ListParts`.
pub fn read_list(status: u16, body: &str) -> ListPartsReply {
    match status {
        200 => match parse_list_parts(body) {
            Ok(page) => ListPartsReply::Page(PartPage {
                parts: page.parts.iter().filter_map(listed_part).collect(),
                next_marker: page.next_marker,
            }),
            Err(_) => ListPartsReply::Nothing,
        },
        _ if body.contains("<Code>NotImplemented</Code>") => ListPartsReply::NotImplemented,
        501 => ListPartsReply::NotImplemented,
        _ => ListPartsReply::Nothing,
    }
}

/// What an error of the bucket's binding means, by the number in its text.
///
/// 10024: no such upload; 10025: a part is missing or another; 10011 and 10048: parts too small or
/// of different sizes (Cloudflare, "R2 error codes"). Every other error leaves the outcome open.
pub fn parse_complete_error(text: &str) -> CompleteReply {
    let has = |code: &str| text.contains(code);
    if has("(10024)") {
        CompleteReply::Gone
    } else if ["(10025)", "(10011)", "(10048)"].into_iter().any(has) {
        CompleteReply::WrongParts
    } else {
        CompleteReply::PerhapsDone
    }
}

/// Whether an error of the bucket's binding means that there is nothing left to abort.
pub fn is_aborted_error(text: &str) -> bool {
    parse_complete_error(text) == CompleteReply::Gone
}

/// An etag that cannot be one is left out: that part is sent again.
fn listed_part(stored: &StoredPart) -> Option<ListedPart> {
    let part = ConfirmedPart::new(stored.part_number, &stored.etag)?;
    Some(ListedPart { part, size_bytes: stored.size_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_parts_is_read() {
        let xml = "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>\
            <Part><PartNumber>1</PartNumber><ETag>&quot;one&quot;</ETag><Size>5</Size></Part>\
            <Part><PartNumber>2</PartNumber><ETag>t w o</ETag><Size>5</Size></Part></ListPartsResult>";
        let ListPartsReply::Page(page) = read_list(200, xml) else { panic!("no page") };
        let one = ListedPart { part: ConfirmedPart::new(1, "one").unwrap(), size_bytes: 5 };
        assert_eq!((page.parts, page.next_marker), (vec![one], Some(2)));
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

    #[test]
    fn errors_of_the_bucket_are_understood() {
        for (text, reply) in [
            ("The specified multipart upload does not exist. (10024)", CompleteReply::Gone),
            ("One or more of the specified parts could not be found. (10025)", CompleteReply::WrongParts),
            ("There was a problem with the multipart upload. (10048)", CompleteReply::WrongParts),
            ("Your proposed upload is smaller than allowed. (10011)", CompleteReply::WrongParts),
            ("We encountered an internal error. (10001)", CompleteReply::PerhapsDone),
            ("no answer in time", CompleteReply::PerhapsDone),
            ("", CompleteReply::PerhapsDone),
        ] {
            let text = format!("completeMultipartUpload: {text}");
            assert_eq!(parse_complete_error(&text), reply, "{text}");
            assert_eq!(is_aborted_error(&text), reply == CompleteReply::Gone, "{text}");
        }
    }
}
