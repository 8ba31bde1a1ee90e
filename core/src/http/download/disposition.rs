//! The name, the media type and the caching of a served file. They are safe, whatever the uploader sent.

use crate::base::content_disposition::{DispositionType, content_disposition};
use crate::base::object_key::ObjectKey;

/// `content-disposition` (RFC 6266).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// Save it, or show it in the page.
    pub disposition_type: DispositionType,
    /// A sanitized name.
    name: String,
}

impl Disposition {
    /// For a stored file, under its own name or a requested one.
    ///
    /// A requested name loses its folders and invisible characters (controls, marks that change the text
    /// direction). Without an extension it gets the one of the file.
    pub fn new(disposition_type: DispositionType, key: &ObjectKey, requested_name: Option<&str>) -> Self {
        let file_name = default_name(key);
        let name = match requested_name.map(sanitize).filter(|name| !name.is_empty()) {
            None => file_name,
            Some(name) if name.contains('.') => name,
            Some(name) => match file_name.rsplit_once('.') {
                Some((_, extension)) => format!("{name}.{extension}"),
                None => name,
            },
        };
        Self { disposition_type, name }
    }

    /// The value of the header.
    pub fn header(&self) -> String {
        content_disposition(self.disposition_type, &self.name)
    }
}

/// The media type of the response: what we take keeps its type, anything else is sent as bytes. So no
/// upload can run as a page of this origin, such as `video/x+xml`.
pub fn served_type(stored: Option<&str>) -> &'static str {
    let essence = stored.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    SERVED_TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(essence)).unwrap_or(BYTES)
}

/// How a file of this media type may be shown: only what plays or is a picture, in the page; the rest is
/// saved, whatever was asked for.
pub fn disposition_of(served_type: &str, requested: DispositionType) -> DispositionType {
    if served_type == BYTES { DispositionType::Attachment } else { requested }
}

/// The value of `cache-control`, for the client's own cache only. A job's output never changes, so a player
/// requests each range once, for as long as its URL is valid. An upload may be replaced, so the cache must
/// ask again.
pub fn cache_control(key: &ObjectKey) -> &'static str {
    if key.output_of().is_some() { "private, max-age=3600" } else { "private, no-cache" }
}

/// The file name of an upload; for a job's output, its id and the file name, since all are `video.mp4`.
fn default_name(key: &ObjectKey) -> String {
    let last = key.as_str().rsplit('/').next().unwrap_or_default();
    match key.output_of() {
        Some(job) => format!("{job}-{last}"),
        None => last.to_owned(),
    }
}

