//! The Worker and the gpu-worker together, as a test sees them.

use std::fmt::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock, Weak};

use reel_client::{Client, Secret};
use reel_core::auth::service_keys::first_key;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::bucket_proxy::BucketProxy;
use crate::flow::{bare_http, wait_until};
use crate::log_check::LogCheck;
use crate::ports::free_port;
use crate::process::{Process, root, run};
use crate::runpod_proxy::RunpodProxy;
use crate::worker::Worker;

/// What a test wants to be different.
#[derive(Debug, Default)]
pub struct Options {
    /// Settings of the Worker, such as `("CLOCK_SPEED", "10")`.
    pub vars: Vec<(&'static str, String)>,
    /// A script of faults for the gpu-worker.
    pub chaos: Option<PathBuf>,
    /// Jobs that the gpu-worker takes at once; one, when it is not said.
    pub slots: Option<u32>,
    /// Presigned URLs lead through a tap in front of the bucket, see [`Stack::bucket_tap`].
    pub bucket_tap: bool,
    /// A state folder to start with, such as that of an older release; it is copied, and the migrations
    /// that it lacks are applied.
    pub state: Option<PathBuf>,
    /// The documentation is served, too, as in production.
    pub site: bool,
}

impl Options {
    /// Deadlines a tenth of production's: a lost worker is noticed after 6 s instead of a minute.
    pub fn fast_clock() -> Self {
        Self { vars: vec![("CLOCK_SPEED", "10".to_owned())], ..Self::default() }
    }
}

/// Both servers, running. Everything is ended and removed when it is dropped; after a panic the logs
/// are printed and the folder is kept. A test whose servers have written a secret or a token into a log fails
/// then, too.
#[derive(Debug)]
pub struct Stack {
    // Before the folder they write to, so that they end first.
    worker_process: Option<Process>,
    gpu_process: Option<Process>,
    later_gpus: Vec<Process>,
    worker: Worker,
    gpu: Gpu,
    wiretap: RunpodProxy,
    bucket_tap: Option<BucketProxy>,
    api_url: String,
    /// What clients send, if anything.
    api_key: Option<String>,
    folder: Option<TempDir>,
}

#[derive(Debug)]
struct Gpu {
    port: u16,
    key: String,
    chaos: Option<PathBuf>,
    slots: u32,
    log: PathBuf,
    scratch: PathBuf,
}

impl Stack {
    /// Starts both and waits until they answer.
    pub async fn start(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("reel-e2e-").tempdir().expect("a temporary folder");
        let (port, gpu_port) = (free_port(), free_port());
        let api_url = format!("http://127.0.0.1:{port}");
        let gpu_key = random_hex();
        let wiretap = RunpodProxy::start(gpu_port);
        let bucket_tap = options.bucket_tap.then(|| BucketProxy::start(port));
        let bucket_port = bucket_tap.as_ref().map_or(port, BucketProxy::port);
        let mut settings = vec![
            ("ENVIRONMENT", "development".to_owned()),
            ("PUBLIC_URL", api_url.clone()),
            ("R2_ENDPOINT", format!("http://127.0.0.1:{bucket_port}/cdn-cgi/local/r2/s3")),
            ("RUNPOD_ENDPOINT", format!("http://127.0.0.1:{}/v2/local", wiretap.port())),
            ("RUNPOD_API_KEY", gpu_key.clone()),
            ("SIGNING_KEY", random_hex()),
            // Tests of what is refused come from one address.
            ("LIMIT_REFUSALS_PER_MINUTE", "1000000".to_owned()),
        ];
        // A state of an older release knows only its signing key.
        if options.state.is_none() {
            settings.push(("ID_KEY", random_hex()));
        }
        // Tests that are not about access call without a key, as the clients of the FastAPI backend do.
        let key =
            options.vars.iter().find(|(name, _)| *name == "WORKERS_API_KEY").map(|(_, key)| key.clone());
        if key.is_none() {
            settings.push(("OPEN_DEVELOPMENT", "true".to_owned()));
        }
        settings.retain(|(name, _)| options.vars.iter().all(|(given, _)| given != name));
        settings.extend(options.vars);
        let settings: Vec<(String, String)> =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();

        let gpu = Gpu {
            port: gpu_port,
            key: gpu_key,
            chaos: options.chaos,
            slots: options.slots.unwrap_or(1),
            log: folder.path().join("gpu-worker.log"),
            scratch: folder.path().join("scratch"),
        };
        let worker = Worker::prepare(folder.path(), port, &settings, options.state.as_deref(), options.site);
        let mut stack = Self {
            worker_process: None,
            gpu_process: None,
            later_gpus: Vec::new(),
            worker,
            gpu,
            wiretap,
            bucket_tap,
            api_url,
            api_key: key.map(|keys| first_key(&keys).to_owned()),
            folder: Some(folder),
        };
        stack.restart_gpu().await;
        stack.restart_worker().await;
        stack
    }

