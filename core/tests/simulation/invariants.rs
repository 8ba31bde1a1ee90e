//! What must hold after every step of every history, and at its end.

use std::collections::BTreeMap;

use reel_core::job::effect::{Effect, Kind, Noted, Outcome, Step};
use reel_core::job::event::Event;
use reel_core::job::state::{End, Job, State, Status};
use reel_core::object_key::ObjectKey;

pub struct Invariants {
    log: Vec<Noted>,
    /// Told within the current attempt, stored or not: (attempt, highest percent).
    told: (u32, u8),
    submitted: u32,
}

impl Invariants {
    pub fn new(birth: Noted) -> Self {
        Self { log: vec![birth], told: (1, 0), submitted: 0 }
    }

    /// A step that may still fail to be committed.
    pub fn of_step(
        before: &Job,
        event: &Event,
        step: &Step,
        bucket: &BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let after = &step.job;
        if let Event::Reported { attempt, .. } = event
            && *attempt != before.attempt
            && (step.keep || step.tick || !matches!(step.outcome, Outcome::Stale | Outcome::Ignored))
        {
            return Err(format!("a report of attempt {attempt} changed attempt {}", before.attempt));
        }
        let asked_to_retry = *event == Event::RetryAsked;
        if let Some(end) = before.end()
            && after.end() != Some(end)
            && !(asked_to_retry && matches!(end, End::Failed { .. }))
        {
            return Err(format!("an end was left: {end:?} became {:?}", after.state));
        }
        if after.attempt < before.attempt {
            return Err(format!("attempt {} after {}", after.attempt, before.attempt));
        }
        if before.attempt == after.attempt
            && let (State::Rendering(old), State::Rendering(new)) = (&before.state, &after.state)
            && new.progress < old.progress
        {
            return Err(format!("progress fell from {} to {}", old.progress, new.progress));
        }
        if after.attempt > after.max_attempts() {
            return Err(format!("attempt {} of {}", after.attempt, after.max_attempts()));
        }
        if let Some(End::Complete { key, .. }) = after.end()
            && !bucket.contains_key(key.as_str())
        {
            return Err(format!("complete without a result at {}", key.as_str()));
        }
        if let Some(End::Complete { poster: Some(key), .. }) = after.end()
            && !bucket.contains_key(key.as_str())
        {
            return Err(format!("complete with a picture that is not there: {}", key.as_str()));
        }
        for key in step.effects.iter().flat_map(discarded) {
            if after.end().is_none() && key.is_of_attempt(after.id, after.attempt) {
                return Err(format!("{} is discarded and may be needed", key.as_str()));
            }
        }
        if !step.keep && (!step.log.is_empty() || before.state_changed(after)) {
            return Err(format!("a change was not kept: {:?} to {:?}", before.state, after.state));
        }
        Ok(())
    }

    /// A step that is stored now, with its events.
    pub fn of_commit(&mut self, step: &Step) -> Result<(), String> {
        for noted in &step.log {
            let last = self.log.last().map_or(0, |noted| noted.seq);
            if noted.seq != last + 1 {
                return Err(format!("event {} after {last}", noted.seq));
            }
            if self.log.last().is_some_and(|last| ends(last) && noted.face.attempt == last.face.attempt) {
                return Err(format!("event {} after the last one", noted.seq));
            }
            if ends(noted) != matches!(noted.face.status, Status::Complete | Status::Error) {
                return Err(format!(
                    "event {} is called {:?} and says {:?}",
                    noted.seq, noted.kind, noted.face.status
                ));
            }
            self.log.push(noted.clone());
        }
        if step.job.seq != self.log.last().map_or(0, |noted| noted.seq) {
            return Err(format!("the job says seq {}, the log ends elsewhere", step.job.seq));
        }
        let face = step.job.face();
        if face.attempt != self.told.0 {
            self.told = (face.attempt, 0);
        }
        self.told.1 = self.told.1.max(face.progress);
        Ok(())
    }

    pub fn submitted(&mut self, attempt: u32) {
        self.submitted = self.submitted.max(attempt);
    }

    /// Nothing is left to happen: the job has ended once, and all debts are paid.
    pub fn at_the_end(&self, job: &Job, indexed: u64) -> Result<(), String> {
        let Some(end) = job.end() else { return Err(format!("never ended: {:?}", job.state)) };
        let last = self.log.last().ok_or("no event was stored")?;
        let told = match end {
            End::Complete { .. } => Kind::Complete,
            End::Failed { .. } => Kind::Error,
        };
        if last.kind != told {
            return Err(format!("the last event is {:?}, the end {end:?}", last.kind));
        }
        if !job.errands.is_empty() {
            return Err(format!("RunPod jobs are still to be cancelled: {:?}", job.errands));
        }
        if job.index.wanted != job.index.written || indexed != job.index.wanted {
            return Err(format!("the index holds version {indexed} of {:?}", job.index));
        }
        if matches!(end, End::Complete { .. }) && self.submitted == 0 {
            return Err("complete without a submit".to_owned());
        }
        Ok(())
    }
}

fn discarded(effect: &Effect) -> &[ObjectKey] {
    if let Effect::Discard { keys } = effect { keys } else { &[] }
}

fn ends(noted: &Noted) -> bool {
    matches!(noted.kind, Kind::Complete | Kind::Error)
}

trait StateChanged {
    fn state_changed(&self, other: &Self) -> bool;
}

impl StateChanged for Job {
    /// A change that must survive: the kind of state, the attempt, or a debt to RunPod.
    fn state_changed(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.state) != std::mem::discriminant(&other.state)
            || self.attempt != other.attempt
            || self.seq != other.seq
            || self.errands.len() != other.errands.len()
    }
}
