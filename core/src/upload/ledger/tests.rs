use proptest::prelude::*;

use super::*;

const MIB: u64 = 1024 * 1024;

fn part(number: u32, etag: &str) -> ConfirmedPart {
    ConfirmedPart::new(number, etag).unwrap()
}

/// 47 MiB: parts of 5 MiB, ten of them, the last of 2 MiB.
fn ledger(stage: UploadState, confirmed: impl IntoIterator<Item = u32>) -> Upload {
    let upload = UploadRecord {
        key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
        storage_id: "AB/cd+e=".into(),
        plan: PartLayout::new(47 * MIB, Some(5 * MIB)).unwrap(),
        expires_at: Timestamp(1_769_850_300_250),
        state: stage,
    };
    Upload::new(upload, confirmed.into_iter().map(|number| part(number, "e")))
}

fn complete() -> UploadState {
    UploadState::Complete { etag: "whole".into() }
}

#[test]
fn what_may_follow_what() {
    let all = 1..=10;
    let code = |problem: Problem| problem.code;
    for (stage, takes_parts, completion) in [
        (UploadState::Open, Ok(()), Ok(CompletionStep::Run)),
        (UploadState::Completing, Err(ProblemCode::UploadState), Ok(CompletionStep::Look)),
        (complete(), Err(ProblemCode::UploadState), Ok(CompletionStep::AlreadyDone("whole".into()))),
        (UploadState::Aborted, Err(ProblemCode::UploadNotFound), Err(ProblemCode::UploadNotFound)),
    ] {
        let ledger = ledger(stage.clone(), all.clone());
        assert_eq!(ledger.require_open().map_err(code), takes_parts, "{stage:?}");
        assert_eq!(ledger.completion_step().map_err(code), completion, "{stage:?}");
        // A new etag is a new part.
        let news = ledger.new_parts(vec![part(3, "other")]).map(|news| news.len()).map_err(code);
        assert_eq!(news, takes_parts.map(|()| 1), "{stage:?}");
    }
}

#[test]
fn only_news_are_written() {
    let open = ledger(UploadState::Open, [1, 2]);
    assert_eq!(open.new_parts(vec![part(1, "e"), part(2, "\"e\"")]), Ok(vec![]));
    assert_eq!(
        open.new_parts(vec![part(2, "f"), part(3, "x"), part(3, "y"), part(1, "e")]),
        Ok(vec![part(2, "f"), part(3, "y")]),
        "the last word on a part counts"
    );
    assert_eq!(ledger(complete(), 1..=10).new_parts(vec![part(1, "e")]), Ok(vec![]), "late, and known");
    assert_eq!(
        ledger(UploadState::Aborted, 1..=10).new_parts(vec![part(1, "e")]).unwrap_err().code,
        ProblemCode::UploadNotFound
    );
}

#[test]
fn missing_parts_are_named() {
    let sentence = |ledger: &Upload| ledger.completion_step().unwrap_err().detail;
    let most = ledger(UploadState::Open, [1, 2, 3, 4, 5, 6, 7, 8, 10]);
    assert_eq!(sentence(&most), "1 part is missing: 9; send and confirm them, then complete again.");
    let some = ledger(UploadState::Open, [2, 4]);
    assert!(
        sentence(&some).starts_with("8 parts are missing: 1, 3, 5, 6, 7, 8, 9, 10;"),
        "{}",
        sentence(&some)
    );
    let mut none = ledger(UploadState::Open, []);
    none.upload.plan = PartLayout::new(1_000 * MIB, Some(5 * MIB)).unwrap();
    let said = sentence(&none);
    assert!(said.starts_with("200 parts are missing: 1, 2, ") && said.contains(", 20 and more;"), "{said}");
}

#[test]
fn a_completion_is_what_the_bucket_holds() {
    let plan = ledger(UploadState::Open, []).upload.plan;
    let ours = |size_bytes| UploadedObject::Ours { size_bytes, etag: "whole".into() };
    for said in [CompleteReply::PerhapsDone, CompleteReply::Gone, CompleteReply::WrongParts] {
        assert_eq!(
            resolve_completion(&plan, said, ours(47 * MIB)),
            CompletionResult::Complete { etag: "whole".into() },
            "{said:?}"
        );
        let CompletionResult::WrongSize(problem) = resolve_completion(&plan, said, ours(46 * MIB)) else {
            panic!("{said:?}")
        };
        assert!(problem.detail.contains("48234496 bytes instead of the promised 49283072"), "{problem:?}");
        assert_eq!(
            resolve_completion(&plan, said, UploadedObject::Unknown),
            CompletionResult::Unknown,
            "{said:?}"
        );
    }
    assert_eq!(
        resolve_completion(&plan, CompleteReply::PerhapsDone, UploadedObject::NotOurs),
        CompletionResult::Unknown
    );
    for (said, code, next) in [
        (CompleteReply::Gone, ProblemCode::UploadNotFound, UploadState::Aborted),
        (CompleteReply::WrongParts, ProblemCode::UploadState, UploadState::Open),
    ] {
        let CompletionResult::Refused { stage, problem } =
            resolve_completion(&plan, said, UploadedObject::NotOurs)
        else {
            panic!("{said:?}")
        };
        assert_eq!((stage, problem.code), (next, code), "{said:?}");
    }
}

