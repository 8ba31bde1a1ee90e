//! Fetching a result into a file, resuming where an earlier try stopped.
//!
//! Invariant: the file under its final name is whole. Until then it is `NAME.part`, with the entity tag of what
//! it is a part of in `NAME.part.etag`: without a matching entity tag nothing is ever appended.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::BackoffBuilder as _;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::api::client::{Client, origin_of};
use crate::api::error::{Error, Result};
use crate::api::secret::CapabilityUrl;
use crate::transfer::put::storage_error;

impl Client {
    /// Fetches `url` (absolute, or relative to the API) to `path`; gives the size in bytes.
    ///
    /// `progress` gets the bytes on disk and, once known, the size of the whole. Broken connections are
    /// resumed, as long as each try gets further; the deadline is 30 s without a byte.
    pub async fn download(
        &self,
        url: &CapabilityUrl,
        path: &Path,
        progress: impl Fn(u64, Option<u64>) + Send + Sync,
    ) -> Result<u64> {
        let url = self
            .base_url
            .join(url.reveal())
            .map_err(|error| Error::InvalidUrl { what: "the download", reason: error.to_string() })?;
        let part = PartFile::for_output(path);
        let mut pauses = PAUSES.build();
        let mut have_bytes = 0;
        loop {
            match self.download_once(&url, &part, &progress).await {
                Ok(size_bytes) => {
                    fs::rename(&part.path, path).await.map_err(Error::file(path))?;
                    part.remove_etag().await;
                    return Ok(size_bytes);
                }
                Err(error) if error.is_transient() => {
                    let now_bytes = part.len().await;
                    if now_bytes > have_bytes {
                        pauses = PAUSES.build();
                    }
                    have_bytes = now_bytes;
                    let Some(pause) = pauses.next() else { return Err(error) };
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One request: the whole file, or the rest of it.
    async fn download_once(
        &self,
        url: &Url,
        part: &PartFile,
        progress: &impl Fn(u64, Option<u64>),
    ) -> Result<u64> {
        let mut request = self.http.get(url.clone());
        // Only the API's own routes know the key; a presigned URL on the same host would refuse it.
        if url.origin() == self.base_url.origin()
            && url.path().starts_with(&format!("{}api/", self.base_url.path()))
        {
            request = self.with_api_key(request);
        }
        let resume = part.resumable().await;
        if let Some((have_bytes, etag)) = &resume {
            request = request.header(RANGE, format!("bytes={have_bytes}-")).header(IF_RANGE, etag);
        }
        let origin = origin_of(url);
        let seconds = IDLE_TIMEOUT.as_secs();
        let silent = || Error::TimedOut { origin: origin.clone(), seconds };
        let mut response = tokio::time::timeout(IDLE_TIMEOUT, request.send())
            .await
            .map_err(|_| silent())?
            .map_err(|error| Error::network(&error, origin.clone(), seconds))?;

        let (start_bytes, total_bytes) = match (response.status(), &resume) {
            (StatusCode::PARTIAL_CONTENT, Some((have_bytes, _))) => {
                let range =
                    ContentRange::parse(response.headers()).filter(|range| range.start == *have_bytes);
                let Some(range) = range else {
                    part.discard().await?;
                    return Err(Error::UnexpectedResponse {
                        call: "the download".to_owned(),
                        reason: "it gave another range than was asked for".to_owned(),
                    });
                };
                (*have_bytes, range.total_bytes)
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some((have_bytes, _))) => {
                // Everything arrived, and only the rename is missing; or the part is nonsense.
                if unsatisfied_total_bytes(response.headers()) == Some(*have_bytes) {
                    return Ok(*have_bytes);
                }
                part.discard().await?;
                return Err(Error::Incomplete { received_bytes: 0, expected_bytes: *have_bytes });
            }
            (status, _) if status.is_success() => {
                part.start(response.headers()).await?;
                (0, response.content_length())
            }
            _ => return Err(storage_error("download", response).await),
        };

        progress(start_bytes, total_bytes);
        let got_bytes =
            part.append(&mut response, start_bytes, total_bytes, progress, &silent, &origin).await?;
        match total_bytes {
            Some(expected_bytes) if expected_bytes != got_bytes => {
                Err(Error::Incomplete { received_bytes: got_bytes, expected_bytes })
            }
            _ => Ok(got_bytes),
        }
    }
}

/// The unfinished file and the name of what it is a part of.
struct PartFile {
    path: PathBuf,
    etag_path: PathBuf,
}

impl PartFile {
    fn for_output(path: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name = OsString::from(path);
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { path: with(".part"), etag_path: with(".part.etag") }
    }

    async fn len(&self) -> u64 {
        fs::metadata(&self.path).await.map_or(0, |metadata| metadata.len())
    }

    /// Its length and entity tag, when there is something to go on from.
    async fn resumable(&self) -> Option<(u64, String)> {
        let etag = fs::read_to_string(&self.etag_path).await.ok().filter(|etag| !etag.is_empty())?;
        match self.len().await {
            0 => None,
            have_bytes => Some((have_bytes, etag)),
        }
    }

    /// Empties it and notes what it will be a part of; without a strong entity tag it cannot be resumed.
    async fn start(&self, headers: &HeaderMap) -> Result<()> {
        self.remove_etag().await;
        fs::write(&self.path, b"").await.map_err(Error::file(&self.path))?;
        let etag =
            headers.get(ETAG).and_then(|etag| etag.to_str().ok()).filter(|etag| !etag.starts_with("W/"));
        if let Some(etag) = etag {
            fs::write(&self.etag_path, etag).await.map_err(Error::file(&self.etag_path))?;
        }
        Ok(())
    }

    async fn append(
        &self,
        response: &mut Response,
        start_bytes: u64,
        total_bytes: Option<u64>,
        progress: &impl Fn(u64, Option<u64>),
        silent: &impl Fn() -> Error,
        origin: &str,
    ) -> Result<u64> {
        let mut file =
            OpenOptions::new().append(true).open(&self.path).await.map_err(Error::file(&self.path))?;
        let mut got_bytes = start_bytes;
        let outcome = loop {
            match tokio::time::timeout(IDLE_TIMEOUT, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    file.write_all(&chunk).await.map_err(Error::file(&self.path))?;
                    got_bytes += chunk.len() as u64;
                    progress(got_bytes, total_bytes);
                }
                Ok(Ok(None)) => break Ok(got_bytes),
                Ok(Err(error)) => {
                    break Err(Error::network(&error, origin.to_owned(), IDLE_TIMEOUT.as_secs()));
                }
                Err(_) => break Err(silent()),
            }
        };
        // Also after a failure: what has arrived is what the next try goes on from.
        file.flush().await.map_err(Error::file(&self.path))?;
        outcome
    }

    async fn discard(&self) -> Result<()> {
        self.remove_etag().await;
        fs::remove_file(&self.path).await.map_err(Error::file(&self.path))
    }

    /// A note that stays behind harms nothing: it is only read beside a part.
    async fn remove_etag(&self) {
        let _ = fs::remove_file(&self.etag_path).await;
    }
}

/// `Content-Range: bytes 5-9/10`.
struct ContentRange {
    start: u64,
    total_bytes: Option<u64>,
}

impl ContentRange {
    fn parse(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
        let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (start, _) = range.split_once('-')?;
        Some(Self { start: start.parse().ok()?, total_bytes: total.parse().ok() })
    }
}

/// `Content-Range: bytes */10`, the answer to a range behind the end.
fn unsatisfied_total_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes */")?.parse().ok()
}

const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const PAUSES: backon::ExponentialBuilder = backon::ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(300))
    .with_max_delay(Duration::from_secs(8))
    .with_max_times(6)
    .with_jitter();

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn ranges_are_read_from_both_kinds_of_answer() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(value))]);
        let range = ContentRange::parse(&headers("bytes 5-9/10")).unwrap();
        assert_eq!((range.start, range.total_bytes), (5, Some(10)));
        assert_eq!(ContentRange::parse(&headers("bytes 5-9/*")).unwrap().total_bytes, None);
        assert!(ContentRange::parse(&headers("bytes */10")).is_none());
        assert_eq!(unsatisfied_total_bytes(&headers("bytes */10")), Some(10));
    }
}
