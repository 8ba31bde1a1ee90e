//! The answer to `POST /api/tokens`.

use serde_json::Value;

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
    let (token, expires_at, expires_in_s) = (&minted.token, minted.expires_at, lifetime.0 / 1000);
    let (subject, scopes) = (Value::from(subject.as_str()), scopes.claim().replace(' ', "\",\""));
    format!(
        r#"{{"token":"{token}","token_type":"Bearer","expires_at":"{expires_at}","expires_in_s":{expires_in_s},"subject":{subject},"scopes":["{scopes}"]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn every_subject_is_written_as_json() {
        let minted = MintedToken { token: "a.b.c".to_owned(), expires_at: Timestamp(1_769_853_900_000) };
        let subject = Subject::parse("u \"1\" \\ é").unwrap();
        let json = minted_token_json(&minted, &subject, Scopes::ALL, DurationMs::minutes(60));
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap(),
            serde_json::json!({
                "token": "a.b.c", "token_type": "Bearer", "expires_at": "2026-01-31T10:05:00.000Z",
                "expires_in_s": 3600, "subject": "u \"1\" \\ é", "scopes": ["read", "write"]
            })
        );
    }
}
