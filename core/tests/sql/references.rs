//! Who names a key: for downloads, for a deletion and for the expiry of inputs.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::owner::Visibility;
use reel_core::base::time::Timestamp;
use reel_core::job::spec::JobSpec;
use reel_core::sql::projects::{upsert_clip, upsert_project};
use reel_core::sql::references::{select_inputs_in_use, select_keys_outliving, select_reference};

use crate::database::Database;
use crate::fixtures::{
    clip_id, complete, failed, job_id, key, output_key, pending, processing, project_id, put_clip,
    put_project, spec,
};

/// A project with a working video and a clip.
fn with_project(working_video: &str, clip_video: &str) -> Database {
    let database = Database::new();
    let body = format!(r#"{{"working_video_key":"{working_video}"}}"#);
    database.run_all(&upsert_project(None, project_id(7), &put_project(&body), Timestamp(1000)));
    let body = format!(r#"{{"video_key":"{clip_video}"}}"#);
    database.run_all(&upsert_clip(None, clip_id(7, 0), &put_clip(&body)));
    database
}

/// A job of this input.
fn job_of(number: u8, input: &str) -> JobSpec {
    JobSpec { input_key: key(input), ..spec(number) }
}

/// A job that has this input only among others.
fn reel_of(number: u8, input: &str) -> JobSpec {
    let extra_inputs = vec![key("input/z/first.mp4"), key(input), key("input/z/last.mp4")];
    JobSpec { extra_inputs, ..spec(number) }
}

fn outliving(database: &Database, keys: &[&str]) -> Vec<String> {
    database.run(&select_keys_outliving(job_id(1), owned(keys)))
}

fn in_use(database: &Database, keys: &[&str]) -> Vec<String> {
    database.run(&select_inputs_in_use(owned(keys)))
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_key_of_each_kind_is_referenced_once_a_row_names_it() {
    let database = with_project("input/p/working.mp4", "input/p/clip.mp4");
    let spec = JobSpec { input_key: key("input/j/main.mp4"), ..reel_of(1, "input/j/extra.mp4") };
    database.add_job(&spec, &complete(1, 5000));
    let referenced = |key: &str| !database.run(&select_reference(key, Visibility::All)).is_empty();
    let poster = ObjectKey::poster(job_id(1), 1);
    for key in [
        "input/p/working.mp4",
        "input/p/clip.mp4",
        "input/j/main.mp4",
        "input/z/first.mp4",
        "input/j/extra.mp4",
        "input/z/last.mp4",
        &output_key(1),
        poster.as_str(),
    ] {
        assert!(referenced(key), "{key}");
    }
    let second_attempt = ObjectKey::output(job_id(1), 2);
    for key in [
        second_attempt.as_str(),
        &output_key(2),
        "input/j/main.mp",
        "nput/j/extra.mp4",
        "input/j/extra.mp",
        "input/z/first.mp4 input/j/extra.mp4x",
        "",
        "%",
        "*",
    ] {
        assert!(!referenced(key), "{key}");
    }
}

#[test]
fn what_a_project_or_clip_names_outlives_its_job_and_its_age() {
    let (result, input) = (output_key(1), format!("input/{}/own.mp4", job_id(1)));
    let database = with_project(&result, &input);
    database.add_job(&job_of(1, &input), &complete(1, 5000));
    let poster = ObjectKey::poster(job_id(1), 1);
    assert_eq!(outliving(&database, &[&result, poster.as_str(), &input]), [&*result, &*input]);
    assert_eq!(in_use(&database, &[&input, "input/a/b.mp4"]), [&*input]);
}

#[test]
fn a_job_s_own_row_keeps_none_of_its_files() {
    let database = Database::new();
    let (first, second) = (format!("input/{}/a.mp4", job_id(1)), format!("input/{}/b.mp4", job_id(1)));
    let spec = JobSpec { input_key: key(&first), ..reel_of(1, &second) };
    database.add_job(&spec, &complete(1, 5000));
    assert_eq!(outliving(&database, &[&output_key(1), &first, &second]), NOTHING);
    assert_eq!(outliving(&database, &[]), NOTHING);
}

#[test]
fn an_input_outlives_its_job_while_any_other_job_names_it() {
    let input = format!("input/{}/own.mp4", job_id(1));
    for of in [job_of, reel_of] {
        for snapshot in [pending(), processing(), complete(2, 5000), failed()] {
            let database = Database::new();
            database.add_job(&job_of(1, &input), &complete(1, 5000));
            assert_eq!(outliving(&database, &[&input]), NOTHING);
            database.add_job(&of(2, &input), &snapshot);
            assert_eq!(outliving(&database, &[&input]), [&*input], "{:?}", snapshot.status);
        }
    }
}

#[test]
fn a_result_outlives_its_job_only_while_a_job_that_reads_it_has_not_ended() {
    let result = output_key(1);
    for of in [job_of, reel_of] {
        for (snapshot, stays) in
            [(pending(), true), (processing(), true), (complete(2, 5000), false), (failed(), false)]
        {
            let database = Database::new();
            database.add_job(&spec(1), &complete(1, 5000));
            database.add_job(&of(2, &result), &snapshot);
            assert_eq!(outliving(&database, &[&result]).len(), usize::from(stays), "{:?}", snapshot.status);
        }
    }
}

#[test]
fn an_old_input_stays_only_while_a_job_that_reads_it_has_not_ended() {
    for of in [job_of, reel_of] {
        for (snapshot, stays) in
            [(pending(), true), (processing(), true), (complete(2, 5000), false), (failed(), false)]
        {
            let database = Database::new();
            database.add_job(&of(2, "input/a/b.mp4"), &snapshot);
            let found = in_use(&database, &["input/a/b.mp4", "input/a/b.mp"]);
            assert_eq!(found.len(), usize::from(stays), "{:?}", snapshot.status);
        }
    }
}

#[test]
fn a_job_in_a_status_of_a_newer_version_keeps_its_files() {
    let database = Database::new();
    database.add_job(&job_of(2, "input/a/b.mp4"), &complete(2, 5000));
    database.add_job(&job_of(3, &output_key(1)), &complete(3, 5000));
    database.0.execute("UPDATE export_jobs SET status = 'paused'", []).unwrap();
    assert_eq!(in_use(&database, &["input/a/b.mp4"]), ["input/a/b.mp4"]);
    assert_eq!(outliving(&database, &[&output_key(1)]), [output_key(1)]);
}

#[test]
fn no_reference_is_looked_for_in_the_whole_table() {
    let database = Database::new();
    for statement in [
        select_reference("input/a/b.mp4", Visibility::All),
        select_inputs_in_use(owned(&["input/a/b.mp4"])),
        select_keys_outliving(job_id(1), owned(&["input/a/b.mp4"])),
    ] {
        let plan = database.plan(&statement);
        for step in plan.lines().filter(|step| step.starts_with("SCAN")) {
            assert!(step.contains("json_each"), "{plan}");
        }
        for index in
            ["export_jobs_by_input", "projects_by_working_video", "further_input_keys USING PRIMARY KEY"]
        {
            assert!(plan.contains(index), "{plan}");
        }
    }
}
