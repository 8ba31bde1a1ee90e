//! Uploads in parts, call by call: create, sign, confirm, list, complete, abort.
//!
//! Invariant: an upload id is a permission. It is never part of an error text or of a `Debug` output, and it
//! holds only characters that mean nothing in a path.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use reel_core::id::JobId;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error as ThisError;

use crate::api::client::Client;
use crate::api::error::{Error, Result};
use crate::api::secret::CapabilityUrl;

/// Where to put one video, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UploadTarget {
    /// Presigned; valid until `expires_at`.
    pub upload_url: CapabilityUrl,
    /// The name under which a job finds the video.
    pub video_key: String,
    /// Always `PUT` so far.
    #[serde(default)]
    pub method: Option<String>,
    /// Headers that belong to the signature.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// ISO 8601, UTC.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// What opens one upload, together with its key: whoever has both may send, list, complete and abort.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadToken(String);

/// The text is no upload id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
#[error("an upload id has only letters, digits, '.', '-' and '_'")]
pub struct ParseUploadTokenError;

impl UploadToken {
    /// The id itself; keep it out of logs and error texts.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UploadToken {
    type Error = ParseUploadTokenError;

    fn try_from(text: String) -> std::result::Result<Self, ParseUploadTokenError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let dots = text.chars().all(|c| c == '.');
        if dots || text.len() > TOKEN_MAX_BYTES || !text.chars().all(plain) {
            return Err(ParseUploadTokenError);
        }
        Ok(Self(text))
    }
}

impl FromStr for UploadToken {
    type Err = ParseUploadTokenError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseUploadTokenError> {
        text.to_owned().try_into()
    }
}

impl From<UploadToken> for String {
    fn from(id: UploadToken) -> Self {
        id.0
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadId(..)")
    }
}

/// An order for [`Client::create_upload`].
#[derive(Clone, Debug)]
pub struct CreateUpload<'a> {
    /// As the user calls the video.
    pub filename: &'a str,
    /// `video/...`.
    pub content_type: &'a str,
    /// Exact.
    pub size_bytes: u64,
    /// The job that the video is for, when there is one.
    pub job_id: Option<JobId>,
    /// Length of every part but the last, in bytes: whole MiB, at least 5; else the API chooses.
    pub part_size: Option<u64>,
}

/// An upload that was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultipartUpload {
    /// The name under which a job finds the video, once the upload is complete.
    pub video_key: String,
    /// Opens it.
    pub upload_id: UploadToken,
    /// What was promised.
    pub size_bytes: u64,
    /// Length of every part but the last, in bytes.
    pub part_size: u64,
    /// Parts are numbered from 1 to this.
    pub part_count: u32,
    /// ISO 8601, UTC: what is not complete by then is thrown away.
    #[serde(default)]
    pub expires_at: Option<String>,
}

impl MultipartUpload {
    /// Where a part lies in the file; `None` when it has no such part.
    pub fn range(&self, part_number: u32) -> Option<Range<u64>> {
        if part_number > self.part_count {
            return None;
        }
        let start = u64::from(part_number.checked_sub(1)?).checked_mul(self.part_size)?;
        let end = start.saturating_add(self.part_size).min(self.size_bytes);
        (start < end).then_some(start..end)
    }

    /// Whether the parts are all of the file and nothing else.
    pub(crate) fn is_consistent(&self) -> bool {
        self.part_size > 0 && self.size_bytes.div_ceil(self.part_size) == u64::from(self.part_count)
    }
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// Parts may come.
    Open,
    /// The video is there.
    Complete,
}

/// An upload and what has arrived of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UploadResponse {
    /// The upload.
    #[serde(flatten)]
    pub upload: MultipartUpload,
    /// Where it stands.
    pub status: UploadStatus,
    /// The parts that have arrived.
    #[serde(default)]
    pub parts: Vec<UploadedPart>,
}

impl UploadResponse {
    /// The bytes that have arrived.
    pub fn uploaded_bytes(&self) -> u64 {
        match self.status {
            UploadStatus::Complete => self.upload.size_bytes,
            UploadStatus::Open => self.parts.iter().filter_map(|part| part.size_bytes).sum(),
        }
    }
}

/// A part that has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedPart {
    /// From 1.
    pub part_number: u32,
    /// What the storage answered.
    pub etag: String,
    /// Its length; not needed to confirm a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// Where to put one part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedPart {
    /// From 1.
    pub part_number: u32,
    /// Presigned, for a PUT of exactly `size_bytes`.
    pub url: CapabilityUrl,
    /// The part's length.
    pub size_bytes: u64,
}

/// An upload that is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedUpload {
    /// The name under which a job finds the video.
    pub video_key: String,
    /// The object's length, as the storage tells it.
    pub size_bytes: u64,
    /// What the storage calls its content.
    #[serde(default)]
    pub etag: Option<String>,
}

#[derive(Deserialize)]
struct SignPartsResponse {
    parts: Vec<SignedPart>,
}

#[derive(Deserialize)]
struct ConfirmPartsResponse {
    confirmed: u32,
}

