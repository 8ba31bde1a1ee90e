//! The handler of one job: claim, download, render, upload, report.
//!
//! Invariants: every wait ends when the run is stopped; ffmpeg is gone and the scratch folder
//! removed before [`Attempt::run`] returns; nothing is said to the API after the final report;
//! what the handler returns is all that the queue learns.

mod delivery;
mod fetch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reel_core::edit::Edit;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ClaimResponse;
use reel_core::wire::gpu_worker::CompleteReport;
use reel_core::wire::gpu_worker::ErrorReport;
use reel_core::wire::gpu_worker::RunInput;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::callback::CallError;
use super::callback::Callback;
use super::chaos::Misconduct;
use super::halt::Halt;
use super::halt::Why;
use super::log::Log;
use super::progress::Reporter;
use super::progress::Voice;
use super::progress::ratio;
use super::queue::RunEnd;
use super::queue::Taken;
use super::scratch::JobScratch;
use super::scratch::Scratch;
use super::timing::Timing;
use crate::render::{self, Cancel, Order, RenderError};

/// What every attempt of this server shares.
#[derive(Clone)]
pub struct Shop {
    /// Keeps connections to the API and to storage.
    pub client: reqwest::Client,
    /// Every wait.
    pub timing: Timing,
    /// Where lines go.
    pub log: Log,
    /// Where job folders are made.
    pub scratch: Arc<Scratch>,
}

/// One run of one job.
pub struct Attempt {
    shop: Shop,
    id: String,
    claimant: Option<String>,
    run: u64,
    input: String,
    misconduct: Misconduct,
    stop: CancellationToken,
    halt: Halt,
}

/// Why an attempt has no output.
enum Failure {
    /// Halted or stopped: say nothing more.
    Halted,
    /// For the API and, through it, for a person.
    Told(ErrorReport),
    /// The API cannot be told: only the queue learns it.
    Untold(String),
}

impl Attempt {
    /// Prepares a run of the job that was taken.
    pub fn new(shop: Shop, taken: &Taken, misconduct: Misconduct) -> Self {
        Self {
            shop,
            id: taken.id.clone(),
            claimant: Some(taken.id.clone()),
            run: taken.run,
            input: taken.submission.input.get().to_owned(),
            misconduct,
            halt: Halt::below(&taken.stop),
            stop: taken.stop.clone(),
        }
    }

    /// Prepares a run that no queue of ours has handed out: `claimant` is the id that another queue gave
    /// it, `cancel` ends it.
    pub fn alone(shop: Shop, claimant: Option<String>, input: String, cancel: CancellationToken) -> Self {
        Self {
            shop,
            id: claimant.clone().unwrap_or_else(|| "attempt".to_owned()),
            claimant,
            run: 1,
            input,
            misconduct: Misconduct::default(),
            halt: Halt::below(&cancel),
            stop: cancel,
        }
    }

    /// Does the work. Errors are reported here; the answer is the job's result at RunPod.
    pub async fn run(self) -> RunEnd {
        let Ok(input) = serde_json::from_str::<RunInput>(&self.input) else {
            return returned_error("the input is not a render job of this API");
        };
        let callback = Callback::new(
            self.shop.client.clone(),
            &input.callback_url,
            self.shop.timing.clone(),
            self.shop.log,
            &self.id,
        );
        self.say(format_args!("attempt {} of {}, {}", input.attempt, input.job_id, input.job_type.as_str()));
        let done = match self.work(&input.input_video_key, &callback).await {
            Ok(report) => self.complete(&callback, report).await,
            Err(failure) => Err(failure),
        };
        match done {
            Ok(key) => RunEnd::Returned(json!({"status": "success", "output_video_key": key})),
            Err(Failure::Halted) => self.halted().await,
            Err(Failure::Untold(error)) => returned_error(&error),
            Err(Failure::Told(report)) => self.report(&callback, report).await,
        }
    }

