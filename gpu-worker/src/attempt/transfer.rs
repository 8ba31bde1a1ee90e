//! Video bytes between storage and the disk, by presigned URLs.
//!
//! Invariants: a video is never held in memory; a transfer that stalls is cut off and retried; no URL
//! appears in an error.

use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use reel_core::base::object_version::ObjectVersion;
use reel_core::wire::gpu_worker::PresignedPut;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use reqwest::{Body, Client, Response, StatusCode};
use thiserror::Error;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};
use tokio_util::io::ReaderStream;

use super::WorkerTimeouts;
use super::context::AttemptContext;
use super::http::{is_transient, retry_after};
use super::partial_video::PartialVideo;
use super::timeouts::Backoff;

/// Downloads and uploads, with retries.
#[derive(Clone, Debug)]
pub(super) struct TransferClient {
    client: Client,
    timeouts: WorkerTimeouts,
}

/// Why a transfer failed.
#[derive(Debug, Error)]
pub(crate) enum TransferError {
    /// Storage refused the request: another try cannot help.
    #[error("storage responded with HTTP {0}")]
    Rejected(u16),
    /// The object is not the version that was asked for.
    #[error("the object has been replaced")]
    Changed,
    /// Storage could not be reached, or cut the transfer off again and again.
    #[error("storage could not be reached")]
    Unreachable,
    /// Storage sends only whole objects.
    #[error("storage does not send parts of objects")]
    NoRanges,
    /// The disk of this machine.
    #[error("the scratch disk failed: {0}")]
    Disk(#[from] std::io::Error),
}

impl TransferClient {
    pub(super) fn new(context: &AttemptContext) -> Self {
        Self { client: context.client.clone(), timeouts: context.timeouts.clone() }
    }

    /// The size of an object, by its first byte: a presigned GET does not allow HEAD.
    pub(super) async fn size(&self, url: &str) -> Option<u64> {
        let request = self.client.get(url).header(RANGE, "bytes=0-0");
        let response = timeout(self.timeouts.transfer_stall_timeout, request.send()).await.ok()?.ok()?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            // The body, which may be all of the video, is not read.
            return response.content_length().filter(|_| response.status() == StatusCode::OK);
        }
        object_bytes(&response)
    }

    /// Downloads a video into a new file, resuming after interruptions; returns its size in bytes.
    ///
    /// `on_bytes` gets the bytes so far, and the size when storage sends it.
    pub(super) async fn download(
        &self,
        source: &DownloadSource,
        file: &Path,
        mut on_bytes: impl FnMut(u64, Option<u64>),
    ) -> Result<u64, TransferError> {
        let mut partial = PartialDownload { file: File::create(file).await?, bytes: 0, etag: None };
        let mut backoff = self.backoff();
        loop {
            let before = partial.bytes;
            match self.get(source, &mut partial, &mut on_bytes).await? {
                TransferOutcome::Done => break,
                TransferOutcome::Failed { retry_after } => {
                    if partial.bytes > before {
                        backoff = self.backoff();
                    }
                    if !backoff.wait(retry_after).await {
                        return Err(TransferError::Unreachable);
                    }
                }
            }
        }
        partial.file.flush().await?;
        Ok(partial.bytes)
    }

    /// Downloads what has not arrived of one part of a video, going on after interruptions.
    ///
    /// `on_bytes` gets how many bytes have come with each piece.
    pub(super) async fn download_part(
        &self,
        source: &DownloadSource,
        video: &mut PartialVideo,
        part: Range<u64>,
        mut on_bytes: impl FnMut(u64),
    ) -> Result<(), TransferError> {
        let mut backoff = self.backoff();
        loop {
            let missing = video.missing_from(&part);
            if missing >= part.end {
                return Ok(video.flush().await?);
            }
            match self.get_part(source, video, missing..part.end, &mut on_bytes).await? {
                TransferOutcome::Done => {}
                TransferOutcome::Failed { retry_after } => {
                    if video.missing_from(&part) > missing {
                        backoff = self.backoff();
                    }
                    if !backoff.wait(retry_after).await {
                        return Err(TransferError::Unreachable);
                    }
                }
            }
        }
    }

