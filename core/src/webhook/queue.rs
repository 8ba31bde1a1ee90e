//! The deliveries of one job: what is sent next, and what follows from an answer.
//!
//! Invariants: an attempt is stored before it is sent. Of one endpoint one delivery is in flight at most, and those of
//! one endpoint begin in the order of `seq`. An answer to an attempt that is over changes nothing.

use crate::base::time::{DurationMs, Timestamp};
use crate::webhook::delivery::{
    Delivery, DeliveryFault, DeliveryReply, DeliveryState, EndpointNote, LastAttempt, Subscription,
};
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::id::DeliveryId;
use crate::webhook::retry::next_attempt_at;

/// The deliveries of a job. A job without endpoints has none, and stores nothing of them once that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookQueue {
    /// Whether the job has a `webhook_url` of its own.
    pub has_own_url: bool,
    /// Events whose endpoints are not looked up yet.
    pub announced: Vec<Announced>,
    /// In the order of `seq` for each endpoint.
    pub deliveries: Vec<Delivery>,
}

/// An event that endpoints may hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its number.
    pub seq: u64,
    /// What happened.
    pub event_type: WebhookEventType,
}

/// An attempt that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub id: DeliveryId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

impl WebhookQueue {
    /// Whether nothing of it must be stored.
    pub const fn is_empty(&self) -> bool {
        !self.has_own_url && self.announced.is_empty() && self.deliveries.is_empty()
    }

    /// An event has happened. The job's own URL hears of it in any case; which endpoints do is looked up with the
    /// write of the job's row.
    pub fn announce(&mut self, seq: u64, event_type: WebhookEventType, now: Timestamp) {
        self.announced.push(Announced { seq, event_type });
        if self.has_own_url {
            self.push(DeliveryId { seq, webhook_id: None }, event_type, false, now);
        }
    }

    /// The endpoints of the job's owner were looked up.
    pub fn fan_out(&mut self, subscriptions: &[Subscription], now: Timestamp) {
        for Announced { seq, event_type } in std::mem::take(&mut self.announced) {
            for subscription in subscriptions.iter().filter(|one| one.event_types.contains(&event_type)) {
                let id = DeliveryId { seq, webhook_id: Some(subscription.webhook_id) };
                self.push(id, event_type, subscription.is_hidden, now);
            }
        }
    }

    fn push(&mut self, id: DeliveryId, event_type: WebhookEventType, is_hidden: bool, now: Timestamp) {
        if self.find(id).is_some() {
            return;
        }
        if self.deliveries.len() >= DELIVERIES_KEPT
            && let Some(ended) = self.deliveries.iter().position(Delivery::has_ended)
        {
            self.deliveries.remove(ended);
        }
        let state = DeliveryState::Waiting(now);
        self.deliveries.push(Delivery {
            id,
            event_type,
            is_hidden,
            since: now,
            attempts: 0,
            earlier_attempts: 0,
            state,
            last: None,
        });
    }

    /// A delivery by its name.
    pub fn find(&self, id: DeliveryId) -> Option<&Delivery> {
        self.deliveries.iter().find(|delivery| delivery.id == id)
    }

    /// For each endpoint, the delivery that is next or in flight, with the moment at which something is to be done.
    pub fn deadlines(&self) -> impl Iterator<Item = (DeliveryId, Timestamp)> {
        let open = || self.deliveries.iter().filter(|delivery| !delivery.has_ended());
        open().filter_map(move |delivery| {
            // What is in flight goes before what waits, and what waits goes in its order.
            let target = delivery.id.webhook_id;
            let mut same = open().filter(|other| other.id.webhook_id == target);
            let turn = same.clone().find(|other| other.is_in_flight()).or_else(|| same.next())?;
            (turn.id == delivery.id).then(|| match delivery.state {
                DeliveryState::Sending(sent_at) => (delivery.id, sent_at + LEASE),
                DeliveryState::Waiting(due_at) => (delivery.id, due_at),
                DeliveryState::Delivered | DeliveryState::Failed => (delivery.id, delivery.since),
            })
        })
    }

