//! Every wait of the emulator in one place, so that tests can shorten them.

use std::time::Duration;

use super::PolicyMinimums;

/// How long the emulator waits for what. The default is RunPod's behaviour, as far as it is known.
#[derive(Clone, Debug)]
pub struct EmulatorTimeouts {
    /// When each try of a webhook is made, counted from the job's end.
    pub webhook_delays: Vec<Duration>,
    /// How long one try of a webhook may take.
    pub webhook_timeout: Duration,
    /// The shortest timeouts that a job may ask for.
    pub policy_minimums: PolicyMinimums,
}

impl Default for EmulatorTimeouts {
    fn default() -> Self {
        Self {
            webhook_delays: [0, 5, 20].map(Duration::from_secs).to_vec(),
            webhook_timeout: Duration::from_secs(10),
            policy_minimums: PolicyMinimums::default(),
        }
    }
}
