//! Stored videos over HTTP: whole, in part, under conditions, under names, and only to whom they belong.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use e2e::{Options, Stack, bare_http, create, new_job, render, sample, spotlight_params, upload, wait_until};
use reel_client::{Client, Job, JobType, Secret};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// What came back.
#[derive(Debug)]
struct DownloadResponse {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl DownloadResponse {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("an ASCII header"))
    }

    fn code(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).expect("a problem");
        problem["code"].as_str().expect("a code").to_owned()
    }
}

async fn ask(method: Method, url: &str, headers: &[(&str, &str)]) -> DownloadResponse {
    let mut request = bare_http().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    DownloadResponse { status, headers, body: answer.bytes().await.expect("the body").to_vec() }
}

async fn get(url: &str, headers: &[(&str, &str)]) -> DownloadResponse {
    ask(Method::GET, url, headers).await
}

/// A video that a job was made of, its URL and its bytes.
async fn an_input(stack: &Stack) -> (String, Vec<u8>) {
    let client = stack.client();
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    // Nobody waits for its result here.
    let job = client.cancel(job.job_id).await.expect("to cancel");
    let key = job.input_video_key.expect("a key");
    let bytes = std::fs::read(sample()).expect("the sample");
    let url = format!("{}/api/videos/download/{key}", stack.api_url());
    wait_until("the index names the input", async || ask(Method::HEAD, &url, &[]).await.status == 200).await;
    (url, bytes)
}

#[tokio::test]
async fn every_range_is_the_same_bytes_of_the_file() {
    let stack = Stack::shared().await;
    let (url, file) = an_input(&stack).await;
    let size = file.len();
    let end = size - 1;
    let part = |first: usize, last: usize| Some((first, last));
    for (range, expected) in [
        ("bytes=0-0".to_owned(), part(0, 0)),
        ("bytes=0-".to_owned(), part(0, end)),
        (format!("bytes={end}-"), part(end, end)),
        (format!("bytes={end}-{end}"), part(end, end)),
        ("bytes=-1".to_owned(), part(end, end)),
        (format!("bytes=-{size}"), part(0, end)),
        (format!("bytes=-{}", size * 2), part(0, end)),
        ("bytes=-99999999999999999999".to_owned(), part(0, end)),
        ("bytes=1000-70000".to_owned(), part(1000, 70_000)),
        (format!("bytes={}-{}", end - 10, size * 2), part(end - 10, end)),
        ("bytes=5-99999999999999999999".to_owned(), part(5, end)),
        ("bytes=5-18446744073709551615".to_owned(), part(5, end)),
        ("BYTES=5-9".to_owned(), part(5, 9)),
        // What may be ignored is, and the whole file comes.
        (String::new(), None),
        ("bytes=".to_owned(), None),
        ("bytes=-".to_owned(), None),
        ("bytes=9-5".to_owned(), None),
        ("bytes=0-1,5-6".to_owned(), None),
        ("bytes=five-".to_owned(), None),
        ("frames=0-5".to_owned(), None),
    ] {
        let got = get(&url, &[("range", &range)]).await;
        let (status, bytes) = expected.map_or((200, &file[..]), |(first, last)| (206, &file[first..=last]));
        assert_eq!(got.status, status, "{range}");
        assert!(got.body == bytes, "{range}: {} bytes are not the file's", got.body.len());
        assert_eq!(got.header("content-length"), bytes.len().to_string(), "{range}");
        let content_range =
            expected.map_or(String::new(), |(first, last)| format!("bytes {first}-{last}/{size}"));
        assert_eq!(got.header("content-range"), content_range, "{range}");
        assert_eq!((got.header("accept-ranges"), got.header("content-type")), ("bytes", "video/mp4"));
    }
    for range in [format!("bytes={size}-"), "bytes=99999999999999999999-".to_owned(), "bytes=-0".to_owned()] {
        let got = get(&url, &[("range", &range)]).await;
        assert_eq!((got.status, got.code().as_str()), (416, "range_not_satisfiable"), "{range}");
        assert_eq!(got.header("content-range"), format!("bytes */{size}"), "{range}");
    }
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let stack = Stack::shared().await;
    let (url, file) = an_input(&stack).await;
    let whole = get(&url, &[]).await;
    assert!(whole.status == 200 && whole.body == file);
    let (tag, date) = (whole.header("etag"), whole.header("last-modified"));
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    assert!(date.ends_with(" GMT"), "{date}");
    let weak = format!("W/{tag}");
    let list = format!("\"other\", {weak}");
    let (long_ago, far_off) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 06 Nov 2094 08:49:37 GMT");
    for (headers, status, length) in [
        (vec![("if-none-match", tag)], 304, 0),
        (vec![("if-none-match", &weak)], 304, 0),
        (vec![("if-none-match", &list)], 304, 0),
        (vec![("if-none-match", "*")], 304, 0),
        (vec![("if-none-match", tag), ("range", "bytes=0-0")], 304, 0),
        (vec![("if-none-match", "\"other\"")], 200, file.len()),
        (vec![("if-none-match", "\"other\""), ("range", "bytes=1-4")], 206, 4),
        (vec![("if-modified-since", date)], 304, 0),
        (vec![("if-modified-since", far_off)], 304, 0),
        (vec![("if-modified-since", long_ago)], 200, file.len()),
        (vec![("if-match", tag)], 200, file.len()),
        (vec![("if-match", tag), ("range", "bytes=1-4")], 206, 4),
        (vec![("if-unmodified-since", date)], 200, file.len()),
        (vec![("if-range", tag), ("range", "bytes=1-4")], 206, 4),
        (vec![("if-range", date), ("range", "bytes=-4")], 206, 4),
        (vec![("if-range", "\"other\""), ("range", "bytes=1-4")], 200, file.len()),
        (vec![("if-range", &weak), ("range", "bytes=1-4")], 200, file.len()),
        (vec![("if-range", long_ago), ("range", "bytes=1-4")], 200, file.len()),
    ] {
        let got = get(&url, &headers).await;
        assert_eq!((got.status, got.body.len()), (status, length), "{headers:?}");
        assert_eq!((got.header("etag"), got.header("last-modified")), (tag, date), "{headers:?}");
    }
    for (name, value) in [("if-match", "\"other\""), ("if-match", &weak), ("if-unmodified-since", long_ago)] {
        let got = get(&url, &[(name, value)]).await;
        assert_eq!((got.status, got.code().as_str()), (412, "precondition_failed"), "{name}: {value}");
    }
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let stack = Stack::shared().await;
    let (url, file) = an_input(&stack).await;
    let (head, whole) = (ask(Method::HEAD, &url, &[]).await, get(&url, &[]).await);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in
        ["content-length", "content-type", "content-disposition", "etag", "last-modified", "accept-ranges"]
    {
        assert_eq!(head.header(name), whole.header(name), "{name}");
        assert!(!head.header(name).is_empty(), "{name}");
    }
    // Only GET has ranges.
    let head = ask(Method::HEAD, &url, &[("range", "bytes=0-0")]).await;
    assert_eq!((head.status, head.header("content-length")), (200, file.len().to_string().as_str()));
    let head = ask(Method::HEAD, &url, &[("if-none-match", whole.header("etag"))]).await;
    assert_eq!(head.status, 304);
}

