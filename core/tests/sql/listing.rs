//! `GET /api/jobs` and `GET /api/exports/active`.

use reel_core::base::id::JobId;
use reel_core::base::owner::Visibility;
use reel_core::base::time::Timestamp;
use reel_core::edit::JobType;
use reel_core::job::labels::Labels;
use reel_core::job::spec::JobSpec;
use reel_core::job::status::JobStatus;
use reel_core::sql::exports::select_active_exports;
use reel_core::sql::jobs::{Cursor, JobListQuery, JobRow, delete_job, upsert_job};
use reel_core::sql::projects::upsert_project;
use serde_json::{Value as Json, json};

use crate::database::Database;
use crate::fixtures::{ALICE, complete, failed, job_id, pending, processing, project_id, put_project, spec};

/// Each combination of filters and cursor.
pub fn every_query() -> Vec<JobListQuery> {
    let mut all = Vec::new();
    for project_id in [None, Some(7)] {
        for status in [None, Some(JobStatus::Error)] {
            for job_type in [None, Some(JobType::Framing)] {
                for cursor in [None, Some(Cursor { created_at: Timestamp(2), id: job_id(2) })] {
                    all.push(JobListQuery { project_id, status, job_type, label: None, limit: 20, cursor });
                }
            }
        }
    }
    all
}

fn list(database: &Database, query: &JobListQuery) -> Vec<JobRow> {
    JobRow::parse_all(&database.run(&query.select_statement(Visibility::All))).expect("rows of jobs")
}

fn ids(database: &Database, query: &str) -> Vec<JobId> {
    let query = JobListQuery::parse(query).expect("a query");
    list(database, &query).iter().map(|row| row.id.parse().expect("an id")).collect()
}

#[test]
fn a_list_is_newest_first_and_jobs_of_one_moment_are_ordered_by_id() {
    let database = Database::new();
    for (number, at) in [(2, 10), (4, 10), (3, 10), (1, 30), (5, 20)] {
        database.add_job(&JobSpec { created_at: Timestamp(at), ..spec(number) }, &pending());
    }
    assert_eq!(ids(&database, ""), [1, 5, 4, 3, 2].map(job_id));
}

#[test]
fn each_filter_narrows_the_list_and_filters_combine() {
    let database = Database::new();
    database.add_job(&spec(1), &pending());
    database.add_job(&spec(2), &failed());
    database.add_job(&JobSpec { job_type: JobType::Framing, ..spec(3) }, &failed());
    database.add_job(&JobSpec { project_id: 8, ..spec(4) }, &failed());
    database.add_job(&spec(5), &processing());
    database.add_job(&spec(6), &complete(6, 5000));
    for (query, found) in [
        ("", &[6, 5, 4, 3, 2, 1][..]),
        ("project_id=7", &[6, 5, 3, 2, 1]),
        ("project_id=9", &[]),
        ("status=error", &[4, 3, 2]),
        ("status=pending", &[1]),
        ("status=processing", &[5]),
        ("status=complete", &[6]),
        ("type=framing", &[3]),
        ("type=annotate", &[]),
        ("project_id=7&status=error", &[3, 2]),
        ("project_id=7&status=error&type=overlay", &[2]),
        ("limit=2", &[6, 5, 4]),
    ] {
        let found: Vec<JobId> = found.iter().map(|number| job_id(*number)).collect();
        assert_eq!(ids(&database, query), found, "{query}");
    }
}

