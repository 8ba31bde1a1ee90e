//! Everything that an attempt does outside of itself, as a trait, and its production implementation.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::output_media::OutputMedia;
use reel_core::wire::gpu_worker::{
    ClaimResponse, CompleteReport, ErrorReport, PresignedPut, ProgressReport, RunInput,
};
use tokio_util::sync::CancellationToken;

use super::callback_client::{AttemptStatus, CallError, CallbackClient};
use super::context::AttemptContext;
use super::log::HumanBytes;
use super::partial_video::PartialVideo;
use super::progress::ProgressReporter;
use super::transfer::{DownloadSource, TransferClient, TransferError};
use crate::render::{self, CancelFlag, OutputFiles, RenderError, RenderOutput, RenderRequest, RenderedVideo};

/// The API, storage and the renderer, as an attempt uses them.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Claims the attempt and gets fresh URLs.
    fn claim(
        &self,
        runpod_job_id: Option<&str>,
    ) -> impl Future<Output = Result<ClaimResponse, CallError>> + Send;

    /// Reports progress, once; a lost report does no harm.
    fn progress(&self, report: &ProgressReport) -> impl Future<Output = AttemptStatus> + Send;

    /// Reports that the output was uploaded.
    fn complete(&self, report: &CompleteReport) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Reports that the attempt failed.
    fn error(&self, report: &ErrorReport) -> impl Future<Output = Result<(), CallError>> + Send;

    /// The size of a video in storage, when storage tells it.
    fn size(&self, url: &str) -> impl Future<Output = Option<u64>> + Send;

    /// Downloads a video into a new file; returns its size. `on_bytes` gets the bytes so far, and the
    /// size when storage sends it.
    fn download(
        &self,
        source: &DownloadSource,
        file: &Path,
        on_bytes: impl FnMut(u64, Option<u64>) + Send,
    ) -> impl Future<Output = Result<u64, TransferError>> + Send;

    /// Downloads what has not arrived of one part of a video. `on_bytes` gets how many bytes have come with
    /// each piece.
    fn download_part(
        &self,
        source: &DownloadSource,
        video: &mut PartialVideo,
        part: Range<u64>,
        on_bytes: impl FnMut(u64) + Send,
    ) -> impl Future<Output = Result<(), TransferError>> + Send;

    /// Uploads the video of an output. `on_bytes` gets the bytes so far and the size.
    fn upload_output(
        &self,
        target: &PresignedPut,
        file: &Path,
        on_bytes: impl Fn(u64, u64) + Send + Sync,
    ) -> impl Future<Output = Result<(), TransferError>> + Send;

    /// Uploads a poster or a filmstrip.
    fn upload_picture(
        &self,
        target: &PresignedPut,
        file: &Path,
    ) -> impl Future<Output = Result<(), TransferError>> + Send;

    /// Renders. After `stop` is cancelled it returns an error within a second, when no process of the render is
    /// left.
    fn render(
        &self,
        job: RenderJob,
        progress: &ProgressReporter,
        stop: &CancellationToken,
    ) -> impl Future<Output = Result<Rendered, RenderError>> + Send;

    /// Called each time the attempt gets further, before the progress is reported.
    fn on_progress(&self, _percent: f64) {}
}

/// One render: an edit and the files of the attempt.
#[derive(Clone, Debug)]
pub(crate) struct RenderJob {
    pub edit: Edit,
    /// The downloaded videos by key; the first is the job's own input.
    pub inputs: Vec<(ObjectKey, PathBuf)>,
    pub output: OutputFiles,
    /// The edit's renditions, in their order.
    pub renditions: Vec<OutputFiles>,
    /// Where to write a filmstrip, when one is wanted.
    pub filmstrip: Option<PathBuf>,
}

/// What was read from the finished files, where that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendered {
    pub main: Option<OutputMedia>,
    /// In the order of the edit; may be fewer.
    pub renditions: Vec<Option<OutputMedia>>,
    /// `None` when there is no filmstrip.
    pub filmstrip: Option<FilmstripLayout>,
}

/// Calls the API and storage over HTTP, and renders on this machine.
#[derive(Clone)]
pub(crate) struct WorkerBackend {
    context: AttemptContext,
    callbacks: CallbackClient,
    transfers: TransferClient,
    /// What the log calls the attempt.
    id: String,
}

impl WorkerBackend {
    pub(crate) fn new(context: &AttemptContext, id: &str, input: &RunInput) -> Self {
        Self {
            context: context.clone(),
            callbacks: CallbackClient::new(context, id, input),
            transfers: TransferClient::new(context),
            id: id.to_owned(),
        }
    }

