//! Projects and their clips: what the export routes look videos up in. Rows of D1, written by clients.
//!
//! Invariants: a clip belongs to a project that exists; of two videos that want to be a project's working
//! video, the one that was finished or set later wins, in whichever order they are written.

use serde_json::Value as Json;

use crate::edit::seconds;
use crate::fault::{At, Fault, Fields, text};
use crate::intake::{ID_MAX, read_body};
use crate::job::state::Order;
use crate::job::view::Face;
use crate::object_key::ObjectKey;
use crate::problem::{Code, Problem};
use crate::sql::{Query, Value};
use crate::time::Millis;

/// A project's number, the app's own: 1 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectId(i64);

impl ProjectId {
    /// Reads a segment of a path.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).filter(|id| (1..=ID_MAX).contains(id)).map(Self)
    }

    /// Its row: JSON as [`project_json`] reads it.
    pub fn shown(self) -> Query {
        Query::new(SHOW_PROJECT, [self.0.into()])
    }

    /// Its clips in their order, after a first answer that is empty when the project does not exist.
    pub fn clips(self) -> Vec<Query> {
        vec![self.exists(), Query::new(LIST_CLIPS, [self.0.into()])]
    }

    fn exists(self) -> Query {
        Query::new("SELECT '' AS body FROM projects WHERE id = ?1", [self.0.into()])
    }
}

/// A clip of a project: its place in it, 0 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipId {
    project: ProjectId,
    index: i64,
}

impl ClipId {
    /// Reads two segments of a path.
    pub fn parse(project: ProjectId, index: &str) -> Option<Self> {
        digits(index)
            .filter(|index| (0..=CLIP_INDEX_MAX).contains(index))
            .map(|index| Self { project, index })
    }

    /// Its row: JSON as [`project_json`] reads it.
    pub fn shown(self) -> Query {
        Query::new(SHOW_CLIP, self.values())
    }

    /// Forgets it; the first answer is empty when it did not exist. Its video stays.
    pub fn removed(self) -> Vec<Query> {
        vec![self.shown(), self.raw_dropped(None), Query::new(REMOVE_CLIP, self.values())]
    }

    fn raw_dropped(self, but: Option<&str>) -> Query {
        Query::new(DROP_RAW, [self.project.0.into(), self.index.into(), but.into()])
    }

    fn values(self) -> [Value; 2] {
        [self.project.0.into(), self.index.into()]
    }
}

/// What a `PUT` does to one member: it may leave it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Not in the body.
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<T: AsRef<str>> Change<T> {
    fn value(&self) -> Value {
        match self {
            Self::Keep | Self::Clear => Value::Null,
            Self::Set(value) => value.as_ref().into(),
        }
    }

    fn is_asked(&self) -> i64 {
        match self {
            Self::Keep => 0,
            Self::Clear | Self::Set(_) => 1,
        }
    }
}

/// `PUT /api/projects/{id}`: makes the project, or changes what the body names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutProject {
    name: Change<String>,
    working_video: Change<ObjectKey>,
}

impl PutProject {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = Fields::open(body, at)?;
            let name = fields.optional("name", name);
            let key = fields.optional("working_video_key", video_key);
            fields.close();
            Some(Self {
                name: change(body, "name", name?),
                working_video: change(body, "working_video_key", key?),
            })
        })
    }

    /// The video that must be in the bucket.
    pub fn video(&self) -> Option<&ObjectKey> {
        match &self.working_video {
            Change::Set(key) => Some(key),
            Change::Keep | Change::Clear => None,
        }
    }

    /// Writes it: at most three rows for a new project, four for a change, none when nothing changes.
    /// The answers are for [`put_answer`].
    pub fn written(&self, id: ProjectId, now: Millis) -> Vec<Query> {
        let values = [
            id.0.into(),
            self.name.value(),
            self.name.is_asked().into(),
            self.working_video.value(),
            self.working_video.is_asked().into(),
            now.0.into(),
        ];
        vec![id.exists(), Query::new(PUT_PROJECT, values), id.shown()]
    }
}

/// `PUT /api/projects/{id}/clips/{clip_index}`: the whole clip; what the body leaves out is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PutClip {
    video: ObjectKey,
    start_time: Option<f64>,
    end_time: Option<f64>,
    name: Option<String>,
}

