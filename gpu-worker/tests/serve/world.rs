//! The other side of the server under test: an API that takes callbacks, a storage that takes
//! presigned requests, a receiver of webhooks, and the server itself as its caller sees it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use gpu_worker::serve::chaos::Chaos;
use gpu_worker::serve::{Log, PolicyFloor, Server, Settings, Timing};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// One export job's worth of surroundings, on free ports.
pub struct World {
    pub seen: Arc<Seen>,
    pub api: SocketAddr,
    pub gpu: Gpu,
    server: Option<Server>,
    scratch: tempfile::TempDir,
}

/// The server under test, as its caller sees it.
#[derive(Clone)]
pub struct Gpu {
    pub url: String,
    pub client: reqwest::Client,
}

/// What arrived, and how it is answered.
pub struct Seen {
    log: Mutex<Ledger>,
    changed: Notify,
}

#[derive(Default)]
pub struct Ledger {
    /// Calls in their order: `claim`, `progress`, `complete`, `error`, `get`, `poster`, `put`, `webhook`.
    pub calls: Vec<Call>,
    /// Answers to come, per kind of call; when none is left, all is well.
    replies: HashMap<&'static str, VecDeque<Reply>>,
    /// What storage holds as the input.
    input: Vec<u8>,
    /// The job's kind and params, as a claim grants them.
    grant: (String, Value),
}

#[derive(Clone, Debug)]
pub struct Call {
    pub what: &'static str,
    pub body: Bytes,
    pub headers: HeaderMap,
}

#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Status(u16),
    Html(u16),
    NotApplied,
    /// Half of the body, then the connection breaks.
    Half,
}

impl World {
    /// An honest server that really renders.
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

