//! Each owner sees their own rows, and a service all of them.

use reel_core::base::id::JobId;
use reel_core::base::owner::Visibility;
use reel_core::base::time::Timestamp;
use reel_core::job::spec::JobSpec;
use reel_core::sql::exports::{select_active_exports, select_clip_video, select_working_video};
use reel_core::sql::jobs::{JobListQuery, JobRow, upsert_job};
use reel_core::sql::projects::{
    ProjectListQuery, delete_clip, select_clip, select_clips, select_project, upsert_clip, upsert_project,
};
use reel_core::sql::references::select_reference;

use crate::database::Database;
use crate::fixtures::{
    ALICE, BOB, clip_id, complete, export, job_id, key, output_key, pending, project_id, put_clip,
    put_project, spec,
};

fn owned(number: u8, owner: Visibility) -> JobSpec {
    JobSpec { owner: owner.owner(), ..spec(number) }
}

fn put(database: &Database, owner: Visibility, body: &str) {
    let statements = upsert_project(owner.owner(), project_id(7), &put_project(body), Timestamp(1000));
    database.run_all(&statements);
}

#[test]
fn a_list_holds_the_callers_own_jobs() {
    let database = Database::new();
    database.add_job(&owned(1, ALICE), &pending());
    database.add_job(&owned(2, BOB), &pending());
    database.add_job(&owned(3, Visibility::All), &pending());
    database.add_job(&owned(4, ALICE), &pending());
    let listed = |visibility| -> Vec<JobId> {
        let statement = JobListQuery::parse("").unwrap().select_statement(visibility);
        let rows = JobRow::parse_all(&database.run(&statement)).unwrap();
        rows.iter().map(|row| row.id.parse().unwrap()).collect()
    };
    assert_eq!(listed(ALICE), [4, 1].map(job_id));
    assert_eq!(listed(BOB), [2].map(job_id));
    assert_eq!(listed(Visibility::All), [4, 3, 2, 1].map(job_id));
    let active = |visibility| database.run(&select_active_exports(visibility)).len();
    assert_eq!([ALICE, BOB, Visibility::All].map(active), [2, 1, 4]);
}

#[test]
fn two_owners_have_a_project_of_the_same_number() {
    let database = Database::new();
    for (owner, name) in [(ALICE, "Cup"), (BOB, "Final"), (Visibility::All, "Old")] {
        put(&database, owner, &format!(r#"{{"name":"{name}"}}"#));
    }
    for (owner, name) in [(ALICE, "Cup"), (BOB, "Final"), (Visibility::All, "Old")] {
        let rows = database.run(&select_project(owner.owner(), project_id(7)));
        assert!(rows.len() == 1 && rows[0].contains(name), "{rows:?}");
        let list = ProjectListQuery::parse("").unwrap().select_statement(owner.owner());
        assert_eq!(database.run(&list), rows);
    }
}

#[test]
fn clips_and_working_videos_are_their_projects() {
    let database = Database::new();
    put(&database, ALICE, r#"{"working_video_key":"input/a/b.mp4"}"#);
    put(&database, BOB, "{}");
    let (alice, bob, clip) = (ALICE.owner(), BOB.owner(), clip_id(7, 0));
    let body = put_clip(r#"{"video_key":"input/a/b.mp4"}"#);
    database.run_all(&upsert_clip(alice, clip, &body));
    for (owner, count) in [(alice, 1), (bob, 0), (None, 0)] {
        assert_eq!(database.run(&select_clip(owner, clip)).len(), count);
        assert_eq!(database.run(&select_clip_video(owner, 7, 0)).len(), count);
        assert_eq!(database.run_all(&select_clips(owner, project_id(7)))[1].len(), count);
    }
    assert_eq!(database.run(&select_working_video(bob, 7)), [r#"{"video_key":null}"#]);
    assert!(database.run(&select_working_video(None, 7)).is_empty());
    database.run_all(&upsert_clip(bob, clip, &body));
    assert!(!database.run_all(&delete_clip(alice, clip))[0].is_empty());
    assert_eq!(database.rows("SELECT video_key FROM raw_clips").len(), 1, "the other owner's clip has it");
    assert!(!database.run_all(&delete_clip(bob, clip))[0].is_empty());
    assert!(database.rows("SELECT video_key FROM raw_clips").is_empty());
}

#[test]
fn a_result_becomes_the_working_video_of_its_owners_project_alone() {
    let database = Database::new();
    put(&database, ALICE, "{}");
    put(&database, BOB, "{}");
    let of_bob = JobSpec { owner: BOB.owner(), ..export(1, 7) };
    database.run_all(&upsert_job(&of_bob, &complete(1, 5000), 3));
    assert_eq!(database.run(&select_working_video(ALICE.owner(), 7)), [r#"{"video_key":null}"#]);
    assert!(database.run(&select_working_video(BOB.owner(), 7))[0].contains(&output_key(1)));
}

#[test]
fn a_file_is_handed_to_those_whose_rows_name_it() {
    let database = Database::new();
    let mut reel = owned(1, ALICE);
    reel.input_key = key("input/a/first.mp4");
    reel.extra_inputs = vec![key("input/a/second.mp4")];
    database.run_all(&upsert_job(&reel, &complete(1, 5000), 1));
    put(&database, ALICE, r#"{"working_video_key":"input/a/working.mp4"}"#);
    let body = put_clip(r#"{"video_key":"input/a/clip.mp4"}"#);
    database.run_all(&upsert_clip(ALICE.owner(), clip_id(7, 0), &body));
    let output = output_key(1);
    for key in ["input/a/first.mp4", "input/a/second.mp4", "input/a/working.mp4", "input/a/clip.mp4", &output]
    {
        let named = |visibility| !database.run(&select_reference(key, visibility)).is_empty();
        assert_eq!([ALICE, Visibility::All, BOB].map(named), [true, true, false], "{key}");
    }
}
