use std::time::Duration;

use super::plan::WebhookFaults;
use super::worker::WorkerFaults;
use super::*;

fn input(attempt: u32, kind: &str, job: u32) -> Box<RawValue> {
    let json = format!(
        r#"{{"job_id":"3f2b8c1e-9d4a-4c77-8a5e-{job:012}","attempt":{attempt},"type":"{kind}","other":1}}"#
    );
    RawValue::from_string(json).unwrap()
}

fn injector(rules: &str) -> FaultInjector {
    FaultInjector::parse(&format!(r#"{{"seed":7,"rules":[{rules}]}}"#)).unwrap()
}

#[test]
fn without_a_script_nothing_fails() {
    let plan = FaultInjector::default().plan(&input(1, "overlay", 1));
    assert_eq!(plan.worker_faults(1), WorkerFaults::default());
    assert_eq!(plan.webhook(), WebhookFaults::default());
    assert_eq!(plan.scripted_response(Endpoint::Run), None);
    assert!(!plan.never_starts() && !plan.returns_not_found(Duration::ZERO, None) && !plan.runs_twice(1));
}

#[test]
fn a_rule_applies_to_its_attempt_and_type_and_no_other() {
    let injector = injector(
        r#"{"when":{"attempt":1,"type":"overlay"},"faults":[{"fault":"crash_at","percent":60}]},
           {"when":{"attempt":2},"faults":[{"fault":"fake_render","ms":5}]}"#,
    );
    assert_eq!(injector.plan(&input(1, "overlay", 1)).worker_faults(1).crash_at, Some(60.0));
    assert_eq!(injector.plan(&input(1, "framing", 2)).worker_faults(1), WorkerFaults::default());
    let second = injector.plan(&input(2, "overlay", 1)).worker_faults(1);
    assert_eq!((second.crash_at, second.fake_render), (None, Some(Duration::from_millis(5))));
    assert_eq!(injector.plan(&input(3, "overlay", 1)).worker_faults(1), WorkerFaults::default());
}

#[test]
fn a_rule_may_apply_to_the_first_run_only() {
    let plan =
        injector(r#"{"when":{"run":1},"faults":[{"fault":"crash_at","percent":5},{"fault":"lost_result"}]}"#)
            .plan(&input(1, "overlay", 1));
    assert_eq!(plan.worker_faults(1).crash_at, Some(5.0));
    assert!(plan.loses_result(1));
    assert_eq!(plan.worker_faults(2), WorkerFaults::default());
    assert!(!plan.loses_result(2));
}

#[test]
fn a_response_is_given_as_often_as_the_script_says_over_all_submissions_of_the_attempt() {
    let injector = injector(
        r#"{"faults":[{"fault":"answer","to":"run","http":429,"headers":{"retry-after":"1"},"times":2},
                      {"fault":"answer","to":"status","http":502,"body":"<html>"}]}"#,
    );
    let answers: Vec<Option<u16>> = (0..3)
        .map(|_| {
            injector.plan(&input(1, "overlay", 1)).scripted_response(Endpoint::Run).map(|canned| canned.http)
        })
        .collect();
    assert_eq!(answers, [Some(429), Some(429), None]);
    let plan = injector.plan(&input(1, "overlay", 1));
    assert_eq!(plan.scripted_response(Endpoint::Status).unwrap().body, "<html>");
    assert_eq!(plan.scripted_response(Endpoint::Status), None);
    assert_eq!(plan.scripted_response(Endpoint::Cancel), None);
    assert!(injector.plan(&input(2, "overlay", 1)).scripted_response(Endpoint::Run).is_some());
}

#[test]
fn chance_is_drawn_once_per_attempt_and_repeats_with_the_seed() {
    let rule = r#"{"chance":0.3,"faults":[{"fault":"stuck_in_queue"}]}"#;
    let draw = |injector: &FaultInjector| -> Vec<bool> {
        (0..200).map(|job| injector.plan(&input(1, "overlay", job)).never_starts()).collect()
    };
    let first = injector(rule);
    let drawn = draw(&first);
    assert_eq!(draw(&first), drawn, "a second submission gets the same faults");
    assert_eq!(draw(&injector(rule)), drawn, "the same seed draws the same faults");
    let hits = drawn.iter().filter(|hit| **hit).count();
    assert!((30..=90).contains(&hits), "{hits} of 200 at 0.3");
}

#[test]
fn status_may_be_404_or_false_for_a_time() {
    let plan = injector(
        r#"{"faults":[{"fault":"not_found_for","ms":1000},{"fault":"forgotten_after","ms":500},
                      {"fault":"lying_status","status":404,"for_ms":2000}]}"#,
    )
    .plan(&input(1, "overlay", 1));
    let ms = Duration::from_millis;
    assert!(plan.returns_not_found(ms(999), None));
    assert!(!plan.returns_not_found(ms(1000), None));
    assert!(plan.returns_not_found(ms(1500), Some(ms(500))));
    assert_eq!(plan.status_override(ms(1999)).unwrap().status, 404);
    assert_eq!(plan.status_override(ms(2000)), None);
}

#[test]
fn every_fault_is_parsed_and_named_in_the_help() {
    for fault in [
        r#""answer","to":"cancel","http":500"#,
        r#""submit_times_out","hold_ms":9"#,
        r#""stuck_in_queue""#,
        r#""scaled_to_zero""#,
        r#""truncated_output""#,
        r#""refused_poster""#,
        r#""not_found_for","ms":1"#,
        r#""lying_status","status":"COMPLETED","output":{},"error":"x","for_ms":1"#,
        r#""forgotten_after","ms":1"#,
        r#""lost_result""#,
        r#""run_twice""#,
        r#""webhook_lost""#,
        r#""webhook_doubled""#,
        r#""webhook_delayed","ms":1"#,
        r#""webhook_lies","status":"COMPLETED""#,
        r#""crash_at","percent":99"#,
        r#""hang_at","percent":0"#,
        r#""fail","code":"gpu_out_of_memory","sentence":"Too big.""#,
        r#""fake_render","ms":1"#,
        r#""silent_progress""#,
        r#""shuffled_progress""#,
        r#""lost_complete""#,
        r#""lost_error""#,
        r#""duplicate_complete""#,
        r#""progress_after_complete""#,
        r#""complete_without_output""#,
        r#""empty_output""#,
    ] {
        injector(&format!(r#"{{"faults":[{{"fault":{fault}}}]}}"#));
        let name = fault.split('"').nth(1).unwrap();
        assert!(HELP.contains(name), "{name}");
    }
}

#[test]
fn the_script_in_the_help_is_valid() {
    let start = HELP.find("{\"seed\"").unwrap();
    let end = HELP.find("}]}]}").unwrap() + "}]}]}".len();
    FaultInjector::parse(&HELP[start..end]).unwrap();
}

#[test]
fn mistakes_in_a_script_are_named() {
    for (script, sentence) in [
        (r#"{"rules":[{"faults":[{"fault":"crash"}]}]}"#, "unknown variant `crash`"),
        (
            r#"{"rules":[{"faults":[{"fault":"crash_at","percent":100}]}]}"#,
            "percent must be between 0 and 99",
        ),
        (r#"{"rules":[{"chance":2,"faults":[]}]}"#, "chance must be between 0 and 1"),
        (r#"{"rules":[{"when":{"atempt":1},"faults":[]}]}"#, "unknown field `atempt`"),
        (r#"{"rule":[]}"#, "unknown field `rule`"),
        (r#"{"rules":[{"faults":[{"fault":"answer","to":"run","http":42}]}]}"#, "http must be"),
    ] {
        let error = FaultInjector::parse(script).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
}
