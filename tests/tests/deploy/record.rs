//! Records the fixture: the real Worker, with a job in every state that is stored.
//!
//! At the commit of a release, with [`fixture::RELEASE`] set to it:
//! `cargo test -p e2e --test deploy -- --ignored the_state_of_a_release_is_recorded`
//!
//! Invariant: a fixture is never recorded twice, since a later program would record its own state.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{PartUpload, bare_http, run, upload, wait_until};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::fixture;
use crate::recorder::{Broken, Recorder};
use crate::renderer::{ask, get, rows, without_links};

/// How each job is stored, and how it must end: when it is opened minutes later and somebody goes on with
/// it (`main.rs` says who), and when it is opened a month later.
#[rustfmt::skip]
const PLAN: &[(&str, &str, End, End)] = &[
    // RunPod answers 503, or refuses the key.
    ("waiting_refused",      "waiting",    complete(1),            error("gpu_unreachable", 1)),
    ("waiting_unauthorized", "waiting",    complete(1),            error("gpu_unauthorized", 1)),
    // The third attempt, which nobody has submitted yet.
    ("waiting_again",        "waiting",    complete(3),            complete(3)),
    // Started over by hand, and RunPod has not answered.
    ("submitting",           "submitting", complete(2),            error("gpu_unreachable", 2)),
    ("queued",               "queued",     complete(1),            error("queue_timeout", 1)),
    ("queued_with_message",  "queued",     error("cancelled", 1),  error("queue_timeout", 1)),
    ("queued_by_hand",       "queued",     complete(2),            error("queue_timeout", 2)),
    ("rendering",            "rendering",  complete(1),            complete(2)),
    ("rendering_of_several", "rendering",  complete(2),            complete(2)),
    // Its result was put, and the report of it was lost.
    ("rendered",             "rendering",  complete(1),            complete(1)),
    // The bucket did not answer.
    ("verifying",            "verifying",  complete(1),            complete(2)),
    ("complete",             "ended",      complete(1),            complete(1)),
    ("complete_of_project",  "ended",      complete(1),            complete(1)),
    ("failed",               "ended",      error("gpu_error", 1),  error("gpu_error", 1)),
    ("cancelled",            "ended",      error("cancelled", 1),  error("cancelled", 1)),
    // RunPod has not confirmed the cancel.
    ("cancelled_with_debt",  "ended",      error("cancelled", 1),  error("cancelled", 1)),
    // The database did not answer, so the list still says that it waits.
    ("ended_unlisted",       "ended",      error("cancelled", 1),  error("cancelled", 1)),
    ("export_of_project",    "waiting",    complete(1),            error("gpu_unreachable", 1)),
];

/// JobStatus, error code, attempt.
type End = (&'static str, Option<&'static str>, u32);

const fn complete(attempt: u32) -> End {
    ("complete", None, attempt)
}

const fn error(code: &'static str, attempt: u32) -> End {
    ("error", Some(code), attempt)
}

#[tokio::test]
#[ignore = "writes a fixture; run it at the commit of a release"]
async fn the_state_of_a_release_is_recorded() {
    let place = fixture::place();
    assert!(!place.exists(), "{} is there already: it must come from its release", place.display());
    let mut all = Recorder::start().await;
    let videos = Videos::upload(&mut all).await;
    projects(&mut all, &videos).await;
    ended_jobs(&mut all, &videos).await;
    waiting_jobs(&mut all, &videos).await;
    queued_jobs(&mut all, &videos).await;
    rendering_jobs(&mut all, &videos).await;
    uploads(&mut all).await;
    read_the_index(&mut all).await;
    let broken = in_a_bad_moment(&mut all).await;
    all.stack.stop_worker();
    broken.mend();
    finish(all);
}

/// What the jobs read.
struct Videos {
    /// A tiny film, its bytes, and another.
    own: String,
    bytes: Vec<u8>,
    other: String,
}

impl Videos {
    async fn upload(all: &mut Recorder) -> Self {
        let client = all.stack.client();
        let [film, blue] = ["testsrc", "color=blue"].map(|picture| tiny_film(all.stack.folder(), picture));
        // No job and no project has it, and its key is the last of all: a sweep finds it.
        let body = json!({"filename": "forgotten.mp4", "content_type": "video/mp4", "size_bytes": 9,
            "job_id": "ffffffff-ffff-4fff-bfff-ffffffffffff"});
        let (status, target) = ask(&all.stack, Method::POST, "/api/videos/upload-url", Some(&body)).await;
        assert_eq!(status, 200, "{target}");
        let put = bare_http().put(target["upload_url"].as_str().expect("a URL")).body("forgotten");
        let put = put.header("content-type", "video/mp4").send().await.expect("an answer");
        assert_eq!(put.status(), 200);
        all.manifest.insert("unused_input".into(), target["video_key"].clone());
        let bytes = fs::read(&film).expect("the film");
        Self { own: upload(&client, &film).await, bytes, other: upload(&client, &blue).await }
    }

