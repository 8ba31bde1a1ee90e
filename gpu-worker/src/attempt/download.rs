//! The first part of an attempt: the videos of the edit, from storage to the scratch directory.
//!
//! Invariant: the downloads run on the attempt's own task, so nothing is written any more once the
//! attempt is stopped.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::edit::Edit;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ClaimResponse;

use super::backend::Backend;
use super::excerpt::{self, Excerpt};
use super::log::HumanBytes;
use super::progress::{ProgressReporter, ratio};
use super::run::{Attempt, AttemptFailure, reportable};
use super::scratch::JobScratch;
use super::transfer::{DownloadSource, TransferError};

/// A video to download, and where it goes.
pub(super) struct InputVideo {
    pub key: ObjectKey,
    pub source: DownloadSource,
    pub file: PathBuf,
}

/// The videos of a grant, the job's own input first.
pub(super) fn input_videos(
    grant: &ClaimResponse,
    input_key: &str,
    scratch: &JobScratch,
) -> Result<Vec<InputVideo>, AttemptFailure> {
    let single = [(input_key, &grant.input_url, &grant.input_version)];
    let several = grant.inputs.iter().map(|input| (input.video_key.as_str(), &input.url, &input.version));
    let granted = several.chain(single.into_iter().filter(|_| grant.inputs.is_empty()));
    let video = |(index, (key, url, version)): (usize, (&str, &String, &Option<ObjectVersion>))| {
        let Ok(key) = ObjectKey::parse_video(key) else {
            let message = "The API sent an invalid video key. Try the export again.".to_owned();
            return Err(reportable(ErrorCode::GpuError, message));
        };
        let source = DownloadSource { url: url.clone(), version: version.clone() };
        Ok(InputVideo { key, source, file: scratch.file(&format!("input-{index}")) })
    };
    granted.enumerate().map(video).collect()
}

impl<B: Backend> Attempt<B> {
    /// For each video the parts of it that the edit shows; `None` for those that are downloaded whole.
    pub(super) async fn plan_excerpts(
        &self,
        edit: &Edit,
        videos: &[InputVideo],
    ) -> Result<Vec<Option<Excerpt>>, AttemptFailure> {
        let mut excerpts = Vec::with_capacity(videos.len());
        for (index, video) in videos.iter().enumerate() {
            let planned = excerpt::plan(&self.backend, edit, video, index == 0);
            let planned = self.or_stopped(planned).await?;
            excerpts.push(planned.map_err(|error| self.download_failure(&error, videos, video))?);
        }
        Ok(excerpts)
    }

    /// Refuses videos that do not fit on the disk together, before any film is paid for.
    pub(super) async fn check_space(
        &self,
        videos: &[InputVideo],
        excerpts: &[Option<Excerpt>],
        scratch: &JobScratch,
    ) -> Result<(), AttemptFailure> {
        let mut needed = RESERVED_BYTES;
        for (video, excerpt) in videos.iter().zip(excerpts) {
            let size = match (excerpt, &video.source.version) {
                (Some(excerpt), _) => Some(excerpt.bytes()),
                (None, Some(version)) => Some(version.bytes),
                // One video is not worth a request: the disk itself refuses it.
                (None, None) if videos.len() == 1 => None,
                (None, None) => self.or_stopped(self.backend.size(&video.source.url)).await?,
            };
            needed = needed.saturating_add(size.unwrap_or_default());
        }
        let free = scratch.free_bytes().map_err(|error| self.disk_failure(&error))?;
        if needed <= free {
            return Ok(());
        }
        self.log(format_args!("{} of videos, {} free", HumanBytes(needed), HumanBytes(free)));
        let code = ErrorCode::InputsTooLarge;
        Err(reportable(code, code.default_message().to_owned()))
    }

