//! Uppy with `reel-client/uppy`, in a real Chromium, against the real Worker and bucket.

use std::path::Path;

use e2e::{Options, Stack, bare_http, browse, free_port, new_job, spotlight_params, wait_until};
use reel_client::{Client, JobType, Secret};
use serde_json::{Value, json};

const KEY: &str = "the-key-of-this-test-and-of-nothing-else";

#[tokio::test]
async fn an_upload_goes_on_after_a_reload_and_sends_nothing_twice() {
    let port = free_port();
    let vars =
        vec![("WORKERS_API_KEY", KEY.to_owned()), ("ALLOWED_ORIGINS", format!("http://127.0.0.1:{port}"))];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let (file, small_file) = (stack.folder().join("match.mp4"), stack.folder().join("goal.mov"));
    // Seven parts of 5 MiB, the last of them a short one.
    let (bytes, small_bytes) = (random_file(&file, 32_000_000), random_file(&small_file, 300_000));
    let told = browse(
        "upload.mjs",
        json!({
            "page_port": port, "api": stack.api_url(), "api_key": KEY, "part_size": 5 * 1024 * 1024,
            "file": file, "small_file": small_file, "last_part_before": 3
        }),
    )
    .await;

    let mut before = numbers(&told["sent"][0]);
    before.sort_unstable();
    assert_eq!(before, [1, 2, 3], "{told}");
    let mut after = numbers(&told["sent"][1]);
    after.sort_unstable();
    assert_eq!(after, [4, 5, 6, 7], "{told}");
    assert_eq!(told["kept"], json!([]), "nothing is remembered of an upload that is complete");
    let asked = told["asked"].as_array().expect("requests");
    let mut paths: Vec<&str> = asked.iter().filter_map(|asked| asked["path"].as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "/api/videos/multipart",
            "/api/videos/multipart/-/complete",
            "/api/videos/multipart/-/parts",
            "/api/videos/upload-url"
        ],
        "no URL holds what permits to use the upload"
    );
    // The parts that Uppy starts at the same time are signed by one request, with those that follow.
    let signed: Vec<usize> = asked
        .iter()
        .filter(|asked| asked["life"] == 0)
        .filter_map(|asked| Some(asked["parts"].as_array()?.len()))
        .collect();
    assert!(signed.len() == 1 && signed[0] == 7, "{signed:?}");

    assert!(
        stored(&stack, told["body"]["key"].as_str().expect("a key")).await == bytes,
        "other bytes arrived"
    );
    let small_key = told["small"]["key"].as_str().expect("a key");
    assert!(small_key.ends_with("/goal.mov"), "{small_key}");
    assert!(stored(&stack, small_key).await == small_bytes, "other bytes arrived");
}

fn numbers(parts: &Value) -> Vec<u64> {
    parts.as_array().expect("part numbers").iter().filter_map(Value::as_u64).collect()
}

fn random_file(path: &Path, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    fastrand::fill(&mut bytes);
    std::fs::write(path, &bytes).expect("to write a file");
    bytes
}

/// The bytes behind a key: only what a job names is handed out, so a job is made of it.
async fn stored(stack: &Stack, key: &str) -> Vec<u8> {
    let client = Client::new(stack.api_url(), Some(Secret::new(KEY))).expect("a client");
    let order = new_job(JobType::Overlay, key.to_owned(), spotlight_params());
    let job = client.create_job(&order, None).await.expect("a job");
    client.cancel(job.job_id).await.expect("to cancel");
    let url = format!("{}/api/videos/download/{key}", stack.api_url());
    let get = || bare_http().get(&url).bearer_auth(KEY).send();
    wait_until("the index names the input", async || get().await.is_ok_and(|answer| answer.status() == 200))
        .await;
    get().await.expect("an answer").bytes().await.expect("the bytes").to_vec()
}
