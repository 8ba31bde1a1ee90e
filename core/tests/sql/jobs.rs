//! Rows of jobs: written by version, swept, removed.

use reel_core::base::time::Timestamp;
use reel_core::job::snapshot::Snapshot;
use reel_core::job::spec::JobSpec;
use reel_core::sql::jobs::{OpenJobRow, delete_job, select_open_jobs, upsert_job};

use crate::database::Database;
use crate::fixtures::{complete, failed, job_id, key, output_key, pending, processing, spec};

const EVERY_COLUMN: &str = "SELECT id, project_id, type, status, attempt, input_video_key, output_video_key, \
    output_bytes, poster_key, error, error_code, created_at, started_at, completed_at, version, \
    further_inputs FROM export_jobs";

fn row(database: &Database) -> String {
    let mut rows = database.rows(EVERY_COLUMN);
    assert_eq!(rows.len(), 1);
    rows.remove(0).join(", ")
}

fn write(database: &Database, snapshot: &Snapshot, version: u64) {
    database.run_all(&upsert_job(&spec(1), snapshot, version));
}

fn changing_columns(database: &Database) -> String {
    database
        .rows(
            "SELECT status, attempt, output_video_key IS NULL, output_bytes, poster_key IS NULL, error, \
             error_code, started_at, completed_at, version FROM export_jobs",
        )
        .concat()
        .join(", ")
}

#[test]
fn a_row_holds_all_that_the_index_knows_and_whole_numbers_stay_whole() {
    let (database, id) = (Database::new(), job_id(1));
    let mut spec = spec(1);
    spec.extra_inputs = vec![key("input/b/second.mp4"), key("input/c/third.mov")];
    database.run_all(&upsert_job(&spec, &complete(1, 5000), 4));
    assert_eq!(
        row(&database),
        format!(
            "'{id}', 7, 'overlay', 'complete', 1, 'input/a/clip.mp4', 'output/{id}/1/video.mp4', 1048576, \
             'output/{id}/1/poster.jpg', NULL, NULL, 1, 3000, 5000, 4, \
             ' input/b/second.mp4 input/c/third.mov '"
        )
    );
}

#[test]
fn a_failed_job_has_its_reason_and_no_result() {
    let (database, id) = (Database::new(), job_id(1));
    write(&database, &failed(), 3);
    assert_eq!(
        row(&database),
        format!(
            "'{id}', 7, 'overlay', 'error', 1, 'input/a/clip.mp4', NULL, NULL, NULL, \
             'It broke: \"x\", 'y' \u{1f3c0}.', 'gpu_error', 1, 3000, 4000, 3, NULL"
        )
    );
}

#[test]
fn a_newer_version_replaces_all_that_may_change_also_by_nothing() {
    let database = Database::new();
    write(&database, &failed(), 3);
    write(&database, &Snapshot { attempt: 2, ..pending() }, 4);
    assert_eq!(changing_columns(&database), "'pending', 2, 1, NULL, 1, NULL, NULL, NULL, NULL, 4");
    write(&database, &complete(1, 9000), 5);
    assert_eq!(changing_columns(&database), "'complete', 1, 0, 1048576, 0, NULL, NULL, 3000, 9000, 5");
}

#[test]
fn an_older_version_never_overwrites_a_newer_one_and_an_equal_one_changes_nothing() {
    let database = Database::new();
    write(&database, &complete(1, 5000), 4);
    let newest = row(&database);
    for (snapshot, version) in [(pending(), 1), (processing(), 3), (failed(), 4), (complete(1, 5000), 4)] {
        assert_eq!(database.changes(&upsert_job(&spec(1), &snapshot, version)), 0, "version {version}");
        assert_eq!(row(&database), newest, "version {version}");
    }
}

#[test]
fn the_newest_version_stays_in_whatever_order_the_versions_arrive() {
    let versions = [(1, pending()), (2, processing()), (3, complete(1, 5000))];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let database = Database::new();
        for (version, snapshot) in order.map(|at| &versions[at]) {
            write(&database, snapshot, *version);
        }
        assert_eq!(changing_columns(&database), "'complete', 1, 0, 1048576, 0, NULL, NULL, 3000, 5000, 3");
    }
}

