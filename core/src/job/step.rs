//! The one transition function. Total: every event in every state has an answer, and late news is one.
//!
//! Invariants: the first end wins; progress never goes down within an attempt; `seq` grows by one with
//! every stored event; an attempt number is never used twice.

mod ends;
mod leftovers;
mod reports;
mod runpod;
mod timers;

use crate::job::effect::{Effect, Kind, Noted, Outcome, Step};
use crate::job::event::Event;
use crate::job::state::{Job, Rendering, State};
use crate::job::timing::Timing;
use crate::object_key::ObjectKey;
use crate::runpod::GpuJobId;
use crate::time::Millis;

/// What follows when `event` happens to `job` at `now`. `chance` is any random number, for jitter.
pub fn apply(job: Job, event: Event, now: Millis, chance: u32, timing: &Timing) -> Step {
    let mut turn =
        Turn { job, keep: false, log: Vec::new(), tick: false, effects: Vec::new(), now, chance, timing };
    let outcome = turn.happen(event);
    if turn.keep {
        turn.job.kept_at = now;
        // One row for the job, one for each event.
        turn.job.usage.object_rows += 1 + u64::try_from(turn.log.len()).unwrap_or(0);
    }
    Step { job: turn.job, keep: turn.keep, log: turn.log, tick: turn.tick, effects: turn.effects, outcome }
}

/// A step in the making.
struct Turn<'t> {
    job: Job,
    keep: bool,
    log: Vec<Noted>,
    tick: bool,
    effects: Vec<Effect>,
    now: Millis,
    chance: u32,
    timing: &'t Timing,
}

impl Turn<'_> {
    fn happen(&mut self, event: Event) -> Outcome {
        match event {
            Event::Woke => self.wake(),
            Event::SubmitAnswered { attempt, endpoint, reply } => {
                self.submit_answered(attempt, endpoint, reply)
            }
            Event::Reported { attempt, report } => self.reported(attempt, report),
            Event::Hinted { attempt } => self.hinted(attempt),
            Event::StatusRead { attempt, reply } => self.status_read(attempt, reply),
            Event::CrowdSeen { attempt, crowd } => self.crowd_seen(attempt, crowd),
            Event::OutputLooked { key, found, poster } => self.output_looked(&key, found, poster),
            Event::CancelAnswered { gpu_job, settled } => self.cancel_answered(&gpu_job, settled),
            Event::IndexAnswered { version, written } => self.index_answered(version, written),
            Event::Compared { version } => self.compared(version),
            Event::CancelAsked => self.cancel_asked(),
            Event::RetryAsked => self.retry_asked(),
        }
    }

    fn note(&mut self, kind: Kind) {
        self.job.seq += 1;
        self.keep = true;
        self.log.push(Noted { seq: self.job.seq, at: self.now, kind, face: self.job.face() });
    }

    fn gpu_job(&self) -> Option<GpuJobId> {
        match &self.job.state {
            State::Queued { gpu_job, .. } => Some(gpu_job.clone()),
            State::Rendering(Rendering { gpu_job, .. }) | State::Verifying { gpu_job, .. } => gpu_job.clone(),
            State::Waiting(_) | State::Submitting { .. } | State::Ended(_) => None,
        }
    }

    fn own_output(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    fn own_poster(&self) -> ObjectKey {
        ObjectKey::poster(self.job.id, self.job.attempt)
    }
}
