//! Two users beside each other: each has their own jobs, uploads and projects, and of the other's nothing
//! can be told from what never was.

use e2e::{
    END_DEADLINE, Options, PartUpload, RawSocket, Stack, bare_http, sample, spotlight_params, wait_until,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const API_KEY: &str = "web:0123456789abcdef0123456789abcdef";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

/// Somebody who calls the API.
struct Caller<'s> {
    stack: &'s Stack,
    bearer: String,
    on_behalf_of: Option<&'static str>,
}

impl<'s> Caller<'s> {
    fn service(stack: &'s Stack) -> Self {
        Self { stack, bearer: KEY.to_owned(), on_behalf_of: None }
    }

    fn acting_for(stack: &'s Stack, subject: &'static str) -> Self {
        Self { on_behalf_of: Some(subject), ..Self::service(stack) }
    }

    /// A user with a token that the service made for them.
    async fn user(stack: &'s Stack, subject: &str) -> Self {
        let (status, minted) =
            Self::service(stack).ask(Method::POST, "/api/tokens", &json!({"subject": subject})).await;
        assert_eq!(status, 201, "{minted}");
        let bearer = minted["token"].as_str().expect("a token").to_owned();
        Self { stack, bearer, on_behalf_of: None }
    }

    /// Status and body; what differs from answer to answer is left out.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = bare_http().request(method.clone(), format!("{}{path}", self.stack.api_url()));
        let request = request.bearer_auth(&self.bearer);
        let request = match self.on_behalf_of {
            Some(subject) => request.header("on-behalf-of", subject),
            None => request,
        };
        let request = if method == Method::GET { request } else { request.json(body) };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a body");
        let mut body: Value =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({"bytes": bytes.len()}));
        if let Some(body) = body.as_object_mut() {
            body.remove("request_id");
        }
        (status, body)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, &Value::Null).await
    }

    /// Uploads the sample; answers its key.
    async fn upload(&self) -> String {
        let bytes = std::fs::read(sample()).expect("the sample");
        let body = json!({"filename": "game.mp4", "content_type": "video/mp4", "size_bytes": bytes.len()});
        let (status, target) = self.ask(Method::POST, "/api/videos/upload-url", &body).await;
        assert_eq!(status, 200, "{target}");
        let put = bare_http().put(target["upload_url"].as_str().expect("a URL"));
        let put = put.header("content-type", "video/mp4").body(bytes).send().await.expect("an answer");
        assert_eq!(put.status(), StatusCode::OK);
        target["video_key"].as_str().expect("a key").to_owned()
    }

    async fn create(&self, video_key: &str) -> (u16, Value) {
        let body = json!({
            "project_id": 7, "type": "overlay", "input_video_key": video_key, "params": spotlight_params()
        });
        self.ask(Method::POST, "/api/jobs", &body).await
    }

    /// A complete export of the sample; answers its id and its result's key.
    async fn export(&self) -> (String, String, String) {
        let input = self.upload().await;
        let (status, job) = self.create(&input).await;
        assert_eq!(status, 201, "{job}");
        let id = job["job_id"].as_str().expect("an id").to_owned();
        let deadline = std::time::Instant::now() + END_DEADLINE;
        loop {
            let (_, job) = self.get(&format!("/api/jobs/{id}")).await;
            if job["status"] == "complete" {
                return (id, input, job["output_video_key"].as_str().expect("a key").to_owned());
            }
            assert!(job["status"] != "error" && std::time::Instant::now() < deadline, "{job}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn jobs(&self) -> Vec<String> {
        let (_, page) = self.get("/api/jobs").await;
        let jobs = page["jobs"].as_array().expect("jobs").iter();
        jobs.map(|job| job["job_id"].as_str().expect("an id").to_owned()).collect()
    }
}

fn options(more: &[(&'static str, &str)]) -> Options {
    let vars = [("WORKERS_API_KEY", API_KEY), ("CLOCK_SPEED", "10")];
    let vars = vars.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect();
    Options { vars, ..Options::default() }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story of two users")]
async fn of_another_users_things_nothing_can_be_told_from_what_never_was() {
    let stack = Stack::start(options(&[])).await;
    let (alice, bob) = (Caller::user(&stack, "auth0|alice").await, Caller::user(&stack, "auth0|bob").await);
    let (service, for_alice) = (Caller::service(&stack), Caller::acting_for(&stack, "auth0%7Calice"));
    let (id, input, output) = alice.export().await;
    let owner = input.split('/').nth(1).expect("an owner");
    assert!(owner.len() == 16 && !input.contains("alice"), "a key tells nobody who owns it: {input}");

    // Every route that names a job or a file, beside the same route with what never was.
    let nobodys_output = output.replace(&id, NOBODYS);
    let nobodys_input = input.replace(input.split('/').nth(2).expect("an id"), NOBODYS);
    for (method, theirs, never) in [
        (Method::GET, format!("/api/jobs/{id}"), format!("/api/jobs/{NOBODYS}")),
        (Method::GET, format!("/api/jobs/{id}/events"), format!("/api/jobs/{NOBODYS}/events")),
        (Method::POST, format!("/api/jobs/{id}/cancel"), format!("/api/jobs/{NOBODYS}/cancel")),
        (Method::POST, format!("/api/jobs/{id}/retry"), format!("/api/jobs/{NOBODYS}/retry")),
        (Method::POST, format!("/api/jobs/{id}/revoke-links"), format!("/api/jobs/{NOBODYS}/revoke-links")),
        (Method::DELETE, format!("/api/jobs/{id}"), format!("/api/jobs/{NOBODYS}")),
        (Method::GET, format!("/api/export/overlay/{id}"), format!("/api/export/overlay/{NOBODYS}")),
        (Method::GET, download(&output), download(&nobodys_output)),
        (Method::GET, download(&input), download(&nobodys_input)),
    ] {
        let expected = bob.ask(method.clone(), &never, &json!({})).await;
        assert_eq!(expected.0, 404, "{method} {never}");
        assert_eq!(bob.ask(method.clone(), &theirs, &json!({})).await, expected, "{method} {theirs}");
    }
    // A video of hers is, for him, not uploaded.
    let never = bob.create(&nobodys_input).await;
    let theirs = bob.create(&input).await;
    assert_eq!((never.0, theirs.0, &theirs.1["code"]), (422, 422, &never.1["code"]));
    for key in [&input, &output] {
        let (status, problem) =
            bob.ask(Method::PUT, "/api/projects/1", &json!({"working_video_key": key})).await;
        assert_eq!((status, &problem["code"]), (422, &json!("input_not_found")), "{key}");
    }

    // The socket of her job waits for him as the socket of a job that never comes, and ends the same way.
    let heard = |token: String, id: String| {
        let api_url = stack.api_url().to_owned();
        async move {
            let socket = RawSocket::open_as(&api_url, &format!("/api/jobs/{id}/ws?after=0"), &token).await;
            let heard = socket.expect("a socket").listen().await;
            (heard.messages.len(), heard.close_code)
        }
    };
    let bobs = (heard(bob.bearer.clone(), id.clone()), heard(bob.bearer.clone(), NOBODYS.to_owned()));
    let (theirs, never) = tokio::join!(bobs.0, bobs.1);
    assert_eq!((theirs, never), ((0, Some(4404)), (0, Some(4404))));
    let (messages, code) = heard(alice.bearer.clone(), id.clone()).await;
    assert!(messages > 1 && code == Some(1000), "she hears all of it");

    // Each lists their own; a service lists everything, or that of whom it acts for.
    wait_until("the index knows the job", async || !service.jobs().await.is_empty()).await;
    assert_eq!(bob.jobs().await, Vec::<String>::new());
    for caller in [&alice, &service, &for_alice] {
        assert_eq!(caller.jobs().await, std::slice::from_ref(&id));
        assert_eq!(caller.get(&format!("/api/jobs/{id}")).await.0, 200);
        assert_eq!(caller.get(&download(&output)).await.0, 200);
    }
    let for_bob = Caller::acting_for(&stack, "auth0%7Cbob");
    assert_eq!(for_bob.get(&format!("/api/jobs/{id}")).await.0, 404);

    // Both have a project 1.
    for (caller, name) in [(&alice, "hers"), (&bob, "his"), (&service, "nobody's")] {
        let (status, project) = caller.ask(Method::PUT, "/api/projects/1", &json!({"name": name})).await;
        assert_eq!(status, 201, "{project}");
    }
    for (caller, name) in [(&alice, "hers"), (&bob, "his"), (&service, "nobody's"), (&for_alice, "hers")] {
        assert_eq!(caller.get("/api/projects/1").await.1["name"], name);
        assert_eq!(caller.get("/api/projects").await.1["projects"].as_array().map(Vec::len), Some(1));
    }

    // Her uploads in parts ask for her token, or a service's key.
    let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 6_000_000});
    let (status, upload) = alice.ask(Method::POST, "/api/videos/multipart", &body).await;
    assert_eq!(status, 201, "{upload}");
    let (key, upload_id) = (upload["video_key"].as_str().unwrap(), upload["upload_id"].as_str().unwrap());
    let parts = format!("/api/videos/multipart/{upload_id}/parts?video_key={key}");
    assert_eq!(PartUpload::known(&stack, key, upload_id).show().await.0, 401, "the link alone");
    assert_eq!(bob.get(&parts).await.0, 403);
    for caller in [&alice, &service, &for_alice] {
        assert_eq!(caller.get(&parts).await.0, 200);
    }
}

fn download(key: &str) -> String {
    format!("/api/videos/download/{key}")
}

#[tokio::test]
async fn all_that_one_user_has_is_erased_and_nothing_else() {
    let stack = Stack::start(options(&[])).await;
    let (alice, bob) = (Caller::user(&stack, "alice").await, Caller::user(&stack, "bob").await);
    let service = Caller::service(&stack);
    let (id, input, output) = alice.export().await;
    let (of_bob, ..) = bob.export().await;
    let unused = alice.upload().await;
    for caller in [&alice, &bob] {
        assert_eq!(caller.ask(Method::PUT, "/api/projects/1", &json!({"name": "Cup"})).await.0, 201);
    }
    let clip = json!({"video_key": input});
    assert_eq!(alice.ask(Method::PUT, "/api/projects/1/clips/0", &clip).await.0, 201);
    wait_until("the index knows both jobs", async || service.jobs().await.len() == 2).await;

    assert_eq!(
        alice.ask(Method::DELETE, "/api/owners/alice", &json!({})).await.0,
        401,
        "a service does that"
    );
    let (status, erased) = service.ask(Method::DELETE, "/api/owners/alice", &json!({})).await;
    let expected = json!({"done": true, "removed": {"jobs": 1, "videos": 1, "projects": 1, "clips": 1}});
    assert_eq!((status, &erased["done"]), (200, &json!(true)), "{erased}");
    assert_eq!(erased["removed"]["jobs"], expected["removed"]["jobs"]);
    assert_eq!(erased["removed"]["projects"], expected["removed"]["projects"]);
    assert_eq!(erased["removed"]["clips"], expected["removed"]["clips"]);
    for key in [&input, &output, &unused] {
        assert!(stack.stored(key).await.is_none(), "{key} is gone");
    }
    assert_eq!(service.get(&format!("/api/jobs/{id}")).await.0, 404);
    assert_eq!(alice.get("/api/projects/1").await.0, 404);
    assert_eq!(bob.get(&format!("/api/jobs/{of_bob}")).await.0, 200);
    assert_eq!(bob.get("/api/projects/1").await.0, 200);
    let (_, again) = service.ask(Method::DELETE, "/api/owners/alice", &json!({})).await;
    assert_eq!(again["removed"], json!({"jobs": 0, "videos": 0, "projects": 0, "clips": 0}));
    assert_eq!(service.ask(Method::DELETE, "/api/owners/%0A", &json!({})).await.0, 422);
}

#[tokio::test]
async fn limits_hold_for_each_user_and_say_when_to_come_again() {
    let more = [
        ("LIMIT_JOBS_IN_FLIGHT", "1"),
        ("LIMIT_UPLOAD_BYTES_PER_DAY", "10000000"),
        ("LIMIT_REQUESTS_PER_MINUTE", "30"),
        ("LIMIT_REFUSALS_PER_MINUTE", "5"),
    ];
    let stack = Stack::start(options(&more)).await;
    let (alice, bob) = (Caller::user(&stack, "alice").await, Caller::user(&stack, "bob").await);
    let video = alice.upload().await;
    let (_, limits) = alice.get("/api/limits").await;
    let size = std::fs::metadata(sample()).expect("the sample").len();
    assert_eq!(
        (&limits["upload_bytes"]["used"], &limits["jobs_in_flight"]["limit"]),
        (&json!(size), &json!(1))
    );

    let large = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 9_900_000});
    let (status, problem) = alice.ask(Method::POST, "/api/videos/upload-url", &large).await;
    assert_eq!((status, &problem["code"]), (429, &json!("limit_reached")), "{problem}");
    assert_eq!(alice.ask(Method::POST, "/api/videos/multipart", &large).await.0, 429);
    assert_eq!(bob.ask(Method::POST, "/api/videos/upload-url", &large).await.0, 200, "another user");
    let unsized_upload = json!({"filename": "a.mp4", "content_type": "video/mp4"});
    let (status, problem) = bob.ask(Method::POST, "/api/videos/upload-url", &unsized_upload).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/size_bytes")));
    let service = Caller::service(&stack);
    assert_eq!(service.ask(Method::POST, "/api/videos/upload-url", &unsized_upload).await.0, 200);

    assert_eq!(alice.create(&video).await.0, 201);
    let (status, problem) = alice.create(&video).await;
    assert_eq!((status, &problem["code"]), (429, &json!("limit_reached")), "{problem}");

    let url = format!("{}/api/limits", stack.api_url());
    let mut last = bare_http().get(&url).bearer_auth(&bob.bearer).send().await.expect("an answer");
    for _ in 0..31 {
        last = bare_http().get(&url).bearer_auth(&bob.bearer).send().await.expect("an answer");
    }
    assert_eq!(last.status(), 429);
    let header = |name: &str| last.headers().get(name).expect(name).to_str().expect("text").to_owned();
    let retry_after_s: u64 = header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&retry_after_s));
    assert_eq!(header("ratelimit-policy"), "\"requests\";q=30;w=60");
    assert_eq!(header("ratelimit"), format!("\"requests\";r=0;t={retry_after_s}"));
    assert_eq!(service.get("/api/limits").await.0, 200, "nobody else");

    let wrong = Caller { stack: &stack, bearer: "x".repeat(32), on_behalf_of: None };
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(wrong.get("/api/jobs").await.0);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429], "keys are not tried without end");
}

