//! What Ctrl-C would leave unfinished, so that the last words of the command can say how to continue.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reel_client::JobId;

/// Written by the commands, read when Ctrl-C arrives.
#[derive(Debug, Default)]
pub struct InterruptState(Mutex<Interruptible>);

/// What is unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interruptible {
    /// Nothing on the server.
    #[default]
    Nothing,
    /// An upload that the same command resumes.
    Upload {
        /// The file that has its key and id.
        resume_file: PathBuf,
    },
    /// A job that keeps running.
    Job(JobId),
}

impl InterruptState {
    /// Replaces the state.
    pub fn set(&self, state: Interruptible) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The state now.
    pub fn get(&self) -> Interruptible {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
