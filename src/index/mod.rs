//! The index in D1: runs the core's statements.

pub mod jobs;
