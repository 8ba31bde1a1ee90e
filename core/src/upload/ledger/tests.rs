use proptest::prelude::*;

use super::*;

const MIB: u64 = 1024 * 1024;

fn part(number: u32, etag: &str) -> Part {
    Part::new(number, etag).unwrap()
}

/// 47 MiB: parts of 5 MiB, ten of them, the last of 2 MiB.
fn ledger(stage: Stage, confirmed: impl IntoIterator<Item = u32>) -> Ledger {
    let upload = Upload {
        key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
        storage_id: "AB/cd+e=".into(),
        plan: Plan::new(47 * MIB, Some(5 * MIB)).unwrap(),
        expires_at: Millis(1_769_850_300_250),
        stage,
    };
    Ledger::new(upload, confirmed.into_iter().map(|number| part(number, "e")))
}

fn complete() -> Stage {
    Stage::Complete { etag: "whole".into() }
}

#[test]
fn what_may_follow_what() {
    let all = 1..=10;
    let code = |problem: Problem| problem.code;
    for (stage, takes_parts, completion) in [
        (Stage::Open, Ok(()), Ok(Next::Run)),
        (Stage::Completing, Err(Code::UploadState), Ok(Next::Look)),
        (complete(), Err(Code::UploadState), Ok(Next::Done("whole".into()))),
        (Stage::Aborted, Err(Code::UploadNotFound), Err(Code::UploadNotFound)),
    ] {
        let ledger = ledger(stage.clone(), all.clone());
        assert_eq!(ledger.takes_parts().map_err(code), takes_parts, "{stage:?}");
        assert_eq!(ledger.completion().map_err(code), completion, "{stage:?}");
        // A new etag is a new part.
        let news = ledger.news(vec![part(3, "other")]).map(|news| news.len()).map_err(code);
        assert_eq!(news, takes_parts.map(|()| 1), "{stage:?}");
    }
}

#[test]
fn only_news_are_written() {
    let open = ledger(Stage::Open, [1, 2]);
    assert_eq!(open.news(vec![part(1, "e"), part(2, "\"e\"")]), Ok(vec![]));
    assert_eq!(
        open.news(vec![part(2, "f"), part(3, "x"), part(3, "y"), part(1, "e")]),
        Ok(vec![part(2, "f"), part(3, "y")]),
        "the last word on a part counts"
    );
    assert_eq!(ledger(complete(), 1..=10).news(vec![part(1, "e")]), Ok(vec![]), "late, and known");
    assert_eq!(
        ledger(Stage::Aborted, 1..=10).news(vec![part(1, "e")]).unwrap_err().code,
        Code::UploadNotFound
    );
}

#[test]
fn missing_parts_are_named() {
    let sentence = |ledger: &Ledger| ledger.completion().unwrap_err().detail;
    let most = ledger(Stage::Open, [1, 2, 3, 4, 5, 6, 7, 8, 10]);
    assert_eq!(sentence(&most), "1 part is missing: 9; send and confirm them, then complete again.");
    let some = ledger(Stage::Open, [2, 4]);
    assert!(
        sentence(&some).starts_with("8 parts are missing: 1, 3, 5, 6, 7, 8, 9, 10;"),
        "{}",
        sentence(&some)
    );
    let mut none = ledger(Stage::Open, []);
    none.upload.plan = Plan::new(1_000 * MIB, Some(5 * MIB)).unwrap();
    let said = sentence(&none);
    assert!(said.starts_with("200 parts are missing: 1, 2, ") && said.contains(", 20 and more;"), "{said}");
}

#[test]
fn a_completion_is_what_the_bucket_holds() {
    let plan = ledger(Stage::Open, []).upload.plan;
    let ours = |size_bytes| Found::Ours { size_bytes, etag: "whole".into() };
    for said in [Said::PerhapsDone, Said::Gone, Said::WrongParts] {
        assert_eq!(
            settle(&plan, said, ours(47 * MIB)),
            Settled::Complete { etag: "whole".into() },
            "{said:?}"
        );
        let Settled::WrongSize(problem) = settle(&plan, said, ours(46 * MIB)) else { panic!("{said:?}") };
        assert!(problem.detail.contains("48234496 bytes instead of the promised 49283072"), "{problem:?}");
        assert_eq!(settle(&plan, said, Found::CannotTell), Settled::Unknown, "{said:?}");
    }
    assert_eq!(settle(&plan, Said::PerhapsDone, Found::Nothing), Settled::Unknown);
    for (said, code, next) in [
        (Said::Gone, Code::UploadNotFound, Stage::Aborted),
        (Said::WrongParts, Code::UploadState, Stage::Open),
    ] {
        let Settled::Refused { stage, problem } = settle(&plan, said, Found::Nothing) else {
            panic!("{said:?}")
        };
        assert_eq!((stage, problem.code), (next, code), "{said:?}");
    }
}

