//! The queue of one endpoint: its jobs, their states, and whose turn it is.
//!
//! Invariants: no IO and no clock, every call brings `now`; an ended job changes only by `retry`;
//! a run that was stopped or replaced cannot write into the job any more (each run has its number).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chaos::Plan;
use super::submission::Submission;

/// Where a job stands, in RunPod's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits for a worker.
    InQueue,
    /// A worker has it.
    InProgress,
    /// The handler returned.
    Completed,
    /// The handler returned an error, ran too long, or its worker was lost twice.
    Failed,
    /// Somebody asked for it.
    Cancelled,
}

/// All jobs of the endpoint.
#[derive(Debug, Default)]
pub struct Queue {
    jobs: HashMap<String, Job>,
    waiting: VecDeque<String>,
    running: usize,
    completed: u64,
    failed: u64,
    retried: u64,
}

/// One job as `/status` shows it.
#[derive(Clone, Debug)]
pub struct Job {
    /// What was ordered.
    pub submission: Submission,
    /// Where it stands.
    pub status: Status,
    /// The wait before its last run.
    pub delay: Option<Duration>,
    /// How long its last run took, once it has ended.
    pub execution: Option<Duration>,
    /// What the handler returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// How often the platform gave it to a second worker.
    pub retries: u32,
    /// Which worker ran it last.
    pub worker: Option<String>,
    /// What a chaos script wants to go wrong with it.
    pub plan: Plan,
    /// When it was submitted first.
    pub submitted_at: Instant,
    /// When it completed, failed or was cancelled.
    pub ended_at: Option<Instant>,
    run: u64,
    queued_at: Instant,
    expires_at: Instant,
    started_at: Option<Instant>,
    stop: CancellationToken,
}

/// A job that a worker has taken, and must hand back with [`Queue::end`].
#[derive(Debug)]
pub struct Taken {
    /// RunPod's id of the job.
    pub id: String,
    /// Which run of this job it is, 1 for the first.
    pub run: u64,
    /// What was ordered.
    pub submission: Submission,
    /// What a chaos script wants to go wrong with it.
    pub plan: Plan,
    /// Fires when the run must end: cancelled, or the server goes down.
    pub stop: CancellationToken,
    /// When the job is deleted, even while it runs.
    pub expires_at: Instant,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// The handler returned this; a member `error` makes the job fail, as in RunPod's SDK.
    Returned(Value),
    /// The run was cut off after `policy.executionTimeout`.
    TimedOut,
    /// The worker vanished without a word.
    Lost,
}

/// What became of a run that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The job has completed or failed: time for its webhook.
    Job,
    /// The platform gives the job to another worker.
    Requeued,
    /// The job was cancelled or deleted before: nothing changed.
    Ignored,
}

/// The counters of `/health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that completed since the start.
    pub completed: u64,
    /// Jobs that failed since the start.
    pub failed: u64,
    /// Jobs that a worker has now.
    pub in_progress: u64,
    /// Jobs that wait now.
    pub in_queue: u64,
    /// Runs that were started again, by the platform or by `/retry`.
    pub retried: u64,
    /// Workers that are rendering, or still cleaning up after a cancelled job.
    pub busy_workers: usize,
    /// A script hides the workers that are free.
    pub hides_workers: bool,
}

impl Status {
    /// RunPod's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InQueue => "IN_QUEUE",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl Queue {
    /// Puts a new job at the end.
    pub fn submit(&mut self, id: String, submission: Submission, plan: Plan, now: Instant) {
        let job = Job {
            status: Status::InQueue,
            delay: None,
            execution: None,
            output: None,
            error: None,
            retries: 0,
            worker: None,
            plan,
            submitted_at: now,
            run: 0,
            queued_at: now,
            expires_at: now + submission.policy.ttl,
            started_at: None,
            ended_at: None,
            stop: CancellationToken::new(),
            submission,
        };
        self.jobs.insert(id.clone(), job);
        self.waiting.push_back(id);
    }

    /// Gives the next job to `worker`: first in, first out, low priority only when nothing else waits.
    pub fn take(&mut self, worker: &str, now: Instant, stop: CancellationToken) -> Option<Taken> {
        self.forget_expired(now);
        let first = |is_low: bool| {
            let may_run = |job: &Job| job.submission.policy.low_priority == is_low && !job.plan.is_stuck();
            self.waiting.iter().position(|id| self.jobs.get(id).is_some_and(may_run))
        };
        let id = self.waiting.remove(first(false).or_else(|| first(true))?)?;
        let job = self.jobs.get_mut(&id)?;
        job.run += 1;
        job.status = Status::InProgress;
        job.started_at = Some(now);
        job.delay = Some(now - job.queued_at);
        job.worker = Some(worker.to_owned());
        job.stop = stop.clone();
        self.running += 1;
        let (run, expires_at) = (job.run, job.expires_at);
        Some(Taken { run, submission: job.submission.clone(), plan: job.plan.clone(), stop, expires_at, id })
    }

