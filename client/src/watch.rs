//! Following a job to its end, over a WebSocket if possible and by polling if not.
//!
//! The WebSocket is preferred: it carries every log entry, and `?after=N` replays those that were missed while it was
//! closed. While it cannot be opened, the job is polled every two seconds.
//!
//! The token of a job's link travels as a subprotocol (see [`reel_core::http::subprotocol`]), never in the URL.
//!
//! Invariant: log entries are delivered in order and once; progress never decreases within an attempt; the stream ends
//! after the terminal message, after an error that is not transient, or after five minutes without any answer.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff};
use futures_util::stream::{self, BoxStream};
use futures_util::{SinkExt as _, StreamExt as _};
use reel_core::base::id::JobId;
use reel_core::base::secret::Secret;
use reel_core::http::subprotocol::SUBPROTOCOL;
use reel_core::job::log::MessageType;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use url::Url;

use crate::api::capability_url::CapabilityUrl;
use crate::api::client::{Client, origin_of};
use crate::api::error::{Error, root_cause};
use crate::api::job::Job;
use crate::api::message::Message;

impl Client {
    /// Every message about `job` after log entry number `after` (0 for all), until the job has ended.
    ///
    /// Each connection begins with a snapshot, a message without `seq`.
    pub fn watch(&self, job: &Job, after: u64) -> BoxStream<'static, Result<Message, Error>> {
        let stream = JobStream {
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
        stream::unfold(stream, |mut stream| async move { stream.next().await.map(|item| (item, stream)) })
            .boxed()
    }
}

struct JobStream {
    client: Client,
    job_id: JobId,
    /// They never change, so that only snapshots carry them.
    params: Value,
    websocket_url: Option<CapabilityUrl>,
    /// Number of the last log entry that was delivered.
    last_seq: u64,
    /// The value of `last_seq` for which a missing entry was already requested once more.
    gap_retried_at: Option<u64>,
    socket: Option<Socket>,
    /// The last attempt to open a socket succeeded.
    socket_available: bool,
    next_connect_at: Instant,
    backoff: ExponentialBackoff,
    /// When the API last answered.
    last_activity_at: Instant,
    last_polled: Option<Job>,
    progress_floor: ProgressFloor,
    ended: bool,
}

/// The highest progress of an attempt so far. Later messages may be behind it: after a crash of the platform a
/// snapshot may be some seconds old, and a replay starts before the snapshot.
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
    awaiting_snapshot: bool,
    /// The snapshot says that the job has ended, and only the replay is missing.
    job_ended: bool,
}

/// What to do with a message that was received.
enum MessageAction {
    Deliver(Box<Message>),
    Skip,
    Reconnect,
}

