//! What pages of other sites may send, and what every answer tells a browser.

use std::collections::BTreeMap;
use std::time::Instant;

use e2e::{Options, Stack, bare_http};
use reel_core::http::route::{ROUTES, Route};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error as Refusal;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const API_KEY: &str = "the-api-key-of-this-test-0123456789";
const PAGE: &str = "https://app.example";
const EVIL: &str = "https://evil.example";
const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

/// With a key, as in production, and an origin that may call.
async fn closed() -> Stack {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned()), ("ALLOWED_ORIGINS", PAGE.to_owned())];
    Stack::start(Options { vars, ..Options::default() }).await
}

/// Every route by each of its methods.
fn requests() -> Vec<(Method, String)> {
    let mut requests = Vec::new();
    for row in ROUTES {
        let path = row.path_with(|name| match name {
            "job_id" | "webhook_id" => JOB.to_owned(),
            "key" => format!("output/{JOB}/1/video.mp4"),
            "project_id" => "7".to_owned(),
            "clip_index" => "0".to_owned(),
            "delivery_id" => "1.url".to_owned(),
            _ => "token".to_owned(),
        });
        let methods = row.methods.split(", ").map(|name| name.parse().expect("a method"));
        requests.extend(methods.map(|method| (method, path.clone())));
    }
    requests
}

async fn send(stack: &Stack, method: &Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = bare_http().request(method.clone(), format!("{}{path}", stack.api_url()));
    request = request.bearer_auth(API_KEY);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = if body.is_empty() { request } else { request.body(body.to_owned()) };
    request.send().await.expect("an answer")
}

async fn status_and_code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

fn header<'r>(answer: &'r Response, name: &str) -> &'r str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn no_page_of_a_foreign_origin_changes_anything(stack: &Stack, own_pages: &[&str]) {
    for (method, path) in requests() {
        let route = Route::parse(method.as_str(), &path).expect("a route");
        let guarded = !matches!(method, Method::GET | Method::HEAD)
            || matches!(route, Route::Watch(_) | Route::WatchLegacy(_));
        for foreign in [EVIL, "null", "http://localhost:1", "https://app.example:444"] {
            let answer = send(stack, &method, &path, &[("origin", foreign)], "").await;
            assert_eq!(header(&answer, "access-control-allow-origin"), "", "{method} {path}");
            let (status, code) = status_and_code(answer).await;
            let refused = (status, code.as_str()) == (403, "origin_not_allowed");
            assert_eq!(refused, guarded, "{method} {path} from {foreign}: {status} {code}");
        }
        for own in own_pages {
            let (_, code) = status_and_code(send(stack, &method, &path, &[("origin", own)], "").await).await;
            assert_ne!(code, "origin_not_allowed", "{method} {path} from {own}");
        }
        let (_, code) = status_and_code(send(stack, &method, &path, &[], "").await).await;
        assert_ne!(code, "origin_not_allowed", "{method} {path} without an origin");
    }
}

async fn no_socket_opens_for_a_foreign_page(stack: &Stack) {
    let url = format!("{}/api/jobs/{JOB}/ws?after=0", stack.api_url().replace("http", "ws"));
    for (origin, opens) in
        [(Some(EVIL), false), (Some("null"), false), (Some(stack.api_url()), true), (None, true)]
    {
        let mut request = url.as_str().into_client_request().expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {API_KEY}").parse().expect("a header"));
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("a header"));
        }
        match connect_async(request).await {
            Ok(_) => assert!(opens, "opened for {origin:?}"),
            Err(Refusal::Http(answer)) => assert!(!opens && answer.status() == 403, "{origin:?}: {answer:?}"),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

async fn a_body_that_is_not_json_by_its_type_is_refused(stack: &Stack) {
    for (method, path) in requests() {
        let route = Route::parse(method.as_str(), &path).expect("a route");
        if matches!(method, Method::GET | Method::HEAD) || matches!(route, Route::Webhook(..)) {
            continue;
        }
        for other in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
        {
            let headers: &[_] = if other.is_empty() { &[] } else { &[("content-type", other)] };
            let refused = status_and_code(send(stack, &method, &path, headers, "{}").await).await;
            assert_eq!(refused, (415, "unsupported_media_type".to_owned()), "{method} {path} {other}");
        }
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            let answer = send(stack, &method, &path, &[("content-type", json)], "{}").await;
            assert_ne!(answer.status(), 415, "{method} {path} {json}");
        }
    }
}

