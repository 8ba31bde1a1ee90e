//! The event log of a job: what subscribers are told, in order, and replay after a reconnect.

use crate::base::time::Timestamp;
use crate::base::words::word_enum;
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

word_enum! {
    /// The kinds of message on a job's socket. A stored log entry with another word is not read.
    pub enum MessageType {
        /// A snapshot, or a change of status without progress.
        Status = "status",
        /// It got further, or starts over.
        Progress = "progress",
        /// The reel is there. The last message.
        Complete = "complete",
        /// It failed. The last message.
        Error = "error",
    }
}
