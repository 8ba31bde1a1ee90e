//! The watchers of one job: accepted for hibernation, told what was stored, closed at the end.
//!
//! Invariant: a watcher hears of a change only after it was committed. Who a socket is lies in its tag.

use reel_core::job::log::{LogEntry, MessageType};
use reel_core::job::snapshot::Snapshot;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::wire::job::{JobDetail, JobFormat, JobUrls, job_json};
use worker::{Result, State, WebSocket, WebSocketPair, WebSocketRequestResponsePair, console_warn};

/// Which of the two dialects a socket speaks; also its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketProtocol {
    /// `/api/jobs/{id}/ws`.
    Message,
    /// `/ws/export/{id}`.
    Legacy,
}

impl SocketProtocol {
    const ALL: [Self; 2] = [Self::Message, Self::Legacy];

    /// Its tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Legacy => "legacy",
        }
    }

    /// The tongue with this tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tongue| tongue.tag() == tag)
    }

    fn dialect(self, kind: MessageType) -> JobFormat {
        match self {
            Self::Message => JobFormat::Message(kind),
            Self::Legacy => JobFormat::Legacy,
        }
    }

    /// The old path's readers expect the whole job each time.
    fn extent(self) -> JobDetail {
        match self {
            Self::Message => JobDetail::Change,
            Self::Legacy => JobDetail::Whole,
        }
    }
}

/// The sockets of one object.
pub struct Sockets<'s>(pub &'s State);

impl Sockets<'_> {
    /// Accepts a watcher and answers both ends of its socket, ours first. One that wants all events
    /// `from_birth` may come before the job and is remembered as such.
    pub fn accept(&self, tongue: SocketProtocol, from_birth: bool) -> Result<(WebSocket, WebSocket)> {
        let pair = WebSocketPair::new()?;
        let tags = [tongue.tag(), FROM_START_TAG];
        self.0.accept_websocket_with_tags(&pair.server, if from_birth { &tags } else { &tags[..1] });
        // Answered by the runtime while the object sleeps. It compares the text exactly; a ping that is
        // spelt otherwise wakes the object, which answers it too.
        let answer = WebSocketRequestResponsePair::new(PING, PONG)?;
        self.0.set_websocket_auto_response(&answer);
        Ok((pair.server, pair.client))
    }

    /// Every watcher, its tongue, and whether it wants all events from the first.
    pub fn all(&self) -> Vec<(WebSocket, SocketProtocol, bool)> {
        let known = |socket: WebSocket| {
            let tags = self.0.get_tags(&socket);
            let tongue = tags.iter().find_map(|tag| SocketProtocol::from_tag(tag))?;
            Some((socket, tongue, tags.iter().any(|tag| tag == FROM_START_TAG)))
        };
        self.0.get_websockets().into_iter().filter_map(known).collect()
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.0.get_websockets().is_empty()
    }

    /// Tells every watcher what was stored.
    pub fn broadcast_entry(&self, order: &JobSpec, entry: &LogEntry, links: JobUrls<'_>) {
        self.send(|tongue| {
            job_json(
                order,
                &entry.snapshot,
                Some(entry.seq),
                links,
                tongue.dialect(entry.message_type),
                tongue.extent(),
            )
        });
    }

    /// Tells every watcher of progress that is not stored: such a message has no `seq`.
    pub fn broadcast_progress(&self, order: &JobSpec, face: &Snapshot, links: JobUrls<'_>) {
        self.send(|tongue| {
            job_json(order, face, None, links, tongue.dialect(MessageType::Progress), tongue.extent())
        });
    }

    /// Closes every socket: the last message has been sent.
    pub fn close_all(&self) {
        for socket in self.0.get_websockets() {
            close(&socket, NORMAL, "the job has ended");
        }
    }

    fn send(&self, render: impl Fn(SocketProtocol) -> String) {
        for tongue in SocketProtocol::ALL {
            let sockets = self.0.get_websockets_with_tag(tongue.tag());
            if sockets.is_empty() {
                continue;
            }
            let text = render(tongue);
            for socket in sockets {
                send(&socket, &text);
            }
        }
    }
}

/// The snapshot that a new or asking watcher gets.
pub fn snapshot(order: &JobSpec, job: &Job, tongue: SocketProtocol, links: JobUrls<'_>) -> String {
    job_json(
        order,
        &job.snapshot(),
        Some(job.seq),
        links,
        tongue.dialect(MessageType::Status),
        JobDetail::Record(job.usage),
    )
}

/// One stored event as this watcher reads it.
pub fn entry_message(
    order: &JobSpec,
    entry: &LogEntry,
    tongue: SocketProtocol,
    links: JobUrls<'_>,
) -> String {
    job_json(
        order,
        &entry.snapshot,
        Some(entry.seq),
        links,
        tongue.dialect(entry.message_type),
        tongue.extent(),
    )
}

/// Sends to one socket. One that is closing is told nothing: it reconnects with its cursor.
pub fn send(socket: &WebSocket, text: &str) {
    if let Err(cause) = socket.send_with_str(text) {
        console_warn!("a watcher could not be told: {cause}");
    }
}

/// Closes one socket. Codes that the runtime invents (1005, 1006, 1015) may not be sent back.
pub fn close(socket: &WebSocket, code: u16, reason: &str) {
    let code = if matches!(code, 1005 | 1006 | 1015) { NORMAL } else { code };
    // It may be closed already; then there is nobody left to tell.
    let _closed = socket.close(Some(code), Some(reason));
}

/// Normal closure (RFC 6455 7.4.1).
pub const NORMAL: u16 = 1000;
/// Close code for a job that was never created: 4000 and up are the application's (RFC 6455 7.4.2).
pub const NO_SUCH_JOB: u16 = 4404;
/// Tag of a watcher that asked for `after=0`.
const FROM_START_TAG: &str = "birth";
/// The ping that the runtime answers by itself.
pub const PING: &str = r#"{"type":"ping"}"#;
/// Its answer.
pub const PONG: &str = r#"{"type":"pong"}"#;
