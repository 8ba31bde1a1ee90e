//! The soak: many jobs in flight, a Worker that is killed at random, faults at random. At the end every
//! job has ended once, the index agrees with the objects, and every watcher heard one whole story.
//!
//! `npm run soak`; `JOBS=500 KILLS=20` are its defaults. It takes minutes and is no part of `npm test`.

mod watcher;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::{Options, Stack, bare_http, upload, wait_until};
use serde_json::{Value, json};
use watcher::Story;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long: npm run soak"]
async fn every_job_ends_once_whatever_dies() {
    let (jobs, kills) = (number("JOBS", 500), number("KILLS", 20));
    let chaos = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(chaos.path(), script(number("SEED", 1)).to_string()).expect("to write the script");
    let mut stack = Stack::start(Options {
        vars: vec![("CLOCK_SPEED", "5".to_owned())],
        chaos: Some(chaos.path().to_owned()),
        slots: Some(u32::try_from(jobs).expect("a sensible number of jobs")),
        ..Options::default()
    })
    .await;
    let clip = stack.folder().join("clip.mp4");
    std::fs::write(&clip, vec![7_u8; 20_000]).expect("to write a clip");
    let key = upload(&stack.client(), &clip).await;
    let start = Instant::now();

    let api = Arc::new(Api { base: stack.api_url().to_owned(), http: bare_http() });
    let ids: Vec<String> = (0..jobs).map(job_id).collect();
    let mut watchers = tokio::task::JoinSet::new();
    for id in ids.clone() {
        let (api, key) = (Arc::clone(&api), key.clone());
        watchers.spawn(async move {
            api.create(&id, &key).await;
            let story = Story::watch(&format!("{}/api/jobs/{id}/ws", api.base.replace("http", "ws"))).await;
            (id, story)
        });
    }
    let first = &ids[0];
    wait_until("the first job exists", async || api.get(&format!("/api/jobs/{first}")).await.is_some()).await;

    for kill in 1..=kills {
        tokio::time::sleep(Duration::from_millis(500 + fastrand::u64(..3_500))).await;
        stack.kill_worker();
        stack.restart_worker().await;
        println!("{:>6.1} s  killed and back, {kill} of {kills}", start.elapsed().as_secs_f64());
    }
    let mut stories = BTreeMap::new();
    let deadline = tokio::time::sleep(END_WITHIN);
    tokio::pin!(deadline);
    while stories.len() < ids.len() {
        tokio::select! {
            Some(done) = watchers.join_next() => {
                let (id, story) = done.expect("a watcher");
                stories.insert(id, story);
            }
            () = &mut deadline => panic!("{} of {} jobs have not ended in time", ids.len() - stories.len(), ids.len()),
        }
    }
    println!("{:>6.1} s  every watcher has heard an end", start.elapsed().as_secs_f64());
    let faults = judge(&api, &ids, &stories).await;
    assert!(faults.is_empty(), "{} faults, the first: {:#?}", faults.len(), &faults[..faults.len().min(10)]);
}

/// Compares what watchers heard, what the objects say and what the index holds, and prints the figures.
async fn judge(api: &Api, ids: &[String], stories: &BTreeMap<String, Story>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fates: BTreeMap<String, u32> = BTreeMap::new();
    for id in ids {
        let (story, job) = (&stories[id], api.get(&format!("/api/jobs/{id}")).await.expect("a job"));
        let events = api.get(&format!("/api/jobs/{id}/events?after=0")).await.expect("events");
        let list = events["events"].as_array().expect("a list").clone();
        let ends =
            list.iter().filter(|event| matches!(event["type"].as_str(), Some("complete" | "error"))).count();
        let whole = list.iter().zip(1..).all(|(event, seq)| event["seq"] == seq);
        let mut check = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{id}: {what}"));
            }
        };
        check(story.faults.is_empty(), &format!("{:?}", story.faults));
        check(story.ends.len() == 1, &format!("ends heard: {:?}", story.ends));
        check(ends == 1 && whole, &format!("{ends} ends stored of {} events", list.len()));
        check(job["seq"] == story.last_seq, "the watcher's last event is not the job's");
        let status = job["status"].as_str().unwrap_or_default();
        check(
            story.ends.first().is_some_and(|end| end == status),
            &format!("heard {:?}, is {status}", story.ends),
        );
        let fate = job["error_code"].as_str().unwrap_or("complete");
        *fates.entry(format!("{fate} at attempt {}", job["attempt"])).or_default() += 1;
    }
    wait_until("the index agrees with every object", async || disagreements(api, ids).await == 0).await;
    println!("jobs: {}; ends: {fates:#?}", ids.len());
    println!(
        "sockets opened: {}; snapshots behind what was told before a crash: {}; faults: {}",
        stories.values().map(|story| story.sockets).sum::<u32>(),
        stories.values().map(|story| story.snapshots_behind).sum::<u32>(),
        faults.len()
    );
    faults
}

