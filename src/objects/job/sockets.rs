//! Sockets of a job: accepted, sent what they missed, and closed when their job does not come.

use std::rc::Rc;
use std::time::Duration;

use reel_core::base::time::Timestamp;
use reel_core::http::problem::Problem;
use reel_core::job::usage::Usage;
use reel_core::objects::job::JobReply;
use reel_core::objects::job_view::with_urls;
use reel_core::objects::log_event::LogEvent;
use reel_core::objects::message_rate::take_message;
use reel_core::objects::subscribe::{
    ClientMessage, HIDDEN_TAG, NO_SUCH_JOB, NORMAL_CLOSURE, PONG, SubscribeRequest, TOO_MANY_MESSAGES, admit,
    backlog_after, entry_message, snapshot_message,
};
use worker::{Response, WebSocket};

use super::{JobObject, LoadedJob};
use crate::objects::reply_response;
use crate::objects::subscribers::{Subscribers, close, send};
use crate::platform::timeout::sleep;
use crate::platform::{clock, env};

impl JobObject {
    /// Opens a socket: the whole job first, then what its client missed. Before the job exists it is
    /// accepted too, and is sent nothing until it does.
    pub(super) fn subscribe(&self, request: SubscribeRequest) -> Response {
        let opened = self.open_socket(request);
        opened.unwrap_or_else(|problem| reply_response(JobReply::Problem(problem).to_text()))
    }

    fn open_socket(&self, request: SubscribeRequest) -> Result<Response, Problem> {
        let (loaded, subscribers) = (self.load()?, Subscribers(&self.state));
        let hidden = loaded.as_ref().is_some_and(|loaded| !request.visibility.includes(loaded.spec.owner));
        let loaded = loaded.filter(|_| !hidden);
        let (open, tags) = if hidden {
            (subscribers.count_hidden(), vec![HIDDEN_TAG.to_owned()])
        } else {
            (subscribers.count(request), request.tags())
        };
        admit(open, request, loaded.is_some(), &env::config(&self.env)?.limits)?;
        if let Some(LoadedJob { job, .. }) = &loaded {
            request.reader.admit(job.link_generation)?;
        }
        let has_ended = loaded.as_ref().is_some_and(|loaded| loaded.job.end().is_some());
        let pair = if has_ended {
            Subscribers::open_briefly()
        } else {
            self.has_no_sockets.set(false);
            subscribers.accept(&tags)
        };
        let (server, client) = pair.map_err(|cause| self.log_and_hide("accepting a socket", &cause))?;
        match loaded {
            Some(loaded) => self.send_backlog(&loaded, &server, request)?,
            None => self.close_if_not_created(server, hidden)?,
        }
        Response::from_websocket(client).map_err(|cause| self.log_and_hide("answering a socket", &cause))
    }

    /// Sends one subscriber the whole job, then the stored entries that it has not had.
    fn send_backlog(
        &self,
        loaded: &LoadedJob,
        socket: &WebSocket,
        request: SubscribeRequest,
    ) -> Result<(), Problem> {
        let LoadedJob { spec, job } = loaded;
        let (config, now) = (env::config(&self.env)?, clock::now());
        let missed = self.store.events_after(backlog_after(request, job));
        let missed = missed.map_err(|cause| self.log_and_hide("reading events", &cause))?;
        let snapshot = job.snapshot();
        let link = request.reader.link(job.link_generation, now);
        with_urls(&config, spec, &snapshot, link, now, |urls| {
            send(socket, &snapshot_message(spec, job, request.protocol, request.reader, urls));
        });
        for entry in &missed {
            with_urls(&config, spec, &entry.snapshot, link, now, |urls| {
                send(socket, &entry_message(spec, entry, request.protocol, request.reader, urls));
            });
        }
        if job.end().is_some() {
            close(socket, NORMAL_CLOSURE, "the job has ended");
        }
        Ok(())
    }

