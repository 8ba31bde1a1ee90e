//! An export from the upload to the deletion, with a failed attempt on the way; then one that is
//! cancelled and started over.

use e2e::{ExchangeRecorder, Request, Stack};
use serde_json::{Value, json};

use crate::{FRAMING, OVERLAY, job, path, put, string, submitted};

pub async fn walk(stack: &Stack, scribe: &mut ExchangeRecorder) {
    scribe.ask("health", Request::new("GET /health").anonymous()).await;
    upload(scribe).await;
    overlay(stack, scribe).await;
    framing(stack, scribe).await;
}

async fn upload(scribe: &mut ExchangeRecorder) {
    let body = json!({"filename": "Saturday's game.mp4", "content_type": "video/mp4", "job_id": null});
    let target = scribe.send(&upload_url(body.clone())).await.json::<Value>().await.expect("JSON");
    let id = string(&target["video_key"]).split('/').nth(1).expect("an id").to_owned();
    assert_eq!(id.len(), 36, "an id of its own: {target}");
    let body = json!({"filename": "working_video.mp4", "content_type": "video/mp4", "size_bytes": 7,
        "job_id": OVERLAY});
    let target = scribe.ask("upload-url", upload_url(body)).await;
    put(target.body["upload_url"].as_str().expect("a URL"), "video/mp4", "a video").await;
}

fn upload_url(body: Value) -> Request {
    Request::new("POST /api/videos/upload-url").json(body)
}

/// The create of the FastAPI backend, with an id of the client's own.
pub fn create_overlay() -> Value {
    json!({
        "project_id": 7, "type": "overlay", "job_id": OVERLAY,
        "input_video_key": format!("input/{OVERLAY}/working_video.mp4"),
        "params": {
            "highlight_regions": [{"start_frame": 0, "end_frame": 60, "x": 540, "y": 960,
                "radius_x": 80, "radius_y": 160, "opacity": 1.0, "color": "#ffffff"}],
            "effect_type": "blur", "crop_keyframes": null, "output_width": 1080, "output_height": 1920
        }
    })
}

async fn overlay(stack: &Stack, scribe: &mut ExchangeRecorder) {
    let create = Request::new("POST /api/jobs").json(create_overlay());
    scribe.ask("job-create", create.clone()).await;
    let sent = submitted(stack, scribe, OVERLAY, 1).await;
    scribe.pin("runpod-run.json", &serde_json::to_string_pretty(&sent).expect("JSON"));
    scribe.ask("job-create-again", create).await;
    let mut other = create_overlay();
    other["params"]["effect_type"] = json!("spotlight");
    scribe.ask("job-create-conflict", Request::new("POST /api/jobs").json(other)).await;

    let watch = string(&job(scribe, OVERLAY).await["websocket_url"]);
    let mut ours = scribe.open(&format!("/api/jobs/{OVERLAY}/ws?after=0")).await;
    let mut legacy = scribe.open(&format!("/ws/export/{OVERLAY}")).await;
    // The snapshot, and the events so far: created, and taken by RunPod.
    let seq = job(scribe, OVERLAY).await["seq"].as_u64().expect("a number");
    for _ in 0..=seq {
        ours.hear().await;
    }
    legacy.hear().await;
    for socket in [&mut ours, &mut legacy] {
        for words in [r#"{"type":"ping"}"#, "ping", r#"{"type":"subscribe"}"#] {
            socket.say(words).await;
            socket.hear().await;
        }
        // Not answered, and nothing breaks.
        socket.say("{").await;
    }

    // The first attempt fails, as a GPU may.
    let first = callback(stack, &sent);
    let runpod_job_id = job(scribe, OVERLAY).await["runpod_job_id"].clone();
    let claim = json!({"runpod_job_id": runpod_job_id});
    scribe.ask("callback-claim", post(&first, "claim", claim)).await;
    let rival = json!({"runpod_job_id": "another-job"});
    scribe.ask("callback-claim-of-another", post(&first, "claim", rival)).await;
    let progress = json!({"progress": 5, "message": "Downloading the video", "stage": "downloading"});
    scribe.ask("callback-progress", post(&first, "progress", progress)).await;
    scribe.ask("job-processing", Request::new(format!("GET /api/jobs/{OVERLAY}"))).await;
    let failure = json!({"error": "CUDA is out of memory.", "error_code": "gpu_out_of_memory"});
    scribe.ask("callback-error", post(&first, "error", failure)).await;

    // The second does it.
    let sent = submitted(stack, scribe, OVERLAY, 2).await;
    let late = json!({"progress": 50, "stage": "rendering"});
    scribe.ask("callback-of-an-old-attempt", post(&first, "progress", late)).await;
    let second = callback(stack, &sent);
    let runpod_job_id = job(scribe, OVERLAY).await["runpod_job_id"].clone();
    let claim = post(&second, "claim", json!({"runpod_job_id": runpod_job_id}));
    let grant: Value = scribe.send(&claim).await.json().await.expect("a grant");
    put(grant["output"]["url"].as_str().expect("a URL"), "video/mp4", "a reel").await;
    put(grant["poster"]["url"].as_str().expect("a URL"), "image/jpeg", "a picture").await;
    let report = json!({"output_video_key": grant["output"]["key"], "output_bytes": 6,
        "poster_key": grant["poster"]["key"],
        "output": {"width": 1080, "height": 1920, "fps": 29.97, "frames": 90, "duration_ms": 3003}});
    let complete = post(&second, "complete", report);
    scribe.ask("callback-complete", complete.clone()).await;
    scribe.ask("callback-complete-again", complete).await;
    let webhook = format!("POST {}", path(stack, &sent["webhook"]));
    let body = json!({"id": "{runpod_job_id}", "status": "COMPLETED"});
    scribe.ask("runpod-webhook", Request::new(webhook).json(body).anonymous()).await;
    scribe.pin("socket.txt", &ours.to_the_end().await);
    scribe.pin("socket.legacy.txt", &legacy.to_the_end().await);
    let late = scribe.open(&watch).await.to_the_end().await;
    scribe.pin("socket-of-an-ended-job.txt", &late);
    scribe.ask("job-complete", Request::new(format!("GET /api/jobs/{OVERLAY}"))).await;
    scribe.ask("job-events", Request::new(format!("GET /api/jobs/{OVERLAY}/events?after=4"))).await;
    let filmstrip = Request::new(format!("GET /api/jobs/{OVERLAY}/filmstrip.vtt"));
    scribe.ask("job-filmstrip-not-found", filmstrip).await;
    scribe.ask("job-cancel-refused", Request::new(format!("POST /api/jobs/{OVERLAY}/cancel"))).await;
    scribe.ask("job-retry-refused", Request::new(format!("POST /api/jobs/{OVERLAY}/retry"))).await;
    let (_, token) = watch.split_once('?').expect("a token");
    let by_link = Request::new(format!("GET /api/jobs/{OVERLAY}?{token}")).anonymous();
    scribe.ask("job-of-a-link", by_link.clone()).await;
    scribe.ask("job-revoke-links", Request::new(format!("POST /api/jobs/{OVERLAY}/revoke-links"))).await;
    scribe.ask("job-of-a-revoked-link", by_link).await;
}

