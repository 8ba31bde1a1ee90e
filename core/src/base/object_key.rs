//! Keys of objects in the bucket: built from ids and a cleaned name, never from raw user text.
//!
//! Invariant: an [`ObjectKey`] starts with `input/` or `output/`. It has no empty, `.` or `..` segment and
//! no character that must be escaped in a URL, a header or a shell.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::id::JobId;
use crate::base::owner::OwnerId;
use crate::base::rendition_name::RenditionName;

/// A key that this API may read or write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// The text is not a key of this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseKeyError {
    /// Not `input/...`.
    #[error("must be a video_key returned by POST /api/videos/upload-url, such as input/{{id}}/{{name}}.mp4")]
    NotInput,
    /// Neither `input/...` nor `output/...`.
    #[error(
        "must start with input/ or output/ and contain only letters, digits, '.', '-' and '_' between the slashes"
    )]
    Foreign,
}

/// What [`is_clean_segment`] takes, after a slash, as a regular expression.
macro_rules! segments_pattern {
    () => {
        r"(/(\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\.\.[A-Za-z0-9._-]+)){2,}$"
    };
}

impl ObjectKey {
    /// What [`ObjectKey::parse_video`] takes, as JSON Schema has it.
    pub(crate) const PATTERN: &str = concat!("^(input|output)", segments_pattern!());

    /// What [`ObjectKey::parse_input`] takes.
    pub(crate) const INPUT_PATTERN: &str = concat!("^input", segments_pattern!());

    /// The key of an upload: `input/{id}/{safe name}`, and `input/{owner}/{id}/{safe name}` when an end user
    /// owns it.
    pub fn input(owner: Option<OwnerId>, id: JobId, filename: &str) -> Self {
        let name = sanitize_file_name(filename);
        match owner {
            Some(owner) => Self(format!("input/{owner}/{id}/{name}")),
            None => Self(format!("input/{id}/{name}")),
        }
    }

    /// The end user who owns an input, if one does.
    pub fn input_owner(&self) -> Option<OwnerId> {
        let mut segments = self.0.strip_prefix("input/")?.split('/');
        let (owner, id) = (segments.next()?.parse().ok()?, segments.next()?);
        (id.parse::<JobId>().is_ok() && segments.next().is_some()).then_some(owner)
    }

    /// The key of an attempt's output. Each attempt has its own key, so a worker that was given up cannot
    /// overwrite a later result.
    pub fn output(job: JobId, attempt: u32) -> Self {
        Self(format!("output/{job}/{attempt}/video.mp4"))
    }

    /// The key of an attempt's poster, next to its output.
    pub fn poster(job: JobId, attempt: u32) -> Self {
        Self(format!("output/{job}/{attempt}/poster.jpg"))
    }

    /// The key of one of an attempt's further outputs.
    pub fn rendition(job: JobId, attempt: u32, name: &RenditionName) -> Self {
        Self(format!("output/{job}/{attempt}/{name}/video.mp4"))
    }

    /// The key of the poster of one of an attempt's further outputs.
    pub fn rendition_poster(job: JobId, attempt: u32, name: &RenditionName) -> Self {
        Self(format!("output/{job}/{attempt}/{name}/poster.jpg"))
    }

    /// The key of the sheet of small pictures of an attempt's output.
    pub fn filmstrip(job: JobId, attempt: u32) -> Self {
        Self(format!("output/{job}/{attempt}/filmstrip.jpg"))
    }

    /// Parses the input key of a job.
    pub fn parse_input(text: &str) -> Result<Self, ParseKeyError> {
        match Self::try_from(text.to_owned()) {
            Ok(key) if key.0.starts_with("input/") => Ok(key),
            _ => Err(ParseKeyError::NotInput),
        }
    }

    /// Parses the video key of a project or clip: an upload, or a job's output.
    pub fn parse_video(text: &str) -> Result<Self, ParseKeyError> {
        Self::try_from(text.to_owned())
    }

    /// Parses a key that a GPU worker reports as the output of this job.
    pub fn parse_output_of(job: JobId, text: &str) -> Result<Self, ParseKeyError> {
        let key = Self::try_from(text.to_owned())?;
        if key.0.starts_with(&format!("output/{job}/")) { Ok(key) } else { Err(ParseKeyError::Foreign) }
    }

    /// Whether this is an input under the job's own prefix. Deleting the job deletes it as well.
    pub fn is_input_of(&self, job: JobId) -> bool {
        let Some(rest) = self.0.strip_prefix("input/") else { return false };
        let below_owner = self.input_owner().and_then(|_| rest.split_once('/')).map(|(_, below)| below);
        below_owner.unwrap_or(rest).starts_with(&format!("{job}/"))
    }

    /// Whether this is in the folder of one attempt. No other attempt writes there.
    pub fn is_of_attempt(&self, job: JobId, attempt: u32) -> bool {
        self.0.starts_with(&format!("output/{job}/{attempt}/"))
    }

    /// The job that this is an output of, if it is one.
    pub fn output_of(&self) -> Option<JobId> {
        self.0.strip_prefix("output/")?.split('/').next()?.parse().ok()
    }

    /// The key as it is used in the bucket.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = ParseKeyError;

