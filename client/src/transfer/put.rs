//! One PUT of a range of a file to a presigned URL.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use reqwest::Response;
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};
use url::Url;

use super::file::{VideoFile, hex, md5_of_etag};
use super::progress::{RequestBytes, UploadProgress};
use crate::api::capability_url::CapabilityUrl;
use crate::api::client::origin_of;
use crate::api::error::Error;
use crate::api::problem::retry_after_s;

/// What is known of the body after the request.
#[derive(Default)]
struct BodyResult {
    digest: Md5,
    read_error: Option<io::Error>,
}

/// Sends `range` of `file` and returns the storage's entity tag, which is empty if it sent none. If the tag is an MD5,
/// it is compared with the bytes that were sent.
///
/// The timeout is one minute in which no byte is sent and no response arrives.
pub(super) async fn put_range(
    http: &reqwest::Client,
    url: &CapabilityUrl,
    headers: HeaderMap,
    file: &VideoFile,
    range: Range<u64>,
    progress: &Arc<UploadProgress>,
) -> Result<String, Error> {
    let url = Url::parse(url.reveal())
        .map_err(|error| Error::InvalidUrl { what: "the upload", reason: error.to_string() })?;
    let origin = origin_of(&url);
    let length = range.end - range.start;
    let sent = RequestBytes::new(progress);
    let body_result = Arc::new(Mutex::new(BodyResult::default()));
    let body = {
        let (sent, body_result) = (Arc::clone(&sent), Arc::clone(&body_result));
        file.chunks(range).map(move |chunk| {
            let mut body_result = body_result.lock().unwrap_or_else(PoisonError::into_inner);
            match chunk {
                Ok(chunk) => {
                    body_result.digest.update(&chunk);
                    sent.add(chunk.len() as u64);
                    Ok(chunk)
                }
                Err(error) => {
                    let kind = error.kind();
                    body_result.read_error = Some(error);
                    Err(io::Error::from(kind))
                }
            }
        })
    };

    let request = http.put(url).headers(headers).header(CONTENT_LENGTH, length);
    let mut sending = std::pin::pin!(request.body(reqwest::Body::wrap_stream(body)).send());
    let mut sent_before = 0;
    let outcome = loop {
        if let Ok(outcome) = tokio::time::timeout(IDLE_TIMEOUT, &mut sending).await {
            break outcome;
        }
        if sent.bytes() == sent_before {
            return Err(Error::timed_out(origin, IDLE_TIMEOUT));
        }
        sent_before = sent.bytes();
    };
    let body_result = std::mem::take(&mut *body_result.lock().unwrap_or_else(PoisonError::into_inner));
    match (outcome, body_result.read_error) {
        // The file is shorter than it was.
        (_, Some(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Error::FileChanged { path: file.path().to_owned() })
        }
        (_, Some(error)) => Err(Error::file(file.path())(error)),
        (Err(error), None) => Err(Error::network(&error, origin, IDLE_TIMEOUT)),
        (Ok(response), None) if response.status().is_success() => {
            let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default();
            if md5_of_etag(etag).is_some_and(|md5| md5 != hex(&body_result.digest.finalize())) {
                return Err(Error::ChecksumMismatch);
            }
            sent.commit();
            Ok(etag.to_owned())
        }
        (Ok(response), None) => Err(storage_error("upload", response).await),
    }
}

/// The error of an S3 storage: the status, with `Code` and `Message` of the XML body if there are any.
pub(super) async fn storage_error(action: &'static str, response: Response) -> Error {
    let status = response.status().as_u16();
    let retry_after_s = retry_after_s(response.headers());
    let body = match tokio::time::timeout(IDLE_TIMEOUT, response.bytes()).await {
        Ok(Ok(body)) => body,
        _ => bytes::Bytes::new(),
    };
    let reason = s3_reason(&String::from_utf8_lossy(&body));
    Error::Storage { action, status, reason, retry_after_s }
}

/// Only these two elements: the others of an S3 error repeat the request, with its signature.
fn s3_reason(body: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once("</")?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    [element("Code"), element("Message")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_error_shows_its_code_and_nothing_of_the_request() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>No match.</Message>\
                    <StringToSign>AWS4-HMAC-SHA256 secret stuff</StringToSign></Error>";
        assert_eq!(s3_reason(body), "SignatureDoesNotMatch, No match.");
        assert_eq!(s3_reason("<html>"), "");
    }
}
