//! A job's socket without the client's comforts: every message as it came, and how it was closed.

use futures_util::StreamExt as _;
use reel_client::Job;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as Refusal;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::flow::END_DEADLINE;
use crate::stack::Stack;

/// An open socket.
#[derive(Debug)]
pub struct RawSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// All that one socket said.
#[derive(Debug)]
pub struct SocketTranscript {
    /// The messages, as JSON.
    pub messages: Vec<Value>,
    /// The close code; none when the connection just ended.
    pub close_code: Option<u16>,
}

impl RawSocket {
    /// Opens the socket that the job names, and asks for every stored event from the first.
    pub async fn open(stack: &Stack, job: &Job) -> Self {
        Self::open_after(stack, job, 0).await
    }

    /// The same, but for the stored events up to this number.
    pub async fn open_after(stack: &Stack, job: &Job, after: u64) -> Self {
        let path = job.websocket_url.as_ref().expect("a job names its socket").reveal();
        let join = if path.contains('?') { '&' } else { '?' };
        Self::open_path(stack, &format!("{path}{join}after={after}")).await.expect("the socket opens")
    }

    /// Opens the socket at this path, whether there is a job or not; else the HTTP status.
    pub async fn open_path(stack: &Stack, path: &str) -> Result<Self, u16> {
        Self::open_at(stack.api_url(), path).await
    }

    /// The same at the API of this address.
    pub async fn open_at(api_url: &str, path: &str) -> Result<Self, u16> {
        match connect_async(format!("{}{path}", api_url.replace("http", "ws"))).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Refusal::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no answer at all: {error}"),
        }
    }

    /// The same with a token as a page sends it: as a subprotocol, which the answer must not repeat.
    pub async fn open_as(api_url: &str, path: &str, token: &str) -> Result<Self, u16> {
        let url = format!("{}{path}", api_url.replace("http", "ws"));
        let mut request = url.into_client_request().expect("a request");
        let offered = format!("reel.v1, bearer.{token}").parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", offered);
        match connect_async(request).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "reel.v1");
                Ok(Self(socket))
            }
            Err(Refusal::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no answer at all: {error}"),
        }
    }

    /// Listens until it is closed.
    pub async fn listen(self) -> SocketTranscript {
        tokio::time::timeout(END_DEADLINE, self.hear()).await.expect("the socket is closed at the job's end")
    }

    async fn hear(mut self) -> SocketTranscript {
        let mut heard = SocketTranscript { messages: Vec::new(), close_code: None };
        while let Some(frame) = self.0.next().await {
            match frame {
                Ok(Frame::Text(text)) => {
                    heard.messages.push(serde_json::from_str(&text).expect("every message is JSON"));
                }
                Ok(Frame::Close(close)) => {
                    heard.close_code = close.map(|close| close.code.into());
                    // The farewell is all: the local proxy keeps the connection for another 20 s.
                    break;
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        heard
    }
}

impl SocketTranscript {
    /// Panics unless the story is whole: a snapshot first, stored events numbered +1 from 1, a progress
    /// that never goes down within an attempt, one terminal message, the last.
    pub fn assert_whole(&self) {
        self.assert_whole_after(0);
    }

    /// The same for a watcher that had all events up to this number.
    pub fn assert_whole_after(&self, after: u64) {
        let story = self.text();
        let word = |message: &Value, name: &str| message[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(word(&self.messages[0], "type"), "status", "a snapshot comes first: {story}");

        let events = &self.messages[1..];
        let numbers: Vec<u64> = events.iter().filter_map(|message| message["seq"].as_u64()).collect();
        let expected: Vec<u64> = (after + 1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "seq goes up by one from {after}: {story}");

        let steps: Vec<(u64, f64)> = events
            .iter()
            .map(|message| {
                (message["attempt"].as_u64().unwrap_or(0), message["progress"].as_f64().expect("progress"))
            })
            .collect();
        assert!(steps.is_sorted(), "progress never goes down: {story}");

        let ends: Vec<usize> = (0..events.len())
            .filter(|index| matches!(word(&events[*index], "type").as_str(), "complete" | "error"))
            .collect();
        assert_eq!(ends, [events.len() - 1], "one terminal message, the last: {story}");
    }
}

impl SocketTranscript {
    /// The stored events among the messages; the snapshot is none.
    pub fn stored(&self) -> impl Iterator<Item = &Value> {
        self.messages.iter().skip(1).filter(|message| message["seq"].is_u64())
    }

    /// What a failed assertion shows: a line for each message, no URLs.
    pub fn text(&self) -> String {
        format!("{:#?}", self.messages.iter().map(summary).collect::<Vec<_>>())
    }
}

/// What a failed assertion shows of a message: no URLs.
fn summary(message: &Value) -> String {
    let part = |name: &str| message[name].to_string();
    ["type", "seq", "attempt", "stage", "progress", "message"].map(part).join(" ")
}
