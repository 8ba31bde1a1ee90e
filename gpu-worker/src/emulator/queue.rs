//! The queue of one endpoint: its jobs, their states, and which is next.
//!
//! Invariants: no I/O and no clock, every call brings `now`; an ended job changes only by `retry`;
//! a run that was stopped or replaced cannot change the job any more (each run has a number).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::faults::FaultPlan;
use super::run_request::RunRequest;

/// RunPod's status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunpodStatus {
    /// Waits for a worker.
    InQueue,
    /// A worker has it.
    InProgress,
    /// The handler returned.
    Completed,
    /// The handler returned an error, ran too long, or its worker was lost twice.
    Failed,
    /// Cancelled by a client.
    Cancelled,
}

/// All jobs of the endpoint.
#[derive(Debug, Default)]
pub struct Queue {
    jobs: HashMap<String, QueuedJob>,
    waiting: VecDeque<String>,
    running: usize,
    completed: u64,
    failed: u64,
    retried: u64,
}

/// One job as `/status` shows it.
#[derive(Clone, Debug)]
pub struct QueuedJob {
    /// What was submitted.
    pub request: RunRequest,
    /// Its status.
    pub status: RunpodStatus,
    /// The wait before its last run.
    pub delay: Option<Duration>,
    /// How long its last run took, once it has ended.
    pub execution: Option<Duration>,
    /// What the handler returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// How often it was given to another worker after a lost one.
    pub retries: u32,
    /// The worker that ran it last.
    pub worker: Option<String>,
    /// Its scripted faults.
    pub faults: Arc<FaultPlan>,
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

/// A job that a worker has; its end goes to [`Queue::record_result`].
#[derive(Debug)]
pub struct AssignedRun {
    /// RunPod's id of the job.
    pub id: String,
    /// The number of the run, 1 for the job's first.
    pub run: u64,
    /// What was submitted.
    pub request: RunRequest,
    /// Its scripted faults.
    pub faults: Arc<FaultPlan>,
    /// Cancelled when the run must end: the job was cancelled, or the server stops.
    pub stop: CancellationToken,
    /// When the job is deleted, even while it runs.
    pub expires_at: Instant,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// The handler returned this; a member `error` makes the job fail, as in RunPod's SDK.
    Returned(Value),
    /// The run was cut off after `policy.executionTimeout`.
    TimedOut,
    /// The worker was lost.
    Lost,
}

/// What the end of a run means for its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The job has completed or failed: time for its webhook.
    JobEnded,
    /// The job goes to another worker.
    Requeued,
    /// The job was cancelled or deleted before: nothing changed.
    Ignored,
}

/// The counters of `/health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HealthCounts {
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

impl RunpodStatus {
    /// As in RunPod's JSON.
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
    pub fn submit(&mut self, id: String, submission: RunRequest, plan: Arc<FaultPlan>, now: Instant) {
        let job = QueuedJob {
            status: RunpodStatus::InQueue,
            delay: None,
            execution: None,
            output: None,
            error: None,
            retries: 0,
            worker: None,
            faults: plan,
            submitted_at: now,
            run: 0,
            queued_at: now,
            expires_at: now + submission.policy.ttl,
            started_at: None,
            ended_at: None,
            stop: CancellationToken::new(),
            request: submission,
        };
        self.jobs.insert(id.clone(), job);
        self.waiting.push_back(id);
    }

    /// Gives the next job to `worker`: first in, first out; low priority only when nothing else waits.
    pub fn assign_next(
        &mut self,
        worker: &str,
        now: Instant,
        stop: CancellationToken,
    ) -> Option<AssignedRun> {
        self.remove_expired(now);
        let first = |is_low: bool| {
            let may_run =
                |job: &QueuedJob| job.request.policy.low_priority == is_low && !job.faults.never_starts();
            self.waiting.iter().position(|id| self.jobs.get(id).is_some_and(may_run))
        };
        let id = self.waiting.remove(first(false).or_else(|| first(true))?)?;
        let job = self.jobs.get_mut(&id)?;
        job.run += 1;
        job.status = RunpodStatus::InProgress;
        job.started_at = Some(now);
        job.delay = Some(now - job.queued_at);
        job.worker = Some(worker.to_owned());
        job.stop = stop.clone();
        self.running += 1;
        let (run, expires_at) = (job.run, job.expires_at);
        Some(AssignedRun {
            run,
            request: job.request.clone(),
            faults: job.faults.clone(),
            stop,
            expires_at,
            id,
        })
    }

