//! Every route of the core's table, called with every kind of credential, right and wrong.
//!
//! The expected answer follows from [`Route::accepts`]: a new route is tested as soon as it has its row.

use e2e::{Options, Stack, bare_http, now};
use reel_core::auth::jwt::minted::MintKeys;
use reel_core::auth::jwt::scope::{Scope, Scopes};
use reel_core::auth::subject::Subject;
use reel_core::auth::token::{Purpose, Signer};
use reel_core::base::id::{JobId, UploadId};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::http::access::Credential;
use reel_core::http::route::{ROUTES, Route};
use reqwest::Method;
use serde_json::Value;

const API_KEY: &str = "the-right-key-0123456789abcdef01";
const SIGNING_KEY: &str = "a signing key of 32 bytes or more";

/// What one caller shows, everywhere at once: each route looks only where its credentials are.
struct Shown {
    name: &'static str,
    /// As `Authorization: Bearer`.
    key: Option<String>,
    /// `?token=`.
    watch_token: Option<String>,
    /// `{token}` of the path.
    path_token: String,
    /// `{upload_id}` of the path.
    upload_id: String,
    opens: fn(&Credential<'_>) -> bool,
}

impl Shown {
    fn nothing(name: &'static str) -> Self {
        Self {
            name,
            key: None,
            watch_token: None,
            path_token: "none".to_owned(),
            upload_id: "none".to_owned(),
            opens: |_| false,
        }
    }

    fn key(name: &'static str, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..Self::nothing(name) }
    }

    /// A token of a job, in the path and as `?token=`.
    fn token(name: &'static str, token: String) -> Self {
        Self { watch_token: Some(token.clone()), path_token: token, ..Self::nothing(name) }
    }

    fn upload(name: &'static str, upload_id: String) -> Self {
        Self { upload_id, ..Self::nothing(name) }
    }

