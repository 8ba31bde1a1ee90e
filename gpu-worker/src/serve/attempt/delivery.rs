//! The way of a result into storage: its picture first, so that whoever finds the reel finds both.
//!
//! Invariant: the picture never costs the reel. One that was not made or not taken is left out.

use std::time::Duration;

use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ClaimResponse;
use reel_core::wire::gpu_worker::CompleteReport;
use reel_core::wire::gpu_worker::PresignedPut;

use super::Attempt;
use super::Failure;
use super::OUTPUT_FILE;
use super::POSTER_FILE;
use super::told;
use crate::serve::progress::{Voice, ratio};
use crate::serve::scratch::JobScratch;
use crate::serve::transfer::{self, TransferError};

impl Attempt {
    /// Puts what was rendered, and answers what is to be said of it.
    pub(super) async fn deliver(
        &self,
        grant: &ClaimResponse,
        folder: &JobScratch,
        voice: &Voice,
    ) -> Result<CompleteReport, Failure> {
        voice.say(WorkerStage::Uploading, 90.0, "Uploading result");
        let file = folder.file(OUTPUT_FILE);
        let size = tokio::fs::metadata(&file).await.map_err(|error| self.disk_failed(&error))?.len();
        let mut report = CompleteReport {
            output_video_key: grant.output.key.clone(),
            output_bytes: Some(size),
            poster_key: None,
        };
        if self.misconduct.skip_upload {
            return Ok(report);
        }
        if let Some(put) = &grant.poster {
            report.poster_key = self.put_poster(put, folder).await?;
        }
        if let Some(share) = self.misconduct.truncate_upload {
            let file = tokio::fs::File::options().write(true).open(&file).await;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size")]
            #[expect(clippy::cast_precision_loss, reason = "a share of a size")]
            let kept = (size as f64 * share) as u64;
            let cut = async { file?.set_len(kept).await };
            cut.await.map_err(|error| self.disk_failed(&error))?;
        }
        let on_bytes = |sent, total| {
            voice.say(WorkerStage::Uploading, 90.0 + 9.0 * ratio(sent, total), "Uploading result");
        };
        let (client, timing) = (&self.shop.client, &self.shop.timing);
        let (url, content_type) = (&grant.output.url, &grant.output.content_type);
        let put = transfer::upload(client, url, content_type, &file, timing, on_bytes);
        self.unless_halted(put).await?.map_err(|error| match error {
            TransferError::Refused(status) => told(
                ErrorCode::GpuError,
                format!("Storage refused the finished video (HTTP {status}); try the export again."),
            ),
            TransferError::Unreachable => told(
                ErrorCode::GpuError,
                "The finished video could not be put into storage; try the export again.".to_owned(),
            ),
            TransferError::Disk(error) => self.disk_failed(&error),
        })?;
        voice.say(WorkerStage::Uploading, 99.0, "Finishing");
        Ok(report)
    }

    /// Puts the picture, where there is one; answers its key when storage has taken it.
    async fn put_poster(&self, put: &PresignedPut, folder: &JobScratch) -> Result<Option<String>, Failure> {
        let file = folder.file(POSTER_FILE);
        if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
            return Ok(None);
        }
        let content_type =
            if self.misconduct.refused_poster { "image/of-another-kind" } else { put.content_type.as_str() };
        let (client, timing) = (&self.shop.client, &self.shop.timing);
        let upload = transfer::upload(client, &put.url, content_type, &file, timing, |_, _| ());
        let complaint = match self.unless_halted(tokio::time::timeout(POSTER_PATIENCE, upload)).await? {
            Ok(Ok(())) => return Ok(Some(put.key.clone())),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "storage did not take it in time".to_owned(),
        };
        self.say(format_args!("no poster: {complaint}"));
        Ok(None)
    }
}

/// A reel must not wait long for its picture.
const POSTER_PATIENCE: Duration = Duration::from_secs(15);
