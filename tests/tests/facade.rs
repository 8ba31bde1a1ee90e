//! Projects, their clips, and the FastAPI backend's export routes over them.

use e2e::{Options, PooledStack, Probe, RawSocket, Stack, bare_http, sample, upload, wait_until};
use reel_client::{Client, Job, JobFilter, JobStatus, Secret};
use reel_core::base::id::JobId;
use reqwest::Method;
use serde_json::{Value, json};

/// What came back: the status and the body.
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// Panics unless it is a problem with this status, code and sentence.
    fn assert_problem(&self, status: u16, code: &str, sentence: &str) {
        let told = (self.status, self.body["code"].as_str(), self.body["detail"].as_str());
        assert_eq!(told, (status, Some(code), Some(sentence)), "{}", self.body);
        assert_eq!(self.body["error"], self.body["detail"]);
    }

    /// The places of the faults, in order.
    fn pointers(&self) -> Vec<&str> {
        let faults = self.body["errors"].as_array().expect("faults");
        faults.iter().map(|fault| fault["pointer"].as_str().expect("a pointer")).collect()
    }

    fn id(&self) -> JobId {
        self.body["job_id"].as_str().expect("a job_id").parse().expect("a UUID")
    }
}

async fn send(stack: &Stack, method: Method, path: &str, body: &Value) -> Answer {
    let request = bare_http().request(method, format!("{}{path}", stack.api_url()));
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await.expect("an answer");
    Answer { status: answer.status().as_u16(), body: answer.json().await.expect("a JSON body") }
}

async fn get(stack: &Stack, path: &str) -> Answer {
    send(stack, Method::GET, path, &Value::Null).await
}

async fn put(stack: &Stack, path: &str, body: Value) -> Answer {
    send(stack, Method::PUT, path, &body).await
}

async fn post(stack: &Stack, path: &str, body: Value) -> Answer {
    send(stack, Method::POST, path, &body).await
}

/// The seed's framing body: a small reel, so that it is rendered quickly.
fn framing(project: i64, clip: i64) -> Value {
    json!({
        "project_id": project, "clip_index": clip,
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
        "output_width": 270, "output_height": 480
    })
}

