//! The last part of an attempt: everything that was made, from the scratch directory to storage.
//!
//! The main output goes last, so that whoever finds it finds all.
//!
//! Invariant: a poster or filmstrip never costs a video. One that was not made or not stored is left out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::{
    ClaimResponse, CompleteReport, FilmstripReport, PresignedPut, RenditionReport,
};

use super::backend::{Backend, RenderJob, Rendered};
use super::progress::{ProgressReporter, ratio};
use super::run::{Attempt, AttemptFailure, reportable};
use super::transfer::TransferError;
use crate::render::OutputFiles;

/// The files that a render writes.
pub(super) struct PutFiles {
    main: OutputFiles,
    renditions: Vec<OutputFiles>,
    filmstrip: Option<PathBuf>,
}

impl PutFiles {
    pub(super) fn of(job: &RenderJob) -> Self {
        let RenderJob { output, renditions, filmstrip, .. } = job.clone();
        Self { main: output, renditions, filmstrip }
    }

    fn videos(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.main).chain(&self.renditions).map(|files| files.video.as_path())
    }
}

/// How much of all videos is stored, for the progress bar.
struct StoredShare<'a> {
    progress: &'a ProgressReporter,
    total_bytes: u64,
    /// Of the videos that are stored.
    done_bytes: AtomicU64,
}

impl StoredShare<'_> {
    fn report(&self, sent_bytes: u64) {
        let sent = self.done_bytes.load(Ordering::Relaxed) + sent_bytes;
        let percent = 90.0 + 9.0 * ratio(sent, self.total_bytes);
        self.progress.report(WorkerStage::Uploading, percent, "Uploading result");
    }
}

impl<B: Backend> Attempt<B> {
    /// Uploads what was rendered; returns the report of it.
    pub(super) async fn upload(
        &self,
        grant: &ClaimResponse,
        files: &PutFiles,
        rendered: Rendered,
        progress: &ProgressReporter,
    ) -> Result<CompleteReport, AttemptFailure> {
        let mut total_bytes = 0;
        for video in files.videos() {
            total_bytes += self.file_bytes(video).await?;
        }
        let progress = StoredShare { progress, total_bytes, done_bytes: AtomicU64::new(0) };
        progress.report(0);
        let mut outputs = Vec::with_capacity(grant.outputs.len());
        let mut media = rendered.renditions.into_iter();
        for (target, files) in grant.outputs.iter().zip(&files.renditions) {
            let poster_key = self.upload_picture(Some(&target.poster), files.poster.as_deref()).await?;
            outputs.push(RenditionReport {
                name: target.name.clone(),
                video_key: target.video.key.clone(),
                bytes: self.upload_video(&target.video, &files.video, &progress).await?,
                poster_key,
                output: media.next().flatten(),
            });
        }
        let sheet = self.upload_picture(grant.filmstrip.as_ref(), files.filmstrip.as_deref()).await?;
        let filmstrip = sheet.zip(rendered.filmstrip).map(|(key, layout)| FilmstripReport { key, layout });
        let poster_key = self.upload_picture(grant.poster.as_ref(), files.main.poster.as_deref()).await?;
        let bytes = self.upload_video(&grant.output, &files.main.video, &progress).await?;
        progress.progress.report(WorkerStage::Uploading, 99.0, "Finishing");
        Ok(CompleteReport {
            output_video_key: grant.output.key.clone(),
            output_bytes: Some(bytes),
            poster_key,
            output: rendered.main,
            outputs,
            filmstrip,
        })
    }

    /// Returns the size of the video.
    async fn upload_video(
        &self,
        target: &PresignedPut,
        file: &Path,
        progress: &StoredShare<'_>,
    ) -> Result<u64, AttemptFailure> {
        let bytes = self.file_bytes(file).await?;
        let on_bytes = |sent, _| progress.report(sent);
        let uploaded = self.or_stopped(self.backend.upload_output(target, file, on_bytes)).await?;
        uploaded.map_err(|error| self.upload_failure(&error))?;
        progress.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(bytes)
    }

    async fn file_bytes(&self, file: &Path) -> Result<u64, AttemptFailure> {
        let file = tokio::fs::metadata(file).await;
        file.map(|file| file.len()).map_err(|error| self.disk_failure(&error))
    }

    /// Uploads a picture, if there is one; returns its key when it is stored.
    async fn upload_picture(
        &self,
        target: Option<&PresignedPut>,
        file: Option<&Path>,
    ) -> Result<Option<String>, AttemptFailure> {
        let Some((target, file)) = target.zip(file) else { return Ok(None) };
        if !tokio::fs::try_exists(file).await.unwrap_or(false) {
            return Ok(None);
        }
        let upload = tokio::time::timeout(PICTURE_TIMEOUT, self.backend.upload_picture(target, file));
        let error = match self.or_stopped(upload).await? {
            Ok(Ok(())) => return Ok(Some(target.key.clone())),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the upload timed out".to_owned(),
        };
        let name = target.key.rsplit('/').next().unwrap_or_default();
        self.log(format_args!("no {name}: {error}"));
        Ok(None)
    }

    fn upload_failure(&self, error: &TransferError) -> AttemptFailure {
        match error {
            TransferError::Rejected(status) => reportable(
                ErrorCode::GpuError,
                format!("Storage refused the finished video (HTTP {status}). Try the export again."),
            ),
            // Only a GET has a condition or a range.
            TransferError::Unreachable | TransferError::Changed | TransferError::NoRanges => reportable(
                ErrorCode::GpuError,
                "The finished video could not be uploaded. Try the export again.".to_owned(),
            ),
            TransferError::Disk(error) => self.disk_failure(error),
        }
    }
}

/// A video must not wait long for its pictures.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(15);
