//! The event log of a job: what subscribers are told, in order, and replay after a reconnect.

use crate::base::time::Timestamp;
use crate::job::snapshot::Snapshot;

/// One stored event: what a watcher sees, and replays after a reconnect.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LogEntry {
    /// Number of the event, strictly one more than the one before.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What kind of message it is.
    #[serde(rename = "kind")]
    pub message_type: MessageType,
    /// The job as it then was.
    #[serde(rename = "face")]
    pub snapshot: Snapshot,
}

/// The kinds of message on a job's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// A snapshot, or a change of status without progress.
    Status,
    /// It got further, or starts over.
    Progress,
    /// The reel is there. The last message.
    Complete,
    /// It failed. The last message.
    Error,
}

impl MessageType {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Progress => "progress",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
}
