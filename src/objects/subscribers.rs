//! The subscribers of one job: accepted for hibernation, sent what was committed, closed at the end.
//!
//! Invariant: what a socket wants is in its tags, which outlive this instance.

use crate::platform::sockets::{send_by_tags, socket_tags};
use reel_core::base::time::Timestamp;
use reel_core::config::Config;
use reel_core::job::effect::Step;
use reel_core::job::log::LogEntry;
use reel_core::job::spec::JobSpec;
use reel_core::objects::job_view::with_urls;
use reel_core::objects::subscribe::{
    ACCESS_REVOKED, HIDDEN_TAG, LINK_TAG, NORMAL_CLOSURE, OpenSockets, PING, PONG, SubscribeRequest,
    entry_message, progress_message,
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

    /// Opens a socket that is closed in a moment and gives both of its ends, ours first. One that may sleep would
    /// be closed at once as well, but its connection would end ten seconds later.
    pub fn open_briefly() -> Result<(WebSocket, WebSocket)> {
        let pair = WebSocketPair::new()?;
        pair.server.accept()?;
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
    pub fn count(&self, request: SubscribeRequest) -> OpenSockets {
        OpenSockets {
            all: self.0.get_websockets().len(),
            of_links: self.0.get_websockets_with_tag(LINK_TAG).len(),
            of_owner: request.owner_tag().map_or(0, |tag| self.0.get_websockets_with_tag(&tag).len()),
        }
    }

    /// How many there are that may not know of the job.
    pub fn count_hidden(&self) -> OpenSockets {
        OpenSockets { all: self.0.get_websockets_with_tag(HIDDEN_TAG).len(), ..OpenSockets::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.get_websockets().is_empty()
    }

    /// Sends every subscriber what a step has stored, or the progress that it has not; closes all sockets
    /// after the last entry. Each text is written once for all who read alike.
    pub fn broadcast(&self, config: &Config, spec: &JobSpec, step: &Step, now: Timestamp) -> Result<()> {
        let mut texts = Vec::new();
        for tags in socket_tags(self.0)? {
            // A hidden socket has no request, and is told nothing.
            if let Some(request) = SubscribeRequest::from_tags(tags.split(' ')) {
                texts.push((tags, messages(config, spec, step, request, now)));
            }
        }
        send_by_tags(self.0, &texts)?;
        if step.closes_subscribers() {
            self.close_all();
        }
        Ok(())
    }

    /// Closes every socket: the last message has been sent. A hidden one is left to its own time, since it
    /// may not know of the end either.
    pub fn close_all(&self) {
        for (socket, _) in self.all() {
            close(&socket, NORMAL_CLOSURE, "the job has ended");
        }
    }

    /// Closes the sockets that a link opened, since all links are revoked; also those of users, if their tokens
    /// are.
    pub fn close_revoked(&self, of_users: bool) {
        for (socket, request) in self.all() {
            if request.is_by_link() || (of_users && request.is_by_user()) {
                close(&socket, ACCESS_REVOKED, "this link or token was revoked");
            }
        }
    }
}

/// What a step has for one kind of subscriber.
fn messages(
    config: &Config,
    spec: &JobSpec,
    step: &Step,
    SubscribeRequest { protocol, reader, .. }: SubscribeRequest,
    now: Timestamp,
) -> Vec<String> {
    let link = reader.link(step.job.link_generation, now);
    let entry = |entry: &LogEntry| {
        with_urls(config, spec, &entry.snapshot, link, now, |urls| {
            entry_message(spec, entry, protocol, reader, urls)
        })
    };
    let mut messages: Vec<String> = step.entries.iter().map(entry).collect();
    if step.broadcast_progress {
        let snapshot = step.job.snapshot();
        messages.push(with_urls(config, spec, &snapshot, link, now, |urls| {
            progress_message(spec, &snapshot, protocol, reader, urls)
        }));
    }
    messages
}

/// Sends to one socket. One that is closing is sent nothing: its client reconnects with its cursor.
pub fn send(socket: &WebSocket, text: &str) {
    let _closing = socket.send_with_str(text);
}

/// Closes one socket. It may be closed already; then there is nobody left to tell.
pub fn close(socket: &WebSocket, code: u16, reason: &str) {
    let _closed = socket.close(Some(code), Some(reason));
}
