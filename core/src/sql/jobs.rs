//! Statements on the rows of jobs.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::owner::Visibility;
use crate::base::time::Timestamp;
use crate::edit::JobType;
use crate::job::labels::Labels;
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::job::status::JobStatus;
use crate::sql::job_pages::{JobPageQuery, OTHER};
use crate::sql::projects::set_working_video;
use crate::sql::statement::SqlStatement;

/// Brings a job's row up to `version`; a row that is as new or newer stays. The result of an export may
/// become its project's working video in the same batch: both are written or neither, so that no project
/// waits for a job whose row says that it is complete.
pub fn upsert_job(spec: &JobSpec, snapshot: &Snapshot, version: u64) -> Vec<SqlStatement> {
    let output = snapshot.output.as_ref();
    let failure = snapshot.failure.as_ref();
    let values = [
        spec.id.to_string().into(),
        spec.project_id.into(),
        spec.job_type.as_str().into(),
        snapshot.status.as_str().into(),
        i64::from(snapshot.attempt).into(),
        spec.input_key.as_str().into(),
        output.map(|output| output.key.as_str()).into(),
        output.map(|output| integer(output.bytes)).into(),
        output.and_then(|output| output.poster.as_deref()).into(),
        failure.map(|failure| failure.sentence.as_str()).into(),
        failure.map(|failure| failure.code.as_str()).into(),
        spec.created_at.0.into(),
        snapshot.started_at.map(|at| at.0).into(),
        snapshot.completed_at.map(|at| at.0).into(),
        integer(version).into(),
        extra_inputs(spec).as_deref().into(),
        spec.owner.map(|owner| owner.to_string()).as_deref().into(),
        spec.labels.as_ref().map(|labels| labels.json().get()).into(),
    ];
    // A job in its first attempt has never ended: nothing of an end can stand in its row.
    let open = snapshot.attempt == 1 && snapshot.completed_at.is_none();
    let row = SqlStatement::new(if open { UPSERT_OPEN_JOB } else { UPSERT_JOB }, values);
    let statements = std::iter::once(row).chain(set_working_video(spec, snapshot));
    statements.chain(insert_further_input_keys(spec)).chain(insert_labels(spec)).collect()
}

/// A row for each further video, once: the references are found by it.
fn insert_further_input_keys(spec: &JobSpec) -> Option<SqlStatement> {
    let keys: Vec<&str> = spec.extra_inputs.iter().map(ObjectKey::as_str).collect();
    let values = [spec.id.to_string().into(), Json::from(&*keys).to_string().into()];
    (!keys.is_empty()).then(|| SqlStatement::new(INSERT_FURTHER_INPUT_KEYS, values))
}

/// A row for each label, once: lists are asked for by it. Only jobs with labels pay.
fn insert_labels(spec: &JobSpec) -> Option<SqlStatement> {
    let labels = spec.labels.as_ref()?;
    let owner = spec.owner.map(|owner| owner.to_string());
    let values = [
        owner.as_deref().into(),
        labels.json().get().into(),
        spec.created_at.0.into(),
        spec.id.to_string().into(),
    ];
    Some(SqlStatement::new(INSERT_LABELS, values))
}

/// Removes a job's row, and what belongs to it.
pub fn delete_job(id: JobId) -> Vec<SqlStatement> {
    [DELETE_FURTHER_INPUT_KEYS, DELETE_LABELS, "DELETE FROM export_jobs WHERE id = ?1"]
        .map(|sql| SqlStatement::new(sql, [id.to_string().into()]))
        .into()
}

/// The column `further_inputs`: the keys, each with a blank on both sides.
fn extra_inputs(spec: &JobSpec) -> Option<String> {
    let keys: Vec<&str> = spec.extra_inputs.iter().map(ObjectKey::as_str).collect();
    (!keys.is_empty()).then(|| format!(" {} ", keys.join(" ")))
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The oldest jobs that have not ended by their rows and were created before `before`: an [`OpenJobRow`]
/// each. The sweep asks each job whether that is so.
pub fn select_open_jobs(before: Timestamp, limit: u32) -> SqlStatement {
    let range = |condition: &str| {
        format!("SELECT id, version, created_at FROM export_jobs WHERE {condition} AND created_at < ?1")
    };
    let open = range("completed_at IS NULL AND status IN ('pending', 'processing')");
    // A row may say both, that its job is open and that it has ended: the sweep is there to mend such.
    let other = range(&format!("{OTHER} AND +status IN ('pending', 'processing')"));
    let sql = format!(
        "SELECT json_object('id', id, 'version', version) AS body \
         FROM ({open} UNION ALL {other} ORDER BY created_at LIMIT ?2)"
    );
    SqlStatement::new(sql, [before.0.into(), i64::from(limit).into()])
}

/// A row that the sweep shows to its job.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OpenJobRow {
    /// The job.
    pub id: JobId,
    /// The version of its row.
    pub version: u64,
}

