//! Every statement of the index, with the types of its rows.

pub mod exports;
pub mod jobs;
pub mod projects;
pub mod statement;
