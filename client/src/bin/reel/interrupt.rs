//! What goes on, or can be taken up again, when the command is stopped now.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reel_client::JobId;

/// What is under way; written by the commands, read when Ctrl-C comes.
#[derive(Debug, Default)]
pub struct InterruptState(Mutex<Interruptible>);

/// How far a command has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interruptible {
    /// Nothing of it will be left.
    #[default]
    Nothing,
    /// An upload that the same command takes up again.
    Upload {
        /// The file that knows its key and id.
        bookmark: PathBuf,
    },
    /// A job that goes on by itself.
    Job(JobId),
}

impl InterruptState {
    /// The command has come so far.
    pub fn set(&self, stage: Interruptible) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// How far it has come.
    pub fn get(&self) -> Interruptible {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
