//! Invariants after every step of a history, and at its end.

use std::collections::BTreeMap;

use reel_core::base::object_key::ObjectKey;
use reel_core::job::effect::{JobEffect, Outcome, Step};
use reel_core::job::event::JobEvent;
use reel_core::job::gpu_service::{StatusReply, SubmitReply};
use reel_core::job::log::{LogEntry, MessageType};
use reel_core::job::state::{Job, JobEnd, JobState};
use reel_core::job::status::JobStatus;

/// The log of a job, and what was seen of it so far.
pub struct Invariants {
    log: Vec<LogEntry>,
    submitted: u32,
}

impl Invariants {
    pub fn new(initial_entry: LogEntry) -> Self {
        Self { log: vec![initial_entry], submitted: 0 }
    }

    /// Checks a step before its commit, which may fail.
    pub fn of_step(
        before: &Job,
        event: &JobEvent,
        step: &Step,
        bucket: &BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let after = &step.job;
        if let JobEvent::CallbackReceived { attempt, .. } = event
            && *attempt != before.attempt
            && (step.persist
                || step.broadcast_progress
                || !matches!(step.outcome, Outcome::Stale | Outcome::Ignored))
        {
            return Err(format!("a report of attempt {attempt} changed attempt {}", before.attempt));
        }
        let is_retry = *event == JobEvent::RetryRequested;
        if let Some(end) = before.end()
            && after.end() != Some(end)
            && !(is_retry && matches!(end, JobEnd::Failed { .. }))
        {
            return Err(format!("an end was left: {end:?} became {:?}", after.state));
        }
        let revokes = *event == JobEvent::RevokeLinksRequested;
        if after.link_generation != before.link_generation + u32::from(revokes) {
            return Err(format!("links of generation {} after {event:?}", after.link_generation));
        }
        if after.attempt < before.attempt {
            return Err(format!("attempt {} after {}", after.attempt, before.attempt));
        }
        if before.attempt == after.attempt
            && let (JobState::Rendering(old), JobState::Rendering(new)) = (&before.state, &after.state)
            && new.progress < old.progress
        {
            return Err(format!("progress fell from {} to {}", old.progress, new.progress));
        }
        let waits = matches!(
            event,
            JobEvent::StatusPolled { reply: StatusReply::NotAsked(_), .. }
                | JobEvent::SubmitReplied { reply: SubmitReply::NotSent(_), .. }
        );
        if waits && (before.attempt != after.attempt || before.snapshot().status != after.snapshot().status) {
            return Err(format!("a call that was not sent changed {:?} to {:?}", before.state, after.state));
        }
        if after.attempt > after.max_attempts() {
            return Err(format!("attempt {} of {}", after.attempt, after.max_attempts()));
        }
        if let Some(JobEnd::Complete { key, .. }) = after.end()
            && !bucket.contains_key(key.as_str())
        {
            return Err(format!("complete without an output at {}", key.as_str()));
        }
        if let Some(JobEnd::Complete { poster: Some(key), .. }) = after.end()
            && !bucket.contains_key(key.as_str())
        {
            return Err(format!("complete with a missing poster: {}", key.as_str()));
        }
        if let Some(JobEnd::Complete { companions, .. }) = after.end() {
            let names = companions.renditions.iter().map(|rendition| &rendition.name);
            if !names.eq(&after.companions.renditions) {
                return Err(format!("complete without all of {:?}", after.companions.renditions));
            }
            if let Some(key) = companions.keys().iter().find(|key| !bucket.contains_key(key.as_str())) {
                return Err(format!("complete with a missing companion: {key}"));
            }
        }
        for key in step.effects.iter().flat_map(deleted_keys) {
            if after.end().is_none() && key.is_of_attempt(after.id, after.attempt) {
                return Err(format!("{} is deleted and may be needed", key.as_str()));
            }
        }
        if !step.persist && (!step.entries.is_empty() || before.state_changed(after)) {
            return Err(format!("a change was not written: {:?} to {:?}", before.state, after.state));
        }
        Ok(())
    }

    /// Checks a committed step and its log entries.
    pub fn of_commit(&mut self, step: &Step) -> Result<(), String> {
        for entry in &step.entries {
            let last = self.log.last().map_or(0, |entry| entry.seq);
            if entry.seq != last + 1 {
                return Err(format!("event {} after {last}", entry.seq));
            }
            if self
                .log
                .last()
                .is_some_and(|last| ends(last) && entry.snapshot.attempt == last.snapshot.attempt)
            {
                return Err(format!("event {} after the last one", entry.seq));
            }
            if ends(entry) != matches!(entry.snapshot.status, JobStatus::Complete | JobStatus::Error) {
                return Err(format!(
                    "event {} has type {:?} and status {:?}",
                    entry.seq, entry.message_type, entry.snapshot.status
                ));
            }
            self.log.push(entry.clone());
        }
        if step.job.seq != self.log.last().map_or(0, |entry| entry.seq) {
            return Err(format!("the job has seq {}, but the log ends elsewhere", step.job.seq));
        }
        Ok(())
    }

    /// Everything that was committed.
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    pub fn submitted(&mut self, attempt: u32) {
        self.submitted = self.submitted.max(attempt);
    }

    /// Checks the end: the job has ended once, and the outbox is empty.
    pub fn at_the_end(&self, job: &Job, indexed: u64, bucket: &BTreeMap<String, u64>) -> Result<(), String> {
        let Some(end) = job.end() else { return Err(format!("never ended: {:?}", job.state)) };
        let last = self.log.last().ok_or("no event was stored")?;
        let expected = match end {
            JobEnd::Complete { .. } => MessageType::Complete,
            JobEnd::Failed { .. } => MessageType::Error,
        };
        if last.message_type != expected {
            return Err(format!("the last event is {:?}, the end {end:?}", last.message_type));
        }
        if !job.pending_cancels.is_empty() {
            return Err(format!("RunPod jobs are still to be cancelled: {:?}", job.pending_cancels));
        }
        if job.index.wanted != job.index.written || indexed != job.index.wanted {
            return Err(format!("the index holds version {indexed} of {:?}", job.index));
        }
        if matches!(end, JobEnd::Complete { .. }) && self.submitted == 0 {
            return Err("complete without a submit".to_owned());
        }
        // What a job has beside its result it can only have from the attempt that made it.
        let may_stay = |key: &str| match end {
            JobEnd::Complete { .. } if job.attempt == 1 => true,
            JobEnd::Complete { .. } => job.output_etag(key).is_some(),
            JobEnd::Failed { .. } => false,
        };
        if let Some(late) = bucket.keys().find(|key| !may_stay(key)) {
            return Err(format!("{late} is never deleted, after {end:?}"));
        }
        Ok(())
    }
}

fn deleted_keys(effect: &JobEffect) -> &[ObjectKey] {
    if let JobEffect::DeleteObjects { keys } = effect { keys } else { &[] }
}

fn ends(entry: &LogEntry) -> bool {
    matches!(entry.message_type, MessageType::Complete | MessageType::Error)
}

trait StateChanged {
    fn state_changed(&self, other: &Self) -> bool;
}

impl StateChanged for Job {
    /// Whether a change must be written: the state, the attempt, the log, or a pending cancel.
    fn state_changed(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.state) != std::mem::discriminant(&other.state)
            || self.attempt != other.attempt
            || self.seq != other.seq
            || self.pending_cancels.len() != other.pending_cancels.len()
    }
}
