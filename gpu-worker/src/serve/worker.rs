//! One rendering slot: takes a job, runs it, enforces its deadlines, hands it back.
//!
//! Invariant: a slot takes the next job only when the last one's processes and files are gone.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::attempt::Attempt;
use super::desk::Desk;
use super::queue::RunEnd;
use super::queue::Taken;

/// Works until the server goes down.
pub async fn work(desk: Arc<Desk>, name: String) {
    while let Some(taken) = desk.take(&name).await {
        run(&desk, taken).await;
        desk.queue().release();
    }
}

async fn run(desk: &Arc<Desk>, taken: Taken) {
    let timeout_at = Instant::now() + taken.submission.policy.execution_timeout;
    let (id, run, stop) = (taken.id.clone(), taken.run, taken.stop.clone());
    let expires_at = taken.expires_at;
    let loses_result = taken.plan.loses_result(run);
    let mut attempt = tokio::spawn(attempt(desk.clone(), taken));
    tokio::select! {
        // A handler that panicked is a worker that died.
        ended = &mut attempt => {
            let end = ended.unwrap_or(RunEnd::Lost);
            if desk.down.is_cancelled() {
                // A server that goes down has no results: the job is lost with its queue.
            } else if loses_result {
                tokio::spawn(forget_result(desk.clone(), id, run, timeout_at));
            } else {
                desk.end(&id, run, end);
            }
            return;
        }
        () = sleep_until(timeout_at) => desk.end(&id, run, RunEnd::TimedOut),
        () = sleep_until(expires_at) => desk.shop.log.job(&id, "deleted at the end of its ttl"),
    }
    stop.cancel();
    let _ = attempt.await;
}

async fn attempt(desk: Arc<Desk>, taken: Taken) -> RunEnd {
    let start = || Attempt::new(desk.shop.clone(), &taken, taken.plan.misconduct(taken.run)).run();
    if !taken.plan.runs_twice(taken.run) {
        return start().await;
    }
    desk.shop.log.job(&taken.id, "chaos: two workers run it");
    tokio::join!(start(), start()).0
}

/// Scripted: the queue hears nothing, and gives up on the job when its time is over.
async fn forget_result(desk: Arc<Desk>, id: String, run: u64, timeout_at: Instant) {
    desk.shop.log.job(&id, "chaos: the result is lost");
    tokio::select! {
        () = sleep_until(timeout_at) => desk.end(&id, run, RunEnd::TimedOut),
        () = desk.down.cancelled() => {}
    }
}
