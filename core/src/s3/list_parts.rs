//! Reads the response to `ListParts`: the subset of XML that S3 writes.
//!
//! Unknown elements are skipped. A known element with an invalid value is an error: a part that is read
//! wrongly would be sent again or, worse, left out of the file.

use thiserror::Error;

/// One page of the parts that the storage has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartList {
    /// In the storage's order: by number.
    pub parts: Vec<StoredPart>,
    /// The marker that requests the next page, if there is one.
    pub next_marker: Option<u32>,
}

/// A part that the storage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// 1 to 10,000.
    pub part_number: u32,
    /// The `ETag` without quotes, as the completion sends it.
    pub etag: String,
    /// Size of the part.
    pub size_bytes: u64,
}

/// The text is not a list of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ListPartsError {
    /// Not XML, truncated, or another document.
    #[error("the storage's list of parts could not be read")]
    Malformed,
    /// A part without a valid number, `ETag` or size.
    #[error("the storage's list names a part without a usable number, ETag or size")]
    BadPart,
    /// More pages exist, but the marker is missing.
    #[error("the storage's list goes on without saying where")]
    NoMarker,
}

/// Reads a `ListPartsResult` (Amazon S3 API reference, `ListParts`).
pub fn parse_list_parts(xml: &str) -> Result<PartList, ListPartsError> {
    use ListPartsError::{BadPart, Malformed};
    let mut parts: Vec<StoredPart> = Vec::new();
    let (mut number, mut etag, mut size_bytes) = (None, None, None);
    let (mut truncated, mut marker, mut seen) = (false, None, false);
    let mut open: Vec<&str> = Vec::new();
    let mut text = String::new();
    let mut rest = xml;
    while let Some((before, tag)) = rest.split_once('<') {
        unescape(before, &mut text);
        if let Some(comment) = tag.strip_prefix("!--") {
            (_, rest) = comment.split_once("-->").ok_or(Malformed)?;
            continue;
        }
        if let Some(data) = tag.strip_prefix("![CDATA[") {
            let (verbatim, after) = data.split_once("]]>").ok_or(Malformed)?;
            text.push_str(verbatim);
            rest = after;
            continue;
        }
        let (tag, after) = split_tag(tag).ok_or(Malformed)?;
        rest = after;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let closes = tag.starts_with('/');
        if !closes {
            open.push(local_name(tag));
            text.clear();
        }
        if closes || tag.ends_with('/') {
            let value = text.trim();
            match open.as_slice() {
                [ROOT] => seen = true,
                [ROOT, "IsTruncated"] => truncated = value == "true",
                [ROOT, "NextPartNumberMarker"] => marker = value.parse().ok(),
                [ROOT, PART, "PartNumber"] => number = value.parse().ok(),
                [ROOT, PART, "ETag"] => etag = Some(value.trim_matches('"').to_owned()),
                [ROOT, PART, "Size"] => size_bytes = value.parse().ok(),
                [ROOT, PART] => match (number.take(), etag.take(), size_bytes.take()) {
                    (Some(part_number @ 1..=10_000), Some(etag), Some(size_bytes)) if !etag.is_empty() => {
                        parts.push(StoredPart { part_number, etag, size_bytes });
                    }
                    _ => return Err(BadPart),
                },
                _ => {}
            }
            let opened = open.pop().ok_or(Malformed)?;
            if closes && local_name(tag.trim_start_matches('/')) != opened {
                return Err(Malformed);
            }
            text.clear();
        }
    }
    if !seen || !open.is_empty() {
        return Err(Malformed);
    }
    // The marker is never before the last part of its page, so following the markers always ends.
    let last = parts.last().map(|part| part.part_number);
    let next_marker =
        if truncated { last.max(marker).ok_or(ListPartsError::NoMarker).map(Some)? } else { None };
    Ok(PartList { parts, next_marker })
}

