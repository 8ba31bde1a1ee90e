//! The audit log: one line for each change, written after the answer. What is kept is the core's.

use reel_core::http::audit::{AuditTarget, caller_name, may_have_changed};
use reel_core::http::cross_site::Arrival as _;
use reel_core::http::route::RouteRow;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::sql::audit::{AuditEntry, insert_audit_entry};

use crate::api::RequestContext;
use crate::index;
use crate::platform::log::log;
use crate::platform::timeout::{BINDING, with_timeout};
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
    let database = env::database(context.env);
    context.background.wait_until(async move {
        let written = match database {
            Ok(database) => {
                with_timeout(BINDING, index::write(&database, vec![insert_audit_entry(&entry)])).await
            }
            Err(_) => Err("the database is not bound".into()),
        };
        if let Err(cause) = written {
            log(LogSubject::Request(&entry.request_id), LogEvent::AuditFailed, &cause.to_string());
        }
    });
}