    /// One stack for all tests of a file that only talk to it: started by the first, kept while any
    /// holds it.
    pub async fn shared() -> SharedStack {
        static SHARED: OnceLock<Mutex<Weak<Stack>>> = OnceLock::new();
        let mut shared = SHARED.get_or_init(Mutex::default).lock().await;
        if let Some(stack) = shared.upgrade() {
            return SharedStack(stack);
        }
        let stack = Arc::new(Self::start(Options::default()).await);
        *shared = Arc::downgrade(&stack);
        SharedStack(stack)
    }

    /// A client of this Worker.
    pub fn client(&self) -> Client {
        Client::new(&self.api_url, self.api_key.as_deref().map(Secret::new)).expect("a client")
    }

    /// Scheme, host and port of the Worker.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Room for files, gone with the stack.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("a stack has a folder until it is dropped").path()
    }

    /// What the Worker says to the gpu-worker.
    pub const fn wiretap(&self) -> &RunpodProxy {
        &self.wiretap
    }

    /// What goes to the bucket by presigned URLs; for stacks that were started with one.
    pub fn bucket_tap(&self) -> &BucketProxy {
        self.bucket_tap.as_ref().expect("a stack with Options::bucket_tap")
    }

    /// The Worker's state: the objects' storage, the database and the bucket.
    pub fn state(&self) -> PathBuf {
        self.worker.state()
    }

    /// The process group of wrangler and workerd.
    pub fn worker_group(&self) -> u32 {
        self.worker_process.as_ref().expect("the Worker runs").group()
    }

    /// What the Worker has written so far.
    pub fn worker_log(&self) -> String {
        std::fs::read_to_string(self.worker.log()).unwrap_or_default()
    }

    /// Runs a file of SQL on the Worker's database; the Worker must be down.
    pub fn execute_sql(&self, file: &Path) {
        assert!(self.worker_process.is_none(), "two programs may not write the same database");
        self.worker.execute_sql(file);
    }

    /// Asks the gpu-worker's queue itself, past the Worker: `path` follows the endpoint.
    pub async fn ask_gpu(&self, path: &str) -> serde_json::Value {
        let url = format!("http://127.0.0.1:{}/v2/local/{path}", self.gpu.port);
        let answer = bare_http().get(url).bearer_auth(&self.gpu.key).send().await.expect("an answer");
        answer.json().await.expect("a JSON body")
    }

    /// Starts the gpu-worker again with another script of faults (`gpu-worker serve --help`). Its queue
    /// is empty then, and the tap has forgotten what was before.
    pub async fn play(&mut self, script: &serde_json::Value) {
        let file = self.folder().join("faults.json");
        std::fs::write(&file, script.to_string()).expect("to write the script");
        self.gpu.chaos = Some(file);
        self.kill_gpu();
        self.restart_gpu().await;
        self.wiretap.forget();
    }

    /// Kills wrangler and workerd with SIGKILL.
    pub fn kill_worker(&mut self) {
        self.worker_process.take().expect("the Worker runs").kill();
    }

    /// Asks wrangler and workerd to end, and waits until they have.
    pub fn stop_worker(&mut self) {
        drop(self.worker_process.take().expect("the Worker runs"));
    }

    /// Changes a setting of the Worker; its next start reads it.
    pub fn set(&self, name: &str, value: &str) {
        self.worker.set(name, value);
    }

    /// Starts the Worker again, with the same port and state.
    pub async fn restart_worker(&mut self) {
        let mut process = self.worker.start();
        let health = format!("{}/health", self.api_url);
        let http = bare_http();
        wait_until("the Worker answers /health with 200", async || {
            process.assert_alive();
            matches!(http.get(&health).send().await, Ok(answer) if answer.status() == 200)
        })
        .await;
        self.worker_process = Some(process);
    }

    /// Starts the Worker again with another setting, and waits for any answer: the setting may be wrong.
    pub async fn restart_worker_with(&mut self, name: &str, value: &str) {
        self.kill_worker();
        self.worker.set(name, value);
        let mut process = self.worker.start();
        let http = bare_http();
        wait_until("the Worker answers", async || {
            process.assert_alive();
            http.get(format!("{}/health", self.api_url)).send().await.is_ok()
        })
        .await;
        self.worker_process = Some(process);
    }

    /// Kills the gpu-worker, and what it renders with, with SIGKILL.
    pub fn kill_gpu(&mut self) {
        self.gpu_process.take().expect("the gpu-worker runs").kill();
    }

    /// Starts the gpu-worker again, on the same port; its queue is empty then.
    pub async fn restart_gpu(&mut self) {
        self.gpu_process = Some(self.gpu.start(self.gpu.port).await);
    }

