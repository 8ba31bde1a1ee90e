//! Typed client of the export job API: upload a clip, create a job, follow it, download the result.
//!
//! Invariant: no API key and no capability URL (presigned or with a token) is part of an error text or of a `Debug`
//! output. Every wait ends. The server decides what a job means; this crate only reports it.
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
    reason = "every call fails as `Error` says, variant by variant; repeating it at each call would add nothing"
)]

mod api;
mod transfer;
mod watch;

pub use api::capability_url::CapabilityUrl;
pub use api::client::Client;
pub use api::error::Error;
pub use api::job::{
    CreateJob, Filmstrip, FurtherOutput, Job, JobFilter, JobPage, JobStage, JobStatus, MadeReel,
};
pub use api::message::Message;
pub use api::problem::{ApiProblem, FieldError};
pub use api::retry::{RetryPolicy, with_retries};
pub use api::uploads::{
    CompletedUpload, CreateUpload, MultipartUpload, ParseUploadTokenError, SignedPart, UploadResponse,
    UploadStatus, UploadTarget, UploadToken, UploadedPart,
};
pub use reel_core::base::id::JobId;
pub use reel_core::base::secret::Secret;
pub use reel_core::base::video_type::VideoType;
pub use reel_core::edit::JobType;
pub use reel_core::job::log::MessageType;
pub use transfer::file::VideoFile;
pub use transfer::upload::SINGLE_PUT_MAX_BYTES;