#[test]
fn pages_have_each_job_once_although_new_jobs_arrive_in_between() {
    for limit in 1..=7 {
        let database = Database::new();
        // Four jobs a moment, so that pages end in the middle of one.
        for number in 1..=22 {
            let created_at = Timestamp(i64::from(number) / 4);
            database.add_job(&JobSpec { created_at, ..spec(number) }, &pending());
        }
        let mut query = JobListQuery { limit, ..JobListQuery::parse("project_id=7").unwrap() };
        let (mut seen, mut arriving) = (Vec::new(), 100);
        loop {
            let mut rows = list(&database, &query);
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            seen.extend(rows.iter().map(|row| row.id.parse::<JobId>().unwrap()));
            database.add_job(&JobSpec { created_at: Timestamp(50), ..spec(arriving) }, &pending());
            arriving += 1;
            let Some(last) = rows.last().filter(|_| more) else { break };
            query.cursor = Some(Cursor { created_at: last.created_at, id: last.id.parse().unwrap() });
        }
        assert_eq!(seen, (1..=22).rev().map(job_id).collect::<Vec<_>>(), "limit {limit}");
    }
}

#[test]
fn a_listed_row_is_what_was_written() {
    let database = Database::new();
    database.add_job(&spec(1), &complete(1, 5000));
    database.add_job(&spec(2), &failed());
    let [broken, done] = &list(&database, &JobListQuery::parse("").unwrap())[..] else { panic!("two rows") };
    let id = job_id(1);
    let expected = JobRow {
        id: id.to_string(),
        project_id: 7,
        kind: "overlay".into(),
        status: "complete".into(),
        attempt: 1,
        input_video_key: "input/a/clip.mp4".into(),
        output_video_key: Some(format!("output/{id}/1/video.mp4")),
        output_bytes: Some(1_048_576),
        poster_key: Some(format!("output/{id}/1/poster.jpg")),
        error: None,
        error_code: None,
        created_at: Timestamp(1),
        started_at: Some(Timestamp(3000)),
        completed_at: Some(Timestamp(5000)),
        labels: None,
    };
    assert_eq!(*done, expected);
    assert_eq!(broken.error, failed().failure.map(|failure| failure.sentence), "quotes and all");
    assert_eq!((broken.error_code.as_deref(), &broken.output_video_key), (Some("gpu_error"), &None));
}

#[test]
fn words_of_a_newer_version_are_accepted_and_listed_as_they_are() {
    let database = Database::new();
    database.add_job(&spec(1), &failed());
    database
        .0
        .execute("UPDATE export_jobs SET type = 'captions', status = 'paused', error_code = 'new'", [])
        .unwrap();
    let [row] = &list(&database, &JobListQuery::parse("").unwrap())[..] else { panic!("one row") };
    assert_eq!((&*row.kind, &*row.status, row.error_code.as_deref()), ("captions", "paused", Some("new")));
    let newer = upsert_job(&spec(1), &complete(1, 5000), 2);
    assert_eq!(database.changes(&newer), 1, "and the job's next row is written");
}

#[test]
fn each_job_is_in_one_page_whatever_words_and_times_its_row_has() {
    let database = Database::new();
    let mut number = 0;
    for status in ["pending", "processing", "complete", "error", "paused"] {
        for job_type in ["framing", "overlay", "annotate", "captions"] {
            for completed_at in ["NULL", "5000"] {
                for owner in ["NULL", "'b'"] {
                    number += 1;
                    database.add_job(&spec(number), &pending());
                    let sql = format!(
                        "UPDATE export_jobs SET status = '{status}', type = '{job_type}', \
                         completed_at = {completed_at}, owner = {owner} WHERE id = '{}'",
                        job_id(number)
                    );
                    database.0.execute(&sql, []).unwrap();
                }
            }
        }
    }
    let page = |query: &str| list(&database, &JobListQuery::parse(query).unwrap());
    let newest_first: Vec<String> = (1..=number).rev().map(|number| job_id(number).to_string()).collect();
    let all = page("limit=100");
    assert_eq!(all.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), newest_first);
    for of_project in ["", "&project_id=7"] {
        for status in ["", "pending", "processing", "complete", "error"] {
            for job_type in ["", "framing", "overlay", "annotate"] {
                let mut query = format!("limit=100{of_project}");
                for (name, word) in [("&status=", status), ("&type=", job_type)] {
                    if !word.is_empty() {
                        query.extend([name, word]);
                    }
                }
                let matches = |row: &&JobRow| {
                    [(&row.status, status), (&row.kind, job_type)]
                        .iter()
                        .all(|(word, asked)| asked.is_empty() || word == asked)
                };
                let expected: Vec<&JobRow> = all.iter().filter(matches).collect();
                assert_eq!(page(&query).iter().collect::<Vec<_>>(), expected, "{query}");
            }
        }
    }
}

