//! Following a job to its end, over whatever connection can be had.
//!
//! The socket is preferred: it carries every stored event, and `?after=N` replays what was missed while it
//! was down. While it cannot be had, `GET` is asked every two seconds.
//!
//! Invariant: stored events come out in order and once; progress never goes down within an attempt; the
//! stream ends after the terminal message, after an error that waiting cannot mend, or after five minutes
//! without any answer.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff};
use futures_util::stream::{self, BoxStream};
use futures_util::{SinkExt as _, StreamExt as _};
use reel_core::id::JobId;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use url::Url;

use crate::api::client::{Client, origin_of, root_cause};
use crate::api::error::{Error, Result};
use crate::api::job::Job;
use crate::api::message::{Message, MessageType};
use crate::api::secret::CapabilityUrl;

impl Client {
    /// Every message about `job` after its stored event number `after` (0 for all), until it is over.
    ///
    /// Each (re)connection begins with a snapshot, a message without `seq`.
    pub fn watch(&self, job: &Job, after: u64) -> BoxStream<'static, Result<Message>> {
        let watch = JobStream {
            client: self.clone(),
            job_id: job.job_id,
            params: job.params.clone(),
            websocket_url: job.websocket_url.clone(),
            last_seq: after,
            gap_retried_at: None,
            socket: None,
            socket_available: false,
            next_connect_at: Instant::now(),
            backoff: RECONNECT_BACKOFF.build(),
            last_activity_at: Instant::now(),
            last_polled: None,
            progress_floor: ProgressFloor::default(),
            ended: false,
        };
        stream::unfold(watch, |mut watch| async move { watch.next().await.map(|item| (item, watch)) }).boxed()
    }
}

struct JobStream {
    client: Client,
    job_id: JobId,
    /// They never change, so messages between the snapshots leave them out.
    params: Value,
    websocket_url: Option<CapabilityUrl>,
    /// Number of the last stored event that was given out.
    last_seq: u64,
    /// The cursor at which the socket already once went on with a later event than the next.
    gap_retried_at: Option<u64>,
    socket: Option<Socket>,
    /// The last try gave one.
    socket_available: bool,
    next_connect_at: Instant,
    backoff: ExponentialBackoff,
    /// The last sign of life of the API.
    last_activity_at: Instant,
    last_polled: Option<Job>,
    progress_floor: ProgressFloor,
    ended: bool,
}

/// The furthest that was told of an attempt. What is told next never lies behind it: after a crash of the
/// platform a snapshot may be some seconds old, and a replay begins before the snapshot.
#[derive(Debug, Default)]
struct ProgressFloor {
    attempt: u32,
    progress: f64,
}

impl ProgressFloor {
    fn clamp(&mut self, job: &mut Job) {
        if job.attempt == self.attempt {
            job.progress = job.progress.max(self.progress);
        }
        if job.attempt >= self.attempt {
            *self = Self { attempt: job.attempt, progress: job.progress };
        }
    }
}

struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    ping_interval: Interval,
    /// The snapshot has not come yet.
    awaiting_snapshot: bool,
    /// The snapshot says that the job is over, and only the replay is missing.
    job_ended: bool,
}

/// What to make of a message that came in.
enum MessageAction {
    Deliver(Box<Message>),
    Skip,
    Reconnect,
}

