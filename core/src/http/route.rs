//! Routes are a value: method and path in, one route out. No IO, so that every one is a table test.
//!
//! To add a route: its declaration in the table below, its line in [`crate::http::access`], and the Worker's
//! arm that answers it.

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::percent;
use crate::base::time::DurationMs;
use crate::http::problem::{Problem, ProblemCode};
use crate::http::problems::{invalid_clip_index, invalid_project_id};
use crate::http::requests::callbacks::CallbackKind;
use crate::http::requests::exports::ExportType;
use crate::http::requests::uploads::UploadAction;
use crate::project::{ClipId, ProjectId};
use crate::webhook::id::{DeliveryId, WebhookId};

/// Declares [`Route`] and [`ROUTES`]. Each route has the paths that lead to it; each path has its methods and
/// what makes the route of the path's parameters, in their order.
macro_rules! routes {
    ($(
        $(#[$meta:meta])*
        $route:ident $(($($of:ty),+))? {
            $($methods:literal $path:literal => |$parameters:pat_param| $build:expr,)+
        }
    )+) => {
        /// What a request asks for.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Route<'p> {
            $(
                $(#[$meta])*
                ///
                $(#[doc = concat!("- `", $methods, " ", $path, "`")])+
                $route $(($($of),+))?,
            )+
            /// `OPTIONS` of any path: a browser asks before it calls.
            Preflight,
        }

        /// Every path with its methods, in the order of the declaration.
        pub const ROUTES: &[RouteRow] = &[$($(RouteRow {
            route: stringify!($route),
            methods: $methods,
            path: $path,
            build: |$parameters| $build,
        },)+)+];
    };
}

routes! {
    /// Whether the API can work.
    Health {
        "GET" "/health" => |_| Ok(Route::Health),
        "GET" "/api/health" => |_| Ok(Route::Health),
    }
    /// A page of jobs.
    ListJobs {
        "GET" "/api/jobs" => |_| Ok(Route::ListJobs),
    }
    /// The caller's limits, and what of them is used.
    Limits {
        "GET" "/api/limits" => |_| Ok(Route::Limits),
    }
    /// A page of the audit log.
    Audit {
        "GET" "/api/audit" => |_| Ok(Route::Audit),
    }
    /// Erases all that one user has; the subject is percent-encoded.
    DeleteOwner(&'p str) {
        "DELETE" "/api/owners/{subject}" => |[subject, _]| Ok(Route::DeleteOwner(subject)),
    }
    /// Makes every token that one user has worthless; the subject is percent-encoded.
    RevokeTokens(&'p str) {
        "POST" "/api/owners/{subject}/revoke-tokens" => |[subject, _]| Ok(Route::RevokeTokens(subject)),
    }
    /// Creates a job.
    CreateJob {
        "POST" "/api/jobs" => |_| Ok(Route::CreateJob),
    }
    /// Creates several jobs.
    CreateBatch {
        "POST" "/api/jobs/batch" => |_| Ok(Route::CreateBatch),
    }
    /// A job as JSON.
    Job(JobId) {
        "GET" "/api/jobs/{job_id}" => |[id, _]| job(id).map(Route::Job),
    }
    /// Deletes an ended job and its files.
    DeleteJob(JobId) {
        "DELETE" "/api/jobs/{job_id}" => |[id, _]| job(id).map(Route::DeleteJob),
    }
    /// A WebSocket of messages.
    Watch(JobId) {
        "GET" "/api/jobs/{job_id}/ws" => |[id, _]| job(id).map(Route::Watch),
    }
    /// A WebSocket of job JSON, as clients of the FastAPI backend know it.
    WatchLegacy(JobId) {
        "GET" "/ws/export/{job_id}" => |[id, _]| job(id).map(Route::WatchLegacy),
    }
    /// The stored events.
    Events(JobId) {
        "GET" "/api/jobs/{job_id}/events" => |[id, _]| job(id).map(Route::Events),
    }
    /// Which part of a job's filmstrip shows which moment, as `WebVTT`.
    Filmstrip(JobId) {
        "GET" "/api/jobs/{job_id}/filmstrip.vtt" => |[id, _]| job(id).map(Route::Filmstrip),
    }
    /// Stops a job.
    Cancel(JobId) {
        "POST" "/api/jobs/{job_id}/cancel" => |[id, _]| job(id).map(Route::Cancel),
    }
    /// Starts a failed job over.
    Retry(JobId) {
        "POST" "/api/jobs/{job_id}/retry" => |[id, _]| job(id).map(Route::Retry),
    }
    /// Makes every link to a job useless.
    RevokeLinks(JobId) {
        "POST" "/api/jobs/{job_id}/revoke-links" => |[id, _]| job(id).map(Route::RevokeLinks),
    }
    /// A report of the GPU worker. Its token is in the header `Authorization`; older workers have it in the path.
    Callback(JobId, Option<&'p str>, CallbackKind) {
        "POST" "/api/jobs/{job_id}/attempt/claim" => |[id, _]| Ok(Route::Callback(job(id)?, None, CallbackKind::Claim)),
        "POST" "/api/jobs/{job_id}/attempt/progress" => |[id, _]| Ok(Route::Callback(job(id)?, None, CallbackKind::Progress)),
        "POST" "/api/jobs/{job_id}/attempt/complete" => |[id, _]| Ok(Route::Callback(job(id)?, None, CallbackKind::Complete)),
        "POST" "/api/jobs/{job_id}/attempt/error" => |[id, _]| Ok(Route::Callback(job(id)?, None, CallbackKind::Error)),
        "POST" "/api/jobs/{job_id}/do/{token}/claim" => |at| callback(at, CallbackKind::Claim),
        "POST" "/api/jobs/{job_id}/do/{token}/progress" => |at| callback(at, CallbackKind::Progress),
        "POST" "/api/jobs/{job_id}/do/{token}/complete" => |at| callback(at, CallbackKind::Complete),
        "POST" "/api/jobs/{job_id}/do/{token}/error" => |at| callback(at, CallbackKind::Error),
    }
    /// RunPod's webhook; its token is in the path.
    Webhook(JobId, &'p str) {
        "POST" "/api/runpod/webhook/{job_id}/{token}" => |[id, token]| Ok(Route::Webhook(job(id)?, token)),
    }
    /// A presigned `PUT`.
    UploadUrl {
        "POST" "/api/videos/upload-url" => |_| Ok(Route::UploadUrl),
    }
    /// Begins an upload in parts.
    CreateUpload {
        "POST" "/api/videos/multipart" => |_| Ok(Route::CreateUpload),
    }
    /// An action on an upload in parts; its token is in the path.
    Upload(&'p str, UploadAction) {
        "DELETE" "/api/videos/multipart/{upload_id}" => |[id, _]| Ok(Route::Upload(id, UploadAction::Abort)),
        "GET" "/api/videos/multipart/{upload_id}/parts" => |[id, _]| Ok(Route::Upload(id, UploadAction::Show)),
        "POST" "/api/videos/multipart/{upload_id}/parts" => |[id, _]| Ok(Route::Upload(id, UploadAction::Sign)),
        "PUT" "/api/videos/multipart/{upload_id}/parts" => |[id, _]| Ok(Route::Upload(id, UploadAction::Confirm)),
        "POST" "/api/videos/multipart/{upload_id}/complete" => |[id, _]| Ok(Route::Upload(id, UploadAction::Complete)),
    }
    /// A video or picture. The key is percent-encoded, its slashes as they are or as `%2F`.
    Download(ObjectKey) {
        "GET" "/api/videos/download/{key...}" => |[key, _]| download(key),
    }
    /// The exports that are pending or processing.
    ActiveExports {
        "GET" "/api/exports/active" => |_| Ok(Route::ActiveExports),
    }
    /// Creates a job of a project's own video.
    CreateExport(ExportType) {
        "POST" "/api/export/overlay" => |_| Ok(Route::CreateExport(ExportType::Overlay)),
        "POST" "/api/export/framing" => |_| Ok(Route::CreateExport(ExportType::Framing)),
    }
    /// A job of this type as JSON.
    Export(ExportType, JobId) {
        "GET" "/api/export/overlay/{job_id}" => |[id, _]| Ok(Route::Export(ExportType::Overlay, job(id)?)),
        "GET" "/api/export/framing/{job_id}" => |[id, _]| Ok(Route::Export(ExportType::Framing, job(id)?)),
    }
    /// A page of projects.
    ListProjects {
        "GET" "/api/projects" => |_| Ok(Route::ListProjects),
    }
    /// A project.
    Project(ProjectId) {
        "GET" "/api/projects/{project_id}" => |[id, _]| project("GET", id).map(Route::Project),
    }
    /// Creates or changes a project.
    PutProject(ProjectId) {
        "PUT" "/api/projects/{project_id}" => |[id, _]| project("PUT", id).map(Route::PutProject),
    }
    /// A page of a project's clips.
    ListClips(ProjectId) {
        "GET" "/api/projects/{project_id}/clips" => |[id, _]| project("GET", id).map(Route::ListClips),
    }
    /// A clip.
    Clip(ClipId) {
        "GET" "/api/projects/{project_id}/clips/{clip_index}" => |at| clip("GET", at).map(Route::Clip),
    }
    /// Creates or replaces a clip.
    PutClip(ClipId) {
        "PUT" "/api/projects/{project_id}/clips/{clip_index}" => |at| clip("PUT", at).map(Route::PutClip),
    }
    /// Deletes a clip.
    DeleteClip(ClipId) {
        "DELETE" "/api/projects/{project_id}/clips/{clip_index}" => |at| clip("DELETE", at).map(Route::DeleteClip),
    }
    /// Makes a token for an end user.
    MintToken {
        "POST" "/api/tokens" => |_| Ok(Route::MintToken),
    }
    /// The caller's endpoints.
    ListWebhooks {
        "GET" "/api/webhooks" => |_| Ok(Route::ListWebhooks),
    }
    /// Makes an endpoint.
    CreateWebhook {
        "POST" "/api/webhooks" => |_| Ok(Route::CreateWebhook),
    }
    /// An endpoint.
    ShowWebhook(WebhookId) {
        "GET" "/api/webhooks/{webhook_id}" => |[id, _]| webhook(id).map(Route::ShowWebhook),
    }
    /// Changes an endpoint, and switches it on and off.
    PutWebhook(WebhookId) {
        "PUT" "/api/webhooks/{webhook_id}" => |[id, _]| webhook(id).map(Route::PutWebhook),
    }
    /// Deletes an endpoint.
    DeleteWebhook(WebhookId) {
        "DELETE" "/api/webhooks/{webhook_id}" => |[id, _]| webhook(id).map(Route::DeleteWebhook),
    }
    /// Gives an endpoint a new secret.
    RotateWebhookSecret(WebhookId) {
        "POST" "/api/webhooks/{webhook_id}/rotate-secret" => |[id, _]| webhook(id).map(Route::RotateWebhookSecret),
    }
    /// Sends an endpoint a test event.
    TestWebhook(WebhookId) {
        "POST" "/api/webhooks/{webhook_id}/test" => |[id, _]| webhook(id).map(Route::TestWebhook),
    }
    /// The secret of deliveries to jobs' own `webhook_url`.
    WebhookUrlSecret {
        "GET" "/api/webhook-url-secret" => |_| Ok(Route::WebhookUrlSecret),
    }
    /// What has become of a job's events at its endpoints.
    Deliveries(JobId) {
        "GET" "/api/jobs/{job_id}/deliveries" => |[id, _]| job(id).map(Route::Deliveries),
    }
    /// Delivers an event of a job once more.
    Redeliver(JobId, DeliveryId) {
        "POST" "/api/jobs/{job_id}/deliveries/{delivery_id}/redeliver" => |at| redeliver(at),
    }
}

/// A path and its methods.
#[derive(Clone, Copy, Debug)]
pub struct RouteRow {
    /// The name of the route's variant.
    pub route: &'static str,
    /// The method. Where it is GET, HEAD works as well.
    pub methods: &'static str,
    /// The path. `{name}` stands for one segment, `{name...}` at the end for the rest.
    pub path: &'static str,
    build: for<'p> fn(Parameters<'p>) -> Result<Route<'p>, Problem>,
}

/// What stands for the parameters of a path, in their order; no path has more than two.
type Parameters<'p> = [&'p str; 2];