    fn opens(self, opens: fn(&Credential<'_>) -> bool) -> Self {
        Self { opens, ..self }
    }
}

fn everything_a_caller_may_show() -> Vec<Shown> {
    let signer = Signer::new(SIGNING_KEY.as_bytes());
    let (hour, own, other) = (DurationMs::minutes(60), job(1), job(2));
    let sign = |purpose, job, attempt| signer.sign(purpose, job, attempt, LATER, hour);
    let expired = |purpose| signer.sign(purpose, own, 1, EARLIER, hour);
    let forged = Signer::new(&[0; 32]);
    let (upload, input) = (UploadId::from_random([1; 16]), ObjectKey::parse_input(INPUT).expect("a key"));
    let user_token = |signing_key: &[u8], scopes: &str, now| {
        let (subject, scopes) =
            (Subject::parse("user-1").expect("a name"), Scopes::parse(scopes).expect("scopes"));
        MintKeys::derive(&[signing_key]).mint(&subject, scopes, now, hour).expect("a token").token
    };
    let other_input = ObjectKey::parse_input("input/other/video.mp4").expect("a key");
    vec![
        Shown::nothing("no credential"),
        Shown::key("a wrong key", "the-wrong-key"),
        Shown::key("the key", API_KEY).opens(|accepted| matches!(accepted, Credential::ApiKey)),
        Shown::key("a user's token", user_token(SIGNING_KEY.as_bytes(), "read write", now()))
            .opens(|accepted| matches!(accepted, Credential::User(_))),
        Shown::key("a user's token that only reads", user_token(SIGNING_KEY.as_bytes(), "read", now()))
            .opens(|accepted| matches!(accepted, Credential::User(Scope::Read))),
        Shown::key("an expired user's token", user_token(SIGNING_KEY.as_bytes(), "read write", EARLIER)),
        Shown::key("a forged user's token", user_token(&[0; 32], "read write", now())),
        Shown::token("the job's watch token", sign(Purpose::Watch, own, 0))
            .opens(|accepted| matches!(accepted, Credential::WatchToken(_))),
        Shown::token("another job's watch token", sign(Purpose::Watch, other, 0)),
        Shown::token("an expired watch token", expired(Purpose::Watch)),
        Shown::token("a forged watch token", forged.sign(Purpose::Watch, own, 0, LATER, hour)),
        Shown::token("a callback token", sign(Purpose::Callback, own, 1))
            .opens(|accepted| matches!(accepted, Credential::CallbackToken(..))),
        // Whether an attempt is the current one is for the job's object to say.
        Shown::token("another attempt's callback token", sign(Purpose::Callback, own, 2))
            .opens(|accepted| matches!(accepted, Credential::CallbackToken(..))),
        Shown::token("another job's callback token", sign(Purpose::Callback, other, 1)),
        Shown::token("an expired callback token", expired(Purpose::Callback)),
        Shown::token("a webhook token", sign(Purpose::Webhook, own, 1))
            .opens(|accepted| matches!(accepted, Credential::WebhookToken(..))),
        Shown::token("another job's webhook token", sign(Purpose::Webhook, other, 1)),
        Shown::token("an expired webhook token", expired(Purpose::Webhook)),
        Shown::upload("an upload's token", signer.upload_token(upload, &input))
            .opens(|accepted| matches!(accepted, Credential::UploadToken(_))),
        Shown::upload("an upload's token with another key", signer.upload_token(upload, &other_input)),
    ]
}

#[tokio::test]
async fn every_route_opens_to_the_credentials_of_its_row_and_to_no_other() {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned()), ("SIGNING_KEY", SIGNING_KEY.to_owned())];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    // All callers at the same time: most of a request here is waiting.
    let asked = everything_a_caller_may_show().into_iter().map(|shown| wrong_answers(&stack, shown));
    let wrong = futures_util::future::join_all(asked).await.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What this caller is answered otherwise than the table says.
async fn wrong_answers(stack: &Stack, shown: Shown) -> Vec<String> {
    let http = bare_http();
    let mut wrong = Vec::new();
    for (method, path) in requests(&shown) {
        let route = Route::parse(method.as_str(), &path).expect("a route");
        let accepted = route.accepts();
        let open = accepted.iter().any(|one| *one == Credential::Nothing || (shown.opens)(one));
        // A token that is missing or wrong is 401 where the key would do as well.
        let lacks_scope = shown.name == "a user's token that only reads"
            && accepted.contains(&Credential::User(Scope::Write));
        let refusal = if lacks_scope {
            (403, "insufficient_scope")
        } else if accepted.contains(&Credential::ApiKey) {
            (401, "unauthorized")
        } else {
            (403, "bad_token")
        };

        let token = shown.watch_token.as_ref().map(|token| format!("&token={token}")).unwrap_or_default();
        let url = format!("{}{path}?video_key={INPUT}{token}", stack.api_url());
        let request = http.request(method.clone(), url);
        // A GPU worker shows its token in the header, where the path has none.
        let in_header = path.contains("/attempt/").then_some(&shown.path_token);
        let request = match shown.key.as_ref().or(in_header) {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        let right = if open {
            // There is no such job, upload or body: what matters is that a handler says so.
            !matches!(status, 401 | 403 | 500..)
        } else {
            status == refusal.0 && (method == Method::HEAD || body["code"] == refusal.1)
        };
        if !right {
            wrong.push(format!("{method} {path} with {}: {status} {body}, open: {open}", shown.name));
        }
    }
    wrong
}

/// A request to each row of the table, by each of its methods; downloads ask for an input and for an output.
fn requests(shown: &Shown) -> Vec<(Method, String)> {
    let mut requests = Vec::new();
    for row in ROUTES {
        for key in [INPUT.to_owned(), format!("output/{}/1/video.mp4", job(1))] {
            let path = row.path_with(|name| match name {
                "job_id" => job(1).to_string(),
                "token" => shown.path_token.clone(),
                "upload_id" => shown.upload_id.clone(),
                "key" => key.clone(),
                "project_id" => "7".to_owned(),
                "clip_index" => "0".to_owned(),
                "subject" => "nobody".to_owned(),
                "webhook_id" => job(2).to_string(),
                "delivery_id" => "1.url".to_owned(),
                other => panic!("this test has no value for {{{other}}}"),
            });
            let methods = row.methods.split(", ").map(|name| name.parse().expect("a method"));
            requests.extend(methods.map(|method| (method, path.clone())));
            if !row.path.contains("{key") {
                break;
            }
        }
    }
    requests
}

fn job(n: u8) -> JobId {
    JobId::from_random([n; 16])
}

const INPUT: &str = "input/own/video.mp4";
/// 2096, so that a token of then is good now.
const LATER: Timestamp = Timestamp(4_000_000_000_000);
/// 2023, so that a token of then has expired.
const EARLIER: Timestamp = Timestamp(1_700_000_000_000);
