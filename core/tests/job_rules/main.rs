//! The rules of a job, one sentence each (design.md 4).
#![allow(unused_must_use, reason = "many steps only bring the job to where the rule begins")]

mod attempts;
mod endings;
mod life;
mod progress;
mod silence;
mod storage;
