//! Everything around one job: its object with storage and alarm, RunPod, GPU workers, the bucket, the
//! index, clients, and a network that loses, duplicates and reorders messages.
//!
//! The steps of the real shell are done here in the same order: apply, commit with the alarm, send messages,
//! perform effects.

mod receiver;
mod renderer;
mod runpod;

use std::collections::BTreeMap;

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::breaker::Breaker;
use reel_core::job::companions::WantedCompanions;
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome, Step};
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::EndpointLoad;
use reel_core::job::state::Job;
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;
use reel_core::webhook::delivery::DeliveryState;

use receiver::Receivers;
use renderer::SimulatedAttempt;
use runpod::RunpodJobState;

use crate::invariants::Invariants;
use crate::rng::SeededRng;

const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// Something that happens later.
enum Scheduled {
    /// An event arrives at the job's object.
    Event(JobEvent),
    /// A GPU worker does its next action.
    Work { index: usize },
}

/// How often each fault happens in this history, in a thousand cases.
#[allow(clippy::struct_field_names, reason = "the unit belongs to each name")]
struct FaultRates {
    lost_permille: u64,
    duplicated_permille: u64,
    crash_permille: u64,
    wrong_reply_permille: u64,
    worker_fault_permille: u64,
    client_permille: u64,
}

/// One job and everything around it.
pub struct Simulation {
    rng: SeededRng,
    /// Of a short, a middling or the longest job.
    timeouts: Timeouts,
    fault_rates: FaultRates,
    pub now: Timestamp,
    sequence: u64,
    queue: BTreeMap<(Timestamp, u64), Scheduled>,
    in_memory: Option<Job>,
    stored: Job,
    alarm: Option<Timestamp>,
    runpod: BTreeMap<String, (u32, RunpodJobState, Timestamp)>,
    /// Until then RunPod answers nobody.
    silent_until: Timestamp,
    /// What the job's isolate knows of that. Its other jobs ask, too.
    breaker: Breaker,
    /// Calls that waited because of it.
    pub not_sent: u32,
    attempts: Vec<SimulatedAttempt>,
    /// Objects and their sizes.
    bucket: BTreeMap<String, u64>,
    /// The version of the row in D1.
    indexed: u64,
    /// Whether the clock was ever moved: then the length of a request says nothing.
    clock_jumped: bool,
    /// Servers that hear of the job's events.
    receivers: Receivers,
    pub invariants: Invariants,
}

impl Simulation {
    pub fn new(seed: u64) -> Self {
        let mut rng = SeededRng::new(seed);
        let now = Timestamp(1_800_000_000_000);
        let mut job = Job::new(JobId::from_random([3; 16]), now);
        // Every other job has more than one output.
        if seed.is_multiple_of(2) {
            let name = |name: &str| name.to_owned().try_into().expect("a name");
            job.companions =
                WantedCompanions { renditions: vec![name("feed"), name("coach")], filmstrip: true };
        }
        let receivers = Receivers::new(&mut rng);
        job.webhooks.has_own_url = receivers.has_own_url;
        let initial_entry = job.initial_entry();
        let mut scale = |max: u64| if rng.chance_permille(400) { 0 } else { rng.below(max) };
        let fault_rates = FaultRates {
            lost_permille: scale(300),
            duplicated_permille: scale(200),
            crash_permille: scale(80),
            wrong_reply_permille: scale(400),
            worker_fault_permille: scale(900),
            client_permille: scale(30),
        };
        let minutes = [10, 34, 60][usize::try_from(seed % 3).expect("below 3")];
        Self {
            rng,
            timeouts: Timeouts::STANDARD.for_job(DurationMs::minutes(minutes)),
            fault_rates,
            now,
            sequence: 0,
            queue: BTreeMap::new(),
            in_memory: None,
            stored: job,
            alarm: Some(now),
            runpod: BTreeMap::new(),
            silent_until: Timestamp(0),
            breaker: Breaker::default(),
            not_sent: 0,
            attempts: Vec::new(),
            bucket: BTreeMap::new(),
            indexed: 0,
            clock_jumped: false,
            receivers,
            invariants: Invariants::new(initial_entry),
        }
    }

    /// How the job ended, in a few words.
    pub fn end_summary(&self) -> String {
        let snapshot = self.stored.snapshot();
        let code = snapshot.failure.map_or("complete", |failure| failure.code.as_str());
        format!("{code} at attempt {}", snapshot.attempt.min(4))
    }

    /// Whether an event was delivered after a failure, and whether one was given up.
    pub fn deliveries(&self) -> (bool, bool) {
        let any = |state, attempts| {
            let mut deliveries = self.stored.webhooks.deliveries.iter();
            deliveries.any(|delivery| delivery.state == state && delivery.attempts > attempts)
        };
        (any(DeliveryState::Delivered, 1), any(DeliveryState::Failed, 3))
    }

