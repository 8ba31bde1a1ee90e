//! All deadlines of a job. The earliest one is the alarm of its Durable Object.
//!
//! Invariant: handling a due deadline moves it into the future or removes it, so every alarm handler ends.

use crate::base::time::Timestamp;
use crate::job::state::{Job, JobState};
use crate::job::timeouts::Timeouts;
use crate::webhook::id::DeliveryId;

/// What is to be done when a deadline is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Submit the job to RunPod.
    Submit,
    /// RunPod has rejected the job for too long.
    SubmitTimeout,
    /// No reply to a submit was recorded: the object stopped in between.
    SubmitReplyTimeout,
    /// No GPU worker has started the job in time.
    QueueTimeout,
    /// The render takes too long.
    ExecutionTimeout,
    /// Poll RunPod for the job's status.
    Poll,
    /// Check the output again.
    CheckOutput,
    /// The bucket has not replied for too long.
    CheckOutputTimeout,
    /// Cancel the RunPod job at this index of [`Job::pending_cancels`].
    PendingCancel(usize),
    /// Delete what was put after the job had ended or gone on without it.
    SweepOutputs,
    /// Write the index row.
    Index,
    /// Send a delivery, or find that its attempt was interrupted.
    Webhook(DeliveryId),
}

/// Every running deadline, in the order in which they are handled if several are due.
pub fn deadlines(job: &Job, timeouts: &Timeouts) -> Vec<(Deadline, Timestamp)> {
    let mut deadlines = Vec::with_capacity(4);
    match &job.state {
        JobState::PendingSubmit(pending) => {
            if pending.tries > 0 {
                let limit =
                    if pending.unauthorized { timeouts.unauthorized_timeout } else { timeouts.queue_timeout };
                deadlines.push((Deadline::SubmitTimeout, pending.since + limit));
            }
            deadlines.push((Deadline::Submit, pending.due_at));
        }
        JobState::Submitting { sent_at, .. } => {
            deadlines.push((Deadline::SubmitReplyTimeout, *sent_at + timeouts.submit_reply_timeout));
        }
        JobState::Queued { submitted_at, poll, .. } => {
            deadlines.push((Deadline::QueueTimeout, *submitted_at + timeouts.queue_timeout));
            deadlines.push((Deadline::Poll, poll.next_at));
        }
        JobState::Rendering(rendering) => {
            deadlines.push((Deadline::ExecutionTimeout, rendering.since + timeouts.execution_timeout));
            // Without a RunPod job id, RunPod cannot be polled.
            if rendering.runpod_job_id.is_some() {
                let heartbeat_due_at = rendering.last_heartbeat_at + timeouts.heartbeat_timeout;
                let poll_at = if rendering.poll.poll_requested {
                    rendering.poll.next_at
                } else {
                    heartbeat_due_at.max(rendering.poll.next_at)
                };
                deadlines.push((Deadline::Poll, poll_at));
            }
        }
        JobState::Verifying { since, next_check_at, .. } => {
            deadlines.push((Deadline::CheckOutputTimeout, *since + timeouts.check_output_timeout));
            deadlines.push((Deadline::CheckOutput, *next_check_at));
        }
        JobState::Ended(_) => {}
    }
    deadlines.extend(
        job.pending_cancels
            .iter()
            .enumerate()
            .map(|(index, cancel)| (Deadline::PendingCancel(index), cancel.due_at)),
    );
    if let Some(sweep_at) = job.sweep_at.filter(|_| job.needs_sweep()) {
        deadlines.push((Deadline::SweepOutputs, sweep_at));
    }
    if job.index.wanted > job.index.written {
        deadlines.push((Deadline::Index, job.index.due_at));
    }
    deadlines.extend(job.webhooks.deadlines().map(|(id, at)| (Deadline::Webhook(id), at)));
    deadlines
}

/// When the alarm must fire; `None` if nothing is left to do.
pub fn next_deadline(job: &Job, timeouts: &Timeouts) -> Option<Timestamp> {
    deadlines(job, timeouts).into_iter().map(|(_, at)| at).min()
}

/// The first deadline that is due.
pub fn first_due_deadline(job: &Job, timeouts: &Timeouts, now: Timestamp) -> Option<Deadline> {
    deadlines(job, timeouts).into_iter().find(|(_, at)| *at <= now).map(|(deadline, _)| deadline)
}