    async fn get_part(
        &self,
        source: &DownloadSource,
        video: &mut PartialVideo,
        part: Range<u64>,
        on_bytes: &mut impl FnMut(u64),
    ) -> Result<TransferOutcome, TransferError> {
        let failed = Ok(TransferOutcome::Failed { retry_after: None });
        let stall_timeout = self.timeouts.transfer_stall_timeout;
        let mut request =
            self.client.get(&source.url).header(RANGE, format!("bytes={}-{}", part.start, part.end - 1));
        // Every part must be of one version, also when the API did not say of which.
        if let Some(version) = &source.version {
            request = request.header(IF_MATCH, &version.etag);
        } else if let Some(etag) = &video.etag {
            request = request.header(IF_MATCH, etag);
        }
        let Ok(Ok(mut response)) = timeout(stall_timeout, request.send()).await else { return failed };
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => {
                return Err(TransferError::Changed);
            }
            status if status.is_success() => return Err(TransferError::NoRanges),
            _ => return rejected_or_failed(&response),
        }
        if !continues_at(&response, part.start) {
            return Err(TransferError::NoRanges);
        }
        let etag = response.headers().get(ETAG).cloned();
        let is_other = video.etag.is_some() && video.etag != etag;
        let version = source.version.as_ref();
        if is_other
            || object_bytes(&response) != Some(video.bytes())
            || version.is_some_and(|version| !is_version(version, etag.as_ref(), None))
        {
            return Err(TransferError::Changed);
        }
        video.etag = etag;
        let mut place = part.start;
        while place < part.end {
            let Ok(Ok(Some(chunk))) = timeout(stall_timeout, response.chunk()).await else { return failed };
            // Storage that sends more than was asked for must not fill the disk.
            let wanted = usize::try_from(part.end - place).unwrap_or(usize::MAX).min(chunk.len());
            video.write(place, chunk.get(..wanted).unwrap_or_default()).await?;
            place += wanted as u64;
            on_bytes(wanted as u64);
        }
        Ok(TransferOutcome::Done)
    }

    /// Uploads a file to a presigned URL, with the content type that was signed.
    pub(super) async fn upload(
        &self,
        target: &PresignedPut,
        file: &Path,
        on_bytes: impl Fn(u64, u64),
    ) -> Result<(), TransferError> {
        let mut backoff = self.backoff();
        loop {
            match self.put(target, file, &on_bytes).await? {
                TransferOutcome::Done => return Ok(()),
                TransferOutcome::Failed { retry_after } => {
                    if !backoff.wait(retry_after).await {
                        return Err(TransferError::Unreachable);
                    }
                }
            }
        }
    }

    async fn get(
        &self,
        source: &DownloadSource,
        partial: &mut PartialDownload,
        on_bytes: &mut impl FnMut(u64, Option<u64>),
    ) -> Result<TransferOutcome, TransferError> {
        let failed = Ok(TransferOutcome::Failed { retry_after: None });
        let stall_timeout = self.timeouts.transfer_stall_timeout;
        let mut request = self.client.get(&source.url);
        if let Some(version) = &source.version {
            request = request.header(IF_MATCH, &version.etag);
        }
        if let (1.., Some(etag)) = (partial.bytes, &partial.etag) {
            request = request.header(RANGE, format!("bytes={}-", partial.bytes)).header(IF_RANGE, etag);
        }
        let Ok(Ok(mut response)) = timeout(stall_timeout, request.send()).await else { return failed };
        if response.status() == StatusCode::PRECONDITION_FAILED {
            return Err(TransferError::Changed);
        }
        if !response.status().is_success() {
            return rejected_or_failed(&response);
        }
        if !continues_at(&response, partial.bytes) {
            partial.restart().await?;
        }
        partial.etag = response.headers().get(ETAG).cloned();
        let total = response.content_length().map(|rest| partial.bytes + rest);
        if source.version.as_ref().is_some_and(|version| !is_version(version, partial.etag.as_ref(), total)) {
            return Err(TransferError::Changed);
        }
        loop {
            match timeout(stall_timeout, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    partial.bytes += chunk.len() as u64;
                    // Storage that sends no length must not fill the disk.
                    if source.version.as_ref().is_some_and(|version| partial.bytes > version.bytes) {
                        return Err(TransferError::Changed);
                    }
                    partial.file.write_all(&chunk).await?;
                    on_bytes(partial.bytes, total);
                }
                Ok(Ok(None)) if total.is_none_or(|total| total == partial.bytes) => {
                    return Ok(TransferOutcome::Done);
                }
                _ => return failed,
            }
        }
    }

    async fn put(
        &self,
        target: &PresignedPut,
        file: &Path,
        on_bytes: &impl Fn(u64, u64),
    ) -> Result<TransferOutcome, TransferError> {
        let file = File::open(file).await?;
        let total = file.metadata().await?.len();
        let sent = Arc::new(AtomicU64::new(0));
        let stream = ReaderStream::with_capacity(CountingReader { file, sent: sent.clone() }, CHUNK_BYTES);
        let request = self
            .client
            .put(&target.url)
            .header(CONTENT_TYPE, &target.content_type)
            // A stream has no length of its own, and storage takes no chunked upload.
            .header(CONTENT_LENGTH, total)
            .body(Body::wrap_stream(stream));
        let request = match &target.if_none_match {
            Some(condition) => request.header(IF_NONE_MATCH, condition),
            None => request,
        };
        let mut request = Box::pin(request.send());
        let mut moved_at = Instant::now();
        let mut last = 0;
        loop {
            match timeout(PROGRESS_INTERVAL, &mut request).await {
                Ok(Ok(response)) if response.status().is_success() => return Ok(TransferOutcome::Done),
                // An earlier try has arrived, and only its response was lost. What lies there is verified by
                // its size when the attempt is complete.
                Ok(Ok(response))
                    if target.if_none_match.is_some()
                        && response.status() == StatusCode::PRECONDITION_FAILED =>
                {
                    return Ok(TransferOutcome::Done);
                }
                Ok(Ok(response)) => return rejected_or_failed(&response),
                Ok(Err(_)) => return Ok(TransferOutcome::Failed { retry_after: None }),
                Err(_) => {
                    let now_sent = sent.load(Ordering::Relaxed);
                    if now_sent > last {
                        (last, moved_at) = (now_sent, Instant::now());
                        on_bytes(now_sent, total);
                    } else if moved_at.elapsed() > self.timeouts.transfer_stall_timeout {
                        return Ok(TransferOutcome::Failed { retry_after: None });
                    }
                }
            }
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(&self.timeouts, self.timeouts.transfer_stall_timeout)
    }
}

