//! The row of a job in the index: what a release writes stays there until the job's next version.

use std::iter::zip;

use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::sql::jobs::{JobRow, upsert_job};
use reel_core::sql::statement::{SqlStatement, SqlValue};
use serde_json::{Map, Value as Json};

use crate::golden::GoldenFiles;

/// The rows of jobs and specs that have golden files themselves.
pub fn pin(golden: &mut GoldenFiles) {
    let jobs = [
        ("complete", include_str!("golden/job-complete.json"), include_str!("golden/spec-of-a-project.json")),
        ("failed", include_str!("golden/job-failed.json"), include_str!("golden/spec.json")),
    ];
    for (name, job, spec) in jobs {
        let job: Job = serde_json::from_str(job).expect("a stored job");
        let spec: JobSpec = serde_json::from_str(spec).expect("a stored spec");
        let row = columns(&upsert_job(&spec, &job.snapshot(), job.index.wanted)[0]);
        golden.pin(&format!("index-row-{name}.json"), &serde_json::to_string_pretty(&row).expect("JSON"));
        assert_is_read(row, &spec, &job);
    }
}

/// What a list reads from such a row. SQLite's own part is tested with the statements.
fn assert_is_read(row: Json, spec: &JobSpec, job: &Job) {
    let row: JobRow = serde_json::from_value(row).expect("a row of the index");
    let (snapshot, output) = (job.snapshot(), job.snapshot().output);
    let failure = snapshot.failure.as_ref();
    let expected = JobRow {
        id: spec.id.to_string(),
        project_id: spec.project_id,
        kind: spec.job_type.as_str().to_owned(),
        status: snapshot.status.as_str().to_owned(),
        attempt: snapshot.attempt,
        input_video_key: spec.input_key.as_str().to_owned(),
        output_video_key: output.as_ref().map(|output| output.key.clone()),
        output_bytes: output.as_ref().map(|output| output.bytes),
        poster_key: output.and_then(|output| output.poster),
        error: failure.map(|failure| failure.sentence.clone()),
        error_code: failure.map(|failure| failure.code.as_str().to_owned()),
        created_at: spec.created_at,
        started_at: snapshot.started_at,
        completed_at: snapshot.completed_at,
        labels: None,
    };
    assert_eq!(row, expected);
}

/// The value of each column that an `INSERT` names.
fn columns(insert: &SqlStatement) -> Json {
    let names = insert.sql.split(['(', ')']).nth(1).expect("the names of the columns").split(", ");
    assert_eq!(names.clone().count(), insert.values.len());
    let value = |value: &SqlValue| match value {
        SqlValue::Null => Json::Null,
        SqlValue::Integer(number) => (*number).into(),
        SqlValue::Real(number) => (*number).into(),
        SqlValue::Text(text) => text.as_str().into(),
    };
    zip(names, &insert.values)
        .map(|(name, bound)| (name.to_owned(), value(bound)))
        .collect::<Map<_, _>>()
        .into()
}
