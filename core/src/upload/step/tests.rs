use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::object_key::ObjectKey;
use crate::base::time::DurationMs;
use crate::upload::event::{CallId, CompleteReply, ListedPart, PartPage, UploadedObject};
use crate::upload::{ConfirmedPart, PartLayout};

const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 47 * MIB;
const EXPIRES_AT: Timestamp = Timestamp(1_769_850_300_250);
const NOW: Timestamp = Timestamp(EXPIRES_AT.0 - 1);

fn part(number: u32, etag: &str) -> ConfirmedPart {
    ConfirmedPart::new(number, etag).unwrap()
}

/// 47 MiB: parts of 5 MiB, ten of them, the last of 2 MiB.
fn upload(state: UploadState, confirmed: impl IntoIterator<Item = u32>) -> Upload {
    let record = UploadRecord {
        key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
        storage_id: "AB/cd+e=".into(),
        plan: PartLayout::new(SIZE, Some(5 * MIB)).unwrap(),
        etag_changes: 0,
        expires_at: EXPIRES_AT,
        state,
    };
    Upload::new(record, confirmed.into_iter().map(|number| part(number, "e")))
}

fn whole(state: UploadState) -> Upload {
    upload(state, 1..=10)
}

fn complete() -> UploadState {
    UploadState::Complete { etag: "whole".into() }
}

fn ours(size_bytes: u64) -> UploadedObject {
    UploadedObject::Ours { size_bytes, etag: "whole".into() }
}

/// An upload with what its last step came to.
struct Play {
    upload: Upload,
    now: Timestamp,
    callers: u32,
    last: Step,
}

impl Play {
    fn of(upload: Upload) -> Self {
        Self { last: Step::unchanged(upload.clone()), upload, now: NOW, callers: 0 }
    }

    fn happen(&mut self, event: UploadEvent) -> &Step {
        self.last = apply(self.upload.clone(), event, self.now);
        self.upload = self.last.upload.clone();
        &self.last
    }

    fn request(&mut self, event: impl FnOnce(CallerId) -> UploadEvent) -> CallerId {
        self.callers += 1;
        let caller = CallerId(self.callers);
        self.happen(event(caller));
        caller
    }

    fn complete(&mut self) -> CallerId {
        self.request(|caller| UploadEvent::CompleteRequested { caller, parts: vec![] })
    }

    fn abort(&mut self) -> CallerId {
        self.request(|caller| UploadEvent::AbortRequested { caller })
    }

    fn show(&mut self) -> CallerId {
        self.request(|caller| UploadEvent::ShowRequested { caller })
    }

    fn confirm(&mut self, parts: Vec<ConfirmedPart>) -> CallerId {
        self.request(|caller| UploadEvent::PartsConfirmed { caller, parts })
    }

    /// The id of the one call that the last step makes, which must be this one.
    fn call(&self, wanted: &str) -> CallId {
        let [effect] = self.last.effects.as_slice() else { panic!("{:?}", self.last.effects) };
        let (name, call) = match effect {
            UploadEffect::ListParts { call, .. } => ("list", *call),
            UploadEffect::CheckObject { call } => ("check", *call),
            UploadEffect::CompleteInBucket { call } => ("complete", *call),
            UploadEffect::AbortInBucket { call } => ("abort", *call),
            UploadEffect::DeleteObject { call } => ("delete", *call),
            UploadEffect::Forget => panic!("everything is forgotten"),
        };
        assert_eq!(name, wanted);
        call
    }

    fn checked(&mut self, found: UploadedObject) {
        let call = self.call("check");
        self.happen(UploadEvent::ObjectChecked { call, found });
    }

    fn completed(&mut self, reply: CompleteReply) {
        let call = self.call("complete");
        self.happen(UploadEvent::CompleteReplied { call, reply });
    }

    fn aborted(&mut self, done: bool) {
        let call = self.call("abort");
        self.happen(UploadEvent::AbortReplied { call, done });
    }

    fn deleted(&mut self, done: bool) {
        let call = self.call("delete");
        self.happen(UploadEvent::ObjectDeleted { call, done });
    }

