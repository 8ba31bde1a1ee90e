//! Keys of objects in the bucket: built from ids and a cleaned name, never from raw user text.
//!
//! Invariant: an [`ObjectKey`] has no empty, `.` or `..` segment and no character that needs care in a
//! URL, a header or a shell; it lies under `input/` or `output/`.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::id::JobId;

/// A key that this API may read or write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// The text is not a key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseKeyError {
    /// Not `input/...`.
    #[error("must be a key that POST /api/videos/upload-url gave, such as input/{{id}}/{{name}}.mp4")]
    NotInput,
    /// Neither `input/...` nor `output/...`.
    #[error("must lie under input/ or output/, with only letters, digits, '.', '-' and '_' in its segments")]
    Foreign,
}

impl ObjectKey {
    /// Where a client puts its video: `input/{owner}/{safe name}`.
    pub fn input(owner: JobId, filename: &str) -> Self {
        Self(format!("input/{owner}/{}", sanitize_file_name(filename)))
    }

    /// Where an attempt puts its result. One key an attempt: a zombie cannot overwrite a later result.
    pub fn output(job: JobId, attempt: u32) -> Self {
        Self(format!("output/{job}/{attempt}/video.mp4"))
    }

    /// Where an attempt puts a picture of its result, beside it.
    pub fn poster(job: JobId, attempt: u32) -> Self {
        Self(format!("output/{job}/{attempt}/poster.jpg"))
    }

    /// A key that a client names as a job's input.
    pub fn parse_input(text: &str) -> Result<Self, ParseKeyError> {
        match Self::try_from(text.to_owned()) {
            Ok(key) if key.0.starts_with("input/") => Ok(key),
            _ => Err(ParseKeyError::NotInput),
        }
    }

    /// A key that a project or clip names: an upload, or a job's result.
    pub fn parse_video(text: &str) -> Result<Self, ParseKeyError> {
        Self::try_from(text.to_owned())
    }

    /// A key that a GPU worker of this job reports as its result.
    pub fn parse_output_of(job: JobId, text: &str) -> Result<Self, ParseKeyError> {
        let key = Self::try_from(text.to_owned())?;
        if key.0.starts_with(&format!("output/{job}/")) { Ok(key) } else { Err(ParseKeyError::Foreign) }
    }

    /// Whether this is an input under the job's own prefix, which a deletion may take with it.
    pub fn is_input_of(&self, job: JobId) -> bool {
        self.0.starts_with(&format!("input/{job}/"))
    }

    /// Whether this lies in the folder of one attempt, which no other attempt writes to.
    pub fn is_of_attempt(&self, job: JobId, attempt: u32) -> bool {
        self.0.starts_with(&format!("output/{job}/{attempt}/"))
    }

    /// The job that this is a file of, when it is the result of one.
    pub fn output_of(&self) -> Option<JobId> {
        self.0.strip_prefix("output/")?.split('/').next()?.parse().ok()
    }

    /// The key as the bucket knows it.
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
        if rooted && deep_enough && text.len() <= KEY_MAX_BYTES && rest.into_iter().all(clean_segment) {
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
/// Folders are dropped, everything but ASCII letters, digits, `.`, `-` and `_` becomes `_`, and a name
/// with nothing left is `video`.
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

fn clean_segment(segment: &str) -> bool {
    !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(is_clean)
}

fn is_clean(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// S3 and R2 allow 1,024 bytes; ours are shorter by design, and logs stay readable.
const KEY_MAX_BYTES: usize = 300;
const NAME_MAX_CHARS: usize = 88;
const EXTENSION_MAX_CHARS: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn names_are_cleaned() {
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
    fn only_keys_of_ours_are_keys() {
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
    fn a_result_must_lie_under_its_own_job() {
        let job: JobId = JOB.parse().unwrap();
        let own = ObjectKey::output(job, 2);
        for key in [&own, &ObjectKey::poster(job, 2)] {
            assert!(key.is_of_attempt(job, 2) && !key.is_of_attempt(job, 1) && !key.is_of_attempt(job, 22));
        }
        assert!(ObjectKey::input(job, "a.mp4").is_input_of(job) && !own.is_input_of(job));
        assert_eq!((own.output_of(), ObjectKey::input(job, "a.mp4").output_of()), (Some(job), None));
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
        fn whatever_the_name_the_key_is_one_of_ours(name in ".{0,300}", bytes: [u8; 16]) {
            let key = ObjectKey::input(JobId::from_random(bytes), &name);
            prop_assert_eq!(ObjectKey::parse_input(key.as_str()), Ok(key));
        }
    }
}
