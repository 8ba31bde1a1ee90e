//! Endpoints: whose they are, what they hear of, and when they are switched off.

use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::sql::owners::delete_rows_of;
use reel_core::sql::statement::SqlStatement;
use reel_core::sql::webhooks::{
    WebhookFields, WebhookRow, delete_webhook, insert_webhook, note_endpoint, parse_subscriptions,
    rotate_secret, select_subscriptions, select_target, select_webhook, select_webhooks, update_webhook,
};
use reel_core::webhook::delivery::EndpointNote;
use reel_core::webhook::event_type::WebhookEventType;
use reel_core::webhook::id::WebhookId;

use crate::database::Database;
use crate::fixtures::{ALICE, BOB};

const NOTES: [EndpointNote; 4] =
    [EndpointNote::Recovered, EndpointNote::BeganToFail, EndpointNote::GaveUp, EndpointNote::Gone];
const FIVE_DAYS: DurationMs = DurationMs::minutes(5 * 24 * 60);
const NOW: Timestamp = Timestamp(1_769_850_300_250);

fn id(number: u8) -> WebhookId {
    WebhookId::from_random([number; 16])
}

fn fields(url: &str) -> WebhookFields {
    let description = Some("Ours".to_owned());
    WebhookFields { url: Some(url.to_owned()), event_types: None, description, is_enabled: None }
}

const KEEP: WebhookFields =
    WebhookFields { url: None, event_types: None, description: None, is_enabled: None };

pub fn every_statement() -> Vec<SqlStatement> {
    let owner = ALICE.owner();
    let mut all = vec![
        select_webhook(owner, id(1)),
        select_webhooks(owner),
        select_target(owner, id(1)),
        select_subscriptions(None),
        delete_webhook(owner, id(1)),
    ];
    all.extend(insert_webhook(owner, id(1), &fields("https://a.example.com/"), 10, NOW));
    all.extend(update_webhook(owner, id(1), &KEEP, NOW));
    all.extend(rotate_secret(owner, id(1), NOW, NOW));
    all.extend(NOTES.map(|note| note_endpoint(owner, id(1), note, FIVE_DAYS, NOW)));
    all
}

fn add(database: &Database, owner: Option<OwnerId>, number: u8) -> bool {
    let answers =
        database.run_all(&insert_webhook(owner, id(number), &fields("https://a.example.com/"), 3, NOW));
    !answers[1].is_empty()
}

fn row(database: &Database, owner: Option<OwnerId>, number: u8) -> serde_json::Value {
    let rows = database.run(&select_webhook(owner, id(number)));
    rows.first().map_or(serde_json::Value::Null, |row| serde_json::from_str(row).expect("JSON"))
}

fn hears(database: &Database, owner: Option<OwnerId>) -> Vec<(WebhookId, bool)> {
    let rows = database.run(&select_subscriptions(owner));
    let all = parse_subscriptions(owner, &rows);
    assert_eq!(all.len(), rows.len());
    all.iter().map(|one| (one.webhook_id, one.is_hidden)).collect()
}

#[test]
fn a_job_is_heard_of_by_its_owners_endpoints_and_by_services() {
    let database = Database::new();
    let (alice, bob) = (ALICE.owner(), BOB.owner());
    for (owner, number) in [(alice, 1), (bob, 2), (None, 3)] {
        assert!(add(&database, owner, number));
    }
    assert_eq!(hears(&database, alice), [(id(3), true), (id(1), false)]);
    assert_eq!(hears(&database, bob), [(id(3), true), (id(2), false)]);
    assert_eq!(hears(&database, None), [(id(3), false)]);
    for (owner, number, is_target) in
        [(alice, 1, true), (alice, 2, false), (alice, 3, true), (None, 1, false)]
    {
        assert_eq!(
            !database.run(&select_target(owner, id(number))).is_empty(),
            is_target,
            "{owner:?} {number}"
        );
    }
    assert_eq!(database.run(&select_webhooks(alice)).len(), 1);
    assert!(row(&database, bob, 1).is_null(), "another owner's is not there");
    assert!(database.run(&delete_webhook(bob, id(1))).is_empty());
    assert_eq!(database.run(&delete_webhook(alice, id(1))).len(), 1);
    assert_eq!(database.run(&delete_webhook(alice, id(1))).len(), 0);
    database.run_all(&delete_rows_of(bob.expect("an owner")));
    assert_eq!(hears(&database, bob), [(id(3), true)]);
    let Visibility::Owner(_) = BOB else { panic!("an owner") };
}

