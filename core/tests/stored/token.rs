//! Links that were handed out before a deploy: tokens of jobs and of uploads, and the ids that
//! `Idempotency-Key`s stand for.

use std::fmt::Write as _;

use reel_core::auth::id_key::IdKey;
use reel_core::auth::subject::Subject;
use reel_core::auth::token::{Purpose, Signer};
use reel_core::base::id::{JobId, UploadId};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::webhook::id::WebhookId;

use crate::golden::GoldenFiles;

pub fn pin(golden: &mut GoldenFiles) {
    let signer = Signer::new(KEY);
    let job: JobId = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().expect("an id");
    let mut text = String::new();
    for (name, purpose, attempt) in
        [("callback", Purpose::Callback, 2), ("webhook", Purpose::Webhook, 2), ("watch", Purpose::Watch, 0)]
    {
        let token = signer.sign(purpose, job, attempt, AT, DurationMs::minutes(60));
        assert_eq!(signer.verify(purpose, job, &token, AT), Ok(attempt), "{name}");
        let _ = writeln!(text, "{name} {token}");
    }
    let (upload, key) =
        (UploadId::from_random([7; 16]), ObjectKey::parse_input("input/abc/clip.mp4").expect("a key"));
    let token = signer.upload_token(upload, &key);
    assert_eq!(signer.verify_upload(&token, &key), Ok(upload));
    let _ = writeln!(text, "upload {token}");
    let ids = IdKey::new(KEY);
    let _ = writeln!(text, "idempotency-key {}", ids.derive_job_id(None, "order-4711"));
    let owner = ids.owner_id(&Subject::parse("auth0|5f7c8ec7").expect("a subject"));
    let _ = writeln!(text, "owner {owner}");
    let _ = writeln!(
        text,
        "idempotency-key of an owner {}",
        ids.derive_job_id(Some(&owner.to_string()), "order-4711")
    );
    let secret = ids.webhook_secret(WebhookId::from_random([7; 16]), 1).text();
    let _ = writeln!(text, "webhook secret {}", secret.reveal());
    let secret = ids.webhook_url_secret(Some(owner)).text();
    let _ = writeln!(text, "webhook_url secret {}", secret.reveal());
    golden.pin("tokens.txt", &text);
}

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
/// 2026-01-31T09:05:00.250Z
const AT: Timestamp = Timestamp(1_769_850_300_250);
