//! Typed client of the export job API: upload a clip, create a job, follow it, fetch the result.
//!
//! Invariant: no API key and no capability URL (presigned or with a token) is ever part of an error
//! text or of a `Debug` output. Every wait has an end. May not decide what a job means: the server does.
//!
//! ```no_run
//! # async fn run() -> Result<(), reel_client::Error> {
//! use futures_util::StreamExt as _;
//! use reel_client::{Client, JobId};
//!
//! let client = Client::new("http://localhost:8787", None)?;
//! let id: JobId = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().expect("a UUID");
//! let job = client.job(id).await?;
//! let mut messages = client.watch(&job, job.seq.unwrap_or(0));
//! while let Some(message) = messages.next().await {
//!     println!("{} %", message?.job.progress);
//! }
//! # Ok(())
//! # }
//! ```

#![allow(
    clippy::missing_errors_doc,
    reason = "every call fails as `Error` says, variant by variant; repeating it at each call would tell nothing"
)]

mod api;
mod transfer;
mod watch;

pub use api::client::{Client, Health};
pub use api::error::{Error, Result};
pub use api::job::{CreateJob, Job, JobFilter, JobPage, JobStage, JobStatus};
pub use api::message::{Message, MessageType};
pub use api::problem::{ApiProblem, FieldError};
pub use api::secret::{CapabilityUrl, Secret};
pub use api::uploads::{
    CompletedUpload, CreateUpload, MultipartUpload, ParseUploadTokenError, SignedPart, UploadResponse,
    UploadStatus, UploadTarget, UploadToken, UploadedPart,
};
pub use reel_core::edit::JobKind;
pub use reel_core::id::JobId;
pub use transfer::file::VideoFile;
pub use transfer::upload::SINGLE_PUT_MAX_BYTES;
