//! The HTTP side: one handler for each route, and one answer for everything. Who may call what is in
//! `reel_core::http::access`.

mod callbacks;
mod downloads;
mod exports;
pub mod health;
mod jobs;
mod limits;
mod owners;
mod projects;
mod tokens;
mod uploads;
mod webhooks;

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::base::time::DurationMs;
use reel_core::config::Config;
use reel_core::http::access::{
    Caller, Credential, Presented, UPLOAD_IN_HEADERS, admit_host, authorize, user_token,
};
use reel_core::http::cross_site::{Arrival as _, check_arrival};
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::request_head::RequestHead;
use reel_core::http::response_headers::{ContentKind, standing_headers};
use reel_core::http::route::Route;
use reel_core::http::subprotocol::OfferedProtocols;
use reel_core::objects::job::JobCommand;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::reader::Reader;
use reel_core::objects::subscribe::SocketProtocol;
use worker::{Context, Delay, Env, web_sys};

use crate::platform::http::{HttpRequest, HttpResponse, body_timed_out};
use crate::platform::log::log;
use crate::platform::{clock, env};
use crate::{audit, users};

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
    pub call: &'c HttpRequest<'c>,
    /// The bindings.
    pub env: &'c Env,
    /// The settings.
    pub config: Rc<Config>,
    /// Its name in the logs.
    pub request_id: &'c str,
    /// What may go on after the answer.
    pub background: &'c Context,
    /// Who calls.
    pub caller: Caller,
    /// Id of what is new, for the audit log; its handler knows it.
    pub changed: RefCell<String>,
}

/// Answers any request; `head` is the text of its [`RequestHead`].
pub async fn handle_request(
    head: &str,
    request: web_sys::Request,
    env: Env,
    background: Context,
) -> web_sys::Response {
    let call = HttpRequest::new(request, RequestHead::parse(head).unwrap_or_default());
    let request_id = clock::request_id();
    let config = env::config_at(&env, call.called_origin()).map_err(|faults| {
        let may_read = env::may_read_faults(&env, call.host(), call.known_header("authorization"));
        if may_read { faults } else { Problem::not_configured() }
    });
    let reply = dispatch(&call, &env, &background, &request_id, config.clone()).await;
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
    call: &HttpRequest<'_>,
    env: &Env,
    background: &Context,
    request_id: &str,
    config: Result<Rc<Config>, Problem>,
) -> Result<HandlerResponse, Problem> {
    if let Ok(config) = &config {
        admit_host(config, call.host())?;
    }
    let route = Route::parse(call.method(), call.path())?;
    if route == Route::Health {
        return Ok(HandlerResponse::Answer(health::show(config)));
    }
    let config = config?;
    check_arrival(&route, call, &config)?;
    let anyone = Caller::Anyone;
    let changed = RefCell::default();
    let mut context = RequestContext { call, env, config, request_id, background, caller: anyone, changed };
    context.caller = context.authorize(&route).await?;
    if context.caller != Caller::Anyone {
        env::follow(&context.config);
    }
    boxed(crate::limits::admit_request(&context)).await?;
    let (target, timeout) = (route.audit_target(), route.timeout());
    let reply = in_time(&context, timeout, boxed(respond(&context, route))).await;
    let status = match &reply {
        Ok(HandlerResponse::Raw(_)) => 101,
        Ok(HandlerResponse::Answer(answer)) => answer.status(),
        Err(problem) => problem.code.status(),
    };
    audit::record(&context, target, status);
    reply
}

/// The one deadline of a request: whatever it waits for, it is answered by then.
async fn in_time(
    context: &RequestContext<'_>,
    timeout: DurationMs,
    reply: impl Future<Output = Result<HandlerResponse, Problem>>,
) -> Result<HandlerResponse, Problem> {
    let timeout = Duration::from_millis(u64::try_from(timeout.0).unwrap_or(0));
    match select(pin!(reply), pin!(Delay::from(timeout))).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) if context.call.is_reading() => Err(body_timed_out()),
        Either::Right(_) => {
            log(context.subject(), LogEvent::Unavailable, "the request was not answered in time");
            Err(Problem::unavailable())
        }
    }
}

