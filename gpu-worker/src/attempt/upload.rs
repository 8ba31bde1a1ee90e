//! The last part of an attempt: the poster and the output, from the scratch directory to storage.
//!
//! The poster goes first, so that whoever finds the output finds both.
//!
//! Invariant: the poster never costs the output. One that was not made or not stored is left out.

use std::time::Duration;

use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::job::output_media::OutputMedia;
use reel_core::wire::gpu_worker::{ClaimResponse, CompleteReport, PresignedPut};

use super::backend::Backend;
use super::progress::{ProgressReporter, ratio};
use super::run::{Attempt, AttemptFailure, OUTPUT_FILE, POSTER_FILE, reportable};
use super::scratch::JobScratch;
use super::transfer::TransferError;

impl<B: Backend> Attempt<B> {
    /// Uploads what was rendered; returns the report of it.
    pub(super) async fn upload(
        &self,
        grant: &ClaimResponse,
        scratch: &JobScratch,
        media: Option<OutputMedia>,
        progress: &ProgressReporter,
    ) -> Result<CompleteReport, AttemptFailure> {
        progress.report(WorkerStage::Uploading, 90.0, "Uploading result");
        let file = scratch.file(OUTPUT_FILE);
        let size = tokio::fs::metadata(&file).await.map_err(|error| self.disk_failure(&error))?.len();
        let poster_key = match &grant.poster {
            Some(target) => self.upload_poster(target, scratch).await?,
            None => None,
        };
        let on_bytes = |sent, total| {
            progress.report(WorkerStage::Uploading, 90.0 + 9.0 * ratio(sent, total), "Uploading result");
        };
        let uploaded = self.or_stopped(self.backend.upload_output(&grant.output, &file, on_bytes)).await?;
        uploaded.map_err(|error| self.upload_failure(&error))?;
        progress.report(WorkerStage::Uploading, 99.0, "Finishing");
        let output_video_key = grant.output.key.clone();
        Ok(CompleteReport {
            output_video_key,
            output_bytes: Some(size),
            poster_key,
            output: media,
            outputs: Vec::new(),
            filmstrip: None,
        })
    }

    /// Uploads the poster, if there is one; returns its key when it is stored.
    async fn upload_poster(
        &self,
        target: &PresignedPut,
        scratch: &JobScratch,
    ) -> Result<Option<String>, AttemptFailure> {
        let file = scratch.file(POSTER_FILE);
        if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
            return Ok(None);
        }
        let upload = tokio::time::timeout(POSTER_TIMEOUT, self.backend.upload_poster(target, &file));
        let error = match self.or_stopped(upload).await? {
            Ok(Ok(())) => return Ok(Some(target.key.clone())),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the upload timed out".to_owned(),
        };
        self.log(format_args!("no poster: {error}"));
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

/// The output must not wait long for its poster.
const POSTER_TIMEOUT: Duration = Duration::from_secs(15);
