//! Routes are a value: method and path in, one route out. No IO, so that every one is a table test.

use crate::facade::ExportKind;
use crate::id::JobId;
use crate::intake::Callback;
use crate::object_key::ObjectKey;
use crate::percent;
use crate::problem::{Code, Problem};
use crate::project::{ClipId, ProjectId, bad_clip, bad_project};
use crate::upload::Verb;

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
    Callback(JobId, &'p str, Callback),
    /// `POST /api/runpod/webhook/{id}/{token}`.
    Webhook(JobId, &'p str),
    /// `POST /api/videos/upload-url`.
    UploadUrl,
    /// `POST /api/videos/multipart`.
    CreateUpload,
    /// `/api/videos/multipart/{upload_id}` and below.
    Upload(&'p str, Verb),
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
    CreateExport(ExportKind),
    /// `GET /api/export/{kind}/{id}`.
    Export(ExportKind, JobId),
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
        let allow = |methods: &'static str, route: fn() -> Self| allowed(method, methods).map(|()| route());
        match segments.as_slice() {
            ["health"] | ["api", "health"] => allow("GET, HEAD", || Self::Health),
            ["api", "jobs"] if method == "GET" => Ok(Self::ListJobs),
            ["api", "jobs"] => allow("GET, POST", || Self::CreateJob),
            ["api", "jobs", id] if method == "DELETE" => job(id).map(Self::DeleteJob),
            ["api", "jobs", id] => allowed(method, "GET, DELETE").and_then(|()| job(id)).map(Self::Job),
            ["api", "jobs", id, "ws"] => allowed(method, "GET").and_then(|()| job(id)).map(Self::Watch),
            ["ws", "export", id] => allowed(method, "GET").and_then(|()| job(id)).map(Self::WatchLegacy),
            ["api", "jobs", id, "events"] => allowed(method, "GET").and_then(|()| job(id)).map(Self::Events),
            ["api", "jobs", id, "cancel"] => allowed(method, "POST").and_then(|()| job(id)).map(Self::Cancel),
            ["api", "jobs", id, "retry"] => allowed(method, "POST").and_then(|()| job(id)).map(Self::Retry),
            ["api", "jobs", id, "do", token, word] => {
                let callback = match *word {
                    "claim" => Callback::Claim,
                    "progress" => Callback::Progress,
                    "complete" => Callback::Complete,
                    "error" => Callback::Error,
                    _ => return Err(not_found()),
                };
                allowed(method, "POST").and_then(|()| job(id)).map(|id| Self::Callback(id, token, callback))
            }
            ["api", "runpod", "webhook", id, token] => {
                allowed(method, "POST").and_then(|()| job(id)).map(|id| Self::Webhook(id, token))
            }
            ["api", "videos", "upload-url"] => allow("POST", || Self::UploadUrl),
            ["api", "videos", "multipart"] => allow("POST", || Self::CreateUpload),
            ["api", "videos", "multipart", id] => {
                allowed(method, "DELETE").map(|()| Self::Upload(id, Verb::Abort))
            }
            ["api", "videos", "multipart", id, "parts"] => match method {
                "POST" => Ok(Self::Upload(id, Verb::Sign)),
                "PUT" => Ok(Self::Upload(id, Verb::Confirm)),
                _ => allowed(method, "GET, POST, PUT").map(|()| Self::Upload(id, Verb::Show)),
            },
            ["api", "videos", "multipart", id, "complete"] => {
                allowed(method, "POST").map(|()| Self::Upload(id, Verb::Complete))
            }
            ["api", "videos", "download", key @ ..] => {
                allowed(method, "GET, HEAD")?;
                percent::decode(&key.join("/"))
                    .and_then(|key| ObjectKey::try_from(key).ok())
                    .map(Self::Download)
                    .ok_or_else(Problem::video_not_found)
            }
            ["api", "exports", "active"] => allow("GET", || Self::ActiveExports),
            ["api", "export", kind, rest @ ..] if rest.len() < 2 => {
                let kind = ExportKind::parse(kind).ok_or_else(not_found)?;
                match rest {
                    [id] => allowed(method, "GET").and_then(|()| job(id)).map(|id| Self::Export(kind, id)),
                    _ => allowed(method, "POST").map(|()| Self::CreateExport(kind)),
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
    let project = || ProjectId::parse(id).ok_or_else(|| bad_project(method));
    match rest {
        [] if method == "PUT" => project().map(Route::PutProject),
        [] => allowed(method, "GET, PUT").and_then(|()| project()).map(Route::Project),
        ["clips"] => allowed(method, "GET").and_then(|()| project()).map(Route::ListClips),
        ["clips", index] => {
            allowed(method, "GET, PUT, DELETE")?;
            let clip = ClipId::parse(project()?, index).ok_or_else(|| bad_clip(method))?;
            Ok(match method {
                "PUT" => Route::PutClip(clip),
                "DELETE" => Route::DeleteClip(clip),
                _ => Route::Clip(clip),
            })
        }
        _ => Err(not_found()),
    }
}

fn allowed(method: &str, methods: &'static str) -> Result<(), Problem> {
    if methods.split(", ").any(|allowed| allowed == method) {
        return Ok(());
    }
    let mut problem = Problem::new(Code::MethodNotAllowed, format!("This path takes {methods}."));
    problem.allow = Some(methods);
    Err(problem)
}

fn not_found() -> Problem {
    Problem::new(Code::RouteNotFound, "Nothing lives at this path; the README lists the routes.")
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
            ("POST", job("/do/1.2.ab/claim"), Route::Callback(id, "1.2.ab", Callback::Claim)),
            ("POST", job("/do/t/progress"), Route::Callback(id, "t", Callback::Progress)),
            ("POST", job("/do/t/complete"), Route::Callback(id, "t", Callback::Complete)),
            ("POST", job("/do/t/error"), Route::Callback(id, "t", Callback::Error)),
            ("POST", format!("/api/runpod/webhook/{ID}/t"), Route::Webhook(id, "t")),
            ("POST", "/api/videos/upload-url".to_owned(), Route::UploadUrl),
            ("POST", "/api/videos/multipart".to_owned(), Route::CreateUpload),
            ("POST", "/api/videos/multipart/u.m/parts".to_owned(), Route::Upload("u.m", Verb::Sign)),
            ("PUT", "/api/videos/multipart/u.m/parts".to_owned(), Route::Upload("u.m", Verb::Confirm)),
            ("GET", "/api/videos/multipart/u.m/parts".to_owned(), Route::Upload("u.m", Verb::Show)),
            ("POST", "/api/videos/multipart/u.m/complete".to_owned(), Route::Upload("u.m", Verb::Complete)),
            ("DELETE", "/api/videos/multipart/u.m".to_owned(), Route::Upload("u.m", Verb::Abort)),
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
            ("POST", "/api/export/overlay".to_owned(), Route::CreateExport(ExportKind::Overlay)),
            ("POST", "/api/export/framing".to_owned(), Route::CreateExport(ExportKind::Framing)),
            ("GET", format!("/api/export/framing/{ID}"), Route::Export(ExportKind::Framing, id)),
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
            ("GET", "/", Code::RouteNotFound),
            ("GET", "/api", Code::RouteNotFound),
            ("PUT", "/api/jobs", Code::MethodNotAllowed),
            ("PATCH", &job, Code::MethodNotAllowed),
            ("DELETE", "/api/videos/upload-url", Code::MethodNotAllowed),
            ("GET", "/api/videos/multipart", Code::MethodNotAllowed),
            ("GET", "/api/videos/multipart/u.m", Code::MethodNotAllowed),
            ("DELETE", "/api/videos/multipart/u.m/parts", Code::MethodNotAllowed),
            ("POST", "/api/videos/multipart/u.m/dance", Code::RouteNotFound),
            ("GET", "/api/jobs/not-an-id", Code::JobNotFound),
            ("GET", "/api/jobs/", Code::JobNotFound),
            ("POST", "/api/jobs/x/do/t/dance", Code::RouteNotFound),
            ("GET", &format!("/api/jobs/{ID}/ws/"), Code::RouteNotFound),
            ("POST", "/api/export/annotate", Code::RouteNotFound),
            ("GET", "/api/export/overlay", Code::MethodNotAllowed),
            ("GET", "/api/export/overlay/x", Code::JobNotFound),
            ("GET", "/api/export/overlay/x/y", Code::RouteNotFound),
            ("GET", "/api/projects/x", Code::ProjectNotFound),
            ("PUT", "/api/projects/x", Code::InvalidRequest),
            ("DELETE", "/api/projects/7", Code::MethodNotAllowed),
            ("GET", "/api/projects/7/clips/x", Code::ClipNotFound),
            ("PUT", "/api/projects/7/clips/1000", Code::InvalidRequest),
            ("PUT", "/api/projects/7/clips", Code::MethodNotAllowed),
            ("GET", "/api/projects/7/clips/0/x", Code::RouteNotFound),
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
            assert_eq!(Route::parse("GET", &path).unwrap_err().code, Code::VideoNotFound, "{path}");
        }
        assert_eq!(Route::parse("PUT", "/api/videos/download/x").unwrap_err().allow, Some("GET, HEAD"));
        assert_eq!(Route::parse("PUT", "/health").unwrap_err().allow, Some("GET, HEAD"));
    }
}
