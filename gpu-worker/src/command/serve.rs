//! `gpu-worker serve`: settings from the command line, signals, exit codes.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use gpu_worker::serve::chaos::{Chaos, HELP};
use gpu_worker::serve::{Log, Server, Settings, Timing};
use tokio::signal::unix::{SignalKind, signal};

/// Speak RunPod's queue API on loopback, and render what is submitted
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", value_parser = parse_host)]
    host: IpAddr,
    /// Port to listen on; 0 takes any free one, the first line on stdout tells which
    #[arg(long, default_value_t = 8788)]
    port: u16,
    /// Name of the endpoint, as in /v2/ENDPOINT/run
    #[arg(long, default_value = "local")]
    endpoint: String,
    /// Key that callers must send as `Authorization: Bearer KEY`; everybody may call without one
    #[arg(long, value_name = "KEY", env = "RUNPOD_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// How many jobs render at once; one render uses all cores already
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// Folder for videos in work; what a killed server left there is removed [default: a folder in
    /// the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Play scripted faults, for tests of whoever calls this server (see --help)
    #[arg(long, value_name = "SCRIPT", long_help = HELP)]
    chaos: Option<PathBuf>,
    /// Listen on an address that other machines can reach; set an API key, too
    #[arg(long)]
    allow_remote: bool,
}

impl ServeArgs {
    /// Serves until SIGINT or SIGTERM.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(self.serve());
        // A render that does not end must not keep the terminal waiting.
        runtime.shutdown_background();
        done
    }

    async fn serve(self) -> Result<(), Box<dyn Error>> {
        // Before anything is started, so that no signal finds the server half up and kills it hard.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let log = Log::Stderr;
        let server = Server::start(self.settings(log)?).await?;
        writeln!(std::io::stdout(), "gpu-worker listening on {}", server.url())?;
        tokio::select! {
            _ = interrupt.recv() => log.server("interrupted, stopping"),
            _ = terminate.recv() => log.server("terminated, stopping"),
        }
        server.stop().await;
        Ok(())
    }

    fn settings(self, log: Log) -> Result<Settings, Box<dyn Error>> {
        let chaos = self.chaos.as_deref().map(Chaos::load).transpose()?;
        if chaos.is_some() {
            log.server("chaos: faults of the script will be played");
        }
        Ok(Settings {
            address: SocketAddr::new(self.host, self.port),
            allow_remote: self.allow_remote,
            endpoint: self.endpoint,
            // An empty variable is how shells say "not set".
            api_key: self.api_key.filter(|key| !key.is_empty()),
            workers: self.workers.into(),
            scratch: self.scratch.unwrap_or_else(|| std::env::temp_dir().join("reel-gpu-worker")),
            chaos: chaos.unwrap_or_default(),
            timing: Timing::default(),
            log,
        })
    }
}

fn parse_host(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    if text == "localhost" { Ok(Ipv4Addr::LOCALHOST.into()) } else { text.parse() }
}
