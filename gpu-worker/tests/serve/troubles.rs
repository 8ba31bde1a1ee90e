//! The API and the storage in trouble, and attempts that are over.

use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{FAKE, Reply, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_claim_is_refused_ends_without_a_word() {
    for reply in [
        Reply::NotApplied,
        Reply::Status(401),
        Reply::Status(403),
        Reply::Status(404),
        Reply::Status(409),
        Reply::Status(410),
    ] {
        let world = World::with(FAKE).await;
        world.seen.reply("claim", [reply]);
        let id = world.gpu.run(&world.order()).await;
        let job = world.gpu.until_ended(&id).await;
        assert_eq!(job["output"], json!({"status": "stopped"}), "{reply:?}");
        assert_eq!(job["status"], "COMPLETED");
        assert_eq!(world.seen.calls().len(), 1, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_restarts_does_not_cost_a_job() {
    let world = World::with(FAKE).await;
    world.seen.reply("claim", [Reply::Status(503), Reply::Html(502), Reply::Html(200), Reply::Status(429)]);
    world.seen.reply("progress", [Reply::Status(500), Reply::Html(502)]);
    world.seen.reply("complete", [Reply::Status(500), Reply::Html(530), Reply::Html(200)]);
    let id = world.gpu.run(&world.order()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    assert_eq!((world.seen.count("claim"), world.seen.count("complete")), (5, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_drops_connections_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (seen, api) = (listener.local_addr().unwrap(), listener);
    let dropped = tokio::spawn(async move {
        for _ in 0..3 {
            drop(api.accept().await.unwrap());
        }
        api
    });
    // The world's own API starts only when three calls have failed, on the same port.
    let world = World::with(FAKE).await;
    let mut order = world.order();
    order["input"]["callback_url"] = json!(format!("http://{seen}/do/secret-token"));
    let id = world.gpu.run(&order).await;
    let listener = dropped.await.unwrap();
    assert_eq!(world.gpu.status(&id).await["status"], "IN_PROGRESS");
    let back = World::on(listener, FAKE, None).await;
    assert_eq!(world.gpu.until_ended(&id).await["output"]["status"], "success");
    assert_eq!(back.seen.count("complete"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_that_nobody_wants_any_more_is_stopped() {
    for reply in [Reply::NotApplied, Reply::Status(409), Reply::Status(410)] {
        let world = World::with(r#"{"fake_render_ms": 60000}"#).await;
        let id = world.gpu.run(&world.order()).await;
        world.seen.until_stage("rendering").await;
        world.seen.reply("progress", [reply]);
        let job = world.gpu.until_ended(&id).await;
        assert_eq!(job["output"], json!({"status": "stopped"}));
        assert_eq!(world.seen.count("error") + world.seen.count("complete"), 0);
        assert_eq!(world.scratch_files(), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_progress_route_does_not_stop_a_render() {
    let world = World::with(FAKE).await;
    world.seen.reply("progress", [Reply::Status(404), Reply::Status(400)]);
    let id = world.gpu.run(&world.order()).await;
    assert_eq!(world.gpu.until_ended(&id).await["output"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_is_resumed_where_it_broke() {
    let world = World::with(FAKE).await;
    let video: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    world.seen.put_input(video.clone());
    world.seen.reply("get", [Reply::Status(503), Reply::Half]);
    let id = world.gpu.run(&world.order()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    let calls = world.seen.calls();
    let gets: Vec<_> = calls.iter().filter(|call| call.what == "get").collect();
    assert_eq!(gets.len(), 3);
    assert!(gets[2].headers.contains_key("range"), "{:?}", gets[2].headers);
    assert_eq!(gets[2].headers["if-range"], "\"v1\"");
    let put = calls.iter().find(|call| call.what == "put").unwrap();
    assert!(put.body == video, "{} bytes arrived of {}", put.body.len(), video.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_tried_again_when_storage_stumbles() {
    let world = World::with(FAKE).await;
    world.seen.reply("put", [Reply::Status(500), Reply::Html(503)]);
    let id = world.gpu.run(&world.order()).await;
    assert_eq!(world.gpu.until_ended(&id).await["output"]["status"], "success");
    assert_eq!(world.seen.count("put"), 3);
    assert_eq!(world.seen.count("complete"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_refuses_is_reported_with_a_sentence_and_no_url() {
    for (what, status, code) in
        [("get", 404, "invalid_input"), ("get", 403, "gpu_error"), ("put", 403, "gpu_error")]
    {
        let world = World::with(FAKE).await;
        world.seen.reply(what, [Reply::Status(status)]);
        let id = world.gpu.run(&world.order()).await;
        let job = world.gpu.until_ended(&id).await;
        assert_eq!(job["status"], "FAILED");
        let report = &world.seen.bodies("error")[0];
        assert_eq!(report["error_code"], code);
        assert_eq!(job["error"], report["error"]);
        let sentence = report["error"].as_str().unwrap();
        assert!(sentence.ends_with('.') && !sentence.contains("secret"), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_makes_no_sense_is_invalid_input() {
    let world = World::with(FAKE).await;
    world.seen.grant("overlay", json!({"effect_type": "sparkle"}));
    let id = world.gpu.run(&world.order()).await;
    assert_eq!(world.gpu.until_ended(&id).await["status"], "FAILED");
    let report = &world.seen.bodies("error")[0];
    assert_eq!(report["error_code"], "invalid_input");
    assert!(report["error"].as_str().unwrap().contains("/effect_type"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_another_system_fails_without_a_call() {
    let world = World::new().await;
    let id = world.gpu.run(&json!({"input": {"prompt": "a cat"}})).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!(job["error"], "the input is not a render job of this API");
    assert_eq!(world.seen.calls().len(), 0);
}
