//! Requests and answers written down as text, with what differs in every run replaced by a name in
//! braces, so that they can be pinned.

use std::fmt::Write as _;
use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use regex::Regex;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::flow::{END_DEADLINE, bare_http};
use crate::golden::GoldenFiles;

/// Writes down what is said to one Worker and what it answers.
#[derive(Debug)]
pub struct ExchangeRecorder {
    golden: GoldenFiles,
    api_url: String,
    key: String,
    mask: Redactor,
}

/// A request to be made and pinned.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method and path with query, as on the first line; empty means nothing.
    pub line: String,
    /// Beside `authorization`, `content-type` of a JSON body and `host`.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or text that is sent as it is.
    pub body: Option<Body>,
    /// Whether the API key is left out.
    pub anonymous: bool,
}

/// A request's body.
#[derive(Clone, Debug)]
pub enum Body {
    /// As JSON.
    Json(Value),
    /// As it is, which need not be JSON.
    Text(String),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct RecordedResponse {
    /// HTTP status.
    pub status: u16,
    /// The body, if it was JSON.
    pub body: Value,
}

impl Request {
    /// Such as `GET /api/jobs`.
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), ..Self::default() }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(Body::Json(body));
        self
    }

    /// With a body that is sent as it is.
    #[must_use]
    pub fn text(mut self, body: impl Into<String>) -> Self {
        self.body = Some(Body::Text(body.into()));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Without the API key.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }
}

impl ExchangeRecorder {
    /// For a Worker with this key; the pins lie in `tests/contract/{folder}`.
    pub fn new(repository: &Path, folder: &str, api_url: &str, key: &str) -> Self {
        let mut mask = Redactor::default();
        mask.name(api_url, "{api}");
        mask.name(&api_url.replace("http", "ws"), "{api}");
        mask.name(key, "{api_key}");
        let (api_url, key) = (api_url.to_owned(), key.to_owned());
        Self { golden: GoldenFiles::of(repository, folder), api_url, key, mask }
    }

    /// From now on this text is written as `name`, which stands in braces.
    pub fn name(&mut self, text: &str, name: &str) {
        self.mask.name(text, name);
    }

    /// Makes a request without writing it down.
    pub async fn send(&self, request: &Request) -> Response {
        let (method, path) = request.line.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let mut call = bare_http().request(method, format!("{}{path}", self.api_url));
        for (name, value) in self.headers(request) {
            call = call.header(name, value);
        }
        let call = match &request.body {
            Some(Body::Json(json)) => call.body(json.to_string()),
            Some(Body::Text(text)) => call.body(text.clone()),
            None => call,
        };
        call.send().await.expect("an answer")
    }

    /// Makes a request, and pins it with its answer as `{name}.http`.
    pub async fn ask(&mut self, name: &str, request: Request) -> RecordedResponse {
        let answer = self.send(&request).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await.expect("a body");
        let mut text = format!("{}\n", request.line);
        for (name, value) in self.headers(&request) {
            let _ = writeln!(text, "{name}: {value}");
        }
        match &request.body {
            Some(Body::Json(json)) => append_body(&mut text, &json.to_string()),
            Some(Body::Text(body)) => append_body(&mut text, body),
            None => {}
        }
        let _ = write!(text, "\n=== {status}\n{}", head(&headers));
        append_body(&mut text, &body);
        self.pin(&format!("{name}.http"), &text);
        RecordedResponse { status, body: serde_json::from_str(&body).unwrap_or_default() }
    }

    /// Opens a socket; what is said on it is written down until it is closed.
    pub async fn open(&self, path: &str) -> SocketRecorder {
        let url = format!("{}{path}", self.api_url.replace("http", "ws"));
        let mut request = url.into_client_request().expect("a request");
        let key = format!("Bearer {}", self.key).parse().expect("a header");
        let with_token = path.contains("token=");
        if !with_token {
            request.headers_mut().insert("authorization", key);
        }
        let (socket, _) = connect_async(request).await.expect("the socket opens");
        let mut text = format!("GET {path}\n");
        if !with_token {
            text.push_str("authorization: Bearer {api_key}\n");
        }
        text.push_str("upgrade: websocket\n");
        SocketRecorder { socket, text }
    }

    /// Compares a text of any kind.
    pub fn pin(&mut self, name: &str, text: &str) {
        let text = self.mask.apply(text);
        self.golden.pin(name, &text);
    }