/// Answers an authorized caller. Each future is boxed: otherwise all of them become one function, which the first
/// request of an isolate would wait for.
async fn respond(context: &RequestContext<'_>, route: Route<'_>) -> Result<HandlerResponse, Problem> {
    let (call, reader) = (context.call, context.reader());
    let (id, command) = match route {
        Route::Health | Route::Preflight => {
            return Ok(HandlerResponse::Answer(HttpResponse::empty(204, ContentKind::Preflight)));
        }
        Route::CreateJob => return boxed(jobs::create(context)).await,
        Route::CreateBatch => return boxed(jobs::create_batch(context)).await,
        Route::ListJobs => return boxed(jobs::list(context)).await,
        Route::Watch(id) => return boxed(jobs::subscribe(context, id, SocketProtocol::Message)).await,
        Route::WatchLegacy(id) => return boxed(jobs::subscribe(context, id, SocketProtocol::Legacy)).await,
        Route::MintToken => return boxed(tokens::mint(context)).await,
        Route::Limits => return boxed(limits::show(context)).await,
        Route::Audit => return boxed(owners::audit(context)).await,
        Route::RevokeTokens(subject) => return boxed(owners::revoke_tokens(context, subject)).await,
        Route::DeleteOwner(subject) => return boxed(owners::delete(context, subject)).await,
        Route::UploadUrl => return boxed(uploads::upload_url(context)).await,
        Route::CreateUpload => return boxed(uploads::create(context)).await,
        Route::Upload(token, verb) => {
            let in_header = context.call.header("upload-token").filter(|_| token == UPLOAD_IN_HEADERS);
            let token = in_header.as_deref().unwrap_or(token);
            return boxed(uploads::handle_action(context, context.caller.upload()?, token, verb)).await;
        }
        Route::Download(key) => {
            return boxed(downloads::download(context, &key, call.method() == "HEAD")).await;
        }
        Route::ListProjects => return boxed(projects::list(context)).await,
        Route::Project(id) => return boxed(projects::show(context, id)).await,
        Route::PutProject(id) => return boxed(projects::put(context, id)).await,
        Route::ListClips(id) => return boxed(projects::list_clips(context, id)).await,
        Route::Clip(id) => return boxed(projects::show_clip(context, id)).await,
        Route::PutClip(id) => return boxed(projects::put_clip(context, id)).await,
        Route::DeleteClip(id) => return boxed(projects::delete_clip(context, id)).await,
        Route::CreateExport(kind) => return boxed(exports::create(context, kind)).await,
        Route::ActiveExports => return boxed(exports::list_active(context)).await,
        Route::ListWebhooks
        | Route::CreateWebhook
        | Route::ShowWebhook(_)
        | Route::PutWebhook(_)
        | Route::DeleteWebhook(_)
        | Route::RotateWebhookSecret(_)
        | Route::TestWebhook(_)
        | Route::WebhookUrlSecret => return boxed(webhooks::handle(context, route)).await,
        Route::Deliveries(id) => (id, JobCommand::Deliveries),
        Route::Redeliver(id, delivery) => (id, JobCommand::Redeliver { delivery }),
        Route::Export(kind, id) => (id, JobCommand::Get { job_type: Some(kind.job()), reader }),
        Route::Job(id) => (id, JobCommand::Get { job_type: None, reader }),
        Route::DeleteJob(id) => (id, JobCommand::Delete),
        Route::Events(id) => {
            (id, JobCommand::Events { after: jobs::parse_after(context)?.unwrap_or(0), reader })
        }
        Route::Filmstrip(id) => return boxed(jobs::filmstrip(context, id)).await,
        Route::Cancel(id) => (id, JobCommand::Cancel),
        Route::Retry(id) => (id, JobCommand::Retry),
        Route::RevokeLinks(id) => (id, JobCommand::RevokeLinks { of_users: false }),
        Route::Callback(id, _, callback) => {
            (id, boxed(callbacks::report(context, id, context.caller.attempt()?, callback)).await?)
        }
        // The body is not read: the webhook is not signed and may be late, doubled or forged, so RunPod's
        // `/status` is asked instead.
        Route::Webhook(id, _) => (id, JobCommand::Webhook { attempt: context.caller.attempt()? }),
    };
    boxed(jobs::command(context, id, &command)).await
}

fn boxed<'f, T>(future: impl Future<Output = T> + 'f) -> Pin<Box<dyn Future<Output = T> + 'f>> {
    Box::pin(future)
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

    /// Notes the id of what the request makes, for the audit log.
    pub fn set_changed(&self, id: String) {
        self.changed.replace(id);
    }

    /// The owner of what the caller makes.
    pub fn owner(&self) -> Option<OwnerId> {
        self.visibility().owner()
    }

    /// Who calls, if the route is open to them.
    async fn authorize(&self, route: &Route<'_>) -> Result<Caller, Problem> {
        let authorization = self.call.known_header("authorization");
        // A page cannot send headers with a socket; it offers its token as a subprotocol.
        let socket = matches!(route, Route::Watch(_) | Route::WatchLegacy(_));
        let offered = if socket { self.call.header("sec-websocket-protocol") } else { None };
        let offered_token = offered.as_deref().and_then(|offered| OfferedProtocols::parse(offered).token);
        let offered_bearer = offered_token.map(|token| format!("Bearer {token}"));
        let upload = if let Route::Upload(UPLOAD_IN_HEADERS, _) = route {
            (self.call.header("upload-token"), self.call.header("video-key"))
        } else {
            (None, None)
        };
        let presented = Presented {
            user: None,
            on_behalf_of: self.call.known_header("on-behalf-of"),
            host: self.call.host(),
            authorization: authorization.or(offered_bearer.as_deref()),
            token: self.call.query("token").or(offered_token),
            upload_token: upload.0.as_deref(),
            video_key: upload.1.as_deref().or(self.call.query("video_key")),
        };
        // Only where a key or a token is asked for: a GPU worker may share its address with anybody.
        let by_key = route.accepts().contains(&Credential::ApiKey);
        let address = || self.call.header("cf-connecting-ip").unwrap_or_default();
        if by_key {
            crate::limits::admit_address(address, self.config.limits.refusals_per_minute)?;
        }
        let user = match user_token(route, &presented, &self.config) {
            Some(token) => Some(boxed(users::authenticate(self, token)).await),
            None => None,
        };
        let presented = Presented { user: user.as_ref(), ..presented };
        let caller = authorize(route, &presented, &self.config, clock::now());
        if by_key && caller.as_ref().is_err_and(|problem| problem.code == ProblemCode::Unauthorized) {
            crate::limits::count_refusal(&address());
        }
        caller
    }
}