async fn framing(stack: &Stack, scribe: &mut ExchangeRecorder) {
    let create = json!({
        "project_id": 7, "type": "framing", "job_id": FRAMING,
        "input_video_key": format!("input/{OVERLAY}/working_video.mp4"),
        "params": {
            "clip_index": 0, "crop_keyframes": [{"frame": 0, "x": 100.5, "y": 0, "width": 405, "height": 720}],
            "output_width": 1080, "output_height": 1920, "start_time": null, "end_time": 4.5
        }
    });
    scribe.ask("job-create-framing", Request::new("POST /api/jobs").json(create)).await;
    submitted(stack, scribe, FRAMING, 1).await;
    scribe.ask("job-delete-refused", Request::new(format!("DELETE /api/jobs/{FRAMING}"))).await;
    scribe.ask("job-cancel", Request::new(format!("POST /api/jobs/{FRAMING}/cancel"))).await;
    scribe.ask("job-retry", Request::new(format!("POST /api/jobs/{FRAMING}/retry"))).await;
    submitted(stack, scribe, FRAMING, 2).await;
    scribe.send(&Request::new(format!("POST /api/jobs/{FRAMING}/cancel"))).await;

    // The index hears of ends a moment later.
    let both_ended = Request::new("GET /api/jobs?limit=100");
    e2e::wait_until("the index knows both ends", async || {
        let page: Value = scribe.send(&both_ended).await.json().await.expect("a page");
        let statuses: Vec<_> =
            page["jobs"].as_array().into_iter().flatten().map(|job| &job["status"]).collect();
        statuses == ["error", "complete"]
    })
    .await;
    scribe.ask("jobs", both_ended).await;
    scribe.ask("jobs-first-page", Request::new("GET /api/jobs?project_id=7&limit=1")).await;
    scribe.ask("jobs-none", Request::new("GET /api/jobs?status=processing&type=annotate")).await;
    scribe.ask("job-delete", Request::new(format!("DELETE /api/jobs/{FRAMING}"))).await;
    scribe.ask("job-not-found", Request::new(format!("GET /api/jobs/{FRAMING}"))).await;
}

/// The base of an attempt's callbacks.
fn callback(stack: &Stack, sent: &Value) -> String {
    path(stack, &sent["input"]["callback_url"]).to_owned()
}

/// A report of a GPU worker, whose token is all it has.
fn post(callback: &str, what: &str, body: Value) -> Request {
    Request::new(format!("POST {callback}/{what}")).json(body).anonymous()
}
