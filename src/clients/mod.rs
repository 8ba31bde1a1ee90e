//! HTTP to others.

pub mod runpod;
