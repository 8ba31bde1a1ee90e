//! JSON that others read and write; serde names of the wire live here and nowhere else.

#[cfg(feature = "describe")]
pub mod description;
pub mod gpu_worker;
pub mod job;
pub mod job_list;
pub mod problem;
pub mod project;
pub mod runpod;
pub mod upload;
pub mod upload_parts;
pub mod user_token;
