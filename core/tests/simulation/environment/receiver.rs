//! Servers that hear of the job's events: slow, failing, gone, or well.

use std::collections::BTreeMap;

use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::log::{LogEntry, MessageType};
use reel_core::job::state::Job;
use reel_core::webhook::delivery::{DeliveryFault, DeliveryReply, DeliveryState, EndpointNote, Subscription};
use reel_core::webhook::event_type::WebhookEventType;
use reel_core::webhook::id::WebhookId;
use reel_core::webhook::queue::{DeliveryAttempt, EndedAttempt, LEASE, REQUEST_TIMEOUT};
use reel_core::webhook::retry::{ATTEMPTS_MAX, WINDOW};

use super::Simulation;
use crate::invariants::Invariants;
use crate::rng::SeededRng;

/// Every server of a history.
pub struct Receivers {
    pub has_own_url: bool,
    /// What broke at a server, told at the next step.
    pub broken: Option<String>,
    endpoints: Vec<Subscription>,
    failing: Vec<WebhookId>,
    disabled: Vec<WebhookId>,
    /// Until when a request may still be open, by its server, and the attempt that it belongs to.
    in_flight: BTreeMap<Option<WebhookId>, (u64, u32, Timestamp)>,
    /// The attempts of each event that a server has seen, and whether one was answered well.
    seen: BTreeMap<(Option<WebhookId>, u64), (u32, bool)>,
    /// How often they fail, in a thousand cases.
    fault_permille: u64,
}

impl Receivers {
    pub fn new(rng: &mut SeededRng) -> Self {
        let count = rng.below(3);
        let endpoint = |number: u64| Subscription {
            webhook_id: WebhookId::from_random([u8::try_from(number).expect("a few") + 1; 16]),
            event_types: WebhookEventType::ALL.into_iter().filter(|_| rng.chance_permille(700)).collect(),
            is_hidden: number == 1,
        };
        let endpoints = (0..count).map(endpoint).collect();
        Self {
            has_own_url: rng.chance_permille(300),
            broken: None,
            endpoints,
            failing: Vec::new(),
            disabled: Vec::new(),
            in_flight: BTreeMap::new(),
            seen: BTreeMap::new(),
            fault_permille: [0, 300, 950][usize::try_from(rng.below(3)).expect("below 3")],
        }
    }

    /// The rows that the index has.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let is_on = |one: &&Subscription| !self.disabled.contains(&one.webhook_id);
        self.endpoints.iter().filter(is_on).cloned().collect()
    }

    pub fn note(&mut self, webhook_id: WebhookId, note: EndpointNote) {
        match note {
            EndpointNote::Recovered => self.failing.retain(|one| *one != webhook_id),
            EndpointNote::BeganToFail => self.failing.push(webhook_id),
            EndpointNote::GaveUp | EndpointNote::Gone => self.disabled.push(webhook_id),
        }
    }

    /// Every event that a server asked for was delivered, or given up for a reason.
    pub fn at_the_end(&self, job: &Job, invariants: &Invariants) -> Result<(), String> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        if !job.webhooks.announced.is_empty() {
            return Err(format!("endpoints were never looked up for {:?}", job.webhooks.announced));
        }
        let targets = self.endpoints.iter().map(|one| (Some(one.webhook_id), one.event_types.clone()));
        let own = self.has_own_url.then(|| (None, WebhookEventType::ALL.to_vec()));
        for (target, wanted) in targets.chain(own) {
            let is_off = target.is_some_and(|id| self.disabled.contains(&id));
            for (seq, event_type) in events(invariants.log()) {
                let delivery = job
                    .webhooks
                    .deliveries
                    .iter()
                    .find(|one| one.id.seq == seq && one.id.webhook_id == target);
                let Some(delivery) = delivery else {
                    if wanted.contains(&event_type) && !is_off {
                        return Err(format!("{event_type} {seq} has no delivery to {target:?}"));
                    }
                    continue;
                };
                if !wanted.contains(&event_type) || delivery.event_type != event_type {
                    return Err(format!("{delivery:?} is none of {wanted:?}"));
                }
                let (attempts, well) = self.seen.get(&(target, seq)).copied().unwrap_or_default();
                let last = delivery.last.ok_or("a delivery without an end")?;
                let is_right = match delivery.state {
                    DeliveryState::Delivered => well,
                    DeliveryState::Failed => {
                        last.fault.is_some_and(DeliveryFault::is_final)
                            || last.at.since(delivery.since) >= WINDOW
                            || delivery.attempts >= ATTEMPTS_MAX
                    }
                    DeliveryState::Waiting(_) | DeliveryState::Sending(_) => false,
                };
                if !is_right || attempts > delivery.attempts || delivery.attempts > ATTEMPTS_MAX {
                    return Err(format!("{delivery:?}, of which {target:?} saw {attempts}, well {well}"));
                }
            }
        }
        Ok(())
    }
}

