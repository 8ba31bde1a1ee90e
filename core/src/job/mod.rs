//! One job as a state machine: its spec, state, events and effects.
//!
//! The shell calls `apply(job, event, now)`, commits the step, and performs `step.effects`. Nothing here knows
//! HTTP or RunPod's JSON.

pub mod breaker;
pub mod companions;
pub mod deadline;
pub mod effect;
pub mod error_code;
pub mod estimate;
pub mod event;
pub mod execution_timeout;
pub mod filmstrip;
pub mod gpu_service;
pub mod labels;
pub mod log;
pub mod output_media;
pub mod retention;
pub mod snapshot;
pub mod spec;
pub mod state;
pub mod status;
pub mod step;
pub mod timeouts;
pub mod usage;