impl JobStream {
    async fn next(&mut self) -> Option<Result<Message>> {
        while !self.ended {
            let item = match self.socket.take() {
                Some(socket) => self.next_from_socket(socket).await,
                None => self.connect_or_poll().await,
            };
            match item {
                Some(Ok(mut message)) => {
                    if message.job.params.is_null() {
                        message.job.params.clone_from(&self.params);
                    }
                    self.progress_floor.clamp(&mut message.job);
                    self.ended = message.is_terminal();
                    return Some(Ok(message));
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                None => {}
            }
        }
        None
    }

    /// Waits for the next message of an open socket; `None` when it must be opened anew.
    async fn next_from_socket(&mut self, mut socket: Socket) -> Option<Result<Message>> {
        loop {
            let patience = if socket.job_ended { REPLAY_TIMEOUT } else { IDLE_TIMEOUT };
            let frame = tokio::select! {
                frame = timeout(patience, socket.stream.next()) => frame,
                _ = socket.ping_interval.tick() => {
                    timeout(CONNECT_TIMEOUT, socket.stream.send(Frame::text(PING_MESSAGE))).await.ok()?.ok()?;
                    continue;
                }
            };
            let text = match frame {
                Ok(Some(Ok(Frame::Text(text)))) => text,
                Ok(Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) | Frame::Frame(_)))) => {
                    continue;
                }
                Ok(Some(Ok(Frame::Close(Some(close))))) if u16::from(close.code) == CLOSE_JOB_NOT_FOUND => {
                    // It was deleted, or never was: `GET` says so, and another socket would only wait.
                    self.socket_available = false;
                    self.next_connect_at = Instant::now() + RECONNECT_INTERVAL;
                    return None;
                }
                // A close after the end has its message before it; any other way out is mended by `reach`.
                Ok(Some(Ok(Frame::Close(_)) | Err(_)) | None) | Err(_) => return None,
            };
            self.last_activity_at = Instant::now();
            let message = match Message::parse(&text) {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                Err(error) => {
                    return Some(Err(Error::UnexpectedResponse {
                        call: "the socket".to_owned(),
                        reason: error.to_string(),
                    }));
                }
            };
            match self.check_sequence(message, &mut socket) {
                MessageAction::Deliver(message) => {
                    if message.is_terminal() {
                        // Politeness only: the server closes by itself.
                        let _ = timeout(Duration::from_secs(1), socket.stream.close(None)).await;
                    } else {
                        self.socket = Some(socket);
                    }
                    return Some(Ok(*message));
                }
                MessageAction::Skip => {}
                MessageAction::Reconnect => return None,
            }
        }
    }

    fn check_sequence(&mut self, mut message: Message, socket: &mut Socket) -> MessageAction {
        if std::mem::take(&mut socket.awaiting_snapshot) && message.message_type == MessageType::Status {
            let replay_follows = message.job.seq.is_some_and(|seq| seq > self.last_seq);
            if message.job.status.is_terminal() && !replay_follows {
                return MessageAction::Deliver(Box::new(Message::snapshot(message.job)));
            }
            socket.job_ended = message.job.status.is_terminal();
            message.seq = None;
            return MessageAction::Deliver(Box::new(message));
        }
        match message.seq {
            Some(seq) if seq <= self.last_seq => MessageAction::Skip,
            Some(seq) if seq > self.last_seq + 1 && self.gap_retried_at != Some(self.last_seq) => {
                // Something was lost on the way. Once, ask again; if it stays lost, the server has dropped it.
                self.gap_retried_at = Some(self.last_seq);
                MessageAction::Reconnect
            }
            Some(seq) => {
                self.last_seq = seq;
                self.backoff = RECONNECT_BACKOFF.build();
                MessageAction::Deliver(Box::new(message))
            }
            None => MessageAction::Deliver(Box::new(message)),
        }
    }

    /// Opens the socket, or else asks by `GET` and waits a little; `None` when there is nothing to tell.
    async fn connect_or_poll(&mut self) -> Option<Result<Message>> {
        if self.socket_available {
            // It was only dropped: what was missed is replayed on the next one, so `GET` need not be asked.
            sleep(self.next_connect_at.saturating_duration_since(Instant::now())).await;
        }
        if self.next_connect_at <= Instant::now() {
            let socket = self.connect().await.ok();
            self.socket_available = socket.is_some();
            if let Some(socket) = socket {
                self.last_activity_at = Instant::now();
                // Against a server that accepts and drops at once: not sooner than after a pause.
                self.next_connect_at = self.last_activity_at + self.next_delay();
                self.socket = Some(socket);
                return None;
            }
        }
        match self.client.job(self.job_id).await {
            Ok(job) => {
                self.last_activity_at = Instant::now();
                if self.next_connect_at <= self.last_activity_at {
                    self.next_connect_at =
                        self.last_activity_at + self.backoff.next().unwrap_or(RECONNECT_INTERVAL);
                }
                self.websocket_url.clone_from(&job.websocket_url);
                if job.status.is_terminal()
                    || self.last_polled.as_ref().is_none_or(|old| has_changed(old, &job))
                {
                    self.last_polled = Some(job.clone());
                    return Some(Ok(Message::snapshot(job)));
                }
                sleep(POLL_INTERVAL.min(self.next_connect_at.saturating_duration_since(Instant::now())))
                    .await;
                None
            }
            Err(error) if !error.is_transient() || self.last_activity_at.elapsed() > OFFLINE_TIMEOUT => {
                Some(Err(error))
            }
            Err(_) => {
                sleep(self.next_delay()).await;
                None
            }
        }
    }

    /// The next pause, for as long as somebody may be waiting to hear that the server is back.
    fn next_delay(&mut self) -> Duration {
        self.backoff.next().unwrap_or(RECONNECT_INTERVAL).min(POLL_INTERVAL * 2)
    }

    async fn connect(&self) -> Result<Socket> {
        let bad_url = |reason: String| Error::InvalidUrl { what: "the socket", reason };
        let given = match &self.websocket_url {
            Some(url) => url.reveal().to_owned(),
            None => format!("api/jobs/{}/ws", self.job_id),
        };
        let mut url = self.client.base_url.join(&given).map_err(|error| bad_url(error.to_string()))?;
        url.query_pairs_mut().append_pair("after", &self.last_seq.to_string());
        let origin = origin_of(&url);
        let own = same_server(&url, &self.client.base_url);
        let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| bad_url("it is neither http nor ws".to_owned()))?;

        let mut request = url.as_str().into_client_request().map_err(|error| bad_url(root_cause(&error)))?;
        if let (Some(key), true) = (&self.client.api_key, own) {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal()))
                .map_err(|_| bad_url("the API key cannot be sent in a header".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let connector = Connector::Rustls(self.client.tls.clone());
        let connecting = connect_async_tls_with_config(request, None, false, Some(connector));
        let (stream, _) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Error::TimedOut { origin: origin.clone(), seconds: CONNECT_TIMEOUT.as_secs() })?
            .map_err(|error| Error::connection(&error, origin))?;
        let mut pings = interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Socket { stream, ping_interval: pings, awaiting_snapshot: true, job_ended: false })
    }
}

