//! What each subcommand does.

mod clip;
pub mod export;
pub mod jobs;
pub mod upload;
