//! Everything around one job: its object with its storage and alarm, RunPod, renderers, the bucket, the
//! index, people, and a network that loses, doubles and reorders.
//!
//! What the real shell does is done here in the same order: apply, commit with the alarm, tell, drive.

mod renderer;
mod runpod;

use std::collections::BTreeMap;

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::{JobEffect, Outcome, Step};
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::EndpointLoad;
use reel_core::job::state::Job;
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;

use renderer::SimulatedAttempt;
use runpod::RunpodJobState;

use crate::chance::SeededRng;
use crate::invariants::Invariants;

const T: Timeouts = Timeouts::STANDARD;
const ENDPOINT: &str = "https://api.runpod.ai/v2/first";

/// Something on its way.
enum Scheduled {
    /// To the job's object.
    Event(JobEvent),
    /// A renderer does its next thing.
    Work { run: usize },
}

/// How bad this history is: each fault's frequency in a thousand.
struct FaultRates {
    loses: u64,
    doubles: u64,
    crashes: u64,
    lies: u64,
    renderer_faults: u64,
    people: u64,
}

pub struct Simulation {
    chance: SeededRng,
    weather: FaultRates,
    pub now: Timestamp,
    order: u64,
    mail: BTreeMap<(Timestamp, u64), Scheduled>,
    live: Option<Job>,
    stored: Job,
    alarm: Option<Timestamp>,
    runpod: BTreeMap<String, (u32, RunpodJobState, Timestamp)>,
    runs: Vec<SimulatedAttempt>,
    /// Objects and their sizes.
    bucket: BTreeMap<String, u64>,
    /// The version that D1 really holds.
    indexed: u64,
    pub invariants: Invariants,
}

impl Simulation {
    pub fn new(seed: u64) -> Self {
        let mut chance = SeededRng::new(seed);
        let now = Timestamp(1_800_000_000_000);
        let job = Job::new(JobId::from_random([3; 16]), now);
        let birth = job.initial_entry();
        let mut scale = |max: u64| if chance.chance_permille(400) { 0 } else { chance.below(max) };
        let weather = FaultRates {
            loses: scale(300),
            doubles: scale(200),
            crashes: scale(80),
            lies: scale(400),
            renderer_faults: scale(900),
            people: scale(30),
        };
        Self {
            chance,
            weather,
            now,
            order: 0,
            mail: BTreeMap::new(),
            live: None,
            stored: job,
            alarm: Some(now),
            runpod: BTreeMap::new(),
            runs: Vec::new(),
            bucket: BTreeMap::new(),
            indexed: 0,
            invariants: Invariants::new(birth),
        }
    }

    /// In a few words, how it ended.
    pub fn end_summary(&self) -> String {
        let face = self.stored.snapshot();
        let code = face.failure.map_or("complete", |failure| failure.code.as_str());
        format!("{code} at attempt {}", face.attempt.min(4))
    }

    /// Lives until nothing is left to happen. Faults cease after a while, so that an end must come.
    pub fn run_to_end(&mut self) -> Result<(), String> {
        for turn in 0.. {
            if turn > TURNS_MAX {
                return Err(format!("no end after {TURNS_MAX} turns, in {:?}", self.stored.state));
            }
            if turn == TURNS_OF_FAULTS {
                self.weather =
                    FaultRates { loses: 0, doubles: 0, crashes: 0, lies: 0, renderer_faults: 0, people: 0 };
            }
            let next_mail = self.mail.keys().next().map(|(at, _)| *at);
            let next = match (next_mail, self.alarm) {
                (None, None) => break,
                (mail, alarm) => {
                    mail.unwrap_or(Timestamp(i64::MAX)).min(alarm.unwrap_or(Timestamp(i64::MAX)))
                }
            };
            self.now = self.now.max(next);
            if self.chance.chance_permille(2) {
                // Clocks of a platform jump, both ways, by a little or by a lot.
                let jump = if self.chance.chance_permille(500) { 90_000 } else { 500 };
                self.now = self.now + DurationMs(self.chance.span_ms(-jump, jump));
            }
            if self.chance.chance_permille(5) {
                // The sweep compares what D1 holds, which may have lost the row or a version.
                let version = (self.indexed > 0 && self.chance.chance_permille(900)).then_some(self.indexed);
                self.happen(JobEvent::IndexReconciled { version })?;
            }
            if self.chance.chance_permille(self.weather.people) {
                let wish = if self.chance.chance_permille(600) {
                    JobEvent::CancelRequested
                } else {
                    JobEvent::RetryRequested
                };
                self.happen(wish)?;
            }
            if self.alarm.is_some_and(|at| at <= self.now) {
                self.ring()?;
            } else if let Some((key, mail)) = self.mail.pop_first() {
                self.now = self.now.max(key.0);
                match mail {
                    Scheduled::Event(event) => {
                        self.happen(event)?;
                    }
                    Scheduled::Work { run } => self.work(run)?,
                }
            }
        }
        self.invariants.at_the_end(&self.stored, self.indexed)
    }

    /// The alarm: the platform forgets it only after the handler ran, so a crash inside rings again.
    fn ring(&mut self) -> Result<(), String> {
        if self.chance.chance_permille(self.weather.crashes) {
            self.live = None;
            self.alarm = Some(self.now + DurationMs::seconds(2));
            return Ok(());
        }
        self.alarm = None;
        self.happen(JobEvent::AlarmFired)?;
        self.arm();
        Ok(())
    }

