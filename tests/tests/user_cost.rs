//! What an end user's token costs beside a service's key, in CPU time of workerd. A measurement, not a test:
//! `cargo test -p e2e --test user_cost -- --ignored --nocapture`. Linux only.

use std::fs;

use e2e::{KeyServer, Options, Stack, bare_http, jose, now, spotlight_params};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const API_KEY: &str = "a-key-of-a-service-of-32-bytes-or-more";
const ROUNDS: u32 = 12;

#[tokio::test]
#[ignore = "a measurement of minutes"]
async fn a_users_token_that_is_known_costs_hardly_more_than_a_key() {
    let now_s = now().0 / 1000;
    let made = jose(json!({"keys": {"k": "RS256"}, "tokens": [{"name": "user", "key": "k",
        "header": {"alg": "RS256", "kid": "k", "typ": "JWT"},
        "claims": {"iss": "https://id.example/", "aud": "api", "sub": "auth0|5f7c87ec7b33c6004bbafe82", "iat": now_s,
            "exp": now_s + 86_400, "scope": "openid profile email", "azp": "client", "session_id": "x".repeat(300)}}]}))
    .await;
    let token = made["tokens"]["user"].as_str().expect("a token").to_owned();
    let keys = KeyServer::start();
    keys.publish(&[&made["jwks"]["k"]]);
    let vars = vec![
        ("WORKERS_API_KEY", API_KEY.to_owned()),
        ("AUTH_JWKS_URL", keys.url()),
        ("AUTH_ISSUER", "https://id.example/".to_owned()),
        ("AUTH_AUDIENCE", "api".to_owned()),
        ("LIMIT_REQUESTS_PER_MINUTE", "100000".to_owned()),
        ("LIMIT_SERVICE_REQUESTS_PER_MINUTE", "100000".to_owned()),
    ];
    // Without an endpoint a job waits and calls nobody.
    let vars = vars
        .into_iter()
        .chain([("RUNPOD_ENDPOINT", String::new()), ("LIMIT_JOBS_IN_FLIGHT", "100000".to_owned())]);
    let stack = Stack::start(Options { vars: vars.collect(), ..Options::default() }).await;
    let http = bare_http();
    println!("token of {} bytes", token.len());
    let callers = [Caller::new(&http, &stack, API_KEY).await, Caller::new(&http, &stack, &token).await];
    for (what, requests) in [("reading a job", 600), ("creating a job", 60)] {
        let mut ticks = [0, 0];
        for round in 0..=ROUNDS {
            // The order changes, so that neither always comes first.
            for at in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let before = cpu_ticks(stack.worker_group());
                for _ in 0..requests {
                    callers[at].ask(requests == 600).await;
                }
                // The first round warms up.
                if round > 0 {
                    ticks[at] += cpu_ticks(stack.worker_group()) - before;
                }
            }
        }
        let us = ticks.map(|ticks| f64::from(ticks) * 10_000.0 / f64::from(requests * ROUNDS));
        let more = (us[1] / us[0] - 1.0) * 100.0;
        println!("{what}: {:.0} us by key, {:.0} us by token, {more:+.1} %", us[0], us[1]);
    }
}

/// Who calls, with a video and a job of their own.
struct Caller<'s> {
    http: &'s Client,
    stack: &'s Stack,
    bearer: String,
    video: String,
    job: String,
}

impl<'s> Caller<'s> {
    async fn new(http: &'s Client, stack: &'s Stack, bearer: &str) -> Self {
        let (video, job) = (String::new(), String::new());
        let mut caller = Self { http, stack, bearer: bearer.to_owned(), video, job };
        let body = json!({"filename": "game.mp4", "content_type": "video/mp4", "size_bytes": 7});
        let target = caller.send(Method::POST, "/api/videos/upload-url", Some(&body)).await;
        let put = http.put(target["upload_url"].as_str().expect("a URL")).header("content-type", "video/mp4");
        assert!(put.body("a video").send().await.expect("an answer").status().is_success());
        target["video_key"].as_str().expect("a key").clone_into(&mut caller.video);
        caller.ask(false).await["job_id"].as_str().expect("an id").clone_into(&mut caller.job);
        caller
    }

    /// Reads the job or creates another.
    async fn ask(&self, reads: bool) -> Value {
        if reads {
            return self.send(Method::GET, &format!("/api/jobs/{}", self.job), None).await;
        }
        let body = json!({
            "project_id": 7, "type": "overlay", "input_video_key": self.video, "params": spotlight_params(),
        });
        self.send(Method::POST, "/api/jobs", Some(&body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.stack.api_url()));
        let request = request.bearer_auth(&self.bearer);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    }
}

/// CPU time of the workerd processes of a group, in hundredths of a second.
fn cpu_ticks(group: u32) -> u32 {
    let stats = fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let of_group = fields.get(2)?.parse() == Ok(group);
        let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
        (head.ends_with("(workerd") && of_group).then_some(ticks)
    });
    stats.sum()
}
