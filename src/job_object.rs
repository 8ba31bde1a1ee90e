//! The Durable Object of one job: wakes up, asks the core, writes, speaks.
//!
//! Invariant: no rule about jobs lives here. Every entry point ends in [`ExportJob::advance`], and no
//! borrow of the cell is held across an await.

mod answer;
mod command;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::future::{join, join_all};
use reel_core::config::{Config, RunpodConfig};
use reel_core::job::deadline::{first_due_deadline, next_deadline};
use reel_core::job::effect::{JobEffect, Outcome};
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::state::{Job, JobSpec};
use reel_core::job::step::apply;
use reel_core::job::timing::Timeouts;
use reel_core::job::usage::Usage;
use reel_core::object_key::ObjectKey;
use reel_core::problem::Problem;
use reel_core::time::{DurationMs, Timestamp};
use reel_core::token::Purpose;
use worker::{
    Bucket, DurableObject, Env, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    console_error, durable_object,
};

pub use answer::{Body, RESULT_URL_LIFETIME, respond};
pub use command::Command;

use crate::deadline::{BINDING, within};
use crate::job_store::JobStore;
use crate::sockets::{self, Sockets, Tongue};
use crate::storage::ring;
use crate::{clock, env, index, outbound};

/// One job.
#[durable_object]
pub struct ExportJob {
    state: State,
    env: Env,
    store: JobStore,
    /// The job as it was last committed; read from storage again after any failure.
    live: RefCell<Option<Live>>,
    alarm: Cell<Alarm>,
    waiting: Rc<Waiting>,
    /// What was used since the job was last stepped: it is counted there.
    uncounted: Cell<Usage>,
}

/// When the object's alarm rings, as far as this instance knows.
#[derive(Clone, Copy)]
enum Alarm {
    /// Storage must be asked.
    Unknown,
    /// It does not.
    Silent,
    /// Then.
    At(Timestamp),
}

/// What the timers of watchers share who came before their job.
#[derive(Default)]
struct Waiting {
    /// It was created, by this instance.
    born: Cell<bool>,
    /// How many run.
    timers: Cell<usize>,
}

/// A job in memory.
#[derive(Clone)]
struct Live {
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
            alarm: Cell::new(Alarm::Unknown),
            waiting: Rc::default(),
            uncounted: Cell::new(Usage::default()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.count(Usage { requests: 1, ..Usage::default() });
        Ok(self.obey(request).await)
    }

