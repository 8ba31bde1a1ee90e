//! The order of an attempt: claim, download, render, upload, report.
//!
//! Invariants: every wait ends when the attempt is stopped, and its work at the deadline that the claim
//! names; ffmpeg is gone and the scratch directory removed before [`Attempt::run`] returns; no call to the
//! API follows the final report; RunPod learns only what [`Attempt::run`] returns.

use std::path::PathBuf;
use std::time::Duration;

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::{ClaimResponse, CompleteReport, ErrorReport, RunInput};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, RenderJob, Rendered, WorkerBackend};
use super::callback_client::CallError;
use super::context::AttemptContext;
use super::download;
use super::progress::{ProgressReporter, ProgressTask};
use super::scratch::JobScratch;
use super::upload::PutFiles;
use crate::render::OutputFiles;

/// Runs one attempt of a job that RunPod handed out, and removes the files of this process. Returns the
/// job's result for RunPod, with a member `error` when it failed.
///
/// `stop` ends it within a second; its files are gone then.
pub async fn run_attempt(
    context: AttemptContext,
    runpod_job_id: Option<&str>,
    input: &str,
    stop: CancellationToken,
) -> Value {
    let input = match parse_input(input) {
        Ok(input) => input,
        Err(result) => return result,
    };
    let scratch = context.scratch.clone();
    let backend = WorkerBackend::new(&context, runpod_job_id.unwrap_or(UNNAMED), &input);
    let result = Attempt::new(context, backend, runpod_job_id, input, stop).run().await;
    // A progress report in flight keeps the context alive, and the directory with it.
    scratch.remove();
    result
}

/// Reads RunPod's `input`; the error is the job's result for RunPod.
pub(crate) fn parse_input(json: &str) -> Result<RunInput, Value> {
    serde_json::from_str(json).map_err(|_| error_result("the input is not a render job of this API"))
}

/// One attempt of one job.
pub(crate) struct Attempt<B> {
    pub(super) context: AttemptContext,
    pub(super) backend: B,
    runpod_job_id: Option<String>,
    input: RunInput,
    stop: CancellationToken,
}

/// Why an attempt has no output.
pub(super) enum AttemptFailure {
    /// Stopped, or another attempt took over: no more calls.
    Stopped,
    /// To be reported to the API and, through it, to a person.
    Reportable(ErrorReport),
    /// The API cannot be reached: only RunPod learns it.
    Unreportable(String),
}

impl<B: Backend> Attempt<B> {
    pub(crate) fn new(
        context: AttemptContext,
        backend: B,
        runpod_job_id: Option<&str>,
        input: RunInput,
        stop: CancellationToken,
    ) -> Self {
        Self { context, backend, runpod_job_id: runpod_job_id.map(str::to_owned), input, stop }
    }

    /// Runs the attempt and reports its end to the API; returns the job's result for RunPod.
    pub(crate) async fn run(self) -> Value {
        let RunInput { job_id, attempt, job_type, .. } = &self.input;
        self.log(format_args!("attempt {attempt} of {job_id}, {}", job_type.as_str()));
        let completed = match self.render_and_upload().await {
            Ok(report) => self.complete(report).await,
            Err(failure) => Err(failure),
        };
        match completed {
            Ok(output_key) => json!({"status": "success", "output_video_key": output_key}),
            Err(AttemptFailure::Reportable(report)) => self.report_error(report).await,
            Err(AttemptFailure::Unreportable(error)) => error_result(&error),
            Err(AttemptFailure::Stopped) => self.stopped_result(),
        }
    }

    /// Everything up to the uploaded output; returns the report of it.
    async fn render_and_upload(&self) -> Result<CompleteReport, AttemptFailure> {
        let claim = self.or_stopped(self.backend.claim(self.runpod_job_id.as_deref())).await?;
        let grant = claim.map_err(|error| self.unreportable(error))?;
        let task = ProgressTask::start(
            self.backend.clone(),
            self.context.timeouts.progress_interval,
            self.stop.clone(),
        );
        let timeout = grant.execution_timeout_ms.map(Duration::from_millis);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let result = Box::pin(self.work(&grant, deadline, task.reporter())).await;
        match result {
            Err(AttemptFailure::Stopped) => task.abort(),
            _ => task.finish().await,
        }
        result
    }

    async fn work(
        &self,
        grant: &ClaimResponse,
        deadline: Option<Instant>,
        progress: &ProgressReporter,
    ) -> Result<CompleteReport, AttemptFailure> {
        let edit = Edit::parse(grant.job_type, grant.params.get()).map_err(|errors| {
            let first = errors.first().map(|error| format!(" {} {}", error.pointer, error.detail));
            let message = format!("The edit cannot be rendered:{}.", first.unwrap_or_default());
            reportable(ErrorCode::InvalidInput, message)
        })?;
        let scratch = self.context.scratch.job(self.id()).map_err(|error| self.disk_failure(&error))?;
        let videos = download::input_videos(grant, &self.input.input_video_key, &scratch)?;
        let fetched = async {
            let excerpts = self.plan_excerpts(&edit, &videos).await?;
            self.check_space(&videos, &excerpts, &scratch).await?;
            self.download(&videos, excerpts, progress).await
        };
        in_time(deadline, fetched).await?;
        let inputs = videos.into_iter().map(|video| (video.key, video.file)).collect();
        let job = render_job(grant, edit, inputs, &scratch)?;
        let files = PutFiles::of(&job);
        let rendered = self.render(job, deadline, progress).await?;
        in_time(deadline, self.upload(grant, &files, rendered, progress)).await
    }

