//! The Worker: entry points only, which `entry.mjs` calls. Every decision is in `reel-core`.
//!
//! Invariant: no handler returns an error to the runtime. Each failure becomes a problem with a
//! request id, and its cause is logged once.

// A panic ends every request of the isolate: none may be reachable.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)
)]

mod api;
mod audit;
mod clients;
mod cron;
mod direct;
mod index;
mod limits;
mod objects;
mod platform;
mod users;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, ScheduleContext, ScheduledEvent, event};

/// The entry module calls it to get a new instance after a panic: the glue renews itself before any function that
/// takes no text. There is nothing to prepare.
#[wasm_bindgen]
#[allow(clippy::missing_const_for_fn, reason = "an export is not const")]
pub fn start() {}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    cron::run(&env).await;
}
