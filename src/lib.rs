//! The Worker: entry points only. Every decision is in `reel-core`.
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
mod index;
mod limits;
mod objects;
mod platform;
mod users;

use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event, web_sys};

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> Result<web_sys::Response> {
    Ok(api::handle_request(request, env, context).await)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    cron::run(&env).await;
}
