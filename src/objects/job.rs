//! The Durable Object of one job: loads it, asks the core, commits, performs the effects.
//!
//! Invariant: no rule about jobs lives here. Every event goes through [`JobObject::step`], and no borrow of
//! the cell is held across an await.

mod commands;
mod effects;
mod sockets;
mod webhooks;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use reel_core::base::backoff::failed_alarm_pause;
use reel_core::base::time::Timestamp;
use reel_core::config::Config;
use reel_core::http::problem::Problem;
use reel_core::job::deadline::{first_due_deadline, next_deadline};
use reel_core::job::effect::{JobEffect, Outcome, Step};
use reel_core::job::event::JobEvent;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;
use reel_core::job::usage::Usage;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::subscribe::{NORMAL_CLOSURE, SubscribeRequest, reply_close_code};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    DurableObject, Env, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use crate::objects::job_store::JobStore;
use crate::objects::poll_reply;
use crate::objects::subscribers::{Subscribers, close};
use crate::platform::log::log;
use crate::platform::object_storage::set_alarm;
use crate::platform::{clock, env};

/// The class that the runtime knows. It hands everything to its [`JobObject`].
#[durable_object]
pub struct ExportJob(Rc<JobObject>);

/// One job.
struct JobObject {
    /// Itself, for what goes on after a call.
    me: Weak<Self>,
    state: State,
    env: Env,
    store: JobStore,
    /// The job as it was last committed; read from storage again after any failure.
    loaded: RefCell<Option<LoadedJob>>,
    alarm: Cell<AlarmState>,
    /// Alarms in a row that failed, in this instance.
    failed_alarms: Cell<u32>,
    early: Rc<EarlySubscribers>,
    /// What was used since the job was last stepped: it is counted there.
    uncounted: Cell<Usage>,
    /// Messages of subscribers that this instance has had.
    messages: Cell<u32>,
    /// There is no socket: most jobs have none, and asking for them is not free.
    has_no_sockets: Cell<bool>,
}

/// When the object's alarm fires, as far as this instance knows.
#[derive(Clone, Copy)]
enum AlarmState {
    /// Storage must be asked.
    Unknown,
    /// It is not set.
    Unset,
    /// Then.
    At(Timestamp),
}

/// What the timers of subscribers share who came before their job.
#[derive(Default)]
struct EarlySubscribers {
    /// The job was created, by this instance.
    created: Cell<bool>,
    /// How many timers run.
    timers: Cell<usize>,
}

/// A job in memory. It is handed around without being copied.
#[derive(Clone)]
struct LoadedJob {
    spec: Rc<JobSpec>,
    job: Rc<Job>,
}

#[wasm_bindgen]
impl ExportJob {
    /// Takes a [`JobCommand`] as its text, and gives the text of its reply or a promise of it.
    ///
    /// [`JobCommand`]: reel_core::objects::job::JobCommand
    pub fn ask(&self, text: String) -> JsValue {
        let job = Rc::clone(&self.0);
        poll_reply(async move { job.reply_to(&text).await.to_text() })
    }
}

impl DurableObject for ExportJob {
    fn new(state: State, env: Env) -> Self {
        let store = JobStore::new(state.storage());
        Self(Rc::new_cyclic(|me| JobObject {
            me: Weak::clone(me),
            state,
            env,
            store,
            loaded: RefCell::new(None),
            alarm: Cell::new(AlarmState::Unknown),
            failed_alarms: Cell::new(0),
            early: Rc::default(),
            uncounted: Cell::new(Usage::default()),
            messages: Cell::new(0),
            has_no_sockets: Cell::new(false),
        }))
    }

    /// Opens a socket: nothing else comes as a request.
    async fn fetch(&self, request: Request) -> Result<Response> {
        self.0.count(Usage { requests: 1, ..Usage::default() });
        match SubscribeRequest::from_path(&request.path()) {
            Some(request) => Ok(self.0.subscribe(request)),
            None => Response::error("not a subscription", 404),
        }
    }

