//! What the routes and the slots share: the queue, and the signal that it has a job.
//!
//! Invariant: the queue's lock is never held across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::EmulatorTimeouts;
use super::door::Door;
use super::faults::{FaultInjector, FaultPlan};
use super::queue::{AssignedRun, Queue, QueuedJob, RunOutcome, RunResult, RunpodStatus};
use super::run_request::RunRequest;
use super::webhook::Webhook;
use crate::attempt::AttemptContext;

/// One running server.
pub struct EmulatorState {
    /// The `{endpoint}` of every path.
    pub endpoint: String,
    /// Who may call.
    pub door: Door,
    /// How many jobs run at once.
    pub workers: usize,
    /// What attempts share.
    pub context: AttemptContext,
    pub timeouts: EmulatorTimeouts,
    pub faults: FaultInjector,
    /// Cancelled when the server stops.
    pub shutdown: CancellationToken,
    queue: Mutex<Queue>,
    job_queued: Notify,
}

impl EmulatorState {
    /// An empty queue.
    pub fn new(
        endpoint: String,
        door: Door,
        workers: usize,
        context: AttemptContext,
        timeouts: EmulatorTimeouts,
        faults: FaultInjector,
    ) -> Self {
        Self {
            endpoint,
            door,
            workers,
            context,
            timeouts,
            faults,
            shutdown: CancellationToken::new(),
            queue: Mutex::default(),
            job_queued: Notify::new(),
        }
    }

    /// The queue, locked.
    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job under a new id, and returns the id.
    pub fn submit(&self, request: RunRequest, faults: Arc<FaultPlan>) -> String {
        let id = new_id();
        self.context.log.job(&id, "queued");
        self.queue().submit(id.clone(), request, faults, Instant::now());
        self.job_queued.notify_one();
        id
    }

    /// Puts a failed job back into the queue, as [`Queue::retry`] does.
    pub fn retry(&self, id: &str) -> Option<Result<(), RunpodStatus>> {
        let retried = self.queue().retry(id, Instant::now());
        self.job_queued.notify_one();
        retried
    }

    /// Waits for the next job; `None` when the server stops.
    pub async fn next_job(&self, worker: &str) -> Option<AssignedRun> {
        loop {
            if self.shutdown.is_cancelled() {
                return None;
            }
            let assigned = self.queue().assign_next(worker, Instant::now(), self.shutdown.child_token());
            if assigned.is_some() {
                // One stored notification may stand for several jobs.
                self.job_queued.notify_one();
                return assigned;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return None,
                () = self.job_queued.notified() => {}
            }
        }
    }

    /// Records how a run ended, and sends the webhook when that ended the job.
    pub fn record_result(&self, id: &str, run: u64, result: RunResult) {
        let mut queue = self.queue();
        let now = Instant::now();
        match queue.record_result(id, run, result, now) {
            RunOutcome::Ignored => {}
            RunOutcome::Requeued => {
                self.context.log.job(id, "worker lost, queued again");
                self.job_queued.notify_one();
            }
            RunOutcome::JobEnded => {
                if let Some(job) = queue.job(id, now) {
                    self.notify_job_ended(id, job);
                }
            }
        }
    }

    fn notify_job_ended(&self, id: &str, job: &QueuedJob) {
        let log = self.context.log;
        let (status, took) = (job.status.as_str(), job.execution.unwrap_or_default().as_secs_f64());
        match &job.error {
            Some(error) => log.job(id, format_args!("{status} after {took:.1} s: {error}")),
            None => log.job(id, format_args!("{status} after {took:.1} s")),
        }
        let faults = job.faults.webhook();
        let status = faults.status.as_deref().unwrap_or(status);
        let Some(webhook) = Webhook::for_job(id, job, status) else { return };
        for _ in 0..faults.copies {
            let (webhook, client) = (webhook.clone(), self.context.client.clone());
            let timeouts = self.timeouts.clone();
            tokio::spawn(self.shutdown.clone().run_until_cancelled_owned(async move {
                tokio::time::sleep(faults.delay).await;
                webhook.send_with_retries(client, timeouts, log).await;
            }));
        }
    }
}

/// A fresh id in RunPod's form.
fn new_id() -> String {
    let uuid = uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
    format!("{uuid}-u1")
}
