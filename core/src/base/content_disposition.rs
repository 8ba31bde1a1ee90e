//! The `content-disposition` header (RFC 6266), for downloads of ours and for presigned URLs.

use crate::base::percent;

/// What a browser does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispositionType {
    /// Saves it among the downloads.
    Attachment,
    /// Shows it in the page: a `<video>` plays it.
    Inline,
}

/// The value of `content-disposition`, ASCII only: the name in ASCII for every client and, when that
/// differs from the name, as UTF-8 (RFC 8187).
pub fn content_disposition(disposition_type: DispositionType, name: &str) -> String {
    let disposition_type = match disposition_type {
        DispositionType::Attachment => "attachment",
        DispositionType::Inline => "inline",
    };
    // Some browsers decode percents in the plain form, too.
    let plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%');
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut header = format!("{disposition_type}; filename=\"{ascii}\"");
    if ascii != name {
        header.push_str("; filename*=UTF-8''");
        percent::encode(name, false, &mut header);
    }
    header
}
