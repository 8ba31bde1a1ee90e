//! `gpu-worker serve`: the emulator of RunPod's queue, until a signal.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gpu_worker::attempt::{Log, WorkerTimeouts};
use gpu_worker::emulator::{EmulatorTimeouts, FAULTS_HELP, FaultInjector, Server, ServerSettings};
use tokio::signal::unix::{SignalKind, signal};

/// Emulate RunPod's queue API on localhost and render the submitted jobs
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", value_parser = parse_host)]
    host: IpAddr,
    /// Port to listen on; 0 picks a free port and prints it on the first line of stdout
    #[arg(long, default_value_t = 8788)]
    port: u16,
    /// Name of the endpoint, as in /v2/ENDPOINT/run
    #[arg(long, default_value = "local")]
    endpoint: String,
    /// Key that callers must send as `Authorization: Bearer KEY`. Without one, programs on this machine may
    /// call, and no web page
    #[arg(long, value_name = "KEY", env = "RUNPOD_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// How many jobs render at once; a single render already uses all cores
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// Directory for temporary files; leftovers of a killed server are removed [default: a
    /// subdirectory of the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Inject scripted faults, to test clients of this server (see --help)
    #[arg(long, value_name = "SCRIPT", long_help = FAULTS_HELP)]
    chaos: Option<PathBuf>,
    /// Allow listening on a non-loopback address; needs an API key
    #[arg(long)]
    allow_remote: bool,
}

impl ServeArgs {
    /// Serves until SIGINT or SIGTERM.
    pub fn run(self) -> ExitCode {
        match self.serve_until_signal() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => super::fail(error),
        }
    }

    fn serve_until_signal(self) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(self.serve());
        // A render that does not end must not keep the terminal waiting.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<(), Box<dyn Error>> {
        // Before anything is started, so that no signal kills a half-started server.
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

    fn settings(self, log: Log) -> Result<ServerSettings, Box<dyn Error>> {
        let faults = self.chaos.as_deref().map(FaultInjector::load).transpose()?;
        if faults.is_some() {
            log.server("chaos: faults of the script will be injected");
        }
        Ok(ServerSettings {
            address: SocketAddr::new(self.host, self.port),
            allow_remote: self.allow_remote,
            endpoint: self.endpoint,
            // An empty variable is how shells say "not set".
            api_key: self.api_key.filter(|key| !key.is_empty()),
            workers: self.workers.into(),
            scratch: self.scratch.unwrap_or_else(super::default_scratch),
            faults: faults.unwrap_or_default(),
            worker_timeouts: WorkerTimeouts::default(),
            emulator_timeouts: EmulatorTimeouts::default(),
            log,
        })
    }
}

fn parse_host(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    if text == "localhost" { Ok(Ipv4Addr::LOCALHOST.into()) } else { text.parse() }
}
