//! Requests at the door: bytes in, a typed request or every error out.

pub mod audit;
pub mod batch;
pub mod body;
pub mod callbacks;
#[cfg(feature = "describe")]
pub mod description;
pub mod exports;
pub mod job_list;
pub mod jobs;
pub mod projects;
mod query;
pub mod tokens;
pub mod upload_url;
pub mod uploads;
pub mod webhooks;
