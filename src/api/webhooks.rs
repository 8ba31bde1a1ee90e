//! Endpoints that hear of jobs: made, changed, tested, given a new secret.

use reel_core::http::problem::Problem;
use reel_core::objects::webhook_delivery::{reach, test_request};
use reel_core::sql::webhooks::{
    WEBHOOKS_MAX, WebhookFields, WebhookRow, delete_webhook, insert_webhook, rotate_secret, select_webhook,
    select_webhooks, update_webhook,
};
use reel_core::webhook::delivery::DeliveryReply;
use reel_core::webhook::id::WebhookId;
use reel_core::wire::webhook::{secret_json, test_result_json, webhook_json};

use super::projects::ask;
use super::{HandlerResponse, RequestContext};
use crate::clients::webhook::send;
use crate::platform::clock;
use crate::platform::http::HttpResponse;

/// `GET /api/webhooks`.
pub async fn list(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let rows = ask(context, vec![select_webhooks(context.owner())]).await?.pop().unwrap_or_default();
    let now = clock::now();
    let webhooks: Vec<String> = rows.iter().map(|row| webhook_json(row, None, now).to_string()).collect();
    Ok(json(200, format!("{{\"webhooks\":[{}]}}", webhooks.join(","))))
}

/// `POST /api/webhooks`: the answer has the secret, and no other answer will.
pub async fn create(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let body = context.call.body(BODY_MAX_BYTES).await?;
    let fields = WebhookFields::parse_new(&body, reach(&context.config))?;
    let (id, now) = (clock::webhook_id(), clock::now());
    context.set_changed(id.to_string());
    let answers = ask(context, insert_webhook(context.owner(), id, &fields, WEBHOOKS_MAX, now)).await?;
    let row = answers.last().and_then(|rows| rows.first()).ok_or_else(Problem::too_many_webhooks)?;
    with_secret(context, 201, id, row)
}

/// `GET /api/webhooks/{webhook_id}`.
pub async fn show(context: &RequestContext<'_>, id: WebhookId) -> Result<HandlerResponse, Problem> {
    let row = row_of(ask(context, vec![select_webhook(context.owner(), id)]).await?)?;
    Ok(json(200, webhook_json(&row, None, clock::now()).to_string()))
}

/// `PUT /api/webhooks/{webhook_id}`.
pub async fn put(context: &RequestContext<'_>, id: WebhookId) -> Result<HandlerResponse, Problem> {
    let body = context.call.body(BODY_MAX_BYTES).await?;
    let fields = WebhookFields::parse_change(&body, reach(&context.config))?;
    let row = row_of(ask(context, update_webhook(context.owner(), id, &fields, clock::now())).await?)?;
    Ok(json(200, webhook_json(&row, None, clock::now()).to_string()))
}

/// `DELETE /api/webhooks/{webhook_id}`.
pub async fn delete(context: &RequestContext<'_>, id: WebhookId) -> Result<HandlerResponse, Problem> {
    row_of(ask(context, vec![delete_webhook(context.owner(), id)]).await?)?;
    Ok(json(200, r#"{"success":true}"#.to_owned()))
}

/// `POST /api/webhooks/{webhook_id}/rotate-secret`.
pub async fn rotate(context: &RequestContext<'_>, id: WebhookId) -> Result<HandlerResponse, Problem> {
    let now = clock::now();
    let until = now + context.config.timeouts.webhook_window;
    let row = row_of(ask(context, rotate_secret(context.owner(), id, until, now)).await?)?;
    with_secret(context, 200, id, &row)
}

/// `POST /api/webhooks/{webhook_id}/test`. Of a receiver's answer only the status is told: a URL may lead to what its
/// owner may not read.
pub async fn test(context: &RequestContext<'_>, id: WebhookId) -> Result<HandlerResponse, Problem> {
    let row = row_of(ask(context, vec![select_webhook(context.owner(), id)]).await?)?;
    let row = WebhookRow::parse(&row).ok_or_else(Problem::internal)?;
    let begun = clock::now();
    let reply = match test_request(&context.config, &row, context.request_id, begun) {
        Ok(request) => send(&request).await,
        Err(fault) => DeliveryReply::failed(fault),
    };
    let duration_ms = clock::now().since(begun).0;
    Ok(json(200, test_result_json(reply, duration_ms).to_string()))
}

/// `GET /api/webhook-url-secret`.
pub fn url_secret(context: &RequestContext<'_>) -> HandlerResponse {
    json(200, secret_json(&context.config.id_key.webhook_url_secret(context.owner())))
}

fn with_secret(
    context: &RequestContext<'_>,
    status: u16,
    id: WebhookId,
    row: &str,
) -> Result<HandlerResponse, Problem> {
    let generation = WebhookRow::parse(row).ok_or_else(Problem::internal)?.generation;
    let secret = context.config.id_key.webhook_secret(id, generation);
    Ok(json(status, webhook_json(row, Some(&secret), clock::now()).to_string()))
}

/// The row of the last answer.
fn row_of(mut answers: Vec<Vec<String>>) -> Result<String, Problem> {
    answers.pop().and_then(|mut rows| rows.pop()).ok_or_else(Problem::webhook_not_found)
}

fn json(status: u16, body: String) -> HandlerResponse {
    HandlerResponse::Answer(HttpResponse::json(status, body))
}

/// A URL, a few words and a description.
const BODY_MAX_BYTES: usize = 16 * 1024;