    /// Points the Worker at another endpoint, with an empty queue and the same key; the Worker is
    /// restarted for it. The first endpoint goes on with what it has.
    pub async fn move_to_another_endpoint(&mut self) {
        let port = free_port();
        self.later_gpus.push(self.gpu.start(port).await);
        self.kill_worker();
        self.worker.set("RUNPOD_ENDPOINT", &format!("http://127.0.0.1:{port}/v2/local"));
        self.restart_worker().await;
    }

    /// The program `reel`, set to this Worker.
    pub fn reel(&self) -> Command {
        let mut command = Command::new(programs().join("reel"));
        command.env("REEL_API_URL", &self.api_url).env_remove("WORKERS_API_KEY");
        command.env("REEL_API_KEY", self.api_key.as_deref().unwrap_or_default());
        // Its bookmarks, away from those of whoever runs the tests.
        command.env("XDG_STATE_HOME", self.folder().join("reel-state"));
        command
    }

    /// What may be in no log of this Worker.
    pub const fn log_check(&self) -> &LogCheck {
        self.worker.log_check()
    }

    /// Searches the logs of both for secrets and tokens; a sentence says what was found.
    pub fn search_logs(&self) -> Result<(), String> {
        self.log_check().search(&self.worker.log(), &[&self.gpu.log])
    }

    /// Panics if a log holds a secret or a token. A drop does the same.
    pub fn assert_logs_hold_no_secrets(&self) {
        self.search_logs().unwrap_or_else(|leaks| panic!("{leaks}"));
    }

    fn print_logs(&self) {
        let mut text = String::new();
        for (name, path) in [("Worker", self.worker.log()), ("gpu-worker", self.gpu.log.clone())] {
            let log = std::fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.len().saturating_sub(LOG_LINES);
            let _ = writeln!(text, "--- {name}, last {} lines", lines.len() - tail);
            for line in lines.iter().skip(tail) {
                let _ = writeln!(text, "{}", without_capabilities(line));
            }
        }
        eprintln!("{text}---");
    }
}

impl Gpu {
    async fn start(&self, port: u16) -> Process {
        let mut command = Command::new(programs().join("gpu-worker"));
        command.env("RUNPOD_API_KEY", &self.key).args(["serve", "--port", &port.to_string()]);
        command.args(["--workers", &self.slots.to_string()]);
        command.arg("--scratch").arg(self.scratch.join(port.to_string()));
        if let Some(script) = &self.chaos {
            command.arg("--chaos").arg(script);
        }
        // Only what this start writes counts.
        let before = std::fs::read_to_string(&self.log).unwrap_or_default().len();
        let mut process = Process::start("the gpu-worker", command, &self.log);
        let ready = format!("gpu-worker listening on http://127.0.0.1:{port}/v2/local");
        wait_until("the gpu-worker says that it listens", async || {
            process.assert_alive();
            process.log().get(before..).is_some_and(|log| log.contains(&ready))
        })
        .await;
        process
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // All end before their folder goes.
        self.worker_process = None;
        self.gpu_process = None;
        self.later_gpus.clear();
        if std::thread::panicking() {
            self.print_logs();
            if let Some(folder) = self.folder.take() {
                eprintln!("kept: {}", folder.keep().display());
            }
        } else {
            self.assert_logs_hold_no_secrets();
        }
    }
}

/// A share of [`Stack::shared`].
#[derive(Debug)]
pub struct SharedStack(Arc<Stack>);

impl Deref for SharedStack {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.0
    }
}

impl Drop for SharedStack {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Now, and not at the last holder's drop: it names the test that this happened in.
            self.0.assert_logs_hold_no_secrets();
        } else if Arc::strong_count(&self.0) > 1 {
            // The last holder's drop would print them, but it need not be the one that failed.
            self.0.print_logs();
        }
    }
}

/// The folder of the programs, built before the first use: a stale program would test yesterday.
/// `E2E_PROGRAMS=FOLDER` takes those of that folder as they are.
pub fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        if let Some(folder) = std::env::var_os("E2E_PROGRAMS") {
            return PathBuf::from(folder);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        run(build.current_dir(root()).args([
            "build",
            "--quiet",
            "-p",
            "gpu-worker",
            "-p",
            "reel-client",
            "--bins",
        ]));
        // target/debug/deps/this_test
        let test = std::env::current_exe().expect("the path of this test");
        test.ancestors().nth(2).expect("a test lies in deps/").to_owned()
    })
}

/// wrangler logs paths, and the tokens of callbacks are part of theirs.
fn without_capabilities(line: &str) -> String {
    let hide = |segment: &str| if segment.len() > 60 { "***".to_owned() } else { segment.to_owned() };
    line.split('/').map(hide).collect::<Vec<_>>().join("/")
}

fn random_hex() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const LOG_LINES: usize = 60;