    /// Records how a run ended; a late result of a run that was stopped or replaced is ignored.
    pub fn record_result(&mut self, id: &str, run: u64, result: RunResult, now: Instant) -> RunOutcome {
        let Some(job) = self.jobs.get_mut(id) else { return RunOutcome::Ignored };
        if job.run != run || job.status != RunpodStatus::InProgress {
            return RunOutcome::Ignored;
        }
        job.execution = job.started_at.map(|started| now - started);
        if matches!(result, RunResult::Lost) && job.retries == 0 {
            job.retries = 1;
            job.requeue(now);
            self.retried += 1;
            self.waiting.push_front(id.to_owned());
            return RunOutcome::Requeued;
        }
        job.ended_at = Some(now);
        match result {
            RunResult::Returned(value) => job.returned(value),
            RunResult::TimedOut => job.failed("executionTimeout exceeded".to_owned()),
            RunResult::Lost => job.failed(format!("job timed out after {} retries", job.retries)),
        }
        match job.status {
            RunpodStatus::Failed => self.failed += 1,
            _ => self.completed += 1,
        }
        RunOutcome::JobEnded
    }

    /// The worker is free again; to be called once for every [`Taken`], after [`Queue::record_result`].
    pub fn release(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// The job, unless it is unknown, expired, or ended too long ago.
    pub fn job(&mut self, id: &str, now: Instant) -> Option<&QueuedJob> {
        self.remove_expired(now);
        self.jobs.get(id)
    }

    /// Cancels a waiting or running job, and returns its status; an ended job does not change.
    pub fn cancel(&mut self, id: &str, now: Instant) -> Option<RunpodStatus> {
        self.remove_expired(now);
        let job = self.jobs.get_mut(id)?;
        if matches!(job.status, RunpodStatus::InQueue | RunpodStatus::InProgress) {
            self.waiting.retain(|waiting| waiting != id);
            job.cancelled(now);
        }
        Some(job.status)
    }

    /// Puts a failed job back into the queue, under the same id and with its old result dropped.
    ///
    /// `Err` holds the status of a job that cannot be retried.
    pub fn retry(&mut self, id: &str, now: Instant) -> Option<Result<(), RunpodStatus>> {
        self.remove_expired(now);
        let job = self.jobs.get_mut(id)?;
        if job.status != RunpodStatus::Failed {
            return Some(Err(job.status));
        }
        job.requeue(now);
        job.retries = 0;
        self.retried += 1;
        self.waiting.push_back(id.to_owned());
        Some(Ok(()))
    }

    /// Cancels every waiting job and returns how many there were; running ones go on.
    pub fn purge(&mut self, now: Instant) -> usize {
        self.remove_expired(now);
        let purged = std::mem::take(&mut self.waiting);
        for id in &purged {
            if let Some(job) = self.jobs.get_mut(id) {
                job.cancelled(now);
            }
        }
        purged.len()
    }

    /// Stops everything, because the server stops.
    pub fn stop_all(&mut self) {
        self.waiting.clear();
        for job in self.jobs.values() {
            job.stop.cancel();
        }
    }

    /// The counters of `/health`.
    pub fn counts(&mut self, now: Instant) -> HealthCounts {
        self.remove_expired(now);
        let in_progress = self.jobs.values().filter(|job| job.status == RunpodStatus::InProgress).count();
        HealthCounts {
            completed: self.completed,
            failed: self.failed,
            in_progress: in_progress as u64,
            in_queue: self.waiting.len() as u64,
            retried: self.retried,
            busy_workers: self.running,
            hides_workers: self
                .jobs
                .values()
                .any(|job| job.status == RunpodStatus::InQueue && job.faults.hides_workers()),
        }
    }

    fn remove_expired(&mut self, now: Instant) {
        let jobs_before = self.jobs.len();
        self.jobs.retain(|_, job| {
            let gone = now >= job.expires_at || job.ended_at.is_some_and(|ended| now >= ended + RETENTION);
            if gone {
                job.stop.cancel();
            }
            !gone
        });
        if self.jobs.len() != jobs_before {
            self.waiting.retain(|id| self.jobs.contains_key(id));
        }
    }
}

impl QueuedJob {
    /// RunPod's SDK takes `error` out of the returned object; what is left stays the output.
    fn returned(&mut self, value: Value) {
        self.status = RunpodStatus::Completed;
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
        self.status = RunpodStatus::Failed;
        self.error = Some(error);
    }

    fn cancelled(&mut self, now: Instant) {
        self.status = RunpodStatus::Cancelled;
        self.ended_at = Some(now);
        self.execution = self.started_at.map(|started| now - started);
        self.stop.cancel();
    }

    fn requeue(&mut self, now: Instant) {
        self.status = RunpodStatus::InQueue;
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
