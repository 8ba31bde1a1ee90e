//! Sending a video to the object storage with a presigned PUT.
//!
//! Invariant: the file is streamed, never held in memory; exactly the headers that were signed are sent,
//! and no API key, since the storage would take it for a second signature.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderName};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio_util::io::ReaderStream;
use url::Url;

use crate::client::{Client, origin_of};
use crate::error::{Error, Result};
use crate::secret::CapabilityUrl;

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

impl Client {
    /// Puts the file at `path` where `target` says; `progress` gets the bytes handed over so far.
    ///
    /// The deadline is silence: a minute without a byte going out or an answer coming in.
    pub async fn upload(
        &self,
        target: &UploadTarget,
        path: &Path,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<()> {
        let url = Url::parse(target.upload_url.expose())
            .map_err(|error| Error::BadUrl { what: "the upload", reason: error.to_string() })?;
        let origin = origin_of(&url);
        let file = File::open(path).await.map_err(Error::file(path))?;
        let size_bytes = file.metadata().await.map_err(Error::file(path))?.len();

        let sent_bytes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent_bytes);
        let body = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                let chunk_bytes = chunk.len() as u64;
                progress(counter.fetch_add(chunk_bytes, Ordering::Relaxed) + chunk_bytes);
            }
        });

        let mut request = self.http.put(url).header(CONTENT_LENGTH, size_bytes);
        for (name, value) in &target.headers {
            // The transport writes these two itself, from the same facts that were signed.
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::BadAnswer {
                call: "POST api/videos/upload-url".to_owned(),
                reason: "a header has no valid name".to_owned(),
            })?;
            if name != CONTENT_LENGTH && name != HOST {
                request = request.header(name, value);
            }
        }

        let mut sending = std::pin::pin!(request.body(reqwest::Body::wrap_stream(body)).send());
        let mut seen_bytes = 0;
        let response = loop {
            if let Ok(outcome) = tokio::time::timeout(SILENCE_DEADLINE, &mut sending).await {
                break outcome
                    .map_err(|error| Error::network(&error, origin.clone(), SILENCE_DEADLINE.as_secs()))?;
            }
            let now_bytes = sent_bytes.load(Ordering::Relaxed);
            if now_bytes == seen_bytes {
                return Err(Error::TimedOut { origin, seconds: SILENCE_DEADLINE.as_secs() });
            }
            seen_bytes = now_bytes;
        };
        if response.status().is_success() {
            return Ok(());
        }
        Err(refusal("upload", response).await)
    }
}

/// An S3 error: the status, and `Code` and `Message` of the XML body when there are any.
pub(crate) async fn refusal(action: &'static str, response: reqwest::Response) -> Error {
    let status = response.status().as_u16();
    let body = match tokio::time::timeout(SILENCE_DEADLINE, response.bytes()).await {
        Ok(Ok(body)) => body,
        _ => bytes::Bytes::new(),
    };
    Error::Storage { action, status, reason: s3_reason(&String::from_utf8_lossy(&body)) }
}

/// Only these two elements: others of an S3 error repeat the request, signature included.
fn s3_reason(body: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once("</")?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    [element("Code"), element("Message")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const CHUNK_BYTES: usize = 64 * 1024;
const SILENCE_DEADLINE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_error_tells_its_code_and_nothing_of_the_request() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>No match.</Message>\
                    <StringToSign>AWS4-HMAC-SHA256 secret stuff</StringToSign></Error>";
        assert_eq!(s3_reason(body), "SignatureDoesNotMatch, No match.");
        assert_eq!(s3_reason("<html>"), "");
    }

    #[test]
    fn a_target_reads_with_the_plans_fields_alone() {
        let target: UploadTarget =
            serde_json::from_str(r#"{"upload_url":"http://r2/x?sig=1","video_key":"input/a/b.mp4"}"#)
                .unwrap();
        assert_eq!(target.video_key, "input/a/b.mp4");
        assert!(!format!("{target:?}").contains("sig=1"));
    }
}
