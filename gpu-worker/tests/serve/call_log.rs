//! What the API, the storage and the webhook receiver of a test got, and how they respond.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;
use tokio::sync::Notify;

use crate::test_backend::TIMEOUT;

/// The calls so far, and the replies to come.
#[derive(Default)]
pub struct CallLog {
    state: Mutex<RecordedCalls>,
    changed: Notify,
}

#[derive(Default)]
struct RecordedCalls {
    /// Calls in their order: `claim`, `progress`, `complete`, `error`, `get`, `poster`, `put`, `webhook`.
    calls: Vec<RecordedCall>,
    /// Replies to come for each kind of call; without one the call succeeds.
    replies: HashMap<&'static str, VecDeque<ScriptedReply>>,
    /// What storage holds as the input.
    input: Bytes,
    /// The job's kind and params, as a claim grants them.
    grant: (String, Value),
    /// More members of the response to a claim.
    more: Value,
}

#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub what: &'static str,
    pub body: Bytes,
    pub headers: HeaderMap,
}

#[derive(Clone, Copy, Debug)]
pub enum ScriptedReply {
    Status(u16),
    Html(u16),
    NotApplied,
    /// Half of the body, then the connection is cut.
    Half,
    /// All of the object, whatever part was asked for.
    Whole,
    /// JSON without an end.
    Endless,
}

impl CallLog {
    /// Sets the replies to the next calls of this kind.
    pub fn reply(&self, what: &'static str, replies: impl IntoIterator<Item = ScriptedReply>) {
        self.state.lock().unwrap().replies.entry(what).or_default().extend(replies);
    }

    pub fn grant(&self, kind: &str, params: Value) {
        self.state.lock().unwrap().grant = (kind.to_owned(), params);
    }

    /// Adds members to the response to a claim.
    pub fn grant_more(&self, more: Value) {
        self.state.lock().unwrap().more = more;
    }

    /// What a test has added to the response to a claim.
    pub fn granted_more(&self) -> Value {
        self.state.lock().unwrap().more.clone()
    }

    pub fn put_input(&self, bytes: Vec<u8>) {
        self.state.lock().unwrap().input = bytes.into();
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The JSON bodies of all calls of a kind.
    pub fn bodies(&self, what: &str) -> Vec<Value> {
        let calls = self.calls();
        let of_kind = calls.iter().filter(|call| call.what == what);
        of_kind.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
    }

    pub fn count(&self, what: &str) -> usize {
        self.calls().iter().filter(|call| call.what == what).count()
    }

    /// Waits until the calls so far meet a condition.
    pub async fn wait_for(&self, wanted: impl Fn(&[RecordedCall]) -> bool) {
        let found = async {
            loop {
                let changed = self.changed.notified();
                if wanted(&self.calls()) {
                    return;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(TIMEOUT, found).await;
        let kinds: Vec<&str> = self.calls().iter().map(|call| call.what).collect();
        assert!(found.is_ok(), "timed out with these calls: {kinds:?}");
    }

    /// Waits for the first progress report of a stage.
    pub async fn wait_for_stage(&self, stage: &str) {
        let wanted = format!("\"stage\":\"{stage}\"");
        self.wait_for(|calls| calls.iter().any(|call| String::from_utf8_lossy(&call.body).contains(&wanted)))
            .await;
    }

    /// The job's kind and params, as a claim grants them.
    pub fn granted(&self) -> (String, Value) {
        self.state.lock().unwrap().grant.clone()
    }

    /// What storage holds as the input.
    pub fn input(&self) -> Bytes {
        self.state.lock().unwrap().input.clone()
    }

    /// Records a call, and returns the reply to it.
    pub fn record(&self, what: &'static str, headers: HeaderMap, body: Bytes) -> Option<ScriptedReply> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(RecordedCall { what, body, headers });
        let reply = state.replies.get_mut(what).and_then(VecDeque::pop_front);
        drop(state);
        self.changed.notify_waiters();
        reply
    }
}