    /// Compares everything.
    pub fn finish(self) {
        self.golden.finish();
    }

    fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if !request.anonymous {
            headers.push(("authorization", format!("Bearer {}", self.key)));
        }
        if request.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.retain(|(name, _)| request.headers.iter().all(|(given, _)| given != name));
        headers.extend(request.headers.iter().cloned());
        headers
    }
}

/// An open socket.
#[derive(Debug)]
pub struct SocketRecorder {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    text: String,
}

impl SocketRecorder {
    /// Says something and writes it down.
    pub async fn say(&mut self, words: &str) {
        self.socket.send(Frame::text(words)).await.expect("to be heard");
        self.text.push_str("\n>>> client\n");
        self.text.push_str(words);
        self.text.push('\n');
    }

    /// Waits for the next message, writes it down and gives it.
    pub async fn hear(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(END_DEADLINE, self.socket.next()).await;
        match frame.expect("the server speaks or closes")? {
            Ok(Frame::Text(words)) => {
                self.text.push_str("\n<<< server");
                append_body(&mut self.text, &words);
                Some(words.to_string())
            }
            Ok(Frame::Close(close)) => {
                let close = close.expect("a close code");
                let _ =
                    writeln!(self.text, "\n=== closed {} {:?}", u16::from(close.code), close.reason.as_str());
                None
            }
            other => panic!("neither text nor a farewell: {other:?}"),
        }
    }

    /// Listens until it is closed, and gives all that was said.
    pub async fn to_the_end(mut self) -> String {
        while self.hear().await.is_some() {}
        self.text
    }
}

/// The headers that our side decides, in order.
fn head(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !RUNTIME_HEADERS.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("text")))
        .collect();
    lines.sort();
    lines.concat()
}

/// The body after an empty line; JSON as people read it.
fn append_body(text: &mut String, body: &str) {
    if body.is_empty() {
        return;
    }
    if body.len() > BODY_SHOWN_BYTES {
        let _ = writeln!(text, "\n({} bytes)", body.len());
        return;
    }
    let json = serde_json::from_str::<Value>(body).and_then(|json| serde_json::to_string_pretty(&json));
    let _ = writeln!(text, "\n{}", json.as_deref().unwrap_or(body));
}

/// What differs in every run, and how it is written instead.
#[derive(Debug)]
struct Redactor {
    names: Vec<(String, String)>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Default for Redactor {
    fn default() -> Self {
        let patterns = PATTERNS
            .iter()
            .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern of ours"), *name))
            .collect();
        Self { names: Vec::new(), patterns }
    }
}

impl Redactor {
    fn name(&mut self, text: &str, name: &str) {
        self.names.push((text.to_owned(), name.to_owned()));
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, name) in &self.names {
            text = text.replace(found, name);
        }
        for (pattern, name) in &self.patterns {
            text = pattern.replace_all(&text, *name).into_owned();
        }
        text
    }
}

const PATTERNS: [(&str, &str); 13] = [
    (r"uploadId=[^&]+", "uploadId={upload}"),
    (r"[0-9a-f]{8}-[0-9a-f-]{27}\.[0-9a-f]{64}", "{upload_id}"),
    (r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT", "{time}"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", "{time}"),
    (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "{user_token}"),
    (r"X-Amz-Date=[0-9]{8}T[0-9]{6}Z", "X-Amz-Date={time}"),
    (r"%2F[0-9]{8}%2F", "%2F{day}%2F"),
    (r"X-Amz-Signature=[0-9a-f]{64}", "X-Amz-Signature={signature}"),
    (r"([0-9]+)\.[0-9]{10}\.[0-9a-f]{64}", "$1.{expiry}.{mac}"),
    (r#"("request_id": "|x-request-id: )[0-9a-f-]+"#, "$1{request_id}"),
    (r#"("next_cursor": ")[0-9]+_"#, "${1}{ms}_"),
    (r#"("(?:alarms|d1_rows|object_rows|requests)": )[0-9]+"#, "$1{count}"),
    (r#"("version": ")[^"]+"#, "$1{version}"),
];
/// A longer body is told by its length.
const BODY_SHOWN_BYTES: usize = 32 * 1024;
/// The runtime's, which differ between machines and say nothing of us.
const RUNTIME_HEADERS: [&str; 6] =
    ["date", "content-length", "transfer-encoding", "connection", "keep-alive", "server"];