#[test]
fn an_abort_never_takes_a_complete_video() {
    let abortion = |stage| ledger(stage, 1..=10).abort_step().map_err(|problem| problem.code);
    assert_eq!(abortion(UploadState::Open), Ok(AbortStep::Run));
    assert_eq!(abortion(UploadState::Completing), Ok(AbortStep::Look));
    assert_eq!(abortion(UploadState::Aborted), Ok(AbortStep::Done));
    assert_eq!(abortion(complete()), Err(ProblemCode::UploadState));
}

#[test]
fn abandoned_parts_are_dropped_and_all_is_forgotten() {
    let expiry = |stage, after: DurationMs| {
        let upload = ledger(stage, []).upload;
        upload.expiry(upload.expires_at + after)
    };
    let (early, due, late) = (DurationMs(-1), DurationMs(0), DurationMs::minutes(7 * 24 * 60));
    let expires_at = ledger(UploadState::Open, []).upload.expires_at;
    for (stage, when_due) in [
        (UploadState::Open, ExpiryStep::AbortFirst),
        (UploadState::Completing, ExpiryStep::AbortFirst),
        (complete(), ExpiryStep::Forget),
        (UploadState::Aborted, ExpiryStep::Forget),
    ] {
        assert_eq!(expiry(stage.clone(), early), ExpiryStep::Wait(expires_at), "{stage:?}");
        assert_eq!(expiry(stage.clone(), due), when_due, "{stage:?}");
        assert_eq!(expiry(stage.clone(), late), ExpiryStep::Forget, "{stage:?}");
    }
}

#[test]
fn errors_of_the_bucket_are_understood() {
    for (text, said) in [
        (
            "completeMultipartUpload: The specified multipart upload does not exist. (10024)",
            CompleteReply::Gone,
        ),
        (
            "completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            CompleteReply::WrongParts,
        ),
        (
            "completeMultipartUpload: There was a problem with the multipart upload. (10048)",
            CompleteReply::WrongParts,
        ),
        (
            "completeMultipartUpload: Your proposed upload is smaller than allowed. (10011)",
            CompleteReply::WrongParts,
        ),
        ("completeMultipartUpload: We encountered an internal error. (10001)", CompleteReply::PerhapsDone),
        ("no answer in time", CompleteReply::PerhapsDone),
        ("", CompleteReply::PerhapsDone),
    ] {
        assert_eq!(CompleteReply::of_error(text), said, "{text}");
    }
}

/// Uploads live for days: what an older version stored must be read.
#[test]
fn the_stored_form_is_pinned() {
    for (stage, text) in [
        (UploadState::Open, r#""stage":"open""#),
        (UploadState::Completing, r#""stage":"completing""#),
        (complete(), r#""stage":"complete""#),
        (UploadState::Aborted, r#""stage":"aborted""#),
    ] {
        let upload = ledger(stage, []).upload;
        assert!(upload.to_stored().contains(text), "{}", upload.to_stored());
        assert_eq!(UploadRecord::from_stored(&upload.to_stored()), Some(upload));
    }
    assert_eq!(
        ledger(complete(), []).upload.to_stored(),
        r#"{"etag":"whole","expires_at_ms":1769850300250,"key":"input/abc/clip.mp4","part_bytes":5242880,"size_bytes":49283072,"stage":"complete","storage_id":"AB/cd+e="}"#
    );
    assert_eq!(UploadRecord::from_stored("{}"), None);
}

proptest! {
    /// In whatever order, however often and with whatever retries parts are confirmed: the ledger has the
    /// last word on each, writes nothing twice, and completes exactly when none is missing.
    #[test]
    fn confirmations_in_any_order_make_the_same_ledger(
        given in proptest::collection::vec((1_u32..=10, 0_u32..3), 0..60),
        batch in 1_usize..8,
    ) {
        let mut ledger = ledger(UploadState::Open, []);
        let mut expected = BTreeMap::new();
        let mut written = 0;
        for parts in given.chunks(batch) {
            let parts: Vec<ConfirmedPart> = parts.iter().map(|(n, etag)| part(*n, &format!("e{etag}"))).collect();
            let news = ledger.new_parts(parts.clone()).unwrap();
            written += news.len();
            ledger.record(news);
            prop_assert_eq!(ledger.new_parts(parts.clone()).unwrap(), vec![], "repeated at once, it is no news");
            expected.extend(parts.into_iter().map(|part| (part.number, part.etag)));
        }
        prop_assert!(written <= given.len());
        let have: BTreeMap<u32, String> = ledger.parts().map(|(n, etag, _)| (n, etag.to_owned())).collect();
        prop_assert_eq!(&have, &expected);
        prop_assert_eq!(ledger.completion_step().is_ok(), expected.len() == 10);
    }
}
