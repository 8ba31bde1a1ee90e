//! Projects and clips: requests and responses.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::edit::JobType;
use reel_core::http::problem::Problem;
use reel_core::http::problems::missing_inputs_problem;
use reel_core::http::responses::put_response;
use reel_core::job::companions::WantedCompanions;
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::project::{ClipId, FieldPatch, ProjectId, PutClipRequest, PutProjectRequest};
use reel_core::sql::projects::ProjectListQuery;
use reel_core::wire::project::project_page_json;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

const KEY: &str = "input/a/clip.mp4";

fn pointers(problem: &Problem) -> Vec<&str> {
    problem.errors.iter().map(|fault| fault.pointer.as_str()).collect()
}

#[test]
fn a_put_changes_what_it_names_and_null_clears() {
    let parse = |body: Json| PutProjectRequest::parse(body.to_string().as_bytes());
    let put = parse(json!({"working_video_key": KEY})).unwrap();
    assert_eq!((&put.name, put.video().map(ObjectKey::as_str)), (&FieldPatch::Keep, Some(KEY)));
    let put = parse(json!({"name": "Cup", "working_video_key": null})).unwrap();
    assert_eq!((put.name, put.working_video), (FieldPatch::Set("Cup".into()), FieldPatch::Clear));
    let problem = parse(json!({"name": "", "working_video_key": "temp/x/y", "nmae": 1})).unwrap_err();
    assert_eq!(pointers(&problem), ["/name", "/working_video_key", "/nmae"]);
}

#[test]
fn a_clip_ends_after_it_starts() {
    let parse = |body: Json| PutClipRequest::parse(body.to_string().as_bytes());
    assert!(parse(json!({"video_key": KEY, "start_time": 1, "end_time": 1.1})).is_ok());
    for (body, at) in [
        (json!({"video_key": KEY, "start_time": 2, "end_time": 2}), "/end_time"),
        (json!({"video_key": KEY, "end_time": 0}), "/end_time"),
        (json!({"video_key": KEY, "start_time": -1}), "/start_time"),
        (json!({}), "/video_key"),
        (json!({"video_key": "output/../x"}), "/video_key"),
    ] {
        assert_eq!(pointers(&parse(body.clone()).unwrap_err()), [at], "{body}");
    }
}

#[test]
fn a_put_answers_201_once_and_404_without_a_project() {
    let row = || vec![r#"{"id":7,"created_at":0,"updated_at":null}"#.to_owned()];
    let shown = r#"{"created_at":"1970-01-01T00:00:00.000Z","id":7,"updated_at":null}"#;
    assert_eq!(put_response(&[vec![], vec![], row()]), Ok((201, shown.to_owned())));
    assert_eq!(put_response(&[row(), vec![], row()]), Ok((200, shown.to_owned())));
    assert_eq!(put_response(&[vec![], vec![]]), Err(Problem::project_not_found()));
    assert_eq!(put_response(&[]), Err(Problem::project_not_found()));
}

#[test]
fn a_page_of_projects_points_to_the_next_only_when_there_is_one() {
    let list = ProjectListQuery::parse("limit=1&cursor=1000_7").unwrap();
    assert_eq!(list.select_statement(None).values, ["".into(), 1000.into(), 7.into(), 2.into()]);
    let row = |id: i64| format!(r#"{{"id":{id},"created_at":2000}}"#);
    let page: Json = serde_json::from_str(&project_page_json(list, vec![row(9), row(8)])).unwrap();
    assert_eq!(
        page,
        json!({"projects": [{"id": 9, "created_at": "1970-01-01T00:00:02.000Z"}], "next_cursor": "2000_9"})
    );
    let page: Json = serde_json::from_str(&project_page_json(list, vec![])).unwrap();
    assert_eq!(page, json!({"projects": [], "next_cursor": null}));
    let problem = ProjectListQuery::parse("limit=0&cursor=x&status=error").unwrap_err();
    assert_eq!(pointers(&problem), ["/limit", "/cursor", "/status"]);
}

#[test]
fn paths_name_projects_and_clips_in_one_way_only() {
    for bad in ["", "0", "01", "+1", "-1", "1.0", "9007199254740992", "x"] {
        assert_eq!(ProjectId::parse(bad), None, "{bad}");
    }
    let clip = |index| ClipId::parse(project(), index);
    assert!(clip("0").is_some() && clip("999").is_some());
    assert!(clip("1000").is_none() && clip("00").is_none() && clip("").is_none());
}

fn project() -> ProjectId {
    ProjectId::parse("7").expect("a fixture")
}

fn order(set_working_video: Option<bool>) -> JobSpec {
    JobSpec {
        id: "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().expect("a fixture"),
        owner: None,
        project_id: 7,
        job_type: JobType::Framing,
        input_key: ObjectKey::parse_input(KEY).expect("a fixture"),
        extra_inputs: Vec::new(),
        input_versions: Vec::new(),
        params: RawValue::from_string("{}".into()).expect("a fixture"),
        execution_timeout: DurationMs::minutes(10),
        companions: WantedCompanions::default(),
        labels: None,
        created_at: Timestamp(1),
        export: set_working_video
            .map(|set| ProjectExport { request_fingerprint: "x".into(), set_working_video: set }),
    }
}

#[test]
fn an_order_keeps_what_only_an_export_has_and_old_ones_are_read() {
    let stored = serde_json::to_value(order(Some(true))).unwrap();
    assert_eq!(stored["export"], json!({"asked": "x", "set_working_video": true}));
    assert_eq!(serde_json::to_value(order(None)).unwrap().get("export"), None);
    let text = serde_json::to_string(&order(None)).unwrap();
    let old: JobSpec = serde_json::from_str(&text).unwrap();
    assert!(old.same_request(&order(None)) && !old.same_request(&order(Some(true))));
}

#[test]
fn a_missing_clip_is_named_where_the_request_named_it() {
    let key = ObjectKey::parse_input("input/a/second.mp4").unwrap();
    let missing = [("/params/clips/1/video_key".to_owned(), &key)];
    let pointer = |order: &JobSpec| missing_inputs_problem(order, &missing).errors[0].pointer.clone();
    let export = JobSpec { job_type: JobType::Framing, ..order(Some(false)) };
    assert_eq!(pointer(&export), "/clips/1/video_key");
    assert_eq!(pointer(&JobSpec { export: None, ..export }), "/params/clips/1/video_key");
}
