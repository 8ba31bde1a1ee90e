//! Statements on endpoints.

use serde_json::Value as Json;

use crate::base::owner::OwnerId;
use crate::base::time::{DurationMs, Timestamp};
use crate::sql::statement::{SqlStatement, SqlValue, owner_key};
use crate::webhook::delivery::{EndpointNote, Subscription};
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::id::WebhookId;

/// What is written of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFields {
    /// Where it is; none keeps it.
    pub url: Option<String>,
    /// What it hears of; none keeps it.
    pub event_types: Option<Vec<WebhookEventType>>,
    /// A person's words; none keeps them.
    pub description: Option<String>,
    /// Whether it is on; none keeps that. What is switched on has not failed.
    pub is_enabled: Option<bool>,
}

/// An endpoint's row, as the shell needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// The endpoint.
    pub id: WebhookId,
    /// Where it is.
    pub url: String,
    /// Which secret it has.
    pub generation: i64,
    /// Until then the secret before signs, too.
    pub previous_until: Option<Timestamp>,
    /// Whether it is failing.
    pub is_failing: bool,
    /// Whether it is switched off.
    pub is_disabled: bool,
}

impl WebhookRow {
    /// Reads a row; `None` when it has another form.
    pub fn parse(body: &str) -> Option<Self> {
        let row: Json = serde_json::from_str(body).ok()?;
        let number = |name| row.get(name).and_then(Json::as_i64);
        let text = |name| row.get(name).and_then(Json::as_str);
        Some(Self {
            id: text("webhook_id")?.parse().ok()?,
            url: text("url")?.to_owned(),
            generation: number("secret_generation")?,
            previous_until: number("previous_until").map(Timestamp),
            is_failing: number("failing_since").is_some(),
            is_disabled: number("disabled_at").is_some(),
        })
    }

    /// The generations of the secrets that sign now, the newest first.
    pub fn generations(&self, now: Timestamp) -> Vec<i64> {
        let previous = self.previous_until.filter(|until| now < *until).map(|_| self.generation - 1);
        std::iter::once(self.generation).chain(previous).collect()
    }
}

/// Writes a new endpoint, unless its owner has `max` already. The row is the endpoint's; none means that there is no
/// room.
pub fn insert_webhook(
    owner: Option<OwnerId>,
    id: WebhookId,
    fields: &WebhookFields,
    max: u32,
    now: Timestamp,
) -> Vec<SqlStatement> {
    let types = fields.event_types.as_deref().unwrap_or(&WebhookEventType::ALL);
    let values = [
        owner_key(owner),
        id.to_string().into(),
        fields.url.as_deref().into(),
        WebhookEventType::list_to_text(types).into(),
        fields.description.as_deref().into(),
        now.0.into(),
        i64::from(max).into(),
    ];
    vec![SqlStatement::new(INSERT_WEBHOOK, values), select_webhook(owner, id)]
}

/// An endpoint's row.
pub fn select_webhook(owner: Option<OwnerId>, id: WebhookId) -> SqlStatement {
    SqlStatement::new(SELECT_WEBHOOK, [owner_key(owner), id.to_string().into()])
}

/// The rows of an owner's endpoints, oldest first.
pub fn select_webhooks(owner: Option<OwnerId>) -> SqlStatement {
    SqlStatement::new(SELECT_WEBHOOKS, [owner_key(owner)])
}

/// The endpoint that a delivery of an owner's job goes to: the owner's own, or a service's.
pub fn select_target(owner: Option<OwnerId>, id: WebhookId) -> SqlStatement {
    SqlStatement::new(SELECT_TARGET, [owner_key(owner), id.to_string().into()])
}

/// The endpoints that hear of an owner's jobs: the owner's own and services'. [`parse_subscriptions`] reads them.
pub fn select_subscriptions(owner: Option<OwnerId>) -> SqlStatement {
    SqlStatement::new(SELECT_SUBSCRIPTIONS, [owner_key(owner)])
}

/// Reads the rows of [`select_subscriptions`] for a job of this owner. A row of another form is left out.
pub fn parse_subscriptions(owner: Option<OwnerId>, rows: &[String]) -> Vec<Subscription> {
    let parse = |row: &String| {
        let mut words = row.splitn(3, ' ');
        let (of_service, id, types) = (words.next()?, words.next()?, words.next()?);
        Some(Subscription {
            webhook_id: id.parse().ok()?,
            event_types: WebhookEventType::list_from_text(types),
            is_hidden: of_service == "1" && owner.is_some(),
        })
    };
    rows.iter().filter_map(parse).collect()
}

/// Changes an endpoint. The last answer is its row; none when there is no such endpoint.
pub fn update_webhook(
    owner: Option<OwnerId>,
    id: WebhookId,
    fields: &WebhookFields,
    now: Timestamp,
) -> Vec<SqlStatement> {
    let types = fields.event_types.as_deref().map(WebhookEventType::list_to_text);
    let values = [
        owner_key(owner),
        id.to_string().into(),
        fields.url.as_deref().into(),
        types.as_deref().into(),
        fields.description.as_deref().into(),
        fields.is_enabled.map(i64::from).into(),
        now.0.into(),
    ];
    vec![SqlStatement::new(UPDATE_WEBHOOK, values), select_webhook(owner, id)]
}

