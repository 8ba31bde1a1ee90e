//! A job's object answering: commands in, final bodies out.

use std::rc::Rc;
use std::time::Duration;

use reel_core::auth::token::Purpose;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::config::{ApiAccess, Config};
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::job::effect::Outcome;
use reel_core::job::event::{JobEvent, Report};
use reel_core::job::snapshot::Snapshot;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::job::status::JobStatus;
use reel_core::job::usage::Usage;
use reel_core::sql::projects::keys_in_use;
use reel_core::wire::gpu_worker::{CallbackResponse, ClaimResponse, InputDownload, PresignedPut};
use reel_core::wire::job::{JobDetail, JobFormat, JobUrls, job_json};
use worker::{Delay, Request, Response, WebSocket, console_error};

use super::{AlarmState, ExportJob, JobCommand, LoadedJob};
use crate::index::jobs as jobs_index;
use crate::objects::subscribers::{SocketProtocol, Sockets, close, entry_message, send, snapshot};
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// What an object answers: a status and a body that the Worker hands on as they are.
pub type JobReply = std::result::Result<(u16, String), Problem>;

impl ExportJob {
    /// Answers an internal request. The path's last segment is the caller's request id.
    pub(super) async fn handle_command(&self, mut request: Request) -> Response {
        let path = request.path();
        if let Some(rest) = path.strip_prefix("/watch/") {
            return match self.subscribe(rest) {
                Ok(response) => response,
                Err(problem) => respond(Err(problem), ""),
            };
        }
        let request_id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let body = match request.text().await.map(|text| serde_json::from_str::<JobCommand>(&text)) {
            Ok(Ok(command)) => self.execute(command).await,
            _ => Err(Problem::internal()),
        };
        respond(body, &request_id)
    }

    async fn execute(&self, command: JobCommand) -> JobReply {
        let event = match command {
            JobCommand::Create { order, inputs_found } => return self.create(order, inputs_found).await,
            JobCommand::Delete => return self.delete().await,
            JobCommand::Get { kind } => {
                let live = self.load()?.ok_or_else(Problem::job_not_found)?;
                return if kind.is_none_or(|kind| kind == live.order.job_type) {
                    self.show(200)
                } else {
                    Err(Problem::job_not_found())
                };
            }
            JobCommand::HasOutput { key } => return self.has_output(&key),
            JobCommand::Events { after } => return self.events(after),
            JobCommand::Report { attempt, report } => JobEvent::CallbackReceived { attempt, report },
            JobCommand::Webhook { attempt } => JobEvent::WebhookReceived { attempt },
            JobCommand::Reconcile { version } => JobEvent::IndexReconciled { version: Some(version) },
            JobCommand::Cancel => JobEvent::CancelRequested,
            JobCommand::Retry => JobEvent::RetryRequested,
        };
        let told = CallerKind::of(&event);
        let outcome = self.advance(event).await?;
        match (told, outcome) {
            (CallerKind::Person, Outcome::WrongStatus(status)) => Err(wrong_status(status)),
            (CallerKind::Person, _) => self.show(200),
            (CallerKind::Claimant { attempt }, Outcome::Applied) => self.claim_response(attempt),
            // Whether a result was really there is known only now.
            (CallerKind::Worker { attempt }, Outcome::Applied | Outcome::Retrying) => {
                let retrying = self.load()?.is_some_and(|live| live.job.attempt != attempt);
                callback_response(outcome, Some(retrying))
            }
            (CallerKind::Claimant { .. } | CallerKind::Worker { .. } | CallerKind::RunPod, outcome) => {
                callback_response(outcome, None)
            }
        }
    }

    async fn create(&self, order: JobSpec, inputs_found: bool) -> JobReply {
        // The only wait comes first: between the look and the write nothing can slip in.
        self.load_alarm().await?;
        if let Some(live) = self.load()? {
            return if live.order.same_request(&order) {
                self.show(201)
            } else {
                Err(idempotency_conflict())
            };
        }
        if !inputs_found {
            return Err(Problem::new(ProblemCode::InputNotFound, "A video of the job is not in the bucket."));
        }
        let timing = self.timing()?;
        let job = Job::new(order.id, order.created_at);
        let rows = self
            .store
            .create(&order, &job, &job.initial_entry())
            .map_err(|cause| self.log_and_hide("creating the job", &cause))?;
        self.count(Usage { object_rows: rows, ..Usage::default() });
        self.schedule_alarm(&job, &timing);
        *self.live.borrow_mut() = Some(LoadedJob { order: Rc::new(order), job });
        self.waiting.created.set(true);
        // The job is there, whoever hears of it now.
        if let Err(problem) = self.notify_early_subscribers() {
            console_error!("watchers were not told of their job: {}", problem.detail);
        }
        self.show(201)
    }