    /// Downloads what is needed of every video of the edit, four at a time.
    pub(super) async fn download(
        &self,
        videos: &[InputVideo],
        excerpts: Vec<Option<Excerpt>>,
        progress: &ProgressReporter,
    ) -> Result<(), AttemptFailure> {
        progress.report(WorkerStage::Downloading, 1.0, "Downloading video");
        let total_videos = videos.len() as u64;
        let message = if total_videos > 1 {
            format!("Downloading {total_videos} videos")
        } else {
            "Downloading video".into()
        };
        // Sizes become known one by one, so each video counts the same.
        let shares = Mutex::new(vec![0.0; videos.len()]);
        let left = Mutex::new(videos.iter().zip(excerpts).enumerate());
        let bytes = AtomicU64::new(0);
        let worker = || async {
            loop {
                let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, (video, excerpt))) = next else { return Ok(()) };
                let on_bytes = |so_far: u64, total: Option<u64>| {
                    let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
                    if let (Some(share), Some(total)) = (shares.get_mut(index), total) {
                        *share = ratio(so_far, total);
                    }
                    let share = shares.iter().sum::<f64>() * ratio(1, total_videos);
                    progress.report(WorkerStage::Downloading, 1.0 + 9.0 * share, &message);
                };
                let downloaded = match excerpt {
                    Some(excerpt) => self.download_excerpt(video, excerpt, on_bytes).await,
                    None => self.backend.download(&video.source, &video.file, on_bytes).await,
                };
                let size = downloaded.map_err(|error| self.download_failure(&error, videos, video))?;
                bytes.fetch_add(size, Ordering::Relaxed);
            }
        };
        let workers = async { tokio::try_join!(worker(), worker(), worker(), worker()) };
        self.or_stopped(workers).await??;
        self.log(format_args!("downloaded {}", HumanBytes(bytes.into_inner())));
        Ok(())
    }

    /// Downloads the parts of a film one after the other; returns how many bytes they have.
    async fn download_excerpt(
        &self,
        video: &InputVideo,
        Excerpt { video: mut partial, parts }: Excerpt,
        on_bytes: impl Fn(u64, Option<u64>) + Send + Sync,
    ) -> Result<u64, TransferError> {
        let total = parts.iter().map(|part| part.end - part.start).sum();
        let mut so_far = 0;
        for part in parts {
            // Some of it came with the index.
            let mut done = so_far + partial.missing_from(&part) - part.start;
            so_far += part.end - part.start;
            let on_piece = |bytes| {
                done += bytes;
                on_bytes(done, Some(total));
            };
            self.backend.download_part(&video.source, &mut partial, part, on_piece).await?;
        }
        let whole = HumanBytes(partial.bytes());
        self.log(format_args!("{} of a film of {whole} are shown", HumanBytes(total)));
        Ok(total)
    }

    fn download_failure(
        &self,
        error: &TransferError,
        videos: &[InputVideo],
        video: &InputVideo,
    ) -> AttemptFailure {
        let which =
            if videos.len() > 1 { format!("video {}", video.key) } else { "uploaded video".to_owned() };
        match error {
            TransferError::Changed => {
                let code = ErrorCode::InputChanged;
                reportable(
                    code,
                    format!(
                        "The {which} was replaced after the export was created. Create the export again."
                    ),
                )
            }
            TransferError::Rejected(404 | 410) => reportable(
                ErrorCode::InvalidInput,
                format!("The {which} is no longer in storage. Upload it again."),
            ),
            TransferError::Rejected(status) => reportable(
                ErrorCode::GpuError,
                format!("Storage refused the download of the {which} (HTTP {status}). Try the export again."),
            ),
            TransferError::Unreachable | TransferError::NoRanges => reportable(
                ErrorCode::GpuError,
                format!("The {which} could not be downloaded. Try the export again."),
            ),
            TransferError::Disk(error) => self.disk_failure(error),
        }
    }
}

/// For the reel and its poster.
const RESERVED_BYTES: u64 = 256 << 20;
