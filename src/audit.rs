//! The audit log: one line for each change, written after the answer. What is kept is the core's.

use std::cell::RefCell;

use reel_core::http::audit::{AuditTarget, caller_name, may_have_changed};
use reel_core::http::audit_queue::AuditQueue;
use reel_core::http::cross_site::Arrival as _;
use reel_core::http::problem::Problem;
use reel_core::http::route::RouteRow;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::sql::audit::{AuditEntry, insert_audit_entries};
use worker::D1Database;

use crate::api::RequestContext;
use crate::index;
use crate::platform::log::log;
use crate::platform::{clock, env};

/// Writes the line of a request that was answered so. The client does not wait for it: a line that is lost
/// is logged, and the change stands.
pub fn record(context: &RequestContext<'_>, target: AuditTarget, status: u16) {
    let (Some(caller), true) = (caller_name(&context.caller), may_have_changed(status)) else { return };
    let target = match target {
        AuditTarget::None => return,
        AuditTarget::Named(id) => id,
        AuditTarget::New => context.changed.take(),
    };
    let method = context.call.method();
    let row = RouteRow::find(method, context.call.path()).map_or("", |row| row.path);
    let entry = AuditEntry {
        at: clock::now(),
        request_id: context.request_id.to_owned(),
        caller: caller.to_owned(),
        owner: context.owner(),
        route: format!("{method} {row}"),
        target,
        status,
    };
    let is_writer = QUEUE.with_borrow_mut(|queue| queue.push(entry, clock::now()));
    if is_writer {
        let database = env::database(context.env);
        context.background.wait_until(write_waiting(database));
    }
}

/// Writes what waits, and what comes in the meantime.
async fn write_waiting(database: Result<D1Database, Problem>) {
    loop {
        let (lines, lost) = QUEUE.with_borrow_mut(|queue| (queue.take(clock::now()), queue.take_lost()));
        let Some(first) = lines.first() else { return };
        if lost > 0 {
            log(
                LogSubject::Request(&first.request_id),
                LogEvent::AuditFailed,
                &format!("{lost} lines were lost: too many waited"),
            );
        }
        let written = match &database {
            Ok(database) => index::write(database, vec![insert_audit_entries(&lines)]).await,
            Err(_) => Err("the database is not bound".into()),
        };
        if let Err(cause) = written {
            let detail = format!("{} lines were lost: {cause}", lines.len());
            log(LogSubject::Request(&first.request_id), LogEvent::AuditFailed, &detail);
        }
    }
}

thread_local! {
    // Never borrowed over an await.
    static QUEUE: RefCell<AuditQueue> = RefCell::default();
}
