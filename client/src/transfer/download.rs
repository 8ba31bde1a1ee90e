//! Downloading a result into a file, resuming where an earlier try stopped.
//!
//! Invariant: the file under its final name is whole. Until then it is `NAME.part`, and `NAME.part.etag` holds the
//! entity tag of the object that it is a part of. Nothing is appended unless the entity tag still matches.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::put::storage_error;
use crate::api::capability_url::CapabilityUrl;
use crate::api::client::{Client, origin_of};
use crate::api::error::Error;
use crate::api::retry::{RetryBackoff, RetryPolicy};

impl Client {
    /// Downloads `url` (absolute, or relative to the API) to `path` and returns its size in bytes.
    ///
    /// `progress` is called with the bytes on disk and, once known, the size of the whole. A connection that breaks
    /// is resumed as long as the download gets further; the timeout is 30 s without a byte.
    pub async fn download(
        &self,
        url: &CapabilityUrl,
        path: &Path,
        progress: impl Fn(u64, Option<u64>) + Send + Sync,
    ) -> Result<u64, Error> {
        let url = self
            .base_url
            .join(url.reveal())
            .map_err(|error| Error::InvalidUrl { what: "the download", reason: error.to_string() })?;
        let part = PartFile::for_output(path);
        let mut backoff = RetryBackoff::new(RetryPolicy::Background);
        let mut size_before = 0;
        loop {
            match self.download_once(&url, &part, &progress).await {
                Ok(size_bytes) => {
                    fs::rename(&part.path, path).await.map_err(Error::file(path))?;
                    part.remove_etag().await;
                    return Ok(size_bytes);
                }
                Err(error) => {
                    let size_bytes = part.size_bytes().await;
                    if size_bytes > size_before {
                        backoff = RetryBackoff::new(RetryPolicy::Background);
                    }
                    size_before = size_bytes;
                    backoff.wait(error).await?;
                }
            }
        }
    }

    /// One request for the whole file or for the rest of it.
    async fn download_once(
        &self,
        url: &Url,
        part: &PartFile,
        progress: &impl Fn(u64, Option<u64>),
    ) -> Result<u64, Error> {
        let mut request = self.http.get(url.clone());
        if self.is_api_url(url) {
            request = self.with_api_key(request);
        }
        let resumable = part.resumable().await;
        if let Some((size_bytes, etag)) = &resumable {
            request = request.header(RANGE, format!("bytes={size_bytes}-")).header(IF_RANGE, etag);
        }
        let origin = origin_of(url);
        let mut response = tokio::time::timeout(IDLE_TIMEOUT, request.send())
            .await
            .map_err(|_| Error::timed_out(origin.clone(), IDLE_TIMEOUT))?
            .map_err(|error| Error::network(&error, origin.clone(), IDLE_TIMEOUT))?;

        let (start_bytes, total_bytes) = match (response.status(), &resumable) {
            (StatusCode::PARTIAL_CONTENT, Some((size_bytes, _))) => {
                let range = ContentRange::parse(response.headers());
                let Some(range) = range.filter(|range| range.start_bytes == *size_bytes) else {
                    part.discard().await?;
                    return Err(Error::UnexpectedResponse {
                        call: "the download request".to_owned(),
                        reason: "it does not start at the requested byte".to_owned(),
                    });
                };
                (*size_bytes, range.total_bytes)
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some((size_bytes, _))) => {
                // Either the part is the whole file and was not renamed yet, or it is of no use.
                if unsatisfied_total_bytes(response.headers()) == Some(*size_bytes) {
                    return Ok(*size_bytes);
                }
                part.discard().await?;
                return Err(Error::Incomplete { received_bytes: 0, expected_bytes: *size_bytes });
            }
            (status, _) if status.is_success() => {
                part.start(response.headers()).await?;
                (0, response.content_length())
            }
            _ => return Err(storage_error("download", response).await),
        };

        progress(start_bytes, total_bytes);
        let received_bytes = part
            .append(&mut response, start_bytes, &origin, |received| progress(received, total_bytes))
            .await?;
        match total_bytes {
            Some(expected_bytes) if expected_bytes != received_bytes => {
                Err(Error::Incomplete { received_bytes, expected_bytes })
            }
            _ => Ok(received_bytes),
        }
    }
}