    /// Runs until nothing is left to happen. Faults stop after a while, so that the job must end.
    pub fn run_to_end(&mut self) -> Result<(), String> {
        for round in 0.. {
            if round > ROUNDS_MAX {
                return Err(format!("no end after {ROUNDS_MAX} rounds, in {:?}", self.stored.state));
            }
            if round == ROUNDS_WITH_FAULTS {
                self.fault_rates = FaultRates {
                    lost_permille: 0,
                    duplicated_permille: 0,
                    crash_permille: 0,
                    wrong_reply_permille: 0,
                    worker_fault_permille: 0,
                    client_permille: 0,
                };
                self.silent_until = self.now;
            }
            self.other_jobs_ask();
            let next_scheduled = self.queue.keys().next().map(|(at, _)| *at);
            let next = match (next_scheduled, self.alarm) {
                (None, None) => break,
                (scheduled, alarm) => {
                    scheduled.unwrap_or(Timestamp(i64::MAX)).min(alarm.unwrap_or(Timestamp(i64::MAX)))
                }
            };
            self.now = self.now.max(next);
            if self.rng.chance_permille(2) {
                // Clocks jump in both directions, by a little or by a lot.
                let jump = if self.rng.chance_permille(500) { 90_000 } else { 500 };
                self.now = self.now + DurationMs(self.rng.between_ms(-jump, jump));
                self.clock_jumped = true;
            }
            if self.rng.chance_permille(5) {
                // The cron job compares the row in D1, which may be missing or old.
                let version = (self.indexed > 0 && self.rng.chance_permille(900)).then_some(self.indexed);
                self.handle(JobEvent::IndexReconciled { version })?;
            }
            if self.rng.chance_permille(self.fault_rates.client_permille) {
                let client_event = if self.rng.chance_permille(100) {
                    JobEvent::RevokeLinksRequested
                } else if self.rng.chance_permille(600) {
                    JobEvent::CancelRequested
                } else {
                    JobEvent::RetryRequested
                };
                self.handle(client_event)?;
            }
            if self.alarm.is_some_and(|at| at <= self.now) {
                self.fire_alarm()?;
            } else if let Some((key, scheduled)) = self.queue.pop_first() {
                self.now = self.now.max(key.0);
                match scheduled {
                    Scheduled::Event(event) => {
                        self.handle(event)?;
                    }
                    Scheduled::Work { index } => self.work(index)?,
                }
            }
        }
        self.invariants.at_the_end(&self.stored, self.indexed, &self.bucket)?;
        self.receivers.at_the_end(&self.stored, &self.invariants)
    }

    /// The alarm. The platform deletes it only after the handler has returned, so it fires again after a
    /// crash.
    fn fire_alarm(&mut self) -> Result<(), String> {
        if self.rng.chance_permille(self.fault_rates.crash_permille) {
            self.in_memory = None;
            self.breaker = Breaker::default();
            self.alarm = Some(self.now + DurationMs::seconds(2));
            return Ok(());
        }
        self.alarm = None;
        self.handle(JobEvent::AlarmFired)?;
        self.set_alarm();
        Ok(())
    }

    /// Handles one event in the object, and performs the effects.
    fn handle(&mut self, event: JobEvent) -> Result<Option<Outcome>, String> {
        let mut events = vec![event];
        let mut first = None;
        while let Some(event) = events.pop() {
            let Some(step) = self.step(&event)? else { return Ok(first) };
            first.get_or_insert(step.outcome);
            if self.rng.chance_permille(self.fault_rates.crash_permille) {
                // The process stops after the commit: no effect is performed.
                self.in_memory = None;
                return Ok(first);
            }
            for effect in step.effects {
                events.extend(self.perform(effect));
            }
        }
        Ok(first)
    }

    fn step(&mut self, event: &JobEvent) -> Result<Option<Step>, String> {
        let before = self.in_memory.take().unwrap_or_else(|| self.stored.clone());
        let jitter_seed = self.rng.any();
        let step = apply(before.clone(), event.clone(), self.now, jitter_seed, &self.timeouts);
        Invariants::of_step(&before, event, &step, &self.bucket)?;
        if step.persist {
            if self.rng.chance_permille(self.fault_rates.crash_permille / 4) {
                // The write failed: nothing is stored and sent, and the job in memory is dropped.
                return Ok(None);
            }
            self.stored = step.job.clone();
            self.invariants.of_commit(&step)?;
            if self.rng.chance_permille(self.fault_rates.crash_permille / 4) {
                // The write succeeded but its reply failed: the job in memory is dropped, no effect is performed.
                self.set_alarm_for(&step.job);
                return Ok(None);
            }
        }
        self.set_alarm_for(&step.job);
        self.in_memory = Some(step.job.clone());
        Ok(Some(step))
    }

    fn set_alarm(&mut self) {
        let job = self.in_memory.clone().unwrap_or_else(|| self.stored.clone());
        self.set_alarm_for(&job);
    }

