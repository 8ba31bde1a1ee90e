//! Strangers make nobody write: what they send is refused before an object, a table or the bucket hears of it.
//!
//! A thousand requests with every test run; `REQUESTS=10000 cargo test -p e2e --test strangers` sends more.

use std::collections::BTreeMap;
use std::path::Path;

use e2e::{Options, PartUpload, Stack, bare_http, new_job, sample, spotlight_params, upload};
use futures_util::{StreamExt as _, stream};
use reel_client::{Client, JobType, Secret};
use reel_core::auth::token::{Purpose, Signer};
use reel_core::base::id::JobId;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::http::access::Credential;
use reel_core::http::route::{ROUTES, Route};
use reqwest::Method;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const API_KEY: &str = "the-api-key-of-this-test-0123456789";
const SIGNING_KEY: &str = "a signing key of 32 bytes or more";

/// All that the Worker has stored: each file that is no database, each table with its rows.
fn stored(state: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // Its folder of traces is the local runtime's own.
    let mut folders =
        vec!["d1", "do", "r2"].into_iter().map(|folder| state.join("v3").join(folder)).collect::<Vec<_>>();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the state") {
            let path = entry.expect("an entry").path();
            let name = path.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".sqlite") {
                found
                    .extend(tables(&path).into_iter().map(|(table, rows)| (format!("{name} {table}"), rows)));
            } else if !name.ends_with(".sqlite-wal") && !name.ends_with(".sqlite-shm") {
                found.insert(name, path.metadata().expect("a file").len().to_string());
            }
        }
    }
    found
}

/// The number of rows of each table, and a digest of them.
fn tables(file: &Path) -> Vec<(String, String)> {
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("a database");
    let names: Vec<String> = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .expect("tables");
    let digest = |table: &String| {
        let mut query = database.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table");
        let columns = query.column_count();
        let (mut hash, mut count, mut rows) = (Sha256::new(), 0, query.query([]).expect("rows"));
        while let Some(row) = rows.next().expect("a row") {
            count += 1;
            for column in 0..columns {
                match row.get_ref(column).expect("a value") {
                    ValueRef::Null => hash.update("null"),
                    ValueRef::Integer(value) => hash.update(value.to_le_bytes()),
                    ValueRef::Real(value) => hash.update(value.to_le_bytes()),
                    ValueRef::Text(value) | ValueRef::Blob(value) => hash.update(value),
                }
            }
        }
        let digest =
            hash.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("{count} rows, {digest}")
    };
    names.iter().map(|table| (table.clone(), digest(table))).collect()
}

/// What strangers know: that a job and an upload exist, and how tokens look.
struct Target {
    api_url: String,
    job: JobId,
    key: String,
    upload_key: String,
    bad_tokens: Vec<String>,
    bad_upload_ids: Vec<String>,
}

impl Target {
    fn new(stack: &Stack, job: JobId, key: String, upload: &PartUpload) -> Self {
        let (own, foreign) = (Signer::new(SIGNING_KEY.as_bytes()), Signer::new(&[0; 32]));
        let (later, earlier) = (Timestamp(4_000_000_000_000), Timestamp(1_700_000_000_000));
        let hour = DurationMs::minutes(60);
        let other = JobId::from_random([1; 16]);
        let mut bad_tokens =
            vec![String::new(), "token".to_owned(), "0.9999999999.".to_owned(), "%00".to_owned()];
        for purpose in Purpose::ALL {
            bad_tokens.push(own.sign(purpose, job, 1, earlier, hour));
            bad_tokens.push(own.sign(purpose, other, 1, later, hour));
            bad_tokens.push(foreign.sign(purpose, job, 1, later, hour));
        }
        let (id, mac) = upload.upload_id.split_once('.').expect("an id and a MAC");
        let bad_upload_ids = vec![
            id.to_owned(),
            format!("{id}."),
            format!("{id}.{}", "0".repeat(64)),
            format!("{other}.{mac}"),
        ];
        let (api_url, upload_key) = (stack.api_url().to_owned(), upload.video_key.clone());
        Self { api_url, job, key, upload_key, bad_tokens, bad_upload_ids }
    }

    /// The n-th request: every route by every method, each time with another wrong credential and body.
    fn request(&self, n: usize, http: &reqwest::Client) -> (String, reqwest::RequestBuilder) {
        let rows: Vec<_> =
            ROUTES.iter().flat_map(|row| row.methods.split(", ").map(move |method| (row, method))).collect();
        let (row, method) = rows[n % rows.len()];
        let round = n / rows.len();
        let token = &self.bad_tokens[round % self.bad_tokens.len()];
        let path = row.path_with(|name| match name {
            "job_id" => match round % 4 {
                3 => "no-id".to_owned(),
                _ => self.job.to_string(),
            },
            "upload_id" => self.bad_upload_ids[round % self.bad_upload_ids.len()].clone(),
            "token" => token.clone(),
            "key" => [self.key.clone(), format!("output/{}/1/video.mp4", self.job)][round % 2].clone(),
            "project_id" => "7".to_owned(),
            "clip_index" => "0".to_owned(),
            "subject" => "nobody".to_owned(),
            "webhook_id" => self.job.to_string(),
            "delivery_id" => "1.url".to_owned(),
            other => panic!("this test has no value for {{{other}}}"),
        });
        let url = format!("{}{path}?video_key={}&token={token}", self.api_url, self.upload_key);
        let method: Method = method.parse().expect("a method");
        let what = format!("{method} {url}, round {round}");
        let mut request = http.request(method.clone(), url);
        request = match round % 5 {
            0 => request,
            1 => request.bearer_auth("a-wrong-key-0123456789abcdef0123456789"),
            2 => request.header("authorization", format!("Basic {API_KEY}")),
            3 => request.bearer_auth(token),
            _ => request.header("authorization", "Bearer "),
        };
        if round.is_multiple_of(3) {
            request = request.header("idempotency-key", format!("key-{n}"));
        }
        if !matches!(method, Method::GET | Method::HEAD) {
            let body = self.body(round);
            let content_type = if round % 11 == 10 { "text/plain" } else { "application/json" };
            request = request.header("content-type", content_type).body(body);
        }
        (what, request)
    }

