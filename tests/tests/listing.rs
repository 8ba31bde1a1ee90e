//! Lists of jobs, and all that is done to a job once it is there.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use e2e::{
    JobScenario, PooledStack, RawSocket, RecordedRequest, Stack, bare_http, new_job, sample,
    spotlight_params, upload,
};
use reel_client::{Error, Job, JobFilter, JobId, JobStatus, JobType};
use reqwest::Method;
use serde_json::{Value, json};

/// Renders that are over in no time, but for framing: those take longer than anybody waits.
fn quick() -> Value {
    json!({"fake_render_ms": 100, "rules": [
        {"when": {"type": "framing"}, "faults": [{"fault": "fake_render", "ms": 13_000}]}
    ]})
}

async fn call(stack: &Stack, method: Method, path: &str) -> (u16, Value) {
    let request = bare_http().request(method, format!("{}{path}", stack.api_url()));
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("a JSON body"))
}

/// The problem that a call of the client ended in: its status and code.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String, String) {
    match result {
        Err(Error::Api(problem)) => (problem.status, problem.code.clone(), problem.sentence().to_owned()),
        other => panic!("not refused: {other:?}"),
    }
}

/// Every page of a list, from the first to the last.
async fn all_pages(stack: &Stack, filter: JobFilter) -> Vec<Vec<Job>> {
    let (client, mut filter, mut pages) = (stack.client(), filter, Vec::new());
    loop {
        let page = client.jobs(&filter).await.expect("a page");
        pages.push(page.jobs);
        match page.next_cursor {
            Some(cursor) => filter.cursor = Some(cursor),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn ten_thousand_jobs_are_paged_through_exactly_once_while_new_ones_arrive() {
    let mut stack = PooledStack::playing(&quick()).await;
    stack.kill_worker();
    let rows = stack.folder().join("rows.sql");
    let old = write_rows(&rows);
    stack.execute_sql(&rows);
    stack.restart_worker().await;

    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let mut filter = JobFilter { project_id: Some(41), limit: Some(100), ..JobFilter::default() };
    let (mut seen, mut created, mut pages) = (HashMap::<JobId, u32>::new(), Vec::new(), 0);
    loop {
        // A job that is newer than every page that will follow.
        if pages % 10 == 0 {
            let mut order = new_job(JobType::Overlay, key.clone(), spotlight_params());
            order.project_id = 41;
            created.push(client.create_job(&order, None).await.expect("a job").job_id);
        }
        let page = client.jobs(&filter).await.expect("a page");
        pages += 1;
        for job in &page.jobs {
            *seen.entry(job.job_id).or_default() += 1;
        }
        match page.next_cursor {
            Some(cursor) => filter.cursor = Some(cursor),
            None => break,
        }
    }
    assert!(seen.values().all(|times| *times == 1), "no job is listed twice");
    let missing = old.iter().filter(|id| !seen.contains_key(id)).count();
    assert_eq!(missing, 0, "of {} jobs", old.len());
    let strangers = seen.keys().filter(|id| !old.contains(id) && !created.contains(id)).count();
    assert_eq!(strangers, 0);
    assert!((100..=101).contains(&pages), "{pages} pages of 100");

    // And from the start, the new ones come first.
    e2e::wait_until("the index knows the new jobs", async || {
        let page = client.jobs(&JobFilter { project_id: Some(41), ..JobFilter::default() }).await;
        let found: HashSet<JobId> = page.expect("a page").jobs.iter().map(|job| job.job_id).collect();
        created.iter().all(|id| found.contains(id))
    })
    .await;
}

/// Ten thousand ended jobs, ten of the same millisecond each, so that ids decide the order too.
fn write_rows(file: &std::path::Path) -> HashSet<JobId> {
    let mut sql = String::new();
    let mut ids = HashSet::new();
    for chunk in 0..100 {
        let rows: Vec<String> = (0..100)
            .map(|place| {
                let number = chunk * 100 + place;
                // Spread, so that the order of ids is not the order of times.
                let id = format!("{:08x}-0000-4000-8000-{number:012x}", 0x9e37_79b9_u32.wrapping_mul(number));
                let created_at = 1_700_000_000_000_u64 + u64::from(number / 10);
                ids.insert(id.parse().expect("a job id"));
                format!(
                    "('{id}',41,'overlay','error',1,'input/x/y.mp4','cancelled',{created_at},{created_at},3)"
                )
            })
            .collect();
        writeln!(
            sql,
            "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, error_code, \
             created_at, completed_at, version) VALUES {};",
            rows.join(",")
        )
        .expect("to write to a string");
    }
    std::fs::write(file, sql).expect("to write the rows");
    ids
}

#[tokio::test]
async fn a_list_is_newest_first_and_narrowed_by_every_filter() {
    let stack = PooledStack::playing(&quick()).await;
    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let mut ids = Vec::new();
    for (project_id, kind) in
        [(51, JobType::Overlay), (52, JobType::Overlay), (51, JobType::Framing), (51, JobType::Overlay)]
    {
        let params = if kind == JobType::Overlay { spotlight_params() } else { framing() };
        let mut order = new_job(kind, key.clone(), params);
        order.project_id = project_id;
        ids.push(client.create_job(&order, None).await.expect("a job").job_id);
    }
    // Behind the framing job, that has the only renderer for a while.
    client.cancel(ids[3]).await.expect("to cancel");
    let listed = async |filter: JobFilter| -> Vec<JobId> {
        all_pages(&stack, filter).await.concat().into_iter().map(|job| job.job_id).collect()
    };
    let of_51 = || JobFilter { project_id: Some(51), ..JobFilter::default() };
    e2e::wait_until("the index has heard", async || {
        let done = JobFilter { status: Some(JobStatus::Complete), ..of_51() };
        let cancelled = JobFilter { status: Some(JobStatus::Error), ..of_51() };
        let running = JobFilter { status: Some(JobStatus::Processing), ..of_51() };
        listed(done).await == [ids[0]]
            && listed(cancelled).await == [ids[3]]
            && listed(running).await == [ids[2]]
    })
    .await;
    assert_eq!(listed(of_51()).await, [ids[3], ids[2], ids[0]]);
    assert_eq!(listed(JobFilter { job_type: Some(JobType::Framing), ..of_51() }).await, [ids[2]]);
    assert_eq!(listed(JobFilter { project_id: Some(52), ..JobFilter::default() }).await, [ids[1]]);
    assert!(listed(JobFilter { project_id: Some(53), ..JobFilter::default() }).await.is_empty());

    let pages = all_pages(&stack, JobFilter { limit: Some(2), ..of_51() }).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    // A full last page is the last one all the same.
    let pages = all_pages(&stack, JobFilter { limit: Some(3), ..of_51() }).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3]);

    let row = pages[0].iter().find(|job| job.job_id == ids[3]).expect("the cancelled job");
    assert_eq!((row.error_code.as_deref(), row.retryable), (Some("cancelled"), Some(false)));
    client.cancel(ids[2]).await.expect("to make room");
}

#[tokio::test]
async fn every_wrong_parameter_of_a_list_is_named_at_once() {
    let stack = PooledStack::playing(&quick()).await;
    let query = "project_id=seven&limit=0&status=done&type=overlays&cursor=yesterday&staus=error";
    let (status, problem) = call(&stack, Method::GET, &format!("/api/jobs?{query}")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")), "{problem}");
    let faults = problem["errors"].as_array().expect("faults");
    let pointers: Vec<&str> = faults.iter().filter_map(|fault| fault["pointer"].as_str()).collect();
    assert_eq!(pointers, ["/project_id", "/limit", "/status", "/type", "/cursor", "/staus"]);
    for query in ["limit=101", "limit=-1", "limit=", "cursor=1_2", "project_id=1.5"] {
        let (status, problem) = call(&stack, Method::GET, &format!("/api/jobs?{query}")).await;
        assert_eq!(
            (status, problem["errors"].as_array().map(Vec::len)),
            (422, Some(1)),
            "{query}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_job_that_has_ended_is_deleted_with_its_files_and_its_row() {
    let stack = PooledStack::playing(&quick()).await;
    let client = stack.client();
    let running = JobScenario::begin(&stack, JobType::Framing).await;
    running.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;
    let (status, code, sentence) = refusal(client.delete(running.job.job_id).await);
    assert_eq!(
        (status, code.as_str(), sentence.as_str()),
        (409, "job_state", "Cannot delete job in progress")
    );
    client.cancel(running.job.job_id).await.expect("to cancel");
    running.ends((JobStatus::Error, Some("cancelled"), 1)).await;

    let done = JobScenario::begin(&stack, JobType::Overlay).await.ends((JobStatus::Complete, None, 1)).await;
    let id = done.job_id;
    let get = async |url: &str| bare_http().get(url).send().await.expect("an answer").status().as_u16();
    let url = done.output_url.expect("an output").reveal().to_owned();
    assert_eq!(get(&url).await, 200);
    client.delete(id).await.expect("to delete");

    assert_eq!(get(&url).await, 404, "its output is gone");
    assert_eq!(refusal(client.job(id).await).0, 404);
    assert_eq!(refusal(client.delete(id).await).0, 404);
    assert_eq!(refusal(client.retry(id).await).0, 404);
    let (status, _) = call(&stack, Method::GET, &format!("/api/jobs/{id}/events")).await;
    assert_eq!(status, 404);
    let rows =
        all_pages(&stack, JobFilter { limit: Some(100), project_id: Some(7), ..JobFilter::default() }).await;
    assert!(rows.concat().iter().all(|job| job.job_id != id), "its row is gone");
    // Its input lies elsewhere, and may be needed for the next edit.
    let order = new_job(JobType::Overlay, done.input_video_key.expect("a key"), spotlight_params());
    client.create_job(&order, None).await.expect("the input is there");
}

#[tokio::test]
async fn a_job_takes_an_input_that_was_uploaded_for_it_along_when_it_is_deleted() {
    let stack = PooledStack::playing(&quick()).await;
    let client = stack.client();
    let id: JobId = "5c1d4e0a-3b2f-4d6e-8f70-91a2b3c4d5e6".parse().expect("a UUID");
    let size = sample().metadata().expect("a file").len();
    let target = client.upload_url("clip.mp4", "video/mp4", Some(size), Some(id)).await.expect("a URL");
    client.upload(&target, &sample(), |_| ()).await.expect("an upload");
    let mut order = new_job(JobType::Overlay, target.video_key, spotlight_params());
    order.job_id = Some(id);
    let job = client.create_job(&order, None).await.expect("a job");
    JobScenario::follow(&stack, job).await.ends((JobStatus::Complete, None, 1)).await;
    client.delete(id).await.expect("to delete");
    assert_eq!(refusal(client.create_job(&order, None).await).1, "input_not_found");
}

#[tokio::test]
async fn a_cancel_reaches_the_renderer_and_its_processes_end() {
    // No fake: ffmpeg runs, on a clip that takes it a while.
    let stack = PooledStack::playing(&json!({})).await;
    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let mut params = framing();
    params["segments"] = json!([{"start": 0.0, "end": 5.0, "speed": 0.25}]);
    let order = new_job(JobType::Framing, key, params);
    let job = client.create_job(&order, None).await.expect("a job");
    let story = JobScenario::follow(&stack, job).await;
    let id =
        story.until("RunPod has it", |job| job.runpod_job_id.is_some()).await.runpod_job_id.expect("an id");
    let scratch = stack.folder().join("scratch").display().to_string();
    e2e::wait_until("ffmpeg runs", async || processes_with(&scratch) > 0).await;

    let cancelled = client.cancel(story.job.job_id).await.expect("to cancel");
    assert_eq!((cancelled.status, cancelled.error_code.as_deref()), (JobStatus::Error, Some("cancelled")));
    assert_eq!(cancelled.retryable, Some(false));
    let again = client.cancel(story.job.job_id).await.expect("to cancel again");
    assert_eq!(
        (again.status, again.seq, again.completed_at),
        (cancelled.status, cancelled.seq, cancelled.completed_at)
    );
    story.ends((JobStatus::Error, Some("cancelled"), 1)).await;
    let status = format!("status/{id}");
    e2e::wait_until("RunPod has cancelled it", async || {
        stack.ask_gpu(&status).await["status"] == "CANCELLED"
    })
    .await;
    e2e::wait_until("ffmpeg is gone", async || processes_with(&scratch) == 0).await;
}

#[tokio::test]
async fn a_job_that_is_complete_can_be_neither_cancelled_nor_retried() {
    let stack = PooledStack::playing(&quick()).await;
    let done = JobScenario::begin(&stack, JobType::Overlay).await.ends((JobStatus::Complete, None, 1)).await;
    for (status, code, sentence) in
        [refusal(stack.client().cancel(done.job_id).await), refusal(stack.client().retry(done.job_id).await)]
    {
        assert_eq!((status, code.as_str()), (409, "job_state"));
        assert!(sentence.contains("complete"), "{sentence}");
    }
    let now = stack.client().job(done.job_id).await.expect("the job");
    assert_eq!((now.status, now.seq), (JobStatus::Complete, done.seq));
}

#[tokio::test]
async fn a_retry_starts_a_failed_job_over_with_all_its_attempts() {
    let fail = json!([{"fault": "fail", "code": "gpu_error", "sentence": "The renderer is out of sorts."}]);
    let rules: Vec<Value> =
        (1..=5).map(|attempt| json!({"when": {"attempt": attempt}, "faults": fail})).collect();
    let stack = PooledStack::playing(&json!({"fake_render_ms": 100, "rules": rules})).await;
    let client = stack.client();
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    let failed = story.ends((JobStatus::Error, Some("gpu_error"), 3)).await;
    assert_eq!(failed.error.as_deref(), Some("The renderer is out of sorts."));

    let retried = client.retry(failed.job_id).await.expect("a failed job");
    assert_eq!((retried.status, retried.attempt, retried.max_attempts), (JobStatus::Pending, 4, 6));
    assert_eq!(
        (retried.error.as_deref(), retried.completed_at.as_deref(), retried.progress),
        (None, None, 0.0)
    );
    let story = JobScenario::resume(&stack, retried).await;
    // Not twice at the same time.
    assert_eq!(refusal(client.retry(failed.job_id).await).0, 409);
    // The fourth and fifth fail too, and the sixth does it.
    story.ends((JobStatus::Complete, None, 6)).await;
}

#[tokio::test]
async fn the_same_request_sent_again_is_the_same_job_and_another_one_is_refused() {
    let stack = PooledStack::playing(&quick()).await;
    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let order = |job_id| {
        let mut order = new_job(JobType::Overlay, key.clone(), spotlight_params());
        order.job_id = job_id;
        order
    };
    let chosen: JobId = "7d0e6a52-4a0b-4a5e-9c6e-2f1b0c9d8e7f".parse().expect("a UUID");
    let mut own = Vec::new();
    for (job_id, idempotency_key) in [(Some(chosen), None), (None, Some("tuesdays-game"))] {
        // At the same time, as two clicks would.
        let orders = (order(job_id), order(job_id));
        let (first, second) = futures_util::future::join(
            client.create_job(&orders.0, idempotency_key),
            client.create_job(&orders.1, idempotency_key),
        )
        .await;
        let (first, second) = (first.expect("a job"), second.expect("the same job"));
        assert_eq!(first.job_id, second.job_id);
        own.push(first.job_id);
        assert!(job_id.is_none_or(|chosen| chosen == first.job_id));
        let ended = JobScenario::follow(&stack, first).await.ends((JobStatus::Complete, None, 1)).await;
        let again = client.create_job(&order(job_id), idempotency_key).await.expect("the same job");
        assert_eq!((again.job_id, again.status, again.seq), (ended.job_id, JobStatus::Complete, ended.seq));

        let mut other = order(job_id);
        other.params["effect_type"] = json!("blur");
        let (status, code, _) = refusal(client.create_job(&other, idempotency_key).await);
        assert_eq!((status, code.as_str()), (409, "idempotency_conflict"));
    }
    // An earlier test's job may still be tried again on this stack.
    let is_own =
        |asked: &&RecordedRequest| own.iter().any(|id| asked.body["input"]["job_id"] == id.to_string());
    assert_eq!(stack.wiretap().asked().iter().filter(is_own).count(), 2);
}

#[tokio::test]
async fn events_after_a_number_are_those_of_the_socket_and_a_reconnect_loses_none() {
    let stack = PooledStack::playing(&quick()).await;
    let job = JobScenario::begin(&stack, JobType::Overlay).await.ends((JobStatus::Complete, None, 1)).await;
    let last = job.seq.expect("a seq");
    assert!(last >= 4, "{last} events");
    for after in [0, 1, last - 1, last, last + 9] {
        let (status, log) =
            call(&stack, Method::GET, &format!("/api/jobs/{}/events?after={after}", job.job_id)).await;
        let numbers: Vec<u64> = log["events"]
            .as_array()
            .expect("events")
            .iter()
            .filter_map(|event| event["seq"].as_u64())
            .collect();
        assert_eq!((status, numbers, log["seq"].as_u64()), (200, (after + 1..=last).collect(), Some(last)));
        let heard = RawSocket::open_after(&stack, &job, after).await.listen().await;
        let told: Vec<u64> = heard.stored().filter_map(|message| message["seq"].as_u64()).collect();
        assert_eq!(told, (after + 1..=last).collect::<Vec<_>>());
    }
    let (status, problem) =
        call(&stack, Method::GET, &format!("/api/jobs/{}/events?after=-1", job.job_id)).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")));
}

fn framing() -> Value {
    json!({
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
        "output_width": 1080, "output_height": 1920
    })
}

/// How many processes have this in their command line.
fn processes_with(text: &str) -> usize {
    std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| {
            let line = String::from_utf8_lossy(line);
            line.starts_with("ffmpeg") && line.contains(text)
        })
        .count()
}
