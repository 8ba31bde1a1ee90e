//! The subscribers of one job: accepted for hibernation, sent what was committed, closed at the end.
//!
//! Invariant: what a socket wants is in its tags, which outlive this instance.

use reel_core::base::time::Timestamp;
use reel_core::config::Config;
use reel_core::job::effect::Step;
use reel_core::job::spec::JobSpec;
use reel_core::objects::job_view::with_urls;
use reel_core::objects::subscribe::{
    HIDDEN_TAG, NORMAL_CLOSURE, PING, PONG, SocketProtocol, SubscribeRequest, entry_message, progress_message,
};
use worker::{Result, State, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

/// The sockets of one object.
pub struct Subscribers<'s>(pub &'s State);

impl Subscribers<'_> {
    /// Accepts a socket with these tags and gives both of its ends, ours first.
    pub fn accept(&self, tags: &[String]) -> Result<(WebSocket, WebSocket)> {
        let pair = WebSocketPair::new()?;
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        self.0.accept_websocket_with_tags(&pair.server, &tags);
        let answer = WebSocketRequestResponsePair::new(PING, PONG)?;
        self.0.set_websocket_auto_response(&answer);
        Ok((pair.server, pair.client))
    }

    /// Every subscriber, and what it asked for.
    pub fn all(&self) -> Vec<(WebSocket, SubscribeRequest)> {
        let known = |socket: WebSocket| self.request_of(&socket).map(|request| (socket, request));
        self.0.get_websockets().into_iter().filter_map(known).collect()
    }

    /// What this socket asked for.
    pub fn request_of(&self, socket: &WebSocket) -> Option<SubscribeRequest> {
        let tags = self.0.get_tags(socket);
        SubscribeRequest::from_tags(tags.iter().map(String::as_str))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.get_websockets().len()
    }

    /// How many there are that may not know of the job.
    pub fn count_hidden(&self) -> usize {
        self.0.get_websockets_with_tag(HIDDEN_TAG).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Sends every subscriber what a step has stored, or the progress that it has not; closes all sockets
    /// after the last entry.
    pub fn broadcast(&self, config: &Config, spec: &JobSpec, step: &Step, now: Timestamp) {
        for entry in &step.entries {
            with_urls(config, spec, &entry.snapshot, now, |urls| {
                self.send_all(|protocol| entry_message(spec, entry, protocol, urls));
            });
        }
        if step.broadcast_progress {
            let snapshot = step.job.snapshot();
            with_urls(config, spec, &snapshot, now, |urls| {
                self.send_all(|protocol| progress_message(spec, &snapshot, protocol, urls));
            });
        }
        if step.closes_subscribers() {
            self.close_all();
        }
    }

    /// Closes every socket: the last message has been sent. A hidden one is left to its own time, since it
    /// may not know of the end either.
    pub fn close_all(&self) {
        for (socket, _) in self.all() {
            close(&socket, NORMAL_CLOSURE, "the job has ended");
        }
    }

    fn send_all(&self, message: impl Fn(SocketProtocol) -> String) {
        for protocol in SocketProtocol::ALL {
            let sockets = self.0.get_websockets_with_tag(protocol.tag());
            if sockets.is_empty() {
                continue;
            }
            let text = message(protocol);
            for socket in sockets {
                send(&socket, &text);
            }
        }
    }
}

/// Sends to one socket. One that is closing is sent nothing: its client reconnects with its cursor.
pub fn send(socket: &WebSocket, text: &str) {
    let _closing = socket.send_with_str(text);
}

/// Closes one socket. It may be closed already; then there is nobody left to tell.
pub fn close(socket: &WebSocket, code: u16, reason: &str) {
    let _closed = socket.close(Some(code), Some(reason));
}