impl PutClip {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = Fields::open(body, at)?;
            let video = fields.required("video_key", video_key);
            let start_time = fields.optional("start_time", seconds);
            let end_time = fields.optional("end_time", seconds);
            let name = fields.optional("name", name);
            let ordered = match (start_time, end_time) {
                (Some(start), Some(Some(end))) if end <= start.unwrap_or(0.0) => {
                    fields.at().child("end_time").refuse("must be after start_time")
                }
                _ => Some(()),
            };
            fields.close();
            ordered?;
            Some(Self { video: video?, start_time: start_time?, end_time: end_time?, name: name? })
        })
    }

    /// The video that must be in the bucket.
    pub fn video(&self) -> &ObjectKey {
        &self.video
    }

    /// Writes it: four rows for a new clip of a new video, one for a new trim, none when nothing changes
    /// or the project does not exist. The answers are for [`put_answer`].
    pub fn written(&self, id: ClipId) -> Vec<Query> {
        let (project, key) = (id.project.0, self.video.as_str());
        let values = [
            project.into(),
            id.index.into(),
            key.into(),
            self.start_time.into(),
            self.end_time.into(),
            self.name.as_deref().into(),
        ];
        vec![
            id.shown(),
            id.raw_dropped(Some(key)),
            Query::new(ADD_RAW, [project.into(), key.into()]),
            Query::new(PUT_CLIP, values),
            id.shown(),
        ]
    }
}

/// What a `PUT` answers, from the answers to its queries: 201 when the first was empty, else 200.
///
/// # Errors
/// 404 when the last is empty: a clip's project does not exist.
pub fn put_answer(answers: &[Vec<String>]) -> Result<(u16, String), Problem> {
    let new = answers.first().is_none_or(Vec::is_empty);
    let row = answers.last().and_then(|rows| rows.first()).ok_or_else(Problem::project_not_found)?;
    Ok((if new { 201 } else { 200 }, project_json(row)))
}

/// `GET /api/projects/{id}/clips`, from the answers to [`ProjectId::clips`].
///
/// # Errors
/// 404 when the project does not exist.
pub fn clips_json(answers: &[Vec<String>]) -> Result<String, Problem> {
    match answers {
        [exists, clips] if !exists.is_empty() => Ok(format!("{{\"clips\":[{}]}}", clips.join(","))),
        _ => Err(Problem::project_not_found()),
    }
}

/// A row as clients see it: times in ISO 8601.
pub fn project_json(row: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(row) else { return "null".to_owned() };
    for name in ["created_at", "updated_at", "started_at", "completed_at"] {
        if let Some(time) = json.get_mut(name)
            && let Some(at) = time.as_i64()
        {
            *time = Millis(at).iso().into();
        }
    }
    json.to_string()
}

/// `GET /api/projects`: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projects {
    limit: i64,
    /// Only projects before this one: when it was created, and which it is.
    before: (i64, i64),
}

impl Projects {
    /// Reads a query string, with every fault at once.
    ///
    /// # Errors
    /// 422; the pointers name the parameters.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = Self { limit: 20, before: (ID_MAX, ID_MAX) };
        let mut faults = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let detail = match name {
                "limit" => match digits(value).filter(|limit| (1..=100).contains(limit)) {
                    Some(limit) => {
                        list.limit = limit;
                        continue;
                    }
                    None => "must be a whole number from 1 to 100",
                },
                "cursor" => {
                    let parts = value.split_once('_');
                    match parts.and_then(|(at, id)| Some((digits(at)?, digits(id)?))) {
                        Some(before) => {
                            list.before = before;
                            continue;
                        }
                        None => "must be the next_cursor of an earlier page",
                    }
                }
                _ => "is not a known parameter; a list of projects takes limit and cursor",
            };
            let pointer = format!("/{}", name.chars().take(40).collect::<String>());
            faults.push(Fault { pointer, detail: detail.to_owned() });
        }
        if faults.is_empty() { Ok(list) } else { Err(Problem::invalid(faults)) }
    }

    /// The query of one page, and one project more: it tells whether another page follows.
    pub fn query(self) -> Query {
        let (at, id) = self.before;
        Query::new(LIST_PROJECTS, [at.into(), id.into(), (self.limit + 1).into()])
    }

    /// The answer: `{"projects": [...], "next_cursor": ...}`.
    pub fn page(self, mut rows: Vec<String>) -> String {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).and_then(|row| {
            let row: Json = serde_json::from_str(row).ok()?;
            Some(format!("\"{}_{}\"", row.get("created_at")?, row.get("id")?))
        });
        let projects: Vec<String> = rows.iter().map(|row| project_json(row)).collect();
        let next = next.as_deref().unwrap_or("null");
        format!("{{\"projects\":[{}],\"next_cursor\":{next}}}", projects.join(","))
    }
}

/// `GET /api/exports/active`: what is pending or processing, the 100 newest, as the app's page reads it
/// when it opens.
pub fn active_exports() -> Query {
    Query::new(ACTIVE_EXPORTS, [])
}

