//! The calls about uploads: a URL for one request, and create, sign, confirm, list, complete and abort for an upload
//! in parts.
//!
//! Invariant: an upload token is a permission. It is never part of a URL, of an error text or of a `Debug` output. It
//! holds only characters that a header takes.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use reel_core::base::id::JobId;
use reel_core::base::percent;
use reel_core::http::access::UPLOAD_IN_HEADERS;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error as ThisError;

use super::capability_url::CapabilityUrl;
use super::client::Client;
use super::error::Error;

/// Where to send a video in one request.
#[derive(Clone, Debug, Deserialize)]
pub struct UploadTarget {
    /// Presigned, for a PUT.
    pub upload_url: CapabilityUrl,
    /// The key under which a job finds the video.
    pub video_key: String,
    /// The headers that were signed.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// The API's `upload_id`: the id of an upload and its signature in one text. Together with the key of the video it
/// permits to send, list, complete and abort. The core's `UploadId` is the id alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadToken(String);

/// The text cannot be an upload token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
#[error("an upload id may contain only letters, digits, '.', '-' and '_'")]
pub struct ParseUploadTokenError;

impl UploadToken {
    /// The token itself; keep it out of logs and error texts.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UploadToken {
    type Error = ParseUploadTokenError;

    fn try_from(text: String) -> Result<Self, ParseUploadTokenError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let only_dots = text.chars().all(|c| c == '.');
        if only_dots || text.len() > TOKEN_MAX_BYTES || !text.chars().all(allowed) {
            return Err(ParseUploadTokenError);
        }
        Ok(Self(text))
    }
}

impl FromStr for UploadToken {
    type Err = ParseUploadTokenError;

    fn from_str(text: &str) -> Result<Self, ParseUploadTokenError> {
        text.to_owned().try_into()
    }
}

impl From<UploadToken> for String {
    fn from(token: UploadToken) -> Self {
        token.0
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken(..)")
    }
}

/// The request that creates an upload in parts.
#[derive(Clone, Debug, Serialize)]
pub struct CreateUpload<'a> {
    /// The name of the video file.
    pub filename: &'a str,
    /// `video/...`.
    pub content_type: &'a str,
    /// The exact size of the file.
    pub size_bytes: u64,
    /// The job that the video is for, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Length of every part but the last, in bytes: whole MiB, at least 5. By default the API chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
}

/// An upload in parts. The resume file of `reel` stores this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultipartUpload {
    /// The key under which a job finds the video, once the upload is complete.
    pub video_key: String,
    /// The permission to use the upload.
    pub upload_id: UploadToken,
    /// The size of the file.
    pub size_bytes: u64,
    /// Length of every part but the last, in bytes.
    pub part_size: u64,
    /// Parts are numbered from 1 to this.
    pub part_count: u32,
    /// ISO 8601, UTC: an upload that is not complete by then is deleted.
    pub expires_at: Option<String>,
}

impl MultipartUpload {
    /// The bytes of the file that a part holds; `None` if there is no such part.
    pub fn range(&self, part_number: u32) -> Option<Range<u64>> {
        if part_number > self.part_count {
            return None;
        }
        let start = u64::from(part_number.checked_sub(1)?).checked_mul(self.part_size)?;
        let end = start.saturating_add(self.part_size).min(self.size_bytes);
        (start < end).then_some(start..end)
    }

    /// Whether the parts together are exactly the file.
    fn is_consistent(&self) -> bool {
        self.part_size > 0 && self.size_bytes.div_ceil(self.part_size) == u64::from(self.part_count)
    }
}

/// Whether an upload is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// Parts are missing, or it was not completed yet.
    Open,
    /// The video is in the bucket.
    Complete,
}

/// An upload and the parts of it that the storage has.
#[derive(Clone, Debug, Deserialize)]
pub struct UploadResponse {
    /// The upload.
    #[serde(flatten)]
    pub upload: MultipartUpload,
    /// Whether it is complete.
    pub status: UploadStatus,
    /// The parts that the storage has.
    #[serde(default)]
    pub parts: Vec<UploadedPart>,
}

impl UploadResponse {
    /// How many bytes the storage has.
    pub fn uploaded_bytes(&self) -> u64 {
        match self.status {
            UploadStatus::Complete => self.upload.size_bytes,
            UploadStatus::Open => self.parts.iter().filter_map(|part| part.size_bytes).sum(),
        }
    }
}

/// A part that the storage has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UploadedPart {
    /// From 1.
    pub part_number: u32,
    /// The entity tag that the storage returned.
    pub etag: String,
    /// Its length; not needed to confirm a part.
    pub size_bytes: Option<u64>,
}

/// Where to send one part.
#[derive(Clone, Debug, Deserialize)]
pub struct SignedPart {
    /// From 1.
    pub part_number: u32,
    /// Presigned, for a PUT of exactly `size_bytes`.
    pub url: CapabilityUrl,
    /// The part's length.
    pub size_bytes: u64,
}