/// Where a video is downloaded from, and which version of it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct DownloadSource {
    /// A presigned GET.
    pub url: String,
    /// The version; without it, whatever is there.
    pub version: Option<ObjectVersion>,
}

enum TransferOutcome {
    Done,
    Failed { retry_after: Option<Duration> },
}

/// The part of a download that is on the disk, and which version it is of.
struct PartialDownload {
    file: File,
    bytes: u64,
    etag: Option<HeaderValue>,
}

impl PartialDownload {
    async fn restart(&mut self) -> std::io::Result<()> {
        self.bytes = 0;
        self.file.set_len(0).await?;
        self.file.rewind().await.map(|_| ())
    }
}

/// Whether a response is of this version, by whatever it says of it.
fn is_version(version: &ObjectVersion, etag: Option<&HeaderValue>, total: Option<u64>) -> bool {
    etag.is_none_or(|etag| etag.as_bytes() == version.etag.as_bytes())
        && total.is_none_or(|total| total == version.bytes)
}

/// The size of the object that a partial response is of.
fn object_bytes(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.parse().ok()
}

/// Whether the response continues at this byte; otherwise it starts from the beginning.
fn continues_at(response: &Response, byte: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    response.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| range.starts_with(&format!("bytes {byte}-")))
}

fn rejected_or_failed(response: &Response) -> Result<TransferOutcome, TransferError> {
    if is_transient(response.status()) {
        Ok(TransferOutcome::Failed { retry_after: retry_after(response) })
    } else {
        Err(TransferError::Rejected(response.status().as_u16()))
    }
}

/// A file that counts the bytes read from it.
struct CountingReader {
    file: File,
    sent: Arc<AtomicU64>,
}

impl AsyncRead for CountingReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.file).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        self.sent.fetch_add(read as u64, Ordering::Relaxed);
        poll
    }
}

const CHUNK_BYTES: usize = 256 * 1024;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);