impl Client {
    /// Begins an upload in parts. Sending it again begins another; one that nobody sends is thrown away.
    pub async fn create_upload(&self, order: &CreateUpload<'_>) -> Result<MultipartUpload> {
        let mut body = json!({
            "filename": order.filename, "content_type": order.content_type, "size_bytes": order.size_bytes,
        });
        if let Some(job_id) = order.job_id {
            body["job_id"] = job_id.to_string().into();
        }
        if let Some(part_size) = order.part_size {
            body["part_size"] = part_size.into();
        }
        let upload: MultipartUpload = self.call(Method::POST, &PATH, |request| request.json(&body)).await?;
        require_consistent("POST api/videos/multipart", upload)
    }

    /// Asks what has arrived of an upload; enough to go on with it from anywhere.
    pub async fn upload_state(&self, video_key: &str, id: &UploadToken) -> Result<UploadResponse> {
        let state: UploadResponse = self.upload_call(Method::GET, video_key, id, "parts", None).await?;
        let upload = require_consistent("GET api/videos/multipart/{id}/parts", state.upload)?;
        Ok(UploadResponse { upload, ..state })
    }

    /// Asks where to put parts, 1 to 100 at a time; ask shortly before they are sent.
    pub async fn sign_parts(
        &self,
        video_key: &str,
        id: &UploadToken,
        part_numbers: &[u32],
    ) -> Result<Vec<SignedPart>> {
        let body = json!({ "part_numbers": part_numbers });
        let signed: SignPartsResponse =
            self.upload_call(Method::POST, video_key, id, "parts", Some(body)).await?;
        Ok(signed.parts)
    }

    /// Says that parts have arrived, up to 1,000 at a time; gives how many are known by now.
    pub async fn confirm_parts(
        &self,
        video_key: &str,
        id: &UploadToken,
        parts: &[UploadedPart],
    ) -> Result<u32> {
        let parts: Vec<_> =
            parts.iter().map(|part| json!({"part_number": part.part_number, "etag": part.etag})).collect();
        let body = json!({ "parts": parts });
        let confirmed: ConfirmPartsResponse =
            self.upload_call(Method::PUT, video_key, id, "parts", Some(body)).await?;
        Ok(confirmed.confirmed)
    }

    /// Makes one video of all parts. Asking again gives the same answer.
    pub async fn complete_upload(&self, video_key: &str, id: &UploadToken) -> Result<CompletedUpload> {
        self.upload_call(Method::POST, video_key, id, "complete", Some(json!({}))).await
    }

    /// Throws an upload away that is not complete, with all parts.
    pub async fn abort_upload(&self, video_key: &str, id: &UploadToken) -> Result<()> {
        let _: serde_json::Value = self.upload_call(Method::DELETE, video_key, id, "", None).await?;
        Ok(())
    }

    async fn upload_call<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        video_key: &str,
        id: &UploadToken,
        below: &str,
        body: Option<serde_json::Value>,
    ) -> Result<T> {
        let path: Vec<&str> =
            PATH.into_iter().chain([id.reveal(), below]).filter(|segment| !segment.is_empty()).collect();
        let mut url = self.url(&path)?;
        url.query_pairs_mut().append_pair("video_key", video_key);
        // Without the id, for the texts of errors.
        let shown = if below.is_empty() { String::new() } else { format!("/{below}") };
        let call = format!("{method} api/videos/multipart/{{id}}{shown}");
        let request = self.with_api_key(self.http.request(method, url));
        self.send_for_json(if let Some(body) = body { request.json(&body) } else { request }, &call).await
    }
}

fn require_consistent(call: &str, upload: MultipartUpload) -> Result<MultipartUpload> {
    if upload.is_consistent() {
        return Ok(upload);
    }
    Err(Error::UnexpectedResponse {
        call: call.to_owned(),
        reason: "the parts do not add up to the file".to_owned(),
    })
}

const PATH: [&str; 3] = ["api", "videos", "multipart"];
const TOKEN_MAX_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(size_bytes: u64, part_size: u64, part_count: u32) -> MultipartUpload {
        let upload_id = "u.m".parse().unwrap();
        MultipartUpload {
            video_key: "k".into(),
            upload_id,
            size_bytes,
            part_size,
            part_count,
            expires_at: None,
        }
    }

    #[test]
    fn the_ranges_of_all_parts_are_the_file() {
        for (size_bytes, part_size, part_count) in [(1, 5, 1), (10, 5, 2), (11, 5, 3), (14, 5, 3)] {
            let upload = upload(size_bytes, part_size, part_count);
            assert!(upload.is_consistent());
            let mut end = 0;
            for number in 1..=part_count {
                let range = upload.range(number).unwrap();
                assert_eq!(range.start, end);
                end = range.end;
            }
            assert_eq!(end, size_bytes);
            assert_eq!((upload.range(0), upload.range(part_count + 1)), (None, None));
        }
        for wrong in [upload(10, 5, 3), upload(10, 5, 1), upload(10, 0, 0), upload(10, 0, 1)] {
            assert!(!wrong.is_consistent(), "{wrong:?}");
        }
    }

    #[test]
    fn an_id_means_nothing_in_a_path_and_is_never_printed() {
        for bad in ["", ".", "..", "a/b", "../x", "a?b", "a%2fb", "a b", "ä", &"a".repeat(201)] {
            assert_eq!(bad.parse::<UploadToken>(), Err(ParseUploadTokenError), "{bad}");
        }
        let upload = upload(1, 5, 1);
        assert!(!format!("{upload:?}").contains("u.m"));
    }
}