/// A project with one clip, the sample from 1 s to 3 s; gives the sample's key.
async fn project_with_clip(stack: &Stack, project: i64) -> String {
    let key = upload(&stack.client(), &sample()).await;
    let made = put(stack, &format!("/api/projects/{project}"), json!({"name": "Great Goal"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let clip = json!({"video_key": key, "start_time": 1, "end_time": 3, "name": "First half"});
    let made = put(stack, &format!("/api/projects/{project}/clips/0"), clip).await;
    assert_eq!(made.status, 201, "{}", made.body);
    key
}

/// Renders nothing, in no time.
fn quick() -> Value {
    json!({"fake_render_ms": 100})
}

/// Waits for the job's end.
async fn ended(client: &Client, id: JobId) -> Job {
    wait_until("the job ends", async || client.job(id).await.expect("the job").status.is_terminal()).await;
    client.job(id).await.expect("the job")
}

async fn working_video(stack: &Stack, project: i64) -> Value {
    get(stack, &format!("/api/projects/{project}")).await.body["working_video_key"].clone()
}

#[tokio::test]
async fn a_framed_clip_becomes_the_working_video_and_is_highlighted() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let source = project_with_clip(&stack, 1).await;
    let mut body = framing(1, 0);
    body["set_working_video"] = true.into();
    let framing = post(&stack, "/api/export/framing", body).await;
    assert_eq!(framing.status, 200, "{}", framing.body);
    assert_eq!(
        (&framing.body["status"], &framing.body["input_video_key"]),
        (&"pending".into(), &source.into())
    );
    let params = &framing.body["params"];
    assert_eq!((params["start_time"].as_f64(), params["end_time"].as_f64()), (Some(1.0), Some(3.0)));
    assert_eq!((&params["clip_index"], &params["project_id"]), (&json!(0), &Value::Null));
    let framed = ended(&client, framing.id()).await;
    assert_eq!((framed.status, framed.error.as_deref()), (JobStatus::Complete, None));
    let reel = framed.output_video_key.clone().expect("a result");
    wait_until("the reel is the working video", async || working_video(&stack, 1).await == reel.as_str())
        .await;
    let usage = get(&stack, &format!("/api/jobs/{}", framed.job_id)).await.body["usage"].clone();
    assert!(usage["d1_rows"].as_u64().is_some_and(|rows| rows <= 12), "the budget of a job: {usage}");

    let region =
        json!({"start_frame": 0, "end_frame": 20, "x": 135, "y": 240, "radius_x": 40, "radius_y": 80});
    let overlay =
        post(&stack, "/api/export/overlay", json!({"project_id": 1, "highlight_regions": [region]})).await;
    assert_eq!(overlay.status, 200, "{}", overlay.body);
    let names: Vec<&String> = overlay.body.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["job_id", "status", "websocket_url"]);
    let asked = get(&stack, &format!("/api/export/overlay/{}", overlay.id())).await;
    assert_eq!((asked.status, &asked.body["input_video_key"]), (200, &reel.into()));
    let params = &asked.body["params"];
    assert_eq!((&params["effect_type"], &params["crop_keyframes"]), (&"blur".into(), &Value::Null));
    assert_eq!(
        (params.get("output_width"), params.get("output_height")),
        (None, None),
        "its video's own size"
    );
    let finished = ended(&client, overlay.id()).await;
    assert_eq!((finished.status, finished.error.as_deref()), (JobStatus::Complete, None));
    let file = stack.folder().join("overlay-of-framing.mp4");
    client.download(finished.output_url.as_ref().expect("a URL"), &file, |_, _| ()).await.expect("the reel");
    let probe = Probe::of(&file);
    assert_eq!((probe.width, probe.height), (270, 480));
    assert!((probe.duration - 2.0).abs() <= 0.05, "{probe:?}");

    // The other kind's route does not know it.
    let other = get(&stack, &format!("/api/export/framing/{}", overlay.id())).await;
    other.assert_problem(404, "job_not_found", "Job not found");
}

#[tokio::test]
async fn every_refusal_of_the_seed_has_its_sentence() {
    let mut stack = PooledStack::playing(&quick()).await;
    assert_eq!(put(&stack, "/api/projects/2", json!({})).await.status, 201);
    // What was there when it was named, and is not any more.
    stack.kill_worker();
    let file = stack.folder().join("vanished.sql");
    let vanished = "INSERT INTO projects (owner, id, working_video_key, created_at, updated_at) \
        VALUES ('', 20, 'input/a/gone.mp4', 1, 1); INSERT INTO raw_clips (id, video_key) VALUES (1, 'input/a/gone.mp4'); \
        INSERT INTO working_clips (owner, project_id, clip_index, raw_clip_id) VALUES ('', 20, 5, 1);";
    std::fs::write(&file, vanished).expect("to write the file");
    stack.execute_sql(&file);
    stack.restart_worker().await;

    let overlay =
        async |project: i64| post(&stack, "/api/export/overlay", json!({"project_id": project})).await;
    overlay(404).await.assert_problem(404, "project_not_found", "Project not found");
    overlay(2).await.assert_problem(400, "no_working_video", "No working video found");
    let frame = async |clip| post(&stack, "/api/export/framing", framing(2, clip)).await;
    frame(0).await.assert_problem(404, "clip_not_found", "Clip not found");

    overlay(20).await.assert_problem(400, "no_working_video", "No working video found");
    let body = framing(20, 5);
    let refused = post(&stack, "/api/export/framing", body.clone()).await;
    refused.assert_problem(400, "source_not_found", "Source video not found");
    // Also when the client names the job, and the object is asked whether it knows it.
    let mut named = body;
    named["job_id"] = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c01".into();
    let refused = post(&stack, "/api/export/framing", named).await;
    refused.assert_problem(400, "source_not_found", "Source video not found");

    let unknown = get(&stack, "/api/export/overlay/7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c01").await;
    unknown.assert_problem(404, "job_not_found", "Job not found");
}

#[tokio::test]
async fn wrong_bodies_are_told_every_fault_at_the_top_level() {
    let stack = Stack::shared().await;
    let body = json!({"project_id": "7", "effect_type": "blurr", "output_width": 7, "job_id": 1, "project_di": 1,
        "set_working_video": true});
    let answer = post(&stack, "/api/export/overlay", body).await;
    assert_eq!(answer.status, 422);
    let expected =
        ["/project_id", "/job_id", "/effect_type", "/output_width", "/project_di", "/set_working_video"];
    assert_eq!(answer.pointers(), expected, "{}", answer.body);
    let answer = post(&stack, "/api/export/framing", json!({})).await;
    assert_eq!(answer.pointers(), ["/project_id", "/clip_index", "/crop_keyframes"], "{}", answer.body);

    let answer = put(&stack, "/api/projects/3", json!({"name": 1, "working_video_key": "x", "nam": 1})).await;
    assert_eq!((answer.status, answer.pointers()), (422, vec!["/name", "/working_video_key", "/nam"]));
    let answer = put(&stack, "/api/projects/3/clips/0", json!({"start_time": 3, "end_time": 2})).await;
    assert_eq!(answer.pointers(), ["/video_key", "/end_time"], "{}", answer.body);
    get(&stack, "/api/projects/3").await.assert_problem(404, "project_not_found", "Project not found");
}

#[tokio::test]
async fn a_project_and_its_clips_are_kept_listed_and_forgotten() {
    let stack = Stack::shared().await;
    let key = upload(&stack.client(), &sample()).await;
    let missing = put(&stack, "/api/projects/4", json!({"working_video_key": "input/none/video.mp4"})).await;
    assert_eq!((missing.status, &missing.body["code"]), (422, &"input_not_found".into()));
    get(&stack, "/api/projects/4").await.assert_problem(404, "project_not_found", "Project not found");

    let clip = json!({"video_key": key});
    let orphan = put(&stack, "/api/projects/4/clips/0", clip.clone()).await;
    orphan.assert_problem(404, "project_not_found", "Project not found");
    let made = put(&stack, "/api/projects/4", json!({"name": "Cup", "working_video_key": key})).await;
    assert_eq!((made.status, &made.body["working_video_key"]), (201, &key.clone().into()));
    let again = put(&stack, "/api/projects/4", json!({"name": "Cup"})).await;
    assert_eq!((again.status, &again.body), (200, &made.body), "nothing changes, not even updated_at");
    let cleared = put(&stack, "/api/projects/4", json!({"working_video_key": null})).await;
    assert_eq!((&cleared.body["name"], &cleared.body["working_video_key"]), (&"Cup".into(), &Value::Null));

    let clip_at = |index: u32| format!("/api/projects/4/clips/{index}");
    let first = put(&stack, &clip_at(0), clip.clone()).await;
    assert_eq!((first.status, &first.body["video_key"]), (201, &key.clone().into()));
    assert_eq!(put(&stack, &clip_at(2), json!({"video_key": key, "end_time": 2.5})).await.status, 201);
    let changed = put(&stack, &clip_at(0), json!({"video_key": key, "start_time": 1, "name": "Goal"})).await;
    assert_eq!((changed.status, changed.body["start_time"].as_f64()), (200, Some(1.0)));
    assert_eq!(get(&stack, &clip_at(0)).await.body, changed.body);
    let listed = get(&stack, "/api/projects/4/clips").await;
    let indices: Vec<u64> = listed.body["clips"]
        .as_array()
        .expect("clips")
        .iter()
        .filter_map(|clip| clip["clip_index"].as_u64())
        .collect();
    assert_eq!(indices, [0, 2]);
    let gone = send(&stack, Method::DELETE, &clip_at(0), &Value::Null).await;
    assert_eq!((gone.status, gone.body), (200, json!({"success": true})));
    get(&stack, &clip_at(0)).await.assert_problem(404, "clip_not_found", "Clip not found");
    let again = send(&stack, Method::DELETE, &clip_at(0), &Value::Null).await;
    again.assert_problem(404, "clip_not_found", "Clip not found");
    assert_eq!(put(&stack, &clip_at(1000), clip).await.status, 422);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&stack, &format!("/api/projects?limit=1{cursor}")).await.body;
        let projects = page["projects"].as_array().expect("projects");
        assert!(projects.len() <= 1, "{page}");
        seen.extend(projects.iter().filter_map(|project| project["id"].as_i64()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.iter().filter(|id| **id == 4).count(), 1, "{seen:?}");
}

/// Waits until the index lists the job as complete.
async fn listed_complete(stack: &Stack, id: JobId) {
    wait_until("the index says complete", async || {
        let page = stack.client().jobs(&JobFilter::default()).await.expect("a page");
        page.jobs.iter().any(|row| row.job_id == id && row.status == JobStatus::Complete)
    })
    .await;
}

/// A framing of clip 0 that becomes the working video, rendered to its end.
async fn framed(stack: &Stack, project: i64) -> Job {
    let mut body = framing(project, 0);
    body["set_working_video"] = true.into();
    let answer = post(stack, "/api/export/framing", body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    ended(&stack.client(), answer.id()).await
}

#[tokio::test]
async fn a_deletion_keeps_the_files_that_a_project_uses() {
    let stack = PooledStack::playing(&quick()).await;
    let client = stack.client();
    let source = project_with_clip(&stack, 30).await;
    let first = framed(&stack, 30).await;
    // At once: the project may not have heard of the result yet.
    client.delete(first.job_id).await.expect("to delete it");
    let reel = first.output_video_key.expect("a result");
    assert_eq!(working_video(&stack, 30).await, reel.as_str());
    let overlay = post(&stack, "/api/export/overlay", json!({"project_id": 30})).await;
    assert_eq!(overlay.status, 200, "the file is still there: {}", overlay.body);
    assert_eq!(ended(&client, overlay.id()).await.status, JobStatus::Complete);

    // Of what nobody uses any more, nothing stays.
    let second = framed(&stack, 30).await;
    listed_complete(&stack, second.job_id).await;
    let third = framed(&stack, 30).await;
    listed_complete(&stack, third.job_id).await;
    client.delete(second.job_id).await.expect("to delete it");
    let named =
        async |key: &str| put(&stack, "/api/projects/31", json!({"working_video_key": key})).await.status;
    assert_eq!(named(&second.output_video_key.expect("a result")).await, 422);
    assert_eq!(named(&third.output_video_key.expect("a result")).await, 201);
    assert_eq!(named(&source).await, 200);

    // An input of the job's own stays while a clip shows a part of it.
    let id: JobId = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c31".parse().expect("a UUID");
    let size = sample().metadata().expect("the sample").len();
    let target = client.upload_url("own.mp4", "video/mp4", Some(size), Some(id)).await.expect("a URL");
    client.upload(&target, &sample(), |_| ()).await.expect("an upload");
    let clip = json!({"video_key": target.video_key});
    assert_eq!(put(&stack, "/api/projects/30/clips/1", clip).await.status, 201);
    let mut body = framing(30, 1);
    body["job_id"] = id.to_string().into();
    assert_eq!(post(&stack, "/api/export/framing", body).await.status, 200);
    ended(&client, id).await;
    client.delete(id).await.expect("to delete it");
    assert_eq!(named(&target.video_key).await, 200);
}

/// The index refuses the first job's row while a later one is written, and the Worker dies meanwhile.
#[tokio::test]
async fn a_working_video_is_set_after_a_crash_and_never_put_back_to_an_older_one() {
    let mut stack = PooledStack::playing(&quick()).await;
    project_with_clip(&stack, 40).await;
    let (first, second) = ("7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c40", "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c41");
    run_sql(
        &mut stack,
        &format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON projects WHEN NEW.working_video_key LIKE 'output/{first}/%' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END;"
        ),
    )
    .await;
    for id in [first, second] {
        let mut body = framing(40, 0);
        body["set_working_video"] = true.into();
        body["job_id"] = id.into();
        assert_eq!(post(&stack, "/api/export/framing", body).await.status, 200);
        let job = ended(&stack.client(), id.parse().expect("a UUID")).await;
        assert_eq!(job.status, JobStatus::Complete);
        if id == first {
            let page = stack.client().jobs(&JobFilter::default()).await.expect("a page");
            let done = |row: &Job| row.job_id.to_string() == first && row.status == JobStatus::Complete;
            assert!(!page.jobs.iter().any(done), "both or none are written");
            assert_eq!(working_video(&stack, 40).await, Value::Null);
        }
    }
    listed_complete(&stack, second.parse().expect("a UUID")).await;
    let later = format!("output/{second}/1/video.mp4");
    assert_eq!(working_video(&stack, 40).await, later.as_str());
    // From here on the first job's row may be written: it leaves the project alone.
    run_sql(&mut stack, "DROP TRIGGER refuse;").await;
    listed_complete(&stack, first.parse().expect("a UUID")).await;
    assert_eq!(working_video(&stack, 40).await, later.as_str(), "the older one came too late");

    // The same without a later one: the crash alone.
    let third = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c42";
    let trigger =
        "CREATE TRIGGER refuse BEFORE UPDATE ON projects BEGIN SELECT RAISE(ABORT, 'refused'); END;";
    run_sql(&mut stack, trigger).await;
    let mut body = framing(40, 0);
    body["set_working_video"] = true.into();
    body["job_id"] = third.into();
    assert_eq!(post(&stack, "/api/export/framing", body).await.status, 200);
    ended(&stack.client(), third.parse().expect("a UUID")).await;
    run_sql(&mut stack, "DROP TRIGGER refuse;").await;
    listed_complete(&stack, third.parse().expect("a UUID")).await;
    assert_eq!(working_video(&stack, 40).await, format!("output/{third}/1/video.mp4"));
}

/// Kills the Worker, changes its database, and starts it again.
async fn run_sql(stack: &mut Stack, sql: &str) {
    stack.kill_worker();
    let file = stack.folder().join("change.sql");
    std::fs::write(&file, sql).expect("to write the file");
    stack.execute_sql(&file);
    stack.restart_worker().await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_the_same_job_although_the_project_changed() {
    let stack = PooledStack::playing(&quick()).await;
    let key = project_with_clip(&stack, 50).await;
    let again = async |body: &Value| {
        let url = format!("{}/api/export/framing", stack.api_url());
        let request = bare_http().post(url).header("idempotency-key", "framing of 50").json(body);
        let answer = request.send().await.expect("an answer");
        Answer { status: answer.status().as_u16(), body: answer.json().await.expect("JSON") }
    };
    let first = again(&framing(50, 0)).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(put(&stack, "/api/projects/50/clips/0", json!({"video_key": key})).await.status, 200);
    let second = again(&framing(50, 0)).await;
    assert_eq!((second.status, second.id()), (200, first.id()));
    assert_eq!(second.body["params"]["start_time"].as_f64(), Some(1.0), "as it was asked for the first time");
    let mut other = framing(50, 0);
    other["set_working_video"] = true.into();
    let refused = again(&other).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &"idempotency_conflict".into()));
}

