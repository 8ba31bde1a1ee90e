//! Scripted faults: `--chaos SCRIPT` makes the server misbehave as RunPod and GPU workers do.
//!
//! A script is JSON: `{"seed": 7, "fake_render_ms": 300, "rules": [{"when": {"attempt": 1, "type":
//! "overlay"}, "chance": 1.0, "faults": [{"fault": "crash_at", "percent": 60}]}]}`. Every rule that
//! matches a submission adds its faults to it; [`HELP`] lists them all.
//!
//! Invariants: without a script every [`Plan`] is honest; the dice are thrown once per export job
//! and attempt, so that a submission that is sent again meets the same fault, not another one; one
//! attempt's faults never reach another attempt.

mod misconduct;
mod plan;
mod script;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::value::RawValue;

use self::script::Marks;
use self::script::Script;

pub use misconduct::{Misconduct, Reporting};
pub use plan::{Call, Canned, Lie, Plan, WebhookManners};
pub use script::ScriptError;

/// What `serve --help` says about scripts.
pub const HELP: &str = "\
Play scripted faults, for tests of whoever calls this server. SCRIPT is a JSON file:

  {\"seed\": 7, \"fake_render_ms\": 300, \"rules\": [
    {\"when\": {\"attempt\": 1, \"type\": \"overlay\", \"run\": 1}, \"chance\": 0.5,
     \"faults\": [{\"fault\": \"crash_at\", \"percent\": 60}]}]}

Every rule that matches adds its faults. All of `when` is optional: the attempt of the export job, \
its type, and the run of one queue job (2 after a lost worker). `chance` is drawn once per attempt, \
from `seed`. `fake_render_ms` copies the input instead of rendering it.

Faults of the queue:
  answer {to: run|status|cancel, http, headers?, body?, delay_ms = 0, times = 1}
                                     say this instead, e.g. 429 with retry-after, 5xx, HTML, numeric status
  submit_times_out {hold_ms, runs = true}
                                     keep /run waiting so long; the job runs, or never existed
  stuck_in_queue | scaled_to_zero    no worker ever takes it, and none is there, says /health
  not_found_for {ms}                 /status answers 404 so long after the submission
  lying_status {status, output?, error?, for_ms?}
                                     /status tells this, from the submission on
  forgotten_after {ms}               /status answers 404 so long after the job's end
  lost_result                        the job stays IN_PROGRESS when the worker is done
  run_twice                          two workers get the job at the same time
  webhook_lost | webhook_doubled | webhook_delayed {ms} | webhook_lies {status}
Faults of the worker:
  crash_at {percent} | hang_at {percent}
                                     die, or say nothing more, at this progress (0 to 99)
  fail {code, sentence}              report this error instead of rendering
  fake_render {ms}                   copy the input instead of rendering it
  silent_progress | shuffled_progress
                                     no progress reports, or old ones again after newer ones
  lost_complete | lost_error         the final report is never sent
  duplicate_complete {times = 1} | progress_after_complete
  complete_without_output | empty_output | truncated_output
                                     report an output that was never put, has no bytes, or only half of them
  refused_poster                     put the picture as another type than was signed";

/// The script, and what was drawn from it so far.
#[derive(Debug, Default)]
pub struct Chaos {
    script: Script,
    drawn: Mutex<Drawn>,
}

#[derive(Debug)]
struct Drawn {
    dice: fastrand::Rng,
    plans: HashMap<(String, u32), Plan>,
}

impl Chaos {
    /// Reads a script.
    ///
    /// # Errors
    /// When the file cannot be read, or [`Chaos::parse`] fails.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    /// Names the first mistake of the script.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let script: Script = serde_json::from_str(json)?;
        script.check()?;
        let drawn = Drawn { dice: fastrand::Rng::with_seed(script.seed), plans: HashMap::new() };
        Ok(Self { script, drawn: Mutex::new(drawn) })
    }

    /// What is to go wrong with this submission; the same again for the same job and attempt.
    pub fn plan(&self, input: &RawValue) -> Plan {
        let marks: Marks = serde_json::from_str(input.get()).unwrap_or_default();
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let Drawn { dice, plans } = &mut *drawn;
        let key = (marks.job_id.clone(), marks.attempt);
        plans.entry(key).or_insert_with(|| self.script.draw(&marks, dice)).clone()
    }
}

impl Default for Drawn {
    fn default() -> Self {
        Self { dice: fastrand::Rng::with_seed(0), plans: HashMap::new() }
    }
}

#[cfg(test)]
mod tests;
