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
mod clock;
mod deadline;
mod env;
mod http;
mod index;
mod job_object;
mod job_store;
mod outbound;
mod sockets;
mod storage;
mod sweep;
mod upload_object;
mod upload_store;

use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event, web_sys};

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> Result<web_sys::Response> {
    Ok(api::handle_request(request, env).await)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweep::run(&env).await;
}
