//! HTTP to others.

pub mod key_set;
pub mod runpod;
pub mod s3;
pub mod webhook;
