//! Webhooks to a user's server: which addresses are called, how a delivery is signed, and when it is tried again.
//!
//! Invariants: nothing is sent before its event is committed; of one job and one endpoint at most one delivery is in
//! flight, in the order of `seq`. Nothing here knows HTTP's wire, D1 or a clock.

pub mod address;
pub mod delivery;
pub mod event_type;
pub mod id;
pub mod queue;
pub mod retry;
pub mod signature;
mod stored;
