//! The end of an attempt's work before it is done, and who asked for it.
//!
//! Invariant: the first reason stays; the queue's own stop always ends the work, too.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Ends the work of one attempt; clones share it.
#[derive(Clone, Debug)]
pub struct Halt {
    token: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

/// Why the work was ended from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The API wants no more of this attempt.
    Over,
    /// Scripted: the worker dies here.
    Crash,
    /// Scripted: the worker does nothing more and says nothing more.
    Hang,
}

impl Halt {
    /// Fires with `stop`, and alone.
    pub fn below(stop: &CancellationToken) -> Self {
        Self { token: stop.child_token(), why: Arc::default() }
    }

    /// Ends the work for this reason.
    pub fn with(&self, why: Why) {
        // A second reason has nothing left to end.
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// The reason from inside; `None` when nobody or the queue's stop ended the work.
    pub fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }

    /// Waits for the end; for ever when there is none.
    pub async fn halted(&self) {
        self.token.cancelled().await;
    }
}
