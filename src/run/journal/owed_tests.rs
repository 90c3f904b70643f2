//! What is owed, rule by rule.

use super::super::debts::Debt;
use super::super::state::{Record, WorkEnd};
use super::super::trial::Trial;
use super::fixture::{at, noted, plan, record, state, trial};
use super::{Owed, is_settled, may_have_started, owed};
use crate::hooks::{OnError, Plan};
use crate::report::Status;
use std::path::PathBuf;

fn sentences(records: &[Record], trial: Option<&Trial>) -> Vec<String> {
    owed(&plan(), &state(records.iter().cloned()), trial).iter().map(Owed::sentence).collect()
}

/// What a run owes beside its undos as long as nothing came after them.
const REST: [&str; 4] = ["the summary", "the post hook 'tell'", "the post hook 'clean'", "the notification"];

fn and_the_rest(undos: &[&str]) -> Vec<String> {
    undos.iter().chain(&REST).map(|word| (*word).to_owned()).collect()
}

/// A run whose pre hooks have all ended well, up to the end of its work.
fn worked() -> Vec<Record> {
    let end = WorkEnd { started: true, finished_at: Some(at("2026-05-11T07:31:00Z")), ..WorkEnd::default() };
    let mut records = vec![Record::Begun];
    records.extend((0..3).map(|place| noted(place, "completed")));
    records.extend([Record::WorkStarted(at("2026-05-11T07:30:01Z")), Record::WorkEnded(Box::new(end))]);
    records
}

/// A run that has gone all its way.
fn done() -> Vec<Record> {
    let mut records = worked();
    records.extend([noted(3, "completed"), noted(4, "completed"), Record::SummaryWritten]);
    records.extend([noted(5, "completed"), noted(6, "skipped")]);
    records.extend([Record::Sealed(0), Record::SummaryWritten, Record::Notified(Status::Success)]);
    records
}

#[test]
fn a_run_that_has_not_begun_owes_nothing() {
    let debt = Debt::File(PathBuf::from("/x"));
    assert_eq!(sentences(&[], None), [""; 0]);
    assert_eq!(sentences(&[noted(1, "running"), Record::Owes(debt)], None), [""; 0]);
}

#[test]
fn a_run_that_has_gone_its_way_is_settled_and_not_a_step_earlier() {
    let all = done();
    assert!(is_settled(&plan(), &state(all.clone()), None));
    for steps in 1..all.len() {
        assert!(!is_settled(&plan(), &state(all[..steps].to_vec()), None), "{steps}: {:?}", all[steps - 1]);
    }
}

#[test]
fn what_is_owed_stands_in_the_order_in_which_it_is_done() {
    let mut records = worked();
    records.push(Record::Owes(Debt::Mount(PathBuf::from("/mnt/x"))));
    records.push(Record::Owes(Debt::Folder(PathBuf::from("/tmp/x"))));
    records.push(Record::Owes(Debt::File(PathBuf::from("/tmp/y"))));
    let expected = [
        "the undo of 'freeze-fs' (undo-freeze-fs)",
        "the undo of 'freeze-db' (undo-freeze-db)",
        "the end of the mount at /mnt/x",
        "the removal of the folder /tmp/x",
        "the removal of the file /tmp/y",
    ];
    assert_eq!(sentences(&records, None), and_the_rest(&expected));
    records.push(Record::Paid(Debt::Folder(PathBuf::from("/tmp/x"))));
    assert!(!sentences(&records, None).iter().any(|one| one.contains("folder")));
    // It has been paid by somebody who then died: nothing else is open.
    let mut records = done();
    let debt = Debt::Mount(PathBuf::from("/mnt/x"));
    records.push(Record::Owes(debt.clone()));
    assert_eq!(owed(&plan(), &state(records.clone()), None), [Owed::Debt(debt.clone())]);
    records.push(Record::Paid(debt));
    assert!(is_settled(&plan(), &state(records), None));
}

#[test]
fn an_undo_is_owed_by_a_hook_that_was_started_and_until_it_has_ended_well() {
    // However the hook ended.
    for how in ["running", "completed", "failed", "timed_out"] {
        let mut records = worked();
        records[2] = noted(1, how);
        records.push(noted(3, "completed"));
        assert_eq!(sentences(&records, None), and_the_rest(&["the undo of 'freeze-db' (undo-freeze-db)"]), "{how}");
    }
    // Not by one that was skipped, or could not be started.
    let mut records = worked();
    records[2] = noted(1, "skipped");
    records[3] = Record::Hook(2, Box::new(crate::report::HookRecord { attempts: 0, ..record("freeze-fs", "failed") }));
    assert_eq!(sentences(&records, None), and_the_rest(&[]));
    for (how, expected) in [
        ("running", Some("the undo of 'freeze-fs' (undo-freeze-fs)")),
        ("failed", Some("the undo of 'freeze-fs' (undo-freeze-fs), which failed")),
        ("timed_out", Some("the undo of 'freeze-fs' (undo-freeze-fs), which failed")),
        ("completed", None),
        ("skipped", None),
    ] {
        let mut records = done();
        records.push(noted(3, how));
        let undos: Vec<String> = sentences(&records, None).into_iter().filter(|one| one.contains("undo")).collect();
        assert_eq!(undos, expected.into_iter().collect::<Vec<_>>(), "{how}");
    }
}

#[test]
fn an_undo_that_failed_stays_owed_when_all_else_is_done() {
    let mut records = done();
    records.extend([noted(4, "failed"), Record::Notified(Status::Warning)]);
    let expected = Owed::Undo {
        place: 4,
        hook: "freeze-db".to_owned(),
        undo: "undo-freeze-db".to_owned(),
        maybe: false,
        failed: true,
    };
    assert_eq!(owed(&plan(), &state(records), None), [expected]);
}

