//! What the log of development shows of capabilities: nothing.

use std::ffi::OsString;
use std::process::Command;

use e2e::{Options, PartUpload, RawSocket, Stack, bare_http, create, root, run, spotlight_params};
use reel_client::{Client, JobType, Secret};
use serde_json::json;

const API_KEY: &str = "the-api-key-of-this-test-0123456789";
/// In a URL, where no client of ours puts a key.
const NOT_A_KEY: &str = "what-somebody-takes-for-a-key-0123456789";

/// The log as `npm run dev` prints it.
fn as_printed(log: &str, file: &std::path::Path) -> String {
    std::fs::write(file, log).expect("to write the log");
    let script = "const { wranglerLogFilter } = await import(process.argv[1]);\
        const fs = await import('node:fs'); const show = wranglerLogFilter();\
        for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\\n')) console.log(show(line) ?? '');";
    let mut path = OsString::from(root().join("node_modules/.bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let filter = format!("file://{}", root().join("scripts/wrangler-log.mjs").display());
    let mut node = Command::new("node");
    run(node.env("PATH", path).args(["--input-type=module", "-e", script, &filter]).arg(file))
}

#[tokio::test]
async fn no_token_key_or_upload_id_reaches_the_log() {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned())];
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    stack.play(&json!({"fake_render_ms": 1})).await;
    let client = Client::new(stack.api_url(), Some(Secret::new(API_KEY))).expect("a client");
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    let input = job.input_video_key.clone().expect("a key");
    let link = job.websocket_url.as_ref().expect("a link").reveal().to_owned();
    let token = link.split_once("token=").expect("a token").1.to_owned();
    RawSocket::open(&stack, &job).await.listen().await;
    let output = client.job(job.job_id).await.expect("the job").output_video_key.expect("an output");

    let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000});
    let url = |path: &str| format!("{}{path}", stack.api_url());
    let begun = bare_http().post(url("/api/videos/multipart")).bearer_auth(API_KEY).json(&body).send().await;
    let begun: serde_json::Value = begun.expect("an answer").json().await.expect("JSON");
    let text = |name: &str| begun[name].as_str().expect("text").to_owned();
    let upload = PartUpload::known(&stack, &text("video_key"), &text("upload_id"));
    let etag = upload.send(1, vec![1; 1000]).await;
    assert_eq!(upload.complete_with(&[(1, etag)]).await.0, 200);
    for path in [
        format!("/api/videos/download/{output}?inline=1&token={token}"),
        format!("/api/videos/download/{output}?token={token}0"),
        format!("/api/jobs/{}?token={token}", job.job_id),
        format!("/no/such/route?token={token}&key={NOT_A_KEY}"),
        format!("/api/videos/multipart/{}/parts?video_key=input%2Fother%2Fa.mp4", upload.upload_id),
    ] {
        bare_http().get(url(&path)).send().await.expect("an answer");
    }
    let callback =
        stack.wiretap().asked().into_iter().find(|asked| asked.what == "run").expect("a submit").body;
    let callback = callback["input"].as_object().expect("an input").values().find_map(|value| {
        value.as_str().and_then(|text| text.split_once("/do/")).map(|(_, token)| token.to_owned())
    });
    let callback = callback.expect("a callback URL");

    let secrets =
        [API_KEY, NOT_A_KEY, &input, &output, &token, &callback, &upload.upload_id, &upload.video_key];
    let log = stack.worker_log();
    assert!(log.contains(&upload.upload_id), "wrangler itself prints URLs, or this test sees nothing");
    let printed = as_printed(&log, &stack.folder().join("printed.log"));
    assert!(printed.contains("/api/videos/multipart/***"), "the log is printed");
    for secret in secrets {
        for secret in [secret.to_owned(), secret.replace('/', "%2F")] {
            let shown = printed.lines().find(|line| line.contains(&secret));
            assert_eq!(shown, None, "of a URL");
            // Our own lines, as production keeps them.
            let own = log.lines().find(|line| line.contains("\"event\"") && line.contains(&secret));
            assert_eq!(own, None, "of our own log");
        }
    }
    assert!(!printed.contains("X-Amz-Signature=") || printed.contains("X-Amz-Signature=***"));
}
