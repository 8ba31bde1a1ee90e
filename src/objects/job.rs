//! The Durable Object of one job: wakes up, asks the core, writes, speaks.
//!
//! Invariant: no rule about jobs lives here. Every entry point ends in [`ExportJob::advance`], and no
//! borrow of the cell is held across an await.

mod answer;
mod command;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::future::{join, join_all};
use reel_core::auth::token::Purpose;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::config::{Config, RunpodConfig};
use reel_core::http::problem::Problem;
use reel_core::job::deadline::{first_due_deadline, next_deadline};
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;
use reel_core::job::usage::Usage;
use worker::{
    Bucket, DurableObject, Env, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    console_error, durable_object,
};

pub use answer::RESULT_URL_LIFETIME;
pub use command::JobCommand;

use crate::clients::runpod;
use crate::index::jobs as jobs_index;
use crate::objects::job_store::JobStore;
use crate::objects::subscribers::{self, SocketProtocol, Sockets};
use crate::platform::object_storage::set_alarm;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// One job.
#[durable_object]
pub struct ExportJob {
    state: State,
    env: Env,
    store: JobStore,
    /// The job as it was last committed; read from storage again after any failure.
    live: RefCell<Option<LoadedJob>>,
    alarm: Cell<AlarmState>,
    waiting: Rc<EarlySubscribers>,
    /// What was used since the job was last stepped: it is counted there.
    uncounted: Cell<Usage>,
}

/// When the object's alarm rings, as far as this instance knows.
#[derive(Clone, Copy)]
enum AlarmState {
    /// Storage must be asked.
    Unknown,
    /// It does not.
    Silent,
    /// Then.
    At(Timestamp),
}

/// What the timers of watchers share who came before their job.
#[derive(Default)]
struct EarlySubscribers {
    /// It was created, by this instance.
    created: Cell<bool>,
    /// How many run.
    timers: Cell<usize>,
}

/// A job in memory.
#[derive(Clone)]
struct LoadedJob {
    order: Rc<JobSpec>,
    job: Job,
}

