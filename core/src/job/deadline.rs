//! All timers of a job; the earliest is the object's one alarm.
//!
//! Invariant: handling a due timer moves it into the future or removes it, so waking always ends.

use crate::base::time::Timestamp;
use crate::job::state::{Job, JobState};
use crate::job::timeouts::Timeouts;

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Hand the job to RunPod.
    Submit,
    /// RunPod has refused the job for too long.
    SubmitTimeout,
    /// A submit was never answered: the object died on the way.
    SubmitReplyTimeout,
    /// No renderer took the job in time.
    QueueTimeout,
    /// The render takes too long.
    ExecutionTimeout,
    /// Ask RunPod about the job.
    Poll,
    /// Look for the result.
    CheckOutput,
    /// The bucket has not answered for too long.
    CheckOutputTimeout,
    /// Cancel the RunPod job at this place of the pending_cancels.
    PendingCancel(usize),
    /// Write the index row.
    Index,
}

/// Every timer that runs, in the order in which they are handled when several are due.
pub fn deadlines(job: &Job, timing: &Timeouts) -> Vec<(Deadline, Timestamp)> {
    let mut deadlines = Vec::with_capacity(4);
    match &job.state {
        JobState::PendingSubmit(waiting) => {
            if waiting.tries > 0 {
                let limit =
                    if waiting.unauthorized { timing.unauthorized_timeout } else { timing.queue_timeout };
                deadlines.push((Deadline::SubmitTimeout, waiting.since + limit));
            }
            deadlines.push((Deadline::Submit, waiting.due_at));
        }
        JobState::Submitting { sent_at, .. } => {
            deadlines.push((Deadline::SubmitReplyTimeout, *sent_at + timing.submit_reply_timeout))
        }
        JobState::Queued { submitted_at, poll: check, .. } => {
            deadlines.push((Deadline::QueueTimeout, *submitted_at + timing.queue_timeout));
            deadlines.push((Deadline::Poll, check.next_at));
        }
        JobState::Rendering(work) => {
            deadlines.push((Deadline::ExecutionTimeout, work.since + timing.execution_timeout));
            // Without RunPod's name of the job there is nobody to ask.
            if work.runpod_job_id.is_some() {
                let silent_at = work.last_heartbeat_at + timing.heartbeat_timeout;
                let ask_at = if work.poll.poll_requested {
                    work.poll.next_at
                } else {
                    silent_at.max(work.poll.next_at)
                };
                deadlines.push((Deadline::Poll, ask_at));
            }
        }
        JobState::Verifying { since, next_check_at, .. } => {
            deadlines.push((Deadline::CheckOutputTimeout, *since + timing.check_output_timeout));
            deadlines.push((Deadline::CheckOutput, *next_check_at));
        }
        JobState::Ended(_) => {}
    }
    deadlines.extend(
        job.pending_cancels
            .iter()
            .enumerate()
            .map(|(place, errand)| (Deadline::PendingCancel(place), errand.due_at)),
    );
    if job.index.wanted > job.index.written {
        deadlines.push((Deadline::Index, job.index.due_at));
    }
    deadlines
}

/// When the object must be woken; `None` when nothing is left to do.
pub fn next_deadline(job: &Job, timing: &Timeouts) -> Option<Timestamp> {
    deadlines(job, timing).into_iter().map(|(_, at)| at).min()
}

/// The first timer that is due.
pub fn first_due_deadline(job: &Job, timing: &Timeouts, now: Timestamp) -> Option<Deadline> {
    deadlines(job, timing).into_iter().find(|(_, at)| *at <= now).map(|(due, _)| due)
}
