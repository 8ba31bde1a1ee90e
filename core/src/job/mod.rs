//! One job: what it is, what may happen to it, and what must then be done.
//!
//! The shell's whole part is `step = apply(job, event, now)`, one commit, and driving `step.effects`.

pub mod code;
pub mod deadline;
pub mod effect;
pub mod event;
pub mod state;
pub mod step;
pub mod timing;
pub mod usage;
pub mod view;
