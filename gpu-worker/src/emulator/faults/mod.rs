//! Scripted faults: `--chaos SCRIPT` makes the server fail as RunPod and GPU workers do.
//!
//! A script is JSON: `{"seed": 7, "fake_render_ms": 300, "rules": [{"when": {"attempt": 1, "type":
//! "overlay"}, "chance": 1.0, "faults": [{"fault": "crash_at", "percent": 60}]}]}`. Every rule that
//! matches a submission adds its faults to it; [`HELP`] lists them all.
//!
//! Faults of the queue are asked for by the routes and the slots ([`FaultPlan`]); faults of the worker are
//! injected into the production attempt by [`FaultyBackend`].
//!
//! Invariants: without a script no [`FaultPlan`] has a fault; faults are drawn once for each export job
//! and attempt, so that a submission that is sent again meets the same ones; the faults of one attempt
//! never reach another.

mod backend;
mod plan;
mod script;
mod worker;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use self::script::{FaultScript, JobAttributes};

pub use self::script::ScriptError;

pub(super) use self::backend::{FaultyBackend, WorkerFailure};
pub(super) use self::plan::{Endpoint, FaultPlan, ScriptedResponse, StatusOverride};

/// What `serve --help` says about scripts.
pub const HELP: &str = "\
Inject scripted faults, to test clients of this server. SCRIPT is a JSON file:

  {\"seed\": 7, \"fake_render_ms\": 300, \"rules\": [
    {\"when\": {\"attempt\": 1, \"type\": \"overlay\", \"run\": 1}, \"chance\": 0.5,
     \"faults\": [{\"fault\": \"crash_at\", \"percent\": 60}]}]}

Every rule that matches adds its faults. Each member of `when` is optional: the attempt of the export job, \
its type, and the run of one RunPod job (2 after a lost worker). `chance` is drawn once per attempt, \
from `seed`. `fake_render_ms` copies the input instead of rendering it.

Faults of the queue:
  answer {to: run|status|cancel, http, headers?, body?, delay_ms = 0, times = 1}
                                     respond with this: 429, 5xx, HTML, a number, ...
  submit_times_out {hold_ms, runs = true}
                                     /run responds 504 after this; the job runs or is lost
  stuck_in_queue | scaled_to_zero    no worker takes it; the latter shows none in /health
  not_found_for {ms}                 /status responds 404 this long after the submission
  lying_status {status, output?, error?, for_ms?}
                                     /status responds with this, from the submission on
  forgotten_after {ms}               /status responds 404 this long after the job's end
  lost_result                        the job stays IN_PROGRESS after its end
  run_twice                          two workers get the job at the same time
  webhook_lost | webhook_doubled | webhook_delayed {ms} | webhook_lies {status}
Faults of the worker:
  crash_at {percent} | hang_at {percent}
                                     die or hang at this progress (0 to 99)
  fail {code, sentence}              report this error instead of rendering
  fake_render {ms}                   copy the input instead of rendering it
  silent_progress | shuffled_progress
                                     no progress reports, or old ones after newer ones
  lost_complete | lost_error         never send the final report
  duplicate_complete {times = 1} | progress_after_complete
  complete_without_output | empty_output | truncated_output
                                     report an output that is missing, empty or cut
  refused_poster                     upload the poster with another type than was signed";

/// The script, and what was drawn from it so far.
#[derive(Debug)]
pub struct FaultInjector {
    script: FaultScript,
    drawn: Mutex<DrawState>,
}

#[derive(Debug)]
struct DrawState {
    rng: fastrand::Rng,
    plans: HashMap<(String, u32), Arc<FaultPlan>>,
}

impl FaultInjector {
    fn new(script: FaultScript) -> Self {
        let drawn = DrawState { rng: fastrand::Rng::with_seed(script.seed), plans: HashMap::new() };
        Self { script, drawn: Mutex::new(drawn) }
    }

    /// Reads a script from a file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads the text of a script; the error names its first mistake.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let script: FaultScript = serde_json::from_str(json)?;
        script.check()?;
        Ok(Self::new(script))
    }

    /// The faults of this submission; the same ones again for the same job and attempt.
    pub(super) fn plan(&self, input: &RawValue) -> Arc<FaultPlan> {
        let job: JobAttributes = serde_json::from_str(input.get()).unwrap_or_default();
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let DrawState { rng, plans } = &mut *drawn;
        let key = (job.job_id.clone(), job.attempt);
        plans.entry(key).or_insert_with(|| Arc::new(self.script.select_faults(&job, rng))).clone()
    }
}

impl Default for FaultInjector {
    /// No faults.
    fn default() -> Self {
        Self::new(FaultScript::default())
    }
}

#[cfg(test)]
mod tests;