/// Its answer: `{"exports": [...]}`.
pub fn active_json(rows: &[String]) -> String {
    let exports: Vec<String> = rows.iter().map(|row| project_json(row)).collect();
    format!("{{\"exports\":[{}]}}", exports.join(","))
}

/// Makes a finished export its project's working video, if its order says so and none came after it.
/// Belongs to the same batch as the job's row, and may be written again at any time.
pub fn working_video_set(order: &Order, face: &Face) -> Option<Query> {
    let wanted = order.export.as_ref().is_some_and(|export| export.set_working_video);
    let (output, at) = (face.output.as_ref()?, face.completed_at?);
    let values = [output.key.as_str().into(), at.0.into(), order.project_id.into()];
    wanted.then(|| Query::new(SET_WORKING_VIDEO, values))
}

/// Which of these keys must stay in the bucket: those that a project or clip names, and the inputs of jobs
/// that have not ended, `but_by` aside.
pub fn keys_in_use(keys: Vec<String>, but_by: &str) -> Query {
    Query::new(KEYS_IN_USE, [Json::from(keys).to_string().as_str().into(), but_by.into()])
}

/// A path that names no project.
pub fn bad_project(method: &str) -> Problem {
    if method == "PUT" {
        Problem::new(Code::InvalidRequest, "A project's id must be a whole number from 1 to 2^53 - 1.")
    } else {
        Problem::project_not_found()
    }
}

/// A path that names no clip.
pub fn bad_clip(method: &str) -> Problem {
    if method == "PUT" {
        let sentence = format!("A clip_index must be a whole number from 0 to {CLIP_INDEX_MAX}.");
        Problem::new(Code::InvalidRequest, sentence)
    } else {
        Problem::clip_not_found()
    }
}

/// Digits alone: `+1` and `01` would be second names of the same thing.
fn digits(text: &str) -> Option<i64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| plain)
}

fn name(value: &Json, at: At<'_>) -> Option<String> {
    text(200)(value, at).map(str::to_owned)
}

fn video_key(value: &Json, mut at: At<'_>) -> Option<ObjectKey> {
    let Json::String(text) = value else { return at.refuse("must be a string") };
    ObjectKey::parse_video(text).or_else(|bad| at.refuse(bad.to_string()).ok_or(bad)).ok()
}

fn change<T>(body: &Json, name: &str, value: Option<T>) -> Change<T> {
    match value {
        Some(value) => Change::Set(value),
        None if body.get(name).is_some() => Change::Clear,
        None => Change::Keep,
    }
}

/// A project of a thousand clips is no reel any more, and a list of them fits one answer.
const CLIP_INDEX_MAX: i64 = 999;

macro_rules! project_row {
    () => {
        "SELECT json_object('id', id, 'name', name, 'working_video_key', working_video_key, \
         'created_at', created_at, 'updated_at', updated_at) AS body FROM projects "
    };
}

macro_rules! clip_row {
    () => {
        "SELECT json_object('project_id', wc.project_id, 'clip_index', wc.clip_index, \
         'video_key', rc.video_key, 'start_time', wc.start_time, 'end_time', wc.end_time, \
         'name', wc.name) AS body FROM working_clips AS wc JOIN raw_clips AS rc ON wc.raw_clip_id = rc.id "
    };
}

const SHOW_PROJECT: &str = concat!(project_row!(), "WHERE id = ?1");

const LIST_PROJECTS: &str =
    concat!(project_row!(), "WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");

const SHOW_CLIP: &str = concat!(clip_row!(), "WHERE wc.project_id = ?1 AND wc.clip_index = ?2");

const LIST_CLIPS: &str = concat!(clip_row!(), "WHERE wc.project_id = ?1 ORDER BY wc.clip_index");

const PUT_PROJECT: &str = "INSERT INTO projects \
    (id, name, working_video_key, working_video_at, created_at, updated_at) \
    VALUES (?1, ?2, ?4, iif(?5, ?6, NULL), ?6, ?6) ON CONFLICT (id) DO UPDATE SET \
    name = iif(?3, excluded.name, name), \
    working_video_key = iif(?5, excluded.working_video_key, working_video_key), \
    working_video_at = iif(?5, excluded.working_video_at, working_video_at), \
    updated_at = excluded.updated_at \
    WHERE (?3 AND name IS NOT excluded.name) \
    OR (?5 AND working_video_key IS NOT excluded.working_video_key)";

