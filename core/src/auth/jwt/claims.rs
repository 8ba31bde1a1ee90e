//! The claims of a token, read and held against the clock and the settings.
//!
//! Invariant: what is read here is believed only after the signature was checked.

use serde_json::Value;

use crate::auth::jwt::error::{Claim, JwtError};
use crate::auth::subject::Subject;
use crate::base::time::{DurationMs, Timestamp};
use crate::json::members::UniqueMembers;

/// The claims that every token has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who the user is.
    pub subject: Subject,
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it is for; empty when it does not say.
    pub audiences: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was issued, if it says so.
    pub issued_at: Option<Timestamp>,
}

impl Claims {
    /// Reads the claims of a token that is valid at `now`, give or take [`LEEWAY`].
    pub fn read(members: &UniqueMembers, now: Timestamp) -> Result<Self, JwtError> {
        let expires_at = time(members, Claim::Expiry)?.ok_or(JwtError::MissingClaim(Claim::Expiry))?;
        if now >= expires_at + LEEWAY {
            return Err(JwtError::Expired);
        }
        let issued_at = time(members, Claim::IssuedAt)?;
        for beginning in [time(members, Claim::NotBefore)?, issued_at].into_iter().flatten() {
            if now + LEEWAY < beginning {
                return Err(JwtError::NotYetValid);
            }
        }
        let subject = text(members, Claim::Subject)?.ok_or(JwtError::MissingClaim(Claim::Subject))?;
        let subject = Subject::parse(subject).ok_or(JwtError::InvalidClaim(Claim::Subject))?;
        let issuer = text(members, Claim::Issuer)?.map(str::to_owned);
        Ok(Self { subject, issuer, audiences: audiences(members)?, expires_at, issued_at })
    }

    /// Whether the token is from one of these issuers, and for one of these audiences. An empty list is not
    /// checked.
    pub fn require(&self, issuers: &[String], audiences: &[String]) -> Result<(), JwtError> {
        if !issuers.is_empty() {
            let issuer = self.issuer.as_ref().ok_or(JwtError::MissingClaim(Claim::Issuer))?;
            if !issuers.contains(issuer) {
                return Err(JwtError::WrongIssuer);
            }
        }
        if !audiences.is_empty() && !self.audiences.iter().any(|audience| audiences.contains(audience)) {
            return Err(if self.audiences.is_empty() {
                JwtError::MissingClaim(Claim::Audience)
            } else {
                JwtError::WrongAudience
            });
        }
        Ok(())
    }
}

/// A claim that is a text.
pub fn text(members: &UniqueMembers, claim: Claim) -> Result<Option<&str>, JwtError> {
    match members.get(claim.as_str()) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwtError::InvalidClaim(claim)),
    }
}

/// A claim in seconds since 1970, whole or not.
fn time(members: &UniqueMembers, claim: Claim) -> Result<Option<Timestamp>, JwtError> {
    let Some(value) = members.get(claim.as_str()) else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if (0.0..=LAST_SECOND).contains(&seconds) => {
            #[allow(clippy::cast_possible_truncation, reason = "below 2^53, and towards the past")]
            let ms = (seconds * 1000.0).floor() as i64;
            Ok(Some(Timestamp(ms)))
        }
        _ => Err(JwtError::InvalidClaim(claim)),
    }
}

/// `aud`: one text or a list of texts.
fn audiences(members: &UniqueMembers) -> Result<Vec<String>, JwtError> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    let audiences = match members.get(Claim::Audience.as_str()) {
        None => return Ok(Vec::new()),
        Some(Value::Array(several)) => several.iter().map(one).collect(),
        Some(value) => one(value).map(|audience| vec![audience]),
    };
    audiences.ok_or(JwtError::InvalidClaim(Claim::Audience))
}