async fn every_answer_is_closed_to_browsers(stack: &Stack) {
    let mut answers = Vec::new();
    for (method, path) in requests() {
        for (origin, body) in [(PAGE, "{}"), (EVIL, ""), (PAGE, "junk")] {
            let headers = [("origin", origin), ("content-type", "application/json")];
            answers.push((
                format!("{method} {path} from {origin}"),
                send(stack, &method, &path, &headers, body).await,
            ));
        }
    }
    for (method, path) in [(Method::GET, "/no/such/route"), (Method::PATCH, "/api/jobs")] {
        answers.push((path.to_owned(), send(stack, &method, path, &[("origin", PAGE)], "").await));
    }
    let asks = [("origin", PAGE), ("access-control-request-method", "POST")];
    answers.push(("a preflight".to_owned(), send(stack, &Method::OPTIONS, "/api/jobs", &asks, "").await));
    for (what, answer) in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), value, "{name} of {what}: {}", answer.status());
        }
        assert!(header(&answer, "vary").starts_with("origin"), "{what}");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "", "{what}");
        let allowed = header(&answer, "access-control-allow-origin");
        assert!(allowed == if what.contains("evil") { "" } else { PAGE }, "{what}: {allowed}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_where_a_key_is_needed() {
    let stack = closed().await;
    no_page_of_a_foreign_origin_changes_anything(&stack, &[PAGE, stack.api_url()]).await;
    no_socket_opens_for_a_foreign_page(&stack).await;
    a_body_that_is_not_json_by_its_type_is_refused(&stack).await;
    every_answer_is_closed_to_browsers(&stack).await;
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_in_development_too() {
    let stack = Stack::shared().await;
    no_page_of_a_foreign_origin_changes_anything(&stack, &[stack.api_url()]).await;
    no_socket_opens_for_a_foreign_page(&stack).await;
}

#[tokio::test]
async fn strangers_are_not_told_which_settings_are_wrong() {
    let mut stack = closed().await;
    stack.restart_worker_with("SIGNING_KEY", "short").await;
    assert_eq!(told(&stack, false).await, [true, true], "in development, at localhost");
    stack.restart_worker_with("ENVIRONMENT", "production").await;
    assert_eq!(told(&stack, false).await, [false, false], "a stranger");
    assert_eq!(told(&stack, true).await, [true, true], "the operator");
}

/// Whether the answers of two routes name the wrong setting.
async fn told(stack: &Stack, with_key: bool) -> Vec<bool> {
    let mut names_it = Vec::new();
    for path in ["/health", "/api/jobs"] {
        let request = bare_http().get(format!("{}{path}", stack.api_url()));
        let request = if with_key { request.bearer_auth(API_KEY) } else { request };
        let answer = request.send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), header(&answer, "x-content-type-options")), (503, "nosniff"));
        let body: Value = answer.json().await.expect("JSON");
        names_it.push(body["detail"].as_str().expect("a sentence").contains("SIGNING_KEY"));
    }
    names_it
}

/// A client that declares a body and sends half of it, another that never ends its last chunk.
#[tokio::test]
async fn a_stalled_body_is_not_waited_for() {
    let stack = Stack::shared().await;
    let host = stack.api_url().trim_start_matches("http://").to_owned();
    let stalled = async |framing: &str, begun: &str| {
        let mut socket = TcpStream::connect(&host).await.expect("the Worker");
        let request = format!(
            "POST /api/jobs HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {API_KEY}\r\n\
             content-type: application/json\r\n{framing}\r\n\r\n{begun}"
        );
        let started = Instant::now();
        socket.write_all(request.as_bytes()).await.expect("to ask");
        let mut answer = BTreeMap::new();
        let mut bytes = [0; 4096];
        let count = socket.read(&mut bytes).await.expect("an answer");
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        answer.insert(text.split(' ').nth(1).unwrap_or_default().to_owned(), text);
        (answer, started.elapsed())
    };
    let (declared, chunked) = tokio::join!(
        stalled("content-length: 100", "{\"project_id\":"),
        stalled("transfer-encoding: chunked", "5\r\n{\"pro\r\n")
    );
    for (answer, took) in [declared, chunked] {
        assert!(answer.contains_key("408"), "after {took:?}: {answer:?}");
        assert!((25..50).contains(&took.as_secs()), "{took:?}");
    }
}
