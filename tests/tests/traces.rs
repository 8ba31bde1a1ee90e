//! What the platform records of requests, as far as it can be had locally: `wrangler dev` keeps a trace of each request,
//! with its whole URL, and of each call that the Worker makes. No secret, token or signature is in one, but for
//! [`EXCLUDED`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use e2e::{
    Options, RawSocket, Stack, bare_http, jose, new_job, now, render, sample, spotlight_params, wait_until,
};
use reel_client::{Client, CreateUpload, JobType, Secret, UploadStatus, VideoFile};
use regex::Regex;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

const API_KEY: &str = "a-key-of-a-service-of-32-bytes-or-more";
const PROVIDER_SECRET: &str = "a secret of the provider, 32 bytes or more";
const ISSUER: &str = "https://id.example/";
const AUDIENCE: &str = "https://api.example";
const IDEMPOTENCY_KEY: &str = "the-order-of-this-test-0123456789";
/// It has the form of a token and opens nothing. A client that is not ours puts it into a URL.
const CONTROL: &str = "0.1769850300.c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// Requests whose URLs may hold what opens something, by their paths, and why.
const EXCLUDED: [(&str, &str, &str); 2] = [
    (
        "RunPod's webhook",
        r"(/api/runpod/webhook/[0-9a-f-]{36}/)[0-9a-f.]+",
        "RunPod sends no headers of ours; what its token opens is one question to RunPod",
    ),
    (
        "the Worker's own list of an upload's parts",
        r"(/cdn-cgi/local/r2/s3/[A-Za-z0-9%._~/-]+\?uploadId=)[A-Za-z0-9%&=._~*-]+&X-Amz-Expires=60&[A-Za-z0-9%&=._~*-]+",
        "a bucket takes nothing but a signature; this one is good for a minute, and for that list only. Clients' requests \
        to the bucket are not recorded, here or by R2, which is another host than the Worker",
    ),
];

#[tokio::test]
async fn traces_and_logs_of_a_flow_hold_no_secret_token_or_signature() {
    let vars = vec![
        ("WORKERS_API_KEY", format!("web-1:{API_KEY}")),
        ("AUTH_JWT_SECRET", PROVIDER_SECRET.to_owned()),
        ("AUTH_ISSUER", ISSUER.to_owned()),
        ("AUTH_AUDIENCE", AUDIENCE.to_owned()),
    ];
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    let used = flow(&stack).await;

    let control = format!("{}/api/jobs?token={CONTROL}", stack.api_url());
    assert_eq!(bare_http().get(control).send().await.expect("an answer").status(), 401);
    let folder = stack.state().join("v3/observability");
    wait_until("the traces have the last request", async || {
        files(&folder).iter().any(|(_, bytes)| contains(bytes, CONTROL))
    })
    .await;
    stack.stop_worker();

    let traces = Traces::read(&folder);
    traces.assert_has(&[
        "POST /api/tokens",
        "POST /api/videos/multipart",
        "POST /api/videos/multipart/-/parts",
        "PUT /api/videos/multipart/-/parts",
        "GET /api/videos/multipart/-/parts",
        "POST /api/videos/multipart/-/complete",
        "POST /api/videos/upload-url",
        "POST /api/jobs",
        "GET /api/jobs/{id}",
        "GET /api/jobs/{id}/ws?after=0",
        "POST /api/jobs/{id}/attempt/claim",
        "POST /api/jobs/{id}/attempt/complete",
        "GET /api/videos/download/{key}",
    ]);

    // The control is found, so that a token would be; and it is all that is found.
    let leaks = traces.leaks(&stack);
    let kinds: Vec<&str> = leaks.iter().map(|leak| leak.0.as_str()).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == "a token of a job"), "{leaks:#?}");
    assert!(leaks.iter().all(|leak| leak.1.contains("/api/jobs?token=***")), "{leaks:#?}");
    // The values themselves, in the log and in whatever the files hold besides rows.
    let mut texts = vec![("the log".to_owned(), stack.worker_log())];
    for (path, bytes) in files(&folder) {
        texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    let found = texts.iter().flat_map(|(place, text)| {
        let text = without_excluded(text);
        let found: Vec<String> = used
            .iter()
            .filter(|(_, values)| values.iter().any(|value| text.contains(value.as_str())))
            .map(|(name, _)| format!("{name} is in {place}"))
            .collect();
        found
    });
    assert_eq!(found.collect::<Vec<_>>(), [""; 0]);
    println!(
        "{} rows of traces and a log of {} lines, searched for {}",
        traces.rows.len(),
        texts[0].1.lines().count(),
        used.keys().cloned().collect::<Vec<_>>().join(", ")
    );
    for (what, place, why) in EXCLUDED {
        let regex = Regex::new(place).expect("a pattern of ours");
        let times = texts.iter().map(|(_, text)| regex.find_iter(text).count()).sum::<usize>();
        println!("excluded: {what}, {times} times ({why})");
        assert!(times > 0, "nothing of {what} is recorded: this exclusion is not needed");
    }
}

