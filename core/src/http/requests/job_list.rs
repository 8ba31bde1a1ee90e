//! The query of `GET /api/jobs`: filters and a keyset cursor, newest first.
//!
//! The cursor is the last job of a page, not an offset: new jobs do not move the following pages.

use crate::base::percent::decode_query;
use crate::base::time::Timestamp;
use crate::edit::JobType;
use crate::http::problem::Problem;
use crate::http::requests::query::read_query;
use crate::job::labels::is_label;
use crate::job::status::JobStatus;
use crate::json::suggest::did_you_mean;
use crate::sql::jobs::{Cursor, JobListQuery};

impl JobListQuery {
    /// Reads a query string and collects every error. Values are not percent-decoded: no valid value has
    /// an escape.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self {
            project_id: None,
            status: None,
            job_type: None,
            label: None,
            limit: LIMIT_DEFAULT,
            cursor: None,
        };
        read_query(query, &PARAMETERS, |name, value| {
            Some(match name {
                "project_id" => value
                    .parse()
                    .map(|id| list.project_id = Some(id))
                    .map_err(|_| "must be a whole number".to_owned()),
                "limit" => match value.parse() {
                    Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => {
                        list.limit = limit;
                        Ok(())
                    }
                    _ => Err(format!("must be a whole number from 1 to {LIMIT_MAX}")),
                },
                "status" => one_of(value, JobStatus::WORDS).map(|status| list.status = Some(status)),
                "type" => one_of(value, JobType::WORDS).map(|job_type| list.job_type = Some(job_type)),
                "label" => match decode_query(value).filter(|label| is_label(label)) {
                    Some(label) => {
                        list.label = Some(label);
                        Ok(())
                    }
                    None => Err("must be a key and a value, such as team:U12".to_owned()),
                },
                "cursor" => Cursor::parse(value)
                    .map(|cursor| list.cursor = Some(cursor))
                    .ok_or_else(|| "must be the next_cursor of an earlier page".to_owned()),
                _ => return None,
            })
        })?;
        Ok(list)
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (created_at, id) = text.split_once('_')?;
        Some(Self { created_at: Timestamp(created_at.parse().ok()?), id: id.parse().ok()? })
    }
}

fn one_of<T: Copy>(text: &str, words: &'static [(&'static str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let list = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        format!("must be one of {list}{}", did_you_mean(text, words.iter().map(|(word, _)| *word)))
    })
}

const PARAMETERS: [&str; 6] = ["project_id", "status", "type", "label", "limit", "cursor"];
const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_parameter_is_named() {
        let problem = JobListQuery::parse(
            "project_id=x&limit=0&status=done&type=overlays&label=x&cursor=1&staus=error",
        )
        .unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/project_id", "/limit", "/status", "/type", "/label", "/cursor", "/staus"]);
        assert!(problem.errors[6].detail.contains("did you mean \"status\"?"));
    }
}
