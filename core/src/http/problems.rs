//! The sentences of problems that several routes answer with.

use crate::auth::jwt::error::JwtError;
use crate::auth::jwt::scope::Scope;
use crate::base::object_key::ObjectKey;
use crate::edit::JobType;
use crate::http::problem::{Problem, ProblemCode};
use crate::job::spec::JobSpec;
use crate::json::field_error::FieldError;
use crate::project::CLIP_INDEX_MAX;
use crate::sql::webhooks::WEBHOOKS_MAX;

impl Problem {
    /// The job that was asked for does not exist; old clients match on this sentence.
    pub fn job_not_found() -> Self {
        Self::new(ProblemCode::JobNotFound, "Job not found")
    }

    /// An upload for a job that exists already, or whose video does: another would take its place.
    pub fn input_exists() -> Self {
        Self::new(
            ProblemCode::InputExists,
            "A job with this job_id exists, or its video is uploaded already. Use a new job_id, or leave it out.",
        )
    }

    /// The key that was asked for names no video of any job.
    pub fn video_not_found() -> Self {
        Self::new(
            ProblemCode::VideoNotFound,
            "No job or project refers to a video with this key. Use a key from the job's JSON; the job may have been deleted.",
        )
    }

    /// The index was never set up, or not for this version.
    pub fn index_without_tables() -> Self {
        Self::new(
            ProblemCode::NotConfigured,
            "The database lacks tables. Run `npx wrangler d1 migrations apply DB --local`, or with `--remote` for a deployment.",
        )
    }

    /// The project that was asked for does not exist; clients of the FastAPI backend match on this sentence.
    pub fn project_not_found() -> Self {
        Self::new(ProblemCode::ProjectNotFound, "Project not found")
    }

    /// The clip that was asked for does not exist; clients of the FastAPI backend match on this sentence.
    pub fn clip_not_found() -> Self {
        Self::new(ProblemCode::ClipNotFound, "Clip not found")
    }

    /// The endpoint that was asked for does not exist.
    pub fn webhook_not_found() -> Self {
        Self::new(
            ProblemCode::WebhookNotFound,
            "Webhook not found. GET /api/webhooks lists yours; one of somebody else looks like one that does not exist.",
        )
    }

    /// An owner has as many endpoints as one may have.
    pub fn too_many_webhooks() -> Self {
        Self::new(
            ProblemCode::LimitReached,
            format!("You have {WEBHOOKS_MAX} webhooks, which is the limit. Delete one first."),
        )
    }

    /// The delivery that was asked for does not exist.
    pub fn delivery_not_found() -> Self {
        Self::new(
            ProblemCode::DeliveryNotFound,
            "Delivery not found. GET /api/jobs/{job_id}/deliveries lists those of the job.",
        )
    }

    /// The project has nothing to export; clients of the FastAPI backend match on this sentence.
    pub fn no_working_video() -> Self {
        Self::new(ProblemCode::NoWorkingVideo, "No working video found")
    }

    /// The clip has nothing to export; clients of the FastAPI backend match on this sentence.
    pub fn source_not_found() -> Self {
        Self::new(ProblemCode::SourceNotFound, "Source video not found")
    }

    /// A user's token that is not valid.
    pub fn invalid_token(error: JwtError) -> Self {
        Self { invalid_token: true, ..Self::new(ProblemCode::Unauthorized, error.to_string()) }
    }

    /// A user's token that is valid, and does not allow this.
    pub fn insufficient_scope(required: Scope) -> Self {
        let sentence = format!("The token does not have the scope {required}, which this request requires.");
        Self::new(ProblemCode::InsufficientScope, sentence)
    }

    /// The identity provider does not say which keys it has.
    pub fn keys_unavailable() -> Self {
        Self::new(
            ProblemCode::Unavailable,
            "The keys of the identity provider cannot be reached, so the token cannot be checked. Try again in a few seconds.",
        )
    }

    /// A video that a request names is not in the bucket.
    pub fn input_not_found(key: &ObjectKey) -> Self {
        Self::new(
            ProblemCode::InputNotFound,
            format!("Video {key} has not been uploaded. Upload it with POST /api/videos/upload-url first."),
        )
    }

    /// Videos that a job needs and that are not in the bucket, each with its place in the request;
    /// at least one.
    pub fn inputs_not_found(missing: &[(String, &ObjectKey)]) -> Self {
        let problem = match missing {
            [(_, only)] => Self::input_not_found(only),
            several => {
                let first = several.first().map(|(_, key)| key.as_str()).unwrap_or_default();
                Self::new(
                    ProblemCode::InputNotFound,
                    format!(
                        "{} videos have not been uploaded (the first is {first}). Upload them with POST /api/videos/upload-url.",
                        several.len()
                    ),
                )
            }
        };
        let fault = |(pointer, key): &(String, &ObjectKey)| FieldError {
            pointer: pointer.clone(),
            detail: format!("{key} has not been uploaded"),
        };
        Self { errors: missing.iter().map(fault).collect(), ..problem }
    }
}

/// What the client is told when these videos of the job are not in the bucket, each with its place in
/// the request.
pub fn missing_inputs_problem(spec: &JobSpec, missing: &[(String, &ObjectKey)]) -> Problem {
    let own = missing.iter().any(|(_, key)| **key == spec.input_key);
    match (&spec.export, spec.job_type) {
        (Some(_), JobType::Overlay) if own => Problem::no_working_video(),
        (Some(_), JobType::Framing) if own => Problem::source_not_found(),
        (None, _) => Problem::inputs_not_found(missing),
        // The body of an export has its params at the top level.
        (Some(_), _) => {
            let mut problem = Problem::inputs_not_found(missing);
            for fault in &mut problem.errors {
                if let Some(rest) = fault.pointer.strip_prefix("/params") {
                    fault.pointer = rest.to_owned();
                }
            }
            problem
        }
    }
}

/// A path that names no project.
pub fn invalid_project_id(method: &str) -> Problem {
    if method == "PUT" {
        Problem::new(ProblemCode::InvalidRequest, "A project's id must be a whole number from 1 to 2^53 - 1.")
    } else {
        Problem::project_not_found()
    }
}

/// A path that names no clip.
pub fn invalid_clip_index(method: &str) -> Problem {
    if method == "PUT" {
        let sentence = format!("A clip_index must be a whole number from 0 to {CLIP_INDEX_MAX}.");
        Problem::new(ProblemCode::InvalidRequest, sentence)
    } else {
        Problem::clip_not_found()
    }
}
