//! What clients that are not ours expect of an HTTP API: HEAD, slashes, encodings, doubled members, and sockets that
//! end when they are closed.

use e2e::{Options, RawSocket, Stack, bare_http, create, spotlight_params};
use futures_util::StreamExt as _;
use reel_client::{Client, JobType};
use serde_json::Value;
use tokio_tungstenite::connect_async;

#[tokio::test]
async fn requests_of_other_clients_are_understood_or_refused_by_name() {
    let stack = Stack::start(Options::default()).await;
    let url = |path: &str| format!("{}{path}", stack.api_url());
    let client = Client::new(stack.api_url(), None).expect("a client");
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    let path = format!("/api/jobs/{}", job.job_id);

    for path in ["/health", "/api/jobs", "/api/limits", path.as_str(), &format!("{path}/events")] {
        let (get, head) = (bare_http().get(url(path)), bare_http().head(url(path)));
        let (get, head) = (get.send().await.expect("an answer"), head.send().await.expect("an answer"));
        assert_eq!(head.status(), get.status(), "HEAD {path}");
        assert_eq!(head.headers().get("content-type"), get.headers().get("content-type"), "HEAD {path}");
        assert_eq!(head.text().await.expect("a body"), "", "HEAD {path}");
        let slash = bare_http().get(url(&format!("{path}/"))).send().await.expect("an answer");
        assert_eq!(slash.status(), get.status(), "{path}/");
    }

    let post = |content: Vec<u8>, encoding: Option<&'static str>| {
        let request =
            bare_http().post(url("/api/jobs")).header("content-type", "application/json").body(content);
        let request = encoding.map_or(request.try_clone().expect("a request"), |encoding| {
            request.header("content-encoding", encoding)
        });
        async {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            (
                status,
                answer.json::<Value>().await.expect("JSON")["detail"].as_str().unwrap_or_default().to_owned(),
            )
        }
    };
    let (status, detail) = post(b"\x1f\x8b\x08".to_vec(), Some("gzip")).await;
    assert_eq!(status, 415);
    assert!(detail.contains("Content-Encoding"), "{detail}");
    let utf16: Vec<u8> = "\u{feff}{\"type\":\"overlay\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (status, detail) = post(utf16, None).await;
    assert_eq!((status, detail.starts_with("The body is not UTF-8")), (400, true), "{detail}");
    let (status, detail) = post("\u{feff}{}".as_bytes().to_vec(), None).await;
    assert_eq!(status, 422, "a byte order mark is ignored: {detail}");
    let (status, detail) = post(br#"{"type":"overlay","type":"framing"}"#.to_vec(), None).await;
    assert_eq!((status, detail.contains("stands twice")), (400, true), "{detail}");

    let preflight = |origin: &'static str| {
        bare_http()
            .request(reqwest::Method::OPTIONS, url("/api/jobs"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    for (origin, allowed) in
        [("http://localhost:5173", true), ("http://127.0.0.1:3000", true), ("http://localhost:6666", false)]
    {
        let answer = preflight(origin).send().await.expect("an answer");
        assert_eq!(answer.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn the_connection_of_a_watcher_ends_with_an_ended_job() {
    let stack = Stack::start(Options::default()).await;
    let client = Client::new(stack.api_url(), None).expect("a client");
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    RawSocket::open(&stack, &job).await.listen().await;

    let path = job.websocket_url.as_ref().expect("a link").reveal().to_owned();
    let (socket, _) =
        connect_async(format!("{}{path}", stack.api_url().replace("http", "ws"))).await.expect("a socket");
    // The platform ends the connection of a socket that may sleep only ten seconds after the close.
    let all = tokio::time::timeout(std::time::Duration::from_secs(5), socket.collect::<Vec<_>>());
    let frames = all.await.expect("the connection ends with the socket");
    assert!(frames.len() >= 2, "{frames:?}");
}