#[tokio::test]
async fn what_is_pending_or_processing_is_listed_with_its_projects_name() {
    let stack = PooledStack::playing(&json!({"rules": [{"faults": [{"fault": "stuck_in_queue"}]}]})).await;
    project_with_clip(&stack, 60).await;
    let job = post(&stack, "/api/export/framing", framing(60, 0)).await.id();
    let mut found = Value::Null;
    wait_until("the export is active", async || {
        let answer = get(&stack, "/api/exports/active").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let exports = answer.body["exports"].as_array().expect("exports").clone();
        assert!(
            exports
                .iter()
                .all(|export| ["pending", "processing"].contains(&export["status"].as_str().unwrap()))
        );
        found = exports.into_iter().find(|export| export["job_id"] == job.to_string()).unwrap_or_default();
        !found.is_null()
    })
    .await;
    let created_at = found["created_at"].as_str().expect("a time").to_owned();
    assert!(created_at.ends_with('Z'), "{created_at}");
    let expected = json!({
        "job_id": job.to_string(), "project_id": 60, "project_name": "Great Goal", "type": "framing",
        "status": "pending", "error": null, "output_video_id": null, "output_filename": null,
        "created_at": created_at, "started_at": null, "completed_at": null
    });
    assert_eq!(found, expected);
    stack.client().cancel(job).await.expect("to cancel it");
    wait_until("it is not active any more", async || {
        let exports = get(&stack, "/api/exports/active").await.body["exports"].clone();
        exports.as_array().expect("exports").iter().all(|export| export["job_id"] != job.to_string())
    })
    .await;
}