    async fn render(
        &self,
        job: RenderJob,
        deadline: Option<Instant>,
        progress: &ProgressReporter,
    ) -> Result<Rendered, AttemptFailure> {
        progress.report(WorkerStage::Rendering, 10.0, "Rendering");
        // Stopped at the deadline, too: a render that is only forgotten would go on.
        let render_stop = self.stop.child_token();
        let mut rendering = std::pin::pin!(self.backend.render(job, progress, &render_stop));
        let rendered = tokio::select! {
            rendered = &mut rendering => rendered,
            () = passed(deadline) => {
                render_stop.cancel();
                rendering.await
            }
        };
        rendered.map_err(|error| {
            if self.stop.is_cancelled() {
                AttemptFailure::Stopped
            } else if render_stop.is_cancelled() {
                out_of_time()
            } else {
                reportable(error.code, error.message)
            }
        })
    }

    /// Returns the key of the output.
    async fn complete(&self, report: CompleteReport) -> Result<String, AttemptFailure> {
        let reported = self.or_stopped(self.backend.complete(&report)).await?;
        reported.map_err(|error| self.unreportable(error))?;
        Ok(report.output_video_key)
    }

    async fn report_error(&self, report: ErrorReport) -> Value {
        self.log(format_args!("failed: {}", report.error));
        match self.or_stopped(self.backend.error(&report)).await {
            Err(_) | Ok(Err(CallError::Superseded)) => return self.stopped_result(),
            // The result below is the second way for the API to learn it.
            Ok(Err(error)) => self.log(format_args!("could not report the failure: {error}")),
            Ok(Ok(())) => {}
        }
        let code = report.error_code.map(ErrorCode::as_str);
        json!({"status": "error", "error": report.error, "error_code": code})
    }

    fn stopped_result(&self) -> Value {
        self.log("stopped");
        json!({"status": "stopped"})
    }

    /// Waits for `work` or the stop, whichever comes first.
    pub(super) async fn or_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, AttemptFailure> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(AttemptFailure::Stopped),
            done = work => Ok(done),
        }
    }

    fn unreportable(&self, error: CallError) -> AttemptFailure {
        if error == CallError::Superseded {
            return AttemptFailure::Stopped;
        }
        self.log(error);
        AttemptFailure::Unreportable(error.to_string())
    }

    pub(super) fn disk_failure(&self, error: &std::io::Error) -> AttemptFailure {
        self.log(format_args!("scratch disk: {error}"));
        let message = "The renderer's disk is full or broken. Try the export again.".to_owned();
        reportable(ErrorCode::GpuError, message)
    }

    pub(super) fn log(&self, what: impl std::fmt::Display) {
        self.context.log.job(self.id(), what);
    }

    fn id(&self) -> &str {
        self.runpod_job_id.as_deref().unwrap_or(UNNAMED)
    }
}

/// The files of an attempt. Every output of the edit has its place in the grant.
fn render_job(
    grant: &ClaimResponse,
    edit: Edit,
    inputs: Vec<(ObjectKey, PathBuf)>,
    scratch: &JobScratch,
) -> Result<RenderJob, AttemptFailure> {
    let names = grant.outputs.iter().map(|output| &output.name);
    if !edit.renditions().iter().map(|rendition| &rendition.name).eq(names) {
        let message = "The API did not say where each output goes. Update it and try the export again.";
        return Err(reportable(ErrorCode::Internal, message.to_owned()));
    }
    let files = |index: usize, poster: bool| OutputFiles {
        video: scratch.file(&format!("output-{index}.mp4")),
        poster: poster.then(|| scratch.file(&format!("poster-{index}.jpg"))),
    };
    Ok(RenderJob {
        output: files(0, grant.poster.is_some()),
        renditions: (1..=grant.outputs.len()).map(|index| files(index, true)).collect(),
        filmstrip: grant.filmstrip.as_ref().map(|_| scratch.file("filmstrip.jpg")),
        edit,
        inputs,
    })
}

/// Waits for a moment; without one, for ever.
async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Drops work that is not done at its deadline.
async fn in_time<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, AttemptFailure>>,
) -> Result<T, AttemptFailure> {
    tokio::select! {
        done = work => done,
        () = passed(deadline) => Err(out_of_time()),
    }
}

fn out_of_time() -> AttemptFailure {
    reportable(ErrorCode::ExecutionTimeout, ErrorCode::ExecutionTimeout.default_message().to_owned())
}

pub(super) fn reportable(code: ErrorCode, message: String) -> AttemptFailure {
    AttemptFailure::Reportable(ErrorReport { error: message, error_code: Some(code), should_retry: None })
}

fn error_result(error: &str) -> Value {
    json!({"status": "error", "error": error})
}

/// What the log calls an attempt without a RunPod id.
const UNNAMED: &str = "attempt";