#[test]
fn a_hook_whose_start_is_not_noted_may_have_been_started() {
    let maybe = |name: &str| format!("the undo of '{name}' (undo-{name}): the hook may have been started");
    let fs = maybe("freeze-fs");
    let begun = vec![Record::Begun, noted(0, "completed")];
    // The first one that has an undo waits for the disk.
    assert_eq!(sentences(&begun, None), and_the_rest(&[]));
    let with = |more: Vec<Record>| [begun.clone(), more].concat();
    let db = "the undo of 'freeze-db' (undo-freeze-db)";
    assert_eq!(sentences(&with(vec![noted(1, "running")]), None), and_the_rest(&[&fs, db]));
    // A later step says that it was not.
    assert_eq!(
        sentences(&with(vec![noted(2, "running")]), None),
        and_the_rest(&["the undo of 'freeze-fs' (undo-freeze-fs)"])
    );
    for later in [
        Record::WorkStarted(at("2026-05-11T07:30:01Z")),
        Record::WorkEnded(Box::default()),
        Record::CalledOff("no".to_owned()),
    ] {
        assert_eq!(sentences(&with(vec![later.clone()]), None), and_the_rest(&[]), "{later:?}");
    }
    // A post hook that is known and a seal, too.
    for later in [noted(5, "skipped"), Record::Sealed(1)] {
        let found = sentences(&with(vec![later.clone()]), None);
        assert!(!found.iter().any(|one| one.contains("undo")), "{later:?}: {found:?}");
    }
    // What another process notes meanwhile, and what comes of the worker's death, is no later step.
    for other in [
        Record::HeldTooLong("freeze-db".to_owned()),
        Record::Died(9),
        Record::Interrupted(15),
        Record::Trouble("x".to_owned()),
        noted(4, "completed"),
    ] {
        let found = sentences(&with(vec![noted(1, "failed"), other.clone()]), None);
        assert_eq!(found[0], fs, "{other:?}");
    }
}

#[test]
fn a_pre_hook_without_an_undo_may_have_started_and_owes_none() {
    let known = state([Record::Begun]);
    assert!(!may_have_started(&plan(), &known, None, 0));
    assert!(!may_have_started(&plan(), &known, None, 3), "is an undo");
    assert!(!may_have_started(&plan(), &known, None, 99), "is none");
    assert!(!owed(&plan(), &known, None).iter().any(|one| one.sentence().contains("'dump'")));
}

#[test]
fn a_post_hook_is_owed_until_it_has_ended_or_is_skipped() {
    for (how, is_owed) in
        [("running", true), ("completed", false), ("failed", false), ("timed_out", false), ("skipped", false)]
    {
        let mut records = worked();
        records.extend([noted(3, "completed"), noted(4, "completed"), noted(5, how)]);
        assert_eq!(sentences(&records, None).contains(&"the post hook 'tell'".to_owned()), is_owed, "{how}");
    }
}

#[test]
fn the_summary_is_owed_until_it_is_written_and_the_run_sealed() {
    let without = |left_out: fn(&Record) -> bool| {
        let records: Vec<Record> = done().into_iter().filter(|record| !left_out(record)).collect();
        sentences(&records, None)
    };
    assert_eq!(without(|record| matches!(record, Record::SummaryWritten)), ["the summary"]);
    assert_eq!(without(|record| matches!(record, Record::Sealed(_))), ["the summary"]);
}

#[test]
fn a_notification_of_how_the_run_did_not_end_is_followed_by_another() {
    let mut records = done();
    records.push(Record::Notified(Status::Failure));
    assert_eq!(sentences(&records, None), ["the notification"]);
    records.push(Record::Notified(Status::Success));
    assert!(sentences(&records, None).is_empty());
}

#[test]
fn a_run_that_was_cancelled_owes_its_summary_alone() {
    let mut records = vec![Record::Begun, Record::Cancelled(Vec::new())];
    assert_eq!(sentences(&records, None), ["the summary"]);
    records.extend([Record::Interrupted(2), Record::SummaryWritten, Record::Sealed(130)]);
    assert!(sentences(&records, None).is_empty());
}

#[test]
fn a_trial_owes_neither_summary_nor_notification() {
    let undos = ["the undo of 'freeze-fs' (undo-freeze-fs)", "the undo of 'freeze-db' (undo-freeze-db)"];
    let posts = ["the post hook 'tell'", "the post hook 'clean'"];
    let all = trial();
    assert_eq!(sentences(&worked(), Some(&all)), [undos, posts].concat());
    assert_eq!(sentences(&worked(), Some(&Trial { post: false, ..all.clone() })), undos);
    assert_eq!(sentences(&worked(), Some(&Trial { keep: true, ..all.clone() })), posts);
    // Of post hooks alone: no pre hook was started.
    assert_eq!(sentences(&[Record::Begun], Some(&Trial { pre: false, ..all.clone() })), posts);
    let kept = Trial { keep: true, post: false, ..all };
    assert!(is_settled(&plan(), &state(worked()), Some(&kept)));
}

#[test]
fn a_failure_of_a_recovery_hides_no_hook_that_may_have_been_started() {
    // What was running when the run died is noted as failed by who takes over, before anything else.
    let mut plan: Plan = plan();
    plan.pre[1].on_error = OnError::Fail;
    plan.pre[1].stop_phase_on_error = true;
    let known = state([Record::Begun, noted(0, "completed"), noted(1, "failed")]);
    assert!(may_have_started(&plan, &known, None, 2));
}
