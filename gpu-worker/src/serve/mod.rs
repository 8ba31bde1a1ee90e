//! `gpu-worker serve`: RunPod's queue API on loopback, with real renders behind it.
//!
//! A client that works against `https://api.runpod.ai/v2/{endpoint}` works against this server
//! unchanged: same routes, same bodies, same webhook, same deadlines. Jobs live in memory.
//!
//! Invariant: stopping the server ends every render and leaves no file behind.

mod alone;
mod api;
mod attempt;
mod callback;
pub mod chaos;
mod desk;
mod halt;
mod http;
mod log;
mod progress;
mod queue;
mod scratch;
mod submission;
mod timing;
mod transfer;
mod webhook;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use alone::Alone;
pub use log::Log;
pub use submission::PolicyFloor;
pub use timing::Timing;

use self::attempt::Shop;
use self::chaos::Chaos;
use self::desk::Desk;
use self::scratch::Scratch;

/// How to start a server.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Listen on an address that other machines can reach.
    pub allow_remote: bool,
    /// The `{endpoint}` of every path: letters, digits, `-` and `_`.
    pub endpoint: String,
    /// The key that callers must send; `None` lets everybody on this machine in.
    pub api_key: Option<String>,
    /// How many jobs run at once.
    pub workers: usize,
    /// Where job folders are made.
    pub scratch: PathBuf,
    /// Scripted faults.
    pub chaos: Chaos,
    /// Every wait.
    pub timing: Timing,
    /// Where log lines go.
    pub log: Log,
}

/// A running server. Dropping it without [`Server::stop`] leaves its tasks to the runtime.
pub struct Server {
    address: SocketAddr,
    desk: Arc<Desk>,
    workers: JoinSet<()>,
    listener: tokio::task::JoinHandle<()>,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Whoever reaches the port can make this machine fetch URLs and render.
    #[error(
        "{0} can be reached by other machines, and whoever reaches this server can make it fetch any URL; \
         listen on 127.0.0.1, or add --allow-remote and set an API key"
    )]
    Remote(SocketAddr),
    /// The endpoint's name would not fit into a path.
    #[error("the endpoint must be made of letters, digits, - and _")]
    BadEndpoint,
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The scratch folder cannot be made.
    #[error("the scratch folder cannot be used: {0}")]
    Scratch(std::io::Error),
    /// No TLS root certificates.
    #[error("the HTTP client cannot start ({0}); are the system's ca-certificates installed?")]
    Client(reqwest::Error),
}

impl Server {
    /// Listens and takes jobs from now on.
    ///
    /// # Errors
    /// When a setting is refused, the port is taken, or the scratch folder cannot be used.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let address = settings.address;
        if !address.ip().is_loopback() && !settings.allow_remote {
            return Err(StartError::Remote(address));
        }
        if settings.endpoint.is_empty() || !settings.endpoint.bytes().all(is_endpoint_byte) {
            return Err(StartError::BadEndpoint);
        }
        let listen_error = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let shop = Shop {
            client: http::client().map_err(StartError::Client)?,
            timing: settings.timing,
            log: settings.log,
            scratch: Arc::new(Scratch::open(&settings.scratch).map_err(StartError::Scratch)?),
        };
        let workers = settings.workers.max(1);
        let desk = Arc::new(Desk::new(settings.endpoint, settings.api_key, workers, shop, settings.chaos));
        let mut slots = JoinSet::new();
        for slot in 0..workers {
            slots.spawn(worker::work(desk.clone(), format!("local-{slot}")));
        }
        let router = api::router(desk.clone());
        let listener = tokio::spawn(async move {
            // It ends only with its task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, desk, workers: slots, listener })
    }

    /// The base URL of the endpoint, as a client wants it.
    pub fn url(&self) -> String {
        format!("http://{}/v2/{}", self.address, self.desk.endpoint)
    }

    /// Takes no more jobs, ends the running ones, and waits until their files are gone.
    pub async fn stop(self) {
        let Self { desk, mut workers, listener, .. } = self;
        listener.abort();
        desk.down.cancel();
        desk.queue().stop_all();
        // A render ends within a second; a slot that does not must not keep the terminal waiting.
        let _ =
            tokio::time::timeout(STOP_PATIENCE, async { while workers.join_next().await.is_some() {} }).await;
        let _ = listener.await;
        // Open connections keep the desk alive, and with it what its end would remove.
        desk.shop.scratch.remove();
    }
}

const fn is_endpoint_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

const STOP_PATIENCE: Duration = Duration::from_secs(5);
