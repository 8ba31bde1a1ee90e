//! Further outputs and a filmstrip: verified with the output, kept with it, deleted with it.

use reel_core::base::object_key::ObjectKey;
use reel_core::job::companions::{Companions, FilmstripFile, WantedCompanions};
use reel_core::job::effect::{JobEffect, Outcome, Step};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::output_media::OutputMedia;
use reel_core::job::state::JobEnd;

use crate::fixture::{JobFixture, claim, present};

/// A job that renders a feed and a coach's output beside the main one, and a filmstrip.
fn rendering() -> JobFixture {
    let mut fixture = JobFixture::rendering();
    let name = |name: &str| name.to_owned().try_into().expect("a name");
    fixture.job.companions =
        WantedCompanions { renditions: vec![name("feed"), name("coach")], filmstrip: true };
    fixture
}

/// What the worker of the current attempt says of them.
fn reported(fixture: &JobFixture) -> Companions {
    let (id, attempt) = (fixture.job.id, fixture.job.attempt);
    let mut companions = fixture.job.companions.expected(id, attempt);
    for (rendition, bytes) in companions.renditions.iter_mut().zip(7..) {
        rendition.bytes = Some(bytes);
        rendition.media = OutputMedia::new(1080, 1080, 30.0, 90, 3_000);
    }
    let layout = FilmstripLayout::of_length((160, 90), 3_000).expect("a layout");
    companions.filmstrip = Some(FilmstripFile { key: ObjectKey::filmstrip(id, attempt), layout, etag: None });
    companions
}

fn completes(fixture: &mut JobFixture, companions: Companions) -> Step {
    let key = fixture.expected_output();
    fixture.callback(Report::Complete { key, poster: None, bytes: Some(9), media: None, companions })
}

fn checked(fixture: &mut JobFixture, companions: Vec<ObjectCheck>) -> Step {
    let (key, poster) = (fixture.expected_output(), ObjectCheck::Missing);
    fixture.apply(JobEvent::OutputChecked { key, output: present(9), poster, companions })
}

fn asked(step: &Step) -> Vec<&ObjectKey> {
    let keys = step.effects.iter().filter_map(|effect| match effect {
        JobEffect::CheckOutput { companions, .. } => Some(companions),
        _ => None,
    });
    keys.flatten().collect()
}

#[test]
fn every_companion_is_verified_and_kept_with_its_tag() {
    let mut fixture = rendering();
    let report = reported(&fixture);
    let step = completes(&mut fixture, report);
    assert_eq!(asked(&step).len(), 5, "two videos, two posters, a filmstrip");
    let found = vec![present(7), present(1), present(8), ObjectCheck::Missing, present(2)];
    let step = checked(&mut fixture, found);
    let Some(JobEnd::Complete { companions, .. }) = step.job.end() else { panic!("{:?}", step.job.state) };
    assert_eq!(companions.renditions[0].etag.as_deref(), Some("\"7\""));
    assert_eq!(companions.renditions[1].poster, None, "it is not there");
    let sheet = ObjectKey::filmstrip(fixture.job.id, 1);
    assert_eq!(step.job.output_etag(sheet.as_str()), Some("\"2\""), "whoever asks for it gets this version");
    let output = step.job.snapshot().output.expect("an output");
    assert_eq!(output.companions.renditions.len(), 2);
}

#[test]
fn an_output_without_all_of_its_companions_is_not_the_result() {
    for found in [
        vec![present(7), present(1), ObjectCheck::Missing, present(1), present(2)],
        vec![present(7), present(1), present(3), present(1), present(2)],
    ] {
        let mut fixture = rendering();
        let report = reported(&fixture);
        completes(&mut fixture, report);
        let step = checked(&mut fixture, found);
        assert_eq!((step.outcome, step.job.attempt), (Outcome::Retrying, 2), "{:?}", step.job.state);
    }
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_again() {
    let mut fixture = rendering();
    let report = reported(&fixture);
    completes(&mut fixture, report);
    assert_eq!(checked(&mut fixture, Vec::new()).outcome, Outcome::Ignored);
    fixture.wait(crate::fixture::TIMEOUTS.check_output_backoff);
    assert_eq!(asked(&fixture.alarm()).len(), 5);
}

#[test]
fn without_a_report_the_keys_of_the_attempt_are_looked_up() {
    let mut fixture = rendering();
    let key = fixture.expected_output();
    let reply = reel_core::job::gpu_service::StatusReply::Completed(Some(key.as_str().to_owned()));
    let step = fixture.status_reply(reply);
    assert_eq!(asked(&step).len(), 4, "nobody knows how a filmstrip is divided");
    let report = reported(&fixture);
    assert_eq!(
        completes(&mut fixture, report).outcome,
        Outcome::Ignored,
        "it says nothing of the main output"
    );
    let step = checked(&mut fixture, vec![present(7), present(1), present(8), present(1)]);
    let Some(JobEnd::Complete { companions, .. }) = step.job.end() else { panic!("{:?}", step.job.state) };
    assert_eq!((companions.renditions.len(), &companions.filmstrip), (2, &None));
}

#[test]
fn what_comes_too_late_is_deleted_and_the_result_is_kept() {
    let mut fixture = rendering();
    fixture.apply(JobEvent::CancelRequested);
    let (id, report) = (fixture.job.id, reported(&fixture));
    let step = completes(&mut fixture, report);
    let deleted = step.effects.iter().find_map(|effect| match effect {
        JobEffect::DeleteObjects { keys } => Some(keys.clone()),
        _ => None,
    });
    let mut expected = vec![ObjectKey::output(id, 1), ObjectKey::poster(id, 1)];
    expected.extend(fixture.job.companions.keys(id, 1));
    assert_eq!(deleted, Some(expected));

    let mut fixture = rendering();
    fixture.callback(Report::Error {
        code: ErrorCode::GpuError,
        sentence: "It broke.".to_owned(),
        retryable: true,
    });
    fixture.callback(claim("b-u1"));
    let report = reported(&fixture);
    completes(&mut fixture, report);
    checked(&mut fixture, vec![present(7), present(1), present(8), present(1), present(2)]);
    fixture.wait(crate::fixture::TIMEOUTS.worker_url_lifetime).wait(crate::fixture::TIMEOUTS.late_put_grace);
    let kept = fixture.alarm().effects.into_iter().find_map(|effect| match effect {
        JobEffect::SweepOutputs { keep } => Some(keep),
        _ => None,
    });
    assert_eq!(kept.map(|keys| keys.len()), Some(6), "the output and five companions");
}

#[test]
fn a_render_that_took_too_long_says_so_when_an_output_is_missing() {
    let mut fixture = rendering();
    fixture.wait(crate::fixture::TIMEOUTS.execution_timeout);
    fixture.alarm();
    let found = vec![present(7), present(1), ObjectCheck::Missing, ObjectCheck::Missing];
    let step = checked(&mut fixture, found);
    let sentence = ErrorCode::ExecutionTimeout.default_message();
    assert_eq!(step.job.snapshot().message, format!("Retrying (attempt 2/3): {sentence}"));
}
