//! What an end user's token costs beside a service's key, in CPU time of workerd. A measurement, not a test:
//! `cargo test -p e2e --test user_cost -- --ignored --nocapture`. Linux only.

use std::fs;

use e2e::{KeyServer, Options, Stack, bare_http, jose, now};
use reqwest::{Client, Method, Response};
use serde_json::json;

const API_KEY: &str = "a-key-of-a-service-of-32-bytes-or-more";
const REQUESTS: u32 = 300;
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
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let http = bare_http();
    println!("token of {} bytes", token.len());
    let read = "/api/jobs/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
    for (what, method, path) in
        [("reading a job", Method::GET, read), ("a refused creation", Method::POST, "/api/jobs")]
    {
        let (mut by_key, mut by_token) = (0, 0);
        for round in 0..=ROUNDS {
            for (bearer, sum) in [(API_KEY, &mut by_key), (token.as_str(), &mut by_token)] {
                let before = cpu_ticks(stack.worker_group());
                for _ in 0..REQUESTS {
                    ask(&http, &stack, &method, path, bearer).await;
                }
                // The first round warms up.
                if round > 0 {
                    *sum += cpu_ticks(stack.worker_group()) - before;
                }
            }
        }
        let us = |ticks: u32| f64::from(ticks) * 10_000.0 / f64::from(REQUESTS * ROUNDS);
        let (key, user) = (us(by_key), us(by_token));
        println!("{what}: {key:.0} us by key, {user:.0} us by token, {:+.1} %", (user / key - 1.0) * 100.0);
    }
}

async fn ask(http: &Client, stack: &Stack, method: &Method, path: &str, bearer: &str) {
    let request = http.request(method.clone(), format!("{}{path}", stack.api_url())).bearer_auth(bearer);
    let request = if *method == Method::POST { request.json(&json!({"type": "overlay"})) } else { request };
    let answer: Response = request.send().await.expect("an answer");
    assert!(matches!(answer.status().as_u16(), 404 | 422), "{}", answer.status());
    answer.bytes().await.expect("a body");
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