    /// Writes down how a run ended; late news of a run that was stopped or replaced is ignored.
    pub fn end(&mut self, id: &str, run: u64, end: RunEnd, now: Instant) -> Ended {
        let Some(job) = self.jobs.get_mut(id) else { return Ended::Ignored };
        if job.run != run || job.status != Status::InProgress {
            return Ended::Ignored;
        }
        job.execution = job.started_at.map(|started| now - started);
        if matches!(end, RunEnd::Lost) && job.retries == 0 {
            job.retries = 1;
            job.requeue(now);
            self.retried += 1;
            self.waiting.push_front(id.to_owned());
            return Ended::Requeued;
        }
        job.ended_at = Some(now);
        match end {
            RunEnd::Returned(value) => job.returned(value),
            RunEnd::TimedOut => job.failed("executionTimeout exceeded".to_owned()),
            RunEnd::Lost => job.failed(format!("job timed out after {} retries", job.retries)),
        }
        match job.status {
            Status::Failed => self.failed += 1,
            _ => self.completed += 1,
        }
        Ended::Job
    }

    /// The worker is free again; to be called once for every [`Taken`], after [`Queue::end`].
    pub fn release(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// The job, unless it is unknown, expired, or ended too long ago.
    pub fn job(&mut self, id: &str, now: Instant) -> Option<&Job> {
        self.forget_expired(now);
        self.jobs.get(id)
    }

    /// Stops a waiting or running job, and answers its status: an ended job stays what it is.
    pub fn cancel(&mut self, id: &str, now: Instant) -> Option<Status> {
        self.forget_expired(now);
        let job = self.jobs.get_mut(id)?;
        if matches!(job.status, Status::InQueue | Status::InProgress) {
            self.waiting.retain(|waiting| waiting != id);
            job.cancelled(now);
        }
        Some(job.status)
    }

    /// Puts a failed job back into the queue, under the same id and with its old result dropped.
    ///
    /// `Err` holds the status of a job that cannot be retried.
    pub fn retry(&mut self, id: &str, now: Instant) -> Option<Result<(), Status>> {
        self.forget_expired(now);
        let job = self.jobs.get_mut(id)?;
        if job.status != Status::Failed {
            return Some(Err(job.status));
        }
        job.requeue(now);
        job.retries = 0;
        self.retried += 1;
        self.waiting.push_back(id.to_owned());
        Some(Ok(()))
    }

    /// Cancels every waiting job and answers how many there were; running ones go on.
    pub fn purge(&mut self, now: Instant) -> usize {
        self.forget_expired(now);
        let purged = std::mem::take(&mut self.waiting);
        for id in &purged {
            if let Some(job) = self.jobs.get_mut(id) {
                job.cancelled(now);
            }
        }
        purged.len()
    }

    /// Stops everything: the server goes down.
    pub fn stop_all(&mut self) {
        self.waiting.clear();
        for job in self.jobs.values() {
            job.stop.cancel();
        }
    }

    /// The counters of `/health`.
    pub fn counts(&mut self, now: Instant) -> Counts {
        self.forget_expired(now);
        let in_progress = self.jobs.values().filter(|job| job.status == Status::InProgress).count();
        Counts {
            completed: self.completed,
            failed: self.failed,
            in_progress: in_progress as u64,
            in_queue: self.waiting.len() as u64,
            retried: self.retried,
            busy_workers: self.running,
            hides_workers: self
                .jobs
                .values()
                .any(|job| job.status == Status::InQueue && job.plan.hides_workers()),
        }
    }

    fn forget_expired(&mut self, now: Instant) {
        let waiting_before = self.jobs.len();
        self.jobs.retain(|_, job| {
            let gone = now >= job.expires_at || job.ended_at.is_some_and(|ended| now >= ended + RETENTION);
            if gone {
                job.stop.cancel();
            }
            !gone
        });
        if self.jobs.len() != waiting_before {
            self.waiting.retain(|id| self.jobs.contains_key(id));
        }
    }
}

impl Job {
    /// RunPod's SDK takes `error` out of the returned object; what is left stays the output.
    fn returned(&mut self, value: Value) {
        self.status = Status::Completed;
        let mut value = value;
        if let Value::Object(members) = &mut value
            && let Some(error) = members.remove("error")
        {
            self.failed(error.as_str().map_or_else(|| error.to_string(), str::to_owned));
        }
        // The SDK sends no `output` at all for an empty object.
        self.output = Some(value).filter(|value| value.as_object().is_none_or(|members| !members.is_empty()));
    }

    fn failed(&mut self, error: String) {
        self.status = Status::Failed;
        self.error = Some(error);
    }

    fn cancelled(&mut self, now: Instant) {
        self.status = Status::Cancelled;
        self.ended_at = Some(now);
        self.execution = self.started_at.map(|started| now - started);
        self.stop.cancel();
    }

    fn requeue(&mut self, now: Instant) {
        self.status = Status::InQueue;
        self.queued_at = now;
        self.started_at = None;
        self.ended_at = None;
        self.delay = None;
        self.execution = None;
        self.output = None;
        self.error = None;
    }
}

/// How long RunPod keeps the result of an asynchronous job.
const RETENTION: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests;