#[test]
fn an_abort_never_takes_a_complete_video() {
    let abortion = |stage| ledger(stage, 1..=10).abortion().map_err(|problem| problem.code);
    assert_eq!(abortion(Stage::Open), Ok(Abortion::Run));
    assert_eq!(abortion(Stage::Completing), Ok(Abortion::Look));
    assert_eq!(abortion(Stage::Aborted), Ok(Abortion::Done));
    assert_eq!(abortion(complete()), Err(Code::UploadState));
}

#[test]
fn abandoned_parts_are_dropped_and_all_is_forgotten() {
    let expiry = |stage, after: Span| {
        let upload = ledger(stage, []).upload;
        upload.expiry(upload.expires_at + after)
    };
    let (early, due, late) = (Span(-1), Span(0), Span::minutes(7 * 24 * 60));
    let expires_at = ledger(Stage::Open, []).upload.expires_at;
    for (stage, when_due) in [
        (Stage::Open, Expiry::AbortFirst),
        (Stage::Completing, Expiry::AbortFirst),
        (complete(), Expiry::Forget),
        (Stage::Aborted, Expiry::Forget),
    ] {
        assert_eq!(expiry(stage.clone(), early), Expiry::Wait(expires_at), "{stage:?}");
        assert_eq!(expiry(stage.clone(), due), when_due, "{stage:?}");
        assert_eq!(expiry(stage.clone(), late), Expiry::Forget, "{stage:?}");
    }
}

#[test]
fn errors_of_the_bucket_are_understood() {
    for (text, said) in [
        ("completeMultipartUpload: The specified multipart upload does not exist. (10024)", Said::Gone),
        (
            "completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            Said::WrongParts,
        ),
        ("completeMultipartUpload: There was a problem with the multipart upload. (10048)", Said::WrongParts),
        ("completeMultipartUpload: Your proposed upload is smaller than allowed. (10011)", Said::WrongParts),
        ("completeMultipartUpload: We encountered an internal error. (10001)", Said::PerhapsDone),
        ("no answer in time", Said::PerhapsDone),
        ("", Said::PerhapsDone),
    ] {
        assert_eq!(Said::of_error(text), said, "{text}");
    }
}

/// Uploads live for days: what an older version stored must be read.
#[test]
fn the_stored_form_is_pinned() {
    for (stage, text) in [
        (Stage::Open, r#""stage":"open""#),
        (Stage::Completing, r#""stage":"completing""#),
        (complete(), r#""stage":"complete""#),
        (Stage::Aborted, r#""stage":"aborted""#),
    ] {
        let upload = ledger(stage, []).upload;
        assert!(upload.to_stored().contains(text), "{}", upload.to_stored());
        assert_eq!(Upload::from_stored(&upload.to_stored()), Some(upload));
    }
    assert_eq!(
        ledger(complete(), []).upload.to_stored(),
        r#"{"etag":"whole","expires_at_ms":1769850300250,"key":"input/abc/clip.mp4","part_bytes":5242880,"size_bytes":49283072,"stage":"complete","storage_id":"AB/cd+e="}"#
    );
    assert_eq!(Upload::from_stored("{}"), None);
}

proptest! {
    /// In whatever order, however often and with whatever retries parts are confirmed: the ledger has the
    /// last word on each, writes nothing twice, and completes exactly when none is missing.
    #[test]
    fn confirmations_in_any_order_make_the_same_ledger(
        given in proptest::collection::vec((1_u32..=10, 0_u32..3), 0..60),
        batch in 1_usize..8,
    ) {
        let mut ledger = ledger(Stage::Open, []);
        let mut expected = BTreeMap::new();
        let mut written = 0;
        for parts in given.chunks(batch) {
            let parts: Vec<Part> = parts.iter().map(|(n, etag)| part(*n, &format!("e{etag}"))).collect();
            let news = ledger.news(parts.clone()).unwrap();
            written += news.len();
            ledger.take(news);
            prop_assert_eq!(ledger.news(parts.clone()).unwrap(), vec![], "repeated at once, it is no news");
            expected.extend(parts.into_iter().map(|part| (part.number, part.etag)));
        }
        prop_assert!(written <= given.len());
        let have: BTreeMap<u32, String> = ledger.parts().map(|(n, etag, _)| (n, etag.to_owned())).collect();
        prop_assert_eq!(&have, &expected);
        prop_assert_eq!(ledger.completion().is_ok(), expected.len() == 10);
    }
}
