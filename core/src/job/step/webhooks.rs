//! Events that endpoints hear of, and the deliveries of them.

use crate::job::effect::{JobEffect, Outcome};
use crate::job::step::StepBuilder;
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::id::DeliveryId;
use crate::webhook::queue::EndedAttempt;

impl StepBuilder<'_> {
    /// The last entry is an event that endpoints hear of. Whoever calls has asked for a write of the index row, with
    /// which they are looked up.
    pub(super) fn announce(&mut self, event_type: WebhookEventType) {
        self.job.webhooks.announce(self.job.seq, event_type, self.now);
    }

    /// Written before it is sent, so that a crash cannot lose count of it.
    pub(super) fn delivery_due(&mut self, id: DeliveryId) {
        let (window, seed) = (self.timeouts.webhook_window, self.jitter_seed);
        if let Some(attempt) = self.job.webhooks.due(id, self.now, window, seed) {
            self.effects.push(JobEffect::DeliverWebhook(attempt));
        }
        self.persist = true;
    }

    pub(super) fn delivery_ended(&mut self, ended: EndedAttempt) -> Outcome {
        let (window, seed) = (self.timeouts.webhook_window, self.jitter_seed);
        let Some(note) = self.job.webhooks.replied(ended, self.now, window, seed) else {
            return Outcome::Ignored;
        };
        self.persist = true;
        if let (Some(note), Some(webhook_id)) = (note, ended.id.webhook_id) {
            self.effects.push(JobEffect::NoteEndpoint { webhook_id, note });
        }
        Outcome::Applied
    }

    pub(super) fn redelivery_requested(&mut self, id: DeliveryId) -> Outcome {
        if !self.job.webhooks.redeliver(id, self.now) {
            return Outcome::Ignored;
        }
        self.persist = true;
        Outcome::Applied
    }
}
