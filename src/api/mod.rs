//! The HTTP side: one handler for each route, and one answer for everything. Who may call what is in
//! `reel_core::http::access`.

mod callbacks;
mod downloads;
mod exports;
mod health;
mod jobs;
mod projects;
mod uploads;

use std::rc::Rc;

use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::config::Config;
use reel_core::http::access::{Caller, Presented, authorize};
use reel_core::http::cross_site::{Arrival as _, check_arrival};
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::response_headers::{ContentKind, standing_headers};
use reel_core::http::route::Route;
use reel_core::objects::job::JobCommand;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::reader::Reader;
use reel_core::objects::subscribe::SocketProtocol;
use worker::{Env, web_sys};

use crate::platform::http::{HttpRequest, HttpResponse};
use crate::platform::log::log;
use crate::platform::{clock, env};

/// What a handler hands back: our answer, or a socket's that must pass untouched.
pub enum HandlerResponse {
    /// Ours.
    Answer(HttpResponse),
    /// The runtime's own.
    Raw(web_sys::Response),
}

/// A request on its way through the Worker.
pub struct RequestContext<'c> {
    /// The request.
    pub call: &'c HttpRequest,
    /// The bindings.
    pub env: &'c Env,
    /// The settings.
    pub config: Rc<Config>,
    /// Its name in the logs.
    pub request_id: &'c str,
    /// Who calls.
    pub caller: Caller,
}

/// Answers any request.
pub async fn handle_request(request: web_sys::Request, env: Env) -> web_sys::Response {
    let call = HttpRequest::new(request);
    let request_id = clock::request_id();
    let config = env::config(&env).map_err(|faults| {
        let may_read = env::may_read_faults(&env, call.host(), call.header("authorization").as_deref());
        if may_read { faults } else { Problem::not_configured() }
    });
    let reply = dispatch(&call, &env, &request_id, config.clone()).await;
    let answer = match reply {
        Ok(HandlerResponse::Raw(response)) => return response,
        Ok(HandlerResponse::Answer(answer)) => answer,
        Err(problem) => {
            if problem.code == ProblemCode::Internal {
                log(LogSubject::Request(&request_id), LogEvent::RequestFailed, call.method());
            }
            HttpResponse::problem(&problem, &request_id)
        }
    };
    let standing = standing_headers(answer.kind(), config.as_deref().ok(), call.origin());
    answer.send(&request_id, &standing, call.method() != "HEAD")
}

async fn dispatch(
    call: &HttpRequest,
    env: &Env,
    request_id: &str,
    config: Result<Rc<Config>, Problem>,
) -> Result<HandlerResponse, Problem> {
    let route = Route::parse(call.method(), call.path())?;
    if route == Route::Health {
        return Ok(HandlerResponse::Answer(health::show(config)));
    }
    let config = config?;
    check_arrival(&route, call, &config)?;
    let caller = authorize_call(call, &route, &config)?;
    let context = RequestContext { call, env, config, request_id, caller };
    let reader = context.reader();
    let (id, command) = match route {
        Route::Health | Route::Preflight => {
            return Ok(HandlerResponse::Answer(HttpResponse::empty(204, ContentKind::Preflight)));
        }
        Route::CreateJob => return jobs::create(&context).await,
        Route::ListJobs => return jobs::list(&context).await,
        Route::Watch(id) => return jobs::subscribe(&context, id, SocketProtocol::Message).await,
        Route::WatchLegacy(id) => return jobs::subscribe(&context, id, SocketProtocol::Legacy).await,
        Route::UploadUrl => return uploads::upload_url(&context).await,
        Route::CreateUpload => return uploads::create(&context).await,
        Route::Upload(token, verb) => {
            return uploads::handle_action(&context, context.caller.upload()?, token, verb).await;
        }
        Route::Download(key) => {
            return downloads::download(&context, &key, call.method() == "HEAD").await;
        }
        Route::ListProjects => return projects::list(&context).await,
        Route::Project(id) => return projects::show(&context, id).await,
        Route::PutProject(id) => return projects::put(&context, id).await,
        Route::ListClips(id) => return projects::list_clips(&context, id).await,
        Route::Clip(id) => return projects::show_clip(&context, id).await,
        Route::PutClip(id) => return projects::put_clip(&context, id).await,
        Route::DeleteClip(id) => return projects::delete_clip(&context, id).await,
        Route::CreateExport(kind) => return exports::create(&context, kind).await,
        Route::ActiveExports => return exports::list_active(&context).await,
        Route::Export(kind, id) => (id, JobCommand::Get { job_type: Some(kind.job()), reader }),
        Route::Job(id) => (id, JobCommand::Get { job_type: None, reader }),
        Route::DeleteJob(id) => (id, JobCommand::Delete),
        Route::Events(id) => {
            (id, JobCommand::Events { after: jobs::parse_after(&context)?.unwrap_or(0), reader })
        }
        Route::Cancel(id) => (id, JobCommand::Cancel),
        Route::Retry(id) => (id, JobCommand::Retry),
        Route::RevokeLinks(id) => (id, JobCommand::RevokeLinks),
        Route::Callback(id, _, callback) => {
            (id, callbacks::report(&context, id, context.caller.attempt()?, callback).await?)
        }
        // The body is not read: the webhook is not signed and may be late, doubled or forged, so RunPod's
        // `/status` is asked instead.
        Route::Webhook(id, _) => (id, JobCommand::Webhook { attempt: context.caller.attempt()? }),
    };
    jobs::command(&context, id, &command).await
}

impl RequestContext<'_> {
    /// What log lines about this request name.
    pub fn subject(&self) -> LogSubject<'_> {
        LogSubject::Request(self.request_id)
    }

    /// Who reads, if this is a request for a job.
    pub fn reader(&self) -> Reader {
        Reader::of(&self.caller)
    }

    /// Whose things the caller sees.
    pub fn visibility(&self) -> Visibility {
        self.caller.visibility()
    }

    /// The owner of what the caller makes.
    pub fn owner(&self) -> Option<OwnerId> {
        self.visibility().owner()
    }
}

/// Who calls, if the route is open to them.
fn authorize_call(call: &HttpRequest, route: &Route<'_>, config: &Config) -> Result<Caller, Problem> {
    let authorization = call.header("authorization");
    let presented = Presented {
        host: call.host(),
        authorization: authorization.as_deref(),
        token: call.query("token"),
        video_key: call.query("video_key"),
    };
    authorize(route, &presented, config, clock::now())
}