    /// Many deadlines end here: the core says which. Always sets the next alarm and never fails: the
    /// platform gives an alarm up after six failures.
    async fn alarm(&self) -> Result<Response> {
        let object = &self.0;
        object.count(Usage { alarms: 1, ..Usage::default() });
        object.alarm.set(AlarmState::Unset);
        let failures = match object.handle_alarm().await {
            Ok(()) => 0,
            Err(problem) => {
                let failures = object.failed_alarms.get().saturating_add(1);
                let pause = failed_alarm_pause(failures);
                let detail = format!("{} The alarm fires again in {} s.", problem.detail, pause.0 / 1000);
                object.log(LogEvent::JobAlarmFailed, &detail);
                object.set_alarm(clock::now() + pause);
                failures
            }
        };
        object.failed_alarms.set(failures);
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        self.0.restart_early_timers();
        if let WebSocketIncomingMessage::String(text) = message {
            self.0.client_message(&socket, &text);
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
        close(&socket, reply_close_code(u16::try_from(code).unwrap_or(NORMAL_CLOSURE)), "");
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> Result<()> {
        close(&socket, NORMAL_CLOSURE, "");
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err("this object takes no TCP connections".into())
    }
}

impl JobObject {
    /// One event, and all that follows from it.
    async fn advance(&self, event: JobEvent) -> std::result::Result<Outcome, Problem> {
        self.load_alarm().await?;
        let (outcome, effects) = self.step(event)?;
        self.run_effects(effects).await?;
        Ok(outcome)
    }

    /// Handles every deadline that has passed.
    async fn handle_alarm(&self) -> std::result::Result<(), Problem> {
        for _ in 0..ROUNDS_PER_ALARM {
            let Some(loaded) = self.load()? else { return self.sweep_deleted().await };
            let timeouts = self.timeouts(&loaded.spec)?;
            if first_due_deadline(&loaded.job, &timeouts, clock::now()).is_none() {
                // Nothing may have been due at all: an alarm fires early when a deadline has moved on.
                self.schedule_alarm(&loaded.job, &timeouts);
                break;
            }
            let (_, effects) = self.step(JobEvent::AlarmFired)?;
            self.run_effects(effects).await?;
        }
        Ok(())
    }

    /// The synchronous heart: apply, commit with the alarm, broadcast. Nothing can come between, since
    /// nothing awaits, and the platform makes state, log and alarm durable together or not at all.
    fn step(&self, event: JobEvent) -> std::result::Result<(Outcome, Vec<JobEffect>), Problem> {
        let config = env::config(&self.env)?;
        let Some(LoadedJob { spec, job }) = self.load()? else { return Err(Problem::job_not_found()) };
        let mut job = Job::clone(&job);
        job.usage += self.uncounted.take();
        let timeouts = config.timeouts.for_job(spec.execution_timeout);
        let step = apply(job, event, clock::now(), clock::random_u32(), &timeouts);
        if step.persist {
            let rows = self.store.commit(&step.job, &step.entries).map_err(|cause| {
                // What is in memory may be ahead of storage now: read it again next time.
                *self.loaded.borrow_mut() = None;
                self.log_and_hide("a commit", &cause)
            })?;
            self.check_rows(rows, step.entries.len());
        }
        self.schedule_alarm(&step.job, &timeouts);
        self.broadcast(&config, &spec, &step);
        *self.loaded.borrow_mut() = Some(LoadedJob { spec, job: Rc::new(step.job) });
        Ok((step.outcome, step.effects))
    }

    /// Tells subscribers what was committed. Nothing is signed or written for nobody: most callbacks find
    /// no subscriber.
    fn broadcast(&self, config: &Config, spec: &JobSpec, step: &Step) {
        if self.has_no_sockets.get() || (step.entries.is_empty() && !step.broadcast_progress) {
            return;
        }
        let subscribers = Subscribers(&self.state);
        if subscribers.is_empty() {
            // The next one comes through this instance.
            self.has_no_sockets.set(true);
        } else if let Err(cause) = subscribers.broadcast(config, spec, step, clock::now()) {
            self.log_and_hide("telling subscribers", &cause);
        }
    }

    /// Learns when the alarm fires, once an instance: only then can it be set without waiting.
    async fn load_alarm(&self) -> std::result::Result<(), Problem> {
        if matches!(self.alarm.get(), AlarmState::Unknown) {
            let set = self.state.storage().get_alarm().await;
            let set = set.map_err(|cause| self.log_and_hide("reading the alarm", &cause))?;
            self.alarm.set(set.map_or(AlarmState::Unset, |at| AlarmState::At(Timestamp(at))));
        }
        Ok(())
    }

    /// Sets the alarm unless an earlier one will fire: a later deadline waits for that one, since every
    /// setting is a written row.
    fn schedule_alarm(&self, job: &Job, timeouts: &Timeouts) {
        let Some(wanted) = next_deadline(job, timeouts) else { return };
        match self.alarm.get() {
            AlarmState::At(set) if set <= wanted => {}
            AlarmState::At(_) | AlarmState::Unset | AlarmState::Unknown => self.set_alarm(wanted),
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

    /// The core counts the rows of a commit before it is made; this keeps it honest.
    fn check_rows(&self, rows: u64, entries: usize) {
        if rows != 1 + u64::try_from(entries).unwrap_or(0) {
            let detail = format!("a commit with {entries} entries wrote {rows} rows");
            self.log(LogEvent::RowsMiscounted, &detail);
        }
    }

    fn load(&self) -> std::result::Result<Option<LoadedJob>, Problem> {
        if self.loaded.borrow().is_none() {
            let loaded = self.store.load().map_err(|cause| self.log_and_hide("reading the job", &cause))?;
            *self.loaded.borrow_mut() =
                loaded.map(|(spec, job)| LoadedJob { spec: Rc::new(spec), job: Rc::new(job) });
        }
        Ok(self.loaded.borrow().clone())
    }

    fn timeouts(&self, spec: &JobSpec) -> std::result::Result<Timeouts, Problem> {
        Ok(env::config(&self.env)?.timeouts.for_job(spec.execution_timeout))
    }

    fn log(&self, event: LogEvent, detail: &str) {
        let name = self.state.id().name().unwrap_or_default();
        let attempt = self.loaded.borrow().as_ref().map(|loaded| loaded.job.attempt);
        log(LogSubject::Job(&name, attempt), event, detail);
    }

    /// Logs a cause once and makes the problem that callers get.
    fn log_and_hide(&self, what: &str, cause: &worker::Error) -> Problem {
        self.log(LogEvent::JobFailed, &format!("{what} failed: {cause}"));
        Problem::internal()
    }
}

/// Rounds of one alarm; what is due then fires again at once.
const ROUNDS_PER_ALARM: usize = 8;
