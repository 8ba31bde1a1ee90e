//! The rules of a job, one test each.
#![allow(unused_must_use, reason = "many steps only prepare the job")]

mod attempts;
mod breaker;
mod companions;
mod endings;
mod fixture;
mod late_outputs;
mod polling;
mod progress;
mod storage;
mod storm;
