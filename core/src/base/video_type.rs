//! The media type of a video that somebody uploads: from what a browser says of it, or from its name.
//!
//! Invariant: a [`VideoType`] is `video/` and a subtype in lower case, without parameters. It becomes part of a
//! signature and of a header.

use std::borrow::Cow;

/// A video's media type (RFC 9110 8.3.1), without its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoType(Cow<'static, str>);

impl VideoType {
    /// The type of an upload. `content_type` decides, unless it says nothing of a video: it is empty, the type
    /// of any bytes, or one that systems keep for the ending of the name. Then the name decides.
    pub fn of_upload(content_type: &str, filename: &str) -> Option<Self> {
        let essence = essence(content_type)?;
        if essence.is_empty() || VAGUE_TYPES.contains(&essence.as_str()) {
            return Self::of_name(filename);
        }
        let subtype = essence.strip_prefix("video/")?;
        let is_valid = (1..=60).contains(&subtype.len()) && subtype.chars().all(is_subtype_char);
        is_valid.then_some(Self(Cow::Owned(essence)))
    }

    /// The type by the ending of a file's name; `None` when videos do not end so.
    pub fn of_name(filename: &str) -> Option<Self> {
        let ending = filename.trim().rsplit_once('.')?.1.to_ascii_lowercase();
        let (_, media_type) = BY_ENDING.iter().find(|(endings, _)| endings.contains(&ending.as_str()))?;
        Some(Self(Cow::Borrowed(media_type)))
    }

    /// The type as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<VideoType> for String {
    fn from(video_type: VideoType) -> Self {
        video_type.0.into_owned()
    }
}

/// Type and subtype in lower case; `None` when what follows them are no parameters.
fn essence(content_type: &str) -> Option<String> {
    let (essence, mut rest) = match content_type.find(';') {
        Some(end) => content_type.split_at(end),
        None => (content_type, ""),
    };
    while let Some(parameter) = rest.trim_start_matches(OWS).strip_prefix(';') {
        rest = after_parameter(parameter.trim_start_matches(OWS))?;
    }
    rest.trim_matches(OWS).is_empty().then(|| essence.trim().to_ascii_lowercase())
}

/// What follows one parameter. An empty one is allowed (RFC 9110 5.6.6). A value without quotes may also have
/// commas and spaces: `codecs=vp8,opus` is what `MediaRecorder` says.
fn after_parameter(text: &str) -> Option<&str> {
    if text.is_empty() || text.starts_with(';') {
        return Some(text);
    }
    let (name, value) = text.split_once('=')?;
    if name.is_empty() || !name.chars().all(is_token_char) {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(';').unwrap_or(value.len());
        let (plain, rest) = value.split_at(end);
        let is_plain = |c: char| (c == ' ' || c.is_ascii_graphic()) && c != '"';
        return (!plain.trim().is_empty() && plain.chars().all(is_plain)).then_some(rest);
    };
    let mut escaped = false;
    for (index, c) in quoted.char_indices() {
        match c {
            c if c.is_control() && c != '\t' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return quoted.get(index + 1..),
            _ => {}
        }
    }
    None
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn is_subtype_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')
}

const OWS: [char; 2] = [' ', '\t'];

/// What browsers and systems say of videos that they do not know: bytes, a container that may hold sound only,
/// and what else ends in `.ts` or `.mts`.
const VAGUE_TYPES: [&str; 10] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/mp4",
    "application/mxf",
    "application/ogg",
    "application/x-matroska",
    "application/typescript",
    "text/typescript",
    "text/vnd.trolltech.linguist",
    "model/vnd.mts",
];

