//! The seam where faults of the worker are injected: the production backend, wrapped.
//!
//! Invariant: without faults every call reaches the wrapped backend unchanged.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::{ClaimResponse, CompleteReport, ErrorReport, PresignedPut, ProgressReport};
use tokio_util::sync::CancellationToken;

use super::worker::{ProgressFault, WorkerFaults};
use crate::attempt::{
    AttemptStatus, Backend, CallError, DownloadSource, PartialVideo, ProgressReporter, RenderJob, Rendered,
    TransferError, WorkerBackend, progress_report, ratio,
};
use crate::render::RenderError;

/// A backend that fails as the script says; clones share its state.
#[derive(Clone)]
pub struct FaultyBackend {
    inner: WorkerBackend,
    faults: Arc<WorkerFaults>,
    /// Stops the attempt when the worker fails.
    stop: CancellationToken,
    failure: Arc<OnceLock<WorkerFailure>>,
    /// The progress report before the current one.
    previous: Arc<Mutex<Option<ProgressReport>>>,
}

/// How a worker fails at a scripted progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerFailure {
    /// It dies.
    Crash,
    /// It does nothing more and sends nothing more.
    Hang,
}

impl FaultyBackend {
    /// `stop` is the attempt's own stop.
    pub fn new(inner: WorkerBackend, faults: WorkerFaults, stop: CancellationToken) -> Self {
        Self { inner, faults: Arc::new(faults), stop, failure: Arc::default(), previous: Arc::default() }
    }

    /// How the worker has failed, if it has.
    pub fn failure(&self) -> Option<WorkerFailure> {
        self.failure.get().copied()
    }

    /// Takes the time of a render, reports progress, and copies the input to the output.
    async fn fake_render(
        &self,
        duration: Duration,
        job: &RenderJob,
        progress: &ProgressReporter,
        stop: &CancellationToken,
    ) -> Result<Rendered, RenderError> {
        let steps = u32::try_from(duration.as_millis() / FAKE_STEP_MS).unwrap_or(u32::MAX).max(1);
        for step in 0..=steps {
            let share = ratio(step.into(), steps.into());
            progress.report(WorkerStage::Rendering, 10.0 + 80.0 * share, "Pretending to render");
            let pause = tokio::time::sleep(duration / steps.saturating_add(1));
            if stop.run_until_cancelled(pause).await.is_none() {
                return Err(scripted_error(ErrorCode::Cancelled, "The render was stopped."));
            }
        }
        let input = job.inputs.first().map_or(Path::new(""), |(_, file)| file);
        for output in std::iter::once(&job.output).chain(&job.renditions) {
            tokio::fs::copy(input, &output.video).await.map_err(|error| {
                scripted_error(ErrorCode::GpuError, format!("The fake render could not be written: {error}."))
            })?;
        }
        Ok(Rendered::default())
    }
}

impl Backend for FaultyBackend {
    async fn claim(&self, runpod_job_id: Option<&str>) -> Result<ClaimResponse, CallError> {
        self.inner.claim(runpod_job_id).await
    }

    async fn progress(&self, report: &ProgressReport) -> AttemptStatus {
        if self.failure().is_some() || self.faults.progress == ProgressFault::Silent {
            return AttemptStatus::Current;
        }
        let previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner).replace(report.clone());
        let status = self.inner.progress(report).await;
        if let (AttemptStatus::Current, ProgressFault::Shuffled, Some(previous)) =
            (status, self.faults.progress, previous)
        {
            self.inner.progress(&previous).await;
        }
        status
    }

    async fn complete(&self, report: &CompleteReport) -> Result<(), CallError> {
        if self.faults.lose_complete {
            return Ok(());
        }
        self.inner.complete(report).await?;
        for _ in 0..self.faults.extra_completes {
            let _ = self.inner.complete(report).await;
        }
        if self.faults.progress_after_complete {
            let late = progress_report(WorkerStage::Rendering, 50.0, "Rendering, in a late report");
            self.inner.progress(&late).await;
        }
        Ok(())
    }

    async fn error(&self, report: &ErrorReport) -> Result<(), CallError> {
        if self.faults.lose_error { Ok(()) } else { self.inner.error(report).await }
    }

    async fn size(&self, url: &str) -> Option<u64> {
        self.inner.size(url).await
    }

    async fn download(
        &self,
        source: &DownloadSource,
        file: &Path,
        on_bytes: impl FnMut(u64, Option<u64>) + Send,
    ) -> Result<u64, TransferError> {
        self.inner.download(source, file, on_bytes).await
    }

    async fn download_part(
        &self,
        source: &DownloadSource,
        video: &mut PartialVideo,
        part: Range<u64>,
        on_bytes: impl FnMut(u64) + Send,
    ) -> Result<(), TransferError> {
        self.inner.download_part(source, video, part, on_bytes).await
    }

    async fn upload_output(
        &self,
        target: &PresignedPut,
        file: &Path,
        on_bytes: impl Fn(u64, u64) + Send + Sync,
    ) -> Result<(), TransferError> {
        if self.faults.skip_upload {
            return Ok(());
        }
        if let Some(share) = self.faults.truncate_upload {
            truncate(file, share).await?;
        }
        self.inner.upload_output(target, file, on_bytes).await
    }

    async fn upload_picture(&self, target: &PresignedPut, file: &Path) -> Result<(), TransferError> {
        if self.faults.skip_upload {
            return Err(TransferError::Unreachable);
        }
        let mut target = target.clone();
        if self.faults.refused_poster {
            "image/of-another-kind".clone_into(&mut target.content_type);
        }
        self.inner.upload_picture(&target, file).await
    }

    async fn render(
        &self,
        job: RenderJob,
        progress: &ProgressReporter,
        stop: &CancellationToken,
    ) -> Result<Rendered, RenderError> {
        if let Some((code, sentence)) = &self.faults.fail {
            return Err(scripted_error(*code, sentence));
        }
        match self.faults.fake_render {
            Some(duration) => self.fake_render(duration, &job, progress, stop).await,
            None => self.inner.render(job, progress, stop).await,
        }
    }

    fn on_progress(&self, percent: f64) {
        let reached = |mark: Option<f64>| mark.is_some_and(|mark| percent >= mark);
        let failure = if reached(self.faults.crash_at) {
            WorkerFailure::Crash
        } else if reached(self.faults.hang_at) {
            WorkerFailure::Hang
        } else {
            return;
        };
        // Only the first failure counts.
        let _ = self.failure.set(failure);
        self.stop.cancel();
    }
}

async fn truncate(file: &Path, share: f64) -> std::io::Result<()> {
    let file = tokio::fs::File::options().write(true).open(file).await?;
    let size = file.metadata().await?.len();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size")]
    #[expect(clippy::cast_precision_loss, reason = "a share of a size")]
    file.set_len((size as f64 * share) as u64).await
}

fn scripted_error(code: ErrorCode, message: impl Into<String>) -> RenderError {
    RenderError { code, message: message.into() }
}

const FAKE_STEP_MS: u128 = 25;
