//! Routes are a value: method and path in, one route out. No IO, so that every one is a table test.

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::percent;
use crate::http::problem::{Problem, ProblemCode};
use crate::http::problems::{invalid_clip_index, invalid_project_id};
use crate::http::requests::callbacks::CallbackKind;
use crate::http::requests::exports::ExportType;
use crate::http::requests::uploads::UploadAction;
use crate::project::{ClipId, ProjectId};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'p> {
    /// `GET /health`, `GET /api/health`.
    Health,
    /// `POST /api/jobs`.
    CreateJob,
    /// `GET /api/jobs`.
    ListJobs,
    /// `GET /api/jobs/{id}`.
    Job(JobId),
    /// `DELETE /api/jobs/{id}`.
    DeleteJob(JobId),
    /// `GET /api/jobs/{id}/ws`.
    Watch(JobId),
    /// `GET /ws/export/{id}`.
    WatchLegacy(JobId),
    /// `GET /api/jobs/{id}/events`.
    Events(JobId),
    /// `POST /api/jobs/{id}/cancel`.
    Cancel(JobId),
    /// `POST /api/jobs/{id}/retry`.
    Retry(JobId),
    /// `POST /api/jobs/{id}/do/{token}/{callback}`.
    Callback(JobId, &'p str, CallbackKind),
    /// `POST /api/runpod/webhook/{id}/{token}`.
    Webhook(JobId, &'p str),
    /// `POST /api/videos/upload-url`.
    UploadUrl,
    /// `POST /api/videos/multipart`.
    CreateUpload,
    /// `/api/videos/multipart/{upload_id}` and below.
    Upload(&'p str, UploadAction),
    /// `GET /api/videos/download/{key}`: the key percent-encoded, its slashes as they are or as `%2F`.
    Download(ObjectKey),
    /// `GET /api/projects`.
    ListProjects,
    /// `GET /api/projects/{id}`.
    Project(ProjectId),
    /// `PUT /api/projects/{id}`.
    PutProject(ProjectId),
    /// `GET /api/projects/{id}/clips`.
    ListClips(ProjectId),
    /// `GET /api/projects/{id}/clips/{clip_index}`.
    Clip(ClipId),
    /// `PUT /api/projects/{id}/clips/{clip_index}`.
    PutClip(ClipId),
    /// `DELETE /api/projects/{id}/clips/{clip_index}`.
    DeleteClip(ClipId),
    /// `POST /api/export/{kind}`.
    CreateExport(ExportType),
    /// `GET /api/export/{kind}/{id}`.
    Export(ExportType, JobId),
    /// `GET /api/exports/active`.
    ActiveExports,
    /// `OPTIONS` of anything: a browser asks before it calls.
    Preflight,
}

impl<'p> Route<'p> {
    /// Finds the route. An id that is no id names no job, so it is a 404 like any other unknown job.
    pub fn parse(method: &str, path: &'p str) -> Result<Self, Problem> {
        if method == "OPTIONS" {
            return Ok(Self::Preflight);
        }
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let job = |text: &str| text.parse::<JobId>().map_err(|_| Problem::job_not_found());
        let allow =
            |methods: &'static str, route: fn() -> Self| require_method(method, methods).map(|()| route());
        match segments.as_slice() {
            ["health"] | ["api", "health"] => allow("GET, HEAD", || Self::Health),
            ["api", "jobs"] if method == "GET" => Ok(Self::ListJobs),
            ["api", "jobs"] => allow("GET, POST", || Self::CreateJob),
            ["api", "jobs", id] if method == "DELETE" => job(id).map(Self::DeleteJob),
            ["api", "jobs", id] => {
                require_method(method, "GET, DELETE").and_then(|()| job(id)).map(Self::Job)
            }
            ["api", "jobs", id, "ws"] => {
                require_method(method, "GET").and_then(|()| job(id)).map(Self::Watch)
            }
            ["ws", "export", id] => {
                require_method(method, "GET").and_then(|()| job(id)).map(Self::WatchLegacy)
            }
            ["api", "jobs", id, "events"] => {
                require_method(method, "GET").and_then(|()| job(id)).map(Self::Events)
            }
            ["api", "jobs", id, "cancel"] => {
                require_method(method, "POST").and_then(|()| job(id)).map(Self::Cancel)
            }
            ["api", "jobs", id, "retry"] => {
                require_method(method, "POST").and_then(|()| job(id)).map(Self::Retry)
            }
            ["api", "jobs", id, "do", token, word] => {
                let callback = match *word {
                    "claim" => CallbackKind::Claim,
                    "progress" => CallbackKind::Progress,
                    "complete" => CallbackKind::Complete,
                    "error" => CallbackKind::Error,
                    _ => return Err(not_found()),
                };
                require_method(method, "POST")
                    .and_then(|()| job(id))
                    .map(|id| Self::Callback(id, token, callback))
            }
            ["api", "runpod", "webhook", id, token] => {
                require_method(method, "POST").and_then(|()| job(id)).map(|id| Self::Webhook(id, token))
            }
            ["api", "videos", "upload-url"] => allow("POST", || Self::UploadUrl),
            ["api", "videos", "multipart"] => allow("POST", || Self::CreateUpload),
            ["api", "videos", "multipart", id] => {
                require_method(method, "DELETE").map(|()| Self::Upload(id, UploadAction::Abort))
            }
            ["api", "videos", "multipart", id, "parts"] => match method {
                "POST" => Ok(Self::Upload(id, UploadAction::Sign)),
                "PUT" => Ok(Self::Upload(id, UploadAction::Confirm)),
                _ => require_method(method, "GET, POST, PUT").map(|()| Self::Upload(id, UploadAction::Show)),
            },
            ["api", "videos", "multipart", id, "complete"] => {
                require_method(method, "POST").map(|()| Self::Upload(id, UploadAction::Complete))
            }
            ["api", "videos", "download", key @ ..] => {
                require_method(method, "GET, HEAD")?;
                percent::decode(&key.join("/"))
                    .and_then(|key| ObjectKey::try_from(key).ok())
                    .map(Self::Download)
                    .ok_or_else(Problem::video_not_found)
            }
            ["api", "exports", "active"] => allow("GET", || Self::ActiveExports),
            ["api", "export", kind, rest @ ..] if rest.len() < 2 => {
                let kind = ExportType::parse(kind).ok_or_else(not_found)?;
                match rest {
                    [id] => {
                        require_method(method, "GET").and_then(|()| job(id)).map(|id| Self::Export(kind, id))
                    }
                    _ => require_method(method, "POST").map(|()| Self::CreateExport(kind)),
                }
            }
            ["api", "projects"] => allow("GET", || Self::ListProjects),
            ["api", "projects", id, rest @ ..] => project_route(method, id, rest),
            _ => Err(not_found()),
        }
    }

    /// Whether the route answers without the API key: it proves itself by a token, or tells nothing.
    pub const fn is_public(&self) -> bool {
        match self {
            Self::Health | Self::Preflight | Self::Callback(..) | Self::Webhook(..) | Self::Upload(..) => {
                true
            }
            Self::CreateJob
            | Self::ListJobs
            | Self::Job(_)
            | Self::DeleteJob(_)
            | Self::Watch(_)
            | Self::WatchLegacy(_)
            | Self::Events(_)
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::UploadUrl
            | Self::CreateUpload
            | Self::Download(_)
            | Self::ListProjects
            | Self::Project(_)
            | Self::PutProject(_)
            | Self::ListClips(_)
            | Self::Clip(_)
            | Self::PutClip(_)
            | Self::DeleteClip(_)
            | Self::CreateExport(_)
            | Self::Export(..)
            | Self::ActiveExports => false,
        }
    }

    /// The job whose watch token opens this route, if one does: reading, never changing.
    pub fn watchable(&self) -> Option<JobId> {
        match self {
            Self::Watch(id)
            | Self::WatchLegacy(id)
            | Self::Events(id)
            | Self::Job(id)
            | Self::Export(_, id) => Some(*id),
            Self::Download(key) => key.output_of(),
            Self::Health
            | Self::CreateJob
            | Self::ListJobs
            | Self::DeleteJob(_)
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::Callback(..)
            | Self::Webhook(..)
            | Self::UploadUrl
            | Self::CreateUpload
            | Self::Upload(..)
            | Self::ListProjects
            | Self::Project(_)
            | Self::PutProject(_)
            | Self::ListClips(_)
            | Self::Clip(_)
            | Self::PutClip(_)
            | Self::DeleteClip(_)
            | Self::CreateExport(_)
            | Self::ActiveExports
            | Self::Preflight => None,
        }
    }
}

fn project_route(method: &str, id: &str, rest: &[&str]) -> Result<Route<'static>, Problem> {
    let project = || ProjectId::parse(id).ok_or_else(|| invalid_project_id(method));
    match rest {
        [] if method == "PUT" => project().map(Route::PutProject),
        [] => require_method(method, "GET, PUT").and_then(|()| project()).map(Route::Project),
        ["clips"] => require_method(method, "GET").and_then(|()| project()).map(Route::ListClips),
        ["clips", index] => {
            require_method(method, "GET, PUT, DELETE")?;
            let clip = ClipId::parse(project()?, index).ok_or_else(|| invalid_clip_index(method))?;
            Ok(match method {
                "PUT" => Route::PutClip(clip),
                "DELETE" => Route::DeleteClip(clip),
                _ => Route::Clip(clip),
            })
        }
        _ => Err(not_found()),
    }
}

fn require_method(method: &str, methods: &'static str) -> Result<(), Problem> {
    if methods.split(", ").any(|allowed| allowed == method) {
        return Ok(());
    }
    let mut problem = Problem::new(ProblemCode::MethodNotAllowed, format!("This path takes {methods}."));
    problem.allow = Some(methods);
    Err(problem)
}

fn not_found() -> Problem {
    Problem::new(ProblemCode::RouteNotFound, "Nothing lives at this path; the README lists the routes.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn every_route_is_found() {
        let id: JobId = ID.parse().unwrap();
        let project = ProjectId::parse("7").unwrap();
        let clip = ClipId::parse(project, "0").unwrap();
        let job = |rest: &str| format!("/api/jobs/{ID}{rest}");
        let key = |text: &str| ObjectKey::try_from(text.to_owned()).unwrap();
        for (method, path, route) in [
            ("GET", "/health".to_owned(), Route::Health),
            ("HEAD", "/api/health".to_owned(), Route::Health),
            ("POST", "/api/jobs".to_owned(), Route::CreateJob),
            ("GET", "/api/jobs".to_owned(), Route::ListJobs),
            ("DELETE", job(""), Route::DeleteJob(id)),
            ("GET", job(""), Route::Job(id)),
            ("GET", job("/ws"), Route::Watch(id)),
            ("GET", format!("/ws/export/{ID}"), Route::WatchLegacy(id)),
            ("GET", job("/events"), Route::Events(id)),
            ("POST", job("/cancel"), Route::Cancel(id)),
            ("POST", job("/retry"), Route::Retry(id)),
            ("POST", job("/do/1.2.ab/claim"), Route::Callback(id, "1.2.ab", CallbackKind::Claim)),
            ("POST", job("/do/t/progress"), Route::Callback(id, "t", CallbackKind::Progress)),
            ("POST", job("/do/t/complete"), Route::Callback(id, "t", CallbackKind::Complete)),
            ("POST", job("/do/t/error"), Route::Callback(id, "t", CallbackKind::Error)),
            ("POST", format!("/api/runpod/webhook/{ID}/t"), Route::Webhook(id, "t")),
            ("POST", "/api/videos/upload-url".to_owned(), Route::UploadUrl),
            ("POST", "/api/videos/multipart".to_owned(), Route::CreateUpload),
            ("POST", "/api/videos/multipart/u.m/parts".to_owned(), Route::Upload("u.m", UploadAction::Sign)),
            (
                "PUT",
                "/api/videos/multipart/u.m/parts".to_owned(),
                Route::Upload("u.m", UploadAction::Confirm),
            ),
            ("GET", "/api/videos/multipart/u.m/parts".to_owned(), Route::Upload("u.m", UploadAction::Show)),
            (
                "POST",
                "/api/videos/multipart/u.m/complete".to_owned(),
                Route::Upload("u.m", UploadAction::Complete),
            ),
            ("DELETE", "/api/videos/multipart/u.m".to_owned(), Route::Upload("u.m", UploadAction::Abort)),
            ("GET", "/api/videos/download/input/a/b.mp4".to_owned(), Route::Download(key("input/a/b.mp4"))),
            (
                "HEAD",
                "/api/videos/download/input%2Fa%2fb.mp4".to_owned(),
                Route::Download(key("input/a/b.mp4")),
            ),
            ("GET", "/api/projects".to_owned(), Route::ListProjects),
            ("GET", "/api/projects/7".to_owned(), Route::Project(project)),
            ("PUT", "/api/projects/7".to_owned(), Route::PutProject(project)),
            ("GET", "/api/projects/7/clips".to_owned(), Route::ListClips(project)),
            ("GET", "/api/projects/7/clips/0".to_owned(), Route::Clip(clip)),
            ("PUT", "/api/projects/7/clips/0".to_owned(), Route::PutClip(clip)),
            ("DELETE", "/api/projects/7/clips/0".to_owned(), Route::DeleteClip(clip)),
            ("POST", "/api/export/overlay".to_owned(), Route::CreateExport(ExportType::Overlay)),
            ("POST", "/api/export/framing".to_owned(), Route::CreateExport(ExportType::Framing)),
            ("GET", format!("/api/export/framing/{ID}"), Route::Export(ExportType::Framing, id)),
            ("GET", "/api/exports/active".to_owned(), Route::ActiveExports),
            ("OPTIONS", "/anything".to_owned(), Route::Preflight),
        ] {
            assert_eq!(Route::parse(method, &path), Ok(route), "{method} {path}");
        }
    }

    #[test]
    fn a_watch_token_opens_the_results_of_its_job_and_no_input() {
        let download = |key: String| {
            Route::parse("GET", &format!("/api/videos/download/{key}")).map(|route| route.watchable())
        };
        assert_eq!(download(format!("output/{ID}/1/video.mp4")), Ok(Some(ID.parse().unwrap())));
        assert_eq!(download(format!("input/{ID}/video.mp4")), Ok(None));
        assert_eq!(download("output/else/1/video.mp4".to_owned()), Ok(None));
    }

    #[test]
    fn wrong_paths_methods_and_ids_are_told_apart() {
        let job = format!("/api/jobs/{ID}");
        for (method, path, code) in [
            ("GET", "/", ProblemCode::RouteNotFound),
            ("GET", "/api", ProblemCode::RouteNotFound),
            ("PUT", "/api/jobs", ProblemCode::MethodNotAllowed),
            ("PATCH", &job, ProblemCode::MethodNotAllowed),
            ("DELETE", "/api/videos/upload-url", ProblemCode::MethodNotAllowed),
            ("GET", "/api/videos/multipart", ProblemCode::MethodNotAllowed),
            ("GET", "/api/videos/multipart/u.m", ProblemCode::MethodNotAllowed),
            ("DELETE", "/api/videos/multipart/u.m/parts", ProblemCode::MethodNotAllowed),
            ("POST", "/api/videos/multipart/u.m/dance", ProblemCode::RouteNotFound),
            ("GET", "/api/jobs/not-an-id", ProblemCode::JobNotFound),
            ("GET", "/api/jobs/", ProblemCode::JobNotFound),
            ("POST", "/api/jobs/x/do/t/dance", ProblemCode::RouteNotFound),
            ("GET", &format!("/api/jobs/{ID}/ws/"), ProblemCode::RouteNotFound),
            ("POST", "/api/export/annotate", ProblemCode::RouteNotFound),
            ("GET", "/api/export/overlay", ProblemCode::MethodNotAllowed),
            ("GET", "/api/export/overlay/x", ProblemCode::JobNotFound),
            ("GET", "/api/export/overlay/x/y", ProblemCode::RouteNotFound),
            ("GET", "/api/projects/x", ProblemCode::ProjectNotFound),
            ("PUT", "/api/projects/x", ProblemCode::InvalidRequest),
            ("DELETE", "/api/projects/7", ProblemCode::MethodNotAllowed),
            ("GET", "/api/projects/7/clips/x", ProblemCode::ClipNotFound),
            ("PUT", "/api/projects/7/clips/1000", ProblemCode::InvalidRequest),
            ("PUT", "/api/projects/7/clips", ProblemCode::MethodNotAllowed),
            ("GET", "/api/projects/7/clips/0/x", ProblemCode::RouteNotFound),
        ] {
            assert_eq!(Route::parse(method, path).unwrap_err().code, code, "{method} {path}");
        }
        for key in [
            "",
            "input",
            "temp/a/b",
            "input/a/../b",
            "input/a/%2e%2e/b",
            "input/a/b%00",
            "input/a/%",
            "/input/a/b",
        ] {
            let path = format!("/api/videos/download/{key}");
            assert_eq!(Route::parse("GET", &path).unwrap_err().code, ProblemCode::VideoNotFound, "{path}");
        }
        assert_eq!(Route::parse("PUT", "/api/videos/download/x").unwrap_err().allow, Some("GET, HEAD"));
        assert_eq!(Route::parse("PUT", "/health").unwrap_err().allow, Some("GET, HEAD"));
    }
}
