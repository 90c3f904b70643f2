//! Each violation, made by hand, is reported, and nothing else is.

use super::*;
use crate::calls::Failure;
use crate::evidence::parse;

const CALM: &str = "\
start pre-backup R 0 1
end pre-backup R 0 1
start pre-backup.10-plain R 0 2
end pre-backup.10-plain R 0 2
start freeze R 0 3
handed freeze R 0 3
end freeze R 0 3
start work R 0 4
end work R 0 4
start undo-freeze R 0 5
end undo-freeze R 0 5
start undo-pre-backup R 0 6
end undo-pre-backup R 0 6
start post-backup R 0 7
end post-backup R 0 7
start tell R 0 8
end tell R 0 8
";

fn summary(status: &str, hooks: &str) -> Vec<u8> {
    format!(r#"{{"job":"backup","run_id":"R","exit_code":0,"status":"{status}","hooks":[{hooks}]}}"#).into_bytes()
}

/// A run in which all is well.
fn calm() -> Facts {
    Facts {
        scenario: Scenario::Backup,
        deed: None,
        role: String::new(),
        on_console: false,
        on_journal: false,
        code: 0,
        hung: Vec::new(),
        said: "✅ Backup Successful\n".to_owned(),
        evidence: parse(CALM),
        before: Some(b"earlier".to_vec()),
        summary: [Some(summary("success", "")), Some(summary("success", ""))],
        metrics: [None, Some("# HELP a\na{b=\"c d\"} 1\n".to_owned())],
        kind_of_recovery: Recovery::Command,
        recovery: Ended::default(),
        second: Some((Ended::default(), Vec::new())),
        held_locks: Vec::new(),
        left: Vec::new(),
        strange_files: Vec::new(),
        registered: Vec::new(),
    }
}

/// Asserts that this change of a calm run gives just this violation.
#[track_caller]
fn gives(beginning: &str, change: impl FnOnce(&mut Facts)) {
    let mut facts = calm();
    change(&mut facts);
    let found = check(&facts);
    assert!(found.len() == 1 && found[0].starts_with(beginning), "{beginning}: {found:#?}");
}

fn without(facts: &mut Facts, lines: &[&str]) {
    facts.evidence = parse(
        &CALM
            .lines()
            .filter(|line| !lines.iter().any(|gone| line.starts_with(gone)))
            .fold(String::new(), |text, line| text + line + "\n"),
    );
}

fn with(facts: &mut Facts, after: &str, lines: &str) {
    assert!(CALM.contains(after));
    facts.evidence = parse(&CALM.replace(after, &format!("{after}{lines}")));
}

#[test]
fn a_calm_run_violates_nothing() {
    assert_eq!(check(&calm()), [""; 0]);
}

#[test]
fn an_undo_that_is_missing_or_was_cut_short() {
    for gone in [&["start undo-freeze", "end undo-freeze"][..], &["end undo-freeze"]] {
        let mut facts = calm();
        without(&mut facts, gone);
        let found = check(&facts);
        assert!(
            found.contains(&"undo: freeze was started, and undo-freeze has not run to its end".to_owned()),
            "{found:?}"
        );
        assert!(found.iter().any(|one| one.starts_with("order: tell")), "{found:?}");
    }
}

#[test]
fn a_hook_that_has_not_even_ended_is_to_be_undone() {
    let mut facts = calm();
    facts.evidence =
        parse("start freeze R 0 3\nstart post-backup R 1 7\nend post-backup R 1 7\nstart tell R 1 8\nend tell R 1 8\n");
    assert!(check(&facts).iter().any(|one| one.starts_with("undo: freeze was started")));
}

#[test]
fn an_undo_that_was_cut_short_and_made_up_for_is_fine() {
    let mut facts = calm();
    with(&mut facts, "end work R 0 4\n", "start undo-freeze R 0 55\n");
    assert_eq!(check(&facts), [""; 0]);
}

#[test]
fn an_undo_beside_itself_or_beside_its_hook() {
    gives("at the same time: undo-freeze was started again", |facts| {
        with(facts, "start undo-freeze R 0 5\n", "start undo-freeze R 0 55\nend undo-freeze R 0 55\n");
    });
    gives("at the same time: undo-freeze started while", |facts| {
        with(facts, "start undo-freeze R 0 5\n", "twice undo-freeze R 0 5\n");
    });
    gives("undo: undo-freeze started while freeze was still running", |facts| {
        with(facts, "start undo-freeze R 0 5\n", "late freeze R 0 3\n");
    });
}

#[test]
fn an_undo_while_the_work_goes_on() {
    let early =
        |facts: &mut Facts| with(facts, "start work R 0 4\n", "start undo-freeze R 0 9\nend undo-freeze R 0 9\n");
    gives("undo: undo-freeze ran while the work went on", early);
    let mut facts = calm();
    early(&mut facts);
    facts.scenario = Scenario::Hold;
    assert_eq!(check(&facts), [""; 0]);
}

#[test]
fn a_post_hook_that_is_missing_or_comes_too_early() {
    gives("post hooks: tell has not run", |facts| without(facts, &["start tell", "end tell"]));
    gives("post hooks: tell has not run", |facts| without(facts, &["end tell"]));
    gives("order: tell started before undo-freeze", |facts| {
        with(facts, "end work R 0 4\n", "start tell R 0 88\nend tell R 0 88\n");
        facts.evidence.retain(|line| line.pid != "8");
        facts.evidence.sort_by_key(|line| u8::from(line.pid != "6" && line.name == "undo-pre-backup"));
        let place = facts.evidence.iter().position(|line| line.pid == "88").expect("is there");
        let undo: Vec<Line> = facts.evidence.iter().filter(|line| line.pid == "6").cloned().collect();
        facts.evidence.retain(|line| line.pid != "6");
        facts.evidence.splice(place..place, undo);
    });
}

#[test]
fn a_post_hook_that_failed_by_the_very_deed_and_is_recorded_so_is_excused() {
    let mut facts = calm();
    without(&mut facts, &["end tell"]);
    facts.deed = Some(Deed::Fail(Failure::Error("EAGAIN", libc::EAGAIN)));
    facts.role = "worker".to_owned();
    facts.summary = [None, Some(summary("warning", r#"{"name":"tell","status":"failed"}"#))]
        .map(|it| it.or(Some(b"earlier".to_vec())));
    facts.said = "❌ Hook tell failed\n".to_owned();
    assert_eq!(check(&facts), [""; 0]);
    facts.deed = Some(Deed::All);
    facts.code = 137;
    assert_eq!(check(&facts), ["post hooks: tell has not run to its end"]);
}

#[test]
fn an_undo_that_the_run_could_not_know_of_is_excused_if_the_run_says_that_something_is_wrong() {
    let mut facts = calm();
    without(&mut facts, &["start undo-pre-backup", "end undo-pre-backup"]);
    facts.deed = Some(Deed::Fail(Failure::Error("EIO", libc::EIO)));
    facts.role = "keeper".to_owned();
    facts.said = "❌ hooks.yaml cannot be read\n".to_owned();
    facts.summary[1] = Some(summary("warning", r#"{"name":"pre-backup","status":"completed"}"#));
    assert_eq!(check(&facts), [""; 0]);
    facts.summary[1] = Some(summary("success", r#"{"name":"pre-backup","status":"completed"}"#));
    assert!(check(&facts).iter().any(|one| one.starts_with("undo: pre-backup was started")));
}

#[test]
fn what_hooks_themselves_find_wrong() {
    gives("lock: nobody held", |facts| with(facts, "start tell R 0 8\n", "unlocked tell R 0 8\n"));
    // Keeper and worker of a recovery are killed, and the hook that is ended looks; it runs again, under a lock.
    let both = |lines: &str| {
        let mut facts = Facts { deed: Some(Deed::Both), ..calm() };
        facts.evidence = parse(&CALM.replace("start undo-freeze R 0 5\n", lines));
        check(&facts)
    };
    let ended = "start undo-freeze R 1 9\nunlocked undo-freeze R 1 9\n";
    assert_eq!(both(&format!("{ended}start undo-freeze R 1 5\n")), [""; 0]);
    assert!(both("start undo-freeze R 1 5\nunlocked undo-freeze R 1 5\n")[0].starts_with("lock: nobody held"));
    gives("summary: that which tell", |facts| with(facts, "start tell R 0 8\n", "strange tell R 0 8\n"));
    gives("values: undo-freeze did not get", |facts| {
        with(facts, "start undo-freeze R 0 5\n", "lacks undo-freeze R 0 5\n");
    });
    // Nothing waits for the disk within the hold window; whoever was killed has written all the same.
    for (deed, role, scenario, count) in [
        (Deed::Power, "worker", Scenario::Backup, 0),
        (Deed::Power, "worker", Scenario::Recovery, 1),
        (Deed::All, "worker", Scenario::Backup, 1),
    ] {
        let mut facts = Facts { deed: Some(deed), role: role.to_owned(), scenario, ..calm() };
        with(&mut facts, "start undo-freeze R 0 5\n", "lacks undo-freeze R 0 5\n");
        let found = check(&facts);
        assert_eq!(found.iter().filter(|one| one.starts_with("values: ")).count(), count, "{deed:?}: {found:?}");
    }
    gives("recovery: one that the work asked for", |facts| with(facts, "start work R 0 4\n", "recover 1 work R 0 4\n"));
}

#[test]
fn what_is_left() {
    gives("lock: cron.lock", |facts| facts.held_locks.push("cron.lock".to_owned()));
    gives("processes: left is", |facts| facts.left.push("7 sleep".to_owned()));
    gives("files: left is", |facts| facts.strange_files.push("log/.x.tmp".to_owned()));
    gives("files: run R is still registered", |facts| facts.registered.push("R".to_owned()));
    gives("hangs: ", |facts| facts.hung.push("boathook in futex".to_owned()));
}

#[test]
fn half_files() {
    gives("summary: not whole", |facts| facts.summary[0] = Some(br#"{"job":"ba"#.to_vec()));
    gives("summary: not whole", |facts| facts.summary[0] = Some(Vec::new()));
    gives("summary: the earlier one is gone", |facts| facts.summary[0] = None);
    gives("metrics: not whole", |facts| facts.metrics[0] = Some(String::new()));
    gives("metrics: not whole", |facts| facts.metrics[1] = Some("a 1\nb".to_owned()));
}

#[test]
fn exit_codes() {
    gives("exit code: 3", |facts| {
        facts.code = 3;
        facts.summary = [Some(b"earlier".to_vec()), Some(summary("success", ""))];
        facts.said = "❌\n".to_owned();
    });
    gives("exit code: 0, and the summary says 1", |facts| {
        facts.summary[0] =
            Some(String::from_utf8_lossy(&summary("success", "")).replace("code\":0", "code\":1").into_bytes());
    });
    gives("exit code: 101", |facts| {
        facts.deed = Some(Deed::Fail(Failure::Short));
        facts.code = 101;
        facts.summary[0] = None;
        facts.before = None;
        facts.said = "❌\n".to_owned();
    });
    assert!(known_codes().contains(&137) && !known_codes().contains(&101));
}

#[test]
fn recoveries() {
    gives("recovery: ended with 1", |facts| facts.recovery.code = 1);
    gives("recovery: a second one ended with 1", |facts| {
        facts.second = Some((Ended { code: 1, ..Ended::default() }, Vec::new()));
    });
    gives("recovery: a second one still found", |facts| {
        facts.second = Some((Ended::default(), parse("start undo-freeze R 1 9\n")));
    });
}

#[test]
fn what_is_said() {
    gives("panic: ", |facts| facts.said = "thread 'main' panicked at x.rs:1\nno\n".to_owned());
    let of_appender = "thread 'main' panicked at worker.rs:90:14:\nfailed to spawn `tracing-appender` thread\n";
    gives("panic: ", |facts| facts.said = of_appender.to_owned());
    let deed = Some(Deed::Fail(Failure::Short));
    let said = |said: String| Facts { deed, said, ..calm() };
    assert_eq!(check(&said(of_appender.to_owned())), [""; 0]);
    assert!(check(&said(format!("{of_appender}thread 'main' panicked at x.rs:1\nno\n"))).len() == 1);
    gives("message: ", |facts| facts.summary[1] = Some(summary("warning", "")));
    gives("message: ", |facts| facts.on_journal = true);
}