#[test]
fn an_owner_has_a_few_endpoints() {
    let database = Database::new();
    let added: Vec<bool> = (1..=5).map(|number| add(&database, ALICE.owner(), number)).collect();
    assert_eq!(added, [true, true, true, false, false]);
    assert!(add(&database, BOB.owner(), 6), "others count for themselves");
}

#[test]
fn what_is_not_named_stays() {
    let database = Database::new();
    let owner = ALICE.owner();
    add(&database, owner, 1);
    let before = row(&database, owner, 1);
    assert_eq!(before["event_types"], WebhookEventType::list_to_text(&WebhookEventType::ALL));
    database.run_all(&update_webhook(owner, id(1), &KEEP, NOW));
    assert_eq!(row(&database, owner, 1), before);
    let change = WebhookFields {
        url: Some("https://b.example.com/".into()),
        event_types: Some(vec![WebhookEventType::Complete]),
        ..KEEP
    };
    database.run_all(&update_webhook(owner, id(1), &change, NOW));
    let after = row(&database, owner, 1);
    assert_eq!(
        (&after["url"], &after["event_types"]),
        (&"https://b.example.com/".into(), &"job.complete".into())
    );
    assert_eq!(after["description"], before["description"]);
    let answers = database.run_all(&update_webhook(BOB.owner(), id(1), &change, NOW));
    assert!(answers[1].is_empty());
}

#[test]
fn a_new_secret_signs_beside_the_one_before_for_a_while() {
    let database = Database::new();
    let owner = ALICE.owner();
    add(&database, owner, 1);
    let read = || WebhookRow::parse(&database.run(&select_target(owner, id(1)))[0]).expect("a row");
    assert_eq!(read().generations(NOW), [1]);
    let until = NOW + DurationMs::minutes(60);
    database.run_all(&rotate_secret(owner, id(1), until, NOW));
    assert_eq!(read().generations(NOW), [2, 1]);
    assert_eq!(read().generations(until), [2]);
    database.run_all(&rotate_secret(owner, id(1), until, NOW));
    assert_eq!(read().generations(NOW), [3, 2], "the first is worth nothing");
}

#[test]
fn an_endpoint_that_fails_for_five_days_or_is_gone_is_switched_off_until_it_is_switched_on() {
    let database = Database::new();
    let owner = ALICE.owner();
    add(&database, owner, 1);
    let note = |note, at| database.run(&note_endpoint(owner, id(1), note, FIVE_DAYS, at));
    let state = || {
        let row = row(&database, owner, 1);
        (row["failing_since"].as_i64(), row["disabled_at"].as_i64(), row["disabled_reason"].clone())
    };
    let later = |days: i64| NOW + DurationMs::minutes(days * 24 * 60);
    note(EndpointNote::BeganToFail, NOW);
    note(EndpointNote::BeganToFail, later(1));
    note(EndpointNote::GaveUp, later(4));
    assert_eq!(state(), (Some(NOW.0), None, serde_json::Value::Null));
    note(EndpointNote::Recovered, later(4));
    note(EndpointNote::GaveUp, later(9));
    assert_eq!(state(), (None, None, serde_json::Value::Null));
    note(EndpointNote::BeganToFail, later(9));
    note(EndpointNote::GaveUp, later(14));
    assert_eq!(state(), (Some(later(9).0), Some(later(14).0), "failing".into()));
    assert_eq!(hears(&database, owner), []);
    let switch = |is_enabled| WebhookFields { is_enabled: Some(is_enabled), ..KEEP };
    database.run_all(&update_webhook(owner, id(1), &switch(true), later(15)));
    assert_eq!(state(), (None, None, serde_json::Value::Null));
    assert_eq!(hears(&database, owner).len(), 1);
    note(EndpointNote::Gone, later(16));
    assert_eq!(state(), (Some(later(16).0), Some(later(16).0), "gone".into()));
    database.run_all(&update_webhook(owner, id(1), &switch(false), later(17)));
    assert_eq!(state().2, "gone");
    database.run_all(&update_webhook(owner, id(1), &switch(true), later(17)));
    database.run_all(&update_webhook(owner, id(1), &switch(false), later(18)));
    assert_eq!(state(), (None, Some(later(18).0), "switched_off".into()));
}
