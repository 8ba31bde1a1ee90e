//! The command line, as clap reads it: names, values and help texts. What a command does is in `commands`.

use std::num::{NonZeroU8, NonZeroUsize};
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use reel_client::{JobFilter, JobId, JobStatus, JobType, Secret};

use crate::shorthand::{CropArg, RegionArg, SizeArg};

/// Export video reels: upload a clip, render it, download the result.
#[derive(Debug, Parser)]
#[command(name = "reel", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Args {
    /// Address of the export API
    #[arg(
        long,
        global = true,
        env = "REEL_API_URL",
        default_value = "http://localhost:8787",
        value_name = "URL"
    )]
    pub api: String,
    /// API key; prefer the environment variable, since other users can read command lines. On a laptop, the key in
    /// .dev.vars is found without it
    #[arg(
        long,
        visible_alias = "key",
        global = true,
        display_order = 101,
        env = "REEL_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        value_parser = secret
    )]
    pub api_key: Option<Secret>,
    /// Print one JSON object for scripts
    #[arg(long, global = true, display_order = 102)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Upload a clip, render it, and download the reel
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Upload a video and print its key; resumes an interrupted upload
    #[command(after_help = UPLOAD_NOTES)]
    Upload(UploadArgs),
    /// Follow a job until it ends
    Watch {
        /// ID of the job
        job_id: JobId,
    },
    /// Show the status of a job
    Status {
        /// ID of the job
        job_id: JobId,
    },
    /// Cancel a job
    Cancel {
        /// ID of the job
        job_id: JobId,
    },
    /// Retry a failed job
    Retry {
        /// ID of the job
        job_id: JobId,
    },
    /// List jobs, newest first
    List(ListArgs),
    /// Download the reel of a completed job; resumes an interrupted download
    Download {
        /// ID of the job
        job_id: JobId,
        /// Where to save the reel
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
    },
}

/// `reel export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The clip
    pub clip: PathBuf,
    /// What to render
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub job_type: JobTypeArg,
    /// Where to save the reel
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Overlay: `blur`, `spotlight`, `original`, `brightness_boost` or `dark_overlay`
    #[arg(long, value_name = "NAME")]
    pub effect: Option<String>,
    /// Overlay: an ellipse to highlight, `START-END@X,Y,RX,RY[,OPACITY]`, in frames and pixels of the clip; both
    /// frames inclusive. Repeatable
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<RegionArg>,
    /// A crop keyframe, `FRAME:X,Y,WIDTH,HEIGHT`, in pixels of the clip; interpolated linearly in between.
    /// Repeatable
    #[arg(long = "crop", value_name = "KEYFRAME", conflicts_with = "crop_keyframes")]
    pub crops: Vec<CropArg>,
    /// The crop keyframes from a file: a JSON list of {"frame" or "time", "x", "y", "width", "height"}
    #[arg(long, value_name = "FILE.json")]
    pub crop_keyframes: Option<PathBuf>,
    /// Size of the reel in pixels, or one side of it, `640x` or `x360`; the other follows from the crop [default: the
    /// API's]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub size: Option<SizeArg>,
    /// What to do when the crop has another aspect: `contain`, `cover` or `fill` [default: the API's, `contain`]
    #[arg(long, value_name = "NAME")]
    pub fit: Option<String>,
    /// Which sound track of the clip is heard, from 1 [default: the renderer chooses]
    #[arg(long, value_name = "NUMBER")]
    pub audio_track: Option<u32>,
    /// Framing: start at this second of the clip
    #[arg(long, value_name = "SECONDS")]
    pub start: Option<f64>,
    /// Framing: end at this second of the clip
    #[arg(long, value_name = "SECONDS")]
    pub end: Option<f64>,
    /// The whole params object of the API from a file; its members override the options above
    #[arg(long, value_name = "FILE.json")]
    pub params: Option<PathBuf>,
    /// The project that the job belongs to
    #[arg(long, default_value_t = 1, value_name = "ID")]
    pub project: i64,
    #[command(flatten)]
    pub parallel: ParallelArg,
}

/// `reel upload`.
#[derive(Debug, clap::Args)]
pub struct UploadArgs {
    /// The video
    #[arg(value_name = "FILE")]
    pub video: PathBuf,
    #[command(flatten)]
    pub parallel: ParallelArg,
    /// Size of a part in MiB, 5 to 5115 [default: the API's, 16 for most files]. Smaller parts lose less progress on
    /// an unreliable connection
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(5..=5115))]
    pub part_size: Option<u64>,
    /// Resume an upload started on another device; FILE must be the same file
    #[arg(long, num_args = 2, value_names = ["VIDEO_KEY", "UPLOAD_ID"])]
    pub resume: Option<Vec<String>>,
    /// Abort the unfinished upload of FILE and delete its parts
    #[arg(long)]
    pub abort: bool,
}