/// What was used, by its name.
type Used = BTreeMap<String, Vec<String>>;

/// From upload to download by the clients of this repository. Gives the secrets, tokens and signatures that it used.
async fn flow(stack: &Stack) -> Used {
    let mut used = Used::new();
    let mut note = |name: &str, value: &str| {
        used.entry(name.to_owned()).or_default().push(value.to_owned());
    };
    note("the API key", API_KEY);
    note("the provider's secret", PROVIDER_SECRET);
    note("an idempotency key", IDEMPOTENCY_KEY);

    // A user of an identity provider, and a token that a service makes for the same user.
    let now_s = now().0 / 1000;
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now_s, "exp": now_s + 3600});
    let made = jose(json!({"tokens": [
        {"name": "user", "secret": PROVIDER_SECRET, "header": {"alg": "HS256"}, "claims": claims}
    ]}))
    .await;
    let jwt = made["tokens"]["user"].as_str().expect("a token").to_owned();
    note("a user's token", &jwt);
    let minting = bare_http().post(format!("{}/api/tokens", stack.api_url())).bearer_auth(API_KEY);
    let minted = minting.json(&json!({"subject": "user-1"})).send().await.expect("an answer");
    let minted: Value = minted.json().await.expect("JSON");
    let minted = minted["token"].as_str().expect("a token").to_owned();
    note("a minted token", &minted);

    // An upload in parts, as `reel upload` does it, and one in a single request.
    let client = Client::new(stack.api_url(), Some(Secret::new(&jwt))).expect("a client");
    let file = VideoFile::open(&sample()).expect("the sample");
    let request = CreateUpload {
        filename: "Köln & Bonn.mp4",
        content_type: "video/mp4",
        size_bytes: file.size_bytes(),
        job_id: None,
        part_size: None,
    };
    let upload = client.create_upload(&request).await.expect("an upload");
    note("an upload's token", upload.upload_id.reveal());
    let signed = client.sign_parts(&upload.video_key, &upload.upload_id, &[1]).await.expect("a URL");
    note("the signature of a part", &signature(signed[0].url.reveal()));
    let state = client.upload_state(&upload.video_key, &upload.upload_id).await.expect("the upload");
    assert_eq!(state.status, UploadStatus::Open);
    let lanes = std::num::NonZeroUsize::MIN;
    let video = client.send_parts(state, &file, lanes, |_| ()).await.expect("to upload").video_key;
    let target = client.upload_url("a.mp4", "video/mp4", Some(file.size_bytes()), None).await.expect("a URL");
    note("the signature of an upload", &signature(target.upload_url.reveal()));
    client.upload(&target, &sample(), |_| ()).await.expect("to upload");

    // A job, followed by the client, by a page with the user's token and by a page with the job's link.
    let order = new_job(JobType::Overlay, video, spotlight_params());
    let job = client.create_job(&order, Some(IDEMPOTENCY_KEY)).await.expect("a job");
    let link = job.websocket_url.as_ref().expect("a link").reveal().to_owned();
    let watch_token = link.split_once("token=").expect("a token").1.to_owned();
    note("a watch token", &watch_token);
    let path = format!("/api/jobs/{}/ws?after=0", job.job_id);
    let as_user = RawSocket::open_as(stack.api_url(), &path, &jwt).await.expect("a socket");
    let by_link = RawSocket::open_as(stack.api_url(), &path, &watch_token).await.expect("a socket");
    let messages = render(&client, &job).await;
    assert!(messages.iter().any(|message| message.seq.is_some()), "it was followed by a socket");
    as_user.listen().await.assert_whole();
    by_link.listen().await.assert_whole();

    let submitted =
        stack.wiretap().asked().into_iter().find(|asked| asked.what == "run").expect("a submit").body;
    let callback = submitted["input"]["callback"]["token"].as_str().expect("a token");
    note("a callback token", callback);
    for text in texts(&submitted).filter(|text| text.contains("X-Amz-Signature=")) {
        note("a signature for the GPU worker", &signature(text));
    }

    // The result, by its presigned URL and by each of the user's tokens.
    let done = client.job(job.job_id).await.expect("the job");
    let output_url = done.output_url.as_ref().expect("a reel").reveal();
    note("the signature of a reel", &signature(output_url));
    assert_eq!(bare_http().get(output_url).send().await.expect("an answer").status(), 200);
    let output = done.output_video_key.expect("a key");
    for token in [&jwt, &minted] {
        let download = bare_http().get(format!("{}/api/videos/download/{output}", stack.api_url()));
        assert_eq!(download.bearer_auth(token).send().await.expect("an answer").status(), 200);
    }
    used
}

