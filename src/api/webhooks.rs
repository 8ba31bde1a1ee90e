//! Endpoints that hear of jobs: made, changed, tested, given a new secret.

use reel_core::http::problem::Problem;
use reel_core::http::route::Route;
use reel_core::objects::webhook_delivery::{reach, test_request};
use reel_core::sql::webhooks::{
    WEBHOOKS_MAX, WebhookFields, WebhookRow, delete_webhook, insert_webhook, rotate_secret, select_webhook,
    select_webhooks, update_webhook,
};
use reel_core::webhook::delivery::DeliveryReply;
use reel_core::wire::webhook::{secret_json, test_result_json, webhook_json};

use super::projects::ask;
use super::{HandlerResponse, RequestContext};
use crate::clients::webhook::send;
use crate::platform::clock;
use crate::platform::http::HttpResponse;

/// All routes of endpoints, in one function: each of its own would cost code.
pub async fn handle(context: &RequestContext<'_>, route: Route<'_>) -> Result<HandlerResponse, Problem> {
    let (owner, now, config) = (context.owner(), clock::now(), &context.config);
    let body = match route {
        Route::CreateWebhook | Route::PutWebhook(_) => context.call.body(BODY_MAX_BYTES).await?,
        _ => Vec::new(),
    };
    let statements = match route {
        Route::WebhookUrlSecret => {
            return Ok(json(200, secret_json(&config.id_key.webhook_url_secret(owner))));
        }
        Route::ListWebhooks => vec![select_webhooks(owner)],
        Route::CreateWebhook => {
            let id = clock::webhook_id();
            context.set_changed(id.to_string());
            let fields = WebhookFields::parse(&body, reach(config), true)?;
            insert_webhook(owner, id, &fields, WEBHOOKS_MAX, now)
        }
        Route::PutWebhook(id) => {
            update_webhook(owner, id, &WebhookFields::parse(&body, reach(config), false)?, now)
        }
        Route::DeleteWebhook(id) => vec![delete_webhook(owner, id)],
        Route::RotateWebhookSecret(id) => rotate_secret(owner, id, now + config.timeouts.webhook_window, now),
        Route::ShowWebhook(id) | Route::TestWebhook(id) => vec![select_webhook(owner, id)],
        _ => return Err(Problem::internal()),
    };
    let rows = ask(context, statements).await?.pop().unwrap_or_default();
    if route == Route::ListWebhooks {
        let webhooks: Vec<String> = rows.iter().map(|row| webhook_json(row, None, now)).collect();
        return Ok(json(200, format!("{{\"webhooks\":[{}]}}", webhooks.join(","))));
    }
    let is_new = route == Route::CreateWebhook;
    let Some(row) = rows.first() else {
        return Err(if is_new { Problem::too_many_webhooks() } else { Problem::webhook_not_found() });
    };
    match route {
        Route::DeleteWebhook(_) => Ok(json(200, r#"{"success":true}"#.to_owned())),
        // Of a receiver's answer only the status is told: a URL may lead to what its owner may not read.
        Route::TestWebhook(_) => {
            let row = WebhookRow::parse(row).ok_or_else(Problem::internal)?;
            let reply = match test_request(config, &row, context.request_id, now) {
                Ok(request) => send(&request).await,
                Err(fault) => DeliveryReply::failed(fault),
            };
            Ok(json(200, test_result_json(reply, clock::now().since(now).0)))
        }
        // Shown once: no other answer has it.
        Route::CreateWebhook | Route::RotateWebhookSecret(_) => {
            let WebhookRow { id, generation, .. } = WebhookRow::parse(row).ok_or_else(Problem::internal)?;
            let secret = config.id_key.webhook_secret(id, generation);
            Ok(json(if is_new { 201 } else { 200 }, webhook_json(row, Some(&secret), now)))
        }
        _ => Ok(json(200, webhook_json(row, None, now))),
    }
}

fn json(status: u16, body: String) -> HandlerResponse {
    HandlerResponse::Answer(HttpResponse::json(status, body))
}

/// A URL, a few words and a description.
const BODY_MAX_BYTES: usize = 16 * 1024;
