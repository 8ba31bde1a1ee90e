//! The Durable Objects: one of each job, one of each upload in parts.

pub mod job;
pub mod job_store;
pub mod subscribers;
pub mod upload;
pub mod upload_store;