    /// The body of `POST /api/jobs`.
    fn job(&self, kind: &str, params: &Value) -> Value {
        json!({"project_id": 3, "type": kind, "input_video_key": self.own, "params": params})
    }

    fn overlay(&self) -> Value {
        self.job("overlay", &json!({"effect_type": "spotlight", "highlight_regions": [spotlight()]}))
    }

    fn framing(&self) -> Value {
        self.job("framing", &json!({"crop_keyframes": crop(), "output_width": 36, "output_height": 64}))
    }

    fn annotate(&self) -> Value {
        let clip =
            json!({"start_time": 0, "end_time": 0.8, "name": "A pass", "notes": "to the left", "rating": 4});
        self.job("annotate", &json!({"clips": [clip]}))
    }
}

/// The body of `POST /api/export/framing`, for a video that becomes the project's.
fn export_framing(project: u32) -> Value {
    json!({"project_id": project, "clip_index": 0, "crop_keyframes": crop(), "output_width": 36,
        "output_height": 64, "set_working_video": true})
}

fn crop() -> Value {
    json!([{"frame": 0, "x": 22, "y": 0, "width": 20, "height": 36}])
}

fn spotlight() -> Value {
    json!({"start_frame": 0, "end_frame": 24, "x": 32, "y": 18, "radius_x": 8, "radius_y": 12})
}

/// A second of 64 by 36 pixels.
fn tiny_film(folder: &Path, picture: &str) -> std::path::PathBuf {
    let file = folder.join(format!("{}.mp4", picture.replace('=', "-")));
    let source = format!("{picture}{}s=64x36:r=25:d=1", if picture.contains('=') { ':' } else { '=' });
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p"]);
    run(ffmpeg.arg(&file));
    file
}

async fn projects(all: &mut Recorder, videos: &Videos) {
    let Videos { own, other, .. } = videos;
    for (path, body) in [
        ("/api/projects/1", json!({"name": "Cup final"})),
        ("/api/projects/1/clips/0", json!({"video_key": own, "end_time": 0.8, "name": "First half"})),
        ("/api/projects/1/clips/3", json!({"video_key": other, "start_time": 0.2})),
        ("/api/projects/2", json!({"name": "Training"})),
        ("/api/projects/2/clips/0", json!({"video_key": own})),
        ("/api/projects/3", json!({"working_video_key": other})),
    ] {
        let (status, made) = ask(&all.stack, Method::PUT, path, Some(&body)).await;
        assert_eq!(status, 201, "{path}: {made}");
    }
}

async fn ended_jobs(all: &mut Recorder, videos: &Videos) {
    let attempt = all.create("complete", JOBS, videos.overlay()).await;
    let renderer = attempt.renderer(&all.stack);
    let grant = renderer.claim().await;
    renderer.progress(10, "downloading").await;
    renderer.progress(40, "rendering").await;
    renderer.progress(95, "uploading").await;
    renderer.put(&grant, b"a reel", Some(b"a picture")).await;
    renderer.complete(&grant, b"a reel").await;

    let attempt = all.create("complete_of_project", FRAMING, export_framing(2)).await;
    let renderer = attempt.renderer(&all.stack);
    let grant = renderer.claim().await;
    renderer.put(&grant, &videos.bytes, None).await;
    renderer.complete(&grant, &videos.bytes).await;

    let attempt = all.create("failed", JOBS, videos.framing()).await;
    let renderer = attempt.renderer(&all.stack);
    renderer.claim().await;
    renderer.progress(30, "rendering").await;
    renderer.fail(false).await;

    let attempt = all.create("cancelled", JOBS, videos.annotate()).await;
    all.wish(&attempt.id, "cancel").await;
    let attempt = all.create("cancelled_with_debt", JOBS, videos.annotate()).await;
    attempt.renderer(&all.stack).claim().await;
    all.refuse(&attempt.id, Some((500, json!("later"))));
    all.wish(&attempt.id, "cancel").await;

    let attempt = all.create("deleted", JOBS, videos.annotate()).await;
    all.wish(&attempt.id, "cancel").await;
    let (status, gone) = ask(&all.stack, Method::DELETE, &format!("/api/jobs/{}", attempt.id), None).await;
    assert_eq!(status, 200, "{gone}");
    all.jobs.remove("deleted");
    all.manifest.insert("deleted_job".into(), attempt.id.into());
}

