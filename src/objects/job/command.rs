//! What the Worker asks of a job's object: one typed command, in the body of an internal request.

use reel_core::edit::JobType;
use reel_core::job::event::Report;
use reel_core::job::spec::JobSpec;
use serde::{Deserialize, Serialize};

/// An order to a job's object.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobCommand {
    /// Take this job, or answer with the one that is here if it is the same.
    Create {
        /// What is asked for.
        order: JobSpec,
        /// Whether all of its inputs are in the bucket: otherwise only an existing job is answered.
        inputs_found: bool,
    },
    /// The job JSON, if it is of this kind.
    Get {
        /// Any, when it is not said.
        kind: Option<JobType>,
    },
    /// Whether this key is its result or its picture: the index may not know yet.
    HasOutput {
        /// The key, under the job's own prefix.
        key: String,
    },
    /// The stored events after this one.
    Events {
        /// Number of the last event that the caller has.
        after: u64,
    },
    /// A GPU worker's report; its token was good for this attempt.
    Report {
        /// The token's attempt.
        attempt: u32,
        /// What it said.
        report: Report,
    },
    /// RunPod's webhook.
    Webhook {
        /// The token's attempt.
        attempt: u32,
    },
    /// The sweep found the index row at this version.
    Reconcile {
        /// The row's version.
        version: u64,
    },
    /// Forget it, with its files.
    Delete,
    /// Stop it.
    Cancel,
    /// Start it over.
    Retry,
}
