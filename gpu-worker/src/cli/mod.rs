//! The commands of the `gpu-worker` program, one file each: arguments, signals, exit codes.

pub mod attempt;
pub mod render;
pub mod serve;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints an error; the exit code is 1.
fn fail(error: impl Display) -> ExitCode {
    eprintln!("gpu-worker: {error}");
    ExitCode::FAILURE
}

/// Where temporary files go unless `--scratch` says otherwise.
fn default_scratch() -> PathBuf {
    std::env::temp_dir().join("reel-gpu-worker")
}
