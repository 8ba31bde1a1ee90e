//! Sending a video in one request, for files up to [`SINGLE_PUT_MAX_BYTES`].

use std::path::Path;
use std::sync::Arc;

use reel_core::base::id::JobId;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use super::file::VideoFile;
use super::progress::UploadProgress;
use super::put::put_range;
use crate::api::client::Client;
use crate::api::error::Error;
use crate::api::retry::{RetryBackoff, RetryPolicy, with_retries};
use crate::api::uploads::UploadTarget;

impl Client {
    /// Sends the file at `path` to `target`, once. `progress` is called with the bytes sent so far.
    ///
    /// The timeout is one minute in which no byte is sent and no response arrives.
    pub async fn upload(
        &self,
        target: &UploadTarget,
        path: &Path,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.put_file(target, &VideoFile::open(path)?, &UploadProgress::new(0, progress)).await
    }

    /// Sends a file in one request and returns its key. A failed request is repeated from the start, with a new URL
    /// if the old one was rejected. For files above [`SINGLE_PUT_MAX_BYTES`], parts lose less.
    pub async fn upload_in_one_request(
        &self,
        file: &VideoFile,
        content_type: &str,
        job_id: Option<JobId>,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<String, Error> {
        let progress = UploadProgress::new(0, progress);
        let name = file.name();
        let request_target = || self.upload_url(&name, content_type, Some(file.size_bytes()), job_id);
        let mut target = request_target().await?;
        let mut backoff = RetryBackoff::new(RetryPolicy::Background);
        let mut rejections = 0;
        loop {
            match self.put_file(&target, file, &progress).await {
                Ok(()) => {
                    file.require_unchanged()?;
                    return Ok(target.video_key);
                }
                Err(Error::Storage { status: 403, .. }) if rejections < REJECTIONS_MAX => {
                    rejections += 1;
                    target = with_retries(RetryPolicy::Background, request_target).await?;
                }
                Err(error) => backoff.wait(error).await?,
            }
        }
    }

    async fn put_file(
        &self,
        target: &UploadTarget,
        file: &VideoFile,
        progress: &Arc<UploadProgress>,
    ) -> Result<(), Error> {
        let headers = signed_headers(target)?;
        put_range(&self.http, &target.upload_url, headers, file, 0..file.size_bytes(), progress)
            .await
            .map(drop)
    }
}

/// The headers to send. The HTTP client writes length and host itself, with the values that were signed.
fn signed_headers(target: &UploadTarget) -> Result<HeaderMap, Error> {
    let invalid = || Error::UnexpectedResponse {
        call: "POST api/videos/upload-url".to_owned(),
        reason: "one of its headers is not valid".to_owned(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &target.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if name != CONTENT_LENGTH && name != HOST {
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| invalid())?);
        }
    }
    Ok(headers)
}

/// Files up to this size are sent in one request: there is little to lose, and it saves two calls.
pub const SINGLE_PUT_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// A new URL is requested this often after a 403. A URL that is rejected again did not just expire.
pub(super) const REJECTIONS_MAX: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_the_http_client_writes_are_not_sent_twice() {
        let target: UploadTarget = serde_json::from_value(serde_json::json!({
            "upload_url": "http://r2/x", "video_key": "k",
            "headers": {"Content-Type": "video/mp4", "content-length": "3", "Host": "r2"}
        }))
        .unwrap();
        let headers = signed_headers(&target).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["content-type"], "video/mp4");
    }
}
