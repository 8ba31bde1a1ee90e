//! Tokens for end users of services that have no identity provider.

use reel_core::http::problem::Problem;
use reel_core::http::requests::tokens::MintRequest;
use reel_core::wire::user_token::minted_token_json;

use super::{HandlerResponse, RequestContext};
use crate::platform::clock;
use crate::platform::http::HttpResponse;

/// `POST /api/tokens`.
pub async fn mint(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let MintRequest { subject, scopes, lifetime } =
        MintRequest::parse(&context.call.body(BODY_MAX_BYTES).await?)?;
    let minted = context.config.auth.mint_keys.mint(&subject, scopes, clock::now(), lifetime);
    let minted = minted.ok_or_else(Problem::internal)?;
    let body = minted_token_json(&minted, &subject, scopes, lifetime);
    Ok(HandlerResponse::Answer(HttpResponse::json(201, body)))
}

const BODY_MAX_BYTES: usize = 4 * 1024;
