//! The answer to `POST /api/tokens`.

use serde_json::json;

use crate::auth::jwt::minted::MintedToken;
use crate::auth::jwt::scope::Scopes;
use crate::auth::subject::Subject;
use crate::base::time::DurationMs;

/// A token that was made, as JSON; its names are those of OAuth (RFC 6749 5.1) where those have one.
pub fn minted_token_json(
    minted: &MintedToken,
    subject: &Subject,
    scopes: Scopes,
    lifetime: DurationMs,
) -> String {
    json!({
        "token": minted.token,
        "token_type": "Bearer",
        "expires_at": minted.expires_at.iso(),
        "expires_in_s": lifetime.0 / 1000,
        "subject": subject.as_str(),
        "scopes": scopes.list(),
    })
    .to_string()
}