#[tokio::test]
async fn sockets_that_open_before_the_job_hear_its_whole_story() {
    let stack = Stack::shared().await;
    project_with_clip(&stack, 70).await;
    let id = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c70";
    let open = async |path: String| RawSocket::open_path(&stack, &path).await.expect("a socket");
    let all = open(format!("/api/jobs/{id}/ws?after=0")).await;
    let plain = open(format!("/api/jobs/{id}/ws")).await;
    let legacy = open(format!("/ws/export/{id}")).await;
    let mut body = framing(70, 0);
    body["job_id"] = id.into();
    assert_eq!(post(&stack, "/api/export/framing", body).await.status, 200);

    let (all, plain, legacy) = tokio::join!(all.listen(), plain.listen(), legacy.listen());
    all.assert_whole();
    plain.assert_whole_after(1);
    for heard in [&all, &plain, &legacy] {
        assert_eq!(heard.close_code, Some(1000));
        let statuses: Vec<&str> =
            heard.messages.iter().map(|message| message["status"].as_str().expect("a status")).collect();
        assert_eq!((statuses[0], statuses[statuses.len() - 1]), ("pending", "complete"), "{}", heard.text());
    }
    assert!(legacy.messages.iter().all(|message| message["type"] == "framing" && message["projectId"] == 70));
}