    fn listed(&mut self, parts: Vec<ListedPart>, next_marker: Option<u32>) {
        let call = self.call("list");
        self.happen(UploadEvent::PartsListed { call, page: Some(PartPage { parts, next_marker }) });
    }

    /// What the last step tells this caller.
    fn told(&self, caller: CallerId) -> Option<Result<UploadDone, UploadRefusal>> {
        self.last.replies.iter().find(|(told, _)| *told == caller).map(|(_, outcome)| match outcome.clone() {
            UploadOutcome::Done(done) => Ok(done),
            UploadOutcome::Refused(refusal) => Err(refusal),
        })
    }

    fn state(&self) -> &UploadState {
        &self.upload.record.state
    }
}

/// What a caller is told, once it is told.
type Told = Option<Result<UploadDone, UploadRefusal>>;

#[allow(clippy::unnecessary_wraps, reason = "compared with what a caller is told")]
fn done() -> Told {
    Some(Ok(UploadDone::Completed { etag: "whole".into() }))
}

#[allow(clippy::unnecessary_wraps, reason = "compared with what a caller is told")]
fn refused(refusal: UploadRefusal) -> Told {
    Some(Err(refusal))
}

// === Parts ===

#[test]
fn only_an_open_upload_takes_parts() {
    for (state, refusal) in [
        (UploadState::Open, None),
        (UploadState::Completing, Some(UploadRefusal::BeingCompleted)),
        (complete(), Some(UploadRefusal::AlreadyComplete)),
        (UploadState::Aborted, Some(UploadRefusal::Aborted)),
    ] {
        let mut play = Play::of(whole(state.clone()));
        let caller = play.request(|caller| UploadEvent::SignRequested { caller, part_numbers: vec![1] });
        let signable = UploadDone::Signable { part_numbers: vec![1] };
        assert_eq!(play.told(caller), Some(refusal.clone().map_or(Ok(signable), Err)), "{state:?}");
        let caller = play.confirm(vec![part(3, "other")]);
        let confirmed = refusal.clone().map_or(Ok(UploadDone::Confirmed), Err);
        assert_eq!(play.told(caller), Some(confirmed), "{state:?}");
        assert_eq!(play.last.new_parts.len(), usize::from(refusal.is_none()), "{state:?}");
    }
}