    /// Many deadlines ring here: the core says which. Always re-arms, never fails: the platform gives
    /// an alarm up after six failures.
    async fn alarm(&self) -> Result<Response> {
        self.count(Usage { alarms: 1, ..Usage::default() });
        self.alarm.set(Alarm::Silent);
        if let Err(problem) = self.wake().await {
            console_error!("an alarm failed: {}", problem.detail);
            self.set_alarm(clock::now() + ALARM_AGAIN);
        }
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        self.await_birth_again();
        if let WebSocketIncomingMessage::String(text) = message {
            self.hear(&socket, &text);
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
        sockets::close(&socket, u16::try_from(code).unwrap_or(sockets::NORMAL), "");
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> Result<()> {
        sockets::close(&socket, sockets::NORMAL, "");
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err("this object takes no TCP connections".into())
    }
}

impl ExportJob {
    /// One event, and all that follows from it.
    async fn advance(&self, event: JobEvent) -> std::result::Result<Outcome, Problem> {
        self.know_alarm().await?;
        let (outcome, effects) = self.step(event)?;
        self.drive(effects).await?;
        Ok(outcome)
    }

    /// Rings every timer that is due.
    async fn wake(&self) -> std::result::Result<(), Problem> {
        for _ in 0..ROUNDS_PER_ALARM {
            let Some(live) = self.load()? else { return Ok(()) };
            let timing = self.timing()?;
            if first_due_deadline(&live.job, &timing, clock::now()).is_none() {
                // Nothing may have been due at all: an alarm rings early when a deadline has moved on.
                self.arm(&live.job, &timing);
                break;
            }
            let (_, effects) = self.step(JobEvent::AlarmFired)?;
            self.drive(effects).await?;
        }
        Ok(())
    }

    /// The synchronous heart: apply, commit with the alarm, tell. Nothing can come between, since nothing
    /// awaits, and the platform makes state, events and alarm durable together or not at all.
    fn step(&self, event: JobEvent) -> std::result::Result<(Outcome, Vec<JobEffect>), Problem> {
        let config = env::config(&self.env)?;
        let Some(Live { order, mut job }) = self.load()? else { return Err(Problem::job_not_found()) };
        job.usage += self.uncounted.take();
        let step = apply(job, event, clock::now(), clock::chance(), &config.timeouts);
        if step.persist {
            let rows = self.store.commit(&step.job, &step.entries).map_err(|cause| {
                // What is in memory may be ahead of storage now: read it again next time.
                *self.live.borrow_mut() = None;
                self.failed("a commit", &cause)
            })?;
            check_rows(rows, step.entries.len());
        }
        self.arm(&step.job, &config.timeouts);
        let ended = step.job.end().is_some();
        let face = step.broadcast_progress.then(|| step.job.snapshot());
        *self.live.borrow_mut() = Some(Live { order: Rc::clone(&order), job: step.job });
        let watchers = Sockets(&self.state);
        // Nothing is signed or written for nobody: most callbacks find no watcher.
        if watchers.none() {
            return Ok((step.outcome, step.effects));
        }
        for entry in &step.entries {
            answer::with_links(&config, &order, &entry.snapshot, |links| watchers.tell(&order, entry, links));
        }
        if let Some(face) = face {
            answer::with_links(&config, &order, &face, |links| watchers.tick(&order, &face, links));
        }
        if ended && !step.entries.is_empty() {
            watchers.close_all();
        }
        Ok((step.outcome, step.effects))
    }

    /// Drives effects side by side, and those that follow from their answers.
    async fn drive(&self, effects: Vec<JobEffect>) -> std::result::Result<(), Problem> {
        let mut effects = effects;
        while !effects.is_empty() {
            let answers = join_all(effects.into_iter().map(|effect| self.perform(effect))).await;
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
    async fn perform(&self, effect: JobEffect) -> std::result::Result<Option<JobEvent>, Problem> {
        let config = env::config(&self.env)?;
        let Some(Live { order, job }) = self.load()? else { return Err(Problem::job_not_found()) };
        let timing = &config.timeouts;
        Ok(Some(match effect {
            JobEffect::Submit { attempt } => {
                let endpoint = config.runpod.as_ref().map(|gpu| gpu.endpoint.clone()).unwrap_or_default();
                let reply = match &config.runpod {
                    Some(gpu) => {
                        let (callback, webhook) = callback_urls(&config, &order, attempt);
                        outbound::submit(gpu, &order, attempt, callback, &webhook, timing).await
                    }
                    // Taken away after the job was accepted: an operator must act, as with a bad key.
                    None => reel_core::runpod::SubmitReply::Unauthorized,
                };
                JobEvent::SubmitReplied { attempt, endpoint, reply }
            }
            JobEffect::PollStatus { attempt, runpod_job_id } => {
                let reply = match gpu_of(&config, &job) {
                    Some(gpu) => outbound::status(&gpu, &runpod_job_id, timing).await,
                    None => reel_core::runpod::StatusReply::Unauthorized,
                };
                JobEvent::StatusPolled { attempt, reply }
            }
            JobEffect::ReadEndpointLoad { attempt } => {
                let Some(gpu) = gpu_of(&config, &job) else { return Ok(None) };
                let crowd = outbound::crowd(&gpu, timing).await;
                return Ok(crowd.map(|crowd| JobEvent::EndpointLoadRead { attempt, crowd }));
            }
            JobEffect::CancelRunpodJob { runpod_job_id } => {
                let settled = match gpu_of(&config, &job) {
                    Some(gpu) => outbound::cancel(&gpu, &runpod_job_id, timing).await,
                    None => false,
                };
                JobEvent::CancelReplied { runpod_job_id, settled }
            }
            JobEffect::CheckOutput { key, poster } => {
                let bucket = env::videos(&self.env)?;
                let (found, poster) = join(self.look(&bucket, &key), self.look(&bucket, &poster)).await;
                JobEvent::OutputChecked { key, found, poster }
            }
            JobEffect::DeleteObjects { keys } => {
                let keys: Vec<String> = keys.into_iter().map(String::from).collect();
                if let Err(cause) = within(BINDING, env::videos(&self.env)?.delete_multiple(keys)).await {
                    self.failed("discarding a late result", &cause);
                }
                return Ok(None);
            }
            JobEffect::WriteIndex { version } => {
                let database = env::database(&self.env)?;
                let written =
                    within(BINDING, index::write(&database, &order, &job.snapshot(), version)).await;
                let written = written.map_err(|cause| self.failed("an index row", &cause)).ok();
                JobEvent::IndexWritten { version, written }
            }
        }))
    }

    async fn look(&self, bucket: &Bucket, key: &ObjectKey) -> ObjectCheck {
        match within(BINDING, bucket.head(key.as_str())).await {
            Ok(Some(object)) => ObjectCheck::Present(object.size()),
            Ok(None) => ObjectCheck::Missing,
            Err(cause) => {
                self.failed("a look for the output", &cause);
                ObjectCheck::Unknown
            }
        }
    }

    /// Learns when the alarm rings, once an instance: only then can it be set without waiting.
    async fn know_alarm(&self) -> std::result::Result<(), Problem> {
        if matches!(self.alarm.get(), Alarm::Unknown) {
            let set = self.state.storage().get_alarm().await;
            let set = set.map_err(|cause| self.failed("reading the alarm", &cause))?;
            self.alarm.set(set.map_or(Alarm::Silent, |at| Alarm::At(Timestamp(at))));
        }
        Ok(())
    }

    /// Sets the alarm unless an earlier one will ring: a later deadline waits for that one, since every
    /// setting is a written row.
    fn arm(&self, job: &Job, timing: &Timeouts) {
        let Some(wanted) = next_deadline(job, timing) else { return };
        match self.alarm.get() {
            Alarm::At(set) if set <= wanted => {}
            Alarm::At(_) | Alarm::Silent | Alarm::Unknown => self.set_alarm(wanted),
        }
    }

    /// Not awaited, so that it becomes durable with the writes before it.
    fn set_alarm(&self, at: Timestamp) {
        match ring(&self.state.storage(), at) {
            Ok(()) => {
                self.alarm.set(Alarm::At(at));
                self.count(Usage { object_rows: 1, ..Usage::default() });
            }
            Err(cause) => {
                self.alarm.set(Alarm::Unknown);
                self.failed("setting the alarm", &cause);
            }
        }
    }

    fn count(&self, more: Usage) {
        let mut usage = self.uncounted.get();
        usage += more;
        self.uncounted.set(usage);
    }

    fn load(&self) -> std::result::Result<Option<Live>, Problem> {
        if self.live.borrow().is_none() {
            let loaded = self.store.load().map_err(|cause| self.failed("reading the job", &cause))?;
            *self.live.borrow_mut() = loaded.map(|(order, job)| Live { order: Rc::new(order), job });
        }
        Ok(self.live.borrow().clone())
    }

    fn timing(&self) -> std::result::Result<Timeouts, Problem> {
        Ok(env::config(&self.env)?.timeouts)
    }

    /// What a watcher says: a ping in another spelling, a wish for a snapshot, or nothing we know.
    fn hear(&self, socket: &WebSocket, text: &str) {
        if text == "ping" {
            return sockets::say(socket, "pong");
        }
        let word = serde_json::from_str::<serde_json::Value>(text)
            .ok()
            .and_then(|value| value.get("type").and_then(serde_json::Value::as_str).map(str::to_owned));
        match word.as_deref() {
            Some("ping") => sockets::say(socket, sockets::PONG),
            Some("subscribe") => {
                let tongue = self.state.get_tags(socket).iter().find_map(|tag| Tongue::from_tag(tag));
                if let (Some(tongue), Ok(Some(live)), Ok(config)) =
                    (tongue, self.load(), env::config(&self.env))
                {
                    let face = live.job.snapshot();
                    answer::with_links(&config, &live.order, &face, |links| {
                        sockets::say(socket, &sockets::snapshot(&live.order, &live.job, tongue, links));
                    });
                }
            }
            _ => {}
        }
    }

    /// Logs a cause once and makes the problem that callers see.
    fn failed(&self, what: &str, cause: &worker::Error) -> Problem {
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