    /// Files first, the index next, the job last: a deletion that breaks off can be asked for again.
    async fn delete(&self) -> JobReply {
        let live = self.load()?.ok_or_else(Problem::job_not_found)?;
        if live.job.end().is_none() {
            return Err(Problem::new(ProblemCode::JobState, "Cannot delete job in progress"));
        }
        let id = live.order.id;
        let (bucket, database) = (env::videos(&self.env)?, env::database(&self.env)?);
        let gone = async {
            if live.order.export.is_some() && live.job.index.wanted != live.job.index.written {
                // The project may still have to hear of the result; afterwards nobody would tell it.
                jobs_index::write(&database, &live.order, &live.job.snapshot(), live.job.index.wanted)
                    .await?;
            }
            let outputs = bucket.list().prefix(format!("output/{id}/")).execute().await?;
            let mut keys: Vec<String> = outputs.objects().iter().map(worker::Object::key).collect();
            // An input that lies elsewhere is somebody else's; retention takes it when its time comes.
            for input in live.order.inputs().filter(|input| input.is_input_of(id)) {
                if !jobs_index::input_is_used(&database, input.as_str(), &id.to_string()).await? {
                    keys.push(input.as_str().to_owned());
                }
            }
            if !keys.is_empty() {
                // A result that is its project's working video outlives its job.
                let in_use = jobs_index::query(&database, keys_in_use(keys.clone(), &id.to_string())).await?;
                keys.retain(|key| !in_use.contains(key));
            }
            if !keys.is_empty() {
                bucket.delete_multiple(keys).await?;
            }
            jobs_index::remove(&database, id).await?;
            self.store.delete_all().await
        };
        with_timeout(BINDING, gone).await.map_err(|cause| self.log_and_hide("deleting the job", &cause))?;
        *self.live.borrow_mut() = None;
        self.waiting.created.set(false);
        self.alarm.set(AlarmState::Silent);
        Sockets(&self.state).close_all();
        Ok((200, r#"{"success":true}"#.to_owned()))
    }

    fn show(&self, status: u16) -> JobReply {
        let live = self.load()?.ok_or_else(Problem::job_not_found)?;
        let config = env::config(&self.env)?;
        let face = live.job.snapshot();
        let mut usage = live.job.usage;
        usage += self.uncounted.get();
        let json = with_urls(&config, &live.order, &face, |links| {
            job_json(
                &live.order,
                &face,
                Some(live.job.seq),
                links,
                JobFormat::Plain,
                JobDetail::Record(usage),
            )
        });
        Ok((status, json))
    }

    fn has_output(&self, key: &str) -> JobReply {
        let face = self.load()?.ok_or_else(Problem::job_not_found)?.job.snapshot();
        let held =
            face.output.is_some_and(|output| output.key == key || output.poster.as_deref() == Some(key));
        if held { Ok((200, String::new())) } else { Err(Problem::video_not_found()) }
    }

    fn events(&self, after: u64) -> JobReply {
        let live = self.load()?.ok_or_else(Problem::job_not_found)?;
        let config = env::config(&self.env)?;
        let entry =
            self.store.events_after(after).map_err(|cause| self.log_and_hide("reading events", &cause))?;
        let messages: Vec<String> = entry
            .iter()
            .map(|entry| {
                with_urls(&config, &live.order, &entry.snapshot, |links| {
                    entry_message(&live.order, entry, SocketProtocol::Message, links)
                })
            })
            .collect();
        Ok((200, format!("{{\"events\":[{}],\"seq\":{}}}", messages.join(","), live.job.seq)))
    }

    /// What a worker needs for the attempt it has claimed: the edit, and URLs that are fresh now.
    fn claim_response(&self, attempt: u32) -> JobReply {
        let live = self.load()?.ok_or_else(Problem::job_not_found)?;
        let config = env::config(&self.env)?;
        let (order, now) = (&live.order, clock::now());
        let put = |key: &ObjectKey, content_type: &str| PresignedPut {
            url: config.presigner.put(key, content_type, None, WORKER_URL_TTL, now),
            key: key.as_str().to_owned(),
            content_type: content_type.to_owned(),
        };
        let input_url = |key: &ObjectKey| config.presigner.get(key, None, WORKER_URL_TTL, now);
        let granted =
            |key: &ObjectKey| InputDownload { video_key: key.as_str().to_owned(), url: input_url(key) };
        let several = !order.extra_inputs.is_empty();
        let grant = ClaimResponse {
            applied: true,
            job_id: order.id,
            attempt,
            job_type: order.job_type,
            params: order.params.clone(),
            input_url: input_url(&order.input_key),
            inputs: order.inputs().filter(|_| several).map(granted).collect(),
            output: put(&ObjectKey::output(order.id, attempt), OUTPUT_TYPE),
            poster: Some(put(&ObjectKey::poster(order.id, attempt), POSTER_TYPE)),
        };
        serde_json::to_string(&grant).map(|body| (200, body)).map_err(|_| Problem::internal())
    }

    /// A new watcher: the whole job, then what it missed. `rest` is `{tongue}/{after or -}`. Before the job
    /// exists it is accepted too, and hears nothing until it does.
    fn subscribe(&self, rest: &str) -> std::result::Result<Response, Problem> {
        let (tongue, after) = rest.split_once('/').unwrap_or((rest, "-"));
        let tongue = SocketProtocol::from_tag(tongue).ok_or_else(Problem::internal)?;
        let live = self.load()?;
        let most = if live.is_some() { SUBSCRIBERS_MAX } else { EARLY_SUBSCRIBERS_MAX };
        if self.state.get_websockets().len() >= most {
            return Err(Problem::new(
                ProblemCode::Unavailable,
                "This job has too many watchers; poll it instead.",
            ));
        }
        let after = after.parse::<u64>().ok();
        let (server, client) = Sockets(&self.state)
            .accept(tongue, after == Some(0))
            .map_err(|cause| self.log_and_hide("accepting a socket", &cause))?;
        match live {
            Some(live) => self.send_backlog(&live, &server, tongue, after)?,
            None => self.close_if_not_created(server)?,
        }
        Response::from_websocket(client).map_err(|cause| self.log_and_hide("answering a socket", &cause))
    }

    /// Tells one watcher the whole job, then the stored events that it has not had.
    fn send_backlog(
        &self,
        live: &LoadedJob,
        socket: &WebSocket,
        tongue: SocketProtocol,
        after: Option<u64>,
    ) -> std::result::Result<(), Problem> {
        let config = env::config(&self.env)?;
        let ended = live.job.end().is_some();
        // Without a cursor a watcher starts from the snapshot; of a job that has ended it also gets the
        // last event, since that is the one that clients wait for.
        let after = after.unwrap_or(if ended { live.job.seq.saturating_sub(1) } else { live.job.seq });
        let missed =
            self.store.events_after(after).map_err(|cause| self.log_and_hide("reading events", &cause))?;
        let face = live.job.snapshot();
        with_urls(&config, &live.order, &face, |links| {
            send(socket, &snapshot(&live.order, &live.job, tongue, links));
        });
        for entry in &missed {
            with_urls(&config, &live.order, &entry.snapshot, |links| {
                send(socket, &entry_message(&live.order, entry, tongue, links));
            });
        }
        if ended {
            close(socket, crate::objects::subscribers::NORMAL, "the job has ended");
        }
        Ok(())
    }

    /// A watcher spoke that waits for a job, and its timer is gone with an earlier instance.
    pub(super) fn restart_early_timers(&self) {
        let lost = self.waiting.timers.get() == 0 && matches!(self.load(), Ok(None));
        for (socket, ..) in if lost { Sockets(&self.state).all() } else { Vec::new() } {
            if let Err(problem) = self.close_if_not_created(socket) {
                console_error!("a waiting socket has no timer: {}", problem.detail);
            }
        }
    }

    /// Tells the watchers who came before the job that it is there now.
    fn notify_early_subscribers(&self) -> std::result::Result<(), Problem> {
        let Some(live) = self.load()? else { return Ok(()) };
        for (socket, tongue, from_birth) in Sockets(&self.state).all() {
            self.send_backlog(&live, &socket, tongue, from_birth.then_some(0))?;
        }
        Ok(())
    }

    /// Sends a watcher away if the job is not created in time. The timer is in memory alone: an object
    /// without a job stores nothing. While it runs the platform keeps the object awake; one that is lost
    /// with its instance is set anew when a later instance hears from the watcher.
    fn close_if_not_created(&self, socket: WebSocket) -> std::result::Result<(), Problem> {
        let limit = u64::try_from(self.timing()?.early_subscriber_timeout.0).unwrap_or(0);
        let waiting = Rc::clone(&self.waiting);
        waiting.timers.set(waiting.timers.get() + 1);
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(limit)).await;
            waiting.timers.set(waiting.timers.get().saturating_sub(1));
            if !waiting.created.get() {
                close(&socket, crate::objects::subscribers::NO_SUCH_JOB, "Job not found");
            }
        });
        Ok(())
    }
}