#[test]
fn etags_of_confirmed_parts_change_only_so_often() {
    let mut play = Play::of(whole(UploadState::Open));
    let (mut rows, mut refused) = (0, 0);
    for round in 0..2_000 {
        let parts = vec![part(1 + round % 10, &format!("e{round}"))];
        let caller = play.request(|caller| UploadEvent::PartsConfirmed { caller, parts });
        rows += play.last.new_parts.len();
        match &play.last.replies[..] {
            [(told, UploadOutcome::Done(UploadDone::Confirmed))] if *told == caller => {
                assert!(play.last.persist, "the count outlives the object's memory");
            }
            [(_, UploadOutcome::Refused(UploadRefusal::TooManyChanges))] => {
                refused += 1;
                assert!(!play.last.persist && play.last.new_parts.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((rows, refused), (110, 1_890), "ten parts and a hundred to spare");
    let known = vec![part(10, "e109")];
    play.request(|caller| UploadEvent::PartsConfirmed { caller, parts: known });
    assert_eq!(
        play.last.replies[0].1,
        UploadOutcome::Done(UploadDone::Confirmed),
        "nothing new is no change"
    );

    let mut fresh = Play::of(upload(UploadState::Open, []));
    let all = (1..=10).map(|number| part(number, "first")).collect();
    fresh.request(|caller| UploadEvent::PartsConfirmed { caller, parts: all });
    assert!(!fresh.last.persist, "the first confirmation of a part is no change");
}

#[test]
fn only_news_are_written() {
    let mut play = Play::of(upload(UploadState::Open, [1, 2]));
    play.confirm(vec![part(1, "e"), part(2, "\"e\"")]);
    assert_eq!((play.last.new_parts.len(), play.last.persist), (0, false));
    play.confirm(vec![part(2, "f"), part(3, "x"), part(3, "y"), part(1, "e")]);
    assert_eq!(play.last.new_parts, [part(2, "f"), part(3, "y")], "the last word on a part counts");
}

#[test]
fn a_late_repetition_is_welcome_unless_the_upload_is_aborted() {
    for state in [UploadState::Completing, complete()] {
        let mut play = Play::of(whole(state));
        let caller = play.confirm(vec![part(1, "e")]);
        assert_eq!(play.told(caller), Some(Ok(UploadDone::Confirmed)));
    }
    let mut play = Play::of(whole(UploadState::Aborted));
    let caller = play.confirm(vec![part(1, "e")]);
    assert_eq!(play.told(caller), refused(UploadRefusal::Aborted));
}

proptest! {
    /// In whatever order, however often and with whatever retries parts are confirmed: the upload has the
    /// last word on each, writes nothing twice, and completes exactly when none is missing.
    #[test]
    fn confirmations_in_any_order_make_the_same_upload(
        given in proptest::collection::vec((1_u32..=10, 0_u32..3), 0..60),
        batch in 1_usize..8,
    ) {
        let mut play = Play::of(upload(UploadState::Open, []));
        let mut expected = BTreeMap::new();
        for parts in given.chunks(batch) {
            let parts: Vec<ConfirmedPart> = parts.iter().map(|(n, etag)| part(*n, &format!("e{etag}"))).collect();
            play.confirm(parts.clone());
            prop_assert!(play.last.new_parts.len() <= parts.len());
            play.confirm(parts.clone());
            prop_assert_eq!(&play.last.new_parts, &[], "repeated at once, it is no news");
            expected.extend(parts.into_iter().map(|part| (part.number, part.etag().to_owned())));
        }
        let have: BTreeMap<u32, String> = play.upload.parts().map(|(n, etag, _)| (n, etag.to_owned())).collect();
        prop_assert_eq!(&have, &expected);
        play.complete();
        prop_assert_eq!(*play.state() == UploadState::Completing, expected.len() == 10);
    }
}

// === Listing ===

fn listed(number: u32, etag: &str, mib: u64) -> ListedPart {
    ListedPart { part: part(number, etag), size_bytes: mib * MIB }
}

#[test]
fn whole_parts_in_the_bucket_are_confirmed() {
    let mut play = Play::of(upload(UploadState::Open, [1]));
    let first = play.show();
    let page = vec![
        listed(1, "e", 5),
        listed(2, "cut-short", 4),
        listed(9, "nine", 5),
        listed(10, "ten", 2),
        listed(11, "none-of-ours", 5),
    ];
    play.listed(page, Some(10));
    assert_eq!(play.last.new_parts, [part(9, "nine"), part(10, "ten")]);
    let UploadEffect::ListParts { marker: Some(10), .. } = play.last.effects[0] else {
        panic!("no next page")
    };
    // Another caller in the middle waits for the same listing.
    let call = play.call("list");
    let second = play.show();
    assert_eq!(play.last.effects, []);
    play.happen(UploadEvent::PartsListed { call, page: None });
    assert_eq!(
        (play.told(first), play.told(second)),
        (Some(Ok(UploadDone::Shown)), Some(Ok(UploadDone::Shown)))
    );
}

#[test]
fn a_bucket_that_lists_for_ever_is_asked_ten_times() {
    let mut play = Play::of(upload(UploadState::Open, []));
    let caller = play.show();
    for _ in 0..9 {
        play.listed(vec![], Some(1));
        assert_eq!(play.told(caller), None);
    }
    play.listed(vec![], Some(1));
    assert_eq!((play.told(caller), play.last.effects.len()), (Some(Ok(UploadDone::Shown)), 0));
}

#[test]
fn a_part_that_is_confirmed_during_a_listing_is_newer_than_the_list() {
    let mut play = Play::of(upload(UploadState::Open, [1]));
    play.show();
    let call = play.call("list");
    play.confirm(vec![part(1, "sent-again")]);
    let page = PartPage { parts: vec![listed(1, "e", 5), listed(2, "two", 5)], next_marker: None };
    play.happen(UploadEvent::PartsListed { call, page: Some(page) });
    assert_eq!(play.last.new_parts, [part(2, "two")]);
}

#[test]
fn a_list_that_comes_during_a_completion_changes_nothing() {
    let mut play = Play::of(upload(UploadState::Open, 1..=9));
    let shown = play.show();
    let list = play.call("list");
    play.confirm(vec![part(10, "e")]);
    play.complete();
    let page = PartPage { parts: vec![listed(1, "other", 5)], next_marker: Some(1) };
    play.happen(UploadEvent::PartsListed { call: list, page: Some(page) });
    assert_eq!((play.last.new_parts.len(), play.told(shown)), (0, Some(Ok(UploadDone::Shown))));
    assert_eq!(play.last.effects, []);
}

#[test]
fn nobody_asks_the_bucket_for_parts_that_are_known() {
    for (upload, told) in [
        (whole(UploadState::Open), Ok(UploadDone::Shown)),
        (whole(UploadState::Completing), Ok(UploadDone::Shown)),
        (whole(complete()), Ok(UploadDone::Shown)),
        (upload(UploadState::Aborted, []), Err(UploadRefusal::Aborted)),
    ] {
        let mut play = Play::of(upload);
        let caller = play.show();
        assert_eq!((play.told(caller), play.last.effects.len()), (Some(told), 0));
    }
}

// === Completing ===

#[test]
fn completing_is_stored_before_the_bucket_is_asked() {
    let mut play = Play::of(whole(UploadState::Open));
    let caller = play.complete();
    assert_eq!((play.state(), play.last.persist), (&UploadState::Completing, true));
    play.completed(CompleteReply::PerhapsDone);
    assert!(!play.last.persist);
    play.checked(ours(SIZE));
    assert_eq!((play.state(), play.last.persist, play.told(caller)), (&complete(), true, done()));
    let again = play.complete();
    assert_eq!((play.told(again), play.last.persist, play.last.effects.len()), (done(), false, 0));
}

#[test]
fn missing_parts_are_named() {
    let mut play = Play::of(upload(UploadState::Open, [2, 4]));
    let caller = play.request(|caller| UploadEvent::CompleteRequested { caller, parts: vec![part(1, "e")] });
    let missing = UploadRefusal::PartsMissing { count: 7, first: vec![3, 5, 6, 7, 8, 9, 10] };
    assert_eq!((play.told(caller), play.last.new_parts.len()), (refused(missing), 1));
}

#[test]
fn the_object_decides_whatever_the_bucket_said() {
    for reply in [CompleteReply::PerhapsDone, CompleteReply::Gone, CompleteReply::WrongParts] {
        for (found, told, state) in [
            (ours(SIZE), done(), complete()),
            (UploadedObject::Unknown, refused(UploadRefusal::OutcomeUnknown), UploadState::Completing),
        ] {
            let mut play = Play::of(whole(UploadState::Open));
            let caller = play.complete();
            play.completed(reply);
            play.checked(found);
            assert_eq!((play.told(caller), play.state()), (told, &state), "{reply:?}");
        }
    }
}

#[test]
fn without_the_object_the_bucket_is_believed() {
    for (reply, refusal, state) in [
        (CompleteReply::PerhapsDone, UploadRefusal::OutcomeUnknown, UploadState::Completing),
        (CompleteReply::Gone, UploadRefusal::LostByStorage, UploadState::Aborted),
        (CompleteReply::WrongParts, UploadRefusal::PartsDiffer, UploadState::Open),
    ] {
        let mut play = Play::of(whole(UploadState::Open));
        let caller = play.complete();
        play.completed(reply);
        play.checked(UploadedObject::NotOurs);
        assert_eq!((play.told(caller), play.state()), (refused(refusal), &state), "{reply:?}");
    }
}

#[test]
fn an_object_of_another_size_is_deleted_and_the_upload_is_over() {
    let mut play = Play::of(whole(UploadState::Open));
    let caller = play.complete();
    play.completed(CompleteReply::PerhapsDone);
    play.checked(ours(SIZE - 1));
    play.deleted(true);
    assert_eq!(play.told(caller), refused(UploadRefusal::WrongSize { stored_bytes: SIZE - 1 }));
    assert_eq!(play.state(), &UploadState::Aborted);
}

#[test]
fn a_deletion_that_fails_is_tried_again_by_the_next_request() {
    let mut play = Play::of(whole(UploadState::Completing));
    let caller = play.complete();
    play.checked(ours(SIZE - 1));
    play.deleted(false);
    assert_eq!(play.told(caller), refused(UploadRefusal::OutcomeUnknown));
    play.complete();
    play.checked(ours(SIZE - 1));
    play.call("delete");
}

#[test]
fn after_a_crash_the_object_is_looked_for_first() {
    let mut play = Play::of(whole(UploadState::Completing));
    let caller = play.complete();
    play.checked(ours(SIZE));
    assert_eq!(play.told(caller), done());
    let mut play = Play::of(whole(UploadState::Completing));
    play.complete();
    play.checked(UploadedObject::NotOurs);
    play.completed(CompleteReply::PerhapsDone);
}

#[test]
fn all_who_complete_at_once_get_one_completion() {
    let mut play = Play::of(whole(UploadState::Open));
    let first = play.complete();
    let call = play.call("complete");
    let second = play.complete();
    assert_eq!((play.last.effects.len(), play.told(second)), (0, None));
    play.happen(UploadEvent::CompleteReplied { call, reply: CompleteReply::WrongParts });
    play.checked(UploadedObject::NotOurs);
    for caller in [first, second] {
        assert_eq!(play.told(caller), refused(UploadRefusal::PartsDiffer));
    }
    assert_eq!(play.last.effects, [], "nobody repeats what was refused");
}

#[test]
fn a_late_or_doubled_answer_changes_nothing() {
    let mut play = Play::of(whole(UploadState::Open));
    play.complete();
    let complete = play.call("complete");
    play.completed(CompleteReply::Gone);
    let before = play.upload.clone();
    play.happen(UploadEvent::CompleteReplied { call: complete, reply: CompleteReply::WrongParts });
    play.happen(UploadEvent::ObjectChecked { call: complete, found: UploadedObject::NotOurs });
    assert_eq!(play.upload, before);
}

// === Aborting ===

#[test]
fn an_abort_drops_the_parts_and_then_looks_for_the_object() {
    for state in [UploadState::Open, UploadState::Completing] {
        let mut play = Play::of(whole(state));
        let caller = play.abort();
        play.aborted(true);
        play.checked(UploadedObject::NotOurs);
        assert_eq!((play.told(caller), play.state()), (Some(Ok(UploadDone::Aborted)), &UploadState::Aborted));
        let again = play.abort();
        assert_eq!((play.told(again), play.last.effects.len()), (Some(Ok(UploadDone::Aborted)), 0));
    }
}

#[test]
fn an_abort_never_takes_a_complete_video() {
    let mut play = Play::of(whole(complete()));
    let caller = play.abort();
    assert_eq!(play.told(caller), refused(UploadRefusal::CannotAbortComplete));
    // Nor one of which nobody knew that it is.
    let mut play = Play::of(whole(UploadState::Completing));
    let caller = play.abort();
    play.aborted(true);
    play.checked(ours(SIZE));
    assert_eq!((play.told(caller), play.state()), (refused(UploadRefusal::CannotAbortComplete), &complete()));
}

#[test]
fn an_aborted_object_of_another_size_is_deleted_too() {
    let mut play = Play::of(whole(UploadState::Completing));
    let caller = play.abort();
    play.aborted(true);
    play.checked(ours(7));
    play.deleted(true);
    assert_eq!((play.told(caller), play.state()), (Some(Ok(UploadDone::Aborted)), &UploadState::Aborted));
}

#[test]
fn an_abort_that_the_bucket_does_not_answer_leaves_the_upload_as_it_was() {
    let mut play = Play::of(whole(UploadState::Open));
    let caller = play.abort();
    play.aborted(false);
    assert_eq!(
        (play.told(caller), play.state()),
        (refused(UploadRefusal::OutcomeUnknown), &UploadState::Open)
    );
    let caller = play.abort();
    play.aborted(true);
    play.checked(UploadedObject::Unknown);
    assert_eq!(
        (play.told(caller), play.state()),
        (refused(UploadRefusal::OutcomeUnknown), &UploadState::Open)
    );
}

#[test]
fn an_abort_waits_for_the_completion_that_is_under_way() {
    for (found, told, next) in [
        (ours(SIZE), refused(UploadRefusal::CannotAbortComplete), None),
        (UploadedObject::Unknown, None, Some("abort")),
    ] {
        let mut play = Play::of(whole(UploadState::Open));
        play.complete();
        let call = play.call("complete");
        let caller = play.abort();
        assert_eq!((play.told(caller), play.last.effects.len()), (None, 0));
        play.happen(UploadEvent::CompleteReplied { call, reply: CompleteReply::PerhapsDone });
        play.checked(found);
        assert_eq!(play.told(caller), told);
        if let Some(next) = next {
            play.call(next);
        }
    }
}

#[test]
fn a_completion_waits_for_the_abort_that_is_under_way() {
    let mut play = Play::of(whole(UploadState::Open));
    play.abort();
    let call = play.call("abort");
    let caller = play.complete();
    assert_eq!(play.last.effects, []);
    play.happen(UploadEvent::AbortReplied { call, done: true });
    play.checked(UploadedObject::NotOurs);
    assert_eq!(play.told(caller), refused(UploadRefusal::Aborted));
}

// === Expiry ===

#[test]
fn a_new_upload_is_written_with_its_expiry() {
    let step = create(upload(UploadState::Open, []).record);
    assert_eq!((step.persist, step.alarm), (true, Some(EXPIRES_AT)));
}

#[test]
fn an_unfinished_upload_is_aborted_and_then_forgotten() {
    for state in [UploadState::Open, UploadState::Completing] {
        let mut play = Play::of(whole(state));
        play.now = EXPIRES_AT;
        play.happen(UploadEvent::AlarmFired);
        play.aborted(true);
        play.checked(UploadedObject::NotOurs);
        assert_eq!((&play.last.effects, play.last.alarm), (&vec![UploadEffect::Forget], None));
    }
}

#[test]
fn a_finished_upload_is_forgotten_at_once() {
    for state in [complete(), UploadState::Aborted] {
        let mut play = Play::of(whole(state));
        play.happen(UploadEvent::AlarmFired);
        assert_eq!((play.last.effects.len(), play.last.alarm), (0, Some(EXPIRES_AT)), "too early");
        play.now = EXPIRES_AT;
        play.happen(UploadEvent::AlarmFired);
        assert_eq!(play.last.effects, [UploadEffect::Forget]);
        play.happen(UploadEvent::ForgetFailed);
        assert_eq!(play.last.alarm, Some(EXPIRES_AT + EXPIRY_RETRY_DELAY));
    }
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_again_for_a_week() {
    let mut play = Play::of(whole(UploadState::Open));
    play.now = EXPIRES_AT + DurationMs::minutes(7 * 24 * 60 - 1);
    play.happen(UploadEvent::AlarmFired);
    play.aborted(false);
    assert_eq!((play.last.effects.len(), play.last.alarm), (0, Some(play.now + EXPIRY_RETRY_DELAY)));
    play.now = EXPIRES_AT + DurationMs::minutes(7 * 24 * 60);
    play.happen(UploadEvent::AlarmFired);
    assert_eq!(play.last.effects, [UploadEffect::Forget]);
}

#[test]
fn expiry_waits_for_the_task_that_is_under_way() {
    let mut play = Play::of(whole(UploadState::Open));
    play.complete();
    play.now = EXPIRES_AT;
    play.happen(UploadEvent::AlarmFired);
    assert_eq!((play.last.effects.len(), play.last.alarm), (0, Some(EXPIRES_AT + EXPIRY_RETRY_DELAY)));
}

#[test]
fn whoever_waits_is_answered_before_everything_is_forgotten() {
    let mut play = Play::of(upload(UploadState::Open, [1]));
    let shown = play.show();
    play.now = EXPIRES_AT;
    play.happen(UploadEvent::AlarmFired);
    let call = play.call("abort");
    let aborted = play.abort();
    play.happen(UploadEvent::AbortReplied { call, done: true });
    play.checked(UploadedObject::NotOurs);
    assert_eq!(play.told(shown), refused(UploadRefusal::Aborted));
    assert_eq!(play.told(aborted), Some(Ok(UploadDone::Aborted)));
    assert_eq!(play.last.effects, [UploadEffect::Forget]);
}
