//! The queue as it is stored: a list of lines, since a derived form of each of its types would be a tenth of them all in
//! the compiled code.
//!
//! Invariant: a line that cannot be read is left out, so that a job of a newer release still loads after a rollback.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::time::Timestamp;
use crate::webhook::delivery::{Delivery, DeliveryFault, DeliveryState, LastAttempt};
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::queue::{Announced, WebhookQueue};

impl Serialize for WebhookQueue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines = Vec::with_capacity(self.deliveries.len() + 1);
        if self.has_own_url {
            lines.push(OWN_URL.to_owned());
        }
        let announced = self.announced.iter();
        lines.extend(announced.map(|event| format!("announced {} {}", event.seq, event.event_type)));
        lines.extend(self.deliveries.iter().map(line));
        lines.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WebhookQueue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut queue = Self::default();
        for line in Vec::<String>::deserialize(deserializer)? {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                [OWN_URL, ..] => queue.has_own_url = true,
                ["announced", seq, event_type, ..] => {
                    if let (Ok(seq), Some(event_type)) =
                        (seq.parse(), WebhookEventType::from_word(event_type))
                    {
                        queue.announced.push(Announced { seq, event_type });
                    }
                }
                words => queue.deliveries.extend(parse(words)),
            }
        }
        Ok(queue)
    }
}

/// `{id} {type} {endpoint} {since} {attempts} {earlier attempts} {state} {moment} {last at} {last status} {last fault}`;
/// `-` stands for what is not there.
fn line(delivery: &Delivery) -> String {
    let Delivery { id, event_type, is_hidden, since, attempts, earlier_attempts, state, last } = delivery;
    let endpoint = if *is_hidden { HIDDEN } else { NOTHING };
    let (state, moment) = match state {
        DeliveryState::Waiting(due_at) => ("waiting", Some(due_at)),
        DeliveryState::Sending(sent_at) => ("sending", Some(sent_at)),
        DeliveryState::Delivered => ("delivered", None),
        DeliveryState::Failed => ("failed", None),
    };
    let moment = or_nothing(moment.map(|at| at.0.to_string()));
    let last_at = or_nothing(last.map(|last| last.at.0.to_string()));
    let status = or_nothing(last.and_then(|last| last.status).map(|status| status.to_string()));
    let fault = last.and_then(|last| last.fault).map_or(NOTHING, DeliveryFault::as_str);
    let since = since.0;
    format!(
        "{id} {event_type} {endpoint} {since} {attempts} {earlier_attempts} {state} {moment} {last_at} {status} {fault}"
    )
}

fn or_nothing(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}

fn parse(words: &[&str]) -> Option<Delivery> {
    let [id, event_type, endpoint, since, attempts, earlier, state, moment, last_at, status, fault, ..] =
        words
    else {
        return None;
    };
    let time = |text: &str| text.parse().ok().map(Timestamp);
    let state = match *state {
        "waiting" => DeliveryState::Waiting(time(moment)?),
        "sending" => DeliveryState::Sending(time(moment)?),
        "delivered" => DeliveryState::Delivered,
        "failed" => DeliveryState::Failed,
        _ => return None,
    };
    let last = time(last_at);
    Some(Delivery {
        id: id.parse().ok()?,
        event_type: WebhookEventType::from_word(event_type)?,
        is_hidden: *endpoint == HIDDEN,
        since: time(since)?,
        attempts: attempts.parse().ok()?,
        earlier_attempts: earlier.parse().ok()?,
        state,
        last: last.map(|at| LastAttempt {
            at,
            status: status.parse().ok(),
            fault: DeliveryFault::from_word(fault),
        }),
    })
}

const OWN_URL: &str = "own_url";
const HIDDEN: &str = "hidden";
const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::id::{DeliveryId, WebhookId};
    use proptest::prelude::*;

    fn deliveries() -> impl Strategy<Value = Delivery> {
        let state = prop_oneof![
            any::<i64>().prop_map(|at| DeliveryState::Waiting(Timestamp(at))),
            any::<i64>().prop_map(|at| DeliveryState::Sending(Timestamp(at))),
            Just(DeliveryState::Delivered),
            Just(DeliveryState::Failed),
        ];
        let fault = prop::option::of(prop::sample::select(DeliveryFault::ALL.to_vec()));
        let last = (any::<i64>(), prop::option::of(any::<u16>()), fault);
        let last = last.prop_map(|(at, status, fault)| LastAttempt { at: Timestamp(at), status, fault });
        let id = (any::<u64>(), prop::option::of(any::<[u8; 16]>()));
        let id = id.prop_map(|(seq, id)| DeliveryId { seq, webhook_id: id.map(WebhookId::from_random) });
        let event_type = prop::sample::select(WebhookEventType::ALL.to_vec());
        (id, event_type, any::<bool>(), any::<(i64, u32, u32)>(), state, prop::option::of(last)).prop_map(
            |(id, event_type, is_hidden, (since, attempts, earlier_attempts), state, last)| Delivery {
                id,
                event_type,
                is_hidden,
                since: Timestamp(since),
                attempts,
                earlier_attempts,
                state,
                last,
            },
        )
    }

    proptest! {
        #[test]
        fn a_stored_queue_reads_back(
            has_own_url: bool, seqs in prop::collection::vec(any::<u64>(), 0..3), deliveries in prop::collection::vec(deliveries(), 0..6)
        ) {
            let event_type = WebhookEventType::Complete;
            let announced = seqs.into_iter().map(|seq| Announced { seq, event_type }).collect();
            let queue = WebhookQueue { has_own_url, announced, deliveries };
            let text = serde_json::to_string(&queue).unwrap();
            prop_assert_eq!(serde_json::from_str::<WebhookQueue>(&text).unwrap(), queue);
        }

        #[test]
        fn any_lines_are_read_without_a_fault(lines in prop::collection::vec("[a-z0-9. -]{0,40}", 0..5)) {
            let text = serde_json::to_string(&lines).unwrap();
            prop_assert!(serde_json::from_str::<WebhookQueue>(&text).is_ok());
        }
    }

    #[test]
    fn what_a_newer_release_has_written_is_left_out() {
        let text = r#"["own_url","announced 3 job.paused","announced 4 job.error","3.url job.paused - 1 0 0 waiting 1 - - -",
            "4.url job.error - 1 0 0 waiting 1 - - - more"]"#;
        let queue: WebhookQueue = serde_json::from_str(text).unwrap();
        assert_eq!((queue.has_own_url, queue.announced.len(), queue.deliveries.len()), (true, 1, 1));
    }
}