/// Makes the URLs that belong to this moment and hands them to `render`.
pub(super) fn with_urls<T>(
    config: &Config,
    order: &JobSpec,
    face: &Snapshot,
    render: impl FnOnce(JobUrls<'_>) -> T,
) -> T {
    let now = clock::now();
    let get = |key: &str, save_as: Option<&str>| {
        let key = ObjectKey::parse_output_of(order.id, key).ok()?;
        Some(config.presigner.get(&key, save_as, RESULT_URL_LIFETIME, now))
    };
    let output_url = face
        .output
        .as_ref()
        .and_then(|output| get(&output.key, Some(&format!("{}-{}.mp4", order.job_type.as_str(), order.id))));
    // Without a name to save it under, a browser shows it: the type was signed when it was put.
    let poster_url = face.output.as_ref().and_then(|output| get(output.poster.as_deref()?, None));
    let path = format!("/api/jobs/{}/ws", order.id);
    let websocket_url = match &config.access {
        ApiAccess::Open => path,
        ApiAccess::Key(_) => {
            let token = config.signer.sign(Purpose::Watch, order.id, 0, now, WATCH_LIFETIME);
            format!("{path}?token={token}")
        }
    };
    render(JobUrls {
        output_url: output_url.as_deref(),
        poster_url: poster_url.as_deref(),
        websocket_url: &websocket_url,
    })
}

/// Who asked, and so what the answer looks like.
#[derive(Clone, Copy)]
enum CallerKind {
    /// The job JSON.
    Person,
    /// A grant.
    Claimant { attempt: u32 },
    /// A receipt that says whether another attempt follows.
    Worker { attempt: u32 },
    /// A receipt.
    RunPod,
}

impl CallerKind {
    fn of(event: &JobEvent) -> Self {
        match event {
            JobEvent::CallbackReceived { attempt, report: Report::Claim { .. } } => {
                Self::Claimant { attempt: *attempt }
            }
            JobEvent::CallbackReceived { attempt, .. } => Self::Worker { attempt: *attempt },
            JobEvent::WebhookReceived { .. } => Self::RunPod,
            JobEvent::AlarmFired
            | JobEvent::SubmitReplied { .. }
            | JobEvent::StatusPolled { .. }
            | JobEvent::EndpointLoadRead { .. }
            | JobEvent::OutputChecked { .. }
            | JobEvent::CancelReplied { .. }
            | JobEvent::IndexWritten { .. }
            | JobEvent::IndexReconciled { .. }
            | JobEvent::CancelRequested
            | JobEvent::RetryRequested => Self::Person,
        }
    }
}

fn wrong_status(status: JobStatus) -> Problem {
    let sentence = match status {
        JobStatus::Complete => {
            "The job is complete: there is nothing to cancel or retry. Create a new one to render again."
        }
        JobStatus::Pending | JobStatus::Processing => {
            "The job is still running; cancel it first to start over."
        }
        JobStatus::Error => "The job has failed; retry it first.",
    };
    Problem::new(ProblemCode::JobState, sentence)
}

fn callback_response(outcome: Outcome, retrying: Option<bool>) -> JobReply {
    let applied = match outcome {
        Outcome::Applied | Outcome::Retrying => true,
        Outcome::Ignored => false,
        Outcome::Stale => {
            return Err(Problem::new(
                ProblemCode::StaleAttempt,
                "Another attempt has replaced this one; stop working on it, its results are not used.",
            ));
        }
        Outcome::AlreadyClaimed => {
            return Err(Problem::new(
                ProblemCode::AlreadyClaimed,
                "Another worker holds this attempt; stop working on it.",
            ));
        }
        Outcome::WrongStatus(_) => return Err(Problem::internal()),
    };
    let receipt = CallbackResponse { success: true, applied, retrying };
    serde_json::to_string(&receipt).map(|body| (200, body)).map_err(|_| Problem::internal())
}

/// An object's answer, on its way to the Worker.
pub fn respond(body: JobReply, request_id: &str) -> Response {
    let (status, body) = body.unwrap_or_else(|problem| (problem.code.status(), problem.body(request_id)));
    let builder = Response::builder().with_status(status);
    builder.fixed(body.into_bytes())
}

fn idempotency_conflict() -> Problem {
    Problem::new(
        ProblemCode::IdempotencyConflict,
        "A job with this job_id or Idempotency-Key exists and asks for something else; choose a new one.",
    )
}

/// Sockets that wait for one job to be created: a page and its reloads.
const EARLY_SUBSCRIBERS_MAX: usize = 16;
/// The runtime takes 32,768 sockets an object and throws at the next; no job needs a thousand.
const SUBSCRIBERS_MAX: usize = 1_000;
const OUTPUT_TYPE: &str = "video/mp4";
const POSTER_TYPE: &str = "image/jpeg";
/// Longer than any attempt may take.
const WORKER_URL_TTL: DurationMs = DurationMs::minutes(60);
/// One hour (design.md 1), for a reel and its picture.
pub const RESULT_URL_LIFETIME: DurationMs = DurationMs::minutes(60);
/// One hour (design.md 5).
const WATCH_LIFETIME: DurationMs = DurationMs::minutes(60);