    /// One event at the object, and the effects that follow.
    fn happen(&mut self, event: JobEvent) -> Result<Option<Outcome>, String> {
        let mut events = vec![event];
        let mut first = None;
        while let Some(event) = events.pop() {
            let Some(step) = self.step(&event)? else { return Ok(first) };
            first.get_or_insert(step.outcome);
            if self.chance.chance_permille(self.weather.crashes) {
                // Committed and armed, and then the process died: no effect is driven.
                self.live = None;
                return Ok(first);
            }
            for effect in step.effects {
                events.extend(self.perform(effect));
            }
        }
        Ok(first)
    }

    fn step(&mut self, event: &JobEvent) -> Result<Option<Step>, String> {
        let before = self.live.take().unwrap_or_else(|| self.stored.clone());
        let chance = self.chance.any();
        let step = apply(before.clone(), event.clone(), self.now, chance, &T);
        Invariants::of_step(&before, event, &step, &self.bucket)?;
        if step.persist {
            if self.chance.chance_permille(self.weather.crashes / 4) {
                // The write failed: nothing was stored, nobody was told, memory is dropped.
                return Ok(None);
            }
            self.stored = step.job.clone();
            self.invariants.of_commit(&step)?;
            if self.chance.chance_permille(self.weather.crashes / 4) {
                // The write stuck, and its answer failed: memory is dropped, effects are not driven.
                self.arm_for(&step.job);
                return Ok(None);
            }
        }
        self.arm_for(&step.job);
        self.live = Some(step.job.clone());
        Ok(Some(step))
    }

    fn arm(&mut self) {
        let job = self.live.clone().unwrap_or_else(|| self.stored.clone());
        self.arm_for(&job);
    }

    /// As the shell: an earlier alarm stays, since it finds the later deadline by itself.
    fn arm_for(&mut self, job: &Job) {
        if let Some(wanted) = next_deadline(job, &T)
            && self.alarm.is_none_or(|at| at > wanted)
        {
            self.alarm = Some(wanted.max(self.now));
        }
    }

    // === Effects ===

    /// Does one thing; some answers come at once, some later, some never.
    fn perform(&mut self, effect: JobEffect) -> Option<JobEvent> {
        match effect {
            JobEffect::Submit { attempt } => {
                self.invariants.submitted(attempt);
                let reply = self.submit(attempt);
                self.later(
                    JobEvent::SubmitReplied { attempt, endpoint: ENDPOINT.to_owned(), reply },
                    20,
                    10_000,
                )
            }
            JobEffect::PollStatus { attempt, runpod_job_id } => {
                let reply = self.status(&runpod_job_id);
                self.later(JobEvent::StatusPolled { attempt, reply }, 20, 3_000)
            }
            JobEffect::ReadEndpointLoad { attempt } => {
                let mut count = |max| self.chance.below(max);
                let crowd = EndpointLoad {
                    queued: count(9),
                    rendering: count(3),
                    starting: count(2),
                    ready: count(3),
                };
                self.later(JobEvent::EndpointLoadRead { attempt, crowd }, 20, 3_000)
            }
            JobEffect::CancelRunpodJob { runpod_job_id } => {
                let settled = !self.chance.chance_permille(self.weather.lies);
                if settled && self.chance.chance_permille(900) {
                    self.cancel_at_runpod(&runpod_job_id);
                }
                Some(JobEvent::CancelReplied { runpod_job_id, settled })
            }
            JobEffect::CheckOutput { key, poster } => {
                let (found, poster) = (self.look(&key), self.look(&poster));
                Some(JobEvent::OutputChecked { key, found, poster })
            }
            JobEffect::DeleteObjects { keys } => {
                // A delete that is not answered may be done nevertheless.
                if !self.chance.chance_permille(self.weather.lies / 2) {
                    for key in keys {
                        self.bucket.remove(key.as_str());
                    }
                }
                None
            }
            JobEffect::WriteIndex { version } => {
                let written = !self.chance.chance_permille(self.weather.lies);
                // A failed answer may hide a write that stuck.
                if written || self.chance.chance_permille(500) {
                    self.indexed = self.indexed.max(version);
                }
                Some(JobEvent::IndexWritten { version, written: written.then_some(3) })
            }
        }
    }

    fn look(&mut self, key: &ObjectKey) -> ObjectCheck {
        if self.chance.chance_permille(self.weather.lies / 2) {
            return ObjectCheck::Unknown;
        }
        self.bucket.get(key.as_str()).map_or(ObjectCheck::Missing, |bytes| ObjectCheck::Present(*bytes))
    }

    /// Other things may come in while an answer is on its way.
    fn later(&mut self, event: JobEvent, from_ms: i64, to_ms: i64) -> Option<JobEvent> {
        if self.chance.chance_permille(500) {
            return Some(event);
        }
        let wait = self.chance.span_ms(from_ms, to_ms);
        self.post(wait, Scheduled::Event(event));
        None
    }

    fn post(&mut self, wait_ms: i64, mail: Scheduled) {
        self.order += 1;
        self.mail.insert((self.now + DurationMs(wait_ms), self.order), mail);
    }
}

const TURNS_OF_FAULTS: u32 = 400;
const TURNS_MAX: u32 = 6_000;
