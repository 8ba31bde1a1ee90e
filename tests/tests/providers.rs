//! docs/identity.md: each provider's settings, with a token of the form that stands below them.

use std::collections::BTreeSet;

use e2e::{KeyServer, Options, Stack, bare_http, jose, now, root};
use reel_core::config::Setting;
use serde_json::{Value, json};

const API_KEY: &str = "a-key-of-a-service-of-32-bytes-or-more";

/// One section that has settings and a token.
struct Provider {
    name: String,
    settings: Vec<(&'static str, String)>,
    header: Value,
    claims: Value,
}

fn providers() -> Vec<Provider> {
    let docs = std::fs::read_to_string(root().join("docs/identity.md")).expect("docs/identity.md");
    let mut providers = Vec::new();
    for section in docs.split("\n### ").skip(1) {
        let block = |kind: &str| {
            let rest = section.split_once(&format!("```{kind}\n"))?.1;
            Some(rest.split_once("```").expect("the end of a block").0.to_owned())
        };
        let (Some(settings), Some(token)) = (block("ini"), block("json")) else { continue };
        let setting = |line: &str| {
            let (name, value) = line.split_once('=').expect("NAME=value");
            (Setting::from_word(name).expect("the name of a setting").as_str(), value.to_owned())
        };
        let token: Value = serde_json::from_str(&token).expect("a token as JSON");
        providers.push(Provider {
            name: section.lines().next().unwrap_or_default().to_owned(),
            settings: settings.lines().map(setting).collect(),
            header: token["header"].clone(),
            claims: token["claims"].clone(),
        });
    }
    providers
}

/// Times in the examples count from now.
fn with_times(claims: &Value) -> Value {
    let mut claims = claims.clone();
    for name in ["exp", "nbf", "iat", "auth_time"] {
        if let Some(offset) = claims[name].as_i64() {
            claims[name] = json!(now().0 / 1000 + offset);
        }
    }
    claims
}

#[tokio::test]
async fn the_settings_of_each_provider_accept_its_tokens_and_refuse_those_for_others() {
    let providers = providers();
    let names: BTreeSet<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    for provider in &providers {
        let Provider { name, header, .. } = provider;
        let alg = header["alg"].as_str().expect("an algorithm");
        let claims = with_times(&provider.claims);
        let with = |name: &str, value: &str| {
            let mut claims = claims.clone();
            claims[name] = json!(value);
            claims
        };
        let secret = provider.settings.iter().find(|(setting, _)| *setting == "AUTH_JWT_SECRET");
        let signer = match secret {
            Some((_, secret)) => json!({ "secret": secret }),
            None => json!({ "key": "theirs" }),
        };
        let token = |name: &str, claims: Value| {
            let mut token = json!({"name": name, "header": header, "claims": claims});
            token.as_object_mut().expect("an object").extend(signer.as_object().expect("an object").clone());
            token
        };
        let keys = if secret.is_some() { json!({}) } else { json!({ "theirs": alg }) };
        let made = jose(json!({"keys": keys, "tokens": [
            token("good", claims.clone()),
            token("of another tenant", with("iss", "https://another.example/")),
            token("for another app", with("aud", "another-app")),
        ]}))
        .await;
        let server = KeyServer::start();
        if secret.is_none() {
            let mut jwk = made["jwks"]["theirs"].clone();
            jwk["kid"] = header["kid"].clone();
            server.publish(&[&jwk]);
        }
        let mut vars = provider.settings.clone();
        for (setting, value) in &mut vars {
            if *setting == "AUTH_JWKS_URL" {
                *value = server.url();
            }
        }
        vars.push(("WORKERS_API_KEY", API_KEY.to_owned()));
        let has_audience = vars.iter().any(|(setting, _)| *setting == "AUTH_AUDIENCE");
        let stack = Stack::start(Options { vars, ..Options::default() }).await;
        for (token, status) in [
            ("good", 200),
            ("of another tenant", 401),
            ("for another app", if has_audience { 401 } else { 200 }),
        ] {
            let bearer = made["tokens"][token].as_str().expect("a token");
            let request = bare_http().get(format!("{}/api/jobs", stack.api_url())).bearer_auth(bearer);
            let answer = request.send().await.expect("an answer");
            assert_eq!(
                answer.status(),
                status,
                "{name}: a token {token}: {}",
                answer.text().await.expect("text")
            );
        }
    }
}
