//! Everything that reads what somebody else wrote, each with valid inputs.

use reel_core::auth::jwt::compact::bearer_jwt;
use reel_core::auth::jwt::hmac_key::HmacKey;
use reel_core::auth::jwt::key_set::JwkSet;
use reel_core::auth::jwt::minted::MintKeys;
use reel_core::auth::jwt::scope::Scopes;
use reel_core::auth::jwt::settings::KeySetUrl;
use reel_core::auth::jwt::verify::{Verification, verify};
use reel_core::auth::subject::Subject;
use reel_core::auth::token::{Purpose, Signer};
use reel_core::base::base_url::BaseUrl;
use reel_core::base::base64url;
use reel_core::base::http_date::parse_http_date;
use reel_core::base::id::{JobId, UploadId};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::percent;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::config::{Config, Setting};
use reel_core::http::download::{Conditions, ObjectMeta};
use reel_core::http::requests::callbacks::CallbackKind;
use reel_core::http::requests::exports::{ExportRequest, ExportType};
use reel_core::http::requests::jobs::CreateJobRequest;
use reel_core::http::requests::tokens::MintRequest;
use reel_core::http::requests::upload_url::UploadUrlRequest;
use reel_core::http::requests::uploads::{
    CreateUploadRequest, UploadAction, parse_part_numbers, parse_parts,
};
use reel_core::http::route::Route;
use reel_core::objects::subscribe::SocketProtocol;
use reel_core::project::{PutClipRequest, PutProjectRequest};
use reel_core::s3::parse_list_parts;
use reel_core::sql::jobs::JobListQuery;
use reel_core::sql::projects::ProjectListQuery;
use reel_core::upload::PartLayout;
use reel_core::webhook::address::Reach;
use reel_core::wire::runpod::{HttpReply, parse_health, parse_status_reply, parse_submit_reply};
use serde_json::{Value, json};

/// Says whether an input is valid. Panics when it breaks a promise.
type Reader = Box<dyn Fn(&[u8]) -> bool>;

/// One reader.
pub struct Target {
    pub name: &'static str,
    pub seeds: Vec<Vec<u8>>,
    pub read: Reader,
}

const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
const NOW: Timestamp = Timestamp(1_769_850_300_250);
const SECRET: &str = "a secret of the provider, 32 bytes";

fn target(name: &'static str, seeds: &[&str], read: impl Fn(&str) -> bool + 'static) -> Target {
    let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    // What comes as a header or a URL is text; what is no UTF-8 is refused before.
    Target { name, seeds, read: Box::new(move |input| read(&String::from_utf8_lossy(input))) }
}

fn bodies(name: &'static str, seeds: &[Value], read: impl Fn(&[u8]) -> bool + 'static) -> Target {
    let seeds = seeds.iter().map(|seed| seed.to_string().into_bytes()).collect();
    Target { name, seeds, read: Box::new(read) }
}