#[test]
fn active_exports_are_open_jobs_with_their_project_the_newest_first() {
    let database = Database::new();
    database.run_all(&upsert_project(None, project_id(7), &put_project(r#"{"name":"Cup"}"#), Timestamp(1)));
    database.add_job(&spec(1), &pending());
    database.add_job(&JobSpec { project_id: 8, ..spec(2) }, &processing());
    database.add_job(&spec(3), &complete(3, 5000));
    database.add_job(&spec(4), &failed());
    let rows: Vec<Json> = database
        .run(&select_active_exports(Visibility::All))
        .iter()
        .map(|row| serde_json::from_str(row).expect("JSON"))
        .collect();
    let of = |row: &Json| (row["job_id"].clone(), row["status"].clone(), row["project_name"].clone());
    assert_eq!(
        rows.iter().map(of).collect::<Vec<_>>(),
        [
            (json!(job_id(2)), json!("processing"), Json::Null),
            (json!(job_id(1)), json!("pending"), json!("Cup")),
        ]
    );
    assert_eq!(rows[0]["started_at"], 3000);
}

#[test]
fn jobs_are_found_by_a_label_of_their_own_owner() {
    let database = Database::new();
    let labels = |text: &str| serde_json::from_str::<Option<Labels>>(text).expect("labels");
    for number in 1..=6 {
        let team = if number % 2 == 0 { r#"{"team":"U12","note":"a: \"b\""}"# } else { r#"{"team":"U14"}"# };
        let owner = if number == 6 { ALICE.owner() } else { None };
        database.add_job(&JobSpec { labels: labels(team), owner, ..spec(number) }, &pending());
        // A later version of the row writes no label twice.
        let job = JobSpec { labels: labels(team), owner, ..spec(number) };
        assert_eq!(database.changes(&upsert_job(&job, &complete(1, 5000), 3)[1..]), 0);
    }
    let found = |query: &str, visibility| -> Vec<String> {
        let query = JobListQuery::parse(query).unwrap();
        let statement = query.select_statement(visibility);
        assert!(!database.plan(&statement).contains("TEMP B-TREE"), "{}", database.plan(&statement));
        JobRow::parse_all(&database.run(&statement)).unwrap().into_iter().map(|row| row.id).collect()
    };
    let ids = |numbers: &[u8]| numbers.iter().map(|number| job_id(*number).to_string()).collect::<Vec<_>>();
    assert_eq!(found("label=team:U12", Visibility::All), ids(&[4, 2]));
    assert_eq!(found("label=team:U12", ALICE), ids(&[6]));
    assert_eq!(found("label=note:a%3A+%22b%22", Visibility::All), ids(&[4, 2]));
    assert_eq!(
        found("label=team:U14&limit=1&status=pending&type=overlay&project_id=7", Visibility::All),
        ids(&[5, 3])
    );
    assert_eq!(found(&format!("label=team:U14&cursor=3_{}", job_id(3)), Visibility::All), ids(&[1]));
    assert_eq!(found("label=team:U1", Visibility::All), ids(&[]));
    let row = &list(&database, &JobListQuery::parse("limit=1").unwrap())[0];
    assert_eq!(row.labels, labels(r#"{"team":"U12","note":"a: \"b\""}"#));
    for statement in delete_job(job_id(4)) {
        database.run(&statement);
    }
    assert_eq!(found("label=team:U12", Visibility::All), ids(&[2]));
    let left: i64 = database.0.query_row("SELECT count(*) FROM job_labels", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 7, "the labels of a deleted job go with it");
}