fn sanitize(requested_name: &str) -> String {
    let base = requested_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_visible = |c: &char| !c.is_control() && !INVISIBLE.iter().any(|range| range.contains(c));
    let name: String = base.chars().filter(is_visible).take(NAME_MAX_CHARS).collect();
    name.trim_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

/// What browsers play or show, and nothing that holds a script.
const SERVED_TYPES: [&str; 14] = [
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-m4v",
    "video/x-msvideo",
    "video/mpeg",
    "video/mp2t",
    "video/3gpp",
    "video/3gpp2",
    "video/ogg",
    "image/jpeg",
    "image/png",
    "image/webp",
];
const BYTES: &str = "application/octet-stream";
const NAME_MAX_CHARS: usize = 120;
/// Invisible characters: joiners, direction marks and overrides, line separators.
const INVISIBLE: [std::ops::RangeInclusive<char>; 4] =
    ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}', '\u{feff}'..='\u{feff}'];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input() -> ObjectKey {
        ObjectKey::parse_input("input/abc/clip.mov").unwrap()
    }

    #[test]
    fn a_requested_name_is_sanitized() {
        for (requested_name, header) in [
            (None, r#"attachment; filename="clip.mov""#),
            (Some(""), r#"attachment; filename="clip.mov""#),
            (Some(".."), r#"attachment; filename="clip.mov""#),
            (Some("Cup final.mp4"), r#"attachment; filename="Cup final.mp4""#),
            (Some("Cup final"), r#"attachment; filename="Cup final.mov""#),
            (Some("../../etc/passwd.mp4"), r#"attachment; filename="passwd.mp4""#),
            (Some("C:\\goals\\1.mp4"), r#"attachment; filename="1.mp4""#),
            (Some("50%.mp4"), r#"attachment; filename="50_.mp4"; filename*=UTF-8''50%25.mp4"#),
            (Some("a\"b;c.mp4"), r#"attachment; filename="a_b;c.mp4"; filename*=UTF-8''a%22b%3Bc.mp4"#),
            (Some("a\r\nSet-Cookie: x.mp4"), r#"attachment; filename="aSet-Cookie: x.mp4""#),
            (Some("a\u{202e}4pm.exe"), r#"attachment; filename="a4pm.exe""#),
            (
                Some("Ліга.mp4"),
                r#"attachment; filename="____.mp4"; filename*=UTF-8''%D0%9B%D1%96%D0%B3%D0%B0.mp4"#,
            ),
            (Some("⚽.mp4"), r#"attachment; filename="_.mp4"; filename*=UTF-8''%E2%9A%BD.mp4"#),
        ] {
            assert_eq!(
                Disposition::new(DispositionType::Attachment, &input(), requested_name).header(),
                header,
                "{requested_name:?}"
            );
        }
    }

    #[test]
    fn names_are_written_for_old_and_new_browsers() {
        for (name, header) in [
            ("reel.mp4", r#"attachment; filename="reel.mp4""#),
            ("My reel.mp4", r#"attachment; filename="My reel.mp4""#),
            ("\"a\\b\".mp4", r#"attachment; filename="_a_b_.mp4"; filename*=UTF-8''%22a%5Cb%22.mp4"#),
            ("100%25.mp4", r#"attachment; filename="100_25.mp4"; filename*=UTF-8''100%2525.mp4"#),
            ("a\r\nb.mp4", r#"attachment; filename="a__b.mp4"; filename*=UTF-8''a%0D%0Ab.mp4"#),
            (
                "Jürgen's гол.mp4",
                r#"attachment; filename="J_rgen's ___.mp4"; filename*=UTF-8''J%C3%BCrgen%27s%20%D0%B3%D0%BE%D0%BB.mp4"#,
            ),
        ] {
            assert_eq!(content_disposition(DispositionType::Attachment, name), header, "{name:?}");
        }
    }

    #[test]
    fn an_output_is_named_after_its_job() {
        let job = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().unwrap();
        let key = ObjectKey::output(job, 2);
        assert_eq!(
            (cache_control(&key), cache_control(&input())),
            ("private, max-age=3600", "private, no-cache")
        );
        let header = Disposition::new(DispositionType::Inline, &key, None).header();
        assert_eq!(header, r#"inline; filename="3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50-video.mp4""#);
    }

    #[test]
    fn only_media_that_we_take_keep_their_type() {
        for (stored, served) in [
            (Some("video/mp4"), "video/mp4"),
            (Some("video/quicktime; charset=x"), "video/quicktime"),
            (Some("image/jpeg"), "image/jpeg"),
            (Some("VIDEO/WebM "), "video/webm"),
            (Some("image/svg+xml"), "application/octet-stream"),
            (Some("video/x+xml"), "application/octet-stream"),
            (Some("video/svg+xml"), "application/octet-stream"),
            (Some("audio/mp4"), "application/octet-stream"),
            (Some("text/html"), "application/octet-stream"),
            (Some("video/"), "application/octet-stream"),
            (Some("video/a b"), "application/octet-stream"),
            (None, "application/octet-stream"),
        ] {
            assert_eq!(served_type(stored), served, "{stored:?}");
        }
    }

    #[test]
    fn what_is_no_media_is_saved_even_if_a_page_asks_to_show_it() {
        let shown = |stored| disposition_of(served_type(Some(stored)), DispositionType::Inline);
        assert_eq!(shown("video/mp4"), DispositionType::Inline);
        assert_eq!(shown("image/jpeg"), DispositionType::Inline);
        for stored in ["video/x+xml", "text/html", "image/svg+xml", "application/pdf"] {
            assert_eq!(shown(stored), DispositionType::Attachment, "{stored}");
        }
        assert_eq!(disposition_of("video/mp4", DispositionType::Attachment), DispositionType::Attachment);
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_header(requested_name in "\\PC{0,40}|.{0,200}") {
            let header = Disposition::new(DispositionType::Attachment, &input(), Some(&requested_name)).header();
            prop_assert!(header.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{}", header);
            prop_assert_eq!(header.matches('"').count(), 2);
            prop_assert!(!header.contains('\\') && !header.contains('/'));
        }
    }
}
