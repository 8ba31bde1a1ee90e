//! `gpu-worker render`: one job from files, without any server.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use gpu_worker::render::{
    CancelFlag, OutputFiles, Progress, RenderError, RenderOutput, RenderRequest, RenderedVideo, render,
};
use indicatif::{ProgressBar, ProgressStyle};
use reel_core::base::object_key::ObjectKey;
use reel_core::edit::{Edit, JobType};
use reel_core::job::error_code::ErrorCode;
use reel_core::json::field_error::{FieldContext, FieldError};
use reel_core::json::reader::{ObjectReader, one_of};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// Render one job from files
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 success, 1 system error, 2 usage error, 3 invalid job or video, 130 interrupted."
)]
pub struct RenderArgs {
    /// The job as in POST /api/jobs, {"type": "overlay", "params": {...}}; "-" reads standard input
    #[arg(value_name = "JOB.JSON")]
    job: PathBuf,
    /// Source video; repeat as KEY=VIDEO for each video that clips name by its key
    #[arg(long = "in", value_name = "VIDEO or KEY=VIDEO", required = true)]
    inputs: Vec<InputArg>,
    /// Output MP4 file; overwritten if it exists
    #[arg(long = "out", value_name = "REEL.MP4")]
    output: PathBuf,
    /// Output JPEG of one frame, at most 960 pixels a side
    #[arg(long, value_name = "POSTER.JPG")]
    poster: Option<PathBuf>,
    /// Output JPEG with small pictures of the reel; a .vtt file beside it says which is where
    #[arg(long, value_name = "STRIP.JPG")]
    filmstrip: Option<PathBuf>,
}

/// A video on the command line.
#[derive(Clone, Debug)]
struct InputArg {
    key: Option<ObjectKey>,
    file: PathBuf,
}

impl From<&OsStr> for InputArg {
    /// `KEY=VIDEO` when it begins with a key, else a path, which may contain `=`.
    fn from(text: &OsStr) -> Self {
        let keyed = text.to_str().and_then(|text| text.split_once('='));
        match keyed.map(|(key, file)| (ObjectKey::parse_video(key), file)) {
            Some((Ok(key), file)) => Self { key: Some(key), file: file.into() },
            _ => Self { key: None, file: text.into() },
        }
    }
}

const INVALID: u8 = 3;
const INTERRUPTED: u8 = 130;

impl RenderArgs {
    /// Renders with a progress bar; SIGINT and SIGTERM stop it and leave no file behind.
    pub fn run(self) -> ExitCode {
        let edit = match read_job(&self.job) {
            Ok(edit) => edit,
            Err(error) => {
                eprintln!("gpu-worker: {error}");
                return ExitCode::from(INVALID);
            }
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
        {
            Ok(runtime) => runtime,
            Err(error) => return super::fail(format_args!("could not start: {error}")),
        };
        let files = self.files(&edit);
        match runtime.block_on(self.render_until_signal(edit, files.clone())) {
            Ok(output) => {
                let (names, videos) = (&files, std::iter::once(&output.main).chain(&output.renditions));
                for (file, video) in names.iter().zip(videos.clone()) {
                    println!("{}", summary(&file.video, video));
                }
                let mut pictures = videos.filter_map(|video| video.poster.as_ref()?.as_ref().err());
                match pictures.next().cloned().map_or_else(|| self.write_vtt(&output), Err) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => super::fail(error),
                }
            }
            Err(error) => {
                eprintln!("gpu-worker: {error}");
                match error.code {
                    ErrorCode::Cancelled => ExitCode::from(INTERRUPTED),
                    ErrorCode::InvalidInput => ExitCode::from(INVALID),
                    _ => ExitCode::FAILURE,
                }
            }
        }
    }

    /// Where the reel goes, and each of the edit's other outputs beside it.
    fn files(&self, edit: &Edit) -> Vec<OutputFiles> {
        let main = OutputFiles { video: self.output.clone(), poster: self.poster.clone() };
        let rendition = |name: &str| OutputFiles {
            video: beside(&self.output, name),
            poster: self.poster.as_deref().map(|poster| beside(poster, name)),
        };
        let renditions = edit.renditions().iter().map(|one| rendition(one.name.as_str()));
        std::iter::once(main).chain(renditions).collect()
    }

    /// Says which part of the sheet shows which moment.
    fn write_vtt(&self, output: &RenderOutput) -> Result<(), RenderError> {
        let (Some(file), Some(made)) = (&self.filmstrip, &output.filmstrip) else { return Ok(()) };
        let layout = made.clone()?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let vtt = layout.vtt(&name, output.main.duration_ms);
        std::fs::write(file.with_extension("vtt"), vtt).map_err(|error| RenderError {
            code: ErrorCode::GpuError,
            message: format!("The filmstrip's VTT cannot be written: {error}."),
        })
    }

