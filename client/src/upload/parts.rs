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

use super::REFUSALS_MAX;
use super::VideoFile;
use super::meter::Meter;
use super::put::put;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::multipart::{ArrivedPart, CompletedUpload, Upload, UploadState, UploadStatus};
use crate::patience::{Patience, insist};
use crate::secret::CapabilityUrl;

impl Client {
    /// Sends what is missing of `state` from `file`, `parallel` parts at a time, and completes the upload.
    ///
    /// `progress` gets the bytes that are through, beginning with those that were there before. A part
    /// that breaks is sent again after a pause, with a fresh link when the old one is refused; it is
    /// given up when for minutes no part arrives at all. An upload that ends in an error or is dropped can
    /// be taken up again with [`Client::upload_state`].
    pub async fn send_parts(
        &self,
        state: UploadState,
        file: &VideoFile,
        parallel: NonZeroUsize,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<CompletedUpload> {
        let meter = Meter::new(state.arrived_bytes(), progress);
        let (video_key, id) = (state.upload.video_key.clone(), state.upload.upload_id.clone());
        let mut state = state;
        let mut rounds_left = ROUNDS_MAX;
        loop {
            if state.status == UploadStatus::Open {
                if state.upload.size_bytes != file.size_bytes() {
                    return Err(Error::WrongSize {
                        here_bytes: file.size_bytes(),
                        there_bytes: state.upload.size_bytes,
                    });
                }
                Sending::new(self, &state, file, parallel, &meter).run(parallel).await?;
                file.unchanged()?;
            }
            rounds_left -= 1;
            match insist(|| self.complete_upload(&video_key, &id)).await {
                Ok(done) if done.size_bytes != file.size_bytes() => {
                    return Err(Error::WrongSize {
                        here_bytes: file.size_bytes(),
                        there_bytes: done.size_bytes,
                    });
                }
                // The server lost, or the storage refused, parts that were there: what is missing is asked
                // for once more.
                Err(Error::Refused(problem)) if problem.code == "upload_incomplete" && rounds_left > 0 => {
                    state = insist(|| self.upload_state(&video_key, &id)).await?;
                }
                outcome => return outcome,
            }
        }
    }
}

/// One upload on its way.
struct Sending<'u> {
    client: &'u Client,
    upload: &'u Upload,
    file: &'u VideoFile,
    meter: &'u Arc<Meter>,
    links: Mutex<Links>,
    /// Links that are asked for at once.
    batch: usize,
    /// Parts that have arrived in this run: as long as there are more of them, nobody gives up.
    arrivals: AtomicUsize,
}

/// Which parts nobody has begun yet, and the links that were asked for.
struct Links {
    waiting: VecDeque<u32>,
    signed: HashMap<u32, CapabilityUrl>,
}

impl<'u> Sending<'u> {
    fn new(
        client: &'u Client,
        state: &'u UploadState,
        file: &'u VideoFile,
        parallel: NonZeroUsize,
        meter: &'u Arc<Meter>,
    ) -> Self {
        let arrived: HashSet<u32> = state.parts.iter().map(|part| part.part_number).collect();
        let waiting = (1..=state.upload.part_count).filter(|number| !arrived.contains(number)).collect();
        Self {
            client,
            upload: &state.upload,
            file,
            meter,
            links: Mutex::new(Links { waiting, signed: HashMap::new() }),
            batch: parallel.get().saturating_mul(2).min(SIGNED_MAX),
            arrivals: AtomicUsize::new(0),
        }
    }

