//! The audit log, what owners have used, and what goes when an owner is erased.

use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::base::time::Timestamp;
use reel_core::job::spec::JobSpec;
use reel_core::sql::audit::{AuditEntry, AuditQuery, delete_audit_entries, insert_audit_entries};
use reel_core::sql::owners::{
    add_upload_bytes, count_open_jobs, delete_revocations, delete_rows_of, delete_upload_bytes,
    revoke_tokens, select_jobs_of, select_open_jobs_of, select_revoked_tokens, select_upload_bytes,
};
use reel_core::sql::projects::{upsert_clip, upsert_project};
use reel_core::sql::statement::SqlStatement;
use serde_json::{Value as Json, json};

use crate::database::Database;
use crate::fixtures::{
    ALICE, BOB, clip_id, complete, failed, job_id, pending, processing, project_id, put_clip, put_project,
    spec,
};

fn alice() -> OwnerId {
    ALICE.owner().expect("an owner")
}

fn entry(at: i64, request_id: &str, owner: Visibility) -> AuditEntry {
    AuditEntry {
        at: Timestamp(at),
        request_id: request_id.to_owned(),
        caller: "web".to_owned(),
        owner: owner.owner(),
        route: "POST /api/jobs".to_owned(),
        target: "x".to_owned(),
        status: 201,
    }
}

fn page(before: Option<(i64, &str)>, owner: Option<OwnerId>, limit: u32) -> AuditQuery {
    AuditQuery { owner, limit, before: before.map(|(at, id)| (at, id.to_owned())) }
}

pub fn every_statement() -> Vec<SqlStatement> {
    let mut all = vec![
        insert_audit_entries(&[entry(1, "a", ALICE), entry(1, "b", BOB)]),
        delete_audit_entries(Timestamp(1), 1),
        page(None, None, 1).select_statement(),
        page(Some((1, "a")), Some(alice()), 1).select_statement(),
        count_open_jobs(alice(), Timestamp(1)),
        add_upload_bytes(alice(), 1, 2, 3),
        select_upload_bytes(alice(), 1),
        delete_upload_bytes(1),
        select_jobs_of(alice(), 1),
        select_open_jobs_of(alice(), Timestamp(1), 1),
        revoke_tokens(alice(), Timestamp(1)),
        select_revoked_tokens(),
        delete_revocations(Timestamp(1)),
    ];
    all.extend(delete_rows_of(alice()));
    all
}

