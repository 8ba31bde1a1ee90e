//! Capabilities: who may do what, proved by a text.

pub mod token;