/// Whether a watcher would see a difference; URLs are signed anew each time and do not count.
fn has_changed(old: &Job, new: &Job) -> bool {
    let view =
        |job: &Job| (job.status, job.stage.clone(), job.progress, job.message.clone(), job.attempt, job.seq);
    view(old) != view(new)
}

/// Same host and port; `ws` counts as `http`, `wss` as `https`.
fn same_server(url: &Url, base: &Url) -> bool {
    let place = |url: &Url| {
        (
            matches!(url.scheme(), "https" | "wss"),
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        )
    };
    place(url) == place(base)
}

/// The API answers it without waking the job.
const PING_MESSAGE: &str = r#"{"type":"ping"}"#;
/// How the API closes a socket whose job was never created.
const CLOSE_JOB_NOT_FOUND: u16 = 4404;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Two pings and their answers: a connection that says nothing for so long is dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The replay follows the snapshot at once.
const REPLAY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often to look for a socket again while polling works.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(30);
const OFFLINE_TIMEOUT: Duration = Duration::from_mins(5);
const RECONNECT_BACKOFF: backon::ExponentialBuilder = backon::ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(250))
    .with_max_delay(RECONNECT_INTERVAL)
    .with_max_times(10)
    .with_jitter();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_held_within_an_attempt_and_starts_over_with_the_next() {
        let job = |attempt: u32, progress: f64| -> Job {
            serde_json::from_value(serde_json::json!({
                "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "project_id": 1, "type": "overlay",
                "status": "processing", "attempt": attempt, "progress": progress
            }))
            .unwrap()
        };
        let mut told = ProgressFloor::default();
        let seen: Vec<f64> = [(1, 50.0), (1, 42.0), (1, 60.0), (2, 0.0), (2, 10.0)]
            .map(|(attempt, progress)| {
                let mut job = job(attempt, progress);
                told.clamp(&mut job);
                job.progress
            })
            .to_vec();
        assert_eq!(seen, [50.0, 50.0, 60.0, 0.0, 10.0]);
    }

    #[test]
    fn the_key_goes_only_to_the_apis_own_server() {
        let base = Url::parse("https://api.example.org/").unwrap();
        let same = |text| same_server(&Url::parse(text).unwrap(), &base);
        assert!(same("wss://api.example.org/api/jobs/x/ws") && same("https://api.example.org:443/"));
        assert!(!same("wss://elsewhere.example.org/") && !same("ws://api.example.org/"));
    }
}
