//! The first part of an attempt: the videos of the edit, from storage to the scratch folder.
//!
//! Invariant: they are fetched on the attempt's own task, so nothing is written any more once the
//! attempt is given up.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use reel_core::base::object_key::ObjectKey;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ClaimResponse;

use super::Attempt;
use super::Failure;
use super::Size;
use super::told;
use crate::serve::progress::{Voice, ratio};
use crate::serve::scratch::JobScratch;
use crate::serve::transfer::{self, TransferError};

/// A video to fetch, and where it goes.
pub(super) struct Video {
    pub key: ObjectKey,
    pub url: String,
    pub file: PathBuf,
}

/// The videos of a grant, the job's own input first.
pub(super) fn videos(
    grant: &ClaimResponse,
    input_key: &str,
    folder: &JobScratch,
) -> Result<Vec<Video>, Failure> {
    let only = [(input_key, &grant.input_url)];
    let several = grant.inputs.iter().map(|input| (input.video_key.as_str(), &input.url));
    let granted = several.chain(only.into_iter().filter(|_| grant.inputs.is_empty()));
    let video = |(index, (key, url)): (usize, (&str, &String))| {
        let Ok(key) = ObjectKey::parse_video(key) else {
            let sentence = "The API named a video by a key that is not one of its own; try the export again.";
            return Err(told(ErrorCode::GpuError, sentence.to_owned()));
        };
        Ok(Video { key, url: url.clone(), file: folder.file(&format!("input-{index}")) })
    };
    granted.enumerate().map(video).collect()
}

impl Attempt {
    /// Fetches every video of the edit, a few at a time.
    pub(super) async fn fetch(&self, videos: &[Video], voice: &Voice) -> Result<(), Failure> {
        voice.say(WorkerStage::Downloading, 1.0, "Downloading video");
        let total_videos = videos.len() as u64;
        let message = if total_videos > 1 {
            format!("Downloading {total_videos} videos")
        } else {
            "Downloading video".into()
        };
        // Sizes are told one by one, so each video counts the same.
        let shares = Mutex::new(vec![0.0; videos.len()]);
        let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        // On this task, so that nothing is written any more once the download is given up.
        let lane = || async {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(video) = videos.get(index) else { return Ok(()) };
                let on_bytes = |have: u64, total: Option<u64>| {
                    let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
                    if let (Some(share), Some(total)) = (shares.get_mut(index), total) {
                        *share = ratio(have, total);
                    }
                    let share = shares.iter().sum::<f64>() * ratio(1, total_videos);
                    voice.say(WorkerStage::Downloading, 1.0 + 9.0 * share, &message);
                };
                let arrived = transfer::download(
                    &self.shop.client,
                    &video.url,
                    &video.file,
                    &self.shop.timing,
                    on_bytes,
                );
                let arrived = arrived.await.map_err(|error| self.download_failed(&error, videos, video))?;
                bytes.fetch_add(arrived, Ordering::Relaxed);
            }
        };
        let lanes = async { tokio::try_join!(lane(), lane(), lane(), lane()) };
        self.unless_halted(lanes).await??;
        self.say(format_args!("downloaded {}", Size(bytes.into_inner())));
        Ok(())
    }

    fn download_failed(&self, error: &TransferError, videos: &[Video], video: &Video) -> Failure {
        let which =
            if videos.len() > 1 { format!("video {}", video.key) } else { "uploaded video".to_owned() };
        match error {
            TransferError::Refused(404 | 410) => told(
                ErrorCode::InvalidInput,
                format!("The {which} is no longer in storage; upload it again."),
            ),
            TransferError::Refused(status) => told(
                ErrorCode::GpuError,
                format!("Storage refused to hand out the {which} (HTTP {status}); try the export again."),
            ),
            TransferError::Unreachable => told(
                ErrorCode::GpuError,
                format!("The {which} could not be fetched from storage; try the export again."),
            ),
            TransferError::Disk(error) => self.disk_failed(error),
        }
    }
}