    fn body(&self, round: usize) -> String {
        match round % 7 {
            0 => json!({"project_id": 7, "type": "overlay", "input_video_key": self.key, "params": spotlight_params()})
                .to_string(),
            1 => json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1_000_000}).to_string(),
            2 => json!({"parts": [{"part_number": 1, "etag": "e"}], "part_numbers": [1]}).to_string(),
            3 => "junk".to_owned(),
            4 => "[".repeat(10_000),
            5 => format!("{{\"name\":\"{}\"}}", "x".repeat(100_000)),
            _ => String::new(),
        }
    }
}

#[tokio::test]
async fn what_strangers_send_writes_no_row_and_no_object() {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned()), ("SIGNING_KEY", SIGNING_KEY.to_owned())];
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    stack.play(&json!({"fake_render_ms": 1})).await;
    let client = Client::new(stack.api_url(), Some(Secret::new(API_KEY))).expect("a client");
    let key = upload(&client, &sample()).await;
    let order = new_job(JobType::Overlay, key.clone(), spotlight_params());
    let job = client.create_job(&order, None).await.expect("a job");
    let begun = begin_upload(&stack).await;
    e2e::render(&client, &job).await;
    // What follows a job's end is written by its alarm; the row is the last of it.
    e2e::wait_until("the index has the job's end", async || {
        let page = client.jobs(&reel_client::JobFilter::default()).await.expect("a page");
        page.jobs.iter().any(|listed| listed.status == reel_client::JobStatus::Complete)
    })
    .await;

    // A job that has ended has no alarm.
    let alarms = stack.state().join("v3/do/reel-ballers-api-ExportJob/metadata.sqlite");
    e2e::wait_until("nothing of the job is left to do", async || {
        tables(&alarms).iter().all(|(table, rows)| table != "_cf_ALARM" || rows.starts_with("0 rows"))
    })
    .await;
    stack.stop_worker();
    let before = stored(&stack.state());
    stack.restart_worker().await;
    let target = Target::new(&stack, job.job_id, key, &begun);
    let requests = std::env::var("REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let http = bare_http();
    let (target, http) = (&target, &http);
    let refused: Vec<(String, u16)> = stream::iter(0..requests)
        .map(|n| async move {
            let (what, request) = target.request(n, http);
            let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            (what, answer.status().as_u16())
        })
        .buffer_unordered(8)
        .collect()
        .await;
    for (what, status) in &refused {
        let open = what.contains("/health?");
        assert!(if open { *status == 200 } else { (400..500).contains(status) }, "{what}: {status}");
    }
    stack.stop_worker();
    assert_same(&before, &stored(&stack.state()));
    println!("{requests} requests of strangers wrote 0 rows of {} tables and files", before.len());

    // The same count sees what a caller with the key writes: one upload is enough.
    stack.restart_worker().await;
    begin_upload(&stack).await;
    stack.stop_worker();
    assert_ne!(before, stored(&stack.state()), "the count sees nothing");
}

/// With the key, past the client.
async fn begin_upload(stack: &Stack) -> PartUpload {
    let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1_000_000});
    let url = format!("{}/api/videos/multipart", stack.api_url());
    let answer = bare_http().post(url).bearer_auth(API_KEY).json(&body).send().await.expect("an answer");
    let begun: Value = answer.json().await.expect("JSON");
    let text = |name: &str| begun[name].as_str().unwrap_or_else(|| panic!("{name}: {begun}")).to_owned();
    PartUpload::known(stack, &text("video_key"), &text("upload_id"))
}

fn assert_same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let changed: Vec<String> = after
        .iter()
        .filter(|(name, rows)| before.get(*name) != Some(rows))
        .map(|(name, rows)| {
            format!("{name}: {} became {rows}", before.get(name).map_or("nothing", |rows| rows))
        })
        .collect();
    assert!(changed.is_empty(), "strangers made the Worker write:\n{}", changed.join("\n"));
    assert_eq!(before.len(), after.len(), "something is gone");
}

/// Beside the routes of the table, which the storm covers.
#[test]
fn only_health_is_open_to_strangers() {
    for row in ROUTES {
        let path = row.path_with(|name| match name {
            "job_id" => JobId::from_random([1; 16]).to_string(),
            "key" => "input/a/b.mp4".to_owned(),
            "webhook_id" => JobId::from_random([2; 16]).to_string(),
            "delivery_id" => "1.url".to_owned(),
            _ => "7".to_owned(),
        });
        let method = row.methods.split(", ").next().expect("a method");
        let open = Route::parse(method, &path).expect("a route").accepts().contains(&Credential::Nothing);
        assert_eq!(open, path.ends_with("/health"), "{method} {path}");
    }
}
