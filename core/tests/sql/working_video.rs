//! The working video of a project: of two that want the place, the later one has it, in whichever order
//! they are written.

use reel_core::base::time::Timestamp;
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::sql::jobs::upsert_job;
use reel_core::sql::projects::upsert_project;

use crate::database::Database;
use crate::fixtures::{complete, export, failed, output_key, pending, processing, project_id, put_project};

fn with_project() -> Database {
    let database = Database::new();
    put(&database, "{}", 1000);
    database
}

fn put(database: &Database, body: &str, at: i64) {
    database.run_all(&upsert_project(None, project_id(7), &put_project(body), Timestamp(at)));
}

fn working_video(database: &Database) -> String {
    database.rows("SELECT working_video_key, working_video_at, updated_at FROM projects").concat().join(", ")
}

fn holds(number: u8, at: i64) -> String {
    format!("'{}', {at}, {at}", output_key(number))
}

#[test]
fn a_finished_export_becomes_the_working_video_with_its_row() {
    let database = with_project();
    let statements = upsert_job(&export(1, 7), &complete(1, 5000), 3);
    assert_eq!(database.changes(&statements), 2);
    assert_eq!(working_video(&database), holds(1, 5000));
    assert_eq!(database.changes(&statements), 0, "and writing it again changes nothing");
}

#[test]
fn only_a_finished_export_that_asked_for_it_becomes_the_working_video() {
    let database = with_project();
    for snapshot in [pending(), processing(), failed()] {
        assert_eq!(upsert_job(&export(1, 7), &snapshot, 1).len(), 1, "{snapshot:?}");
    }
    let unasked = ProjectExport { request_fingerprint: "x".into(), set_working_video: false };
    for export in [None, Some(unasked)] {
        let spec = JobSpec { export, ..crate::fixtures::spec(1) };
        database.run_all(&upsert_job(&spec, &complete(1, 5000), 3));
    }
    database.run_all(&upsert_job(&export(2, 8), &complete(2, 5000), 3));
    assert_eq!(working_video(&database), "NULL, NULL, 1000", "nor does that of another project");
}

#[test]
fn the_later_export_stays_in_both_orders() {
    for order in [[(1, 5000), (2, 6000)], [(2, 6000), (1, 5000)]] {
        let database = with_project();
        for (number, at) in order {
            database.run_all(&upsert_job(&export(number, 7), &complete(number, at), 3));
        }
        assert_eq!(working_video(&database), holds(2, 6000));
    }
}

#[test]
fn of_two_exports_of_one_moment_the_same_one_stays_in_both_orders() {
    for order in [[1, 2], [2, 1]] {
        let database = with_project();
        for number in order {
            database.run_all(&upsert_job(&export(number, 7), &complete(number, 5000), 3));
        }
        assert_eq!(working_video(&database), holds(2, 5000));
    }
}

#[test]
fn an_export_does_not_replace_what_a_client_set_later() {
    let database = with_project();
    put(&database, r#"{"working_video_key":"input/a/mine.mp4"}"#, 6000);
    database.run_all(&upsert_job(&export(1, 7), &complete(1, 5000), 3));
    assert_eq!(working_video(&database), "'input/a/mine.mp4', 6000, 6000");
    put(&database, r#"{"working_video_key":null}"#, 7000);
    database.run_all(&upsert_job(&export(2, 7), &complete(2, 6500), 3));
    assert_eq!(working_video(&database), "NULL, 7000, 7000", "nor what was taken away later");
    database.run_all(&upsert_job(&export(3, 7), &complete(3, 7000), 3));
    assert_eq!(working_video(&database), holds(3, 7000), "but what was taken away at that very moment");
}

#[test]
fn an_export_of_an_older_moment_does_not_turn_back_the_project_s_clock() {
    let database = with_project();
    put(&database, r#"{"name":"Cup"}"#, 9000);
    database.run_all(&upsert_job(&export(1, 7), &complete(1, 5000), 3));
    assert_eq!(working_video(&database), format!("'{}', 5000, 9000", output_key(1)));
}
