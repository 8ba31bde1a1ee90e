//! What a list costs: rows are read in proportion to a page, whatever the table holds.
//!
//! `cargo test -p reel-core --release --test sql -- --ignored --nocapture million` prints each query's time.

use std::time::{Duration, Instant};

use reel_core::base::owner::Visibility;
use reel_core::base::time::Timestamp;
use reel_core::edit::JobType;
use reel_core::job::status::JobStatus;
use reel_core::sql::audit::{AuditQuery, delete_audit_entries};
use reel_core::sql::exports::{select_active_exports, select_clip_video};
use reel_core::sql::jobs::{Cursor, JobListQuery, select_open_jobs};
use reel_core::sql::owners::{
    count_open_jobs, delete_revocations, delete_upload_bytes, select_jobs_of, select_open_jobs_of,
};
use reel_core::sql::projects::{ProjectListQuery, select_clips};
use reel_core::sql::references::{select_inputs_in_use, select_keys_outliving, select_reference};
use reel_core::sql::statement::SqlStatement;

use crate::database::Database;
use crate::filled::{COMMON_PROJECT, OPEN_JOBS, RARE_PROJECT, created_at, fill};
use crate::fixtures::{ALICE, job_id, project_id};

const PAGE: u32 = 20;

/// Each combination of what `GET /api/jobs` can be asked for, with the values that are rare in a filled
/// database and those that are common; from the newest job on, from the middle, and from the oldest.
fn every_job_list(jobs: u32) -> Vec<(String, SqlStatement)> {
    let cursors = [None, Some(jobs / 2), Some(3)];
    let mut all = Vec::new();
    for visibility in [Visibility::All, ALICE] {
        for project_id in [None, Some(COMMON_PROJECT), Some(RARE_PROJECT)] {
            for status in [None].into_iter().chain(JobStatus::ALL.iter().copied().map(Some)) {
                for job_type in [None].into_iter().chain(JobType::ALL.iter().copied().map(Some)) {
                    for number in cursors {
                        let cursor =
                            number.map(|at| Cursor { created_at: Timestamp(created_at(at)), id: job_id(1) });
                        let query =
                            JobListQuery { project_id, status, job_type, label: None, limit: PAGE, cursor };
                        let name = format!("{visibility:?} {query:?}");
                        all.push((name, query.select_statement(visibility)));
                    }
                }
            }
        }
    }
    all
}

/// Every other statement whose rows are a list, or a part of one.
fn every_other_list(jobs: u32) -> Vec<(String, SqlStatement)> {
    let alice = ALICE.owner().expect("an owner");
    let (now, page) = (Timestamp(created_at(jobs)), PAGE);
    let audit = |owner, before| AuditQuery { owner, limit: page, before }.select_statement();
    let inputs = || vec!["input/10/x.mp4".to_owned(), "input/none/x.mp4".to_owned()];
    let mut all = vec![
        ("exports of all", select_active_exports(Visibility::All)),
        ("exports of one", select_active_exports(ALICE)),
        ("open jobs, for the sweep", select_open_jobs(now, page)),
        ("count of open jobs", count_open_jobs(alice, Timestamp(0))),
        ("open jobs of one", select_open_jobs_of(alice, Timestamp(0), page)),
        ("jobs of one", select_jobs_of(alice, page)),
        ("projects", ProjectListQuery::parse("").expect("a query").select_statement(ALICE.owner())),
        ("a clip", select_clip_video(None, COMMON_PROJECT, 0)),
        ("audit", audit(None, None)),
        ("audit, later", audit(None, Some((created_at(3), "x".to_owned())))),
        ("audit of one", audit(Some(alice), None)),
        ("audit of one, later", audit(Some(alice), Some((created_at(jobs / 2), "x".to_owned())))),
        ("old audit", delete_audit_entries(Timestamp(created_at(5)), page)),
        ("old counts", delete_upload_bytes(1)),
        ("old revocations", delete_revocations(Timestamp(0))),
        ("inputs in use", select_inputs_in_use(inputs())),
        ("keys outliving", select_keys_outliving(job_id(1), inputs())),
    ];
    for visibility in [Visibility::All, ALICE] {
        for key in ["input/10/x.mp4", "input/none/x.mp4", "input/reel-10/x.mp4"] {
            all.push(("reference", select_reference(key, visibility)));
        }
    }
    let clips = select_clips(None, project_id(COMMON_PROJECT)).into_iter().map(|clip| ("clips", clip));
    all.into_iter().chain(clips).map(|(name, statement)| (name.to_owned(), statement)).collect()
}

#[test]
fn no_list_of_jobs_scans_a_table_or_sorts_more_than_its_page() {
    let database = Database::new();
    for (name, statement) in every_job_list(1000) {
        let plan = database.plan(&statement);
        for step in plan.lines() {
            // In its order until the page is full: the index of all jobs for the list of all, of open jobs,
            // or of the rows with newer words.
            let in_order = ["by_age", "open", "open_of_owner", "other"];
            let in_order = in_order.iter().any(|index| step.ends_with(&format!("export_jobs_{index}")));
            assert!(in_order || !step.starts_with("SCAN export_jobs"), "{name}\n{plan}");
        }
        let of_all = statement.sql.contains("WHERE 1");
        assert_eq!(plan.contains("export_jobs_by_age"), of_all, "{name}\n{plan}");
        // What is merged in groups is sorted once more: two pages at most.
        let is_grouped = statement.sql.matches("SELECT page_at, page_id").count() > 1;
        assert!(is_grouped || !plan.contains("TEMP B-TREE"), "{name}\n{plan}");
    }
}

#[test]
fn a_list_reads_as_much_as_its_page_however_large_the_tables_are() {
    let jobs = 20_000;
    let database = Database::new();
    fill(&database, jobs);
    let (mut most, mut scanned) = ((0, String::new()), 0);
    for (name, statement) in every_job_list(jobs).into_iter().chain(every_other_list(jobs)) {
        let work = database.work(&statement);
        // A step for each row of all tables would be far more than that.
        assert!(work.steps <= STEPS_MAX, "{name}: {work:?}\n{}", database.plan(&statement));
        assert!(work.scanned <= SCANNED_MAX, "{name}: {work:?}\n{}", database.plan(&statement));
        scanned = scanned.max(work.scanned);
        if work.steps > most.0 {
            most = (work.steps, name);
        }
    }
    println!("at most {} steps ({}), {scanned} rows scanned", most.0, most.1);
}

#[test]
#[ignore = "a measurement of minutes"]
fn no_list_takes_two_milliseconds_of_a_million_rows() {
    let jobs = 1_000_000;
    let database = Database::new();
    let start = Instant::now();
    fill(&database, jobs);
    println!("{jobs} jobs in {:.0} s", start.elapsed().as_secs_f64());
    let mut times: Vec<(Duration, String)> = every_job_list(jobs)
        .into_iter()
        .chain(every_other_list(jobs))
        .map(|(name, statement)| (database.median_time(&statement), name))
        .collect();
    times.sort();
    for (time, name) in times.iter().rev() {
        println!("{:>8.3} ms  {name}", time.as_secs_f64() * 1e3);
    }
    let slowest = times.last().expect("a query");
    assert!(slowest.0 < Duration::from_millis(2), "{slowest:?}");
}

/// Steps of SQLite's machine: some ten for a row that is read, and a hundred for a list's frame.
const STEPS_MAX: i32 = 3_000;
/// Rows that a scan may pass: a page in the order of an index, or what was merged into a page.
const SCANNED_MAX: i32 = 2 * (PAGE.cast_signed() + 1) + OPEN_JOBS.cast_signed();