/// An empty key is less than any: a working video that was taken away at the same moment gives way.
const SET_WORKING_VIDEO: &str = "UPDATE projects SET working_video_key = ?1, working_video_at = ?2, \
    updated_at = max(updated_at, ?2) WHERE id = ?3 AND (working_video_at IS NULL \
    OR (working_video_at, coalesce(working_video_key, '')) < (?2, ?1))";

/// Before the clip changes: its video's row, unless it stays the same or another clip has it too.
const DROP_RAW: &str = "DELETE FROM raw_clips WHERE id = \
    (SELECT raw_clip_id FROM working_clips WHERE project_id = ?1 AND clip_index = ?2) \
    AND video_key IS NOT ?3 AND NOT EXISTS (SELECT 1 FROM working_clips AS other \
    WHERE other.raw_clip_id = raw_clips.id AND (other.project_id, other.clip_index) <> (?1, ?2))";

const ADD_RAW: &str = "INSERT INTO raw_clips (video_key) SELECT ?2 FROM projects WHERE id = ?1 \
    ON CONFLICT (video_key) DO NOTHING";

const PUT_CLIP: &str = "INSERT INTO working_clips \
    (project_id, clip_index, raw_clip_id, start_time, end_time, name) \
    SELECT p.id, ?2, rc.id, ?4, ?5, ?6 FROM projects AS p JOIN raw_clips AS rc ON rc.video_key = ?3 \
    WHERE p.id = ?1 ON CONFLICT (project_id, clip_index) DO UPDATE SET \
    raw_clip_id = excluded.raw_clip_id, start_time = excluded.start_time, end_time = excluded.end_time, \
    name = excluded.name WHERE (raw_clip_id, start_time, end_time, name) \
    IS NOT (excluded.raw_clip_id, excluded.start_time, excluded.end_time, excluded.name)";

const REMOVE_CLIP: &str = "DELETE FROM working_clips WHERE project_id = ?1 AND clip_index = ?2";

const ACTIVE_EXPORTS: &str = "SELECT json_object('job_id', job.id, 'project_id', job.project_id, \
    'project_name', project.name, 'type', job.type, 'status', job.status, 'error', job.error, \
    'output_video_id', NULL, 'output_filename', NULL, 'created_at', job.created_at, \
    'started_at', job.started_at, 'completed_at', job.completed_at) AS body \
    FROM export_jobs AS job LEFT JOIN projects AS project ON project.id = job.project_id \
    WHERE job.status IN ('pending', 'processing') ORDER BY job.created_at DESC, job.id DESC LIMIT 100";

