//! `gpu-worker render`: one job from files, without any server.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use gpu_worker::render::{Cancel, Order, Progress, RenderError, Rendered, render};
use indicatif::{ProgressBar, ProgressStyle};
use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;
use reel_core::edit::JobType;
use reel_core::job::error_code::ErrorCode;
use reel_core::json::field_error::FieldContext;
use reel_core::json::field_error::FieldError;
use reel_core::json::reader::ObjectReader;
use reel_core::json::reader::one_of;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// Render one job from files
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 the machine failed, 2 wrong arguments, 3 the job or the video is at \
    fault, 130 interrupted."
)]
pub struct RenderArgs {
    /// The job as the API takes it, {"type": "overlay", "params": {...}}; "-" reads standard input
    #[arg(value_name = "JOB.JSON")]
    job: PathBuf,
    /// The source video; for a reel of several, each video by the key that its clips name it by
    #[arg(long = "in", value_name = "VIDEO or KEY=VIDEO", required = true)]
    inputs: Vec<Video>,
    /// Where the reel goes, as MP4; replaced when it exists
    #[arg(long = "out", value_name = "REEL.MP4")]
    output: PathBuf,
    /// Where a JPEG of the reel goes, at most 960 pixels a side
    #[arg(long, value_name = "POSTER.JPG")]
    poster: Option<PathBuf>,
}

/// A video on the command line.
#[derive(Clone, Debug)]
struct Video {
    key: Option<ObjectKey>,
    file: PathBuf,
}

impl From<&OsStr> for Video {
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
    /// Renders with a progress bar; SIGINT and SIGTERM stop it and leave nothing behind.
    pub fn run(self) -> ExitCode {
        let edit = match read_job(&self.job) {
            Ok(edit) => edit,
            Err(complaint) => {
                eprintln!("gpu-worker: {complaint}");
                return ExitCode::from(INVALID);
            }
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
        {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("gpu-worker: the runtime could not be started: {error}");
                return ExitCode::FAILURE;
            }
        };
        match runtime.block_on(self.until_signalled(edit)) {
            Ok(reel) => {
                println!("{}", summary(&self.output, &reel));
                match reel.poster {
                    Some(Err(error)) => {
                        eprintln!("gpu-worker: {error}");
                        ExitCode::FAILURE
                    }
                    Some(Ok(_)) | None => ExitCode::SUCCESS,
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

    async fn until_signalled(&self, edit: Edit) -> Result<Rendered, RenderError> {
        let cancel = Cancel::default();
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
        let named = self.inputs.iter().filter_map(|video| Some((video.key.clone()?, video.file.clone())));
        let named: Vec<_> = named.collect();
        // Without one of its own, the first stands for clips that name none.
        let own = self.inputs.iter().find(|video| video.key.is_none()).or(self.inputs.first());
        let input = own.map(|video| video.file.clone()).unwrap_or_default();
        let (output, poster) = (self.output.clone(), self.poster.clone());
        let work = tokio::task::spawn_blocking(move || {
            let bar = bar();
            let order = Order {
                edit: &edit,
                input: &input,
                named: &named,
                output: &output,
                poster: poster.as_deref(),
            };
            let result = render(&order, &mut |progress| show(&bar, progress), &cancel);
            bar.finish_and_clear();
            result
        });
        work.await.unwrap_or_else(|_| {
            Err(RenderError {
                code: ErrorCode::Internal,
                sentence: "The renderer broke down; this is a bug.".into(),
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
    let mut faults = Vec::new();
    match edit(&body, FieldContext::root(&mut faults)) {
        Some(edit) if faults.is_empty() => Ok(edit),
        _ => Err(told(&faults)),
    }
}

/// Reads a job as `POST /api/jobs` takes it; what only a server needs may be there.
fn edit(body: &Value, at: FieldContext<'_>) -> Option<Edit> {
    let mut fields = ObjectReader::open(body, at)?;
    for servers in ["project_id", "input_video_key", "job_id"] {
        fields.has(servers);
    }
    let kind = fields.required("type", one_of(JobType::WORDS));
    // Without a kind, params cannot be judged; a missing member still can.
    let edit = fields.required("params", |params, at| kind.and_then(|kind| Edit::read(kind, params, at)));
    fields.finish();
    edit
}

fn told(faults: &[FieldError]) -> String {
    let lines = faults.iter().map(|fault| {
        let place = if fault.pointer.is_empty() { "the job" } else { fault.pointer.as_str() };
        format!("\n  {place} {}", fault.detail)
    });
    format!("the job cannot be rendered:{}", lines.collect::<String>())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "rendering {wide_bar} {pos}/{len} frames, {msg}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    if let Some(total) = progress.frames_total {
        bar.set_length(total);
    }
    bar.set_position(progress.frames_done);
    let left = progress.seconds_left.filter(|left| left.is_finite() && *left >= 0.0).map(|left| {
        let left = Duration::from_secs_f64(left.min(1e6));
        format!(", {} left", indicatif::HumanDuration(left))
    });
    bar.set_message(format!("{:.1} a second{}", progress.frames_per_second, left.unwrap_or_default()));
}

fn summary(output: &Path, reel: &Rendered) -> String {
    let seconds = Duration::from_millis(reel.duration_ms).as_secs_f64();
    format!(
        "{}: {}x{}, {} frames, {seconds:.2} s, {}",
        output.display(),
        reel.width,
        reel.height,
        reel.frames,
        indicatif::HumanBytes(reel.bytes)
    )
}