    fn log_output(&self, output: &RenderOutput, took: Duration) {
        let (log, took) = (self.context.log, took.as_secs_f64());
        for video in std::iter::once(&output.main).chain(&output.renditions) {
            let RenderedVideo { frames, width, height, bytes, poster, .. } = video;
            let size = HumanBytes(*bytes);
            log.job(&self.id, format_args!("rendered {frames} frames, {width}x{height}, {size}"));
            if let Some(Err(error)) = poster {
                log.job(&self.id, error);
            }
        }
        if let Some(Err(error)) = &output.filmstrip {
            log.job(&self.id, error);
        }
        log.job(&self.id, format_args!("the render took {took:.1} s"));
    }
}

impl Backend for WorkerBackend {
    async fn claim(&self, runpod_job_id: Option<&str>) -> Result<ClaimResponse, CallError> {
        self.callbacks.claim(runpod_job_id).await
    }

    async fn progress(&self, report: &ProgressReport) -> AttemptStatus {
        self.callbacks.progress(report).await
    }

    async fn complete(&self, report: &CompleteReport) -> Result<(), CallError> {
        self.callbacks.complete(report).await
    }

    async fn error(&self, report: &ErrorReport) -> Result<(), CallError> {
        self.callbacks.error(report).await
    }

    async fn size(&self, url: &str) -> Option<u64> {
        self.transfers.size(url).await
    }

    async fn download(
        &self,
        source: &DownloadSource,
        file: &Path,
        on_bytes: impl FnMut(u64, Option<u64>) + Send,
    ) -> Result<u64, TransferError> {
        self.transfers.download(source, file, on_bytes).await
    }

    async fn download_part(
        &self,
        source: &DownloadSource,
        video: &mut PartialVideo,
        part: Range<u64>,
        on_bytes: impl FnMut(u64) + Send,
    ) -> Result<(), TransferError> {
        self.transfers.download_part(source, video, part, on_bytes).await
    }

    async fn upload_output(
        &self,
        target: &PresignedPut,
        file: &Path,
        on_bytes: impl Fn(u64, u64) + Send + Sync,
    ) -> Result<(), TransferError> {
        self.transfers.upload(target, file, on_bytes).await
    }

    async fn upload_picture(&self, target: &PresignedPut, file: &Path) -> Result<(), TransferError> {
        self.transfers.upload(target, file, |_, _| ()).await
    }

    async fn render(
        &self,
        job: RenderJob,
        progress: &ProgressReporter,
        stop: &CancellationToken,
    ) -> Result<Rendered, RenderError> {
        let started_at = tokio::time::Instant::now();
        let cancel = CancelFlag::default();
        let mut rendering = tokio::task::spawn_blocking({
            let (cancel, progress) = (cancel.clone(), progress.clone());
            move || render_on_this_thread(&job, &progress, &cancel)
        });
        let rendered = tokio::select! {
            rendered = &mut rendering => rendered,
            () = stop.cancelled() => {
                cancel.cancel();
                // ffmpeg must be gone before its directory is removed.
                rendering.await
            }
        };
        let result = rendered.unwrap_or_else(|_| {
            let message = "The renderer crashed on this video. Try the export again.".to_owned();
            Err(RenderError { code: ErrorCode::GpuError, message })
        });
        if result.is_err() {
            // A terminal sends Ctrl-C to ffmpeg, too. The stop that follows must win over its error.
            let _ = tokio::time::timeout(STOP_GRACE, stop.cancelled()).await;
        }
        let output = result?;
        self.log_output(&output, started_at.elapsed());
        Ok(Rendered {
            main: output.main.media(),
            renditions: output.renditions.iter().map(RenderedVideo::media).collect(),
            filmstrip: output.filmstrip.and_then(Result::ok),
        })
    }
}

fn render_on_this_thread(
    job: &RenderJob,
    progress: &ProgressReporter,
    cancel: &CancelFlag,
) -> Result<RenderOutput, RenderError> {
    let request = RenderRequest {
        edit: &job.edit,
        input: job.inputs.first().map_or(Path::new(""), |(_, file)| file),
        inputs_by_key: &job.inputs,
        output: &job.output,
        renditions: &job.renditions,
        filmstrip: job.filmstrip.as_deref(),
    };
    render::render(&request, &mut |update| progress.report_frames(update), cancel)
}

/// How long a failed render waits for a stop.
const STOP_GRACE: Duration = Duration::from_millis(250);