impl RouteRow {
    /// The path with a value for each parameter, for example in a test.
    pub fn path_with(&self, value: impl Fn(&str) -> String) -> String {
        let fill = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => value(name.trim_end_matches('.')),
            None => segment.to_owned(),
        };
        self.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }

    /// The row of a method and a path.
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        Self::of_path(path).find(|(row, _)| row.allows(method)).map(|(row, _)| row)
    }

    /// The rows of a path, whatever their methods, with what stands for its parameters.
    fn of_path(path: &str) -> impl Iterator<Item = (&'static Self, Parameters<'_>)> {
        // A slash at the end leads to the same place, but for a key: there it would be another key.
        let bare = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        let rows = ROUTES.iter().filter_map(move |row| {
            let path = if row.path.ends_with("...}") { path } else { bare };
            Some((row, row.parameters(path)?))
        });
        // A word of a path is no id: `batch` is no job.
        rows.filter(move |(row, _)| row.path == bare || ROUTES.iter().all(|other| other.path != bare))
    }

    /// The parameters of a path, if it is this one.
    fn parameters<'p>(&self, path: &'p str) -> Option<Parameters<'p>> {
        let mut parameters = [""; 2];
        let mut free = parameters.iter_mut();
        let mut rest = Some(path.trim_start_matches('/'));
        for segment in self.path.trim_start_matches('/').split('/') {
            if segment.ends_with("...}") {
                *free.next()? = rest.unwrap_or_default();
                return Some(parameters);
            }
            let path = rest?;
            let (given, below) =
                path.split_once('/').map_or((path, None), |(given, below)| (given, Some(below)));
            if segment.starts_with('{') {
                *free.next()? = given;
            } else if segment != given {
                return None;
            }
            rest = below;
        }
        rest.is_none().then_some(parameters)
    }

    /// Its methods as the `Allow` header lists them.
    fn allow(&self) -> &'static str {
        if self.methods == "GET" { "GET, HEAD" } else { self.methods }
    }

    /// Whether the path has this method. HEAD is a GET whose answer has no body (RFC 9110 9.3.2).
    fn allows(&self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods.split(", ").any(|allowed| allowed == method)
    }
}