    /// Everything up to the uploaded output; answers what is to be said of it.
    async fn work(&self, input_key: &str, callback: &Callback) -> Result<CompleteReport, Failure> {
        let grant = match self.unless_halted(callback.claim(self.claimant.as_deref())).await? {
            Ok(grant) => grant,
            Err(error) => return Err(self.untold(error)),
        };
        let reporter = Reporter::start(
            callback.clone(),
            self.shop.timing.progress_interval,
            self.halt.clone(),
            &self.misconduct,
        );
        let made = self.make(&grant, input_key, reporter.voice()).await;
        match made {
            Err(Failure::Halted) => reporter.abort(),
            _ => reporter.finish().await,
        }
        made
    }

    async fn make(
        &self,
        grant: &ClaimResponse,
        input_key: &str,
        voice: &Voice,
    ) -> Result<CompleteReport, Failure> {
        let edit = Edit::parse(grant.job_type, grant.params.get()).map_err(|faults| {
            let first = faults.first().map(|fault| format!(" {} {}", fault.pointer, fault.detail));
            told(
                ErrorCode::InvalidInput,
                format!("The edit cannot be rendered:{}.", first.unwrap_or_default()),
            )
        })?;
        let folder = self.shop.scratch.job(&self.id, self.run).map_err(|error| self.disk_failed(&error))?;
        let videos = fetch::videos(grant, input_key, &folder)?;
        self.fetch(&videos, voice).await?;
        self.render(edit, videos, &folder, grant.poster.is_some(), voice).await?;
        self.deliver(grant, &folder, voice).await
    }

    async fn render(
        &self,
        edit: Edit,
        videos: Vec<fetch::Video>,
        folder: &JobScratch,
        with_poster: bool,
        voice: &Voice,
    ) -> Result<(), Failure> {
        voice.say(WorkerStage::Rendering, 10.0, "Rendering");
        let output = folder.file(OUTPUT_FILE);
        let poster = with_poster.then(|| folder.file(POSTER_FILE));
        let named: Vec<_> = videos.into_iter().map(|video| (video.key, video.file)).collect();
        let input = named.first().map(|(_, file)| file.clone()).unwrap_or_default();
        if let Some((code, sentence)) = &self.misconduct.fail {
            return Err(told(*code, sentence.clone()));
        }
        if let Some(length) = self.misconduct.fake_render {
            return self.pretend_to_render(length, [&input, &output], voice).await;
        }
        let started = tokio::time::Instant::now();
        let cancel = Cancel::default();
        let mut rendering = tokio::task::spawn_blocking({
            let (cancel, voice) = (cancel.clone(), voice.clone());
            move || {
                let order = Order {
                    edit: &edit,
                    input: &input,
                    named: &named,
                    output: &output,
                    poster: poster.as_deref(),
                };
                render::render(&order, &mut |progress| voice.say_frames(progress), &cancel)
            }
        });
        let rendered = tokio::select! {
            rendered = &mut rendering => rendered,
            () = self.halt.halted() => {
                cancel.cancel();
                // ffmpeg must be gone before its folder is removed.
                let _ = rendering.await;
                return Err(Failure::Halted);
            }
        };
        let rendered = rendered
            .unwrap_or_else(|_| {
                let sentence = "The renderer broke down on this video; try the export again.".to_owned();
                Err(RenderError { code: ErrorCode::GpuError, sentence })
            })
            .map_err(|error| told(error.code, error.sentence));
        if rendered.is_err() {
            // A terminal's Ctrl-C goes to ffmpeg, too: the stop that follows must win over the blame.
            let _ =
                tokio::time::timeout(STOP_MAY_FOLLOW, self.unless_halted(std::future::pending::<()>())).await;
        }
        let rendered = rendered?;
        self.say(format_args!(
            "rendered {} frames, {}x{}, {} in {:.1} s",
            rendered.frames,
            rendered.width,
            rendered.height,
            Size(rendered.bytes),
            started.elapsed().as_secs_f64()
        ));
        if let Some(Err(error)) = rendered.poster {
            self.say(error);
        }
        Ok(())
    }