impl DurableObject for ExportJob {
    fn new(state: State, env: Env) -> Self {
        let store = JobStore::new(state.storage());
        Self {
            state,
            env,
            store,
            live: RefCell::new(None),
            alarm: Cell::new(AlarmState::Unknown),
            waiting: Rc::default(),
            uncounted: Cell::new(Usage::default()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.count(Usage { requests: 1, ..Usage::default() });
        Ok(self.handle_command(request).await)
    }

    /// Many deadlines ring here: the core says which. Always re-arms, never fails: the platform gives
    /// an alarm up after six failures.
    async fn alarm(&self) -> Result<Response> {
        self.count(Usage { alarms: 1, ..Usage::default() });
        self.alarm.set(AlarmState::Silent);
        if let Err(problem) = self.wake().await {
            console_error!("an alarm failed: {}", problem.detail);
            self.set_alarm(clock::now() + ALARM_AGAIN);
        }
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        self.restart_early_timers();
        if let WebSocketIncomingMessage::String(text) = message {
            self.on_client_message(&socket, &text);
        }
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        subscribers::close(&socket, u16::try_from(code).unwrap_or(subscribers::NORMAL), "");
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> Result<()> {
        subscribers::close(&socket, subscribers::NORMAL, "");
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err("this object takes no TCP connections".into())
    }
}

impl ExportJob {
    /// One event, and all that follows from it.
    async fn advance(&self, event: JobEvent) -> std::result::Result<Outcome, Problem> {
        self.load_alarm().await?;
        let (outcome, effects) = self.step(event)?;
        self.run_effects(effects).await?;
        Ok(outcome)
    }

    /// Rings every timer that is due.
    async fn wake(&self) -> std::result::Result<(), Problem> {
        for _ in 0..ROUNDS_PER_ALARM {
            let Some(live) = self.load()? else { return Ok(()) };
            let timing = self.timing()?;
            if first_due_deadline(&live.job, &timing, clock::now()).is_none() {
                // Nothing may have been due at all: an alarm rings early when a deadline has moved on.
                self.schedule_alarm(&live.job, &timing);
                break;
            }
            let (_, effects) = self.step(JobEvent::AlarmFired)?;
            self.run_effects(effects).await?;
        }
        Ok(())
    }

    /// The synchronous heart: apply, commit with the alarm, tell. Nothing can come between, since nothing
    /// awaits, and the platform makes state, events and alarm durable together or not at all.
    fn step(&self, event: JobEvent) -> std::result::Result<(Outcome, Vec<JobEffect>), Problem> {
        let config = env::config(&self.env)?;
        let Some(LoadedJob { order, mut job }) = self.load()? else { return Err(Problem::job_not_found()) };
        job.usage += self.uncounted.take();
        let step = apply(job, event, clock::now(), clock::random_u32(), &config.timeouts);
        if step.persist {
            let rows = self.store.commit(&step.job, &step.entries).map_err(|cause| {
                // What is in memory may be ahead of storage now: read it again next time.
                *self.live.borrow_mut() = None;
                self.log_and_hide("a commit", &cause)
            })?;
            check_rows(rows, step.entries.len());
        }
        self.schedule_alarm(&step.job, &config.timeouts);
        let ended = step.job.end().is_some();
        let face = step.broadcast_progress.then(|| step.job.snapshot());
        *self.live.borrow_mut() = Some(LoadedJob { order: Rc::clone(&order), job: step.job });
        let watchers = Sockets(&self.state);
        // Nothing is signed or written for nobody: most callbacks find no watcher.
        if watchers.is_empty() {
            return Ok((step.outcome, step.effects));
        }
        for entry in &step.entries {
            answer::with_urls(&config, &order, &entry.snapshot, |links| {
                watchers.broadcast_entry(&order, entry, links)
            });
        }
        if let Some(face) = face {
            answer::with_urls(&config, &order, &face, |links| {
                watchers.broadcast_progress(&order, &face, links)
            });
        }
        if ended && !step.entries.is_empty() {
            watchers.close_all();
        }
        Ok((step.outcome, step.effects))
    }

    /// Drives effects side by side, and those that follow from their answers.
    async fn run_effects(&self, effects: Vec<JobEffect>) -> std::result::Result<(), Problem> {
        let mut effects = effects;
        while !effects.is_empty() {
            let answers = join_all(effects.into_iter().map(|effect| self.run_effect(effect))).await;
            effects = Vec::new();
            for event in answers {
                if let Some(event) = event? {
                    effects.extend(self.step(event)?.1);
                }
            }
        }
        Ok(())
    }

    /// Does one thing and says what came of it, if anybody wants to know.
    async fn run_effect(&self, effect: JobEffect) -> std::result::Result<Option<JobEvent>, Problem> {
        let config = env::config(&self.env)?;
        let Some(LoadedJob { order, job }) = self.load()? else { return Err(Problem::job_not_found()) };
        let timing = &config.timeouts;
        Ok(Some(match effect {
            JobEffect::Submit { attempt } => {
                let endpoint = config.runpod.as_ref().map(|gpu| gpu.endpoint.clone()).unwrap_or_default();
                let reply = match &config.runpod {
                    Some(gpu) => {
                        let (callback, webhook) = callback_urls(&config, &order, attempt);
                        runpod::submit(gpu, &order, attempt, callback, &webhook, timing).await
                    }
                    // Taken away after the job was accepted: an operator must act, as with a bad key.
                    None => reel_core::job::gpu_service::SubmitReply::Unauthorized,
                };
                JobEvent::SubmitReplied { attempt, endpoint, reply }
            }
            JobEffect::PollStatus { attempt, runpod_job_id } => {
                let reply = match gpu_of(&config, &job) {
                    Some(gpu) => runpod::status(&gpu, &runpod_job_id, timing).await,
                    None => reel_core::job::gpu_service::StatusReply::Unauthorized,
                };
                JobEvent::StatusPolled { attempt, reply }
            }
            JobEffect::ReadEndpointLoad { attempt } => {
                let Some(gpu) = gpu_of(&config, &job) else { return Ok(None) };
                let crowd = runpod::endpoint_load(&gpu, timing).await;
                return Ok(crowd.map(|crowd| JobEvent::EndpointLoadRead { attempt, crowd }));
            }
            JobEffect::CancelRunpodJob { runpod_job_id } => {
                let settled = match gpu_of(&config, &job) {
                    Some(gpu) => runpod::cancel(&gpu, &runpod_job_id, timing).await,
                    None => false,
                };
                JobEvent::CancelReplied { runpod_job_id, settled }
            }
            JobEffect::CheckOutput { key, poster } => {
                let bucket = env::videos(&self.env)?;
                let (found, poster) =
                    join(self.head_object(&bucket, &key), self.head_object(&bucket, &poster)).await;
                JobEvent::OutputChecked { key, found, poster }
            }
            JobEffect::DeleteObjects { keys } => {
                let keys: Vec<String> = keys.into_iter().map(String::from).collect();
                if let Err(cause) = with_timeout(BINDING, env::videos(&self.env)?.delete_multiple(keys)).await
                {
                    self.log_and_hide("discarding a late result", &cause);
                }
                return Ok(None);
            }
            JobEffect::WriteIndex { version } => {
                let database = env::database(&self.env)?;
                let written =
                    with_timeout(BINDING, jobs_index::write(&database, &order, &job.snapshot(), version))
                        .await;
                let written = written.map_err(|cause| self.log_and_hide("an index row", &cause)).ok();
                JobEvent::IndexWritten { version, written }
            }
        }))
    }

    async fn head_object(&self, bucket: &Bucket, key: &ObjectKey) -> ObjectCheck {
        match with_timeout(BINDING, bucket.head(key.as_str())).await {
            Ok(Some(object)) => ObjectCheck::Present(object.size()),
            Ok(None) => ObjectCheck::Missing,
            Err(cause) => {
                self.log_and_hide("a look for the output", &cause);
                ObjectCheck::Unknown
            }
        }
    }

    /// Learns when the alarm rings, once an instance: only then can it be set without waiting.
    async fn load_alarm(&self) -> std::result::Result<(), Problem> {
        if matches!(self.alarm.get(), AlarmState::Unknown) {
            let set = self.state.storage().get_alarm().await;
            let set = set.map_err(|cause| self.log_and_hide("reading the alarm", &cause))?;
            self.alarm.set(set.map_or(AlarmState::Silent, |at| AlarmState::At(Timestamp(at))));
        }
        Ok(())
    }

    /// Sets the alarm unless an earlier one will ring: a later deadline waits for that one, since every
    /// setting is a written row.
    fn schedule_alarm(&self, job: &Job, timing: &Timeouts) {
        let Some(wanted) = next_deadline(job, timing) else { return };
        match self.alarm.get() {
            AlarmState::At(set) if set <= wanted => {}
            AlarmState::At(_) | AlarmState::Silent | AlarmState::Unknown => self.set_alarm(wanted),
        }
    }

    /// Not awaited, so that it becomes durable with the writes before it.
    fn set_alarm(&self, at: Timestamp) {
        match set_alarm(&self.state.storage(), at) {
            Ok(()) => {
                self.alarm.set(AlarmState::At(at));
                self.count(Usage { object_rows: 1, ..Usage::default() });
            }
            Err(cause) => {
                self.alarm.set(AlarmState::Unknown);
                self.log_and_hide("setting the alarm", &cause);
            }
        }
    }

    fn count(&self, more: Usage) {
        let mut usage = self.uncounted.get();
        usage += more;
        self.uncounted.set(usage);
    }

    fn load(&self) -> std::result::Result<Option<LoadedJob>, Problem> {
        if self.live.borrow().is_none() {
            let loaded = self.store.load().map_err(|cause| self.log_and_hide("reading the job", &cause))?;
            *self.live.borrow_mut() = loaded.map(|(order, job)| LoadedJob { order: Rc::new(order), job });
        }
        Ok(self.live.borrow().clone())
    }

    fn timing(&self) -> std::result::Result<Timeouts, Problem> {
        Ok(env::config(&self.env)?.timeouts)
    }

    /// What a watcher says: a ping in another spelling, a wish for a snapshot, or nothing we know.
    fn on_client_message(&self, socket: &WebSocket, text: &str) {
        if text == "ping" {
            return subscribers::send(socket, "pong");
        }
        let word = serde_json::from_str::<serde_json::Value>(text)
            .ok()
            .and_then(|value| value.get("type").and_then(serde_json::Value::as_str).map(str::to_owned));
        match word.as_deref() {
            Some("ping") => subscribers::send(socket, subscribers::PONG),
            Some("subscribe") => {
                let tongue = self.state.get_tags(socket).iter().find_map(|tag| SocketProtocol::from_tag(tag));
                if let (Some(tongue), Ok(Some(live)), Ok(config)) =
                    (tongue, self.load(), env::config(&self.env))
                {
                    let face = live.job.snapshot();
                    answer::with_urls(&config, &live.order, &face, |links| {
                        subscribers::send(
                            socket,
                            &subscribers::snapshot(&live.order, &live.job, tongue, links),
                        );
                    });
                }
            }
            _ => {}
        }
    }

    /// Logs a cause once and makes the problem that callers see.
    fn log_and_hide(&self, what: &str, cause: &worker::Error) -> Problem {
        let name = self.state.id().name().unwrap_or_default();
        console_error!("job {name}: {what} failed: {cause}");
        Problem::internal()
    }
}

/// The endpoint that has this job, with today's key.
fn gpu_of(config: &Config, job: &Job) -> Option<RunpodConfig> {
    let gpu = config.runpod.as_ref()?;
    let endpoint = job.endpoint.clone().unwrap_or_else(|| gpu.endpoint.clone());
    Some(RunpodConfig { endpoint, key: gpu.key.clone() })
}

/// The capabilities of one attempt: good for the whole of queue and execution, and a little longer.
fn callback_urls(config: &Config, order: &JobSpec, attempt: u32) -> (String, String) {
    let now = clock::now();
    let lifetime =
        DurationMs(config.timeouts.queue_timeout.0 + config.timeouts.execution_timeout.0 + TOKEN_MARGIN.0);
    let token = |purpose| config.signer.sign(purpose, order.id, attempt, now, lifetime);
    let (base, id) = (&config.public_url, order.id);
    (
        format!("{base}/api/jobs/{id}/do/{}", token(Purpose::Callback)),
        format!("{base}/api/runpod/webhook/{id}/{}", token(Purpose::Webhook)),
    )
}

/// The core counts the rows of a commit before it is made; this keeps it honest.
fn check_rows(rows: u64, events: usize) {
    if rows != 1 + u64::try_from(events).unwrap_or(0) {
        console_error!("a commit with {events} events wrote {rows} rows");
    }
}

/// A pause after an alarm that failed, before the next try.
const ALARM_AGAIN: DurationMs = DurationMs::seconds(5);
/// Rounds of one alarm; what is due then rings again at once.
const ROUNDS_PER_ALARM: usize = 8;
/// Clocks differ, and a result may arrive late.
const TOKEN_MARGIN: DurationMs = DurationMs::minutes(30);