/// The events of a log that are delivered, as a reader of the log sees them.
fn events(log: &[LogEntry]) -> Vec<(u64, WebhookEventType)> {
    let (mut started, mut events) = (false, Vec::new());
    for entry in log {
        let event_type = match entry.message_type {
            MessageType::Complete => Some(WebhookEventType::Complete),
            MessageType::Error => {
                let code = entry.snapshot.failure.as_ref().expect("a failure").code;
                let is_cancelled = code == reel_core::job::error_code::ErrorCode::Cancelled;
                Some(if is_cancelled { WebhookEventType::Cancelled } else { WebhookEventType::Error })
            }
            MessageType::Progress if entry.snapshot.started_at.is_some() && !started => {
                Some(WebhookEventType::Started)
            }
            MessageType::Status | MessageType::Progress => None,
        };
        started = entry.snapshot.started_at.is_some();
        events.extend(event_type.map(|event_type| (entry.seq, event_type)));
    }
    events
}

impl Simulation {
    /// Sends an attempt. How it ends and after which time, unless nobody hears of that.
    pub(super) fn deliver(&mut self, sent: DeliveryAttempt) -> Result<Option<(EndedAttempt, i64)>, String> {
        let DeliveryAttempt { id, attempt } = sent;
        let target = id.webhook_id;
        let known = self.stored.webhooks.find(id).ok_or_else(|| format!("{id} was not stored"))?;
        if known.attempts != attempt || !matches!(known.state, DeliveryState::Sending(_)) {
            return Err(format!("attempt {attempt} of {id} was sent, and stored is {known:?}"));
        }
        if self.invariants.log().iter().all(|entry| entry.seq != id.seq) {
            return Err(format!("{id} was sent before its event was committed"));
        }
        let others = self.stored.webhooks.deliveries.iter().filter(|other| other.id.webhook_id == target);
        if let Some(other) = others.filter(|other| other.id.seq < id.seq).find(|other| !other.has_ended()) {
            return Err(format!("{id} overtook {other:?}"));
        }
        if let Some((seq, _, until)) = self.receivers.in_flight.get(&target)
            && *until > self.now
            && !self.clock_jumped
        {
            return Err(format!("{id} was sent while {seq} was in flight at {target:?}"));
        }
        let fails = self.rng.chance_permille(self.receivers.fault_permille);
        // A server may do its work and lose its answer.
        let wait_ms = self.rng.between_ms(1, REQUEST_TIMEOUT.0);
        let reply = if fails {
            match self.rng.below(12) {
                0 => DeliveryReply::of_status(429, Some("100")),
                1 => DeliveryReply::of_status(503, Some("90000")),
                2 => DeliveryReply::of_status(302, None),
                3 if self.rng.chance_permille(200) => DeliveryReply::of_status(410, None),
                4 | 5 => DeliveryReply::failed(DeliveryFault::TimedOut),
                6 => DeliveryReply::failed(DeliveryFault::NoConnection),
                7 => DeliveryReply::failed(DeliveryFault::Unavailable),
                _ => DeliveryReply::of_status(500, None),
            }
        } else {
            DeliveryReply::of_status(200, None)
        };
        let was_failing = target.is_some_and(|id| self.receivers.failing.contains(&id));
        let seen = self.receivers.seen.entry((target, id.seq)).or_default();
        *seen = (seen.0 + 1, seen.1 || reply.fault.is_none());
        if self.rng.chance_permille(self.fault_rates.lost_permille) {
            // The process stopped, and its request with it.
            self.receivers.in_flight.remove(&target);
            return Ok(None);
        }
        self.receivers
            .in_flight
            .insert(target, (id.seq, attempt, self.now + DurationMs(wait_ms.min(LEASE.0))));
        Ok(Some((EndedAttempt { id, attempt, reply, was_failing }, wait_ms)))
    }
}