    /// What a client says on its socket. Whoever says too much is sent away.
    pub(super) fn client_message(&self, socket: &WebSocket, text: &str) {
        self.count_message();
        if !is_taken(socket, clock::now()) {
            return close(socket, TOO_MANY_MESSAGES, "too many messages");
        }
        match ClientMessage::parse(text) {
            ClientMessage::PlainPing => send(socket, "pong"),
            ClientMessage::Ping => send(socket, PONG),
            ClientMessage::Subscribe => {
                // A hidden socket has no request, and is told nothing.
                let request = Subscribers(&self.state).request_of(socket);
                if let (Some(request), Ok(Some(LoadedJob { spec, job })), Ok(config)) =
                    (request, self.load(), env::config(&self.env))
                {
                    let now = clock::now();
                    let link = request.reader.link(job.link_generation, now);
                    with_urls(&config, &spec, &job.snapshot(), link, now, |urls| {
                        send(socket, &snapshot_message(&spec, &job, request.protocol, request.reader, urls));
                    });
                }
            }
            ClientMessage::Unknown => {}
        }
    }

    /// The job is there: sends it to the subscribers who came before it. One that cannot be sent to does not
    /// keep the job from being created; it reconnects with its cursor.
    pub(super) fn notify_early_subscribers(&self) {
        let Ok(Some(loaded)) = self.load() else { return };
        for (socket, request) in Subscribers(&self.state).all() {
            if !request.visibility.includes(loaded.spec.owner) {
                // For this client the job never came, and its time would be up now or soon.
                close(&socket, NO_SUCH_JOB, "Job not found");
                continue;
            }
            if let Err(problem) = self.send_backlog(&loaded, &socket, request) {
                self.log(
                    LogEvent::JobFailed,
                    &format!("an early subscriber was not told: {}", problem.detail),
                );
            }
        }
    }

    /// A subscriber spoke that waits for a job, and its timer is gone with an earlier instance.
    pub(super) fn restart_early_timers(&self) {
        if self.early.timers.get() > 0 || !matches!(self.load(), Ok(None)) {
            return;
        }
        for (socket, _) in Subscribers(&self.state).all() {
            if let Err(problem) = self.close_if_not_created(socket, false) {
                self.log(LogEvent::JobFailed, &format!("an early socket has no timer: {}", problem.detail));
            }
        }
    }

    /// Closes a socket if its job is not created in time, as a hidden socket's never is. The timer is in memory
    /// alone: an object without a job stores nothing. While it runs the platform keeps the object awake; one that is lost with its
    /// instance is set anew when a later instance hears from the subscriber.
    fn close_if_not_created(&self, socket: WebSocket, hidden: bool) -> Result<(), Problem> {
        let timeout_ms =
            u64::try_from(env::config(&self.env)?.timeouts.early_subscriber_timeout.0).unwrap_or(0);
        let early = Rc::clone(&self.early);
        early.timers.set(early.timers.get() + 1);
        self.state.wait_until(async move {
            sleep(Duration::from_millis(timeout_ms)).await;
            early.timers.set(early.timers.get().saturating_sub(1));
            if hidden || !early.created.get() {
                close(&socket, NO_SUCH_JOB, "Job not found");
            }
        });
        Ok(())
    }

    /// Messages are billed as a twentieth of a request each.
    fn count_message(&self) {
        let messages = self.messages.get().wrapping_add(1);
        self.messages.set(messages);
        if messages % MESSAGES_PER_REQUEST == 1 {
            self.count(Usage { requests: 1, ..Usage::default() });
        }
    }
}

/// Takes one more message of this socket, unless it is one too many. What it has said is kept with the socket
/// itself, which outlives this instance.
fn is_taken(socket: &WebSocket, now: Timestamp) -> bool {
    let paid_until = socket.deserialize_attachment::<f64>().ok().flatten().unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
    let taken = take_message(Timestamp(paid_until as i64), now);
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    taken.is_some_and(|paid_until| socket.serialize_attachment(paid_until.0 as f64).is_ok())
}

const MESSAGES_PER_REQUEST: u32 = 20;
