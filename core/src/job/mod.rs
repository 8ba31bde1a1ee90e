//! One job: what it is, what may happen to it, and what must then be done.
//!
//! The shell's whole part is `step = apply(job, event, now)`, one commit, and driving `step.effects`.

pub mod deadline;
pub mod effect;
pub mod error_code;
pub mod event;
pub mod gpu_service;
pub mod log;
pub mod retention;
pub mod snapshot;
pub mod spec;
pub mod state;
pub mod status;
pub mod step;
pub mod timeouts;
pub mod usage;
