//! Lists of jobs: filters and a keyset cursor, newest first.
//!
//! A page ends at a job, not at a number: jobs that arrive meanwhile are newer than the cursor and shift
//! nothing.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::edit::JobType;
use crate::fault::{FieldError, did_you_mean};
use crate::id::JobId;
use crate::job::code::ErrorCode;
use crate::job::state::JobStatus;
use crate::object_key::ObjectKey;
use crate::problem::Problem;
use crate::s3::Presigner;
use crate::sql::SqlValue;
use crate::time::{DurationMs, Timestamp};

/// `GET /api/jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobListQuery {
    /// Only of this project.
    pub project_id: Option<i64>,
    /// Only in this status.
    pub status: Option<JobStatus>,
    /// Only of this kind.
    pub job_type: Option<JobType>,
    /// At most so many, 1 to 100.
    pub limit: u32,
    /// Only jobs that are older than this one.
    pub cursor: Option<Cursor>,
}

/// The last job of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it was created.
    pub created_at: Timestamp,
    /// Which it is: several may be created in one millisecond.
    pub id: JobId,
}

impl JobListQuery {
    /// Reads a query string, with every fault at once. Values need no percent-decoding: none that is
    /// right has anything to decode.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut listing =
            Self { project_id: None, status: None, job_type: None, limit: LIMIT_DEFAULT, cursor: None };
        let mut faults = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = match name {
                "project_id" => value
                    .parse()
                    .map(|id| listing.project_id = Some(id))
                    .map_err(|_| "must be a whole number".to_owned()),
                "limit" => match value.parse() {
                    Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => {
                        listing.limit = limit;
                        Ok(())
                    }
                    _ => Err(format!("must be a whole number from 1 to {LIMIT_MAX}")),
                },
                "status" => word(value, JobStatus::WORDS).map(|status| listing.status = Some(status)),
                "type" => word(value, JobType::WORDS).map(|kind| listing.job_type = Some(kind)),
                "cursor" => Cursor::parse(value)
                    .map(|cursor| listing.cursor = Some(cursor))
                    .ok_or_else(|| "must be the next_cursor of an earlier page".to_owned()),
                other => {
                    Err(format!("is not a known parameter{}", did_you_mean(other, PARAMETERS.into_iter())))
                }
            };
            if let Err(detail) = read {
                let name: String = name.chars().take(40).collect();
                faults.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if faults.is_empty() { Ok(listing) } else { Err(Problem::invalid(faults)) }
    }

    /// The query of one page, and one job more: it tells whether another page follows.
    pub fn select_statement(&self) -> (String, Vec<SqlValue>) {
        let mut sql = "SELECT id, project_id, type, status, attempt, input_video_key, output_video_key, \
            output_bytes, poster_key, error, error_code, created_at, started_at, completed_at \
            FROM export_jobs WHERE 1"
            .to_owned();
        let mut values = Vec::new();
        if let Some(project_id) = self.project_id {
            sql.push_str(" AND project_id = ?");
            values.push(SqlValue::Integer(project_id));
        }
        if let Some(status) = self.status {
            sql.push_str(" AND status = ?");
            values.push(SqlValue::Text(status.as_str().to_owned()));
        }
        if let Some(kind) = self.job_type {
            sql.push_str(" AND type = ?");
            values.push(SqlValue::Text(kind.as_str().to_owned()));
        }
        if let Some(cursor) = self.cursor {
            sql.push_str(" AND (created_at, id) < (?, ?)");
            values.extend([SqlValue::Integer(cursor.created_at.0), SqlValue::Text(cursor.id.to_string())]);
        }
        // Writing to a string cannot fail.
        let _ = write!(sql, " ORDER BY created_at DESC, id DESC LIMIT {}", self.limit + 1);
        (sql, values)
    }

    /// The answer: `{"jobs": [...], "next_cursor": ...}`, with a URL of each job's picture for `lifetime`.
    pub fn to_page_json(
        &self,
        mut rows: Vec<JobRow>,
        presigner: &Presigner,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| format!("{}_{}", row.created_at.0, row.id));
        let jobs = rows.iter().map(|row| {
            let job = row.id.parse();
            let key = row.poster_key.as_deref().zip(job.ok());
            let key = key.and_then(|(key, job)| ObjectKey::parse_output_of(job, key).ok());
            row.json(key.map(|key| presigner.get(&key, None, lifetime, now)))
        });
        let page = Page { jobs: jobs.collect(), next_cursor: next };
        serde_json::to_string(&page).unwrap_or_default()
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (created_at, id) = text.split_once('_')?;
        Some(Self { created_at: Timestamp(created_at.parse().ok()?), id: id.parse().ok()? })
    }
}

/// A row of the index.
#[derive(Clone, Debug, Deserialize)]
pub struct JobRow {
    id: String,
    project_id: i64,
    #[serde(rename = "type")]
    kind: String,
    status: JobStatus,
    attempt: u32,
    input_video_key: String,
    output_video_key: Option<String>,
    output_bytes: Option<u64>,
    poster_key: Option<String>,
    error: Option<String>,
    error_code: Option<String>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl JobRow {
    /// The part of the job JSON that the index knows; progress and params are the object's.
    fn json(&self, poster_url: Option<String>) -> RowJson<'_> {
        let code = self.error_code.as_deref();
        RowJson {
            job_id: &self.id,
            id: &self.id,
            project_id: self.project_id,
            kind: &self.kind,
            status: self.status,
            attempt: self.attempt,
            retry_count: self.attempt.saturating_sub(1),
            input_video_key: &self.input_video_key,
            output_video_key: self.output_video_key.as_deref(),
            output_bytes: self.output_bytes,
            poster_url,
            error: self.error.as_deref(),
            error_code: code,
            retryable: code
                .and_then(|word| ErrorCode::ALL.into_iter().find(|code| code.as_str() == word))
                .map(ErrorCode::retryable),
            created_at: self.created_at.iso(),
            started_at: self.started_at.map(Timestamp::iso),
            completed_at: self.completed_at.map(Timestamp::iso),
        }
    }
}

