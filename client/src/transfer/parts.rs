//! Sending a video in parts, side by side, until it is complete.
//!
//! Invariants: a part that the server knows to have arrived is never sent; links are asked for in small batches
//! just before they are used; each part that arrives is confirmed at once, together with those that arrived
//! while the confirmation before was under way.

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
use crate::api::client::Client;
use crate::api::error::{Error, Result};
use crate::api::retry::{RetryBackoff, with_retries};
use crate::api::secret::CapabilityUrl;
use crate::api::uploads::{CompletedUpload, MultipartUpload, UploadResponse, UploadStatus, UploadedPart};

impl Client {
    /// Sends what is missing of `state` from `file`, `parallel` parts at a time, and completes the upload.
    ///
    /// `progress` gets the bytes that are through, beginning with those that were there before. A part
    /// that breaks is sent again after a pause, with a fresh link when the old one is refused; it is
    /// given up when for minutes no part arrives at all. An upload that ends in an error or is dropped can
    /// be taken up again with [`Client::upload_state`].
    pub async fn send_parts(
        &self,
        state: UploadResponse,
        file: &VideoFile,
        parallel: NonZeroUsize,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<CompletedUpload> {
        let meter = UploadProgress::new(state.uploaded_bytes(), progress);
        let (video_key, id) = (state.upload.video_key.clone(), state.upload.upload_id.clone());
        let mut state = state;
        let mut rounds_left = COMPLETE_MAX_ATTEMPTS;
        loop {
            if state.status == UploadStatus::Open {
                if state.upload.size_bytes != file.size_bytes() {
                    return Err(Error::SizeMismatch {
                        file_bytes: file.size_bytes(),
                        upload_bytes: state.upload.size_bytes,
                    });
                }
                PartUploader::new(self, &state, file, parallel, &meter).run(parallel).await?;
                file.require_unchanged()?;
            }
            rounds_left -= 1;
            match with_retries(|| self.complete_upload(&video_key, &id)).await {
                Ok(done) if done.size_bytes != file.size_bytes() => {
                    return Err(Error::SizeMismatch {
                        file_bytes: file.size_bytes(),
                        upload_bytes: done.size_bytes,
                    });
                }
                // The server lost, or the storage refused, parts that were there: what is missing is asked
                // for once more.
                Err(Error::Api(problem)) if problem.code == "upload_incomplete" && rounds_left > 0 => {
                    state = with_retries(|| self.upload_state(&video_key, &id)).await?;
                }
                outcome => return outcome,
            }
        }
    }
}

/// One upload on its way.
struct PartUploader<'u> {
    client: &'u Client,
    upload: &'u MultipartUpload,
    file: &'u VideoFile,
    progress: &'u Arc<UploadProgress>,
    signed_urls: Mutex<SignedUrls>,
    /// Links that are asked for at once.
    sign_batch: usize,
    /// Parts that have arrived in this run: as long as there are more of them, nobody gives up.
    completed_parts: AtomicUsize,
}

/// Which parts nobody has begun yet, and the links that were asked for.
struct SignedUrls {
    pending: VecDeque<u32>,
    urls: HashMap<u32, CapabilityUrl>,
}

impl<'u> PartUploader<'u> {
    fn new(
        client: &'u Client,
        state: &'u UploadResponse,
        file: &'u VideoFile,
        parallel: NonZeroUsize,
        meter: &'u Arc<UploadProgress>,
    ) -> Self {
        let arrived: HashSet<u32> = state.parts.iter().map(|part| part.part_number).collect();
        let waiting = (1..=state.upload.part_count).filter(|number| !arrived.contains(number)).collect();
        Self {
            client,
            upload: &state.upload,
            file,
            progress: meter,
            signed_urls: Mutex::new(SignedUrls { pending: waiting, urls: HashMap::new() }),
            sign_batch: parallel.get().saturating_mul(2).min(SIGN_MAX_PARTS),
            completed_parts: AtomicUsize::new(0),
        }
    }

    /// Sends and confirms until all parts have arrived, or one cannot. What arrived is confirmed in both
    /// cases.
    async fn run(&self, parallel: NonZeroUsize) -> Result<()> {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let sending = async move {
            let lanes = try_join_all((0..parallel.get()).map(|_| self.upload_worker(arrived.clone())));
            // The lanes hold the only ends of the channel now, and let go of them as they end.
            drop(arrived);
            lanes.await.map(drop)
        };
        let mut sending = std::pin::pin!(sending);
        let mut confirming = std::pin::pin!(self.confirm_parts(arrivals));
        tokio::select! {
            sent = &mut sending => {
                // The channel is closed by now, so that this ends as well.
                let confirmed = confirming.await;
                sent.and(confirmed)
            }
            // Before the senders are done, only an error ends it.
            confirmed = &mut confirming => confirmed,
        }
    }