    fn try_from(text: String) -> Result<Self, ParseKeyError> {
        let mut segments = text.split('/');
        let rooted = matches!(segments.next(), Some("input" | "output"));
        let rest = text.split('/').skip(1);
        let deep_enough = rest.clone().count() >= 2;
        if rooted && deep_enough && text.len() <= KEY_MAX_BYTES && rest.into_iter().all(is_clean_segment) {
            Ok(Self(text))
        } else {
            Err(ParseKeyError::Foreign)
        }
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl AsRef<str> for ObjectKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file name of at most 100 characters that is safe in keys, URLs and headers.
///
/// Folders are dropped, everything but ASCII letters, digits, `.`, `-` and `_` becomes `_`, and an
/// empty result becomes `video`.
pub fn sanitize_file_name(filename: &str) -> String {
    let base = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = base.chars().map(|c| if is_clean(c) { c } else { '_' }).collect();
    let (stem, extension) = cleaned.rsplit_once('.').unwrap_or((&cleaned, ""));
    let stem: String = stem.trim_matches(['.', '_', '-']).chars().take(NAME_MAX_CHARS).collect();
    let extension = extension.trim_matches(['.', '_', '-']);
    let extension: String = extension.chars().take(EXTENSION_MAX_CHARS).collect();
    let stem = if stem.is_empty() { "video" } else { &stem };
    if extension.is_empty() { stem.to_owned() } else { format!("{stem}.{extension}") }
}

fn is_clean_segment(segment: &str) -> bool {
    !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(is_clean)
}

fn is_clean(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// S3 and R2 allow 1,024 bytes. Shorter keys keep logs readable.
pub(crate) const KEY_MAX_BYTES: usize = 300;
const NAME_MAX_CHARS: usize = 88;
const EXTENSION_MAX_CHARS: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn file_names_are_sanitized() {
        for (raw, safe) in [
            ("clip.mp4", "clip.mp4"),
            ("My Clip (1).MOV", "My_Clip__1.MOV"),
            ("../../etc/passwd", "passwd"),
            ("C:\\games\\final.mp4", "final.mp4"),
            ("..", "video"),
            (".mp4", "video.mp4"),
            ("видео.mp4", "video.mp4"),
            ("a\u{202e}4pm.exe", "a_4pm.exe"),
            ("a\r\nSet-Cookie: x.mp4", "a__Set-Cookie__x.mp4"),
            ("", "video"),
        ] {
            assert_eq!(sanitize_file_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn other_keys_are_rejected() {
        for good in ["input/abc/working_video.mp4", "input/3f2b/a.b-c_d.mov"] {
            assert!(ObjectKey::parse_input(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "input",
            "input/a",
            "input//a.mp4",
            "input/a/",
            "input/../output/x.mp4",
            "input/a/./b",
            "output/a/b.mp4",
            "temp/a/b",
            "/input/a/b",
            "input/a/b c.mp4",
            "input/a/%2e%2e",
            "input/a/ü.mp4",
            "Input/a/b.mp4",
        ] {
            assert_eq!(ObjectKey::parse_input(bad), Err(ParseKeyError::NotInput), "{bad}");
        }
    }

    #[test]
    fn only_a_key_of_the_whole_form_has_an_owner() {
        let key = |text: &str| ObjectKey::parse_video(text).unwrap();
        let owner = "00ff0a1b2c3d4e5f";
        assert!(key(&format!("input/{owner}/{JOB}/a.mp4")).input_owner().is_some());
        for foreign in [
            format!("input/{owner}/a.mp4"),
            format!("input/{owner}/x/a.mp4"),
            format!("input/{owner}/{JOB}"),
            format!("input/{JOB}/a.mp4"),
            format!("input/{}/{JOB}/a.mp4", owner.to_uppercase()),
            format!("output/{owner}/{JOB}/a.mp4"),
        ] {
            assert_eq!(key(&foreign).input_owner(), None, "{foreign}");
        }
    }

    #[test]
    fn an_output_must_start_with_its_own_job() {
        let job: JobId = JOB.parse().unwrap();
        let own = ObjectKey::output(job, 2);
        for key in [&own, &ObjectKey::poster(job, 2)] {
            assert!(key.is_of_attempt(job, 2) && !key.is_of_attempt(job, 1) && !key.is_of_attempt(job, 22));
        }
        let input = ObjectKey::input(None, job, "a.mp4");
        assert!(input.is_input_of(job) && !own.is_input_of(job));
        assert_eq!((own.output_of(), input.output_of()), (Some(job), None));
        assert_eq!(ObjectKey::parse_output_of(job, own.as_str()), Ok(own));
        assert!(ObjectKey::parse_output_of(job, &format!("output/{JOB}/video.mp4")).is_ok());
        for bad in
            [format!("output/{JOB}x/video.mp4"), format!("output/{JOB}/../x/y"), format!("input/{JOB}/v.mp4")]
        {
            assert_eq!(ObjectKey::parse_output_of(job, &bad), Err(ParseKeyError::Foreign), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_file_name_gives_a_valid_key(name in ".{0,300}", bytes: [u8; 16], owner: Option<[u8; 8]>) {
            let (owner, id) = (owner.map(OwnerId::new), JobId::from_random(bytes));
            let key = ObjectKey::input(owner, id, &name);
            prop_assert_eq!(key.input_owner(), owner);
            prop_assert!(key.is_input_of(id));
            prop_assert_eq!(ObjectKey::parse_input(key.as_str()), Ok(key));
        }
    }
}