/// The inside of a tag, and the text after it. Values of attributes may contain `>`.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// `ETag` of `s3:ETag a="b"`.
fn local_name(tag: &str) -> &str {
    let name = tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// Appends a text with its entities decoded. Unknown entities stay as they are.
fn unescape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        into.push_str(before);
        let known = after.split_once(';').and_then(|(name, behind)| Some((entity(name)?, behind)));
        let (c, behind) = known.unwrap_or(('&', after));
        into.push(c);
        rest = behind;
    }
    into.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    match name {
        "quot" => Some('"'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

const ROOT: &str = "ListPartsResult";
const PART: &str = "Part";

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use proptest::prelude::*;

    // As the Amazon S3 API reference shows it, with what real servers vary.
    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- <Part> -->
<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/" odd="a>b">
  <Bucket>videos</Bucket><Key>input/a/b.mp4</Key><UploadId>XXBsb2FkIElEIGZvci==</UploadId>
  <Initiator><ID>arn:aws:iam::111122223333:user/u</ID><Size>7</Size></Initiator>
  <StorageClass/>
  <PartNumberMarker>1</PartNumberMarker>
  <NextPartNumberMarker>3</NextPartNumberMarker>
  <MaxParts>2</MaxParts>
  <IsTruncated>true</IsTruncated>
  <Part>
    <PartNumber>2</PartNumber>
    <LastModified>2010-11-10T20:48:34.000Z</LastModified>
    <ETag>"7778aef83f66abc1fa1e8477f296d394"</ETag>
    <Size>10485760</Size>
    <Checksum><Size>1</Size></Checksum>
  </Part>
  <Part><Size>10485760</Size><ETag>&quot;aaaa18db4cc2f85cedef654fccc4a4x8&#34;</ETag><PartNumber> 3 </PartNumber></Part>
</ListPartsResult>
"#;

    fn part(part_number: u32, etag: &str, size_bytes: u64) -> StoredPart {
        StoredPart { part_number, etag: etag.to_owned(), size_bytes }
    }

    #[test]
    fn a_page_is_read() {
        let parts = vec![
            part(2, "7778aef83f66abc1fa1e8477f296d394", 10_485_760),
            part(3, "aaaa18db4cc2f85cedef654fccc4a4x8", 10_485_760),
        ];
        assert_eq!(parse_list_parts(PAGE), Ok(PartList { parts, next_marker: Some(3) }));
    }

    #[test]
    fn an_upload_without_parts_has_an_empty_list() {
        for xml in [
            "<ListPartsResult/>",
            "<ListPartsResult></ListPartsResult>",
            "<s3:ListPartsResult xmlns:s3='x'><s3:IsTruncated>false</s3:IsTruncated></s3:ListPartsResult>",
            "<ListPartsResult><NextPartNumberMarker>0</NextPartNumberMarker></ListPartsResult>",
        ] {
            assert_eq!(parse_list_parts(xml), Ok(PartList { parts: vec![], next_marker: None }), "{xml}");
        }
    }

    #[test]
    fn other_texts_are_errors() {
        use ListPartsError::{BadPart, Malformed, NoMarker};
        let inside = |xml: &str| format!("<ListPartsResult>{xml}</ListPartsResult>");
        let part = |xml: &str| inside(&format!("<Part>{xml}</Part>"));
        for (xml, error) in [
            (String::new(), Malformed),
            ("{}".to_owned(), Malformed),
            ("<Error><Code>NotImplemented</Code></Error>".to_owned(), Malformed),
            ("<html><ListPartsResult/></html>".to_owned(), Malformed),
            (PAGE.get(..PAGE.len() - 5).unwrap().to_owned(), Malformed),
            (inside("</Part>"), Malformed),
            (inside("<!-- "), Malformed),
            (inside("<IsTruncated>true</IsTruncated>"), NoMarker),
            (part("<PartNumber>1</PartNumber><Size>1</Size>"), BadPart),
            (part("<PartNumber>1</PartNumber><Size>1</Size><ETag>\"\"</ETag>"), BadPart),
            (part("<PartNumber>0</PartNumber><Size>1</Size><ETag>a</ETag>"), BadPart),
            (part("<PartNumber>10001</PartNumber><Size>1</Size><ETag>a</ETag>"), BadPart),
            (part("<PartNumber>1</PartNumber><Size>-1</Size><ETag>a</ETag>"), BadPart),
        ] {
            assert_eq!(parse_list_parts(&xml), Err(error), "{xml}");
        }
    }

    #[test]
    fn a_page_without_a_marker_continues_after_its_last_part() {
        let page = PAGE.replace("<NextPartNumberMarker>3</NextPartNumberMarker>", "");
        assert_eq!(parse_list_parts(&page).unwrap().next_marker, Some(3));
    }

    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#x22;")
    }

    proptest! {
        #[test]
        fn a_written_list_reads_back(
            list in proptest::collection::vec((1..=10_000_u32, "[!-~]{1,40}", any::<u64>()), 0..20),
            more in any::<bool>(),
            noise in "[a-z<&]{0,6}",
        ) {
            let parts: Vec<_> = list.iter().map(|(number, etag, size)| part(*number, etag.trim_matches('"'), *size)).collect();
            prop_assume!(parts.iter().all(|part| !part.etag.is_empty()));
            let mut xml = format!("<ListPartsResult><IsTruncated>{more}</IsTruncated><NextPartNumberMarker>10000</NextPartNumberMarker>");
            for part in &parts {
                let _ = write!(
                    xml,
                    "<Part><Unknown><ETag>{}</ETag></Unknown><ETag>\"{}\"</ETag><Size>{}</Size><PartNumber>{}</PartNumber></Part>",
                    escaped(&noise), escaped(&part.etag), part.size_bytes, part.part_number,
                );
            }
            xml.push_str("</ListPartsResult>");
            prop_assert_eq!(parse_list_parts(&xml), Ok(PartList { parts, next_marker: more.then_some(10_000) }));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", from in 0..PAGE.len(), to in 0..PAGE.len()) {
            let _ = parse_list_parts(&text);
            let _ = parse_list_parts(PAGE.get(from..to).unwrap_or_default());
            let _ = parse_list_parts(&format!("<ListPartsResult>{text}</ListPartsResult>"));
        }
    }
}
