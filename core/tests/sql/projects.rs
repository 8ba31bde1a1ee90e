//! Projects and their clips.

use reel_core::base::time::Timestamp;
use reel_core::http::responses::{clips_json, put_response};
use reel_core::sql::exports::{select_clip_video, select_working_video};
use reel_core::sql::projects::{
    ProjectListQuery, delete_clip, select_clip, select_clips, select_project, upsert_clip, upsert_project,
};
use serde_json::{Value as Json, json};

use crate::database::Database;
use crate::fixtures::{clip_id, project_id, put_clip, put_project};

fn put(database: &Database, id: i64, body: &str, at: i64) -> (u16, Json) {
    let answers = database.run_all(&upsert_project(None, project_id(id), &put_project(body), Timestamp(at)));
    let (status, body) = put_response(&answers).expect("a project");
    (status, serde_json::from_str(&body).expect("JSON"))
}

fn put_clip_status(database: &Database, index: i64, body: &str) -> u16 {
    match put_response(&database.run_all(&upsert_clip(None, clip_id(7, index), &put_clip(body)))) {
        Ok((status, _)) => status,
        Err(problem) => problem.code.status(),
    }
}

fn json(rows: &[String]) -> Vec<Json> {
    rows.iter().map(|row| serde_json::from_str(row).expect("JSON")).collect()
}

fn videos(database: &Database) -> Vec<String> {
    database.rows("SELECT video_key FROM raw_clips ORDER BY video_key").concat()
}

