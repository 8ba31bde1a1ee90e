//! The TypeScript client in Node, in the Workers runtime and in a real Chromium, against the real Worker, bucket and
//! GPU worker; and the example of its guide, run as it is written there.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use e2e::{Options, Stack, browse, free_port, node, root, run, run_script, sample, typescript_client};
use serde_json::{Value, json};

const KEY: &str = "the-key-of-this-test-and-of-nothing-else";

#[tokio::test]
async fn everything_works_in_node_and_an_export_in_a_worker() {
    let stack = start(None).await;
    typescript_client();
    let task = json!({ "api": stack.api_url(), "api_key": KEY, "video": sample() });
    let told = run_script(root().join("tests/typescript/client.mjs"), task.clone()).await;
    assert_eq!(told["sent_twice"], json!([]), "an upload that goes on sends nothing again: {told}");

    let told = run_script(root().join("tests/typescript/worker.mjs"), task).await;
    assert_eq!(told["last"], "complete", "{told}");
    assert_eq!(told["seqs"], told["expected_seqs"], "no event is missing or told twice");
    assert_eq!(told["sockets"], 1, "the Worker's own socket is used: {told}");
}

#[tokio::test]
async fn a_watch_goes_on_when_the_api_was_killed() {
    let mut stack = start(None).await;
    typescript_client();
    let task = json!({ "api": stack.api_url(), "api_key": KEY, "video": sample() });
    let script = root().join("tests/typescript/watch.mjs");
    let mut watch =
        node(&script).arg(task.to_string()).stdout(Stdio::piped()).spawn().expect("the script starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines().map_while(Result::ok);

    let rendering = lines.by_ref().find(|stage| stage == "rendering");
    assert!(rendering.is_some(), "the job ended before it was rendered");
    stack.kill_worker();
    stack.restart_worker().await;
    let told: Vec<String> = tokio::task::spawn_blocking(move || lines.collect()).await.expect("its lines");
    assert!(watch.wait().expect("the script ends").success(), "{told:?}");

    let told: Value = serde_json::from_str(told.last().expect("a last line")).expect("a line of JSON");
    assert_eq!(told["last"], "complete", "{told}");
    assert_eq!(told["seqs"], told["expected_seqs"], "no event is missing or told twice");
    assert!(told["sockets"].as_u64() >= Some(2), "the socket was opened again: {told}");
}

#[tokio::test]
async fn a_page_uploads_and_follows_an_export() {
    let port = free_port();
    let stack = start(Some(port)).await;
    let told = browse(
        "client.mjs",
        json!({ "page_port": port, "api": stack.api_url(), "api_key": KEY, "video": sample() }),
    )
    .await;

    assert_eq!(told["events"]["last"], "complete", "{told}");
    assert_eq!(told["events"]["seqs"], told["events"]["expected_seqs"], "no event is missing or told twice");
    assert_eq!(told["hook"]["status"], "complete", "{told}");
    assert_eq!(told["hook"]["text"], "complete 100%", "what the component shows: {told}");
    assert_eq!(
        told["error"],
        json!({ "name": "ValidationError", "pointers": ["/project_id", "/params/fit"] })
    );
    // Each part is sent once, and the page may read its ETag.
    assert_eq!(told["large"]["parts"], json!([1, 2, 3]), "{told}");
    let urls = told["urls"].as_array().expect("what was requested");
    assert!(!urls.iter().any(|url| url.as_str().is_some_and(|url| url.contains(KEY))), "a URL holds the key");
}

#[tokio::test]
async fn the_example_of_the_guide_works_as_written() {
    let stack = start(None).await;
    let folder = stack.folder().join("guide");
    fs::create_dir_all(folder.join("node_modules")).expect("a folder");
    std::os::unix::fs::symlink(typescript_client(), folder.join("node_modules/reel-client"))
        .expect("the package in node_modules");
    fs::copy(sample(), folder.join("clip.mp4")).expect("a clip");
    fs::write(folder.join("export.mjs"), example()).expect("the example");
    let (api_url, script) = (stack.api_url().to_owned(), folder.join("export.mjs"));
    let from = folder.clone();
    let ran = tokio::task::spawn_blocking(move || {
        run(node(&script).current_dir(from).env("REEL_API_URL", api_url).env("REEL_API_KEY", KEY))
    });
    let told = ran.await.expect("the example ends");
    assert!(told.contains("100%") && told.contains("reel.mp4"), "{told}");
    let reel = fs::read(folder.join("reel.mp4")).expect("the reel");
    assert_eq!(reel.get(4..8), Some(b"ftyp".as_slice()), "an MP4 file");
}

/// The first JavaScript of the guide.
fn example() -> String {
    let text = fs::read_to_string(root().join("docs/guides/typescript.md")).expect("the guide");
    let (_, rest) = text.split_once("```js\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    example.to_owned()
}

async fn start(page_port: Option<u16>) -> Stack {
    let mut vars = vec![("WORKERS_API_KEY", KEY.to_owned())];
    if let Some(port) = page_port {
        vars.push(("ALLOWED_ORIGINS", format!("http://127.0.0.1:{port}")));
    }
    Stack::start(Options { vars, ..Options::default() }).await
}