impl JobStream {
    async fn next(&mut self) -> Option<Result<Message, Error>> {
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

    /// Waits for the next message of an open socket. `None` if the socket is closed and must be opened again.
    async fn next_from_socket(&mut self, mut socket: Socket) -> Option<Result<Message, Error>> {
        loop {
            let frame_timeout = if socket.job_ended { REPLAY_TIMEOUT } else { IDLE_TIMEOUT };
            let frame = tokio::select! {
                frame = timeout(frame_timeout, socket.stream.next()) => frame,
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
                    // The job was deleted or never created. `GET` says so, and another socket would only wait.
                    self.socket_available = false;
                    self.next_connect_at = Instant::now() + RECONNECT_INTERVAL;
                    return None;
                }
                // When the job has ended, the terminal message comes before the close frame. After any other close
                // the socket is opened again.
                Ok(Some(Ok(Frame::Close(_)) | Err(_)) | None) | Err(_) => return None,
            };
            self.last_activity_at = Instant::now();
            let message = match Message::parse(&text) {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                Err(error) => {
                    return Some(Err(Error::UnexpectedResponse {
                        call: "GET api/jobs/{id}/ws".to_owned(),
                        reason: error.to_string(),
                    }));
                }
            };
            match self.check_sequence(message, &mut socket) {
                MessageAction::Deliver(message) => {
                    if message.is_terminal() {
                        // An error is ignored: the server closes the socket itself.
                        let _ = timeout(CLOSE_TIMEOUT, socket.stream.close(None)).await;
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
                // An entry is missing. Request it once; if it is missing again, the server no longer has it.
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

    /// Opens the socket, or else polls the job and waits. `None` if there is no new message.
    async fn connect_or_poll(&mut self) -> Option<Result<Message, Error>> {
        if self.socket_available {
            // The next socket replays what was missed, so that polling in between is not needed.
            sleep(self.next_connect_at.saturating_duration_since(Instant::now())).await;
        }
        if self.next_connect_at <= Instant::now() {
            let socket = self.connect().await.ok();
            self.socket_available = socket.is_some();
            if let Some(socket) = socket {
                self.last_activity_at = Instant::now();
                // A server may accept sockets and drop them at once, so the next one also waits.
                self.next_connect_at = self.last_activity_at + self.next_delay();
                self.socket = Some(socket);
                return None;
            }
        }
        match self.client.job(self.job_id).await {
            Ok(job) => self.polled(job).await,
            Err(error) if !error.is_transient() || self.last_activity_at.elapsed() > OFFLINE_TIMEOUT => {
                Some(Err(error))
            }
            Err(_) => {
                sleep(self.next_delay()).await;
                None
            }
        }
    }

    /// Delivers a polled job if it has changed, and waits for the next poll if not.
    async fn polled(&mut self, job: Job) -> Option<Result<Message, Error>> {
        self.last_activity_at = Instant::now();
        if self.next_connect_at <= self.last_activity_at {
            self.next_connect_at = self.last_activity_at + self.backoff.next().unwrap_or(RECONNECT_INTERVAL);
        }
        self.websocket_url.clone_from(&job.websocket_url);
        let changed = self.last_polled.as_ref().is_none_or(|old| has_changed(old, &job));
        if changed || job.status.is_terminal() {
            self.last_polled = Some(job.clone());
            return Some(Ok(Message::snapshot(job)));
        }
        sleep(POLL_INTERVAL.min(self.next_connect_at.saturating_duration_since(Instant::now()))).await;
        None
    }

    /// The next delay, at most two poll intervals, since a person may be waiting for the server to come back.
    fn next_delay(&mut self) -> Duration {
        self.backoff.next().unwrap_or(RECONNECT_INTERVAL).min(POLL_INTERVAL * 2)
    }

    async fn connect(&self) -> Result<Socket, Error> {
        let invalid = |reason: String| Error::InvalidUrl { what: "the WebSocket", reason };
        let websocket_url = match &self.websocket_url {
            Some(url) => url.reveal().to_owned(),
            None => format!("api/jobs/{}/ws", self.job_id),
        };
        let mut url =
            self.client.base_url.join(&websocket_url).map_err(|error| invalid(error.to_string()))?;
        let link_token = take_token(&mut url);
        url.query_pairs_mut().append_pair("after", &self.last_seq.to_string());
        let origin = origin_of(&url);
        let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| invalid("the scheme is neither http nor ws".to_owned()))?;

        let mut request = url.as_str().into_client_request().map_err(|error| invalid(root_cause(&error)))?;
        let api_key = self.client.api_key.as_ref().filter(|_| self.client.is_api_url(&url));
        let offered = offered_subprotocols(link_token.as_ref().or(api_key));
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offered);
        if let Some(key) = api_key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal()))
                .map_err(|_| invalid("the API key cannot be sent in a header".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let connector = Connector::Rustls(self.client.tls.clone());
        let connecting = connect_async_tls_with_config(request, None, false, Some(connector));
        let (stream, _) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Error::timed_out(origin.clone(), CONNECT_TIMEOUT))?
            .map_err(|error| Error::connection(&error, origin))?;
        let mut ping_interval = interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
        ping_interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Socket { stream, ping_interval, awaiting_snapshot: true, job_ended: false })
    }
}

/// Takes the token of a link out of its URL: URLs end in logs and traces.
fn take_token(url: &mut Url) -> Option<Secret> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (tokens, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "token");
    url.query_pairs_mut().clear().extend_pairs(others);
    tokens.into_iter().next().map(|(_, token)| Secret::new(token))
}

