//! `POST /api/tokens`.

use serde_json::{Value, json};

use crate::auth::jwt::scope::{Scope, Scopes};
use crate::auth::subject::Subject;
use crate::base::time::DurationMs;
use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, integer, list, one_of};

/// A token to be made for an end user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintRequest {
    /// The user.
    pub subject: Subject,
    /// What the token allows.
    pub scopes: Scopes,
    /// How long it is valid.
    pub lifetime: DurationMs,
}

impl MintRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, Self::read)
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let subject = fields.required("subject", subject);
        let scopes = fields.optional("scopes", scopes);
        let lifetime_s = fields.optional("expires_in_s", integer(LIFETIME_MIN_S..=LIFETIME_MAX_S));
        fields.finish();
        Some(Self {
            subject: subject?,
            scopes: scopes?.unwrap_or(Scopes::ALL),
            lifetime: DurationMs::seconds(lifetime_s?.unwrap_or(LIFETIME_DEFAULT_S)),
        })
    }
}

fn subject(value: &Value, mut at: FieldContext<'_>) -> Option<Subject> {
    at.describe(|| json!({"type": "string", "minLength": 1, "maxLength": 255}));
    let subject = value.as_str().and_then(Subject::parse);
    subject.or_else(|| at.reject("must be the user's name: 1 to 255 bytes without control characters"))
}

fn scopes(value: &Value, mut at: FieldContext<'_>) -> Option<Scopes> {
    at.describe(|| json!({"minItems": 1}));
    let scopes = list(SCOPES_MAX, one_of(Scope::WORDS))(value, at.reborrow())?;
    Scopes::new(&scopes).or_else(|| at.reject("must name at least one scope"))
}

const LIFETIME_MIN_S: i64 = 60;
const LIFETIME_DEFAULT_S: i64 = 3_600;
const LIFETIME_MAX_S: i64 = 86_400;
const SCOPES_MAX: usize = Scope::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]
    fn parse(body: Value) -> Result<MintRequest, Problem> {
        MintRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn an_hour_with_every_scope_is_the_default() {
        let request = parse(json!({"subject": "user-1", "scopes": null})).unwrap();
        assert_eq!((request.subject.as_str(), request.scopes), ("user-1", Scopes::ALL));
        assert_eq!(request.lifetime, DurationMs::minutes(60));
        let request = parse(json!({"subject": "u", "scopes": ["read"], "expires_in_s": 86_400})).unwrap();
        assert_eq!(
            (request.scopes.claim().as_str(), request.lifetime),
            ("read", DurationMs::minutes(24 * 60))
        );
    }

    #[test]
    fn every_error_of_a_token_request_is_named_at_once() {
        let pointers = |body| -> Vec<String> {
            parse(body).unwrap_err().errors.into_iter().map(|error| error.pointer).collect()
        };
        let all_wrong = json!({"sub": "u", "scopes": ["admin"], "expires_in_s": 59});
        assert_eq!(pointers(all_wrong), ["/subject", "/scopes/0", "/expires_in_s", "/sub"]);
        for subject in [json!(""), json!(" "), json!("a\nb"), json!("x".repeat(256)), json!(7)] {
            assert_eq!(pointers(json!({ "subject": subject })), ["/subject"]);
        }
        for expires_in_s in [json!(86_401), json!(-1), json!("60"), json!(60.5)] {
            assert_eq!(pointers(json!({"subject": "u", "expires_in_s": expires_in_s})), ["/expires_in_s"]);
        }
        for scopes in [json!([]), json!(["read", "write", "read"]), json!("read")] {
            assert_eq!(pointers(json!({"subject": "u", "scopes": scopes})), ["/scopes"]);
        }
    }
}