impl OpenJobRow {
    /// Reads a row; `None` when it has another form: one such row must not stop the sweep.
    pub fn parse(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// `GET /api/jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobListQuery {
    /// Only of this project.
    pub project_id: Option<i64>,
    /// Only in this status.
    pub status: Option<JobStatus>,
    /// Only of this type.
    pub job_type: Option<JobType>,
    /// Only with this label, as `key:value`.
    pub label: Option<String>,
    /// At most so many, 1 to 100.
    pub limit: u32,
    /// Only jobs that are older than this one.
    pub cursor: Option<Cursor>,
}

/// The last job of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it was created.
    pub created_at: Timestamp,
    /// Which it is: several may be created in one millisecond.
    pub id: JobId,
}

impl JobListQuery {
    /// The statement of one page, and one job more: it tells whether another page follows. Each row is a
    /// [`JobRow`].
    pub fn select_statement(&self, visibility: Visibility) -> SqlStatement {
        let page = JobPageQuery {
            visibility,
            project_id: self.project_id,
            status: self.status,
            job_type: self.job_type,
            label: self.label.as_deref(),
            cursor: self.cursor,
            limit: i64::from(self.limit) + 1,
        };
        page.select(JOB_ROW)
    }
}

/// A row of a list. Its words are shown as they are: a newer version may have written one that this
/// version does not know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "each field is the column of its name")]
pub struct JobRow {
    pub id: String,
    pub project_id: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub attempt: u32,
    pub input_video_key: String,
    pub output_video_key: Option<String>,
    pub output_bytes: Option<u64>,
    pub poster_key: Option<String>,
    pub error: Option<String>,
    pub error_code: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    #[serde(default)]
    pub labels: Option<Labels>,
}

impl JobRow {
    /// Reads the rows of a page.
    ///
    /// # Errors
    /// The first row that has another form.
    pub fn parse_all(bodies: &[String]) -> serde_json::Result<Vec<Self>> {
        bodies.iter().map(|body| serde_json::from_str(body)).collect()
    }
}

macro_rules! upsert_job {
    ($columns:literal) => {
        concat!(
            "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, \
             output_video_key, output_bytes, poster_key, error, error_code, created_at, started_at, completed_at, \
             version, further_inputs, owner, labels) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
             ON CONFLICT (id) DO UPDATE SET ",
            $columns,
            "status = excluded.status, attempt = excluded.attempt, started_at = excluded.started_at, \
             version = excluded.version WHERE excluded.version > export_jobs.version"
        )
    };
}

const UPSERT_JOB: &str = upsert_job!(
    "output_video_key = excluded.output_video_key, output_bytes = excluded.output_bytes, \
     poster_key = excluded.poster_key, error = excluded.error, error_code = excluded.error_code, \
     completed_at = excluded.completed_at, "
);

/// Leaves out what a job has only once it has ended: a column that is set is a written row in each index
/// that depends on it, whether it changes or not.
const UPSERT_OPEN_JOB: &str = upsert_job!("");

const INSERT_FURTHER_INPUT_KEYS: &str = "INSERT INTO further_input_keys (video_key, job_id) \
    SELECT value, ?1 FROM json_each(?2) WHERE true ON CONFLICT (video_key, job_id) DO NOTHING";

/// Keys have neither quotes nor backslashes: the column becomes a list by its blanks.
const DELETE_FURTHER_INPUT_KEYS: &str = "DELETE FROM further_input_keys WHERE (video_key, job_id) IN \
    (SELECT keys.value, export_jobs.id FROM export_jobs, \
    json_each('[\"' || replace(trim(further_inputs), ' ', '\",\"') || '\"]') AS keys \
    WHERE export_jobs.id = ?1 AND further_inputs IS NOT NULL)";

const INSERT_LABELS: &str = "INSERT INTO job_labels (owner, label, created_at, job_id) \
    SELECT coalesce(?1, ''), key || ':' || value, ?3, ?4 FROM json_each(?2) WHERE true \
    ON CONFLICT (owner, label, created_at, job_id) DO NOTHING";

const DELETE_LABELS: &str = "DELETE FROM job_labels WHERE (owner, label, created_at, job_id) IN \
    (SELECT coalesce(owner, ''), label.key || ':' || label.value, created_at, export_jobs.id \
    FROM export_jobs, json_each(labels) AS label WHERE export_jobs.id = ?1 AND labels IS NOT NULL)";

const JOB_ROW: &str = "json_object('id', id, 'project_id', project_id, 'type', type, \
    'status', status, 'attempt', attempt, 'input_video_key', input_video_key, \
    'output_video_key', output_video_key, 'output_bytes', output_bytes, 'poster_key', poster_key, \
    'error', error, 'error_code', error_code, 'created_at', created_at, 'started_at', started_at, \
    'completed_at', completed_at, 'labels', json(labels))";
