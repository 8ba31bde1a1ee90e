//! What the routes and the workers share: the queue, and the way to wake whoever waits for it.
//!
//! Invariant: the queue's lock is never held across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::Shop;
use super::chaos::Chaos;
use super::chaos::Plan;
use super::queue::Ended;
use super::queue::Job;
use super::queue::Queue;
use super::queue::RunEnd;
use super::queue::Taken;
use super::submission::Submission;
use super::webhook::Webhook;

/// One running server.
pub struct Desk {
    /// The `{endpoint}` of every path.
    pub endpoint: String,
    /// The key that callers must know; `None` lets everybody in.
    pub api_key: Option<String>,
    /// How many jobs run at once.
    pub workers: usize,
    /// What attempts need.
    pub shop: Shop,
    /// The script of faults; honest without one.
    pub chaos: Chaos,
    /// Fires when the server goes down.
    pub down: CancellationToken,
    queue: Mutex<Queue>,
    wake: Notify,
}

impl Desk {
    /// An empty queue.
    pub fn new(endpoint: String, api_key: Option<String>, workers: usize, shop: Shop, chaos: Chaos) -> Self {
        Self {
            endpoint,
            api_key,
            workers,
            shop,
            chaos,
            down: CancellationToken::new(),
            queue: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// The queue, for one short look or change.
    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job under a new id, and answers the id.
    pub fn submit(&self, submission: Submission, plan: Plan) -> String {
        let id = new_id();
        self.shop.log.job(&id, "queued");
        self.queue().submit(id.clone(), submission, plan, Instant::now());
        self.wake.notify_one();
        id
    }

    /// A job went back into the queue.
    pub fn wake_worker(&self) {
        self.wake.notify_one();
    }

    /// Waits for the next job; `None` when the server goes down.
    pub async fn take(&self, worker: &str) -> Option<Taken> {
        loop {
            if self.down.is_cancelled() {
                return None;
            }
            let taken = self.queue().take(worker, Instant::now(), self.down.child_token());
            if taken.is_some() {
                // One stored wake-up may stand for several jobs.
                self.wake.notify_one();
                return taken;
            }
            tokio::select! {
                () = self.down.cancelled() => return None,
                () = self.wake.notified() => {}
            }
        }
    }

    /// Writes down how a run ended, and sends the webhook when that ended the job.
    pub fn end(&self, id: &str, run: u64, end: RunEnd) {
        let mut queue = self.queue();
        let now = Instant::now();
        match queue.end(id, run, end, now) {
            Ended::Ignored => {}
            Ended::Requeued => {
                self.shop.log.job(id, "worker lost, queued again");
                self.wake.notify_one();
            }
            Ended::Job => {
                if let Some(job) = queue.job(id, now) {
                    self.tell_end(id, job);
                }
            }
        }
    }

    fn tell_end(&self, id: &str, job: &Job) {
        let log = self.shop.log;
        let took = job.execution.unwrap_or_default().as_secs_f64();
        match &job.error {
            Some(error) => log.job(id, format_args!("{} after {took:.1} s: {error}", job.status.as_str())),
            None => log.job(id, format_args!("{} after {took:.1} s", job.status.as_str())),
        }
        let manners = job.plan.webhook();
        let status = manners.status.as_deref().unwrap_or(job.status.as_str());
        let Some(webhook) = Webhook::of(id, job, status) else { return };
        let copies = match (manners.lost, manners.doubled) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        for _ in 0..copies {
            tokio::spawn(self.down.clone().run_until_cancelled_owned({
                let (webhook, shop) = (webhook.clone(), self.shop.clone());
                async move {
                    tokio::time::sleep(manners.delay).await;
                    webhook.deliver(shop.client, shop.timing, log).await;
                }
            }));
        }
    }
}

/// The job as `/status` answers it.
pub fn job_json(id: &str, job: &Job) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    let ms =
        |span: Option<Duration>| span.map(|span| json!(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)));
    put("id", Some(json!(id)));
    put("status", Some(json!(job.status.as_str())));
    put("delayTime", ms(job.delay));
    put("executionTime", ms(job.execution));
    put("output", job.output.clone());
    put("error", job.error.clone().map(Value::from));
    put("retries", (job.retries > 0).then(|| json!(job.retries)));
    put("workerId", job.worker.clone().map(Value::from));
    Value::Object(members)
}

/// A fresh id in RunPod's form.
fn new_id() -> String {
    let uuid = uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
    format!("{uuid}-u1")
}