    /// Sends and confirms until all parts have arrived, or one cannot. What arrived is confirmed in both
    /// cases.
    async fn run(&self, parallel: NonZeroUsize) -> Result<()> {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let sending = async move {
            let lanes = try_join_all((0..parallel.get()).map(|_| self.lane(arrived.clone())));
            // The lanes hold the only ends of the channel now, and let go of them as they end.
            drop(arrived);
            lanes.await.map(drop)
        };
        let mut sending = std::pin::pin!(sending);
        let mut confirming = std::pin::pin!(self.confirm(arrivals));
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
    async fn lane(&self, arrived: mpsc::UnboundedSender<ArrivedPart>) -> Result<()> {
        loop {
            let next = self.links.lock().await.waiting.pop_front();
            let Some(number) = next else { return Ok(()) };
            let part = self.part(number).await?;
            self.arrivals.fetch_add(1, Ordering::Relaxed);
            if arrived.send(part).is_err() {
                // Nobody confirms any more; why, the other side tells.
                return Ok(());
            }
        }
    }

    /// Sends one part until it has arrived.
    async fn part(&self, number: u32) -> Result<ArrivedPart> {
        let Some(range) = self.upload.range(number) else {
            return Err(unknown_part());
        };
        let size_bytes = range.end - range.start;
        let mut patience = Patience::new();
        let mut arrivals = self.arrivals.load(Ordering::Relaxed);
        let (mut refusals, mut failures) = (0, 0);
        let mut link = self.link(number).await?;
        loop {
            let http = &self.client.http;
            let error = match put(http, &link, HeaderMap::new(), self.file, range.clone(), self.meter).await {
                Ok(etag) => {
                    return Ok(ArrivedPart { part_number: number, etag, size_bytes: Some(size_bytes) });
                }
                Err(error) => error,
            };
            if matches!(error, Error::Storage { status: 403, .. }) && refusals < REFUSALS_MAX {
                // It has expired, as after a night with the lid closed.
                refusals += 1;
                link = self.link(number).await?;
                continue;
            }
            let now = self.arrivals.load(Ordering::Relaxed);
            if now > arrivals {
                (arrivals, patience) = (now, Patience::new());
            }
            patience.after(error).await?;
            failures += 1;
            if failures > 1 {
                // A refusal that comes in the middle of a body may be lost with its connection.
                link = self.link(number).await?;
            }
        }
    }

    /// A link for this part that was not used yet; asks for some more when there is none.
    async fn link(&self, number: u32) -> Result<CapabilityUrl> {
        let mut links = self.links.lock().await;
        if let Some(link) = links.signed.remove(&number) {
            return Ok(link);
        }
        let soon = links.waiting.iter().copied().filter(|soon| !links.signed.contains_key(soon));
        let numbers: Vec<u32> = [number].into_iter().chain(soon).take(self.batch).collect();
        let Upload { video_key, upload_id, .. } = self.upload;
        let signed = insist(|| self.client.sign_parts(video_key, upload_id, &numbers)).await?;
        for part in signed {
            let expected_bytes = self.upload.range(part.part_number).map(|range| range.end - range.start);
            if expected_bytes != Some(part.size_bytes) {
                return Err(unknown_part());
            }
            links.signed.insert(part.part_number, part.url);
        }
        links.signed.remove(&number).ok_or_else(unknown_part)
    }

    /// Confirms parts as they arrive.
    async fn confirm(&self, mut arrivals: mpsc::UnboundedReceiver<ArrivedPart>) -> Result<()> {
        let Upload { video_key, upload_id, .. } = self.upload;
        let mut parts = Vec::new();
        while arrivals.recv_many(&mut parts, CONFIRMED_MAX).await > 0 {
            insist(|| self.client.confirm_parts(video_key, upload_id, &parts)).await?;
            parts.clear();
        }
        Ok(())
    }
}

fn unknown_part() -> Error {
    Error::BadAnswer {
        call: "POST api/videos/multipart/{id}/parts".to_owned(),
        reason: "it names other parts than were asked for".to_owned(),
    }
}

/// What the API signs at once.
const SIGNED_MAX: usize = 100;
/// What the API confirms at once.
const CONFIRMED_MAX: usize = 1_000;
/// How often an upload whose parts are all sent may turn out to lack some.
const ROUNDS_MAX: u32 = 3;