/// Gives an endpoint a new secret; until `previous_until` the one before signs, too. The last answer is its row.
pub fn rotate_secret(
    owner: Option<OwnerId>,
    id: WebhookId,
    previous_until: Timestamp,
    now: Timestamp,
) -> Vec<SqlStatement> {
    let values = [owner_key(owner), id.to_string().into(), previous_until.0.into(), now.0.into()];
    vec![SqlStatement::new(ROTATE_SECRET, values), select_webhook(owner, id)]
}

/// Deletes an endpoint. There is a row if there was one.
pub fn delete_webhook(owner: Option<OwnerId>, id: WebhookId) -> SqlStatement {
    let sql = "DELETE FROM webhooks WHERE owner = ?1 AND id = ?2 RETURNING '' AS body";
    SqlStatement::new(sql, [owner_key(owner), id.to_string().into()])
}

/// Keeps what came of a delivery to an endpoint; each may be run again at any time. An endpoint that has failed for
/// `limit` is switched off.
pub fn note_endpoint(
    owner: Option<OwnerId>,
    id: WebhookId,
    note: EndpointNote,
    limit: DurationMs,
    now: Timestamp,
) -> SqlStatement {
    let (owner, id): (SqlValue, SqlValue) = (owner_key(owner), id.to_string().into());
    match note {
        EndpointNote::Recovered => SqlStatement::new(NOTE_RECOVERED, [owner, id]),
        EndpointNote::BeganToFail => SqlStatement::new(NOTE_FAILING, [owner, id, now.0.into()]),
        EndpointNote::GaveUp => {
            let before = Timestamp(now.0.saturating_sub(limit.0));
            SqlStatement::new(NOTE_GIVEN_UP, [owner, id, now.0.into(), before.0.into()])
        }
        EndpointNote::Gone => SqlStatement::new(NOTE_GONE, [owner, id, now.0.into()]),
    }
}

macro_rules! webhook_row {
    () => {
        "SELECT json_object('webhook_id', id, 'url', url, 'event_types', event_types, 'description', description, \
         'secret_generation', secret_generation, 'previous_until', previous_until, \
         'failing_since', failing_since, 'disabled_at', disabled_at, 'disabled_reason', disabled_reason, \
         'created_at', created_at, 'updated_at', updated_at) AS body FROM webhooks "
    };
}

const INSERT_WEBHOOK: &str = "INSERT INTO webhooks \
    (owner, id, url, event_types, description, secret_generation, created_at, updated_at) \
    SELECT ?1, ?2, ?3, ?4, ?5, 1, ?6, ?6 WHERE (SELECT count(*) FROM webhooks WHERE owner = ?1) < ?7";

const SELECT_WEBHOOK: &str = concat!(webhook_row!(), "WHERE owner = ?1 AND id = ?2");

const SELECT_WEBHOOKS: &str = concat!(webhook_row!(), "WHERE owner = ?1 ORDER BY created_at, id");

const SELECT_TARGET: &str = concat!(webhook_row!(), "WHERE owner IN ('', ?1) AND id = ?2");

const SELECT_SUBSCRIPTIONS: &str = "SELECT iif(owner = '', '1', '0') || ' ' || id || ' ' || event_types AS body \
    FROM webhooks WHERE owner IN ('', ?1) AND disabled_at IS NULL ORDER BY owner, id";

const UPDATE_WEBHOOK: &str = "UPDATE webhooks SET url = coalesce(?3, url), \
    event_types = coalesce(?4, event_types), description = coalesce(?5, description), \
    failing_since = iif(?6 = 1, NULL, failing_since), \
    disabled_at = CASE ?6 WHEN 1 THEN NULL WHEN 0 THEN coalesce(disabled_at, ?7) ELSE disabled_at END, \
    disabled_reason = CASE ?6 WHEN 1 THEN NULL WHEN 0 THEN coalesce(disabled_reason, 'switched_off') \
    ELSE disabled_reason END, updated_at = ?7 WHERE owner = ?1 AND id = ?2";

const ROTATE_SECRET: &str = "UPDATE webhooks SET secret_generation = secret_generation + 1, \
    previous_until = ?3, updated_at = ?4 WHERE owner = ?1 AND id = ?2";

const NOTE_RECOVERED: &str = "UPDATE webhooks SET failing_since = NULL \
    WHERE owner IN ('', ?1) AND id = ?2 AND failing_since IS NOT NULL";

const NOTE_FAILING: &str = "UPDATE webhooks SET failing_since = ?3 \
    WHERE owner IN ('', ?1) AND id = ?2 AND failing_since IS NULL";

const NOTE_GIVEN_UP: &str = "UPDATE webhooks SET disabled_at = ?3, disabled_reason = 'failing' \
    WHERE owner IN ('', ?1) AND id = ?2 AND failing_since <= ?4 AND disabled_at IS NULL";

const NOTE_GONE: &str = "UPDATE webhooks SET disabled_at = ?3, disabled_reason = 'gone', \
    failing_since = coalesce(failing_since, ?3) WHERE owner IN ('', ?1) AND id = ?2 AND disabled_at IS NULL";

/// How many endpoints an owner may have.
pub const WEBHOOKS_MAX: u32 = 10;