    /// Sends one part after the other.
    async fn upload_worker(&self, arrived: mpsc::UnboundedSender<UploadedPart>) -> Result<()> {
        loop {
            let next = self.signed_urls.lock().await.pending.pop_front();
            let Some(number) = next else { return Ok(()) };
            let part = self.upload_part(number).await?;
            self.completed_parts.fetch_add(1, Ordering::Relaxed);
            if arrived.send(part).is_err() {
                // Nobody confirms any more; why, the other side tells.
                return Ok(());
            }
        }
    }

    /// Sends one part until it has arrived.
    async fn upload_part(&self, number: u32) -> Result<UploadedPart> {
        let Some(range) = self.upload.range(number) else {
            return Err(unexpected_parts());
        };
        let size_bytes = range.end - range.start;
        let mut patience = RetryBackoff::new();
        let mut arrivals = self.completed_parts.load(Ordering::Relaxed);
        let (mut refusals, mut failures) = (0, 0);
        let mut link = self.signed_url(number).await?;
        loop {
            let http = &self.client.http;
            let error =
                match put_range(http, &link, HeaderMap::new(), self.file, range.clone(), self.progress).await
                {
                    Ok(etag) => {
                        return Ok(UploadedPart { part_number: number, etag, size_bytes: Some(size_bytes) });
                    }
                    Err(error) => error,
                };
            if matches!(error, Error::Storage { status: 403, .. }) && refusals < REJECTIONS_MAX {
                // It has expired, as after a night with the lid closed.
                refusals += 1;
                link = self.signed_url(number).await?;
                continue;
            }
            let now = self.completed_parts.load(Ordering::Relaxed);
            if now > arrivals {
                (arrivals, patience) = (now, RetryBackoff::new());
            }
            patience.wait(error).await?;
            failures += 1;
            if failures > 1 {
                // A refusal that comes in the middle of a body may be lost with its connection.
                link = self.signed_url(number).await?;
            }
        }
    }

    /// A link for this part that was not used yet; asks for some more when there is none.
    async fn signed_url(&self, number: u32) -> Result<CapabilityUrl> {
        let mut links = self.signed_urls.lock().await;
        if let Some(link) = links.urls.remove(&number) {
            return Ok(link);
        }
        let soon = links.pending.iter().copied().filter(|soon| !links.urls.contains_key(soon));
        let numbers: Vec<u32> = [number].into_iter().chain(soon).take(self.sign_batch).collect();
        let MultipartUpload { video_key, upload_id, .. } = self.upload;
        let signed = with_retries(|| self.client.sign_parts(video_key, upload_id, &numbers)).await?;
        for part in signed {
            let expected_bytes = self.upload.range(part.part_number).map(|range| range.end - range.start);
            if expected_bytes != Some(part.size_bytes) {
                return Err(unexpected_parts());
            }
            links.urls.insert(part.part_number, part.url);
        }
        links.urls.remove(&number).ok_or_else(unexpected_parts)
    }

    /// Confirms parts as they arrive.
    async fn confirm_parts(&self, mut arrivals: mpsc::UnboundedReceiver<UploadedPart>) -> Result<()> {
        let MultipartUpload { video_key, upload_id, .. } = self.upload;
        let mut parts = Vec::new();
        while arrivals.recv_many(&mut parts, CONFIRM_MAX_PARTS).await > 0 {
            with_retries(|| self.client.confirm_parts(video_key, upload_id, &parts)).await?;
            parts.clear();
        }
        Ok(())
    }
}

fn unexpected_parts() -> Error {
    Error::UnexpectedResponse {
        call: "POST api/videos/multipart/{id}/parts".to_owned(),
        reason: "it names other parts than were asked for".to_owned(),
    }
}

/// What the API signs at once.
const SIGN_MAX_PARTS: usize = 100;
/// What the API confirms at once.
const CONFIRM_MAX_PARTS: usize = 1_000;
/// How often an upload whose parts are all sent may turn out to lack some.
const COMPLETE_MAX_ATTEMPTS: u32 = 3;