const KEYS_IN_USE: &str = "SELECT value AS body FROM json_each(?1) WHERE \
    EXISTS (SELECT 1 FROM projects WHERE working_video_key = value) \
    OR EXISTS (SELECT 1 FROM raw_clips WHERE video_key = value) \
    OR EXISTS (SELECT 1 FROM export_jobs WHERE input_video_key = value AND id <> ?2 \
    AND status IN ('pending', 'processing')) \
    OR EXISTS (SELECT 1 FROM export_jobs WHERE further_inputs IS NOT NULL \
    AND instr(further_inputs, ' ' || value || ' ') AND id <> ?2 AND status IN ('pending', 'processing'))";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::JobKind;
    use crate::job::state::{End, Job, ProjectExport, State};
    use serde_json::json;
    use serde_json::value::RawValue;

    const KEY: &str = "input/a/clip.mp4";

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn a_put_changes_what_it_names_and_null_clears() {
        let parse = |body: Json| PutProject::parse(body.to_string().as_bytes());
        let put = parse(json!({"working_video_key": KEY})).unwrap();
        assert_eq!((&put.name, put.video().map(ObjectKey::as_str)), (&Change::Keep, Some(KEY)));
        let put = parse(json!({"name": "Cup", "working_video_key": null})).unwrap();
        assert_eq!((put.name, put.working_video), (Change::Set("Cup".into()), Change::Clear));
        let problem = parse(json!({"name": "", "working_video_key": "temp/x/y", "nmae": 1})).unwrap_err();
        assert_eq!(pointers(&problem), ["/name", "/working_video_key", "/nmae"]);
    }

    #[test]
    fn a_clip_ends_after_it_starts() {
        let parse = |body: Json| PutClip::parse(body.to_string().as_bytes());
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
    fn every_statement_uses_each_of_its_values() {
        let (project, clip) = (ProjectId(7), ClipId { project: ProjectId(7), index: 0 });
        let put = PutClip::parse(format!(r#"{{"video_key":"{KEY}"}}"#).as_bytes()).unwrap();
        let mut all = vec![project.shown(), clip.shown(), active_exports(), keys_in_use(Vec::new(), "")];
        all.extend(project.clips());
        all.extend(clip.removed());
        all.extend(put.written(clip));
        all.extend(PutProject::parse(b"{}").unwrap().written(project, Millis(1)));
        all.push(Projects::parse("").unwrap().query());
        all.extend(working_video_set(&order(Some(true)), &complete()));
        for query in all {
            let used = (1..=9).take_while(|n| query.sql.contains(&format!("?{n}"))).count();
            assert_eq!(used, query.values.len(), "{}", query.sql);
        }
    }

    #[test]
    fn a_put_answers_201_once_and_404_without_a_project() {
        let row = || vec![r#"{"id":7,"created_at":0,"updated_at":null}"#.to_owned()];
        let shown = r#"{"created_at":"1970-01-01T00:00:00.000Z","id":7,"updated_at":null}"#;
        assert_eq!(put_answer(&[vec![], vec![], row()]), Ok((201, shown.to_owned())));
        assert_eq!(put_answer(&[row(), vec![], row()]), Ok((200, shown.to_owned())));
        assert_eq!(put_answer(&[vec![], vec![]]), Err(Problem::project_not_found()));
        assert_eq!(put_answer(&[]), Err(Problem::project_not_found()));
    }

    #[test]
    fn a_page_of_projects_points_to_the_next_only_when_there_is_one() {
        let list = Projects::parse("limit=1&cursor=1000_7").unwrap();
        assert_eq!(list.query().values, [1000.into(), 7.into(), 2.into()]);
        let row = |id: i64| format!(r#"{{"id":{id},"created_at":2000}}"#);
        let page: Json = serde_json::from_str(&list.page(vec![row(9), row(8)])).unwrap();
        assert_eq!(
            page,
            json!({"projects": [{"id": 9, "created_at": "1970-01-01T00:00:02.000Z"}], "next_cursor": "2000_9"})
        );
        let page: Json = serde_json::from_str(&list.page(vec![])).unwrap();
        assert_eq!(page, json!({"projects": [], "next_cursor": null}));
        let problem = Projects::parse("limit=0&cursor=x&status=error").unwrap_err();
        assert_eq!(pointers(&problem), ["/limit", "/cursor", "/status"]);
    }

    #[test]
    fn paths_name_projects_and_clips_in_one_way_only() {
        for bad in ["", "0", "01", "+1", "-1", "1.0", "9007199254740992", "x"] {
            assert_eq!(ProjectId::parse(bad), None, "{bad}");
        }
        let clip = |index| ClipId::parse(ProjectId(7), index);
        assert!(clip("0").is_some() && clip("999").is_some());
        assert!(clip("1000").is_none() && clip("00").is_none() && clip("").is_none());
    }

    fn order(set_working_video: Option<bool>) -> Order {
        Order {
            id: "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().unwrap(),
            project_id: 7,
            kind: JobKind::Framing,
            input_key: ObjectKey::parse_input(KEY).unwrap(),
            further_inputs: Vec::new(),
            params: RawValue::from_string("{}".into()).unwrap(),
            created_at: Millis(1),
            export: set_working_video.map(|set| ProjectExport { asked: "x".into(), set_working_video: set }),
        }
    }

    fn complete() -> Face {
        let id = order(None).id;
        let mut job = Job::new(id, Millis(1));
        let key = ObjectKey::output(id, 1);
        job.state =
            State::Ended(End::Complete { key, bytes: 9, at: Millis(5000), gpu_job: None, poster: None });
        job.face()
    }

    #[test]
    fn only_a_finished_export_that_says_so_becomes_the_working_video() {
        let fresh = Job::new(order(None).id, Millis(1)).face();
        assert_eq!(working_video_set(&order(Some(true)), &fresh), None);
        assert_eq!(working_video_set(&order(Some(false)), &complete()), None);
        assert_eq!(working_video_set(&order(None), &complete()), None);
        let query = working_video_set(&order(Some(true)), &complete()).unwrap();
        let key = "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4";
        assert_eq!(query.values, [key.into(), 5000.into(), 7.into()]);
    }

    #[test]
    fn an_order_keeps_what_only_an_export_has_and_old_ones_are_read() {
        let stored = serde_json::to_value(order(Some(true))).unwrap();
        assert_eq!(stored["export"], json!({"asked": "x", "set_working_video": true}));
        assert_eq!(serde_json::to_value(order(None)).unwrap().get("export"), None);
        let text = serde_json::to_string(&order(None)).unwrap();
        let old: Order = serde_json::from_str(&text).unwrap();
        assert!(old.same_request(&order(None)) && !old.same_request(&order(Some(true))));
    }
}
