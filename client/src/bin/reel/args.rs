//! The command line, as clap reads it. Names and help texts live here; meaning does not.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use reel_client::{JobFilter, JobId, JobKind, Secret, Status};

use crate::notation::{Crop, Region, Size};

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
    Export(Export),
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
    List(List),
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
pub struct Export {
    /// The clip
    pub clip: PathBuf,
    /// What to render
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub kind: Kind,
    /// Where to put the reel
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Overlay: `blur`, `spotlight`, `original`, `brightness_boost` or `dark_overlay`
    #[arg(long, value_name = "NAME")]
    pub effect: Option<String>,
    /// Overlay: an ellipse to highlight, `START-END@X,Y,RX,RY[,OPACITY]`, in frames and pixels of the clip;
    /// both frames belong to it. Repeatable
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<Region>,
    /// A crop keyframe, `FRAME:X,Y,WIDTH,HEIGHT`, in pixels of the clip; between two the crop moves
    /// steadily. Repeatable
    #[arg(long = "crop", value_name = "KEYFRAME", conflicts_with = "crop_keyframes")]
    pub crops: Vec<Crop>,
    /// The crop keyframes from a file: a JSON list of {"frame" or "time", "x", "y", "width", "height"}
    #[arg(long, value_name = "FILE.json")]
    pub crop_keyframes: Option<PathBuf>,
    /// Size of the reel in pixels [default: the API's, 1080x1920]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub size: Option<Size>,
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
}

/// `reel list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only jobs of this project
    #[arg(long, value_name = "ID")]
    project: Option<i64>,
    /// Only jobs that stand so
    #[arg(long, value_enum)]
    status: Option<Standing>,
    /// Only jobs of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
    /// How many, 1 to 100
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: Option<u32>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl List {
    /// What to ask the API for.
    pub fn into_filter(self) -> JobFilter {
        JobFilter {
            project_id: self.project,
            status: self.status.map(Standing::into),
            kind: self.kind.map(Kind::into),
            limit: self.limit,
            cursor: self.cursor,
        }
    }
}

/// [`JobKind`] with clap's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Crop and trim one clip
    Framing,
    /// Highlight players
    Overlay,
    /// Join annotated moments; needs --params
    Annotate,
}

impl From<Kind> for JobKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Framing => Self::Framing,
            Kind::Overlay => Self::Overlay,
            Kind::Annotate => Self::Annotate,
        }
    }
}

/// [`Status`] with clap's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Standing {
    /// Waiting for a renderer
    Pending,
    /// Being rendered
    Processing,
    /// Ready
    Complete,
    /// Failed or cancelled
    Error,
}

impl From<Standing> for Status {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Pending => Self::Pending,
            Standing::Processing => Self::Processing,
            Standing::Complete => Self::Complete,
            Standing::Error => Self::Error,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the job ended as an error, 2 wrong usage, 3 the API or the network failed, \
130 stopped by Ctrl-C (the job goes on).";

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
    fn the_key_never_shows_in_the_help() {
        let help = Args::command().render_long_help().to_string();
        assert!(help.contains("WORKERS_API_KEY"));
        let args = Args::try_parse_from(["reel", "--api-key", "s3cret", "list"]).unwrap();
        assert!(!format!("{args:?}").contains("s3cret"));
    }
}