/// How far the clocks of issuer and API may differ.
pub const LEEWAY: DurationMs = DurationMs::seconds(60);
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: f64 = 253_402_300_799.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW_S: i64 = 1_769_850_300;
    const NOW: Timestamp = Timestamp(NOW_S * 1000);

    #[allow(clippy::needless_pass_by_value, reason = "claims are written where they are used")]
    fn read(claims: Value) -> Result<Claims, JwtError> {
        Claims::read(&UniqueMembers::parse(claims.to_string().as_bytes()).unwrap(), NOW)
    }

    #[test]
    fn a_token_is_valid_between_its_times_with_a_minute_of_leeway() {
        for (claims, answer) in [
            (json!({"sub": "u", "exp": NOW_S + 1}), Ok(())),
            (json!({"sub": "u", "exp": NOW_S - 59}), Ok(())),
            (json!({"sub": "u", "exp": NOW_S - 60}), Err(JwtError::Expired)),
            (json!({"sub": "u", "exp": 0}), Err(JwtError::Expired)),
            (json!({"sub": "u", "exp": 1_769_850_240.5}), Ok(())),
            (json!({"sub": "u"}), Err(JwtError::MissingClaim(Claim::Expiry))),
            (json!({"sub": "u", "exp": NOW_S + 9, "nbf": NOW_S + 60}), Ok(())),
            (json!({"sub": "u", "exp": NOW_S + 99, "nbf": NOW_S + 61}), Err(JwtError::NotYetValid)),
            (json!({"sub": "u", "exp": NOW_S + 99, "iat": NOW_S + 61}), Err(JwtError::NotYetValid)),
        ] {
            assert_eq!(read(claims.clone()).map(|_| ()), answer, "{claims}");
        }
    }

    #[test]
    fn a_time_is_a_number_of_this_calendar() {
        for exp in [
            json!("1769850301"),
            json!(null),
            json!([NOW_S + 1]),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(253_402_300_800_i64),
        ] {
            assert_eq!(
                read(json!({"sub": "u", "exp": exp})),
                Err(JwtError::InvalidClaim(Claim::Expiry)),
                "{exp}"
            );
        }
        let last = read(json!({"sub": "u", "exp": 253_402_300_799_i64, "iat": 0.25})).unwrap();
        assert_eq!((last.expires_at, last.issued_at), (Timestamp(253_402_300_799_000), Some(Timestamp(250))));
    }

    #[test]
    fn a_subject_is_required() {
        for (sub, error) in [
            (json!(""), JwtError::InvalidClaim(Claim::Subject)),
            (json!(7), JwtError::InvalidClaim(Claim::Subject)),
            (json!(null), JwtError::InvalidClaim(Claim::Subject)),
            (json!("a\nb"), JwtError::InvalidClaim(Claim::Subject)),
            (json!("x".repeat(256)), JwtError::InvalidClaim(Claim::Subject)),
        ] {
            assert_eq!(read(json!({"sub": sub, "exp": NOW_S + 1})), Err(error), "{sub}");
        }
        assert_eq!(read(json!({"exp": NOW_S + 1})), Err(JwtError::MissingClaim(Claim::Subject)));
    }

    #[test]
    fn issuer_and_audience_are_compared_exactly() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let require = |claims: Value, issuers: &[&str], audiences: &[&str]| {
            let mut all = json!({"sub": "u", "exp": NOW_S + 1});
            all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
            read(all)?.require(&list(issuers), &list(audiences))
        };
        let issuer = "https://t.example/";
        assert_eq!(require(json!({}), &[], &[]), Ok(()));
        assert_eq!(require(json!({"iss": issuer}), &["x", issuer], &[]), Ok(()));
        assert_eq!(require(json!({}), &[issuer], &[]), Err(JwtError::MissingClaim(Claim::Issuer)));
        assert_eq!(require(json!({"iss": "https://t.example"}), &[issuer], &[]), Err(JwtError::WrongIssuer));
        assert_eq!(require(json!({"iss": [issuer]}), &[], &[]), Err(JwtError::InvalidClaim(Claim::Issuer)));
        assert_eq!(require(json!({"aud": "api"}), &[], &["api", "b"]), Ok(()));
        assert_eq!(require(json!({"aud": ["x", "b"]}), &[], &["api", "b"]), Ok(()));
        assert_eq!(require(json!({"aud": "API"}), &[], &["api"]), Err(JwtError::WrongAudience));
        assert_eq!(require(json!({"aud": []}), &[], &["api"]), Err(JwtError::MissingClaim(Claim::Audience)));
        assert_eq!(require(json!({}), &[], &["api"]), Err(JwtError::MissingClaim(Claim::Audience)));
        for aud in [json!(1), json!(null), json!(["api", 1]), json!({"a": "api"})] {
            let answer = require(json!({"aud": aud}), &[], &["api"]);
            assert_eq!(answer, Err(JwtError::InvalidClaim(Claim::Audience)), "{aud}");
        }
    }

    proptest! {
        #[test]
        fn no_number_makes_a_time_overflow(exp in any::<f64>(), nbf in any::<f64>(), now in any::<i64>()) {
            let members = json!({"sub": "u", "exp": exp, "nbf": nbf}).to_string();
            let _ = Claims::read(&UniqueMembers::parse(members.as_bytes()).unwrap(), Timestamp(now));
        }
    }
}
