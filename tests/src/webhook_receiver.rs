//! A user's server on loopback, which takes webhooks rightly or wrongly as it is told.
//!
//! It runs on threads of its own, so that an answer that hangs holds nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How a receiver answers one request.
#[derive(Clone, Debug)]
pub enum WebhookAnswer {
    /// With this status.
    Status(u16),
    /// With this status, after this time.
    Slow(Duration, u16),
    /// With this status, and seconds in `Retry-After`.
    RetryAfter(u16, u32),
    /// With a redirect to this path.
    Redirect(&'static str),
    /// Not at all, until the caller gives up.
    Nothing,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct ReceivedWebhook {
    /// The path.
    pub path: String,
    /// All headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, which is what is signed.
    pub body: String,
    /// When it had come.
    pub at: Instant,
}

/// A running server.
#[derive(Debug)]
pub struct WebhookReceiver {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    received: Mutex<Vec<ReceivedWebhook>>,
    /// What is answered next at each path; after that, 204.
    answers: Mutex<BTreeMap<String, VecDeque<WebhookAnswer>>>,
    closing: AtomicBool,
}

impl ReceivedWebhook {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    /// The type of its event.
    pub fn event_type(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers.keys()))
    }
}

impl WebhookReceiver {
    /// Listens on a free port.
    pub fn start() -> Self {
        Self::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
    }

    /// Listens on this port, which was free.
    pub fn start_at(port: u16) -> Self {
        Self::listen(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port that was free"))
    }

    fn listen(listener: TcpListener) -> Self {
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let receiver = Self { port, state: Arc::default() };
        let shared = Arc::clone(&receiver.state);
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if shared.closing.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || take(caller, &shared));
            }
        });
        receiver
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers so at this path, one after the other, and then with 204.
    pub fn answer(&self, path: &str, answers: &[WebhookAnswer]) {
        lock(&self.state.answers).insert(path.to_owned(), answers.iter().cloned().collect());
    }

    /// Everything that has come to this path, in order.
    pub fn received(&self, path: &str) -> Vec<ReceivedWebhook> {
        lock(&self.state.received).iter().filter(|one| one.path == path).cloned().collect()
    }

    /// The types of the events that have come to this path, in order.
    pub fn event_types(&self, path: &str) -> Vec<String> {
        self.received(path).iter().map(ReceivedWebhook::event_type).collect()
    }
}

impl Drop for WebhookReceiver {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn take(mut caller: TcpStream, state: &State) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let request = loop {
        let Ok(count @ 1..) = caller.read(&mut buffer) else { return };
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(request) = whole_request(&bytes) {
            break request;
        }
    };
    let answer = lock(&state.answers).get_mut(&request.path).and_then(VecDeque::pop_front);
    lock(&state.received).push(request);
    let (status, more) = match answer.unwrap_or(WebhookAnswer::Status(204)) {
        WebhookAnswer::Status(status) => (status, String::new()),
        WebhookAnswer::Slow(time, status) => {
            thread::sleep(time);
            (status, String::new())
        }
        WebhookAnswer::RetryAfter(status, seconds) => (status, format!("retry-after: {seconds}\r\n")),
        WebhookAnswer::Redirect(path) => (307, format!("location: {path}\r\n")),
        WebhookAnswer::Nothing => {
            while matches!(caller.read(&mut buffer), Ok(1..)) {}
            return;
        }
    };
    let length = if status == 204 { "" } else { "content-length: 0\r\n" };
    let head = format!("HTTP/1.1 {status} X\r\n{more}{length}connection: close\r\n\r\n");
    let _ = caller.write_all(head.as_bytes());
}

/// The request, once all of it has come.
fn whole_request(bytes: &[u8]) -> Option<ReceivedWebhook> {
    let head_length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_length]).into_owned();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length: usize = headers.get("content-length")?.parse().expect("a length");
    let body = bytes.get(head_length..head_length + length)?;
    let path = head.split(' ').nth(1)?.to_owned();
    let body = String::from_utf8(body.to_vec()).expect("a body in UTF-8");
    Some(ReceivedWebhook { path, headers, body, at: Instant::now() })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