/// How many parts are uploaded in parallel.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ParallelArg {
    /// Number of parts to upload in parallel, 1 to 16
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    parallel: u8,
}

impl ParallelArg {
    /// The number, at least 1.
    pub fn concurrency(self) -> NonZeroUsize {
        NonZeroUsize::from(NonZeroU8::new(self.parallel).unwrap_or(NonZeroU8::MIN))
    }
}

/// `reel list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only jobs of this project
    #[arg(long, value_name = "ID")]
    project: Option<i64>,
    /// Only jobs with this status
    #[arg(long, value_enum)]
    status: Option<StatusArg>,
    /// Only jobs of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    job_type: Option<JobTypeArg>,
    /// Jobs per page, 1 to 100
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: Option<u32>,
    /// Cursor printed by the previous page
    #[arg(long)]
    cursor: Option<String>,
}

impl ListArgs {
    /// The query of the API.
    pub fn into_filter(self) -> JobFilter {
        JobFilter {
            project_id: self.project,
            status: self.status.map(StatusArg::into),
            job_type: self.job_type.map(JobTypeArg::into),
            limit: self.limit,
            cursor: self.cursor,
        }
    }
}

/// A job type with its help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JobTypeArg {
    /// Crop and trim one clip
    Framing,
    /// Highlight players
    Overlay,
    /// Join annotated moments; needs --params
    Annotate,
}

impl From<JobTypeArg> for JobType {
    fn from(job_type: JobTypeArg) -> Self {
        match job_type {
            JobTypeArg::Framing => Self::Framing,
            JobTypeArg::Overlay => Self::Overlay,
            JobTypeArg::Annotate => Self::Annotate,
        }
    }
}

/// A job status with its help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// Waiting for a renderer
    Pending,
    /// Being rendered
    Processing,
    /// Ready
    Complete,
    /// Failed or cancelled
    Error,
}

impl From<StatusArg> for JobStatus {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Pending => Self::Pending,
            StatusArg::Processing => Self::Processing,
            StatusArg::Complete => Self::Complete,
            StatusArg::Error => Self::Error,
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "clap's value parsers return a Result")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 the job failed, 2 usage error, 3 API or network error, 130 interrupted (the job keeps \
running; an upload can be resumed).";

const UPLOAD_NOTES: &str = "\
The last line on standard output is the key, for `input_video_key` of a job.

Files above 16 MiB are uploaded in parts. If the upload is interrupted, run the same command again within three \
days to send only the missing parts. If the file has changed, the upload starts over. The state of the upload is \
kept in $XDG_STATE_HOME/reel/uploads (~/.local/state/reel/uploads), where only you can read it: whoever has the id \
of an upload can write to it.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  A spotlight on a player at 640,360 for the first two seconds of a 25 fps clip, then further left:
    reel export clip.mp4 --type overlay --effect spotlight \\
      --region 0-49@640,360,120,200 --region 50-131@500,360,120,200,0.8 --out reel.mp4

  A vertical crop that moves from left to right, seconds 0.5 to 4:
    reel export clip.mp4 --type framing --crop 0:100,0,405,720 --crop 131:775,0,405,720 \\
      --start 0.5 --end 4 --size 1080x1920 --out reel.mp4";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_examples_of_the_help_can_be_parsed() {
        let text = EXPORT_EXAMPLES.replace("\\\n", "");
        let examples: Vec<&str> =
            text.lines().map(str::trim).filter(|line| line.starts_with("reel ")).collect();
        assert_eq!(examples.len(), 2);
        for example in examples {
            Args::try_parse_from(example.split_whitespace())
                .unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }

    #[test]
    fn upload_options_outside_their_range_are_refused() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        assert!(parse("reel upload clip.mp4 --resume k u.m --parallel 16 --part-size 5").is_ok());
        for wrong in [
            "reel upload clip.mp4 --resume input/a/clip.mp4",
            "reel upload clip.mp4 --parallel 0",
            "reel upload clip.mp4 --parallel 17",
            "reel upload clip.mp4 --part-size 4",
            "reel upload",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let args = Args::try_parse_from(["reel", "--api-key", "s3cret", "list"]).unwrap();
        assert!(!format!("{args:?}").contains("s3cret"));
    }
}
