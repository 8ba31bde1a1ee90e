//! A tap on the wire between the Worker and the gpu-worker: it forwards every byte, and tells afterwards
//! what the Worker has asked for, and when.
//!
//! Invariant: nothing that passes is changed. It runs on threads of its own, since it outlives the
//! runtime of the test that started it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

/// A running tap.
#[derive(Debug)]
pub struct RunpodProxy {
    port: u16,
    heard: Arc<Mutex<Vec<RecordedRequest>>>,
    closing: Arc<AtomicBool>,
}

/// One request of the Worker to RunPod.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Such as `run`, `status/ID` or `cancel/ID`: what follows the endpoint.
    pub what: String,
    /// The body, when it was JSON.
    pub body: Value,
    /// When it had passed.
    pub at: Instant,
}

impl RecordedRequest {
    /// The first whole request of the stream, and how many bytes it has.
    pub fn first_in(stream: &[u8]) -> Option<(Self, usize)> {
        let head_length = stream.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&stream[..head_length]).into_owned();
        let body_length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().expect("a length"));
        let body = stream.get(head_length..head_length + body_length)?;
        let path = head.split(' ').nth(1).expect("a request line names a path");
        // /v2/{endpoint}/{what}
        let what = path.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        let body = serde_json::from_slice(body).unwrap_or_default();
        Some((Self { what, body, at: Instant::now() }, head_length + body_length))
    }
}

impl RunpodProxy {
    /// Listens on a free port and forwards to `target` on this machine.
    pub fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let tap = Self { port, heard: Arc::default(), closing: Arc::default() };
        let (heard, closing) = (Arc::clone(&tap.heard), Arc::clone(&tap.closing));
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if closing.load(Ordering::Relaxed) {
                    return;
                }
                let heard = Arc::clone(&heard);
                thread::spawn(move || forward(&caller, target, &heard));
            }
        });
        tap
    }

    /// Where to call instead of the target.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Every request since the last [`Wiretap::forget`], in order.
    pub fn asked(&self) -> Vec<RecordedRequest> {
        self.heard().clone()
    }

    /// Forgets what it has heard.
    pub fn forget(&self) {
        self.heard().clear();
    }

    fn heard(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunpodProxy {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Forwards one connection until either side ends it.
fn forward(caller: &TcpStream, target: u16, heard: &Mutex<Vec<RecordedRequest>>) {
    // Nobody listens while the target restarts: the caller sees its connection end.
    let Ok(target) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
    let (Ok(answers), Ok(answered)) = (target.try_clone(), caller.try_clone()) else { return };
    thread::spawn(move || {
        copy(&answers, &answered, |_| ());
        let _ = answered.shutdown(Shutdown::Both);
    });
    let mut pending = Vec::new();
    copy(caller, &target, |bytes| {
        pending.extend_from_slice(bytes);
        while let Some((asked, length)) = RecordedRequest::first_in(&pending) {
            pending.drain(..length);
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        }
    });
    let _ = target.shutdown(Shutdown::Both);
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        // Seen first: once it is answered, it has been heard.
        see(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}
