//! Endpoints and deliveries as JSON, and the bodies of events.

use serde_json::Value as Json;

use crate::base::id::JobId;
use crate::base::owner::Visibility;
use crate::base::time::Timestamp;
use crate::job::log::LogEntry;
use crate::webhook::delivery::{Delivery, DeliveryFault, DeliveryReply, DeliveryState};
use crate::webhook::event_type::{TEST_EVENT, WebhookEventType};
use crate::webhook::id::WebhookId;
use crate::webhook::queue::WebhookQueue;
use crate::webhook::signature::WebhookSecret;

/// An endpoint's row as public JSON, with its secret where that is shown.
pub fn webhook_json(row: &str, secret: Option<&WebhookSecret>, now: Timestamp) -> String {
    let row: Json = serde_json::from_str(row).unwrap_or_default();
    let text = |name: &str| row.get(name).cloned().unwrap_or_default();
    let number = |name: &str| row.get(name).and_then(Json::as_i64).map(Timestamp);
    let types = row.get("event_types").and_then(Json::as_str).unwrap_or_default();
    let types: Vec<Json> = types.split(' ').map(Json::from).collect();
    let secret = secret.map(|secret| secret.text().reveal().to_owned());
    let mut members = vec![
        ("webhook_id", text("webhook_id")),
        ("url", text("url")),
        ("event_types", Json::Array(types)),
        ("description", text("description")),
        ("enabled", number("disabled_at").is_none().into()),
        ("failing_since", time(number("failing_since"))),
        ("disabled_at", time(number("disabled_at"))),
        ("disabled_reason", text("disabled_reason")),
        ("previous_secret_valid_until", time(number("previous_until").filter(|until| now < *until))),
        ("created_at", time(number("created_at"))),
        ("updated_at", time(number("updated_at"))),
    ];
    members.extend(secret.map(|secret| ("secret", secret.into())));
    object(&members)
}

fn time(at: Option<Timestamp>) -> Json {
    at.map(Timestamp::iso).into()
}

