//! An identity provider's key set on loopback, which answers rightly or wrongly as it is told.
//!
//! It runs on threads of its own, so that an answer that hangs holds nothing else.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// How the server answers.
#[derive(Clone, Debug)]
pub enum KeyAnswer {
    /// With a body, and this status.
    Body(u16, Vec<u8>),
    /// With a redirect to this address.
    Redirect(String),
    /// Not at all, until the caller gives up.
    Nothing,
    /// With a head and the beginning of a body, and then nothing.
    Half,
}

/// A running server.
#[derive(Debug)]
pub struct KeyServer {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    answer: Mutex<KeyAnswer>,
    asked: AtomicUsize,
    closing: AtomicBool,
}

impl KeyServer {
    /// Listens on a free port; it has no keys yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = Arc::new(State {
            answer: Mutex::new(KeyAnswer::Body(404, Vec::new())),
            asked: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if shared.closing.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(caller, &shared));
            }
        });
        Self { port, state }
    }

    /// The address of the key set.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/.well-known/jwks.json", self.port)
    }

    /// Answers with these keys from now on.
    pub fn publish(&self, keys: &[&Value]) {
        self.answer(KeyAnswer::Body(200, json!({ "keys": keys }).to_string().into_bytes()));
    }

    /// Answers so from now on.
    pub fn answer(&self, answer: KeyAnswer) {
        *self.state.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn answer(mut caller: TcpStream, state: &State) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let Ok(count @ 1..) = caller.read(&mut buffer) else { return };
        head.extend_from_slice(&buffer[..count]);
    }
    let answer = state.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Only when its answer is settled: a test that waits for the count may then change it.
    state.asked.fetch_add(1, Ordering::Relaxed);
    let bytes = match &answer {
        KeyAnswer::Body(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            [head.as_bytes(), body.as_slice()].concat()
        }
        KeyAnswer::Redirect(to) => {
            format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .into_bytes()
        }
        KeyAnswer::Nothing => Vec::new(),
        KeyAnswer::Half => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"keys\":[".to_vec(),
    };
    let _ = caller.write_all(&bytes);
    if matches!(answer, KeyAnswer::Nothing | KeyAnswer::Half) {
        // Until the caller closes.
        while matches!(caller.read(&mut buffer), Ok(1..)) {}
    }
}