    /// A delivery's moment has come: it is sent, or its attempt has had no answer for so long that this API must have
    /// been interrupted.
    pub fn due(
        &mut self,
        id: DeliveryId,
        now: Timestamp,
        window: DurationMs,
        jitter_seed: u32,
    ) -> Option<DeliveryAttempt> {
        let delivery = self.deliveries.iter_mut().find(|delivery| delivery.id == id)?;
        match delivery.state {
            DeliveryState::Waiting(_) => {
                delivery.attempts += 1;
                delivery.state = DeliveryState::Sending(now);
                Some(DeliveryAttempt { id, attempt: delivery.attempts })
            }
            DeliveryState::Sending(_) => {
                let reply = DeliveryReply::failed(DeliveryFault::Interrupted);
                delivery.replied(reply, now, window, jitter_seed);
                None
            }
            DeliveryState::Delivered | DeliveryState::Failed => None,
        }
    }

    /// An attempt has ended. `None` when it was over already; else what follows for its endpoint, if anything.
    #[allow(clippy::option_option, reason = "nothing follows and nothing changed are different answers")]
    pub fn replied(
        &mut self,
        ended: EndedAttempt,
        now: Timestamp,
        window: DurationMs,
        jitter_seed: u32,
    ) -> Option<Option<EndpointNote>> {
        let EndedAttempt { id, attempt, reply, was_failing } = ended;
        let delivery = self.deliveries.iter_mut().find(|delivery| delivery.id == id)?;
        if delivery.attempts != attempt || !delivery.is_in_flight() {
            return None;
        }
        delivery.replied(reply, now, window, jitter_seed);
        Some(match reply.fault {
            None => was_failing.then_some(EndpointNote::Recovered),
            Some(DeliveryFault::Gone) => Some(EndpointNote::Gone),
            Some(fault) if !fault.is_of_receiver() => None,
            Some(_) if !was_failing => Some(EndpointNote::BeganToFail),
            Some(_) => delivery.has_ended().then_some(EndpointNote::GaveUp),
        })
    }

    /// Somebody asks for a delivery once more: with the same message id, and a new window. One that waits is sent at
    /// once; one that is in flight goes on.
    pub fn redeliver(&mut self, id: DeliveryId, now: Timestamp) -> bool {
        let Some(delivery) = self.deliveries.iter_mut().find(|delivery| delivery.id == id) else {
            return false;
        };
        if !delivery.is_in_flight() {
            delivery.since = now;
            // Attempts keep their numbers: an answer to an earlier one must not be taken for a later one's.
            delivery.earlier_attempts = delivery.attempts;
            delivery.state = DeliveryState::Waiting(now);
        }
        true
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedAttempt {
    /// The delivery.
    pub id: DeliveryId,
    /// The number of the attempt.
    pub attempt: u32,
    /// What came of it.
    pub reply: DeliveryReply,
    /// Whether the endpoint was failing before, as its row says.
    pub was_failing: bool,
}

impl Delivery {
    /// Whether it was delivered or given up.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, DeliveryState::Delivered | DeliveryState::Failed)
    }

    const fn is_in_flight(&self) -> bool {
        matches!(self.state, DeliveryState::Sending(_))
    }

    fn replied(&mut self, reply: DeliveryReply, now: Timestamp, window: DurationMs, jitter_seed: u32) {
        let DeliveryReply { status, fault, retry_after } = reply;
        self.last = Some(LastAttempt { at: now, status, fault });
        let attempts = self.attempts.saturating_sub(self.earlier_attempts);
        self.state = match fault {
            None => DeliveryState::Delivered,
            Some(fault) if fault.is_final() => DeliveryState::Failed,
            Some(_) => next_attempt_at(self.since, attempts, now, retry_after, window, jitter_seed)
                .map_or(DeliveryState::Failed, DeliveryState::Waiting),
        };
    }
}

/// How long an answer may take, with the time that is needed to store it: after that, the attempt was interrupted.
pub const LEASE: DurationMs = DurationMs::seconds(30);
/// How long one request may take.
pub const REQUEST_TIMEOUT: DurationMs = DurationMs::seconds(15);
/// Older ones that have ended are forgotten: a job's row holds them all.
const DELIVERIES_KEPT: usize = 100;
/// An endpoint that has failed for so many windows of deliveries is switched off.
pub const DAYS_OF_FAILURE: i64 = 5;
