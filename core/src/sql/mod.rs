//! Every statement on the index in D1, with the types of its rows.
//!
//! Invariants: the index is never the truth, which each job's object holds; an older row never overwrites
//! a newer one. The tests run each statement on a real SQLite.

pub mod exports;
pub mod jobs;
pub mod projects;
pub mod references;
pub mod statement;
