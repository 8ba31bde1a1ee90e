//! Every statement on the index in D1, with the types of its rows.
//!
//! Invariants: the index is never the truth, which each job's object holds; an older row never overwrites
//! a newer one. The tests run each statement on a real SQLite.

pub mod audit;
pub mod exports;
mod job_pages;
pub mod jobs;
pub mod owners;
pub mod projects;
pub mod references;
pub mod rows;
pub mod statement;
pub mod webhooks;

/// Whether D1 says so that a migration was not applied.
pub fn lacks_tables(error: &str) -> bool {
    error.contains("no such table")
        || error.contains("no such column")
        || error.contains("has no column named")
}