#[test]
fn a_project_is_made_then_changed_where_the_request_says_so() {
    let database = Database::new();
    assert!(database.run(&select_project(None, project_id(7))).is_empty());
    assert_eq!(put(&database, 7, r#"{"name":"Cup","working_video_key":"input/a/b.mp4"}"#, 1000).0, 201);
    let (status, renamed) = put(&database, 7, r#"{"name":"Final"}"#, 2000);
    assert_eq!(status, 200);
    assert_eq!((&renamed["name"], &renamed["working_video_key"]), (&json!("Final"), &json!("input/a/b.mp4")));
    let (_, cleared) = put(&database, 7, r#"{"working_video_key":null}"#, 3000);
    assert_eq!((&cleared["name"], &cleared["working_video_key"]), (&json!("Final"), &Json::Null));
    assert_eq!(put(&database, 7, r#"{"name":null}"#, 4000).1["name"], Json::Null);
    let stored = json(&database.run(&select_project(None, project_id(7))));
    let expected = json!({
        "id": 7, "name": null, "working_video_key": null, "created_at": 1000, "updated_at": 4000,
    });
    assert_eq!(stored, [expected]);
}

#[test]
fn a_put_that_changes_nothing_writes_nothing() {
    let database = Database::new();
    let body = r#"{"name":"Cup","working_video_key":"input/a/b.mp4"}"#;
    put(&database, 7, body, 1000);
    for same in ["{}", r#"{"name":"Cup"}"#, body] {
        let statements = upsert_project(None, project_id(7), &put_project(same), Timestamp(2000));
        assert_eq!(database.changes(&statements), 0, "{same}");
    }
}

#[test]
fn an_export_finds_the_working_video_of_a_project_or_that_there_is_none() {
    let database = Database::new();
    assert!(database.run(&select_working_video(None, 7)).is_empty(), "no project");
    put(&database, 7, "{}", 1000);
    assert_eq!(database.run(&select_working_video(None, 7)), [r#"{"video_key":null}"#]);
    put(&database, 7, r#"{"working_video_key":"input/a/b.mp4"}"#, 2000);
    assert_eq!(database.run(&select_working_video(None, 7)), [r#"{"video_key":"input/a/b.mp4"}"#]);
}

#[test]
fn pages_of_projects_are_newest_first_with_each_project_once() {
    let database = Database::new();
    for id in 1..=9 {
        put(&database, id, "{}", 1000 + id / 4);
    }
    let mut query = ProjectListQuery { limit: 2, ..ProjectListQuery::parse("").unwrap() };
    let mut seen = Vec::new();
    loop {
        let rows = json(&database.run(&query.select_statement(None)));
        let page = &rows[..rows.len().min(2)];
        seen.extend(page.iter().map(|row| row["id"].as_i64().unwrap()));
        if rows.len() < 3 {
            break;
        }
        query.before = (page[1]["created_at"].as_i64().unwrap(), page[1]["id"].as_i64().unwrap());
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    let plan = database.plan(&query.select_statement(None));
    assert!(plan.contains("USING INDEX projects_by_age") && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn a_clip_is_made_then_replaced_as_a_whole() {
    let database = Database::new();
    put(&database, 7, "{}", 1000);
    let body = r#"{"video_key":"input/a/b.mp4","start_time":1.5,"end_time":4,"name":"Goal"}"#;
    assert_eq!(put_clip_status(&database, 0, body), 201);
    let statements = upsert_clip(None, clip_id(7, 0), &put_clip(body));
    assert_eq!(database.changes(&statements), 0, "the same again writes nothing");
    let expected = json!({
        "project_id": 7, "clip_index": 0, "video_key": "input/a/b.mp4", "start_time": 1.5, "end_time": 4.0,
        "name": "Goal",
    });
    assert_eq!(json(&database.run(&select_clip(None, clip_id(7, 0)))), [expected]);
    let video = json!({"video_key": "input/a/b.mp4", "start_time": 1.5, "end_time": 4.0});
    assert_eq!(json(&database.run(&select_clip_video(None, 7, 0))), [video]);
    assert_eq!(put_clip_status(&database, 0, r#"{"video_key":"input/a/b.mp4"}"#), 200);
    let row = &json(&database.run(&select_clip(None, clip_id(7, 0))))[0];
    assert_eq!((&row["start_time"], &row["name"]), (&Json::Null, &Json::Null), "left out is nothing");
}

#[test]
fn clips_are_listed_in_their_order_and_only_of_a_project_that_exists() {
    let database = Database::new();
    let clips = || clips_json(&database.run_all(&select_clips(None, project_id(7))));
    assert_eq!(clips().unwrap_err().code.status(), 404);
    put(&database, 7, "{}", 1000);
    assert_eq!(clips().unwrap(), r#"{"clips":[]}"#);
    for index in [10, 2, 0] {
        put_clip_status(&database, index, r#"{"video_key":"input/a/b.mp4"}"#);
    }
    let listed: Json = serde_json::from_str(&clips().unwrap()).unwrap();
    let order: Vec<_> = listed["clips"].as_array().unwrap().iter().map(|clip| &clip["clip_index"]).collect();
    assert_eq!(order, [0, 2, 10]);
}

#[test]
fn a_clip_without_its_project_is_refused_and_leaves_no_video() {
    let database = Database::new();
    assert_eq!(put_clip_status(&database, 0, r#"{"video_key":"input/a/b.mp4"}"#), 404);
    assert_eq!(videos(&database), Vec::<String>::new());
    assert!(database.run(&select_clip(None, clip_id(7, 0))).is_empty());
    assert!(database.run(&select_clip_video(None, 7, 0)).is_empty());
}

#[test]
fn a_video_goes_with_the_last_clip_that_shows_it() {
    let database = Database::new();
    put(&database, 7, "{}", 1000);
    put_clip_status(&database, 0, r#"{"video_key":"input/a/b.mp4"}"#);
    put_clip_status(&database, 1, r#"{"video_key":"input/a/b.mp4"}"#);
    put_clip_status(&database, 0, r#"{"video_key":"input/c/d.mp4"}"#);
    assert_eq!(videos(&database), ["'input/a/b.mp4'", "'input/c/d.mp4'"], "another clip shows it");
    put_clip_status(&database, 1, r#"{"video_key":"input/c/d.mp4"}"#);
    assert_eq!(videos(&database), ["'input/c/d.mp4'"]);
    let removed = |index| !database.run_all(&delete_clip(None, clip_id(7, index)))[0].is_empty();
    assert!(removed(0));
    assert_eq!(videos(&database), ["'input/c/d.mp4'"]);
    assert!(removed(1));
    assert_eq!(videos(&database), Vec::<String>::new());
    assert!(!removed(1), "it is gone: the answer is 404");
}