/// Endings of the containers that are read, with what cameras call them.
const BY_ENDING: [(&[&str], &str); 13] = [
    (&["mp4", "m4v", "mp4v", "f4v", "lrv", "lrf", "insv", "360"], "video/mp4"),
    (&["mov", "qt"], "video/quicktime"),
    (&["mkv", "mk3d"], "video/x-matroska"),
    (&["webm"], "video/webm"),
    (&["avi", "divx"], "video/x-msvideo"),
    (&["ts", "mts", "m2ts", "m2t", "tts", "trp"], "video/mp2t"),
    (&["mpg", "mpeg", "mpe", "m2v", "m2p", "vob", "mod", "tod", "ps"], "video/mpeg"),
    (&["3gp", "3gpp"], "video/3gpp"),
    (&["3g2", "3gp2"], "video/3gpp2"),
    (&["ogv", "ogm", "ogg"], "video/ogg"),
    (&["wmv", "asf"], "video/x-ms-wmv"),
    (&["flv"], "video/x-flv"),
    (&["mxf"], "video/mxf"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(content_type: &str, filename: &str) -> Option<String> {
        VideoType::of_upload(content_type, filename).map(String::from)
    }

    #[test]
    fn parameters_are_dropped() {
        for (said, kept) in [
            ("video/mp4", "video/mp4"),
            (" Video/MP4 ", "video/mp4"),
            ("video/webm;codecs=vp8,opus", "video/webm"),
            ("video/mp4; codecs=\"avc1\"", "video/mp4"),
            ("video/mp4; codecs=\"avc1.42E01E, mp4a.40.2\"; profiles=isom", "video/mp4"),
            ("video/x-matroska;codecs=avc1", "video/x-matroska"),
            ("video/x-matroska;codecs=avc1,opus", "video/x-matroska"),
            ("video/mp4; codecs=avc1.42E01E, mp4a.40.2", "video/mp4"),
            ("video/mp4 ;a=\"x;y\\\"z\" ; ;b=1;", "video/mp4"),
        ] {
            assert_eq!(of(said, "recording").as_deref(), Some(kept), "{said:?}");
        }
    }

    #[test]
    fn what_is_no_media_type_of_a_video_is_refused_whatever_the_name() {
        for said in [
            "image/png",
            "text/html",
            "audio/mp4",
            "video",
            "video/",
            "video/a b",
            "video/mp4\r\nx: y",
            "video/mp4;\r\nx=y",
            "video/mp4; codecs",
            "video/mp4; =x",
            "video/mp4; a=",
            "video/mp4; codecs=\"avc1",
            "video/mp4; codecs=\"avc1\"x",
            "video/mp4, video/webm",
            "video/\u{e9}",
        ] {
            assert_eq!(of(said, "clip.mp4"), None, "{said:?}");
        }
    }

    #[test]
    fn without_a_type_the_name_decides() {
        for (name, expected) in [
            ("clip.mp4", "video/mp4"),
            ("GOPR0042.MP4", "video/mp4"),
            ("clip.mkv", "video/x-matroska"),
            ("00017.MTS", "video/mp2t"),
            ("a.b.mov", "video/quicktime"),
            ("clip.webm", "video/webm"),
            ("clip.avi", "video/x-msvideo"),
            ("clip.m4v", "video/mp4"),
            ("clip.3gp", "video/3gpp"),
            ("clip.ts", "video/mp2t"),
            ("clip.mpg", "video/mpeg"),
            ("clip.mp4 ", "video/mp4"),
        ] {
            for said in
                ["", " ", "application/octet-stream", "Application/Octet-Stream; x=y", "binary/octet-stream"]
            {
                assert_eq!(of(said, name).as_deref(), Some(expected), "{name} {said:?}");
            }
        }
        assert_eq!(of("text/vnd.trolltech.linguist", "match.ts").as_deref(), Some("video/mp2t"));
        for name in ["notes.txt", "clip", "mp4", "clip.mp4.exe", "clip.", ""] {
            assert_eq!(of("", name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_a_plain_video_type(said in "video/[a-z]{1,4}.{0,30}|.{0,40}", name in ".{0,12}") {
            if let Some(kept) = of(&said, &name) {
                prop_assert!(kept.starts_with("video/") && kept.len() > 6, "{}", kept);
                prop_assert!(kept.chars().all(|c| c == '/' || is_subtype_char(c)), "{}", kept);
                prop_assert_eq!(of(&kept, ""), Some(kept.clone()), "it is its own type");
            }
        }
    }
}
