//! `GET /api/audit`, and the user that a path names.

use serde_json::Value as Json;

use crate::auth::id_key::IdKey;
use crate::auth::subject::Subject;
use crate::base::owner::OwnerId;
use crate::base::percent;
use crate::base::time::Timestamp;
use crate::http::problem::{Problem, ProblemCode};
use crate::http::requests::query::read_query;
use crate::sql::audit::AuditQuery;

impl AuditQuery {
    /// Reads `subject?, limit?, cursor?` and collects every error. A subject is percent-encoded.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str, ids: &IdKey) -> Result<Self, Problem> {
        let mut audit = Self { owner: None, limit: LIMIT_DEFAULT, before: None };
        read_query(query, &PARAMETERS, |name, value| {
            Some(match name {
                "subject" => percent::decode_query(value)
                    .and_then(|text| Subject::parse(&text))
                    .map(|subject| audit.owner = Some(ids.owner_id(&subject)))
                    .ok_or_else(|| "must have 1 to 255 bytes and no control characters".to_owned()),
                "limit" => match value.parse() {
                    Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => {
                        audit.limit = limit;
                        Ok(())
                    }
                    _ => Err(format!("must be a whole number from 1 to {LIMIT_MAX}")),
                },
                "cursor" => cursor(value)
                    .map(|before| audit.before = Some(before))
                    .ok_or_else(|| "must be the next_cursor of an earlier page".to_owned()),
                _ => return None,
            })
        })?;
        Ok(audit)
    }

    /// The answer: `{"entries": [...], "next_cursor": ...}`, newest first, times in ISO 8601.
    pub fn page_json(&self, mut rows: Vec<String>) -> String {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let mut entries: Vec<Json> = rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect();
        let next = entries
            .last()
            .filter(|_| has_next)
            .and_then(|entry| Some(format!("{}_{}", entry.get("at")?, entry.get("request_id")?.as_str()?)));
        for entry in &mut entries {
            if let Some(at) = entry.get_mut("at")
                && let Some(ms) = at.as_i64()
            {
                *at = Timestamp(ms).iso().into();
            }
        }
        serde_json::json!({ "entries": entries, "next_cursor": next }).to_string()
    }
}

/// The owner whom a segment of a path names, percent-encoded.
///
/// # Errors
/// 422 for what is no subject.
pub fn owner_of_path(segment: &str, ids: &IdKey) -> Result<OwnerId, Problem> {
    let subject = percent::decode(segment).and_then(|text| Subject::parse(&text));
    subject.map(|subject| ids.owner_id(&subject)).ok_or_else(|| {
        Problem::new(
            ProblemCode::InvalidRequest,
            "The path must end with the user's subject, percent-encoded: 1 to 255 bytes without control characters.",
        )
    })
}

fn cursor(text: &str) -> Option<(i64, String)> {
    let (at, request_id) = text.split_once('_')?;
    let plain = (1..=64).contains(&request_id.len()) && request_id.bytes().all(|b| b.is_ascii_alphanumeric());
    Some((at.parse().ok().filter(|at| *at >= 0)?, request_id.to_owned())).filter(|_| plain)
}

const PARAMETERS: [&str; 3] = ["subject", "limit", "cursor"];
const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> IdKey {
        IdKey::new(&[7; 32])
    }

    #[test]
    fn a_query_reads_its_parameters_and_names_every_wrong_one() {
        let query = AuditQuery::parse("subject=auth0%7C5f&limit=7&cursor=12_ab", &ids()).unwrap();
        let owner = ids().owner_id(&Subject::parse("auth0|5f").unwrap());
        assert_eq!(query, AuditQuery { owner: Some(owner), limit: 7, before: Some((12, "ab".to_owned())) });
        let problem = AuditQuery::parse("subject=&limit=0&cursor=x&subjct=a", &ids()).unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/subject", "/limit", "/cursor", "/subjct"]);
    }

    #[test]
    fn a_page_has_a_cursor_only_if_another_follows() {
        let query = AuditQuery::parse("limit=1", &ids()).unwrap();
        let row = r#"{"at":1769850300250,"request_id":"ab"}"#.to_owned();
        let page = |rows| -> Json { serde_json::from_str(&query.page_json(rows)).unwrap() };
        let first = page(vec![row.clone(), row.clone()]);
        assert_eq!(first["next_cursor"], "1769850300250_ab");
        assert_eq!(
            first["entries"],
            serde_json::json!([{"at": "2026-01-31T09:05:00.250Z", "request_id": "ab"}])
        );
        assert_eq!(page(vec![row])["next_cursor"], Json::Null);
    }

    #[test]
    fn a_path_names_a_user_or_nobody() {
        let owner = |subject| ids().owner_id(&Subject::parse(subject).unwrap());
        assert_eq!(owner_of_path("auth0%7C5f", &ids()), Ok(owner("auth0|5f")));
        for wrong in ["", "%", "%0A", "%FF"] {
            assert_eq!(
                owner_of_path(wrong, &ids()).unwrap_err().code,
                ProblemCode::InvalidRequest,
                "{wrong}"
            );
        }
    }
}
