//! One rendering slot: takes a job, runs it, enforces its deadlines, records its result.
//!
//! Invariant: a slot takes the next job only when the last one's processes and files are gone.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::faults::{FaultyBackend, WorkerFailure};
use super::queue::{AssignedRun, RunResult};
use super::state::EmulatorState;
use crate::attempt::{Attempt, WorkerBackend, parse_input};

/// Runs jobs until the server stops.
pub async fn run_slot(state: Arc<EmulatorState>, name: String) {
    while let Some(assigned) = state.next_job(&name).await {
        run_job(&state, assigned).await;
        state.queue().release();
    }
}

async fn run_job(state: &Arc<EmulatorState>, assigned: AssignedRun) {
    let timeout_at = Instant::now() + assigned.request.policy.execution_timeout;
    let (id, run, stop) = (assigned.id.clone(), assigned.run, assigned.stop.clone());
    let expires_at = assigned.expires_at;
    let loses_result = assigned.faults.loses_result(run);
    let mut attempt = tokio::spawn(run_attempts(state.clone(), assigned));
    tokio::select! {
        // An attempt that panicked is a worker that died.
        ended = &mut attempt => {
            let result = ended.unwrap_or(RunResult::Lost);
            if state.shutdown.is_cancelled() {
                // A server that stops has no results: the job is lost with its queue.
            } else if loses_result {
                tokio::spawn(drop_result(state.clone(), id, run, timeout_at));
            } else {
                state.record_result(&id, run, result);
            }
            return;
        }
        () = sleep_until(timeout_at) => state.record_result(&id, run, RunResult::TimedOut),
        () = sleep_until(expires_at) => state.context.log.job(&id, "deleted at the end of its ttl"),
    }
    stop.cancel();
    let _ = attempt.await;
}

/// One attempt; two at the same time when a fault says so.
async fn run_attempts(state: Arc<EmulatorState>, assigned: AssignedRun) -> RunResult {
    if !assigned.faults.runs_twice(assigned.run) {
        return run_attempt(&state, &assigned).await;
    }
    state.context.log.job(&assigned.id, "chaos: two workers run it");
    tokio::join!(run_attempt(&state, &assigned), run_attempt(&state, &assigned)).0
}

/// The production attempt on a backend that injects the job's faults.
async fn run_attempt(state: &EmulatorState, assigned: &AssignedRun) -> RunResult {
    let (context, id) = (&state.context, assigned.id.as_str());
    let input = match parse_input(assigned.request.input.get()) {
        Ok(input) => input,
        Err(result) => return RunResult::Returned(result),
    };
    let stop = assigned.stop.child_token();
    let backend = FaultyBackend::new(
        WorkerBackend::new(context, id, &input),
        assigned.faults.worker_faults(assigned.run),
        stop.clone(),
    );
    let result = Attempt::new(context.clone(), backend.clone(), Some(id), input, stop).run().await;
    match backend.failure() {
        Some(WorkerFailure::Crash) if !assigned.stop.is_cancelled() => {
            context.log.job(id, "chaos: the worker dies");
            RunResult::Lost
        }
        Some(WorkerFailure::Hang) => {
            context.log.job(id, "chaos: the worker hangs");
            assigned.stop.cancelled().await;
            RunResult::Returned(result)
        }
        _ => RunResult::Returned(result),
    }
}

/// Scripted: the queue never learns the result, and the job fails when its time is over.
async fn drop_result(state: Arc<EmulatorState>, id: String, run: u64, timeout_at: Instant) {
    state.context.log.job(&id, "chaos: the result is lost");
    tokio::select! {
        () = sleep_until(timeout_at) => state.record_result(&id, run, RunResult::TimedOut),
        () = state.shutdown.cancelled() => {}
    }
}