    async fn render_until_signal(
        &self,
        edit: Edit,
        files: Vec<OutputFiles>,
    ) -> Result<RenderOutput, RenderError> {
        let cancel = CancelFlag::default();
        let signals = signal(SignalKind::interrupt()).and_then(|i| Ok((i, signal(SignalKind::terminate())?)));
        if let Ok((mut interrupt, mut terminate)) = signals {
            let cancel = cancel.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                cancel.cancel();
            });
        }
        let inputs_by_key =
            self.inputs.iter().filter_map(|video| Some((video.key.clone()?, video.file.clone())));
        let inputs_by_key: Vec<_> = inputs_by_key.collect();
        // The input without a key, else the first, is for clips that name none.
        let default_input = self.inputs.iter().find(|video| video.key.is_none()).or(self.inputs.first());
        let input = default_input.map(|video| video.file.clone()).unwrap_or_default();
        let filmstrip = self.filmstrip.clone();
        let work = tokio::task::spawn_blocking(move || {
            let bar = progress_bar();
            let Some((output, renditions)) = files.split_first() else {
                let message = "The reel has no file; this is a bug.".to_owned();
                return Err(RenderError { code: ErrorCode::Internal, message });
            };
            let request = RenderRequest {
                inputs_by_key: &inputs_by_key,
                renditions,
                filmstrip: filmstrip.as_deref(),
                ..RenderRequest::new(&edit, &input, output)
            };
            let result = render(&request, &mut |progress| update_bar(&bar, progress), &cancel);
            bar.finish_and_clear();
            result
        });
        work.await.unwrap_or_else(|_| {
            Err(RenderError {
                code: ErrorCode::Internal,
                message: "The renderer crashed; this is a bug.".into(),
            })
        })
    }
}

fn read_job(path: &Path) -> Result<Edit, String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| format!("the job {} cannot be read: {error}", path.display()))?;
    let body: Value = serde_json::from_str(&text).map_err(|error| format!("the job is not JSON: {error}"))?;
    let mut errors = Vec::new();
    match read_edit(&body, FieldContext::root(&mut errors)) {
        Some(edit) if errors.is_empty() => Ok(edit),
        _ => Err(format_errors(&errors)),
    }
}

/// Reads the body of `POST /api/jobs`; fields that only a server needs are ignored.
fn read_edit(body: &Value, at: FieldContext<'_>) -> Option<Edit> {
    let mut fields = ObjectReader::open(body, at)?;
    for ignored in ["project_id", "input_video_key", "job_id"] {
        fields.has(ignored);
    }
    let kind = fields.required("type", one_of(JobType::WORDS));
    // Without a type, params cannot be checked, but a missing member can be reported.
    let edit = fields.required("params", |params, at| kind.and_then(|kind| Edit::read(kind, params, at)));
    fields.finish();
    edit
}

fn format_errors(errors: &[FieldError]) -> String {
    let lines = errors.iter().map(|error| {
        let field = if error.pointer.is_empty() { "the job" } else { error.pointer.as_str() };
        format!("\n  {field} {}", error.detail)
    });
    format!("the job cannot be rendered:{}", lines.collect::<String>())
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "rendering {wide_bar} {pos}/{len} frames, {msg}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn update_bar(bar: &ProgressBar, progress: Progress) {
    if let Some(total) = progress.frames_total {
        bar.set_length(total);
    }
    bar.set_position(progress.frames_done);
    let left = progress.seconds_left.filter(|left| left.is_finite() && *left >= 0.0).map(|left| {
        let left = Duration::from_secs_f64(left.min(1e6));
        format!(", {} left", indicatif::HumanDuration(left))
    });
    bar.set_message(format!("{:.1} per second{}", progress.frames_per_second, left.unwrap_or_default()));
}

/// `reel.mp4` and `story` make `reel-story.mp4`.
fn beside(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    file.with_file_name(format!("{stem}-{name}{}", extension.unwrap_or_default()))
}

fn summary(file: &Path, output: &RenderedVideo) -> String {
    let seconds = Duration::from_millis(output.duration_ms).as_secs_f64();
    format!(
        "{}: {}x{}, {} frames, {seconds:.2} s, {}",
        file.display(),
        output.width,
        output.height,
        output.frames,
        indicatif::HumanBytes(output.bytes)
    )
}
