//! One watcher of one job, for as long as it takes: sockets break, and it comes back with its cursor.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;

/// What a watcher saw of its job.
#[derive(Debug, Default)]
pub struct Story {
    /// `seq` of the last stored event.
    pub last_seq: u64,
    /// Terminal messages, each time one was sent.
    pub ends: Vec<String>,
    /// Sentences about what should not have been.
    pub faults: Vec<String>,
    /// Sockets opened.
    pub sockets: u32,
    /// A snapshot after a crash that showed less than was told before: up to `persist_interval` may be lost.
    pub snapshots_behind: u32,
    /// Attempt and percent of the last message on this socket.
    told: (u64, f64),
}

impl Story {
    /// Watches until the last message came and the server closed the socket.
    pub async fn watch(url: &str) -> Self {
        let mut story = Self::default();
        while story.ends.is_empty() {
            if let Ok((mut socket, _)) = connect_async(format!("{url}?after={}", story.last_seq)).await {
                story.sockets += 1;
                let mut first = true;
                // To the close of the socket, not only to the end: a second end would come after it.
                while let Some(Ok(frame)) = socket.next().await {
                    if let Frame::Text(text) = frame {
                        story.hear(&serde_json::from_str(&text).expect("every message is JSON"), first);
                        first = false;
                    }
                }
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        story
    }

    fn hear(&mut self, message: &Value, snapshot: bool) {
        let now = (message["attempt"].as_u64().unwrap_or(0), message["progress"].as_f64().unwrap_or(-1.0));
        if snapshot {
            self.snapshots_behind += u32::from(now < self.told);
            // Events that were missed are told next, from before the snapshot.
            self.told = (0, 0.0);
            return;
        }
        if now < self.told {
            self.faults.push(format!("told {now:?} after {:?}", self.told));
        }
        self.told = now;
        let Some(seq) = message["seq"].as_u64() else { return };
        if seq != self.last_seq + 1 {
            self.faults.push(format!("event {seq} after {}", self.last_seq));
        }
        self.last_seq = seq;
        if let Some(kind @ ("complete" | "error")) = message["type"].as_str() {
            self.ends.push(kind.to_owned());
        }
    }
}

const RECONNECT_PAUSE: Duration = Duration::from_millis(200);