#[tokio::test]
async fn every_change_is_one_line_of_the_audit_log() {
    let stack = Stack::start(options(&[])).await;
    let (service, alice) = (Caller::service(&stack), Caller::user(&stack, "alice").await);
    let key = alice.upload().await;
    assert_eq!(alice.create("input/none/none.mp4").await.0, 422, "changes nothing");
    assert_eq!(alice.get("/api/jobs").await.0, 200);
    let (_, job) = alice.create(&key).await;
    let id = job["job_id"].as_str().expect("an id");
    let for_alice = Caller::acting_for(&stack, "alice");
    assert_eq!(for_alice.ask(Method::POST, &format!("/api/jobs/{id}/cancel"), &json!({})).await.0, 200);
    let lines = async |caller: &Caller<'_>, query: &str| {
        let (status, page) = caller.get(&format!("/api/audit{query}")).await;
        assert_eq!(status, 200, "{page}");
        page["entries"].as_array().expect("entries").clone()
    };
    wait_until("the log has all lines", async || lines(&service, "").await.len() == 4).await;
    let of = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        (text("caller"), text("route"), text("target"), line["status"].as_u64().unwrap_or_default())
    };
    let owner = key.split('/').nth(1).expect("an owner");
    let all = lines(&service, "").await;
    assert_eq!(
        all.iter().map(of).collect::<Vec<_>>(),
        [
            ("web".to_owned(), "POST /api/jobs/{job_id}/cancel".to_owned(), id.to_owned(), 200),
            ("user".to_owned(), "POST /api/jobs".to_owned(), id.to_owned(), 201),
            ("user".to_owned(), "POST /api/videos/upload-url".to_owned(), key.clone(), 200),
            ("web".to_owned(), "POST /api/tokens".to_owned(), String::new(), 201),
        ]
    );
    assert!(all[..3].iter().all(|line| line["owner"] == owner), "{all:?}");
    assert!(!json!(all).to_string().contains("alice"), "the log has no subject");
    assert_eq!(lines(&service, "?subject=alice").await.len(), 3);
    assert_eq!(lines(&service, "?subject=bob").await.len(), 0);
    assert_eq!(lines(&service, "?limit=1").await.len(), 1);
    assert_eq!(alice.get("/api/audit").await.0, 401);
}