#[tokio::test]
async fn a_file_is_saved_under_a_clean_name() {
    let stack = Stack::shared().await;
    let (url, _) = an_input(&stack).await;
    let first_byte = [("range", "bytes=0-0")];
    for (query, disposition) in [
        ("", "attachment; filename=\"bigbuckbunny.mp4\""),
        ("?inline=1", "inline; filename=\"bigbuckbunny.mp4\""),
        ("?filename=Cup+final", "attachment; filename=\"Cup final.mp4\""),
        (
            "?filename=%E2%9A%BD%20%D0%BB.mp4&inline=1",
            "inline; filename=\"_ _.mp4\"; filename*=UTF-8''%E2%9A%BD%20%D0%BB.mp4",
        ),
        ("?filename=a%22b.mp4", "attachment; filename=\"a_b.mp4\"; filename*=UTF-8''a%22b.mp4"),
        ("?filename=a%0d%0aX-Evil:%20b.mp4", "attachment; filename=\"aX-Evil: b.mp4\""),
        ("?filename=..%2F..%2Fetc%2Fpasswd", "attachment; filename=\"passwd.mp4\""),
        ("?filename=%ff", "attachment; filename=\"bigbuckbunny.mp4\""),
        ("?filename=", "attachment; filename=\"bigbuckbunny.mp4\""),
    ] {
        let got = get(&format!("{url}{query}"), &first_byte).await;
        assert_eq!((got.status, got.header("content-disposition")), (206, disposition), "{query}");
        assert!(got.headers.get("x-evil").is_none());
        assert_eq!(got.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn only_videos_of_jobs_are_there() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let unused = upload(&client, &sample()).await;
    let (url, file) = an_input(&stack).await;
    let key = url.split("/download/").nth(1).expect("a key");
    let encoded = key.replace('/', "%2f").replace('.', "%2E");
    let size = file.len().to_string();
    let head = |path: &str| raw_head(&stack, &format!("/api/videos/download/{path}"));
    assert_eq!(head(key), ("200".to_owned(), size.clone()));
    assert_eq!(head(&encoded), ("200".to_owned(), size.clone()));
    // Dots are gone before a Worker sees a URL: this is the very same key.
    assert_eq!(head(&format!("input/%2e%2e/{key}")), ("200".to_owned(), size));
    let nobody = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4";
    for path in [
        unused.as_str(),
        nobody,
        "",
        "input",
        &format!("{key}/"),
        &format!("{key}%00"),
        &format!("{key}%0d%0a"),
        &format!("/{key}"),
        &format!("../{key}"),
        &format!("input/%2e%2e/%2e%2e/{key}"),
        &format!("input%2f..%2f{key}"),
        &format!("input%2f%2e%2e%2f{key}"),
        &format!("../download/../../videos/x/{key}"),
        "..%2f..%2fwrangler.toml",
        "%",
        "%ff",
        "input/%D0%BB/a.mp4",
    ] {
        assert_eq!(head(path).0, "404", "{path}");
    }
    let got = get(&format!("{}/api/videos/download/{nobody}", stack.api_url()), &[]).await;
    assert_eq!((got.status, got.code().as_str()), (404, "video_not_found"));
    let got = ask(Method::DELETE, &url, &[]).await;
    assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn results_open_with_the_key_or_their_own_jobs_token_and_inputs_with_the_key() {
    const KEY: &str = "the-key-of-this-test-and-of-nothing-else";
    const PAGE: &str = "https://app.example.com";
    let vars = vec![("WORKERS_API_KEY", KEY.to_owned()), ("ALLOWED_ORIGINS", PAGE.to_owned())];
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("quick.json");
    std::fs::write(&script, r#"{"fake_render_ms": 100}"#).expect("a script");
    let stack = Stack::start(Options { vars, chaos: Some(script), ..Options::default() }).await;
    let client = Client::new(stack.api_url(), Some(Secret::new(KEY))).expect("a client");
    let input = upload(&client, &sample()).await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let order = new_job(JobType::Overlay, input.clone(), spotlight_params());
        let job = client.create_job(&order, None).await.expect("a job");
        // At once: the index may not know of the result yet.
        jobs.push(render(&client, &job).await.pop().expect("a last message").job);
    }
    let token = |job: &Job| {
        let url = job.websocket_url.as_ref().expect("a URL").reveal();
        url.split_once("token=").expect("a token").1.to_owned()
    };
    let output = jobs[0].output_video_key.clone().expect("a result");
    let url = |key: &str| format!("{}/api/videos/download/{key}", stack.api_url());
    let bearer = format!("Bearer {KEY}");
    let with_key = get(&url(&output), &[("authorization", &bearer)]).await;
    assert_eq!((with_key.status, Some(with_key.body.len() as u64)), (200, jobs[0].output_bytes));
    let id = jobs[0].job_id;
    let disposition = format!("attachment; filename=\"{id}-video.mp4\"");
    assert_eq!(with_key.header("content-disposition"), disposition);

    let own = format!("{}?token={}", url(&output), token(&jobs[0]));
    let of_another = format!("{}?token={}", url(&output), token(&jobs[1]));
    let of_an_input = format!("{}?token={}", url(&input), token(&jobs[0]));
    assert_eq!(get(&own, &[("range", "bytes=0-9")]).await.body, with_key.body[..10]);
    for url in [&url(&output), &of_another, &of_an_input, &format!("{own}0"), &url(&input)] {
        let got = get(url, &[]).await;
        assert_eq!((got.status, got.code().as_str()), (401, "unauthorized"));
    }
    assert_eq!(get(&url(&input), &[("authorization", &bearer)]).await.status, 200);

    // A page of an allowed origin may read what tells the part.
    let got = get(&own, &[("origin", PAGE), ("range", "bytes=0-9")]).await;
    assert_eq!(got.header("access-control-allow-origin"), PAGE);
    let exposed = got.header("access-control-expose-headers");
    for name in ["content-range", "accept-ranges", "etag", "content-disposition", "content-length"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} is not in {exposed}");
    }
    let got = get(&own, &[("origin", "https://evil.example"), ("range", "bytes=0-9")]).await;
    assert!(got.headers.get("access-control-allow-origin").is_none());

    client.delete(id).await.expect("to delete");
    let got = get(&url(&output), &[("authorization", &bearer)]).await;
    assert_eq!((got.status, got.code().as_str()), (404, "video_not_found"));
}

/// HEAD of a path as it is, which HTTP clients would tidy up: the status and the length.
fn raw_head(stack: &Stack, path: &str) -> (String, String) {
    let host = stack.api_url().trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).expect("the Worker");
    let request = format!("HEAD {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("to ask");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).expect("a status").to_owned();
    assert!(StatusCode::from_bytes(status.as_bytes()).is_ok(), "{answer}");
    let length = answer
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    (status, length.unwrap_or_default())
}