#[test]
fn the_sweep_finds_old_jobs_that_have_not_ended_the_oldest_first() {
    let database = Database::new();
    database.add_job(&spec(4), &pending());
    database.add_job(&spec(3), &processing());
    database.add_job(&spec(2), &complete(2, 5000));
    database.add_job(&spec(1), &failed());
    database.add_job(&spec(5), &pending());
    let open = |before, limit| -> Vec<OpenJobRow> {
        let rows = database.run(&select_open_jobs(Timestamp(before), limit));
        rows.iter().map(|row| OpenJobRow::parse(row).expect("an open job")).collect()
    };
    let row = |number| OpenJobRow { id: job_id(number), version: 1 };
    assert_eq!(open(100, 10), [row(3), row(4), row(5)]);
    assert_eq!(open(100, 2), [row(3), row(4)], "the next run finds the rest");
    assert_eq!(open(5, 10), [row(3), row(4)], "a job of that very moment is not older");
    assert_eq!(open(3, 10), []);
    database
        .0
        .execute("UPDATE export_jobs SET completed_at = 9 WHERE id = ?1", [job_id(4).to_string()])
        .expect("SQL");
    assert_eq!(open(100, 10), [row(3), row(4), row(5)], "a row that says both is mended, too");
}

#[test]
fn a_row_is_as_its_last_version_says_whichever_came_before() {
    let retried = Snapshot { attempt: 2, ..pending() };
    let rendered = Snapshot { attempt: 2, ..complete(2, 6000) };
    let life = [pending(), processing(), failed(), retried, rendered];
    for missed in 0..1 << (life.len() - 1) {
        let (database, alone) = (Database::new(), Database::new());
        for (version, snapshot) in (1..).zip(&life) {
            let is_last = usize::try_from(version).unwrap() == life.len();
            if is_last || missed & (1 << (version - 1)) == 0 {
                database.run_all(&upsert_job(&spec(2), snapshot, version));
                alone.0.execute("DELETE FROM export_jobs", []).unwrap();
                alone.run_all(&upsert_job(&spec(2), snapshot, version));
                let rows = "SELECT * FROM export_jobs";
                assert_eq!(database.rows(rows), alone.rows(rows), "version {version}, missed {missed:b}");
            }
        }
    }
}

#[test]
fn a_row_that_is_no_job_does_not_stop_the_sweep() {
    let database = Database::new();
    database.add_job(&spec(1), &pending());
    database.0.execute("UPDATE export_jobs SET id = 'x'", []).unwrap();
    let rows = database.run(&select_open_jobs(Timestamp(100), 10));
    assert_eq!(rows.iter().filter_map(|row| OpenJobRow::parse(row)).count(), 0);
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_deleted_row_takes_no_other_with_it_and_may_be_deleted_again() {
    let database = Database::new();
    database.add_job(&spec(1), &complete(1, 5000));
    database.add_job(&spec(2), &complete(2, 5000));
    assert_eq!(database.changes(&delete_job(job_id(1))), 1);
    assert_eq!(database.changes(&delete_job(job_id(1))), 0);
    let left = database.rows("SELECT output_video_key FROM export_jobs");
    assert_eq!(left, [[format!("'{}'", output_key(2))]]);
}

#[test]
fn a_reel_has_a_row_for_each_further_video_once_until_it_is_deleted() {
    let database = Database::new();
    for number in [1, 2] {
        let extra_inputs = ["input/b/2.mp4", "input/c/3.mov", "input/b/2.mp4"].map(key).to_vec();
        let reel = JobSpec { extra_inputs, ..spec(number) };
        for version in 1..=3 {
            database.run_all(&upsert_job(&reel, &pending(), version));
        }
    }
    let of = |number| {
        let id = job_id(number);
        ["input/b/2.mp4", "input/c/3.mov"].map(|key| vec![format!("'{key}'"), format!("'{id}'")])
    };
    let rows = "SELECT video_key, job_id FROM further_input_keys ORDER BY job_id, video_key";
    assert_eq!(database.rows(rows), [of(1), of(2)].concat());
    assert_eq!(database.changes(&delete_job(job_id(1))), 3);
    assert_eq!(database.rows(rows), of(2));
}

#[test]
fn the_sweep_reads_only_jobs_that_have_not_ended() {
    let database = Database::new();
    let plan = database.plan(&select_open_jobs(Timestamp(1), 200));
    let searches: Vec<&str> = plan.lines().filter(|step| step.contains("export_jobs")).collect();
    let search = |index| format!("SEARCH export_jobs USING INDEX export_jobs_{index} (created_at<?)");
    assert_eq!(searches, [search("open"), search("other")], "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}