/// JSON of members in their order: a map would cost code.
fn object(members: &[(&str, Json)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// `GET /api/jobs/{job_id}/deliveries`: what this caller sees of them, in the order of their events.
pub fn deliveries_json(job: JobId, queue: &WebhookQueue, visibility: Visibility) -> String {
    let mut seen: Vec<&Delivery> =
        queue.deliveries.iter().filter(|delivery| is_seen(delivery, visibility)).collect();
    seen.sort_by_key(|delivery| delivery.id.seq);
    let seen: Vec<String> = seen.into_iter().map(|delivery| delivery_json(job, delivery)).collect();
    format!("{{\"deliveries\":[{}]}}", seen.join(","))
}

/// Whether a caller sees a delivery: those to a service's endpoints are not an end user's.
pub fn is_seen(delivery: &Delivery, visibility: Visibility) -> bool {
    !delivery.is_hidden || visibility == Visibility::All
}

/// One delivery.
pub fn delivery_json(job: JobId, delivery: &Delivery) -> String {
    let (status, next_attempt_at) = match delivery.state {
        DeliveryState::Waiting(due_at) => ("pending", Some(due_at)),
        DeliveryState::Sending(_) => ("sending", None),
        DeliveryState::Delivered => ("delivered", None),
        DeliveryState::Failed => ("failed", None),
    };
    let last = delivery.last.as_ref();
    object(&[
        ("delivery_id", delivery.id.to_string().into()),
        ("job_id", job.to_string().into()),
        ("webhook_id", delivery.id.webhook_id.map(|id| id.to_string()).into()),
        ("type", delivery.event_type.as_str().into()),
        ("seq", delivery.id.seq.into()),
        ("status", status.into()),
        ("attempts", delivery.attempts.into()),
        ("last_attempt_at", time(last.map(|last| last.at))),
        ("last_status", last.and_then(|last| last.status).into()),
        ("last_error", last.and_then(|last| last.fault).map(DeliveryFault::as_str).into()),
        ("next_attempt_at", time(next_attempt_at)),
    ])
}

/// The header `webhook-id` of a job's event: the same for each attempt and each endpoint. A job may have the id of one
/// that was deleted, so that the time of the event is in it.
pub fn message_id(job: JobId, entry: &LogEntry) -> String {
    format!("msg_{job}_{}_{}", entry.seq, entry.at.0)
}

/// The body of a job's event; `job` is the message that its sockets have.
pub fn event_body(event_type: WebhookEventType, at: Timestamp, job: &str) -> String {
    format!("{{\"type\":\"{event_type}\",\"timestamp\":\"{}\",\"data\":{job}}}", at.iso())
}

/// The body of a test event.
pub fn test_body(id: WebhookId, now: Timestamp) -> String {
    format!(
        "{{\"type\":\"{TEST_EVENT}\",\"timestamp\":\"{}\",\"data\":{{\"webhook_id\":\"{id}\"}}}}",
        now.iso()
    )
}

/// What came of a test event.
pub fn test_result_json(reply: DeliveryReply, duration_ms: i64) -> String {
    object(&[
        ("delivered", reply.fault.is_none().into()),
        ("status", reply.status.into()),
        ("error", reply.fault.map(DeliveryFault::as_str).into()),
        ("duration_ms", duration_ms.into()),
    ])
}

/// The secret that deliveries to jobs' own `webhook_url` are signed with.
pub fn secret_json(secret: &WebhookSecret) -> String {
    object(&[("secret", secret.text().reveal().into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::owner::OwnerId;
    use crate::webhook::id::DeliveryId;
    use serde_json::json;

    fn parse(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    const AT: Timestamp = Timestamp(1_769_850_300_250);

    #[test]
    fn a_secret_is_in_the_json_only_where_it_is_shown() {
        let row = r#"{"webhook_id":"x","url":"https://a.example.com/","event_types":"job.started job.error",
            "description":null,"secret_generation":2,"previous_until":1769850300251,"failing_since":null,
            "disabled_at":1769850300250,"disabled_reason":"gone","created_at":1769850300250,"updated_at":1769850300250}"#;
        let secret = WebhookSecret::new([7; 32]);
        let shown = parse(&webhook_json(row, Some(&secret), AT));
        assert_eq!(shown["secret"], secret.text().reveal());
        let json = parse(&webhook_json(row, None, AT));
        assert_eq!(json.get("secret"), None);
        assert_eq!(json["event_types"], json!(["job.started", "job.error"]));
        assert_eq!((&json["enabled"], &json["disabled_reason"]), (&json!(false), &json!("gone")));
        assert_eq!(json["previous_secret_valid_until"], "2026-01-31T09:05:00.251Z");
        let later = parse(&webhook_json(row, None, Timestamp(AT.0 + 1)));
        assert_eq!(later["previous_secret_valid_until"], Json::Null);
    }

    #[test]
    fn a_user_does_not_see_what_goes_to_a_service() {
        let mut queue = WebhookQueue { has_own_url: true, ..WebhookQueue::default() };
        queue.announce(3, WebhookEventType::Started, AT);
        let webhook_id = Some(WebhookId::from_random([1; 16]));
        let hidden = Delivery {
            id: DeliveryId { seq: 2, webhook_id },
            is_hidden: true,
            ..queue.deliveries[0].clone()
        };
        queue.deliveries.push(hidden);
        let job = JobId::from_random([9; 16]);
        let listed = |visibility| parse(&deliveries_json(job, &queue, visibility))["deliveries"].clone();
        let seen = |visibility| listed(visibility).as_array().unwrap().len();
        assert_eq!((seen(Visibility::All), seen(Visibility::Owner(OwnerId::new([1; 8])))), (2, 1));
        let json = listed(Visibility::All);
        assert_eq!(json[0]["seq"], 2);
        assert_eq!(json[1]["delivery_id"], "3.url");
        assert_eq!(json[1]["next_attempt_at"], "2026-01-31T09:05:00.250Z");
    }

    #[test]
    fn a_body_is_the_event() {
        let body = event_body(WebhookEventType::Complete, AT, "{\"seq\":5}");
        let expected = r#"{"type":"job.complete","timestamp":"2026-01-31T09:05:00.250Z","data":{"seq":5}}"#;
        assert_eq!(body, expected);
        let id = WebhookId::from_random([7; 16]);
        let test: Json = serde_json::from_str(&test_body(id, AT)).unwrap();
        assert_eq!(
            (&test["type"], &test["data"]["webhook_id"]),
            (&json!("webhook.test"), &json!(id.to_string()))
        );
    }
}
