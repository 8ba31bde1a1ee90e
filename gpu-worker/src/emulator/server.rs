//! Start and stop of the server.
//!
//! Invariant: stopping the server ends every render and leaves no file behind.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::EmulatorTimeouts;
use super::door::Door;
use super::faults::FaultInjector;
use super::state::EmulatorState;
use super::{routes, slot};
use crate::attempt::{AttemptContext, Log, SetupError, WorkerTimeouts};

/// How to start a server.
#[derive(Debug)]
pub struct ServerSettings {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// Allow an address that other machines can reach.
    pub allow_remote: bool,
    /// The `{endpoint}` of every path: letters, digits, `-` and `_`.
    pub endpoint: String,
    /// The key that callers must send. A server on loopback may go without; then it takes requests of
    /// programs on this machine, and none of web pages.
    pub api_key: Option<String>,
    /// How many jobs run at once.
    pub workers: usize,
    /// Where temporary files are made.
    pub scratch: PathBuf,
    /// Scripted faults.
    pub faults: FaultInjector,
    /// Timeouts of the attempts.
    pub worker_timeouts: WorkerTimeouts,
    /// Timeouts of the emulated queue.
    pub emulator_timeouts: EmulatorTimeouts,
    /// Where log lines go.
    pub log: Log,
}

/// A running server. Dropping it without [`Server::stop`] leaves its tasks to the runtime.
pub struct Server {
    address: SocketAddr,
    state: Arc<EmulatorState>,
    slots: JoinSet<()>,
    listener: JoinHandle<()>,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Any client that reaches the port can make this machine fetch URLs and render.
    #[error(
        "{0} is reachable from other machines, and any client of this server can make it fetch arbitrary \
         URLs; listen on 127.0.0.1, or pass --allow-remote and set an API key"
    )]
    Remote(SocketAddr),
    /// Others can reach the port, and nothing keeps them out.
    #[error(
        "{0} is reachable from other machines, so callers need a key of at least {REMOTE_KEY_MIN_BYTES} \
         characters; pass --api-key or set RUNPOD_API_KEY, for example to the output of `openssl rand -hex 32`"
    )]
    RemoteWithoutKey(SocketAddr),
    /// The endpoint's name would not fit into a path.
    #[error("the endpoint must contain only letters, digits, - and _")]
    InvalidEndpoint,
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// The system's error.
        error: std::io::Error,
    },
    /// No attempt could be run.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Server {
    /// Listens and takes jobs from now on.
    pub async fn start(settings: ServerSettings) -> Result<Self, StartError> {
        let address = settings.address;
        if !address.ip().is_loopback() && !settings.allow_remote {
            return Err(StartError::Remote(address));
        }
        let key_bytes = settings.api_key.as_ref().map_or(0, String::len);
        if !address.ip().is_loopback() && key_bytes < REMOTE_KEY_MIN_BYTES {
            return Err(StartError::RemoteWithoutKey(address));
        }
        if settings.endpoint.is_empty() || !settings.endpoint.bytes().all(is_endpoint_byte) {
            return Err(StartError::InvalidEndpoint);
        }
        let listen_error = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let context = AttemptContext::open(&settings.scratch, settings.worker_timeouts, settings.log)?;
        let state = Arc::new(EmulatorState::new(
            settings.endpoint,
            Door::new(address.ip(), settings.api_key),
            settings.workers,
            context,
            settings.emulator_timeouts,
            settings.faults,
        ));
        let mut slots = JoinSet::new();
        for number in 0..settings.workers {
            slots.spawn(slot::run_slot(state.clone(), format!("local-{number}")));
        }
        let router = routes::router(state.clone());
        let listener = tokio::spawn(async move {
            // It ends only with its task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, state, slots, listener })
    }

    /// The base URL of the endpoint, as a client needs it.
    pub fn url(&self) -> String {
        format!("http://{}/v2/{}", self.address, self.state.endpoint)
    }

    /// Takes no more jobs, ends the running ones, and waits until their files are gone.
    pub async fn stop(self) {
        let Self { state, mut slots, listener, .. } = self;
        listener.abort();
        state.shutdown.cancel();
        state.queue().stop_all();
        // A render ends within a second; a slot that does not must not keep the terminal waiting.
        let all_slots = async { while slots.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(STOP_TIMEOUT, all_slots).await;
        let _ = listener.await;
        // Open connections keep the state alive, and with it the directory that its end would remove.
        state.context.scratch.remove();
    }
}

const fn is_endpoint_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Shorter ones can be guessed.
const REMOTE_KEY_MIN_BYTES: usize = 16;
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