fn config() -> Config {
    Config::parse(&|setting| {
        let value = match setting {
            Setting::Environment => "development",
            Setting::SigningKey => "0123456789abcdef0123456789abcdef",
            Setting::WorkersApiKey => "api-key-0123456789abcdef0123456789",
            Setting::R2Endpoint | Setting::PublicUrl => "http://localhost:8787",
            Setting::R2AccessKeyId | Setting::R2SecretAccessKey | Setting::R2BucketName => "r2",
            Setting::AuthJwtSecret => SECRET,
            Setting::AuthJwksUrl => "https://id.example/keys",
            Setting::AuthIssuer => "https://id.example/",
            Setting::AuthAudience => "api",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("valid settings")
}

pub fn targets() -> Vec<Target> {
    [identity(), capabilities(), addresses(), requests(), answers()].into_iter().flatten().collect()
}

fn identity() -> Vec<Target> {
    let claims = json!({"iss": "https://id.example/", "aud": ["api"], "sub": "u", "exp": 1_769_850_400, "nbf": 1, "iat": 1.5});
    let part = |json: &Value| base64url::encode(json.to_string().as_bytes());
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "k"});
    let signed = move |header: &str, claims: &str| {
        let input = format!("{header}.{claims}");
        let signature = HmacKey::new(SECRET.as_bytes()).sign(&input);
        format!("{input}.{}", base64url::encode(&signature))
    };
    let by_secret = signed(&part(&header), &part(&claims));
    let minted = config().auth.mint_keys;
    let subject = Subject::parse("u").expect("a subject");
    let minted = minted.mint(&subject, Scopes::ALL, NOW, DurationMs::minutes(60)).expect("a token").token;
    let by_key =
        format!("{}.{}.{}", part(&json!({"alg": "ES256"})), part(&claims), base64url::encode(&[7; 64]));

    let (auth, valid) = (config().auth, [by_secret.clone(), minted.clone()]);
    let tokens = target("tokens of users", &[&by_secret, &minted, &by_key], move |token| {
        let _ = bearer_jwt(Some(token));
        match verify(token, &auth, NOW) {
            Ok(Verification::Verified(_)) => {
                assert!(valid.iter().any(|known| known == token), "a mutation verifies: {token}");
                true
            }
            Ok(Verification::ByPublicKey(_)) => true,
            Err(error) => error.to_string().is_empty(),
        }
    });
    // Signed after the change, so that what lies behind the signature is reached.
    let auth = config().auth;
    let header_part = part(&header);
    let claims_target = bodies("claims, signed", std::slice::from_ref(&claims), move |claims| {
        verify(&signed(&header_part, &base64url::encode(claims)), &auth, NOW).is_ok()
    });
    let (auth, claims_part) = (config().auth, part(&claims));
    let header_target = bodies("headers, signed", &[header], move |header| {
        verify(&signed(&base64url::encode(header), &claims_part), &auth, NOW).is_ok()
    });
    let bytes = |count| base64url::encode(&vec![0xff; count]);
    let keys = json!({"keys": [
        {"kty": "RSA", "n": bytes(256), "e": "AQAB", "kid": "a", "use": "sig", "alg": "RS256"},
        {"kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32), "key_ops": ["verify"]},
        {"kty": "OKP", "crv": "Ed25519", "x": bytes(32)},
        {"kty": "oct", "k": "AAAA"},
    ]});
    let key_sets = bodies("key sets", &[keys], |body| JwkSet::parse(body).is_ok());
    let url = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
    let urls = target("key set addresses", &[url, "http://127.0.0.1:9000/keys?a=b"], |url| {
        KeySetUrl::parse(url).is_some()
    });
    let mints = bodies(
        "token requests",
        &[json!({"subject": "user-1", "scopes": ["read"], "expires_in_s": 3600})],
        |body| match MintRequest::parse(body) {
            Ok(MintRequest { subject, scopes, lifetime }) => {
                let keys = MintKeys::derive(&[&[7; 32]]);
                keys.mint(&subject, scopes, Timestamp(i64::MAX), lifetime).is_some()
            }
            Err(problem) => problem.body("r").is_empty(),
        },
    );
    vec![tokens, claims_target, header_target, key_sets, urls, mints]
}

fn capabilities() -> Vec<Target> {
    let signer = || Signer::new(&[7; 32]);
    let job: JobId = ID.parse().expect("an id");
    let callback = signer().sign(Purpose::Callback, job, 1, NOW, DurationMs::minutes(30));
    let key = || ObjectKey::parse_input("input/abc/a.mp4").expect("a key");
    let upload = signer().upload_token(UploadId::from_random([1; 16]), &key());
    vec![
        target("capability tokens", &[&callback], move |token| {
            let valid = signer().verify(Purpose::Callback, job, token, NOW).is_ok();
            assert!(signer().verify(Purpose::Watch, job, token, NOW).is_err());
            valid
        }),
        target("upload tokens", &[&upload], move |token| signer().verify_upload(token, &key()).is_ok()),
    ]
}

fn addresses() -> Vec<Target> {
    let paths = [
        format!("/api/jobs/{ID}"),
        format!("/api/jobs/{ID}/do/1.1769852100.ab/claim"),
        format!("/api/videos/download/output%2F{ID}%2F1%2Fvideo.mp4"),
        "/api/projects/7/clips/0".to_owned(),
        "/api/videos/multipart/u.m/parts".to_owned(),
    ];
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let job_query = "project_id=7&status=complete&type=overlay&limit=10";
    vec![
        target("routes", &paths, |path| {
            let mut found = false;
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
                if let Ok(route) = Route::parse(method, path) {
                    assert!(!route.accepts().is_empty(), "{path}");
                    found = true;
                }
            }
            found
        }),
        target("queries of lists", &[job_query, "limit=100"], |query| {
            JobListQuery::parse(query).is_ok() | ProjectListQuery::parse(query).is_ok()
        }),
        target("object keys", &["input/abc/a.mp4", &format!("output/{ID}/1/video.mp4")], |text| {
            let decoded = percent::decode(text).is_some_and(|key| ObjectKey::try_from(key).is_ok());
            let key = ObjectKey::try_from(text.to_owned());
            if let Ok(key) = &key {
                assert!(
                    !key.as_str().contains("..") || !key.as_str().split('/').any(|part| part == ".."),
                    "{text}"
                );
                let _ = (key.output_of(), ObjectKey::parse_video(text));
            }
            decoded || key.is_ok()
        }),
        target("base URLs", &["http://localhost:8787/cdn-cgi/local/r2/s3", "https://[::1]:1/a"], |url| {
            BaseUrl::parse(url).is_some()
        }),
        target("subjects", &["auth0|5f7c87ec7b33c6004bbafe82"], |text| Subject::parse(text).is_some()),
        target("ids", &[ID], |id| id.parse::<JobId>().is_ok() | id.parse::<UploadId>().is_ok()),
        target(
            "conditions and ranges",
            &["bytes=0-99", "bytes=-5", "\"abc\", W/\"d\"", "Sat, 31 Jan 2026 09:05:00 GMT"],
            |text| {
                let stored = ObjectMeta { size_bytes: 10, etag: "\"abc\"".to_owned(), modified: NOW };
                for name in [
                    "range",
                    "if-match",
                    "if-none-match",
                    "if-range",
                    "if-modified-since",
                    "if-unmodified-since",
                ] {
                    let header = |asked: &str| match asked {
                        asked if asked == name => Some(text.to_owned()),
                        "range" => Some("bytes=2-5".to_owned()),
                        _ => None,
                    };
                    let conditions = Conditions::read(false, header);
                    let _ = (conditions.initial_read(), conditions.decide(&stored));
                }
                let _ = parse_http_date(text);
                true
            },
        ),
    ]
}

fn requests() -> Vec<Target> {
    let overlay = json!({"project_id": 7, "type": "overlay", "input_video_key": "input/abc/a.mp4", "params": {
        "highlight_regions": [{"start_frame": 0, "end_frame": 131, "x": 640, "y": 360, "radius_x": 90, "radius_y": 160}],
        "effect_type": "spotlight", "output_width": 1080, "output_height": 1920,
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}]}});
    let framing = json!({"project_id": 7, "type": "framing", "input_video_key": "input/abc/a.mp4", "job_id": ID, "params": {
        "transition": {"type": "dissolve", "duration": 0.5}, "target_fps": 30, "include_audio": true,
        "clips": [{"crop_keyframes": [{"time": 0.0, "x": 0, "y": 0, "width": 405, "height": 720}], "start_time": 0.5, "end_time": 2.5,
            "segments": [{"start": 0.5, "end": 1.0, "speed": 0.5}], "video_key": "input/abc/b.mp4"}]}});
    let export = json!({"project_id": 7, "highlight_regions": [], "effect_type": "blur"});
    let plan = PartLayout::new(200_000_000, None).expect("a layout");
    let parts = json!({"parts": [{"part_number": 3, "etag": "\"d41d8cd98f00b204e9800998ecf8427e\""}]});
    let job: JobId = ID.parse().expect("an id");
    let progress = json!({"progress": 45.5, "message": "Rendering", "stage": "rendering"});
    let complete = json!({"output_video_key": format!("output/{ID}/1/video.mp4"), "size_bytes": 1234});
    vec![
        bodies("job requests", &[overlay, framing], |body| {
            CreateJobRequest::parse(body, Reach::Public).is_ok()
        }),
        bodies("export requests", &[export], |body| {
            ExportRequest::parse(ExportType::Overlay, body).is_ok()
                | ExportRequest::parse(ExportType::Framing, body).is_ok()
        }),
        bodies(
            "projects and clips",
            &[
                json!({"name": "Final", "working_video_key": "input/abc/a.mp4"}),
                json!({"video_key": "input/abc/a.mp4", "start_time": 0.5, "end_time": 2.0, "name": null}),
            ],
            move |body| PutProjectRequest::parse(body).is_ok() | PutClipRequest::parse(body).is_ok(),
        ),
        bodies(
            "upload requests",
            &[
                json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 9_000_000, "part_size": null, "job_id": ID}),
            ],
            move |body| UploadUrlRequest::parse(body).is_ok() | CreateUploadRequest::parse(body).is_ok(),
        ),
        bodies("parts of uploads", &[parts, json!({"part_numbers": [1, 12]})], move |body| {
            parse_part_numbers(body, &plan).is_ok()
                | parse_parts(body, &plan, UploadAction::Confirm).is_ok()
                | parse_parts(body, &plan, UploadAction::Complete).is_ok()
        }),
        bodies("callbacks", &[progress, complete, json!({"runpod_job_id": "sync-8f2c-e1"})], move |body| {
            CallbackKind::ALL.into_iter().filter(|kind| kind.parse(job, body).is_ok()).count() > 0
        }),
        target("socket messages", &[r#"{"type":"ping"}"#, r#"{"type":"subscribe","after":3}"#], |text| {
            let _ = reel_core::objects::subscribe::ClientMessage::parse(text);
            let _ = SocketProtocol::from_tag(text);
            true
        }),
    ]
}

fn answers() -> Vec<Target> {
    let status = json!({"id": "sync-8f2c-e1", "status": "FAILED", "delayTime": 10, "executionTime": 100, "error": "{\"error_type\":\"x\"}",
        "output": {"error": "no"}, "workerId": "w"});
    let health = json!({"jobs": {"inQueue": 1, "inProgress": 2}, "workers": {"idle": 1, "running": 2, "initializing": 3}});
    let list = "<?xml version=\"1.0\"?><ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>5242880</Size></Part><IsTruncated>false</IsTruncated></ListPartsResult>";
    vec![
        bodies(
            "RunPod's answers",
            &[status, health, json!({"id": "sync-8f2c-e1", "status": "IN_QUEUE"})],
            |body| {
                let body = String::from_utf8_lossy(body);
                for status in [200, 401, 404, 429, 500] {
                    let reply = HttpReply { status, retry_after: Some(&body), body: &body };
                    let _ = (parse_submit_reply(reply), parse_status_reply(reply), parse_health(reply));
                }
                true
            },
        ),
        target("the bucket's lists of parts", &[list], |xml| parse_list_parts(xml).is_ok()),
    ]
}
