//! Deliveries of a job's events: each goes on by itself, so that no alarm and no caller waits for a user's server.

use reel_core::base::time::DurationMs;
use reel_core::http::problem::Problem;
use reel_core::job::event::JobEvent;
use reel_core::objects::log_event::LogEvent;
use reel_core::objects::webhook_delivery::{WebhookRequest, delivery_request};
use reel_core::sql::webhooks::{WebhookRow, note_endpoint, select_target};
use reel_core::webhook::delivery::{DeliveryFault, DeliveryReply, EndpointNote};
use reel_core::webhook::id::{DeliveryId, WebhookId};
use reel_core::webhook::queue::{DeliveryAttempt, EndedAttempt};

use super::{JobObject, LoadedJob};
use crate::clients::webhook;
use crate::index;
use crate::platform::{clock, env};

impl JobObject {
    /// Begins an attempt that is stored already. If this instance ends before its answer comes, the alarm finds that
    /// out.
    pub(super) fn begin_delivery(&self, attempt: DeliveryAttempt) {
        let Some(me) = self.me.upgrade() else { return };
        self.state.wait_until(async move {
            if let Err(problem) = me.deliver(attempt).await {
                me.log(LogEvent::JobFailed, &format!("a delivery was not noted: {}", problem.detail));
            }
        });
    }

    async fn deliver(&self, attempt: DeliveryAttempt) -> Result<(), Problem> {
        let DeliveryAttempt { id, attempt } = attempt;
        let (reply, was_failing) = match self.prepare_delivery(id).await {
            Some(Ok((request, was_failing))) => (webhook::send(&request).await, was_failing),
            Some(Err(fault)) => (DeliveryReply::failed(fault), false),
            None => (DeliveryReply::failed(DeliveryFault::Unavailable), false),
        };
        if let Some(fault) = reply.fault {
            let status = reply.status.map(|status| format!(" ({status})")).unwrap_or_default();
            let detail = format!("delivery {id}, attempt {attempt}: {fault}{status}");
            self.log(LogEvent::WebhookFailed, &detail);
        }
        // The job may have been deleted meanwhile.
        if self.load()?.is_none() {
            return Ok(());
        }
        let ended = EndedAttempt { id, attempt, reply, was_failing };
        Box::pin(self.advance(JobEvent::DeliveryEnded(ended))).await.map(|_| ())
    }

    /// The request of an attempt, and whether its endpoint was failing; or why there is none. `None` when storage or the
    /// index does not answer.
    async fn prepare_delivery(
        &self,
        id: DeliveryId,
    ) -> Option<Result<(WebhookRequest, bool), DeliveryFault>> {
        let mut row = None;
        if let Some(webhook_id) = id.webhook_id {
            let owner = self.load().ok()??.spec.owner;
            let database = env::database(&self.env).ok()?;
            let rows = index::query(&database, select_target(owner, webhook_id)).await.ok()?;
            row = rows.first().and_then(|row| WebhookRow::parse(row));
            if row.is_none() {
                return Some(Err(DeliveryFault::EndpointDeleted));
            }
        }
        // As it is after the wait: links may have been revoked.
        let LoadedJob { spec, job } = self.load().ok()??;
        let (entry, config) = (self.store.event(id.seq).ok()??, env::config(&self.env).ok()?);
        let event = (job.webhooks.find(id)?.event_type, &entry);
        let request = delivery_request(&config, (&spec, &job), event, row.as_ref(), clock::now());
        Some(request.map(|request| (request, row.is_some_and(|row| row.is_failing))))
    }

    /// Keeps in an endpoint's row what came of a delivery. If that fails, the next delivery says it again.
    pub(super) async fn note_endpoint(
        &self,
        webhook_id: WebhookId,
        note: EndpointNote,
        limit: DurationMs,
    ) -> Result<(), Problem> {
        let Some(LoadedJob { spec, .. }) = self.load()? else { return Ok(()) };
        let statement = note_endpoint(spec.owner, webhook_id, note, limit, clock::now());
        let written = index::write(&env::database(&self.env)?, vec![statement]).await;
        written.map(|_| ()).map_err(|cause| self.log_and_hide("noting a webhook's state", &cause))
    }
}