impl<'p> Route<'p> {
    /// Finds the route.
    ///
    /// # Errors
    /// 404 for a path without a route, 405 for a method that the path does not allow. An id that is no id
    /// names no job, so it is a 404 like any other unknown job.
    pub fn parse(method: &str, path: &'p str) -> Result<Self, Problem> {
        if method == "OPTIONS" {
            return Ok(Self::Preflight);
        }
        let mut allowed = Vec::new();
        for (row, parameters) in RouteRow::of_path(path) {
            if row.allows(method) {
                return (row.build)(parameters);
            }
            allowed.push(row.allow());
        }
        Err(if allowed.is_empty() { route_not_found() } else { method_not_allowed(allowed.join(", ")) })
    }
}

impl Route<'_> {
    /// How long a request may take, with everything that it waits for. A completion has the bucket put thousands
    /// of parts together; nothing else takes longer than a client's slow body.
    pub const fn timeout(&self) -> DurationMs {
        match self {
            Self::Upload(_, UploadAction::Complete) => DurationMs::seconds(60),
            _ => DurationMs::seconds(30),
        }
    }
}

fn job(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| Problem::job_not_found())
}

fn callback([id, token]: Parameters<'_>, kind: CallbackKind) -> Result<Route<'_>, Problem> {
    Ok(Route::Callback(job(id)?, Some(token), kind))
}

fn webhook(id: &str) -> Result<WebhookId, Problem> {
    id.parse().map_err(|_| Problem::webhook_not_found())
}

fn redeliver([id, delivery]: Parameters<'_>) -> Result<Route<'_>, Problem> {
    Ok(Route::Redeliver(job(id)?, delivery.parse().map_err(|_| Problem::delivery_not_found())?))
}

fn download(key: &str) -> Result<Route<'_>, Problem> {
    let key = percent::decode(key).and_then(|key| ObjectKey::try_from(key).ok());
    key.map(Route::Download).ok_or_else(Problem::video_not_found)
}

fn project(method: &str, id: &str) -> Result<ProjectId, Problem> {
    ProjectId::parse(id).ok_or_else(|| invalid_project_id(method))
}

fn clip(method: &str, [id, index]: Parameters<'_>) -> Result<ClipId, Problem> {
    ClipId::parse(project(method, id)?, index).ok_or_else(|| invalid_clip_index(method))
}

fn method_not_allowed(methods: String) -> Problem {
    let sentence = format!("Method not allowed here. Allowed: {methods}.");
    Problem { allow: Some(methods), ..Problem::new(ProblemCode::MethodNotAllowed, sentence) }
}

fn route_not_found() -> Problem {
    Problem::new(ProblemCode::RouteNotFound, "No such route. /docs lists all routes.")
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
            ("GET", job("/filmstrip.vtt"), Route::Filmstrip(id)),
            ("POST", job("/cancel"), Route::Cancel(id)),
            ("POST", job("/retry"), Route::Retry(id)),
            ("POST", job("/revoke-links"), Route::RevokeLinks(id)),
            ("POST", job("/do/1.2.ab/claim"), Route::Callback(id, Some("1.2.ab"), CallbackKind::Claim)),
            ("POST", job("/do/t/progress"), Route::Callback(id, Some("t"), CallbackKind::Progress)),
            ("POST", job("/do/t/complete"), Route::Callback(id, Some("t"), CallbackKind::Complete)),
            ("POST", job("/do/t/error"), Route::Callback(id, Some("t"), CallbackKind::Error)),
            ("POST", job("/attempt/claim"), Route::Callback(id, None, CallbackKind::Claim)),
            ("POST", job("/attempt/error"), Route::Callback(id, None, CallbackKind::Error)),
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
            ("POST", "/api/tokens".to_owned(), Route::MintToken),
            ("GET", "/api/webhooks".to_owned(), Route::ListWebhooks),
            ("POST", "/api/webhooks".to_owned(), Route::CreateWebhook),
            ("PUT", format!("/api/webhooks/{ID}"), Route::PutWebhook(webhook(ID).unwrap())),
            ("POST", format!("/api/webhooks/{ID}/test"), Route::TestWebhook(webhook(ID).unwrap())),
            ("GET", job("/deliveries"), Route::Deliveries(id)),
            (
                "POST",
                job("/deliveries/3.url/redeliver"),
                Route::Redeliver(id, DeliveryId { seq: 3, webhook_id: None }),
            ),
            ("OPTIONS", "/anything".to_owned(), Route::Preflight),
        ] {
            assert_eq!(Route::parse(method, &path), Ok(route), "{method} {path}");
        }
    }

    /// A path of the row that leads to its route.
    fn example(row: &RouteRow) -> String {
        row.path_with(|name| match name {
            "job_id" | "webhook_id" => ID.to_owned(),
            "delivery_id" => "3.url".to_owned(),
            "token" | "upload_id" => "t".to_owned(),
            "key" => "input/a/b.mp4".to_owned(),
            "project_id" => "7".to_owned(),
            "clip_index" => "0".to_owned(),
            "subject" => "auth0%7C5f".to_owned(),
            other => panic!("an example of {other}"),
        })
    }

    #[test]
    fn every_row_leads_to_its_own_route_and_no_two_rows_overlap() {
        for row in ROUTES {
            let path = example(row);
            for method in row.methods.split(", ") {
                let route = Route::parse(method, &path);
                let name = format!("{:?}", route.as_ref().expect("a route"));
                assert_eq!(name.split('(').next(), Some(row.route), "{method} {path}");
                let rows = ROUTES.iter().filter(|row| row.allows(method) && row.parameters(&path).is_some());
                assert_eq!(rows.count(), 1, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_other_method_is_told_the_methods_of_the_path() {
        for row in ROUTES {
            let path = example(row);
            let rows = ROUTES.iter().filter(|other| other.path == row.path);
            let allow = rows.map(RouteRow::allow).collect::<Vec<_>>().join(", ");
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get"] {
                let route = Route::parse(method, &path);
                if allow.split(", ").any(|allowed| allowed == method) {
                    assert!(route.is_ok(), "{method} {path}");
                } else {
                    let problem = route.unwrap_err();
                    assert_eq!(problem.code, ProblemCode::MethodNotAllowed, "{method} {path}");
                    assert_eq!(problem.allow.as_deref(), Some(allow.as_str()), "{method} {path}");
                }
            }
        }
    }

    #[test]
    fn a_slash_at_the_end_leads_to_the_same_place() {
        for row in ROUTES.iter().filter(|row| !row.path.ends_with("...}")) {
            let path = example(row);
            let route = format!("{:?}", Route::parse(row.methods, &path));
            assert_eq!(format!("{:?}", Route::parse(row.methods, &format!("{path}/"))), route, "{path}/");
            let found = RouteRow::find(row.methods, &format!("{path}/")).map(|row| row.path);
            assert_eq!(found, Some(row.path), "the audit log names it");
        }
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
            ("GET", "/api/webhooks/7", ProblemCode::WebhookNotFound),
            ("PATCH", &format!("/api/webhooks/{ID}"), ProblemCode::MethodNotAllowed),
            ("POST", &format!("/api/jobs/{ID}/deliveries/3/redeliver"), ProblemCode::DeliveryNotFound),
            ("GET", "/api/jobs//", ProblemCode::JobNotFound),
            ("POST", "/api/jobs/x/do/t/dance", ProblemCode::RouteNotFound),
            ("GET", &format!("/api/jobs/{ID}/ws//"), ProblemCode::RouteNotFound),
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
        assert_eq!(Route::parse("GET", "/api/videos/download").unwrap_err().code, ProblemCode::VideoNotFound);
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
        assert_eq!(
            Route::parse("PUT", "/api/videos/download/x").unwrap_err().allow.as_deref(),
            Some("GET, HEAD")
        );
        assert_eq!(Route::parse("PUT", "/health").unwrap_err().allow.as_deref(), Some("GET, HEAD"));
    }
}