#[tokio::test]
async fn a_socket_whose_job_never_comes_is_closed_with_4404() {
    let stack = PooledStack::playing(&quick()).await;
    let id = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c71";
    for path in [format!("/api/jobs/{id}/ws"), format!("/ws/export/{id}")] {
        let heard = RawSocket::open_path(&stack, &path).await.expect("a socket").listen().await;
        assert_eq!((heard.close_code, heard.messages.len()), (Some(4404), 0));
    }
    get(&stack, &format!("/api/jobs/{id}")).await.assert_problem(404, "job_not_found", "Job not found");
    assert_eq!(RawSocket::open_path(&stack, "/ws/export/export_1768950000000_ab12").await.err(), Some(404));
}

#[tokio::test]
async fn only_so_many_sockets_wait_for_one_job() {
    let stack = Stack::shared().await;
    let path = "/ws/export/7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c72";
    let mut waiting = Vec::new();
    for _ in 0..16 {
        waiting.push(RawSocket::open_path(&stack, path).await.expect("a socket"));
    }
    assert_eq!(RawSocket::open_path(&stack, path).await.err(), Some(503));
}

#[tokio::test]
async fn with_a_key_every_route_asks_for_it_and_a_watch_token_opens_its_own_job() {
    let key = "a-key-of-this-test-and-of-nothing-else";
    let stack =
        Stack::start(Options { vars: vec![("WORKERS_API_KEY", key.to_owned())], ..Options::default() }).await;
    let id = "7d9f3b52-6a52-4d5c-9d0a-5f6e0a3b1c80";
    for (method, path) in [
        (Method::GET, "/api/projects".to_owned()),
        (Method::GET, "/api/projects/80".to_owned()),
        (Method::PUT, "/api/projects/80".to_owned()),
        (Method::GET, "/api/projects/80/clips".to_owned()),
        (Method::GET, "/api/projects/80/clips/0".to_owned()),
        (Method::PUT, "/api/projects/80/clips/0".to_owned()),
        (Method::DELETE, "/api/projects/80/clips/0".to_owned()),
        (Method::POST, "/api/export/overlay".to_owned()),
        (Method::POST, "/api/export/framing".to_owned()),
        (Method::GET, "/api/exports/active".to_owned()),
        (Method::GET, format!("/api/export/framing/{id}")),
    ] {
        let answer = send(&stack, method.clone(), &path, &Value::Null).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &"unauthorized".into()), "{method} {path}");
    }
    assert_eq!(RawSocket::open_path(&stack, &format!("/ws/export/{id}")).await.err(), Some(401));

    let with_key = async |method: Method, path: &str, body: Value| {
        let request = bare_http().request(method, format!("{}{path}", stack.api_url()));
        let answer = request.bearer_auth(key).json(&body).send().await.expect("an answer");
        Answer { status: answer.status().as_u16(), body: answer.json().await.expect("JSON") }
    };
    let client = Client::new(stack.api_url(), Some(Secret::new(key))).expect("a client");
    let source = upload(&client, &sample()).await;
    let made = with_key(Method::PUT, "/api/projects/80", json!({"working_video_key": source})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let job = with_key(Method::POST, "/api/export/overlay", json!({"project_id": 80})).await;
    assert_eq!(job.status, 200, "{}", job.body);
    let url = job.body["websocket_url"].as_str().expect("a URL");
    let token = url.split_once("?token=").expect("a watch token").1;
    let own = get(&stack, &format!("/api/export/overlay/{}?token={token}", job.id())).await;
    assert_eq!(own.status, 200, "{}", own.body);
    for path in ["/api/projects", "/api/exports/active", &format!("/api/export/overlay/{id}")] {
        assert_eq!(get(&stack, &format!("{path}?token={token}")).await.status, 401, "{path}");
    }
}
