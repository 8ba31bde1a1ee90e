//! Sending a video in parts, several at a time, until the upload is complete.
//!
//! Invariants: a part that the storage has is never sent again; URLs are signed in small batches, shortly before they
//! are used; a part is confirmed as soon as it has arrived, together with those that arrived during the confirmation
//! before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;
use reqwest::header::HeaderMap;
use tokio::sync::{Mutex, mpsc};

use super::file::VideoFile;
use super::progress::UploadProgress;
use super::put::put_range;
use super::upload::REJECTIONS_MAX;
use crate::api::capability_url::CapabilityUrl;
use crate::api::client::Client;
use crate::api::error::Error;
use crate::api::retry::{RetryBackoff, RetryPolicy, with_retries};
use crate::api::uploads::{CompletedUpload, MultipartUpload, UploadResponse, UploadStatus, UploadedPart};

impl Client {
    /// Sends the missing parts of an upload from `file`, `parallel` at a time, and completes the upload.
    ///
    /// `progress` is called with the bytes that the storage has, starting with those of an earlier run. A part that
    /// fails is sent again after a delay, with a new URL if the old one was rejected. The upload fails when no part
    /// arrives for about two minutes. It can then be resumed with [`Client::upload_state`].
    pub async fn send_parts(
        &self,
        mut state: UploadResponse,
        file: &VideoFile,
        parallel: NonZeroUsize,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<CompletedUpload, Error> {
        let progress = UploadProgress::new(state.uploaded_bytes(), progress);
        let (video_key, token) = (state.upload.video_key.clone(), state.upload.upload_id.clone());
        let mut attempts_left = COMPLETE_MAX_ATTEMPTS;
        loop {
            if state.status == UploadStatus::Open {
                require_size(file, state.upload.size_bytes)?;
                PartUploader::new(self, &state, file, parallel, &progress).run(parallel).await?;
                file.require_unchanged()?;
            }
            attempts_left -= 1;
            let completed =
                with_retries(RetryPolicy::Background, || self.complete_upload(&video_key, &token)).await;
            match completed {
                Ok(completed) => {
                    require_size(file, completed.size_bytes)?;
                    return Ok(completed);
                }
                // The storage lost or refused parts: find out which, and send them again.
                Err(Error::Api(problem)) if problem.code == "upload_incomplete" && attempts_left > 0 => {
                    state = with_retries(RetryPolicy::Background, || self.upload_state(&video_key, &token))
                        .await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn require_size(file: &VideoFile, upload_bytes: u64) -> Result<(), Error> {
    let file_bytes = file.size_bytes();
    if file_bytes == upload_bytes { Ok(()) } else { Err(Error::SizeMismatch { file_bytes, upload_bytes }) }
}

/// Sends the missing parts of one upload.
struct PartUploader<'u> {
    client: &'u Client,
    upload: &'u MultipartUpload,
    file: &'u VideoFile,
    progress: &'u Arc<UploadProgress>,
    queue: Mutex<PartQueue>,
    /// How many URLs are signed by one call.
    sign_batch: usize,
    /// Parts that arrived in this run. As long as the number grows, failing parts are retried.
    completed_parts: AtomicUsize,
}

/// The parts that no worker has taken yet, and the signed URLs that are still unused.
struct PartQueue {
    pending: VecDeque<u32>,
    signed_urls: HashMap<u32, CapabilityUrl>,
}

impl<'u> PartUploader<'u> {
    fn new(
        client: &'u Client,
        state: &'u UploadResponse,
        file: &'u VideoFile,
        parallel: NonZeroUsize,
        progress: &'u Arc<UploadProgress>,
    ) -> Self {
        let uploaded: HashSet<u32> = state.parts.iter().map(|part| part.part_number).collect();
        let pending = (1..=state.upload.part_count).filter(|number| !uploaded.contains(number)).collect();
        Self {
            client,
            upload: &state.upload,
            file,
            progress,
            queue: Mutex::new(PartQueue { pending, signed_urls: HashMap::new() }),
            sign_batch: parallel.get().saturating_mul(2).min(SIGN_MAX_PARTS),
            completed_parts: AtomicUsize::new(0),
        }
    }

    /// Sends and confirms all parts. If one fails for good, those that arrived are still confirmed.
    async fn run(&self, parallel: NonZeroUsize) -> Result<(), Error> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sending = async move {
            let workers = try_join_all((0..parallel.get()).map(|_| self.upload_worker(sender.clone())));
            // Only the workers hold senders now, so the channel closes when they end.
            drop(sender);
            workers.await.map(drop)
        };
        let mut sending = std::pin::pin!(sending);
        let mut confirming = std::pin::pin!(self.confirm_parts(receiver));
        tokio::select! {
            sent = &mut sending => {
                // The channel is closed, so that this ends.
                let confirmed = confirming.await;
                sent.and(confirmed)
            }
            // Before the workers have ended, only an error ends this.
            confirmed = &mut confirming => confirmed,
        }
    }

    /// Sends one part after the other.
    async fn upload_worker(&self, uploaded: mpsc::UnboundedSender<UploadedPart>) -> Result<(), Error> {
        loop {
            let next = self.queue.lock().await.pending.pop_front();
            let Some(number) = next else { return Ok(()) };
            let part = self.upload_part(number).await?;
            self.completed_parts.fetch_add(1, Ordering::Relaxed);
            if uploaded.send(part).is_err() {
                // The confirmation failed, and returns the error.
                return Ok(());
            }
        }
    }

    /// Sends one part until it has arrived.
    async fn upload_part(&self, number: u32) -> Result<UploadedPart, Error> {
        let range = self.upload.range(number).ok_or_else(unexpected_parts)?;
        let size_bytes = Some(range.end - range.start);
        let mut backoff = RetryBackoff::new(RetryPolicy::Background);
        let mut completed_before = self.completed_parts.load(Ordering::Relaxed);
        let (mut rejections, mut failures) = (0, 0);
        let mut url = self.signed_url(number).await?;
        loop {
            let http = &self.client.http;
            let sent = put_range(http, &url, HeaderMap::new(), self.file, range.clone(), self.progress).await;
            let error = match sent {
                Ok(etag) => return Ok(UploadedPart { part_number: number, etag, size_bytes }),
                Err(error) => error,
            };
            if matches!(error, Error::Storage { status: 403, .. }) && rejections < REJECTIONS_MAX {
                // The URL has expired, for example while the computer was asleep.
                rejections += 1;
                url = self.signed_url(number).await?;
                continue;
            }
            let completed = self.completed_parts.load(Ordering::Relaxed);
            if completed > completed_before {
                completed_before = completed;
                backoff = RetryBackoff::new(RetryPolicy::Background);
            }
            backoff.wait(error).await?;
            failures += 1;
            if failures > 1 {
                // A 403 that is sent in the middle of a body may be lost with the connection.
                url = self.signed_url(number).await?;
            }
        }
    }

    /// An unused URL for this part. If there is none, one is signed, with some for the next parts.
    async fn signed_url(&self, number: u32) -> Result<CapabilityUrl, Error> {
        let mut queue = self.queue.lock().await;
        if let Some(url) = queue.signed_urls.remove(&number) {
            return Ok(url);
        }
        let next = queue.pending.iter().copied().filter(|next| !queue.signed_urls.contains_key(next));
        let numbers: Vec<u32> = [number].into_iter().chain(next).take(self.sign_batch).collect();
        let MultipartUpload { video_key, upload_id, .. } = self.upload;
        let sign = || self.client.sign_parts(video_key, upload_id, &numbers);
        for part in with_retries(RetryPolicy::Background, sign).await? {
            let expected_bytes = self.upload.range(part.part_number).map(|range| range.end - range.start);
            if expected_bytes != Some(part.size_bytes) {
                return Err(unexpected_parts());
            }
            queue.signed_urls.insert(part.part_number, part.url);
        }
        queue.signed_urls.remove(&number).ok_or_else(unexpected_parts)
    }

    /// Confirms parts as they arrive.
    async fn confirm_parts(&self, mut uploaded: mpsc::UnboundedReceiver<UploadedPart>) -> Result<(), Error> {
        let MultipartUpload { video_key, upload_id, .. } = self.upload;
        let mut parts = Vec::new();
        while uploaded.recv_many(&mut parts, CONFIRM_MAX_PARTS).await > 0 {
            let confirm = || self.client.confirm_parts(video_key, upload_id, &parts);
            with_retries(RetryPolicy::Background, confirm).await?;
            parts.clear();
        }
        Ok(())
    }
}

fn unexpected_parts() -> Error {
    Error::UnexpectedResponse {
        call: "POST api/videos/multipart/{id}/parts".to_owned(),
        reason: "it does not name the parts that were requested".to_owned(),
    }
}

/// The most parts that the API signs in one call.
const SIGN_MAX_PARTS: usize = 100;
/// The most parts that the API confirms in one call.
const CONFIRM_MAX_PARTS: usize = 1_000;
/// How often an upload is completed whose parts turn out to be missing.
const COMPLETE_MAX_ATTEMPTS: u32 = 3;
