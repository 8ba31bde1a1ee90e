//! Keys are replaced while jobs run and uploads are half done: all end, and none is made twice.

use std::collections::BTreeMap;

use e2e::{Options, PartUpload, Stack, bare_http, new_job, spotlight_params, upload, wait_until};
use reel_client::{Client, CreateJob, JobId, JobStatus, JobType, Secret};
use serde_json::{Value, json};

#[tokio::test]
async fn keys_that_are_replaced_under_running_jobs_and_uploads_break_none_and_double_none() {
    let mut stack = start().await;
    let old = client(&stack, OLD);
    let clip = stack.folder().join("clip.mp4");
    std::fs::write(&clip, vec![7_u8; 20_000]).expect("to write a clip");
    let request = new_job(JobType::Overlay, upload(&old, &clip).await, spotlight_params());
    let made = create_all(&old, &request).await;
    wait_until("a renderer works on every job", async || {
        with_status(&old, &made, JobStatus::Processing).await == JOBS
    })
    .await;
    let mut uploads = Vec::new();
    for _ in 0..UPLOADS {
        let upload = begin_upload(&stack).await;
        let tag = upload.send(1, vec![1; PART]).await;
        uploads.push((upload, vec![(1, tag)]));
    }

    // The new keys come first, and the old ones are still good.
    stack.kill_worker();
    stack.set("SIGNING_KEY", &format!("{NEW_SIGNING},{OLD_SIGNING}"));
    stack.set("WORKERS_API_KEY", &format!("web-2:{NEW},web-1:{OLD}"));
    stack.restart_worker().await;

    let new = client(&stack, NEW);
    assert_eq!(create_all(&old, &request).await, made, "a repeated request is the same job");
    assert_eq!(create_all(&new, &request).await, made, "by the new key, too");
    for (upload, parts) in &mut uploads {
        parts.push((2, upload.send(2, vec![2; REST]).await));
        assert_eq!(upload.confirm(parts).await.0, 200);
        let (status, completed) = upload.complete().await;
        assert_eq!(status, 200, "{completed}");
    }
    wait_until("every job is complete", async || with_status(&new, &made, JobStatus::Complete).await == JOBS)
        .await;
    for id in made.values() {
        assert_eq!(new.job(*id).await.expect("the job").attempt, 1, "{id}");
    }
    let submits = stack.wiretap().asked().iter().filter(|asked| asked.what == "run").count();
    assert_eq!(submits, JOBS, "each job was sent to RunPod once");

    // The old keys go; what derived the ids stays.
    stack.kill_worker();
    stack.set("SIGNING_KEY", NEW_SIGNING);
    stack.set("WORKERS_API_KEY", NEW);
    stack.set("ID_KEY", OLD_SIGNING);
    stack.restart_worker().await;
    assert_eq!(create_all(&new, &request).await, made, "a repeated request is still the same job");
    let id = made.values().next().expect("a job");
    assert!(old.job(*id).await.is_err(), "the old key opens nothing");
    let (upload, _) = &uploads[0];
    assert_eq!(upload.show().await.0, 403, "nor does a token that the old key signed");
}

async fn start() -> Stack {
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(script.path(), r#"{"fake_render_ms": 30000}"#).expect("a script");
    let vars = vec![
        ("WORKERS_API_KEY", OLD.to_owned()),
        ("SIGNING_KEY", OLD_SIGNING.to_owned()),
        // Unset: the last signing key derives ids.
        ("ID_KEY", String::new()),
    ];
    let slots = u32::try_from(JOBS).ok();
    Stack::start(Options { vars, chaos: Some(script.path().to_owned()), slots, ..Options::default() }).await
}

fn client(stack: &Stack, key: &str) -> Client {
    Client::new(stack.api_url(), Some(Secret::new(key))).expect("a client")
}

/// Asks for every job, each under an `Idempotency-Key` of its own.
async fn create_all(client: &Client, request: &CreateJob) -> BTreeMap<usize, JobId> {
    let mut made = BTreeMap::new();
    for number in 0..JOBS {
        let job = client.create_job(request, Some(&format!("order {number}"))).await.expect("a job");
        made.insert(number, job.job_id);
    }
    made
}

async fn with_status(client: &Client, jobs: &BTreeMap<usize, JobId>, status: JobStatus) -> usize {
    let mut count = 0;
    for id in jobs.values() {
        count += usize::from(client.job(*id).await.expect("the job").status == status);
    }
    count
}

async fn begin_upload(stack: &Stack) -> PartUpload {
    let body = json!({"filename": "match.mp4", "content_type": "video/mp4", "size_bytes": PART + REST,
        "part_size": PART});
    let request = bare_http().post(format!("{}/api/videos/multipart", stack.api_url())).bearer_auth(OLD);
    let created: Value = request.json(&body).send().await.expect("an answer").json().await.expect("JSON");
    let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("{name}: {created}"));
    PartUpload::known(stack, text("video_key"), text("upload_id"))
}

const JOBS: usize = 50;
const UPLOADS: usize = 5;
const PART: usize = 5 * 1024 * 1024;
const REST: usize = 1000;
const OLD: &str = "the-old-service-key-0123456789abcdef";
const NEW: &str = "the-new-service-key-0123456789abcdef";
const OLD_SIGNING: &str = "the-old-signing-key-0123456789abcdef";
const NEW_SIGNING: &str = "the-new-signing-key-0123456789abcdef";