#[derive(Serialize)]
struct Page<'p> {
    jobs: Vec<RowJson<'p>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct RowJson<'r> {
    job_id: &'r str,
    id: &'r str,
    project_id: i64,
    #[serde(rename = "type")]
    kind: &'r str,
    status: JobStatus,
    attempt: u32,
    retry_count: u32,
    input_video_key: &'r str,
    output_video_key: Option<&'r str>,
    output_bytes: Option<u64>,
    poster_url: Option<String>,
    error: Option<&'r str>,
    error_code: Option<&'r str>,
    retryable: Option<bool>,
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
}

fn word<T: Copy>(text: &str, words: &'static [(&'static str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let list = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        format!("must be one of {list}{}", did_you_mean(text, words.iter().map(|(word, _)| *word)))
    })
}

const PARAMETERS: [&str; 5] = ["project_id", "status", "type", "limit", "cursor"];
const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn a_listing_names_every_wrong_parameter() {
        let problem =
            JobListQuery::parse("project_id=x&limit=0&status=done&type=overlays&cursor=1&staus=error")
                .unwrap_err();
        let pointers: Vec<&str> = problem.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/project_id", "/limit", "/status", "/type", "/cursor", "/staus"]);
        assert!(problem.faults[5].detail.contains("did you mean \"status\"?"));
    }

    #[test]
    fn filters_and_cursor_become_one_query() {
        let listing =
            JobListQuery::parse(&format!("project_id=7&status=error&type=overlay&limit=2&cursor=1000_{ID}"))
                .unwrap();
        let (sql, values) = listing.select_statement();
        assert!(sql.ends_with(
            "WHERE 1 AND project_id = ? AND status = ? AND type = ? AND (created_at, id) < (?, ?) \
             ORDER BY created_at DESC, id DESC LIMIT 3"
        ));
        assert_eq!(values.len(), 5);
    }

    #[test]
    fn a_page_points_to_the_next_only_when_there_is_one() {
        let row = |id: &str| -> JobRow {
            serde_json::from_value(serde_json::json!({
                "id": id, "project_id": 7, "type": "overlay", "status": "error", "attempt": 3,
                "input_video_key": "input/a/b.mp4", "output_video_key": null, "output_bytes": null,
                "poster_key": null, "error": "x", "error_code": "gpu_error", "created_at": 1000, "started_at": null, "completed_at": 2000
            }))
            .unwrap()
        };
        let listing = JobListQuery::parse("limit=1").unwrap();
        let page = |rows| -> serde_json::Value {
            let text = listing.to_page_json(
                rows,
                &presigner(),
                DurationMs::minutes(60),
                Timestamp(1_769_850_300_250),
            );
            serde_json::from_str(&text).unwrap()
        };
        let of_two = page(vec![row(ID), row(ID)]);
        assert_eq!(of_two["next_cursor"], format!("1000_{ID}"));
        assert_eq!(
            (of_two["jobs"].as_array().unwrap().len(), &of_two["jobs"][0]["retryable"]),
            (1, &true.into())
        );
        assert_eq!(page(vec![row(ID)])["next_cursor"], serde_json::Value::Null);
    }

    #[test]
    fn a_listed_job_shows_its_own_picture_and_nobody_elses() {
        let row = |poster: serde_json::Value| -> JobRow {
            serde_json::from_value(serde_json::json!({
                "id": ID, "project_id": 7, "type": "overlay", "status": "complete", "attempt": 1,
                "input_video_key": "input/a/b.mp4", "output_video_key": format!("output/{ID}/1/video.mp4"),
                "output_bytes": 5, "poster_key": poster, "error": null, "error_code": null,
                "created_at": 1000, "started_at": 1000, "completed_at": 2000
            }))
            .unwrap()
        };
        let own = format!("output/{ID}/1/poster.jpg");
        let rows = vec![
            row(own.as_str().into()),
            row(serde_json::Value::Null),
            row("output/x/1/poster.jpg".into()),
            row("input/a/b.mp4".into()),
        ];
        let text = JobListQuery::parse("").unwrap().to_page_json(
            rows,
            &presigner(),
            DurationMs::minutes(60),
            Timestamp(1_769_850_300_250),
        );
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        let url = |place: usize| page["jobs"][place]["poster_url"].as_str();
        assert!(url(0).unwrap().starts_with(&format!("https://r2.example/videos/{own}?")));
        assert!(url(0).unwrap().contains("X-Amz-Expires=3600"));
        assert_eq!([url(1), url(2), url(3)], [None; 3]);
    }

    fn presigner() -> Presigner {
        let endpoint = crate::web_url::BaseUrl::parse("https://r2.example").unwrap();
        Presigner::new(&endpoint, "videos", "id".into(), "s3cret".into()).unwrap()
    }
}
