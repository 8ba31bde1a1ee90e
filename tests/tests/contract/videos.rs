//! An upload in parts, and a download. The storage's own answers are not ours to pin.

use e2e::{ExchangeRecorder, Request, Stack, bare_http};
use serde_json::{Value, json};

use crate::{NOBODY, OVERLAY, string};

pub async fn walk(_stack: &Stack, scribe: &mut ExchangeRecorder) {
    let body =
        json!({"filename": "game.mp4", "content_type": "video/mp4", "size_bytes": 7, "job_id": NOBODY});
    let begin = Request::new("POST /api/videos/multipart").json(body);
    let upload = scribe.ask("multipart-create", begin.clone()).await.body;
    let at = |rest: &str| of(&upload, rest);

    let numbers = json!({"part_numbers": [1]});
    let signed = scribe.ask("multipart-sign", post(&at("/parts")).json(numbers)).await.body;
    scribe
        .ask("multipart-sign-refused", post(&at("/parts")).json(json!({"part_numbers": [0, 2, "x"]})))
        .await;
    scribe.ask("multipart-complete-too-early", post(&at("/complete")).json(json!({}))).await;
    let url = signed["parts"][0]["url"].as_str().expect("a URL");
    let sent = bare_http().put(url).body("a video").send().await.expect("an answer");
    assert_eq!(sent.status(), 200);
    let etag = sent.headers()["etag"].to_str().expect("text").trim_matches('"').to_owned();
    scribe.name(&etag, "{etag}");
    let confirm = Request::new(format!("PUT {}", at("/parts"))).anonymous();
    scribe.ask("multipart-confirm", confirm.json(json!({"parts": [{"part_number": 1, "etag": etag}]}))).await;
    scribe.ask("multipart-parts", Request::new(format!("GET {}", at("/parts"))).anonymous()).await;
    let completed = scribe.send(&post(&at("/complete")).json(json!({}))).await.json::<Value>().await;
    let completed = completed.expect("an answer");
    scribe.name(string(&completed["etag"]).trim_matches('"'), "{etag of the video}");
    scribe.ask("multipart-complete", post(&at("/complete")).json(json!({}))).await;
    let abort = Request::new(format!("DELETE {}", at(""))).anonymous();
    scribe.ask("multipart-abort-refused", abort).await;

    // Only what belongs to a job or a project is handed out.
    let download = format!("/api/videos/download/output/{OVERLAY}/2/video.mp4");
    scribe.ask("download", Request::new(format!("GET {download}"))).await;
    let range = Request::new(format!("GET {download}")).header("range", "bytes=2-4");
    scribe.ask("download-range", range).await;
    let beyond = Request::new(format!("GET {download}")).header("range", "bytes=70-");
    scribe.ask("download-range-refused", beyond).await;
    scribe.ask("download-head", Request::new(format!("HEAD {download}"))).await;
    let missing = format!("GET /api/videos/download/input/{NOBODY}/missing.mp4");
    scribe.ask("download-not-found", Request::new(missing)).await;

    // The video of this job is there; another one may still come, and this one is given up.
    scribe.ask("multipart-create-taken", begin).await;
    let taken = json!({"filename": "game.mp4", "content_type": "video/mp4", "job_id": NOBODY});
    scribe.ask("upload-url-taken", Request::new("POST /api/videos/upload-url").json(taken)).await;
    let body =
        json!({"filename": "other.mp4", "content_type": "video/mp4", "size_bytes": 7, "job_id": NOBODY});
    let other = scribe.send(&Request::new("POST /api/videos/multipart").json(body)).await;
    let other = other.json::<Value>().await.expect("an upload");
    let abort = Request::new(format!("DELETE {}", of(&other, ""))).anonymous();
    scribe.ask("multipart-abort", abort).await;
    scribe.ask("multipart-of-another", post(&of_key(&upload["upload_id"], "input/a/b.mp4"))).await;
    let wrong = json!({"filename": "game.mp4", "content_type": "text/html", "size_bytes": 0, "part_size": 1});
    scribe.ask("multipart-create-refused", Request::new("POST /api/videos/multipart").json(wrong)).await;
}

/// A path of an upload, whose id and key are all that it needs.
fn of(upload: &Value, rest: &str) -> String {
    let id = upload["upload_id"].as_str().expect("an id");
    format!("/api/videos/multipart/{id}{rest}?video_key={}", upload["video_key"].as_str().expect("a key"))
}

fn of_key(id: &Value, key: &str) -> String {
    format!("/api/videos/multipart/{}/complete?video_key={key}", id.as_str().expect("an id"))
}

fn post(path: &str) -> Request {
    Request::new(format!("POST {path}")).anonymous()
}