fn requests(database: &Database, query: &AuditQuery) -> Vec<String> {
    let rows = database.run(&query.select_statement());
    let row = |row: &String| serde_json::from_str::<Json>(row).expect("JSON");
    rows.iter().map(|text| row(text)["request_id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn the_audit_log_is_read_newest_first_by_pages_and_by_owner() {
    let database = Database::new();
    for (at, id, owner) in [(1, "a", ALICE), (2, "b", BOB), (2, "c", Visibility::All), (3, "d", ALICE)] {
        database.run(&insert_audit_entries(&[entry(at, id, owner)]));
    }
    database.run(&insert_audit_entries(&[entry(3, "d", BOB), entry(2, "b", ALICE)]));
    assert_eq!(requests(&database, &page(None, None, 9)), ["d", "c", "b", "a"], "a line is written once");
    assert_eq!(requests(&database, &page(None, None, 1)), ["d", "c"], "one more tells of another page");
    assert_eq!(requests(&database, &page(Some((2, "c")), None, 9)), ["b", "a"]);
    assert_eq!(requests(&database, &page(None, Some(alice()), 9)), ["d", "a"]);
    let row = &database.run(&page(None, None, 1).select_statement())[0];
    let expected = json!({
        "at": 3, "request_id": "d", "caller": "web", "owner": alice(), "route": "POST /api/jobs",
        "target": "x", "status": 201,
    });
    assert_eq!(serde_json::from_str::<Json>(row).expect("JSON"), expected);
    let plan = database.plan(&page(None, None, 9).select_statement());
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn old_lines_go_the_oldest_first() {
    let database = Database::new();
    for at in 1..=5 {
        database.run(&insert_audit_entries(&[entry(at, "a", ALICE)]));
    }
    database.run(&delete_audit_entries(Timestamp(4), 2));
    assert_eq!(database.rows("SELECT at FROM audit"), [["3"], ["4"], ["5"]]);
    database.run(&delete_audit_entries(Timestamp(4), 2));
    assert_eq!(database.rows("SELECT at FROM audit"), [["4"], ["5"]]);
}

#[test]
fn open_jobs_of_one_owner_are_counted() {
    let database = Database::new();
    let of = |number, owner: Visibility| JobSpec { owner: owner.owner(), ..spec(number) };
    database.add_job(&of(1, ALICE), &pending());
    database.add_job(&of(2, ALICE), &processing());
    database.add_job(&of(3, ALICE), &complete(3, 5000));
    database.add_job(&of(4, ALICE), &failed());
    database.add_job(&of(5, BOB), &pending());
    let count = |since| database.run(&count_open_jobs(alice(), Timestamp(since)));
    assert_eq!((count(0), count(1)), (vec![r#"{"count":2}"#.to_owned()], vec![r#"{"count":1}"#.to_owned()]));
    let open = |limit| database.run(&select_open_jobs_of(alice(), Timestamp(0), limit));
    assert_eq!(open(9), [2, 1].map(|number| job_id(number).to_string()));
    assert_eq!(open(1), [job_id(2).to_string()]);
    assert_eq!(database.run(&select_jobs_of(alice(), 3)), [4, 3, 2].map(|number| job_id(number).to_string()));
}

#[test]
fn bytes_are_added_up_to_the_limit_of_a_day_and_no_further() {
    let database = Database::new();
    let add = |day, bytes| database.run(&add_upload_bytes(alice(), day, bytes, 10));
    assert!(add(1, 11).is_empty(), "too large at once");
    assert_eq!(add(1, 6), [r#"{"bytes":6}"#]);
    assert!(add(1, 5).is_empty());
    assert_eq!(add(1, 4), [r#"{"bytes":10}"#]);
    assert!(add(1, 1).is_empty());
    assert_eq!(add(2, 10), [r#"{"bytes":10}"#], "another day");
    assert_eq!(database.run(&select_upload_bytes(alice(), 1)), [r#"{"bytes":10}"#]);
    database.run(&delete_upload_bytes(2));
    assert_eq!(database.rows("SELECT day FROM owner_uploads"), [["2"]]);
}

#[test]
fn a_revocation_is_never_taken_back_by_an_earlier_one() {
    let database = Database::new();
    for at in [5, 3] {
        database.run(&revoke_tokens(alice(), Timestamp(at)));
    }
    assert_eq!(database.run(&select_revoked_tokens()), [format!("{} 5", alice())]);
    database.run(&delete_revocations(Timestamp(5)));
    assert_eq!(database.run(&select_revoked_tokens()).len(), 1);
    database.run(&delete_revocations(Timestamp(6)));
    assert!(database.run(&select_revoked_tokens()).is_empty());
}

#[test]
fn an_owner_is_erased_and_nobody_else() {
    let database = Database::new();
    for owner in [ALICE, BOB] {
        let owner = owner.owner();
        database.run_all(&upsert_project(owner, project_id(7), &put_project("{}"), Timestamp(1)));
        for (index, key) in [(0, "input/a/shared.mp4"), (1, "input/a/own.mp4")] {
            let key = if owner == ALICE.owner() { key } else { "input/a/shared.mp4" };
            let body = put_clip(&format!(r#"{{"video_key":"{key}"}}"#));
            database.run_all(&upsert_clip(owner, clip_id(7, index), &body));
        }
        database.run(&add_upload_bytes(owner.expect("an owner"), 1, 5, 10));
    }
    let removed = database.run_all(&delete_rows_of(alice()));
    assert_eq!((removed[0].len(), removed[2].len()), (1, 2), "one project and two clips");
    assert_eq!(database.rows("SELECT count(*) FROM projects")[0], ["1"]);
    assert_eq!(database.rows("SELECT count(*) FROM working_clips")[0], ["2"]);
    assert_eq!(database.rows("SELECT video_key FROM raw_clips"), [["'input/a/shared.mp4'"]]);
    assert_eq!(database.rows("SELECT count(*) FROM owner_uploads")[0], ["1"]);
    let again = database.run_all(&delete_rows_of(alice()));
    assert!(again[0].is_empty() && again[2].is_empty(), "and may be asked for again");
}
