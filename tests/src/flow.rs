//! The steps that many tests share: upload the sample, create a job, wait for something.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reel_client::{Client, CreateJob, Job, JobType, Message};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};

use crate::process::root;

/// The sample video: 1280x720, 25 frames a second, 132 frames, with sound.
pub fn sample() -> PathBuf {
    root().join("samples/bigbuckbunny.mp4")
}

/// Uploads a file and gives its key.
pub async fn upload(client: &Client, path: &Path) -> String {
    let size_bytes = path.metadata().expect("a file to upload").len();
    let name = path.file_name().expect("a file has a name").to_string_lossy();
    let target = client.upload_url(&name, "video/mp4", Some(size_bytes), None).await.expect("an upload URL");
    client.upload(&target, path, |_| ()).await.expect("an upload");
    target.video_key
}

/// An order for [`Client::create_job`].
pub fn new_job(kind: JobType, input_video_key: String, params: Value) -> CreateJob {
    CreateJob { project_id: 7, job_type: kind, input_video_key, params, job_id: None }
}

/// Uploads the sample and creates a job of it.
pub async fn create(client: &Client, kind: JobType, params: Value) -> Job {
    let key = upload(client, &sample()).await;
    client.create_job(&new_job(kind, key, params), None).await.expect("a job")
}

/// Follows a job to its end through the client, and gives every message.
pub async fn render(client: &Client, job: &Job) -> Vec<Message> {
    let all = client.watch(job, 0).map(|message| message.expect("a message")).collect();
    tokio::time::timeout(END_DEADLINE, all).await.expect("the job ends")
}

/// A spotlight in the middle of the picture for the whole clip, cropped to a vertical reel.
pub fn spotlight_params() -> Value {
    json!({
        "highlight_regions": [
            {"start_frame": 0, "end_frame": 131, "x": 640, "y": 360, "radius_x": 90, "radius_y": 160}
        ],
        "effect_type": "spotlight",
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
        "output_width": 1080,
        "output_height": 1920
    })
}

/// For requests that the typed client cannot say, right or wrong. Plain http only.
pub fn bare_http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client without options to get wrong")
}

/// Asks again until the answer is yes; panics with `what` when it stays no.
pub async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + START_DEADLINE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never came that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Only a fault reaches it: starts take seconds.
const START_DEADLINE: Duration = Duration::from_secs(90);
/// Only a fault reaches it: renders of the sample take seconds, and the longest job of all takes five
/// minutes.
pub const END_DEADLINE: Duration = Duration::from_mins(7);
