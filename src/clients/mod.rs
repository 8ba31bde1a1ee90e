//! HTTP to others.

pub mod runpod;
pub mod s3;
