//! One attempt of an export job, as a GPU worker does it in production: claim, download, render, upload,
//! report.
//!
//! Invariant: nothing here knows who started the attempt. Everything that an attempt does outside of
//! itself goes through [`Backend`].

mod backend;
mod callback_client;
mod context;
mod download;
mod excerpt;
mod http;
mod log;
mod partial_video;
mod progress;
mod run;
mod scratch;
mod timeouts;
mod transfer;
mod upload;

pub(crate) use backend::{Backend, RenderJob, Rendered, WorkerBackend};
pub(crate) use callback_client::{AttemptStatus, CallError};
pub use context::{AttemptContext, SetupError};
pub use log::Log;
pub(crate) use partial_video::PartialVideo;
pub(crate) use progress::{ProgressReporter, progress_report, ratio};
pub use run::run_attempt;
pub(crate) use run::{Attempt, parse_input};
pub use timeouts::WorkerTimeouts;
pub(crate) use transfer::{DownloadSource, TransferError};
