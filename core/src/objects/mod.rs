//! What the Worker and its Durable Objects say to each other, and the rules of an object that are not rules
//! of its state machine: who reads and hears what, how a deletion goes, when a subscriber is let in.
//!
//! Invariant: nothing acts on a bare HTTP status. A command and its reply are types of this folder, and
//! "there is no such job" is a reply of the object itself.

pub mod deletion;
pub mod direct;
pub mod job;
pub mod job_view;
pub mod log_event;
pub mod message_rate;
pub mod reader;
pub mod reconcile;
pub mod reply;
pub mod subscribe;
pub mod upload;
pub mod webhook_delivery;
