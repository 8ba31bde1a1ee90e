//! Webhooks: each event reaches a user's server once, in order and signed, whatever that server does meanwhile.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::{
    Options, ReceivedWebhook, Stack, WebhookAnswer, WebhookReceiver, bare_http, free_port, python, root,
    sample, spotlight_params,
};
use reqwest::Method;
use serde_json::{Value, json};

/// A day of retries takes a quarter of an hour.
const SPEED: u32 = 100;

async fn stack() -> Stack {
    let mut stack =
        Stack::start(Options { vars: vec![("CLOCK_SPEED", SPEED.to_string())], ..Options::default() }).await;
    stack.play(&json!({"fake_render_ms": 100})).await;
    stack
}

/// A request for this user.
async fn ask(stack: &Stack, user: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = bare_http().request(method.clone(), format!("{}{path}", stack.api_url()));
    let request = request.header("on-behalf-of", user);
    let request = if method == Method::GET { request } else { request.json(body) };
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn get(stack: &Stack, user: &str, path: &str) -> Value {
    let (status, answer) = ask(stack, user, Method::GET, path, &Value::Null).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// A webhook of this user: its id and its secret.
async fn register(stack: &Stack, user: &str, url: String, more: Value) -> (String, String) {
    let mut body = json!({ "url": url });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let (status, made) = ask(stack, user, Method::POST, "/api/webhooks", &body).await;
    assert_eq!(status, 201, "{made}");
    (text(&made["webhook_id"]), text(&made["secret"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A job of this user: its id.
async fn create_job(stack: &Stack, user: &str, more: Value) -> String {
    let bytes = std::fs::read(sample()).expect("the sample");
    let body = json!({"filename": "game.mp4", "content_type": "video/mp4", "size_bytes": bytes.len()});
    let (_, target) = ask(stack, user, Method::POST, "/api/videos/upload-url", &body).await;
    let put = bare_http().put(text(&target["upload_url"])).header("content-type", "video/mp4");
    assert!(put.body(bytes).send().await.expect("an answer").status().is_success());
    let mut body = json!({
        "project_id": 7, "type": "overlay", "input_video_key": target["video_key"], "params": spotlight_params(),
    });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let (status, job) = ask(stack, user, Method::POST, "/api/jobs", &body).await;
    assert_eq!(status, 201, "{job}");
    text(&job["job_id"])
}

/// Waits longer than [`e2e::wait_until`] does: retries take their time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(150);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never came that {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The deliveries of a job, once all have ended.
async fn ended_deliveries(stack: &Stack, user: &str, job: &str) -> Vec<Value> {
    let path = format!("/api/jobs/{job}/deliveries");
    let mut deliveries = Vec::new();
    until("every delivery has ended", async || {
        let answer = get(stack, user, &path).await;
        deliveries.clone_from(answer["deliveries"].as_array().expect("a list"));
        // An endpoint that is gone at the first event has no delivery of the second.
        let is_last =
            deliveries.iter().any(|one| one["type"] != "job.started" || one["last_error"] == "gone");
        is_last && deliveries.iter().all(|one| one["status"] == "delivered" || one["status"] == "failed")
    })
    .await;
    deliveries
}

/// A webhook, once it is said to work or not to.
async fn noted(stack: &Stack, user: &str, webhook: &str, works: bool) -> Value {
    let mut shown = Value::Null;
    until("the state of a webhook is noted", async || {
        shown = get(stack, user, &format!("/api/webhooks/{webhook}")).await;
        shown["enabled"] == works && shown["failing_since"].is_null() == works
    })
    .await;
    shown
}

/// What both reference libraries say of deliveries: the payloads, null where they refuse.
async fn verified(deliveries: &[(&str, &ReceivedWebhook)]) -> Vec<Value> {
    let task: Vec<Value> = deliveries
        .iter()
        .map(|(secret, one)| json!({"secret": secret, "headers": one.headers, "body": one.body}))
        .collect();
    let task = Value::from(task).to_string();
    let folder = root().join("tests/standardwebhooks");
    let interpreter = python("standardwebhooks", &folder.join("requirements.txt")).await;
    let mut node = std::ffi::OsString::from(root().join("node_modules/.bin"));
    node.push(":");
    node.push(std::env::var_os("PATH").unwrap_or_default());
    let mut javascript = Command::new("node");
    javascript.env("PATH", node).arg(folder.join("verify.mjs"));
    let mut python = Command::new(interpreter);
    python.arg(folder.join("verify.py"));
    let [one, other] = [javascript, python].map(|command| answer_of(command, &task));
    assert_eq!(one, other, "both libraries agree");
    one
}

fn answer_of(mut command: Command, task: &str) -> Vec<Value> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
    child.stdin.take().expect("its input").write_all(task.as_bytes()).expect("to write");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{command:?} failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn events_arrive_once_in_order_and_both_reference_libraries_verify_them() {
    let (stack, server) = (stack().await, WebhookReceiver::start());
    let (user, path) = ("alice", "/hooks");
    let (webhook, secret) = register(&stack, user, server.url(path), json!({})).await;
    let only_complete = json!({"event_types": ["job.complete"], "description": "For mails"});
    register(&stack, user, server.url("/mails"), only_complete).await;
    register(&stack, "bob", server.url("/bob"), json!({})).await;

    // A service hears of every job; a user does not see that.
    let made = bare_http().post(format!("{}/api/webhooks", stack.api_url()));
    let made = made.json(&json!({"url": server.url("/service")})).send().await.expect("an answer");
    assert_eq!(made.status(), 201);

    let (_, tested) =
        ask(&stack, user, Method::POST, &format!("/api/webhooks/{webhook}/test"), &json!({})).await;
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(204)), "{tested}");

    let own = json!({"webhook_url": server.url("/own")});
    let job = create_job(&stack, user, own).await;
    let deliveries = ended_deliveries(&stack, user, &job).await;
    assert!(
        deliveries.iter().all(|one| one["status"] == "delivered" && one["attempts"] == 1),
        "{deliveries:?}"
    );
    assert_eq!(deliveries.len(), 5, "two endpoints and the job's own URL: {deliveries:?}");
    assert_eq!(server.event_types(path), ["webhook.test", "job.started", "job.complete"]);
    assert_eq!(server.event_types("/mails"), ["job.complete"]);
    assert_eq!(server.event_types("/own"), ["job.started", "job.complete"]);
    assert_eq!(server.event_types("/bob"), [""; 0]);
    until("the service has heard", async || server.received("/service").len() == 2).await;

    let received = server.received(path);
    let data = &received[2].json()["data"];
    assert_eq!(
        (&data["job_id"], &data["status"], &data["type"]),
        (&job.as_str().into(), &"complete".into(), &"complete".into())
    );
    let reel = bare_http().get(text(&data["output_url"])).send().await.expect("an answer");
    assert_eq!(reel.status(), 200, "the event has a URL of the reel");
    let own = server.received("/own");
    assert_eq!(own[1].header("webhook-id"), received[2].header("webhook-id"), "an event has one id");
    assert_ne!(received[1].header("webhook-id"), received[2].header("webhook-id"));

    let url_secret = text(&get(&stack, user, "/api/webhook-url-secret").await["secret"]);
    let rotate = format!("/api/webhooks/{webhook}/rotate-secret");
    let (status, rotated) = ask(&stack, user, Method::POST, &rotate, &json!({})).await;
    assert_eq!(status, 200, "{rotated}");
    let new_secret = text(&rotated["secret"]);
    assert!(rotated["previous_secret_valid_until"].is_string() && new_secret != secret);
    let shown = get(&stack, user, &format!("/api/webhooks/{webhook}")).await;
    assert!(shown.get("secret").is_none(), "it is shown once");

    // By hand, with both secrets.
    let delivery =
        deliveries.iter().find(|one| one["webhook_id"] == webhook.as_str() && one["type"] == "job.complete");
    let delivery = text(&delivery.expect("a delivery")["delivery_id"]);
    let again = format!("/api/jobs/{job}/deliveries/{delivery}/redeliver");
    let (status, answer) = ask(&stack, user, Method::POST, &again, &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    until("it was delivered again", async || server.received(path).len() == 4).await;
    let redelivered = server.received(path).pop().expect("a delivery");
    assert_eq!(redelivered.header("webhook-id"), received[2].header("webhook-id"));
    let (status, _) = ask(&stack, "bob", Method::POST, &again, &json!({})).await;
    assert_eq!(status, 404, "a job of somebody else");

    let all = [
        (secret.as_str(), &received[0]),
        (&secret, &received[1]),
        (&secret, &received[2]),
        (&url_secret, &own[0]),
        (&secret, &redelivered),
        (&new_secret, &redelivered),
        // These are refused.
        (&new_secret, &received[2]),
        (&url_secret, &received[2]),
    ];
    let payloads = verified(&all).await;
    for ((_, one), payload) in all.iter().zip(&payloads).take(6) {
        assert_eq!(payload, &one.json());
    }
    assert_eq!(payloads[6..], [Value::Null, Value::Null]);

    let (status, _) =
        ask(&stack, user, Method::DELETE, &format!("/api/webhooks/{webhook}"), &json!({})).await;
    assert_eq!(status, 200);
    let listed = get(&stack, user, "/api/webhooks").await;
    assert_eq!(listed["webhooks"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_receiver_that_lies_redirects_waits_or_is_gone_gets_what_it_should() {
    use WebhookAnswer::{Nothing, Redirect, RetryAfter, Slow, Status};
    let (stack, server) = (stack().await, WebhookReceiver::start());
    let down = free_port();
    let mut ids = Vec::new();
    for (user, answers) in [
        ("lies", vec![Status(500), Status(200), Status(503)]),
        ("slow", vec![Slow(Duration::from_secs(3), 200)]),
        ("redirects", vec![Redirect("/elsewhere"), Status(200)]),
        ("gone", vec![Status(410)]),
        ("busy", vec![RetryAfter(429, 120)]),
        ("silent", vec![Nothing]),
    ] {
        let path = format!("/{user}");
        server.answer(&path, &answers);
        let (webhook, _) = register(&stack, user, server.url(&path), json!({})).await;
        let job = create_job(&stack, user, json!({})).await;
        ids.push((user, webhook, job));
    }
    let (webhook, _) = register(&stack, "down", format!("http://127.0.0.1:{down}/down"), json!({})).await;
    let job = create_job(&stack, "down", json!({})).await;
    // By the Worker's clock, its server comes back after an hour.
    let back = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3_600 / u64::from(SPEED))).await;
        WebhookReceiver::start_at(down)
    });

    for (user, webhook, job) in &ids {
        let deliveries = ended_deliveries(&stack, user, job).await;
        let events = server.event_types(&format!("/{user}"));
        let attempts: Vec<u64> = deliveries.iter().filter_map(|one| one["attempts"].as_u64()).collect();
        let expected: (&[&str], &[u64]) = match *user {
            "lies" => (&["job.started", "job.started", "job.complete", "job.complete"], &[2, 2]),
            "redirects" | "busy" | "silent" => (&["job.started", "job.started", "job.complete"], &[2, 1]),
            "gone" => (&["job.started"], &[1]),
            _ => (&["job.started", "job.complete"], &[1, 1]),
        };
        assert_eq!(
            (events.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), &attempts[..expected.1.len()]),
            expected,
            "{user}: {deliveries:?}"
        );
        let same_id = server.received(&format!("/{user}"));
        let ids: std::collections::BTreeSet<&str> =
            same_id.iter().map(|one| one.header("webhook-id")).collect();
        assert_eq!(ids.len(), if *user == "gone" { 1 } else { 2 }, "{user}: an attempt more has the same id");
        // It is noted after the delivery is.
        let shown = noted(&stack, user, webhook, *user != "gone").await;
        let (status, job) = ask(&stack, user, Method::GET, &format!("/api/jobs/{job}"), &Value::Null).await;
        assert_eq!((status, &job["status"]), (200, &json!("complete")), "no job waits for a server");
        match *user {
            "gone" => {
                assert_eq!(shown["disabled_reason"], "gone");
                assert!(deliveries.iter().all(|one| one["status"] == "failed"), "{deliveries:?}");
            }
            "busy" => {
                let waited = same_id[1].at - same_id[0].at;
                assert!(waited >= Duration::from_millis(120_000 / u64::from(SPEED) - 100), "{waited:?}");
            }
            _ => {}
        }
    }
    assert_eq!(server.received("/elsewhere").len(), 0, "no redirect is followed");

    let server = back.await.expect("a server");
    let deliveries = ended_deliveries(&stack, "down", &job).await;
    assert!(deliveries.iter().all(|one| one["status"] == "delivered"), "{deliveries:?}");
    assert!(deliveries[0]["attempts"].as_u64() >= Some(5), "{deliveries:?}");
    assert_eq!(server.event_types("/down"), ["job.started", "job.complete"]);
    noted(&stack, "down", &webhook, true).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_while_it_delivers_sends_the_same_message_again() {
    let (mut stack, server) = (stack().await, WebhookReceiver::start());
    server.answer("/hooks", &[WebhookAnswer::Nothing]);
    let job = create_job(&stack, "alice", json!({"webhook_url": server.url("/hooks")})).await;
    until("the first attempt is in flight", async || !server.received("/hooks").is_empty()).await;
    stack.kill_worker();
    stack.restart_worker().await;
    let deliveries = ended_deliveries(&stack, "alice", &job).await;
    assert!(deliveries.iter().all(|one| one["status"] == "delivered"), "{deliveries:?}");
    assert_eq!(server.event_types("/hooks"), ["job.started", "job.started", "job.complete"]);
    let received = server.received("/hooks");
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(deliveries[0]["attempts"], 2);
}

#[tokio::test]
async fn a_webhook_that_leads_nowhere_is_refused_with_every_fault() {
    let stack = Stack::shared().await;
    let wrong = json!({"url": "https://10.0.0.1/", "event_types": ["job.done"], "enabled": true});
    let (status, problem) = ask(&stack, "alice", Method::POST, "/api/webhooks", &wrong).await;
    assert_eq!((status, problem["errors"].as_array().map(Vec::len)), (422, Some(3)), "{problem}");
    let job = json!({"project_id": 7, "type": "overlay", "input_video_key": "input/a/b.mp4",
        "params": spotlight_params(), "webhook_url": "https://metadata.google.internal/"});
    let (status, problem) = ask(&stack, "alice", Method::POST, "/api/jobs", &job).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/webhook_url")), "{problem}");
    let path = "/api/webhooks/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
    for (method, path) in [(Method::GET, path.to_owned()), (Method::POST, format!("{path}/test"))] {
        let (status, problem) = ask(&stack, "alice", method, &path, &json!({})).await;
        assert_eq!((status, &problem["code"]), (404, &json!("webhook_not_found")), "{problem}");
    }
    for number in 0..10 {
        register(&stack, "collector", format!("https://hooks.example.com/{number}"), json!({})).await;
    }
    let one_more = json!({"url": "https://hooks.example.com/more"});
    let (status, problem) = ask(&stack, "collector", Method::POST, "/api/webhooks", &one_more).await;
    assert_eq!((status, &problem["code"]), (429, &json!("limit_reached")), "{problem}");
}
