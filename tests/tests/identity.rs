//! End users against the running Worker: tokens made by the library jose, good and bad, and key servers that
//! rotate, lie and hang.

use std::time::{Duration, Instant};

use e2e::{KeyAnswer, KeyServer, Options, Stack, bare_http, jose, now, wait_until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const API_KEY: &str = "a-key-of-a-service-of-32-bytes-or-more";
const SIGNING_KEY: &str = "a signing key of 32 bytes or more";
const SECRET: &str = "a secret of the provider, 32 bytes or more";
const ISSUER: &str = "https://id.example/";
const AUDIENCE: &str = "https://api.example";

/// What the Worker said to a request.
struct Said {
    status: StatusCode,
    code: String,
    detail: String,
    challenge: String,
}

async fn ask(stack: &Stack, method: Method, path: &str, bearer: &str) -> Said {
    let request = bare_http().request(method, format!("{}{path}", stack.api_url())).bearer_auth(bearer);
    let answer = request.json(&json!({})).send().await.expect("an answer");
    let status = answer.status();
    let challenge =
        answer.headers().get("www-authenticate").map(|value| value.to_str().expect("text").to_owned());
    let body: Value = answer.json().await.expect("JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Said { status, code: text("code"), detail: text("detail"), challenge: challenge.unwrap_or_default() }
}

async fn list(stack: &Stack, token: &str) -> Said {
    ask(stack, Method::GET, "/api/jobs", token).await
}

fn settings(keys: &KeyServer) -> Vec<(&'static str, String)> {
    vec![
        ("WORKERS_API_KEY", API_KEY.to_owned()),
        ("SIGNING_KEY", SIGNING_KEY.to_owned()),
        ("AUTH_JWKS_URL", keys.url()),
        ("AUTH_ISSUER", ISSUER.to_owned()),
        ("AUTH_AUDIENCE", AUDIENCE.to_owned()),
    ]
}

fn now_s() -> i64 {
    now().0 / 1000
}

/// Claims of a valid token, with these instead; `null` takes one away.
#[allow(clippy::needless_pass_by_value, reason = "claims are written where they are used")]
fn claims(others: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now_s(), "exp": now_s() + 3600
    });
    for (name, value) in others.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn by_key(name: &str, key: &str, alg: &str, others: Value) -> Value {
    json!({"name": name, "key": key, "header": {"alg": alg, "kid": key, "typ": "JWT"}, "claims": claims(others)})
}

#[allow(clippy::needless_pass_by_value, reason = "headers are written where they are used")]
fn with_header(name: &str, header: Value) -> Value {
    json!({"name": name, "key": "rsa", "header": header, "claims": claims(json!({}))})
}

/// Each token with the sentence that refuses it; an empty one is accepted.
#[allow(clippy::too_many_lines, reason = "a table")]
fn tokens() -> Vec<(Value, &'static str)> {
    let rs = |name: &str, others: Value| by_key(name, "rsa", "RS256", others);
    let now_s = now_s();
    let (malformed, bad_signature) = ("is not a signed JWT", "signature is not valid");
    let unknown_key = "No key of the identity provider fits";
    vec![
        (rs("RS256", json!({})), ""),
        (by_key("ES256", "ec", "ES256", json!({})), ""),
        (by_key("EdDSA", "ed", "EdDSA", json!({})), ""),
        (
            json!({"name": "HS256", "secret": SECRET, "header": {"alg": "HS256"}, "claims": claims(json!({}))}),
            "",
        ),
        (with_header("without kid and typ", json!({"alg": "RS256"})), ""),
        (
            with_header(
                "an access token of RFC 9068",
                json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}),
            ),
            "",
        ),
        (rs("one of several audiences", json!({"aud": ["https://other.example", AUDIENCE]})), ""),
        (rs("expired within the leeway", json!({"exp": now_s - 30})), ""),
        (rs("not before within the leeway", json!({"nbf": now_s + 30})), ""),
        (rs("fractional times", json!({"exp": 4_000_000_000.5, "iat": 0.25})), ""),
        (rs("a long subject", json!({"sub": "é".repeat(127)})), ""),
        (rs("a scope of the provider", json!({"scope": "openid profile"})), ""),
        (rs("expired", json!({"exp": now_s - 120})), "has expired"),
        (rs("never ends", json!({"exp": null})), "has no exp claim"),
        (rs("an end in words", json!({"exp": "tomorrow"})), "exp claim is not valid"),
        (rs("an end beyond the calendar", json!({"exp": 1e300})), "exp claim is not valid"),
        (rs("not before later", json!({"nbf": now_s + 3000})), "not valid yet"),
        (rs("issued later", json!({"iat": now_s + 3000})), "not valid yet"),
        (rs("another issuer", json!({"iss": "https://evil.example/"})), "iss is not an issuer"),
        (rs("an issuer without its slash", json!({"iss": "https://id.example"})), "iss is not an issuer"),
        (rs("no issuer", json!({"iss": null})), "has no iss claim"),
        (
            rs("in this API's name", json!({"iss": "reel-ballers-api", "scope": "read write"})),
            "iss is not an issuer",
        ),
        (rs("another audience", json!({"aud": "https://other.example"})), "aud is not for this API"),
        (rs("no audience", json!({"aud": null})), "has no aud claim"),
        (rs("no subject", json!({"sub": null})), "has no sub claim"),
        (rs("an empty subject", json!({"sub": ""})), "sub claim is not valid"),
        (rs("a subject of two lines", json!({"sub": "a\nb"})), "sub claim is not valid"),
        (rs("a subject that is a number", json!({"sub": 7})), "sub claim is not valid"),
        (json!({"name": "alg none", "none": true, "claims": claims(json!({}))}), "alg must be"),
        (
            json!({"name": "HS256 by the public key", "public_key_of": "rsa", "header": {"alg": "HS256", "kid": "rsa"}, "claims": claims(json!({}))}),
            bad_signature,
        ),
        (
            json!({"name": "HS256 by another secret", "secret": "another secret of at least 32 bytes", "header": {"alg": "HS256"}, "claims": claims(json!({}))}),
            bad_signature,
        ),
        (
            json!({"name": "in this API's name by the secret", "secret": SECRET, "header": {"alg": "HS256"},
                "claims": claims(json!({"iss": "reel-ballers-api", "scope": "read write"}))}),
            bad_signature,
        ),
        (
            json!({"name": "HS512", "secret": SECRET.repeat(2), "header": {"alg": "HS512"}, "claims": claims(json!({}))}),
            "alg must be",
        ),
        (by_key("RS384", "rsa384", "RS384", json!({})), "alg must be"),
        (by_key("PS256", "ps", "PS256", json!({})), "alg must be"),
        (by_key("ES384", "ec384", "ES384", json!({})), "alg must be"),
        (by_key("a key that is not published", "stranger", "RS256", json!({})), unknown_key),
        (
            json!({"name": "another key under the kid of ours", "key": "stranger", "header": {"alg": "RS256", "kid": "rsa"}, "claims": claims(json!({}))}),
            bad_signature,
        ),
        (
            json!({"name": "the kid of a key of another kind", "key": "rsa", "header": {"alg": "RS256", "kid": "ec"}, "claims": claims(json!({}))}),
            unknown_key,
        ),
        (
            json!({"name": "a key in the header", "key": "stranger", "claims": claims(json!({})),
                "header": {"alg": "RS256", "jku": "http://127.0.0.1:1/", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}}),
            bad_signature,
        ),
        (
            with_header("a critical extension", json!({"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1})),
            "crit",
        ),
        (with_header("a logout token", json!({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"})), "typ"),
        (
            json!({"name": "a claim that stands twice", "key": "rsa", "header": {"alg": "RS256", "kid": "rsa"},
                "payload": format!(r#"{{"sub":"user-2",{}"#, &claims(json!({})).to_string()[1..])}),
            malformed,
        ),
        (
            json!({"name": "claims that are a list", "key": "rsa", "header": {"alg": "RS256", "kid": "rsa"}, "payload": "[]"}),
            malformed,
        ),
        (rs("too long", json!({"x": "x".repeat(9_000)})), "longer than 8192 bytes"),
    ]
}

#[tokio::test]
async fn tokens_of_jose_open_the_api_when_they_are_right_and_are_named_when_they_are_wrong() {
    let table = tokens();
    let made = jose(json!({
        "keys": {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA", "stranger": "RS256", "rsa384": "RS384", "ps": "PS256", "ec384": "ES384"},
        "tokens": table.iter().map(|(token, _)| token).collect::<Vec<_>>(),
    }))
    .await;
    let keys = KeyServer::start();
    let published = ["rsa", "ec", "ed", "rsa384", "ps", "ec384"].map(|name| &made["jwks"][name]);
    let encryption = json!({"kty": "oct", "kid": "rsa", "k": "c2VjcmV0", "alg": "HS256"});
    keys.publish(&[&published[..], &[&encryption]].concat());
    let mut vars = settings(&keys);
    vars.push(("AUTH_JWT_SECRET", SECRET.to_owned()));
    let stack = Stack::start(Options { vars, ..Options::default() }).await;

    let mut wrong = Vec::new();
    // Twice: what was verified once is remembered, and what was refused is not.
    for (token, sentence) in table.iter().chain(&table) {
        let name = token["name"].as_str().expect("a name");
        let said = list(&stack, made["tokens"][name].as_str().expect("a token")).await;
        let right = if sentence.is_empty() {
            said.status == 200
        } else {
            said.status == 401
                && said.code == "unauthorized"
                && said.detail.contains(sentence)
                && said.challenge
                    == format!("Bearer error=\"invalid_token\", error_description=\"{}\"", said.detail)
        };
        if !right {
            wrong.push(format!("{name}: {} {}", said.status, said.detail));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(keys.asked(), 1, "one fetch in a minute, whatever is sent");

    // Changed on the way.
    let good = made["tokens"]["RS256"].as_str().expect("a token");
    let other = made["tokens"]["a long subject"].as_str().expect("a token");
    let parts: Vec<&str> = good.split('.').collect();
    let other_claims = other.split('.').nth(1).expect("claims");
    for changed in [
        format!("{}.{other_claims}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{good}A"),
        format!("{good}="),
        format!("{}.{}.{}", parts[0], parts[1], &parts[2][4..]),
    ] {
        let said = list(&stack, &changed).await;
        assert_eq!(said.status, 401, "{}", said.detail);
    }
    // The service's key works beside the users' tokens, and opens what they do not.
    assert_eq!(list(&stack, API_KEY).await.status, 200);
    assert_eq!(ask(&stack, Method::POST, "/api/tokens", good).await.status, 401);
    assert_eq!(ask(&stack, Method::POST, "/api/tokens", API_KEY).await.status, 422);
    assert!(!stack.worker_log().contains(good), "no token is in a log");
}

#[tokio::test]
async fn a_service_mints_tokens_that_do_what_their_scopes_say() {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned()), ("SIGNING_KEY", SIGNING_KEY.to_owned())];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let mint = async |body: Value| -> Value {
        let request = bare_http().post(format!("{}/api/tokens", stack.api_url())).bearer_auth(API_KEY);
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (201, &"no-store".parse().expect("a value"))
        );
        answer.json().await.expect("JSON")
    };
    let all = mint(json!({"subject": "user-1"})).await;
    assert_eq!((&all["token_type"], &all["expires_in_s"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!((&all["subject"], &all["scopes"]), (&json!("user-1"), &json!(["read", "write"])));
    let token = all["token"].as_str().expect("a token");
    assert_eq!(list(&stack, token).await.status, 200);
    assert_eq!(ask(&stack, Method::POST, "/api/videos/upload-url", token).await.status, 422);

    let reads = mint(json!({"subject": "user-1", "scopes": ["read"], "expires_in_s": 60})).await;
    let token = reads["token"].as_str().expect("a token");
    assert_eq!(list(&stack, token).await.status, 200);
    let said = ask(&stack, Method::POST, "/api/videos/upload-url", token).await;
    assert_eq!((said.status.as_u16(), said.code.as_str()), (403, "insufficient_scope"));
    assert!(said.challenge.starts_with("Bearer error=\"insufficient_scope\""), "{}", said.challenge);

    // jose cannot make one, not with the signing key either.
    let made = jose(json!({"tokens": [{"name": "forged", "secret": SIGNING_KEY, "header": {"alg": "HS256"},
        "claims": claims(json!({"iss": "reel-ballers-api", "scope": "read write"}))}]}))
    .await;
    let said = list(&stack, made["tokens"]["forged"].as_str().expect("a token")).await;
    assert_eq!((said.status.as_u16(), said.detail.as_str()), (401, "The token's signature is not valid."));
    // No provider is set: nobody else's tokens are taken.
    let made =
        jose(json!({"keys": {"rsa": "RS256"}, "tokens": [by_key("theirs", "rsa", "RS256", json!({}))]}))
            .await;
    let said = list(&stack, made["tokens"]["theirs"].as_str().expect("a token")).await;
    assert_eq!(said.status, 401);
    assert!(said.detail.contains("AUTH_JWKS_URL"), "{}", said.detail);
}

/// A minute of the key cache lasts a second here, and its ten minutes ten.
#[tokio::test]
async fn a_key_server_that_rotates_lies_or_hangs_stops_no_known_user_and_lets_nobody_in() {
    let names = ["a", "b", "c", "d", "e", "evil"];
    let tokens: Vec<Value> = names
        .iter()
        .flat_map(|key| {
            (0..8).map(move |n| by_key(&format!("{key}{n}"), key, "ES256", json!({"sub": format!("u{n}")})))
        })
        .collect();
    let made = jose(json!({"keys": names.map(|name| (name, "ES256")).into_iter().collect::<std::collections::BTreeMap<_, _>>(), "tokens": tokens})).await;
    let token = |name: &str| made["tokens"][name].as_str().expect("a token").to_owned();
    let jwk = |name: &str| &made["jwks"][name];
    let keys = KeyServer::start();
    let mut vars = settings(&keys);
    vars.push(("CLOCK_SPEED", "60".to_owned()));
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let status = async |name: &str| list(&stack, &token(name)).await.status.as_u16();
    let becomes = async |name: &str, wanted: u16| {
        wait_until(&format!("{name} is answered {wanted}"), async || status(name).await == wanted).await;
    };

    // Without any key, nobody can say: 503, not 401.
    assert_eq!(status("a0").await, 503);
    keys.publish(&[jwk("a")]);
    becomes("a0", 200).await;

    // A rotation: the new key is found, the old one leaves with the next set.
    keys.publish(&[jwk("a"), jwk("b")]);
    becomes("b0", 200).await;
    assert_eq!(status("a1").await, 200);
    keys.publish(&[jwk("b"), jwk("c")]);
    becomes("c0", 200).await;
    assert_eq!(status("a2").await, 401, "a token of a key that is gone");
    assert_eq!(status("a0").await, 401, "also one that was verified before");

    // Lies of every kind. Who is known goes on, who is not waits for better days.
    let huge = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(300_000));
    let elsewhere = KeyServer::start();
    elsewhere.publish(&[jwk("evil")]);
    let many: Vec<&Value> = vec![jwk("evil"); 65];
    let many = json!({ "keys": many }).to_string();
    for (what, answer) in [
        ("garbage", KeyAnswer::Body(200, b"<html>\xff\0 it works".to_vec())),
        ("nothing", KeyAnswer::Body(200, Vec::new())),
        ("another type", KeyAnswer::Body(200, br#"{"keys":{"kid":"evil"}}"#.to_vec())),
        ("no key", KeyAnswer::Body(200, br#"{"keys":[]}"#.to_vec())),
        (
            "symmetric keys",
            KeyAnswer::Body(200, br#"{"keys":[{"kty":"oct","kid":"evil","k":"AAAA"}]}"#.to_vec()),
        ),
        ("too many keys", KeyAnswer::Body(200, many.into_bytes())),
        ("too much", KeyAnswer::Body(200, huge.into_bytes())),
        ("an error", KeyAnswer::Body(500, json!({"keys": [jwk("evil")]}).to_string().into_bytes())),
        ("a redirect", KeyAnswer::Redirect(elsewhere.url())),
    ] {
        let asked = keys.asked();
        keys.answer(answer);
        wait_until(&format!("{what} is fetched"), async || {
            let status = status("evil0").await;
            assert!(matches!(status, 401 | 503), "{what}: {status}");
            keys.asked() > asked
        })
        .await;
        becomes("evil0", 503).await;
        assert_eq!((status("b1").await, status("c1").await), (200, 200), "{what}");
    }
    assert_eq!(elsewhere.asked(), 0, "no redirect is followed");

    // A server that hangs holds whoever needs it for five seconds at most, and nobody else.
    for answer in [KeyAnswer::Nothing, KeyAnswer::Half] {
        let asked = keys.asked();
        keys.answer(answer);
        wait_until("it hangs", async || {
            let begun = Instant::now();
            let (hanging, known) = tokio::join!(status("evil1"), async {
                while keys.asked() == asked && begun.elapsed() < Duration::from_secs(2) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                let begun = Instant::now();
                assert_eq!((status("b2").await, status("c2").await), (200, 200));
                begun.elapsed()
            });
            assert_eq!(hanging, 503);
            assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
            assert!(known < Duration::from_secs(3), "{known:?}");
            keys.asked() > asked
        })
        .await;
    }

    // When it is well again, so is everything.
    keys.publish(&[jwk("c"), jwk("d")]);
    becomes("d0", 200).await;
    assert_eq!(status("b3").await, 401);
    // In the background, too: keys of a certain age are fetched although every token is known.
    keys.publish(&[jwk("d"), jwk("e")]);
    let asked = keys.asked();
    wait_until("keys are refreshed", async || {
        assert_eq!(status("d1").await, 200);
        keys.asked() > asked
    })
    .await;
    becomes("c3", 401).await;
    assert_eq!(status("evil2").await, 401);

    // Strangers with random key names cause at most one fetch a minute.
    let (asked, begun) = (keys.asked(), Instant::now());
    for _ in 0..40 {
        assert_eq!(status("evil3").await, 401);
    }
    let minutes = usize::try_from(begun.elapsed().as_secs()).expect("a small number") + 1;
    assert!(keys.asked() - asked <= minutes + 1, "{} in {minutes} minutes", keys.asked() - asked);
}