fn signature(url: &str) -> String {
    let (_, rest) = url.split_once("X-Amz-Signature=").expect("a presigned URL");
    rest.split('&').next().expect("a signature").to_owned()
}

/// All texts in a JSON value.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(values) => Box::new(values.iter().flat_map(texts)),
        Value::Object(fields) => Box::new(fields.values().flat_map(texts)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The rows of the trace store, each as one line of text.
struct Traces {
    rows: Vec<String>,
}

impl Traces {
    fn read(folder: &Path) -> Self {
        let mut rows = Vec::new();
        for (path, _) in files(folder) {
            if path.extension().is_some_and(|ending| ending == "sqlite") {
                read_database(&path, &mut rows).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
        Self { rows }
    }

    /// Panics unless these requests are in the traces; ids and keys are written as their names.
    fn assert_has(&self, requests: &[&str]) {
        let request =
            Regex::new(r"\b(GET|PUT|POST|DELETE|HEAD) http://[^/]+(/[^\s\x22]*)").expect("a pattern of ours");
        let id = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
            .expect("a pattern of ours");
        let recorded: BTreeSet<String> = self
            .rows
            .iter()
            .flat_map(|row| request.captures_iter(row))
            .map(|found| {
                let path = id.replace_all(&found[2], "{id}");
                let path = path
                    .split_once("/download/")
                    .map_or(path.to_string(), |(path, _)| format!("{path}/download/{{key}}"));
                format!("{} {path}", &found[1])
            })
            .collect();
        let missing: Vec<&&str> = requests.iter().filter(|request| !recorded.contains(**request)).collect();
        assert!(missing.is_empty(), "the traces lack {missing:#?}; they have {recorded:#?}");
    }

    /// What the rows hold beside the excluded requests: its kind, and its row without it.
    fn leaks(&self, stack: &Stack) -> Vec<(String, String)> {
        let leaks = self.rows.iter().flat_map(|row| stack.log_check().leaks(&without_excluded(row)));
        leaks.map(|leak| (leak.kind, leak.line)).collect()
    }
}

/// Every row of every table, as text; JSON in its binary form, too.
fn read_database(path: &Path, rows: &mut Vec<String>) -> rusqlite::Result<()> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for table in tables {
        let columns = database.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns: Vec<String> = columns
            .column_names()
            .map(|name| {
                let is_json = format!("typeof(\"{name}\") = 'blob' AND json_valid(\"{name}\", 8)");
                format!("CASE WHEN {is_json} THEN json(\"{name}\") ELSE CAST(\"{name}\" AS TEXT) END")
            })
            .collect();
        let sql = format!("SELECT concat_ws(' ', {}) FROM \"{table}\"", columns.join(", "));
        let mut statement = database.prepare(&sql)?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.extend(texts.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(())
}

fn without_excluded(text: &str) -> String {
    EXCLUDED.iter().fold(text.to_owned(), |text, (_, place, _)| {
        Regex::new(place).expect("a pattern of ours").replace_all(&text, "$1***").into_owned()
    })
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            // SQLite's own side files come and go.
            found.push((path, bytes));
        }
    }
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