async fn disagreements(api: &Api, ids: &[String]) -> usize {
    let mut rows = BTreeMap::new();
    let mut path = "/api/jobs?limit=100".to_owned();
    loop {
        let Some(page) = api.get(&path).await else { return usize::MAX };
        for row in page["jobs"].as_array().into_iter().flatten() {
            rows.insert(row["job_id"].as_str().unwrap_or_default().to_owned(), row.clone());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/jobs?limit=100&cursor={cursor}");
    }
    let mut count = rows.len().abs_diff(ids.len());
    for id in ids {
        let job = api.get(&format!("/api/jobs/{id}")).await.unwrap_or_default();
        let row = rows.get(id).cloned().unwrap_or_default();
        let fields = ["status", "attempt", "output_video_key", "output_bytes", "error_code", "completed_at"];
        count += usize::from(fields.iter().any(|field| job[*field] != row[*field]));
    }
    count
}

/// Requests that survive a Worker that is away.
struct Api {
    base: String,
    http: reqwest::Client,
}

impl Api {
    /// The id is ours, so asking again after a lost answer does no harm.
    async fn create(&self, id: &str, key: &str) {
        let body = json!({"job_id": id, "project_id": 1, "type": "overlay", "input_video_key": key,
            "params": {"highlight_regions": []}});
        loop {
            let sent = self.http.post(format!("{}/api/jobs", self.base)).json(&body).send().await;
            if sent.is_ok_and(|answer| answer.status() == 201) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    }
}

/// Renders of some seconds to a minute, and something wrong with half of the attempts.
fn script(seed: u64) -> Value {
    let rule = |chance: f64, fault: Value| json!({"chance": chance, "faults": [fault]});
    json!({"seed": seed, "fake_render_ms": 20_000, "rules": [
        rule(0.3, json!({"fault": "fake_render", "ms": 3_000})),
        rule(0.3, json!({"fault": "fake_render", "ms": 60_000})),
        rule(0.05, json!({"fault": "crash_at", "percent": 40})),
        rule(0.05, json!({"fault": "hang_at", "percent": 60})),
        rule(0.05, json!({"fault": "fail", "code": "gpu_error", "sentence": "It broke."})),
        rule(0.05, json!({"fault": "lost_complete"})),
        rule(0.05, json!({"fault": "lost_result"})),
        rule(0.05, json!({"fault": "duplicate_complete"})),
        rule(0.05, json!({"fault": "progress_after_complete"})),
        rule(0.05, json!({"fault": "shuffled_progress"})),
        rule(0.03, json!({"fault": "complete_without_output"})),
        rule(0.03, json!({"fault": "run_twice"})),
        rule(0.05, json!({"fault": "webhook_doubled"})),
        rule(0.05, json!({"fault": "webhook_lost"})),
        rule(0.03, json!({"fault": "submit_times_out", "hold_ms": 12_000})),
        rule(0.03, json!({"fault": "answer", "to": "run", "http": 503, "body": "<html>busy</html>"})),
        rule(0.03, json!({"fault": "not_found_for", "ms": 5_000})),
    ]})
}

/// A version 4 UUID that is new in every run.
fn job_id(_: u64) -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The longest life that deadlines allow: three attempts through queue and render, five times as fast.
const END_WITHIN: Duration = Duration::from_mins(20);
