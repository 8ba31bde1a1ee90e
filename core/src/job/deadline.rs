//! All timers of a job; the earliest is the object's one alarm.
//!
//! Invariant: handling a due timer moves it into the future or removes it, so waking always ends.

use crate::job::state::{Job, State};
use crate::job::timing::Timing;
use crate::time::Millis;

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Hand the job to RunPod.
    Submit,
    /// RunPod has refused the job for too long.
    WaitOver,
    /// A submit was never answered: the object died on the way.
    SubmitLost,
    /// No renderer took the job in time.
    QueueOver,
    /// The render takes too long.
    ExecutionOver,
    /// Ask RunPod about the job.
    Ask,
    /// Look for the result.
    Look,
    /// The bucket has not answered for too long.
    LookOver,
    /// Cancel the RunPod job at this place of the errands.
    Errand(usize),
    /// Write the index row.
    Index,
}

/// Every timer that runs, in the order in which they are handled when several are due.
pub fn timers(job: &Job, timing: &Timing) -> Vec<(Due, Millis)> {
    let mut timers = Vec::with_capacity(4);
    match &job.state {
        State::Waiting(waiting) => {
            if waiting.tries > 0 {
                let limit = if waiting.unauthorized { timing.unauthorized_limit } else { timing.queue };
                timers.push((Due::WaitOver, waiting.since + limit));
            }
            timers.push((Due::Submit, waiting.due_at));
        }
        State::Submitting { sent_at, .. } => timers.push((Due::SubmitLost, *sent_at + timing.submit_lost)),
        State::Queued { submitted_at, check, .. } => {
            timers.push((Due::QueueOver, *submitted_at + timing.queue));
            timers.push((Due::Ask, check.next_at));
        }
        State::Rendering(work) => {
            timers.push((Due::ExecutionOver, work.since + timing.execution));
            // Without RunPod's name of the job there is nobody to ask.
            if work.gpu_job.is_some() {
                let silent_at = work.heard_at + timing.silence;
                let ask_at =
                    if work.check.hinted { work.check.next_at } else { silent_at.max(work.check.next_at) };
                timers.push((Due::Ask, ask_at));
            }
        }
        State::Verifying { since, look_at, .. } => {
            timers.push((Due::LookOver, *since + timing.look_limit));
            timers.push((Due::Look, *look_at));
        }
        State::Ended(_) => {}
    }
    timers.extend(job.errands.iter().enumerate().map(|(place, errand)| (Due::Errand(place), errand.due_at)));
    if job.index.wanted > job.index.written {
        timers.push((Due::Index, job.index.due_at));
    }
    timers
}

/// When the object must be woken; `None` when nothing is left to do.
pub fn next_wake(job: &Job, timing: &Timing) -> Option<Millis> {
    timers(job, timing).into_iter().map(|(_, at)| at).min()
}

/// The first timer that is due.
pub fn first_due(job: &Job, timing: &Timing, now: Millis) -> Option<Due> {
    timers(job, timing).into_iter().find(|(_, at)| *at <= now).map(|(due, _)| due)
}
