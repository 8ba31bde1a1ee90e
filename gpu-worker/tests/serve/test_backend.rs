//! Everything around an attempt under test: an API that takes callbacks, a storage that takes presigned
//! requests, a receiver of webhooks, and the emulator that runs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gpu_worker::attempt::{Log, WorkerTimeouts};
use gpu_worker::emulator::{EmulatorTimeouts, FaultInjector, PolicyMinimums, Server, ServerSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::call_log::CallLog;
use crate::emulator_client::EmulatorClient;

/// One server with an API, a storage and a webhook receiver, on free ports.
pub struct TestBackend {
    pub log: Arc<CallLog>,
    pub api: SocketAddr,
    pub emulator: EmulatorClient,
    server: Option<Server>,
    scratch: tempfile::TempDir,
}

impl TestBackend {
    /// A server without faults that really renders.
    pub async fn new() -> Self {
        Self::with("{}").await
    }

    /// A server with a chaos script.
    pub async fn with(script: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, script, None).await
    }

    /// A server with a key.
    pub async fn with_key(key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, "{}", Some(key)).await
    }

    /// With an API on the test's own listener.
    pub async fn on(listener: TcpListener, script: &str, api_key: Option<&str>) -> Self {
        let log = Arc::new(CallLog::default());
        let api = listener.local_addr().unwrap();
        let router = crate::fake_api::router(log.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let scratch = tempfile::tempdir().unwrap();
        let server = Server::start(ServerSettings {
            address: "127.0.0.1:0".parse().unwrap(),
            allow_remote: false,
            endpoint: "test".to_owned(),
            api_key: api_key.map(str::to_owned),
            workers: 1,
            scratch: scratch.path().to_owned(),
            faults: FaultInjector::parse(script).unwrap(),
            worker_timeouts: WorkerTimeouts {
                progress_interval: Duration::from_millis(20),
                retry_backoff: Duration::from_millis(5),
                retry_backoff_max: Duration::from_millis(40),
                ..WorkerTimeouts::default()
            },
            emulator_timeouts: EmulatorTimeouts {
                webhook_delays: [0, 20, 60].map(Duration::from_millis).to_vec(),
                policy_minimums: PolicyMinimums { execution_timeout: Duration::ZERO, ttl: Duration::ZERO },
                ..EmulatorTimeouts::default()
            },
            log: Log::Silent,
        })
        .await
        .unwrap();
        let emulator = EmulatorClient { url: server.url(), client: reqwest::Client::new() };
        let backend = Self { log, api, emulator, server: Some(server), scratch };
        backend.log.grant("overlay", json!({}));
        backend.log.put_input(b"any bytes: a fake render copies them".to_vec());
        backend
    }

    /// The body of `/run` for one attempt at the job that the API grants.
    pub fn run_request(&self) -> Value {
        let (kind, params) = self.log.granted();
        json!({"input": {
            "job_id": JOB, "attempt": 1, "type": kind, "params": params,
            "input_video_key": "input/a/clip.mp4", "output_video_key": OUTPUT_KEY,
            "callback_url": format!("http://{}/do/secret-token", self.api),
        }})
    }

    /// The same, with a webhook.
    pub fn run_request_with_webhook(&self) -> Value {
        let mut request = self.run_request();
        request["webhook"] = json!(format!("http://{}/hook/secret-token", self.api));
        request
    }

    /// Stops the server; returns what is left in its scratch directory.
    pub async fn stop(mut self) -> Vec<PathBuf> {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        files_below(self.scratch.path())
    }

    /// Files of running jobs.
    pub fn scratch_files(&self) -> Vec<PathBuf> {
        files_below(self.scratch.path())
    }
}

pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else if entry.path().extension().is_none_or(|extension| extension != "lock") {
            files.push(entry.path());
        }
    }
    files
}

pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/bigbuckbunny.mp4")
}

/// A spotlight overlay with a crop: every stage of the renderer has something to do.
pub fn overlay() -> Value {
    json!({
        "effect_type": "spotlight",
        "highlight_regions": [
            {"start_frame": 0, "end_frame": 131, "x": 640, "y": 360, "radius_x": 120, "radius_y": 160},
        ],
        "crop_keyframes": [{"frame": 0, "x": 400, "y": 0, "width": 404, "height": 720}],
        "output_width": 270,
        "output_height": 480,
    })
}

pub const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
pub const OUTPUT_KEY: &str = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4";
pub const POSTER_KEY: &str = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/poster.jpg";
pub const FAKE: &str = r#"{"fake_render_ms": 200}"#;
pub const TIMEOUT: Duration = Duration::from_mins(1);