    /// With an API on a listener of the test's own.
    pub async fn on(listener: TcpListener, script: &str, api_key: Option<&str>) -> Self {
        let seen = Arc::new(Seen { log: Mutex::default(), changed: Notify::new() });
        let api = listener.local_addr().unwrap();
        let router = crate::api::router(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let scratch = tempfile::tempdir().unwrap();
        let server = Server::start(Settings {
            address: "127.0.0.1:0".parse().unwrap(),
            allow_remote: false,
            endpoint: "test".to_owned(),
            api_key: api_key.map(str::to_owned),
            workers: 1,
            scratch: scratch.path().to_owned(),
            chaos: Chaos::parse(script).unwrap(),
            timing: quick(),
            log: Log::Silent,
        })
        .await
        .unwrap();
        let gpu = Gpu { url: server.url(), client: reqwest::Client::new() };
        let world = Self { seen, api, gpu, server: Some(server), scratch };
        world.seen.grant("overlay", json!({}));
        world.seen.put_input(b"any bytes: a pretended render copies them".to_vec());
        world
    }

    /// The body of `/run` for one attempt at the job that the API grants.
    pub fn order(&self) -> Value {
        let (kind, params) = self.seen.granted();
        json!({"input": {
            "job_id": JOB, "attempt": 1, "type": kind, "params": params,
            "input_video_key": "input/a/clip.mp4", "output_video_key": OUTPUT_KEY,
            "callback_url": format!("http://{}/do/secret-token", self.api),
        }})
    }

    /// The same, with a webhook.
    pub fn order_with_webhook(&self) -> Value {
        let mut order = self.order();
        order["webhook"] = json!(format!("http://{}/hook/secret-token", self.api));
        order
    }

    /// Stops the server, and shows what is left of its scratch folder.
    pub async fn stop(mut self) -> Vec<PathBuf> {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        files_below(self.scratch.path())
    }

    /// Files of jobs that are in work.
    pub fn scratch_files(&self) -> Vec<PathBuf> {
        files_below(self.scratch.path())
    }
}

impl Gpu {
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.client.post(format!("{}{path}", self.url)).body(body.to_string())).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.client.get(format!("{}{path}", self.url))).await
    }

    /// Submits an order and answers the job's id.
    pub async fn run(&self, order: &Value) -> String {
        let (status, answer) = self.post("/run", order).await;
        assert_eq!((status, &answer["status"]), (200, &json!("IN_QUEUE")), "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, id: &str) -> Value {
        self.get(&format!("/status/{id}")).await.1
    }

    /// Waits until the job has one of these statuses.
    pub async fn until_status(&self, id: &str, wanted: &[&str]) -> Value {
        let found = async {
            loop {
                let job = self.status(id).await;
                if job["status"].as_str().is_some_and(|status| wanted.contains(&status)) {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("never {wanted:?}"))
    }

    pub async fn until_ended(&self, id: &str) -> Value {
        self.until_status(id, &["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]).await
    }

    /// Waits until no worker is busy.
    pub async fn until_idle(&self) -> Value {
        let found = async {
            loop {
                let health = self.get("/health").await.1;
                if health["workers"]["running"] == 0 {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("a worker stays busy")
    }
}

impl Seen {
    /// Answers the next calls of this kind so.
    pub fn reply(&self, what: &'static str, replies: impl IntoIterator<Item = Reply>) {
        self.log.lock().unwrap().replies.entry(what).or_default().extend(replies);
    }

    pub fn grant(&self, kind: &str, params: Value) {
        self.log.lock().unwrap().grant = (kind.to_owned(), params);
    }

    pub fn put_input(&self, bytes: Vec<u8>) {
        self.log.lock().unwrap().input = bytes;
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.log.lock().unwrap().calls.clone()
    }

    /// The JSON bodies of all calls of a kind.
    pub fn bodies(&self, what: &str) -> Vec<Value> {
        let calls = self.calls();
        let of_kind = calls.iter().filter(|call| call.what == what);
        of_kind.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
    }

    pub fn count(&self, what: &str) -> usize {
        self.calls().iter().filter(|call| call.what == what).count()
    }

    /// Waits until the calls so far are as wanted.
    pub async fn until(&self, wanted: impl Fn(&[Call]) -> bool) {
        let found = async {
            loop {
                let changed = self.changed.notified();
                if wanted(&self.calls()) {
                    return;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        let kinds: Vec<&str> = self.calls().iter().map(|call| call.what).collect();
        assert!(found.is_ok(), "it never came to that: {kinds:?}");
    }

    /// Waits for the first progress report of a stage.
    pub async fn until_stage(&self, stage: &str) {
        let wanted = format!("\"stage\":\"{stage}\"");
        self.until(|calls| calls.iter().any(|call| String::from_utf8_lossy(&call.body).contains(&wanted)))
            .await;
    }

    /// The job's kind and params, as a claim grants them.
    pub fn granted(&self) -> (String, Value) {
        self.log.lock().unwrap().grant.clone()
    }

    /// What storage holds as the input.
    pub fn input(&self) -> Vec<u8> {
        self.log.lock().unwrap().input.clone()
    }

    /// Keeps a call, and answers how it is to be answered.
    pub fn take(&self, what: &'static str, headers: HeaderMap, body: Bytes) -> Option<Reply> {
        let mut log = self.log.lock().unwrap();
        log.calls.push(Call { what, body, headers });
        let reply = log.replies.get_mut(what).and_then(VecDeque::pop_front);
        drop(log);
        self.changed.notify_waiters();
        reply
    }
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
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

/// Waits that would make tests slow are short; the others are the server's own.
fn quick() -> Timing {
    Timing {
        webhook_tries: [0, 20, 60].map(Duration::from_millis).to_vec(),
        progress_interval: Duration::from_millis(20),
        backoff: (Duration::from_millis(5), Duration::from_millis(40)),
        policy_floor: PolicyFloor { execution_timeout: Duration::ZERO, ttl: Duration::ZERO },
        ..Timing::default()
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
pub const OUTPUT_KEY: &str = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4";
pub const POSTER_KEY: &str = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/poster.jpg";
pub const FAKE: &str = r#"{"fake_render_ms": 200}"#;
const PATIENCE: Duration = Duration::from_mins(1);