/// What a socket offers instead: our protocol, and the token as another. A token with characters that a protocol cannot
/// have, such as an API key in Base64, is left to the header `Authorization`.
fn offered_subprotocols(token: Option<&Secret>) -> HeaderValue {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let token = token.map(Secret::reveal).filter(|token| !token.is_empty() && token.chars().all(allowed));
    let offered =
        token.and_then(|token| HeaderValue::try_from(format!("{SUBPROTOCOL}, bearer.{token}")).ok());
    offered.map_or(HeaderValue::from_static(SUBPROTOCOL), |mut value| {
        value.set_sensitive(true);
        value
    })
}

/// Whether a person would see a difference. URLs do not count, because they are signed for each response.
fn has_changed(old: &Job, new: &Job) -> bool {
    let visible =
        |job: &Job| (job.status, job.stage.clone(), job.progress, job.message.clone(), job.attempt, job.seq);
    visible(old) != visible(new)
}

/// The API answers it without waking the job's Durable Object.
const PING_MESSAGE: &str = r#"{"type":"ping"}"#;
/// How the API closes a socket whose job does not exist.
const CLOSE_JOB_NOT_FOUND: u16 = 4404;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Two pings and their answers: after this a connection is dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The replay follows the snapshot at once.
const REPLAY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often to try the socket again while polling works.
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
    fn a_token_leaves_the_url_and_nothing_else_does() {
        for (text, token, left) in [
            ("http://x/ws?token=0.1.ab", Some("0.1.ab"), "http://x/ws?"),
            ("http://x/ws?a=1&token=t&b=%26", Some("t"), "http://x/ws?a=1&b=%26"),
            ("http://x/ws?token=t&token=u", Some("t"), "http://x/ws?"),
            ("http://x/ws", None, "http://x/ws?"),
        ] {
            let mut url = Url::parse(text).unwrap();
            assert_eq!(take_token(&mut url).as_ref().map(Secret::reveal), token, "{text}");
            assert_eq!(url.as_str(), left);
        }
    }

    #[test]
    fn a_token_is_offered_beside_our_protocol_if_a_protocol_can_hold_it() {
        for (token, offered) in [
            (Some("0.1769850300.ab"), "reel.v1, bearer.0.1769850300.ab"),
            (Some("eyJh.eyJz.a-b_c"), "reel.v1, bearer.eyJh.eyJz.a-b_c"),
            (Some("a+b"), "reel.v1, bearer.a+b"),
            (Some("a/b="), "reel.v1"),
            (Some("a, b"), "reel.v1"),
            (Some(""), "reel.v1"),
            (None, "reel.v1"),
        ] {
            let value = offered_subprotocols(token.map(Secret::new).as_ref());
            assert_eq!(value, offered);
            assert_eq!(value.is_sensitive(), offered.contains("bearer"));
        }
    }

    #[test]
    fn progress_never_decreases_within_an_attempt_and_starts_over_with_the_next() {
        let job = |attempt: u32, progress: f64| -> Job {
            serde_json::from_value(serde_json::json!({
                "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "project_id": 1, "type": "overlay",
                "status": "processing", "attempt": attempt, "progress": progress
            }))
            .unwrap()
        };
        let mut floor = ProgressFloor::default();
        let clamped: Vec<f64> = [(1, 50.0), (1, 42.0), (1, 60.0), (2, 0.0), (2, 10.0)]
            .map(|(attempt, progress)| {
                let mut job = job(attempt, progress);
                floor.clamp(&mut job);
                job.progress
            })
            .to_vec();
        assert_eq!(clamped, [50.0, 50.0, 60.0, 0.0, 10.0]);
    }
}