async fn waiting_jobs(all: &mut Recorder, videos: &Videos) {
    let segments = json!({"crop_keyframes": crop(), "output_width": 36, "output_height": 64,
        "segments": [{"start": 0, "end": 0.4, "speed": 1}, {"start": 0.4, "end": 1, "speed": 0.5}]});
    all.create_refused("waiting_refused", 503, JOBS, videos.job("framing", &segments)).await;
    let keyframe = |time: u32, x: u32| {
        json!({"time": time, "x": x, "y": 18, "radiusX": 8, "radiusY": 12, "opacity": 0.15,
            "color": "#FFFF00"})
    };
    let region = json!({"id": "region-1", "start_time": 0, "end_time": 1,
        "keyframes": [keyframe(0, 20), keyframe(1, 40)]});
    let moving = json!({"effect_type": "brightness_boost", "highlight_regions": [region]});
    all.create_refused("waiting_unauthorized", 401, JOBS, videos.job("overlay", &moving)).await;

    // Its second attempt fails at the end of the recording.
    let attempt = all.create("waiting_again", JOBS, videos.overlay()).await;
    attempt.renderer(&all.stack).claim().await;
    attempt.renderer(&all.stack).fail(true).await;
    let attempt = all.attempt("waiting_again", &attempt.id, 2).await;
    attempt.renderer(&all.stack).claim().await;

    // Started over at the end of the recording.
    let attempt = all.create("submitting", JOBS, videos.framing()).await;
    attempt.renderer(&all.stack).claim().await;
    attempt.renderer(&all.stack).fail(false).await;

    wait_until("project 2 has a working video", async || {
        get(&all.stack, "/api/projects/2").await["working_video_key"].is_string()
    })
    .await;
    let body = json!({"project_id": 2, "effect_type": "spotlight", "highlight_regions": [spotlight()]});
    all.create_refused("export_of_project", 503, "/api/export/overlay", body).await;
}

async fn queued_jobs(all: &mut Recorder, videos: &Videos) {
    all.create("queued", JOBS, videos.overlay()).await;
    all.create("ended_unlisted", JOBS, videos.annotate()).await;

    let attempt = all.create("queued_with_message", JOBS, videos.annotate()).await;
    let (status, receipt) = ask(&all.stack, Method::POST, &attempt.webhook, Some(&json!({}))).await;
    assert_eq!(status, 200, "{receipt}");
    let path = format!("/api/jobs/{}", attempt.id);
    wait_until("the job says how long the queue is", async || {
        get(&all.stack, &path).await["message"].as_str().is_some_and(|text| text.contains("9 in the queue"))
    })
    .await;

    let attempt = all.create("queued_by_hand", JOBS, videos.framing()).await;
    attempt.renderer(&all.stack).fail(false).await;
    all.wish(&attempt.id, "retry").await;
    all.attempt("queued_by_hand", &attempt.id, 2).await;
}

async fn rendering_jobs(all: &mut Recorder, videos: &Videos) {
    let attempt = all.create("rendering", JOBS, videos.overlay()).await;
    attempt.renderer(&all.stack).claim().await;
    attempt.renderer(&all.stack).progress(5, "downloading").await;
    attempt.renderer(&all.stack).progress(40, "rendering").await;

    let several = json!({"clips": [
        {"crop_keyframes": crop(), "end_time": 0.6, "name": "Kick-off"},
        {"crop_keyframes": crop(), "video_key": videos.other}
    ], "transition": {"type": "dissolve", "duration": 0.2}, "output_width": 36, "output_height": 64});
    let attempt = all.create("rendering_of_several", JOBS, videos.job("framing", &several)).await;
    attempt.renderer(&all.stack).claim().await;
    attempt.renderer(&all.stack).progress(20, "rendering").await;

    let attempt = all.create("rendered", FRAMING, export_framing(1)).await;
    let renderer = attempt.renderer(&all.stack);
    let grant = renderer.claim().await;
    renderer.progress(90, "uploading").await;
    renderer.put(&grant, &videos.bytes, Some(b"a picture")).await;

    // Its renderer tells of the reel when the bucket does not answer.
    let attempt = all.create("verifying", JOBS, videos.annotate()).await;
    let renderer = attempt.renderer(&all.stack);
    let grant = renderer.claim().await;
    renderer.put(&grant, b"a reel", None).await;
}

