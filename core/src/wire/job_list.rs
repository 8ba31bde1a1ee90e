//! The page of `GET /api/jobs`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::base::object_key::ObjectKey;
use crate::base::time::{DurationMs, Timestamp};
use crate::job::error_code::ErrorCode;
use crate::job::labels::Labels;
use crate::s3::Presigner;
use crate::sql::jobs::{JobListQuery, JobRow};

/// The response: `{"jobs": [...], "next_cursor": ...}`. Each poster URL is valid for `lifetime`.
pub fn to_page_json(
    query: &JobListQuery,
    mut rows: Vec<JobRow>,
    presigner: &Presigner,
    lifetime: DurationMs,
    now: Timestamp,
) -> String {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_next).map(|row| format!("{}_{}", row.created_at.0, row.id));
    let jobs = rows.iter().map(|row| {
        let job = row.id.parse();
        let key = row.poster_key.as_deref().zip(job.ok());
        let key = key.and_then(|(key, job)| ObjectKey::parse_output_of(job, key).ok());
        row_json(row, key.map(|key| presigner.get(&key, None, lifetime, now)))
    });
    let page = Page { jobs: jobs.collect(), next_cursor: next };
    serde_json::to_string(&page).unwrap_or_default()
}

/// The part of the job JSON that the index knows; progress and params are the object's. Words that this
/// version does not know are shown as they are, and an unknown error code has no `retryable`.
fn row_json(row: &JobRow, poster_url: Option<String>) -> RowJson<'_> {
    let code = row.error_code.as_deref();
    RowJson {
        job_id: &row.id,
        id: &row.id,
        project_id: row.project_id,
        kind: &row.kind,
        status: &row.status,
        attempt: row.attempt,
        retry_count: row.attempt.saturating_sub(1),
        input_video_key: &row.input_video_key,
        output_video_key: row.output_video_key.as_deref(),
        output_bytes: row.output_bytes,
        poster_url,
        labels: row.labels.as_ref().map(Labels::json),
        error: row.error.as_deref(),
        error_code: code,
        retryable: code.and_then(ErrorCode::from_word).map(ErrorCode::retryable),
        created_at: row.created_at.iso(),
        started_at: row.started_at.map(Timestamp::iso),
        completed_at: row.completed_at.map(Timestamp::iso),
    }
}

#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "JobPage"))]
/// A page of jobs, newest first.
#[derive(Serialize)]
pub(crate) struct Page<'p> {
    /// The jobs.
    jobs: Vec<RowJson<'p>>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
}

#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "JobSummary"))]
/// What the index knows of a job; it may be a moment behind.
#[derive(Serialize)]
pub(crate) struct RowJson<'r> {
    /// The job.
    #[cfg_attr(feature = "describe", schemars(with = "crate::base::id::JobId"))]
    job_id: &'r str,
    /// The same id.
    #[cfg_attr(feature = "describe", schemars(with = "crate::base::id::JobId"))]
    id: &'r str,
    /// The project it belongs to.
    project_id: i64,
    /// What is rendered.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "describe", schemars(with = "crate::edit::JobType"))]
    kind: &'r str,
    /// Where it is.
    #[cfg_attr(feature = "describe", schemars(with = "crate::job::status::JobStatus"))]
    status: &'r str,
    /// The number of the attempt, from 1.
    attempt: u32,
    /// Attempts before this one.
    retry_count: u32,
    /// The video it reads.
    input_video_key: &'r str,
    /// The video it made.
    output_video_key: Option<&'r str>,
    /// Its length.
    output_bytes: Option<u64>,
    /// A picture of the result; good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    poster_url: Option<String>,
    /// What its creator has noted on it. Left out without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "describe", schemars(with = "Option<std::collections::BTreeMap<String, String>>"))]
    labels: Option<&'r RawValue>,
    /// Why it failed, as a sentence.
    error: Option<&'r str>,
    /// Why it failed, for programs.
    #[cfg_attr(feature = "describe", schemars(with = "Option<ErrorCode>"))]
    error_code: Option<&'r str>,
    /// Whether another attempt may help.
    retryable: Option<bool>,
    /// When it was created.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    created_at: String,
    /// When a renderer took it.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    started_at: Option<String>,
    /// When it ended.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    completed_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn a_page_has_a_cursor_only_if_another_follows() {
        let row = |id: &str| -> JobRow {
            serde_json::from_value(serde_json::json!({
                "id": id, "project_id": 7, "type": "overlay", "status": "error", "attempt": 3,
                "input_video_key": "input/a/b.mp4", "output_video_key": null, "output_bytes": null,
                "poster_key": null, "error": "x", "error_code": "gpu_error", "created_at": 1000, "started_at": null, "completed_at": 2000
            }))
            .unwrap()
        };
        let query = JobListQuery::parse("limit=1").unwrap();
        let page = |rows| -> serde_json::Value {
            let text = to_page_json(
                &query,
                rows,
                &presigner(),
                DurationMs::minutes(60),
                Timestamp(1_769_850_300_250),
            );
            serde_json::from_str(&text).unwrap()
        };
        let first_page = page(vec![row(ID), row(ID)]);
        assert_eq!(first_page["next_cursor"], format!("1000_{ID}"));
        assert_eq!(
            (first_page["jobs"].as_array().unwrap().len(), &first_page["jobs"][0]["retryable"]),
            (1, &true.into())
        );
        assert_eq!(page(vec![row(ID)])["next_cursor"], serde_json::Value::Null);
    }

    #[test]
    fn words_of_a_newer_version_are_listed_as_they_are() {
        let row: JobRow = serde_json::from_value(serde_json::json!({
            "id": ID, "project_id": 7, "type": "montage", "status": "paused", "attempt": 1,
            "input_video_key": "input/a/b.mp4", "output_video_key": null, "output_bytes": null,
            "poster_key": null, "error": "x", "error_code": "gpu_on_fire", "created_at": 1000,
            "started_at": null, "completed_at": null
        }))
        .unwrap();
        let json = serde_json::to_value(row_json(&row, None)).unwrap();
        assert_eq!(
            (&json["type"], &json["status"], &json["error_code"], &json["retryable"]),
            (&"montage".into(), &"paused".into(), &"gpu_on_fire".into(), &serde_json::Value::Null)
        );
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
        let text = to_page_json(
            &JobListQuery::parse("").unwrap(),
            rows,
            &presigner(),
            DurationMs::minutes(60),
            Timestamp(1_769_850_300_250),
        );
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        let url = |index: usize| page["jobs"][index]["poster_url"].as_str();
        assert!(url(0).unwrap().starts_with(&format!("https://r2.example/videos/{own}?")));
        assert!(url(0).unwrap().contains("X-Amz-Expires=3600"));
        assert_eq!([url(1), url(2), url(3)], [None; 3]);
    }

    fn presigner() -> Presigner {
        let endpoint = crate::base::base_url::BaseUrl::parse("https://r2.example").unwrap();
        Presigner::new(&endpoint, "videos", "id".into(), "s3cret".into()).unwrap()
    }
}
