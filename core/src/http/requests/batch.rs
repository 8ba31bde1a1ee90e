//! `POST /api/jobs/batch`: several jobs in one request, each with an answer of its own.

use serde_json::{Value, json};

use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::http::requests::jobs::CreateJobRequest;
use crate::json::field_error::FieldContext;
use crate::json::reader::ObjectReader;
use crate::webhook::address::Reach;

/// `POST /api/jobs/batch`.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// The jobs in their order; what is wrong with one keeps no other from being created.
    pub jobs: Vec<Result<CreateJobRequest, Problem>>,
}

impl BatchRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// Only what is wrong with the batch as a whole.
    pub fn parse(body: &[u8], reach: Reach) -> Result<Self, Problem> {
        read_body(body, |body, at| Self::read(body, at, reach))
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Value, at: FieldContext<'_>, reach: Reach) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let jobs = fields.required("jobs", |jobs, at| read_jobs(jobs, at, reach));
        fields.finish();
        Some(Self { jobs: jobs? })
    }
}

fn read_jobs(
    value: &Value,
    mut at: FieldContext<'_>,
    reach: Reach,
) -> Option<Vec<Result<CreateJobRequest, Problem>>> {
    at.describe(|| json!({"type": "array", "minItems": 1, "maxItems": BATCH_MAX}));
    let Value::Array(items) = value else { return at.expected("a list", value) };
    if items.is_empty() || items.len() > BATCH_MAX {
        return at.reject(format!("must have 1 to {BATCH_MAX} jobs, but has {}", items.len()));
    }
    let read = |item: &Value| {
        let mut faults = Vec::new();
        match CreateJobRequest::read(item, FieldContext::root(&mut faults), reach) {
            Some(job) if faults.is_empty() => Ok(job),
            _ => Err(Problem::invalid(faults)),
        }
    };
    Some(items.iter().map(read).collect())
}

/// The answer: for each job its status, and the job or the problem.
pub fn batch_json(answers: &[Result<String, Problem>], request_id: &str) -> String {
    let one = |answer: &Result<String, Problem>| match answer {
        Ok(job) => format!(r#"{{"status":201,"job":{job}}}"#),
        Err(problem) => {
            format!(r#"{{"status":{},"problem":{}}}"#, problem.code.status(), problem.body(request_id))
        }
    };
    format!(r#"{{"results":[{}]}}"#, answers.iter().map(one).collect::<Vec<_>>().join(","))
}

/// The key of one job of a batch that has an `Idempotency-Key`.
pub fn key_of_job(key: &str, index: usize) -> String {
    // A header has no line break, so that no single job has such a key.
    format!("{key}\n{index}")
}

/// Each job is looked at, admitted and handed to its object.
const BATCH_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::ProblemCode;

    fn parse(body: &Value) -> Result<BatchRequest, Problem> {
        BatchRequest::parse(body.to_string().as_bytes(), Reach::Public)
    }

    fn overlay() -> Value {
        json!({"project_id": 1, "type": "overlay", "input_video_key": "input/a/a.mp4", "params": {}})
    }

    #[test]
    fn what_is_wrong_with_one_job_is_its_own_answer() {
        let mut wrong = overlay();
        wrong["type"] = json!("overlays");
        let batch = parse(&json!({"jobs": [overlay(), wrong, 7]})).unwrap();
        let codes: Vec<_> =
            batch.jobs.iter().map(|job| job.as_ref().err().map(|problem| problem.code)).collect();
        assert_eq!(codes, [None, Some(ProblemCode::InvalidRequest), Some(ProblemCode::InvalidRequest)]);
        let answers: Vec<_> = batch.jobs.into_iter().map(|job| job.map(|_| "{}".to_owned())).collect();
        let json: Value = serde_json::from_str(&batch_json(&answers, "r-1")).unwrap();
        assert_eq!(json["results"][0], json!({"status": 201, "job": {}}));
        assert_eq!(json["results"][1]["problem"]["errors"][0]["pointer"], "/type");
        assert_eq!(json["results"][2]["status"], 422);
    }

    #[test]
    fn a_batch_has_one_to_fifty_jobs() {
        for jobs in [json!([]), json!({}), json!(vec![overlay(); 51])] {
            assert_eq!(parse(&json!({ "jobs": jobs })).unwrap_err().errors[0].pointer, "/jobs");
        }
        assert_eq!(parse(&json!({"jobs": vec![overlay(); 50]})).unwrap().jobs.len(), 50);
    }

    #[test]
    fn each_job_of_a_batch_has_a_key_of_its_own() {
        assert_ne!(key_of_job("k", 1), key_of_job("k", 11));
        assert!(
            crate::http::requests::jobs::idempotency_key(&key_of_job("k", 1)).is_err(),
            "and no single one"
        );
    }
}