async fn uploads(all: &mut Recorder) {
    // Zeros pack well, and no part but the last may be smaller.
    let first_part = vec![0; 5 * 1024 * 1024];
    let (open, _) = PartUpload::begin(&all.stack, first_part.len() as u64 + 4).await;
    let etag = open.send(1, first_part).await;
    assert_eq!(open.confirm(&[(1, etag)]).await.0, 200);
    all.keep_upload("open", &open).await;
    for name in ["complete", "completing", "aborted"] {
        let (upload, _) = PartUpload::begin(&all.stack, 4).await;
        let etag = upload.send(1, b"film".to_vec()).await;
        assert_eq!(upload.confirm(&[(1, etag)]).await.0, 200);
        match name {
            "complete" => assert_eq!(upload.complete().await.0, 200),
            "aborted" => assert_eq!(upload.abort().await.0, 200),
            // It is completed when the bucket does not answer.
            _ => {}
        }
        all.keep_upload(name, &upload).await;
    }
}

/// Waits until the list agrees with the jobs, and writes down what else lies in the database.
async fn read_the_index(all: &mut Recorder) {
    wait_until("the list agrees with the jobs", async || {
        let rows = rows(&all.stack).await;
        for row in &rows {
            let job = get(&all.stack, &format!("/api/jobs/{}", row["job_id"].as_str().expect("id"))).await;
            if (&job["status"], &job["attempt"]) != (&row["status"], &row["attempt"]) {
                return false;
            }
        }
        rows.len() == PLAN.len()
    })
    .await;
    let mut reads = Map::new();
    for project in 1..=3 {
        for path in [format!("/api/projects/{project}"), format!("/api/projects/{project}/clips")] {
            reads.insert(path.clone(), get(&all.stack, &path).await);
        }
    }
    all.manifest.insert("reads".into(), reads.into());
}

/// What is stored only while something does not answer, or not for long. Then how all jobs look.
async fn in_a_bad_moment(all: &mut Recorder) -> Broken {
    all.stack.stop_worker();
    let broken = Broken::bucket_and_database(&all.stack.state());
    all.stack.restart_worker().await;

    let text = |name: &str| all.uploads["completing"][name].as_str().expect("a text");
    let upload = PartUpload::known(&all.stack, text("video_key"), text("upload_id"));
    let (status, unknown) = upload.complete().await;
    assert_eq!(status, 503, "{unknown}");

    let verifying = all.known("verifying");
    let key = format!("output/{}/1/video.mp4", verifying.id);
    verifying.renderer(&all.stack).complete(&json!({"output": {"key": key}}), b"a reel").await;
    all.wish(&all.known("ended_unlisted").id, "cancel").await;
    all.known("waiting_again").renderer(&all.stack).fail(true).await;
    let id = all.known("submitting").id;
    all.refuse(&id, None);
    all.wish(&id, "retry").await;
    wait_until("RunPod is asked and does not answer", async || {
        all.runpod.submit_of(&id).is_some_and(|submit| submit["input"]["attempt"] == 2)
    })
    .await;

    for job in all.jobs.values_mut() {
        let path = format!("/api/jobs/{}", job["id"].as_str().expect("an id"));
        job["job"] = get(&all.stack, &path).await;
        job["events"] = get(&all.stack, &format!("{path}/events?after=0")).await["events"].take();
    }
    broken
}

/// Looks that each job is stored as it was planned, and packs all.
fn finish(mut all: Recorder) {
    let closed = fixture::close(&all.stack.state());
    let stored = &closed["jobs"];
    assert_eq!(stored.as_object().expect("jobs").len(), PLAN.len());
    let record = |job: &Value| &stored[job["id"].as_str().expect("an id")];
    let end = |(status, error_code, attempt): &End| json!({"status": status, "error_code": error_code, "attempt": attempt});
    for (name, state, soon, late) in PLAN {
        let job = all.jobs.get_mut(*name).unwrap_or_else(|| panic!("{name} was not recorded"));
        let record = record(job);
        assert!(record["state"].get(state).is_some(), "{name} is to be {state}: {record}");
        assert_eq!(record["seq"], job["job"]["seq"], "{name}: {record}");
        (job["state"], job["soon"], job["late"]) = (json!(state), end(soon), end(late));
    }
    assert_ne!(record(&all.jobs["cancelled_with_debt"])["errands"], json!([]));
    assert_eq!(record(&all.jobs["waiting_again"])["state"]["waiting"]["tries"], 0);
    assert_eq!(record(&all.jobs["waiting_unauthorized"])["state"]["waiting"]["unauthorized"], true);
    let index = &record(&all.jobs["ended_unlisted"])["index"];
    assert!(index["wanted"].as_u64() > index["written"].as_u64(), "{index}");

    all.manifest.insert("recorded_at_ms".into(), closed["now_ms"].clone());
    all.manifest.insert("jobs".into(), all.jobs.into());
    all.manifest.insert("uploads".into(), all.uploads.into());
    let mut manifest = Value::Object(all.manifest);
    without_links(&mut manifest);
    fixture::pack(&all.stack.state(), &manifest);
}

const JOBS: &str = "/api/jobs";
const FRAMING: &str = "/api/export/framing";
