//! Video bytes between storage and the disk, by presigned URLs.
//!
//! Invariants: a video is never held in memory; a transfer that stands still is broken off and
//! tried again; no URL appears in an error.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Body, Client, Response, StatusCode};
use thiserror::Error;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};
use tokio_util::io::ReaderStream;

use super::callback::is_transient;
use super::callback::retry_after;
use super::timing::Backoff;
use super::timing::Timing;

/// Why a transfer was given up.
#[derive(Debug, Error)]
pub enum TransferError {
    /// Storage answered, and will not answer otherwise when asked again.
    #[error("storage answered HTTP {0}")]
    Refused(u16),
    /// Storage could not be reached, or broke off again and again.
    #[error("storage could not be reached")]
    Unreachable,
    /// The disk of this machine.
    #[error("the scratch disk failed: {0}")]
    Disk(#[from] std::io::Error),
}

/// Fetches `url` into a new file, resuming after interruptions; answers its size in bytes.
///
/// `on_bytes` hears how much has arrived, and of how much when storage tells.
pub async fn download(
    client: &Client,
    url: &str,
    file: &Path,
    timing: &Timing,
    mut on_bytes: impl FnMut(u64, Option<u64>),
) -> Result<u64, TransferError> {
    let mut file = File::create(file).await?;
    let mut have = Arrived { bytes: 0, etag: None };
    let mut backoff = Backoff::new(timing, timing.transfer_patience);
    loop {
        let before = have.bytes;
        match fetch(client, url, &mut file, &mut have, timing, &mut on_bytes).await? {
            Try::Done => break,
            Try::Failed { retry_after } => {
                if have.bytes > before {
                    backoff = Backoff::new(timing, timing.transfer_patience);
                }
                if !backoff.pause(retry_after).await {
                    return Err(TransferError::Unreachable);
                }
            }
        }
    }
    file.flush().await?;
    Ok(have.bytes)
}

/// Puts a file to a presigned URL, with the content type that was signed.
pub async fn upload(
    client: &Client,
    url: &str,
    content_type: &str,
    file: &Path,
    timing: &Timing,
    on_bytes: impl Fn(u64, u64),
) -> Result<(), TransferError> {
    let mut backoff = Backoff::new(timing, timing.transfer_patience);
    loop {
        match put(client, url, content_type, file, timing, &on_bytes).await? {
            Try::Done => return Ok(()),
            Try::Failed { retry_after } => {
                if !backoff.pause(retry_after).await {
                    return Err(TransferError::Unreachable);
                }
            }
        }
    }
}

enum Try {
    Done,
    Failed { retry_after: Option<Duration> },
}

/// What of a download is on the disk, and of which version.
struct Arrived {
    bytes: u64,
    etag: Option<HeaderValue>,
}

async fn fetch(
    client: &Client,
    url: &str,
    file: &mut File,
    have: &mut Arrived,
    timing: &Timing,
    on_bytes: &mut impl FnMut(u64, Option<u64>),
) -> Result<Try, TransferError> {
    let failed = Ok(Try::Failed { retry_after: None });
    let mut request = client.get(url);
    if let (1.., Some(etag)) = (have.bytes, &have.etag) {
        request = request.header(RANGE, format!("bytes={}-", have.bytes)).header(IF_RANGE, etag);
    }
    let Ok(Ok(mut answer)) = timeout(timing.transfer_patience, request.send()).await else { return failed };
    let status = answer.status();
    if !status.is_success() {
        return refused_or_failed(&answer);
    }
    if !continues(&answer, have.bytes) {
        have.bytes = 0;
        file.set_len(0).await?;
        tokio::io::AsyncSeekExt::rewind(file).await?;
    }
    have.etag = answer.headers().get(ETAG).cloned();
    let total = answer.content_length().map(|rest| have.bytes + rest);
    loop {
        match timeout(timing.transfer_patience, answer.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                file.write_all(&chunk).await?;
                have.bytes += chunk.len() as u64;
                on_bytes(have.bytes, total);
            }
            Ok(Ok(None)) if total.is_none_or(|total| total == have.bytes) => return Ok(Try::Done),
            _ => return failed,
        }
    }
}

/// Whether the answer goes on where the file ends; otherwise it starts from the beginning.
fn continues(answer: &Response, have: u64) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    answer.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

async fn put(
    client: &Client,
    url: &str,
    content_type: &str,
    file: &Path,
    timing: &Timing,
    on_bytes: &impl Fn(u64, u64),
) -> Result<Try, TransferError> {
    let file = File::open(file).await?;
    let total = file.metadata().await?.len();
    let sent = Arc::new(AtomicU64::new(0));
    let stream = ReaderStream::with_capacity(Counted { file, sent: sent.clone() }, CHUNK_BYTES);
    let request = client
        .put(url)
        .header(CONTENT_TYPE, content_type)
        // A stream has no length of its own, and storage takes no chunked upload.
        .header(CONTENT_LENGTH, total)
        .body(Body::wrap_stream(stream));
    let mut request = Box::pin(request.send());
    let mut moved_at = Instant::now();
    let mut last = 0;
    loop {
        match timeout(WATCH_INTERVAL, &mut request).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(Try::Done),
            Ok(Ok(answer)) => return refused_or_failed(&answer),
            Ok(Err(_)) => return Ok(Try::Failed { retry_after: None }),
            Err(_) => {
                let now_sent = sent.load(Ordering::Relaxed);
                if now_sent > last {
                    (last, moved_at) = (now_sent, Instant::now());
                    on_bytes(now_sent, total);
                } else if moved_at.elapsed() > timing.transfer_patience {
                    return Ok(Try::Failed { retry_after: None });
                }
            }
        }
    }
}

fn refused_or_failed(answer: &Response) -> Result<Try, TransferError> {
    if is_transient(answer.status()) {
        Ok(Try::Failed { retry_after: retry_after(answer) })
    } else {
        Err(TransferError::Refused(answer.status().as_u16()))
    }
}

/// A file that counts what was read of it.
struct Counted {
    file: File,
    sent: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
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
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