    /// Like the shell: an earlier alarm stays, since its handler sets the next one.
    fn set_alarm_for(&mut self, job: &Job) {
        if let Some(wanted) = next_deadline(job, &self.timeouts)
            && self.alarm.is_none_or(|at| at > wanted)
        {
            self.alarm = Some(wanted.max(self.now));
        }
    }

    // === Effects ===

    /// Performs one effect. Some replies come at once, some later, some never.
    fn perform(&mut self, effect: JobEffect) -> Option<JobEvent> {
        match effect {
            JobEffect::Submit { attempt } => {
                self.invariants.submitted(attempt);
                let reply = self.submit_or_wait(attempt);
                self.reply_later(
                    JobEvent::SubmitReplied { attempt, endpoint: ENDPOINT.to_owned(), reply },
                    20,
                    10_000,
                )
            }
            JobEffect::PollStatus { attempt, runpod_job_id } => {
                let reply = self.ask_or_wait(&runpod_job_id);
                self.reply_later(JobEvent::StatusPolled { attempt, reply }, 20, 3_000)
            }
            JobEffect::ReadEndpointLoad { attempt } => {
                let mut count = |max| self.rng.below(max);
                let load = EndpointLoad {
                    queued: count(9),
                    rendering: count(3),
                    starting: count(2),
                    ready: count(3),
                };
                self.reply_later(JobEvent::EndpointLoadRead { attempt, load }, 20, 3_000)
            }
            JobEffect::CancelRunpodJob { runpod_job_id } => {
                let settled = !self.rng.chance_permille(self.fault_rates.wrong_reply_permille);
                if settled && self.rng.chance_permille(900) {
                    self.cancel_at_runpod(&runpod_job_id);
                }
                Some(JobEvent::CancelReplied { runpod_job_id, confirmed: settled })
            }
            JobEffect::CheckOutput { key, poster, companions } => {
                let (found, poster) = (self.check_object(&key), self.check_object(&poster));
                let companions = companions.iter().map(|key| self.check_object(key)).collect();
                Some(JobEvent::OutputChecked { key, output: found, poster, companions })
            }
            JobEffect::DeleteObjects { keys } => {
                // Sometimes the delete fails.
                if !self.rng.chance_permille(self.fault_rates.wrong_reply_permille / 2) {
                    for key in keys {
                        self.bucket.remove(key.as_str());
                    }
                }
                None
            }
            JobEffect::SweepOutputs { keep } => {
                let done = !self.rng.chance_permille(self.fault_rates.wrong_reply_permille / 2);
                if done {
                    self.bucket.retain(|key, _| keep.iter().any(|kept| kept.as_str() == key));
                }
                // The bucket may have done it although its reply says otherwise.
                Some(JobEvent::OutputsSwept { done: done && !self.rng.chance_permille(50) })
            }
            JobEffect::WriteIndex { version, find_endpoints } => {
                let written = !self.rng.chance_permille(self.fault_rates.wrong_reply_permille);
                // A write may succeed although its reply says that it failed.
                if written || self.rng.chance_permille(500) {
                    self.indexed = self.indexed.max(version);
                }
                let endpoints = (written && find_endpoints).then(|| self.receivers.subscriptions());
                Some(JobEvent::IndexWritten { version, written: written.then_some(3), endpoints })
            }
            JobEffect::DeliverWebhook(attempt) => {
                let ended = self.deliver(attempt);
                self.receivers.broken = self.receivers.broken.take().or(ended.as_ref().err().cloned());
                let (ended, wait_ms) = ended.ok().flatten()?;
                self.schedule(wait_ms, Scheduled::Event(JobEvent::DeliveryEnded(ended)));
                None
            }
            JobEffect::NoteEndpoint { webhook_id, note } => {
                self.receivers.note(webhook_id, note);
                None
            }
        }
    }

    fn check_object(&mut self, key: &ObjectKey) -> ObjectCheck {
        if self.rng.chance_permille(self.fault_rates.wrong_reply_permille / 2) {
            return ObjectCheck::Unknown;
        }
        self.bucket.get(key.as_str()).map_or(ObjectCheck::Missing, |bytes| {
            ObjectCheck::Present(ObjectVersion { etag: format!("\"{bytes}\""), bytes: *bytes })
        })
    }

    /// Returns the event at once, or schedules it, so that other events may come first.
    fn reply_later(&mut self, event: JobEvent, from_ms: i64, to_ms: i64) -> Option<JobEvent> {
        if self.rng.chance_permille(500) {
            return Some(event);
        }
        let wait = self.rng.between_ms(from_ms, to_ms);
        self.schedule(wait, Scheduled::Event(event));
        None
    }

    fn schedule(&mut self, wait_ms: i64, scheduled: Scheduled) {
        self.sequence += 1;
        self.queue.insert((self.now + DurationMs(wait_ms), self.sequence), scheduled);
    }
}

const ROUNDS_WITH_FAULTS: u32 = 400;
const ROUNDS_MAX: u32 = 6_000;
