//! Sending a video to the object storage: in one request when it is small, in parts when it is not.
//!
//! Invariants: the file is streamed, never held in memory; exactly the headers that were signed are sent,
//! and no API key, since the storage would take it for a second signature.

use std::path::Path;

use reel_core::id::JobId;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use crate::api::client::Client;
use crate::api::error::{Error, Result};
use crate::api::retry::{RetryBackoff, with_retries};
use crate::api::uploads::UploadTarget;
use crate::transfer::file::VideoFile;
use crate::transfer::progress::UploadProgress;
use crate::transfer::put::put_range;

impl Client {
    /// Puts the file at `path` where `target` says, once; `progress` gets the bytes handed over so far.
    ///
    /// The deadline is silence: a minute without a byte going out or an answer coming in.
    pub async fn upload(
        &self,
        target: &UploadTarget,
        path: &Path,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<()> {
        self.put_file(target, &VideoFile::open(path)?, &UploadProgress::new(0, progress)).await
    }

    /// Sends a file in one request and gives its key. What breaks is sent again, from the start and with a
    /// fresh link when the old one is refused; for files above [`SINGLE_PUT_MAX_BYTES`] parts are better.
    pub async fn upload_in_one_request(
        &self,
        file: &VideoFile,
        content_type: &str,
        job_id: Option<JobId>,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<String> {
        let meter = UploadProgress::new(0, progress);
        let name = file.name();
        let ask = || self.upload_url(&name, content_type, Some(file.size_bytes()), job_id);
        let mut target = ask().await?;
        let mut patience = RetryBackoff::new();
        let mut refusals = 0;
        loop {
            match self.put_file(&target, file, &meter).await {
                Ok(()) => {
                    file.require_unchanged()?;
                    return Ok(target.video_key);
                }
                Err(Error::Storage { status: 403, .. }) if refusals < REJECTIONS_MAX => {
                    refusals += 1;
                    target = with_retries(ask).await?;
                }
                Err(error) => patience.wait(error).await?,
            }
        }
    }

    async fn put_file(
        &self,
        target: &UploadTarget,
        file: &VideoFile,
        meter: &std::sync::Arc<UploadProgress>,
    ) -> Result<()> {
        let url = &target.upload_url;
        put_range(&self.http, url, signed_headers(target)?, file, 0..file.size_bytes(), meter).await.map(drop)
    }
}

/// The headers to send. The HTTP client writes length and host itself, with the values that were signed.
fn signed_headers(target: &UploadTarget) -> Result<HeaderMap> {
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

/// Up to here a file is sent in one request: there is little to lose, and two calls are saved.
pub const SINGLE_PUT_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// A link that was refused so often did not just expire.
pub(super) const REJECTIONS_MAX: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_with_the_plans_fields_alone() {
        let target: UploadTarget =
            serde_json::from_str(r#"{"upload_url":"http://r2/x?sig=1","video_key":"input/a/b.mp4"}"#)
                .unwrap();
        assert_eq!(target.video_key, "input/a/b.mp4");
        assert!(!format!("{target:?}").contains("sig=1"));
    }

    #[test]
    fn what_the_transport_writes_itself_is_not_sent_twice() {
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
