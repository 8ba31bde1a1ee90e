use super::*;
use crate::base::object_key::ObjectKey;
use crate::upload::{ConfirmedPart, UploadState};
use serde_json::{Value, json};

fn upload() -> Upload {
    let record = UploadRecord {
        key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
        storage_id: "secret".into(),
        plan: PartLayout::new(12_000_000, Some(5_242_880)).unwrap(),
        etag_changes: 0,
        expires_at: Timestamp(1_769_850_300_250),
        state: UploadState::Open,
    };
    Upload::new(record, ConfirmedPart::new(1, "one"))
}

fn reply(outcome: UploadOutcome) -> UploadReply {
    let endpoint = crate::base::base_url::BaseUrl::parse("https://bucket.example").unwrap();
    let presigner = Presigner::new(&endpoint, "videos", "id".into(), "secret".into()).unwrap();
    UploadReply::new(outcome, &upload(), "u.m", &presigner, Timestamp(0))
}

fn done(done: UploadDone) -> UploadReply {
    reply(UploadOutcome::Done(done))
}

#[test]
fn commands_and_replies_come_over_whole() {
    let actions = [
        UploadAction::Sign,
        UploadAction::Confirm,
        UploadAction::Show,
        UploadAction::Complete,
        UploadAction::Abort,
    ];
    let commands = actions.map(|action| UploadCommand::act(action, "u.m", b"{\n\"parts\": [").unwrap());
    for command in commands.into_iter().chain([UploadCommand::Create { record: upload().record }]) {
        assert_eq!(UploadCommand::from_text(&command.to_text()), Some(command));
    }
    for text in ["", "create\n{}", "sign\nu.m", "dance\nu.m\n{}"] {
        assert_eq!(UploadCommand::from_text(text), None, "{text}");
    }
    for reply in [
        UploadReply::Created,
        done(UploadDone::Signable { part_numbers: vec![1, 3] }),
        done(UploadDone::Confirmed),
        done(UploadDone::Shown),
        done(UploadDone::Completed { etag: "w\"hole".into() }),
        done(UploadDone::Aborted),
        UploadReply::Problem(not_found()),
    ] {
        assert_eq!(UploadReply::from_text(&reply.to_text()), Some(reply));
    }
    assert_eq!(UploadReply::from_text("dance\n"), None);
}

#[test]
fn clients_get_what_was_done() {
    let body = |done: UploadDone| -> Value {
        serde_json::from_str(&reply(UploadOutcome::Done(done)).into_body().unwrap()).unwrap()
    };
    assert_eq!(body(UploadDone::Confirmed), json!({"confirmed": 1}));
    assert_eq!(body(UploadDone::Shown)["parts"][0]["etag"], "one");
    assert_eq!(
        body(UploadDone::Completed { etag: "w\"hole".into() }),
        json!({"video_key": "input/abc/clip.mp4", "size_bytes": 12_000_000, "etag": "w\"hole"})
    );
    assert_eq!(body(UploadDone::Aborted), json!({"success": true}));
    let signed = body(UploadDone::Signable { part_numbers: vec![3] });
    assert_eq!(signed["expires_at"], "1970-01-01T01:00:00.000Z");
    assert!(signed["parts"][0]["url"].as_str().unwrap().contains("uploadId=secret"), "{signed}");
}

#[test]
fn refusals_are_problems() {
    for (refusal, code, detail) in [
        (UploadRefusal::BeingCompleted, ProblemCode::UploadState, "Repeat the complete request"),
        (UploadRefusal::AlreadyComplete, ProblemCode::UploadState, "already complete"),
        (UploadRefusal::CannotAbortComplete, ProblemCode::UploadState, "no longer be aborted"),
        (UploadRefusal::Aborted, ProblemCode::UploadNotFound, "was aborted"),
        (
            UploadRefusal::WrongSize { stored_bytes: 7 },
            ProblemCode::UploadState,
            "7 bytes, but 12000000 were",
        ),
        (UploadRefusal::LostByStorage, ProblemCode::UploadNotFound, "no longer has this upload"),
        (UploadRefusal::PartsDiffer, ProblemCode::UploadState, "do not match the confirmed ETags"),
        (UploadRefusal::OutcomeUnknown, ProblemCode::Unavailable, "not known yet"),
    ] {
        let problem = reply(UploadOutcome::Refused(refusal)).into_body().unwrap_err();
        assert_eq!(problem.code, code, "{problem:?}");
        assert!(problem.detail.contains(detail), "{problem:?}");
    }
}

#[test]
fn missing_parts_are_named() {
    assert_eq!(
        parts_missing(1, &[9]),
        "1 part is missing: 9. Send and confirm what is missing, then complete the upload again."
    );
    assert!(parts_missing(3, &[1, 2, 7]).starts_with("3 parts are missing: 1, 2, 7. Send"));
    assert!(parts_missing(200, &[1, 2]).starts_with("200 parts are missing: 1, 2 and more. Send"));
}

#[test]
fn a_wrong_body_is_refused_with_every_error() {
    let plan = upload().record.plan;
    let ask =
        |action, body: &str| requested(action, body, &plan, CallerId(1)).map_err(|problem| problem.code);
    for action in [UploadAction::Sign, UploadAction::Confirm] {
        assert_eq!(ask(action, ""), Err(ProblemCode::NotJson));
        assert_eq!(ask(action, "{}"), Err(ProblemCode::InvalidRequest));
    }
    assert!(ask(UploadAction::Complete, "").is_ok(), "all parts were confirmed before");
    let not_text = UploadCommand::act(UploadAction::Sign, "u.m", b"\xff").unwrap_err();
    assert_eq!(not_text.code, ProblemCode::NotJson);
}