/// The two files of an unfinished download.
struct PartFile {
    path: PathBuf,
    etag_path: PathBuf,
}

impl PartFile {
    fn for_output(path: &Path) -> Self {
        let with_suffix = |suffix: &str| {
            let mut name = OsString::from(path);
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { path: with_suffix(".part"), etag_path: with_suffix(".part.etag") }
    }

    async fn size_bytes(&self) -> u64 {
        fs::metadata(&self.path).await.map_or(0, |metadata| metadata.len())
    }

    /// Size and entity tag of an earlier try, if it can be resumed.
    async fn resumable(&self) -> Option<(u64, String)> {
        let etag = fs::read_to_string(&self.etag_path).await.ok().filter(|etag| !etag.is_empty())?;
        match self.size_bytes().await {
            0 => None,
            size_bytes => Some((size_bytes, etag)),
        }
    }

    /// Empties the part and stores the entity tag. A response without a strong entity tag cannot be resumed.
    async fn start(&self, headers: &HeaderMap) -> Result<(), Error> {
        self.remove_etag().await;
        fs::write(&self.path, b"").await.map_err(Error::file(&self.path))?;
        let etag =
            headers.get(ETAG).and_then(|etag| etag.to_str().ok()).filter(|etag| !etag.starts_with("W/"));
        if let Some(etag) = etag {
            fs::write(&self.etag_path, etag).await.map_err(Error::file(&self.etag_path))?;
        }
        Ok(())
    }

    /// Appends the body of a response and returns the new size.
    async fn append(
        &self,
        response: &mut Response,
        start_bytes: u64,
        origin: &str,
        progress: impl Fn(u64),
    ) -> Result<u64, Error> {
        let mut file =
            OpenOptions::new().append(true).open(&self.path).await.map_err(Error::file(&self.path))?;
        let mut size_bytes = start_bytes;
        let outcome = loop {
            match tokio::time::timeout(IDLE_TIMEOUT, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    file.write_all(&chunk).await.map_err(Error::file(&self.path))?;
                    size_bytes += chunk.len() as u64;
                    progress(size_bytes);
                }
                Ok(Ok(None)) => break Ok(size_bytes),
                Ok(Err(error)) => break Err(Error::network(&error, origin.to_owned(), IDLE_TIMEOUT)),
                Err(_) => break Err(Error::timed_out(origin.to_owned(), IDLE_TIMEOUT)),
            }
        };
        // Also after an error, because the next try resumes from what is on disk.
        file.flush().await.map_err(Error::file(&self.path))?;
        outcome
    }

    async fn discard(&self) -> Result<(), Error> {
        self.remove_etag().await;
        fs::remove_file(&self.path).await.map_err(Error::file(&self.path))
    }

    /// An error is ignored: an entity tag is only read beside a part.
    async fn remove_etag(&self) {
        let _ = fs::remove_file(&self.etag_path).await;
    }
}

/// `Content-Range: bytes 5-9/10`.
struct ContentRange {
    start_bytes: u64,
    total_bytes: Option<u64>,
}

impl ContentRange {
    fn parse(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
        let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (start, _) = range.split_once('-')?;
        Some(Self { start_bytes: start.parse().ok()?, total_bytes: total.parse().ok() })
    }
}

/// `Content-Range: bytes */10`, the response to a range that starts after the end.
fn unsatisfied_total_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes */")?.parse().ok()
}

const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn content_range_is_read_in_both_forms() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(value))]);
        let range = ContentRange::parse(&headers("bytes 5-9/10")).unwrap();
        assert_eq!((range.start_bytes, range.total_bytes), (5, Some(10)));
        assert_eq!(ContentRange::parse(&headers("bytes 5-9/*")).unwrap().total_bytes, None);
        assert!(ContentRange::parse(&headers("bytes */10")).is_none());
        assert_eq!(unsatisfied_total_bytes(&headers("bytes */10")), Some(10));
    }
}
