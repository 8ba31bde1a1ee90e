//! The command line, as clap reads it. Names and help texts live here; meaning does not.

use std::num::{NonZeroU8, NonZeroUsize};
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use reel_client::{JobFilter, JobId, JobKind, JobStatus, Secret};

use crate::shorthand::{CropArg, RegionArg, SizeArg};

/// Export video reels: upload a clip, render it, fetch the result.
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
    /// Key of the export API; better given by the environment, where other users cannot read it
    #[arg(
        long,
        global = true,
        display_order = 101,
        env = "WORKERS_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
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
    /// Upload a clip, render it, and fetch the reel
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Upload a video and print its key; one that was broken off goes on where it stopped
    #[command(after_help = UPLOAD_NOTES)]
    Upload(UploadArgs),
    /// Follow a job until it is over
    Watch {
        /// The job's id
        job_id: JobId,
    },
    /// Show where a job stands
    Status {
        /// The job's id
        job_id: JobId,
    },
    /// Stop a job
    Cancel {
        /// The job's id
        job_id: JobId,
    },
    /// Start a failed job over
    Retry {
        /// The job's id
        job_id: JobId,
    },
    /// List jobs, newest first
    List(ListArgs),
    /// Fetch the reel of a complete job; resumes a download that was broken off
    Download {
        /// The job's id
        job_id: JobId,
        /// Where to put the reel
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
    /// Where to put the reel
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Overlay: `blur`, `spotlight`, `original`, `brightness_boost` or `dark_overlay`
    #[arg(long, value_name = "NAME")]
    pub effect: Option<String>,
    /// Overlay: an ellipse to highlight, `START-END@X,Y,RX,RY[,OPACITY]`, in frames and pixels of the clip;
    /// both frames belong to it. Repeatable
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<RegionArg>,
    /// A crop keyframe, `FRAME:X,Y,WIDTH,HEIGHT`, in pixels of the clip; between two the crop moves
    /// steadily. Repeatable
    #[arg(long = "crop", value_name = "KEYFRAME", conflicts_with = "crop_keyframes")]
    pub crops: Vec<CropArg>,
    /// The crop keyframes from a file: a JSON list of {"frame" or "time", "x", "y", "width", "height"}
    #[arg(long, value_name = "FILE.json")]
    pub crop_keyframes: Option<PathBuf>,
    /// Size of the reel in pixels [default: the API's, 1080x1920]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub size: Option<SizeArg>,
    /// Framing: begin at this second of the clip
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
    /// How the clip goes up
    #[command(flatten)]
    pub parallel: ParallelArg,
}

/// `reel upload`.
#[derive(Debug, clap::Args)]
pub struct UploadArgs {
    /// The video
    #[arg(value_name = "FILE")]
    pub video: PathBuf,
    /// How it goes up
    #[command(flatten)]
    pub parallel: ParallelArg,
    /// Size of a part in MiB, 5 to 5115 [default: the API's, 16 for most files]. Smaller ones lose less on a
    /// line that breaks often
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(5..=5115))]
    pub part_size: Option<u64>,
    /// Go on with an upload that was begun on another device; FILE must be the same file
    #[arg(long, num_args = 2, value_names = ["VIDEO_KEY", "UPLOAD_ID"])]
    pub resume: Option<Vec<String>>,
    /// Throw away what has arrived of an unfinished upload of FILE
    #[arg(long)]
    pub abort: bool,
}

/// How many parts of a large file go up side by side.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ParallelArg {
    /// Parts of a large file that go up side by side, 1 to 16
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    parallel: u8,
}

impl ParallelArg {
    /// At least one.
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
    /// Only jobs that stand so
    #[arg(long, value_enum)]
    status: Option<StatusArg>,
    /// Only jobs of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<JobTypeArg>,
    /// How many, 1 to 100
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: Option<u32>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl ListArgs {
    /// What to ask the API for.
    pub fn into_filter(self) -> JobFilter {
        JobFilter {
            project_id: self.project,
            status: self.status.map(StatusArg::into),
            job_type: self.kind.map(JobTypeArg::into),
            limit: self.limit,
            cursor: self.cursor,
        }
    }
}

/// [`JobKind`] with clap's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JobTypeArg {
    /// Crop and trim one clip
    Framing,
    /// Highlight players
    Overlay,
    /// Join annotated moments; needs --params
    Annotate,
}

impl From<JobTypeArg> for JobKind {
    fn from(kind: JobTypeArg) -> Self {
        match kind {
            JobTypeArg::Framing => Self::Framing,
            JobTypeArg::Overlay => Self::Overlay,
            JobTypeArg::Annotate => Self::Annotate,
        }
    }
}

/// [`Status`] with clap's eyes.
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
    fn from(standing: StatusArg) -> Self {
        match standing {
            StatusArg::Pending => Self::Pending,
            StatusArg::Processing => Self::Processing,
            StatusArg::Complete => Self::Complete,
            StatusArg::Error => Self::Error,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the job ended as an error, 2 wrong usage, 3 the API or the network failed, \
130 stopped by Ctrl-C (the job goes on; an upload can be resumed).";

const UPLOAD_NOTES: &str = "\
The last line on standard output is the key, for `input_video_key` of a job.

A file above 16 MiB goes up in parts. Stopped, killed or disconnected: the same command goes on with the parts \
that are missing, for three days. If the file has changed meanwhile, it starts anew. What is needed for \
that is kept in $XDG_STATE_HOME/reel/uploads (~/.local/state/reel/uploads), readable by you alone: who \
has the id of an upload can write to it.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  A spotlight on a player at 640,360 for the first two seconds of a 25 fps clip, then one further left:
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
    fn the_examples_of_the_help_can_be_typed() {
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
    fn the_key_never_shows_in_the_help() {
        let help = Args::command().render_long_help().to_string();
        assert!(help.contains("WORKERS_API_KEY"));
        let args = Args::try_parse_from(["reel", "--api-key", "s3cret", "list"]).unwrap();
        assert!(!format!("{args:?}").contains("s3cret"));
    }
}
