//! What every attempt of a process shares.

use std::path::Path;
use std::sync::Arc;

use reqwest::Client;
use thiserror::Error;

use super::scratch::Scratch;
use super::{Log, WorkerTimeouts, http};

/// What every attempt of a process shares; clones share it, too.
#[derive(Clone, Debug)]
pub struct AttemptContext {
    /// Keeps connections to the API and to storage.
    pub(crate) client: Client,
    pub(crate) timeouts: WorkerTimeouts,
    pub(crate) log: Log,
    pub(crate) scratch: Arc<Scratch>,
}

/// Why no attempt can be run.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The scratch directory cannot be created or cleaned.
    #[error("the scratch directory cannot be used: {0}")]
    Scratch(std::io::Error),
    /// No TLS root certificates.
    #[error("the HTTP client cannot start ({0}); are the system's ca-certificates installed?")]
    Client(reqwest::Error),
}

impl AttemptContext {
    /// Creates a directory for the files of this process under `scratch`, and removes what killed
    /// processes left there.
    pub fn open(scratch: &Path, timeouts: WorkerTimeouts, log: Log) -> Result<Self, SetupError> {
        Ok(Self {
            client: http::client().map_err(SetupError::Client)?,
            timeouts,
            log,
            scratch: Arc::new(Scratch::open(scratch).map_err(SetupError::Scratch)?),
        })
    }
}