/// An upload that was completed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CompletedUpload {
    /// The key under which a job finds the video.
    pub video_key: String,
    /// The size of the object in the storage.
    pub size_bytes: u64,
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
    /// Asks for a URL to send a video to in one request. If `size_bytes` is given it is signed, and the video must
    /// have exactly this size.
    pub async fn upload_url(
        &self,
        filename: &str,
        content_type: &str,
        size_bytes: Option<u64>,
        job_id: Option<JobId>,
    ) -> Result<UploadTarget, Error> {
        let mut body = json!({"filename": filename, "content_type": content_type});
        if let Some(size_bytes) = size_bytes {
            body["size_bytes"] = size_bytes.into();
        }
        if let Some(job_id) = job_id {
            body["job_id"] = job_id.to_string().into();
        }
        self.call(Method::POST, &["api", "videos", "upload-url"], |request| request.json(&body)).await
    }

    /// Creates an upload in parts. Sending the request again creates another; one that is not used expires.
    pub async fn create_upload(&self, request: &CreateUpload<'_>) -> Result<MultipartUpload, Error> {
        let upload = self.call(Method::POST, &PATH, |http| http.json(request)).await?;
        require_consistent("POST api/videos/multipart", upload)
    }

    /// Which parts of an upload the storage has: all that is needed to resume it, on any machine.
    pub async fn upload_state(&self, video_key: &str, token: &UploadToken) -> Result<UploadResponse, Error> {
        let state: UploadResponse = self.upload_call(Method::GET, video_key, token, "parts", None).await?;
        let upload = require_consistent("GET api/videos/multipart/{id}/parts", state.upload)?;
        Ok(UploadResponse { upload, ..state })
    }

    /// Presigned URLs for up to 100 parts. They expire, so ask shortly before the parts are sent.
    pub async fn sign_parts(
        &self,
        video_key: &str,
        token: &UploadToken,
        part_numbers: &[u32],
    ) -> Result<Vec<SignedPart>, Error> {
        let body = json!({ "part_numbers": part_numbers });
        let signed: SignPartsResponse =
            self.upload_call(Method::POST, video_key, token, "parts", Some(body)).await?;
        Ok(signed.parts)
    }

    /// Reports that the storage has these parts, up to 1,000 at a time. Returns how many it has in all.
    pub async fn confirm_parts(
        &self,
        video_key: &str,
        token: &UploadToken,
        parts: &[UploadedPart],
    ) -> Result<u32, Error> {
        let parts: Vec<_> =
            parts.iter().map(|part| json!({"part_number": part.part_number, "etag": part.etag})).collect();
        let body = json!({ "parts": parts });
        let response: ConfirmPartsResponse =
            self.upload_call(Method::PUT, video_key, token, "parts", Some(body)).await?;
        Ok(response.confirmed)
    }

    /// Joins the parts to one video. Sending the request again returns the same response.
    pub async fn complete_upload(
        &self,
        video_key: &str,
        token: &UploadToken,
    ) -> Result<CompletedUpload, Error> {
        self.upload_call(Method::POST, video_key, token, "complete", Some(json!({}))).await
    }

    /// Deletes an upload that is not complete, with its parts.
    pub async fn abort_upload(&self, video_key: &str, token: &UploadToken) -> Result<(), Error> {
        let _: Value = self.upload_call(Method::DELETE, video_key, token, "", None).await?;
        Ok(())
    }

    async fn upload_call<T: DeserializeOwned>(
        &self,
        method: Method,
        video_key: &str,
        token: &UploadToken,
        action: &str,
        body: Option<Value>,
    ) -> Result<T, Error> {
        let path: Vec<&str> = PATH
            .into_iter()
            .chain([UPLOAD_IN_HEADERS, action])
            .filter(|segment| !segment.is_empty())
            .collect();
        let call = format!("{method} api/videos/multipart/{{id}}/{action}");
        let headers = capability_headers(video_key, token)
            .map_err(|error| Error::UnexpectedResponse { call: call.clone(), reason: error.to_string() })?;
        let request = self.with_api_key(self.http.request(method, self.url(&path)?)).headers(headers);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send_for_json(request, call.trim_end_matches('/')).await
    }
}

/// The token and the key of an upload: URLs end in logs and traces, headers do not.
fn capability_headers(video_key: &str, token: &UploadToken) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut encoded_key = String::new();
    percent::encode(video_key, true, &mut encoded_key);
    let mut headers = HeaderMap::new();
    for (name, value) in [(UPLOAD_TOKEN, token.reveal()), (VIDEO_KEY, &encoded_key)] {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn require_consistent(call: &str, upload: MultipartUpload) -> Result<MultipartUpload, Error> {
    if upload.is_consistent() {
        return Ok(upload);
    }
    let reason = "the parts do not add up to the size of the file".to_owned();
    Err(Error::UnexpectedResponse { call: call.to_owned(), reason })
}

const PATH: [&str; 3] = ["api", "videos", "multipart"];
const UPLOAD_TOKEN: HeaderName = HeaderName::from_static("upload-token");
/// Percent-encoded, since a key may hold any letter.
const VIDEO_KEY: HeaderName = HeaderName::from_static("video-key");
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
    fn token_and_key_go_into_headers_that_are_never_printed() {
        let headers = capability_headers("input/a/Finale Köln+1.mp4", &"u.m-a_c".parse().unwrap()).unwrap();
        assert_eq!(headers["upload-token"], "u.m-a_c");
        assert_eq!(headers["video-key"], "input/a/Finale%20K%C3%B6ln%2B1.mp4");
        assert_eq!(format!("{headers:?}").matches("Sensitive").count(), 2, "{headers:?}");
    }

    #[test]
    fn a_token_means_nothing_in_a_header_and_is_never_printed() {
        for wrong in ["", ".", "..", "a/b", "../x", "a?b", "a%2fb", "a b", "ä", &"a".repeat(201)] {
            assert_eq!(wrong.parse::<UploadToken>(), Err(ParseUploadTokenError), "{wrong}");
        }
        let upload = upload(1, 5, 1);
        assert!(!format!("{upload:?}").contains("u.m"));
    }

    #[test]
    fn an_upload_target_needs_no_headers_and_hides_its_url() {
        let target: UploadTarget =
            serde_json::from_str(r#"{"upload_url":"http://r2/x?sig=1","video_key":"input/a/b.mp4"}"#)
                .unwrap();
        assert_eq!(target.video_key, "input/a/b.mp4");
        assert!(!format!("{target:?}").contains("sig=1"));
    }
}
