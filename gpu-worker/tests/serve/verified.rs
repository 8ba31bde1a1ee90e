//! An attempt reads the videos that its job was created with, puts each object once, and takes no more than
//! fits.

use serde_json::{Value, json};

use crate::call_log::ScriptedReply;
use crate::test_backend::{FAKE, TestBackend};

const INPUT: &[u8] = b"any bytes: a fake render copies them";

/// The error report of an attempt that was granted this, too.
async fn failure_of(more: Value) -> (Value, TestBackend) {
    let backend = TestBackend::with(FAKE).await;
    backend.log.grant_more(more);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["status"], "FAILED");
    (backend.log.bodies("error")[0].clone(), backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_video_that_the_job_was_created_with_is_rendered() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.grant_more(json!({"input_version": {"etag": "\"v1\"", "bytes": INPUT.len()}}));
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    let calls = backend.log.calls();
    let get = calls.iter().find(|call| call.what == "get").unwrap();
    assert_eq!(get.headers["if-match"], "\"v1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_was_replaced_is_not_rendered() {
    for version in [
        json!({"etag": "\"v0\"", "bytes": INPUT.len()}),
        json!({"etag": "\"v1\"", "bytes": INPUT.len() - 1}),
        json!({"etag": "\"v1\"", "bytes": INPUT.len() + 1}),
    ] {
        let (report, backend) = failure_of(json!({"input_version": version})).await;
        assert_eq!(report["error_code"], "input_changed", "{version}");
        assert_eq!(
            report["error"],
            "The uploaded video was replaced after the export was created. Create the export again."
        );
        assert_eq!(backend.log.count("put"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn videos_that_do_not_fit_on_the_disk_are_refused_before_the_download() {
    let clip = |number: usize| {
        json!({"video_key": format!("input/a/{number}.mp4"), "url": "STORAGE/input",
            "version": {"etag": "\"v1\"", "bytes": 10_000_000_000_000_u64}})
    };
    let clips: Vec<Value> = (0..50).map(clip).collect();
    let (report, backend) = failure_of(json!({"inputs": clips})).await;
    assert_eq!(report["error_code"], "inputs_too_large");
    assert_eq!(backend.log.count("get"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_the_api_does_not_tell_are_asked_for_when_there_are_several() {
    let backend = TestBackend::with(FAKE).await;
    let clip = |name: &str| json!({"video_key": format!("input/a/{name}.mp4"), "url": "STORAGE/input"});
    backend.log.grant_more(json!({"inputs": [clip("a"), clip("b")]}));
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    let calls = backend.log.calls();
    let sized = |call: &&crate::call_log::RecordedCall| {
        call.headers.get("range").is_some_and(|range| range == "bytes=0-0")
    };
    assert_eq!(calls.iter().filter(sized).count(), 2);
    assert_eq!(backend.log.count("get"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_has_arrived_before_is_done() {
    let backend = TestBackend::with(FAKE).await;
    let once = json!({"if_none_match": "*"});
    backend.log.grant_more(json!({"output": once, "poster": once}));
    // The first answer is lost on its way.
    backend.log.reply("put", [ScriptedReply::Status(502), ScriptedReply::Status(412)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    let calls = backend.log.calls();
    let puts: Vec<_> = calls.iter().filter(|call| call.what == "put").collect();
    assert_eq!(puts.len(), 2);
    assert!(puts.iter().all(|put| put.headers["if-none-match"] == "*"));
    assert_eq!(backend.log.bodies("complete")[0]["output_bytes"], INPUT.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_condition_that_nobody_asked_for_is_a_failure() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("put", [ScriptedReply::Status(412)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["status"], "FAILED");
    let puts = backend.log.calls().into_iter().filter(|call| call.what == "put");
    assert!(puts.into_iter().all(|put| !put.headers.contains_key("if-none-match")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_sent_in_a_header_when_the_api_gives_it_apart() {
    let backend = TestBackend::with(FAKE).await;
    let mut request = backend.run_request();
    request["input"]["callback"] =
        json!({"url": format!("http://{}/attempt", backend.api), "token": "secret-token"});
    request["input"]["callback_url"] = json!("http://127.0.0.1:1/never");
    let id = backend.emulator.run(&request).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    let calls = backend.log.calls();
    let with_token =
        |what: &str| calls.iter().any(|call| call.what == what && call.headers.contains_key("authorization"));
    assert!(with_token("claim") && with_token("progress") && with_token("complete"));
    let to_storage = calls.iter().filter(|call| matches!(call.what, "get" | "put" | "poster"));
    assert!(to_storage.into_iter().all(|call| !call.headers.contains_key("authorization")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_end_is_given_up() {
    let backend = TestBackend::with(FAKE).await;
    for what in ["claim", "progress", "complete"] {
        backend.log.reply(what, [ScriptedReply::Endless]);
    }
    let memory_before = resident_bytes();
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    assert_eq!((backend.log.count("claim"), backend.log.count("complete")), (2, 2));
    let grown = resident_bytes().saturating_sub(memory_before);
    assert!(grown < 200 << 20, "{grown} bytes");
}

/// Of this process, which is the server's, too.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