    /// For soak tests: the time and the progress of a render, and the input as its output.
    async fn pretend_to_render(
        &self,
        length: Duration,
        [input, output]: [&Path; 2],
        voice: &Voice,
    ) -> Result<(), Failure> {
        let steps = u32::try_from(length.as_millis() / FAKE_STEP_MS).unwrap_or(u32::MAX).max(1);
        for step in 0..=steps {
            let share = ratio(step.into(), steps.into());
            voice.say(WorkerStage::Rendering, 10.0 + 80.0 * share, "Pretending to render");
            self.unless_halted(tokio::time::sleep(length / steps.saturating_add(1))).await?;
        }
        tokio::fs::copy(input, output).await.map_err(|error| self.disk_failed(&error))?;
        Ok(())
    }

    async fn complete(&self, callback: &Callback, report: CompleteReport) -> Result<String, Failure> {
        if self.misconduct.lose_complete {
            return Ok(report.output_video_key);
        }
        if let Err(error) = self.unless_halted(callback.complete(&report)).await? {
            return Err(self.untold(error));
        }
        for _ in 0..self.misconduct.extra_completes {
            let _ = self.unless_halted(callback.complete(&report)).await?;
        }
        if self.misconduct.progress_after_complete {
            let late = super::progress::report(WorkerStage::Rendering, 50.0, "Rendering, says a late report");
            let _ = self.unless_halted(callback.progress(&late)).await?;
        }
        Ok(report.output_video_key)
    }

    async fn report(&self, callback: &Callback, report: ErrorReport) -> RunEnd {
        self.say(format_args!("failed: {}", report.error));
        if !self.misconduct.lose_error {
            match self.unless_halted(callback.error(&report)).await {
                Err(_) => return self.halted().await,
                Ok(Err(CallError::Over)) => return over(),
                // The queue's result below is the second way for the API to learn it.
                Ok(Err(error)) => self.say(format_args!("could not report the failure: {error}")),
                Ok(Ok(_)) => {}
            }
        }
        let code = report.error_code.map(ErrorCode::as_str);
        RunEnd::Returned(json!({"status": "error", "error": report.error, "error_code": code}))
    }

    /// The result of work that was ended early.
    async fn halted(&self) -> RunEnd {
        match self.halt.why() {
            Some(Why::Crash) if !self.stop.is_cancelled() => {
                self.say("chaos: the worker dies");
                RunEnd::Lost
            }
            Some(Why::Hang) => {
                self.say("chaos: the worker hangs");
                self.stop.cancelled().await;
                over()
            }
            why => {
                self.say(match why {
                    Some(Why::Over) => "stopped: the API wants no more of this attempt",
                    _ => "stopped",
                });
                over()
            }
        }
    }

    async fn unless_halted<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.halt.halted() => Err(Failure::Halted),
            done = work => Ok(done),
        }
    }

    fn untold(&self, error: CallError) -> Failure {
        if error == CallError::Over {
            self.halt.with(Why::Over);
            return Failure::Halted;
        }
        self.say(error);
        Failure::Untold(error.to_string())
    }

    fn disk_failed(&self, error: &std::io::Error) -> Failure {
        self.say(format_args!("scratch disk: {error}"));
        told(ErrorCode::GpuError, "The renderer's disk is full or broken; try the export again.".to_owned())
    }

    fn say(&self, what: impl std::fmt::Display) {
        self.shop.log.job(&self.id, what);
    }
}

fn told(code: ErrorCode, sentence: String) -> Failure {
    Failure::Told(ErrorReport { error: sentence, error_code: Some(code), should_retry: None })
}

fn over() -> RunEnd {
    RunEnd::Returned(json!({"status": "stopped"}))
}

fn returned_error(error: &str) -> RunEnd {
    RunEnd::Returned(json!({"status": "error", "error": error}))
}

/// A number of bytes, for people.
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes @ ..1_000_000 => write!(f, "{} kB", bytes.div_ceil(1000)),
            bytes => write!(f, "{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        }
    }
}

const POSTER_FILE: &str = "poster.jpg";
const OUTPUT_FILE: &str = "output.mp4";
const STOP_MAY_FOLLOW: Duration = Duration::from_millis(250);
const FAKE_STEP_MS: u128 = 25;
