//! `restore` with a person at the terminal: every question, every answer, every way out.

use crate::stand_in;
use crate::support::{BOATHOOK, Sandbox, wait_for};
use crate::terminal::AtTerminal;
use crate::trees::files;
use std::fs;
use std::os::unix::fs::symlink;

const SNAPSHOT: &str = "Snapshot to restore [index 1-2 or short-id, default=latest, q=quit]: ";
pub const DRY_RUN: &str = "Dry-run first? [Y/n/q]: ";
pub const PROCEED: &str = "Proceed? [y/N/q]: ";

pub fn target_question(sandbox: &Sandbox) -> String {
    format!("Restore target [{}, q=quit]: ", sandbox.path("restore").display())
}

/// A restic with dry runs, two snapshots, and hooks that note that they ran.
pub fn scene() -> Sandbox {
    let mut sandbox = Sandbox::new();
    stand_in::newer(&mut sandbox);
    noting_hooks(&sandbox);
    sandbox
}

fn noting_hooks(sandbox: &Sandbox) {
    sandbox.hook("pre-restore.sh", "echo pre $RUN_TARGET >> $T/notes");
    sandbox.hook("post-restore.sh", "echo post $1 $RUN_STATUS $RUN_TARGET >> $T/notes");
}

/// The first `count` questions are answered with Enter; gives the next question.
pub fn up_to(sandbox: &Sandbox, person: &mut AtTerminal, count: usize) -> String {
    let questions = [SNAPSHOT.to_owned(), target_question(sandbox), DRY_RUN.to_owned(), PROCEED.to_owned()];
    for question in &questions[..count] {
        person.answers(question, "");
    }
    questions[count].clone()
}

/// Nothing was begun: no hook ran, restic restored nothing, the lock is free.
#[track_caller]
fn assert_not_begun(sandbox: &Sandbox) {
    assert_eq!(sandbox.notes(), "", "a hook ran");
    assert!(!sandbox.engine_log().contains("restore "), "{}", sandbox.engine_log());
    assert!(!sandbox.path("restore").exists(), "the target was made");
    assert!(!sandbox.is_locked("restore.lock"));
    assert_eq!(files(&sandbox.path("run/runs")), [""; 0]);
    sandbox.expect_no_process();
}

/// Nor was anything of it written down.
#[track_caller]
pub fn assert_not_recorded(sandbox: &Sandbox) {
    assert_not_begun(sandbox);
    assert_eq!(files(&sandbox.path("log")), [""; 0]);
}

/// The summary of a restore that the person called off.
#[track_caller]
fn assert_cancelled(sandbox: &Sandbox, snapshot: &str, target: &str) {
    let summary = sandbox.summary("restore");
    let object = summary.as_object().expect("is an object");
    let keys: Vec<&str> = object.keys().map(String::as_str).skip(6).take(5).collect();
    assert_eq!(keys, ["repository", "snapshot", "target", "cancelled", "exit_code"]);
    assert_eq!((&summary["snapshot"], &summary["target"]), (&snapshot.into(), &target.into()));
    assert_eq!((&summary["cancelled"], &summary["exit_code"]), (&"true".into(), &130.into()));
    assert_eq!(summary["status"], "interrupted");
    assert!(summary["last_success_at"].is_null());
}

#[test]
fn enter_at_every_question_is_a_dry_run_that_is_called_off() {
    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    let last = up_to(&sandbox, &mut person, 3);
    let preview = person.expect(&last);
    let target = sandbox.path("restore").display().to_string();
    assert_eq!(
        preview.trim_start(),
        format!(
            "About to run: restic restore latest --target {target} --tag automated --host test-host --dry-run\n\
             (dry-run; no files will be written)\n"
        )
    );
    person.types("\n");
    let (code, shown) = person.ends();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.ends_with("🛑 Restore cancelled by operator.\n"), "{shown}");
    assert_not_begun(&sandbox);
    assert_cancelled(&sandbox, "latest", &target);
}

#[test]
fn what_was_chosen_is_restored_and_no_hook_runs_before_the_last_yes() {
    let sandbox = scene();
    let target = sandbox.path("chosen by hand").display().to_string();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    let table = person.expect(SNAPSHOT);
    let head = format!(
        "📋 Matching snapshots in {} (tag='automated' host='test-host', newest first):\n",
        sandbox.path("repo").display()
    );
    assert!(table.starts_with(&head), "{table}");
    let rows: Vec<&str> = table.lines().filter(|line| line.contains("2026-05-0")).collect();
    assert!(rows[0].starts_with("  1   bbbbbbbb 2026-05-02T06:00:00 test-host"), "{table}");
    assert!(rows[1].starts_with("  2   aaaaaaaa 2026-05-01T06:00:00 test-host"), "{table}");
    person.types("2\n");
    person.answers(&target_question(&sandbox), &target);
    person.answers(DRY_RUN, "n");
    let preview = person.expect(PROCEED);
    assert!(
        preview.contains(&format!("About to run: restic restore aaaaaaaa --target {target} --tag automated")),
        "{preview}"
    );
    // All that could have happened before the last answer has happened.
    assert_eq!(sandbox.notes(), "", "a hook ran before the answer");
    assert!(!std::path::Path::new(&target).exists() && files(&sandbox.path("log")).is_empty());
    assert!(sandbox.is_locked("restore.lock"), "two people may be asked at once");
    person.types("y\n");
    let (code, shown) = person.ends();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(files(std::path::Path::new(&target)), ["srv/old.txt"]);
    assert_eq!(sandbox.notes(), format!("pre {target}\npost 0 success {target}\n"));
    let summary = sandbox.summary("restore");
    assert_eq!((&summary["snapshot"], &summary["dry_run"]), (&"aaaaaaaa".into(), &"OFF".into()));
    assert!(shown.contains("✅ Restore Successful"), "{shown}");
}

#[test]
fn a_real_restic_restores_what_a_person_chose() {
    let sandbox = Sandbox::with_repository();
    let real = stand_in::real_newer();
    if let Some(restic) = &real {
        symlink(restic, sandbox.path("bin/restic")).expect("can be linked");
    }
    let data = sandbox.path("data").display().to_string();
    for (file, time) in [("old.txt", "2026-05-01 06:00:00"), ("new.txt", "2026-05-02 06:00:00")] {
        fs::write(sandbox.path("data").join(file), file).expect("can be written");
        sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", "--time", time, &data]).ends_with(0);
    }
    noting_hooks(&sandbox);
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    person.answers(SNAPSHOT, "2");
    person.answers(&target_question(&sandbox), "");
    if real.is_some() {
        person.answers(DRY_RUN, "no");
    }
    person.answers(PROCEED, "YES");
    let (code, shown) = person.ends();
    assert_eq!(code, 0, "{shown}");
    let restored = files(&sandbox.path("restore").join(data.trim_start_matches('/')));
    assert_eq!(restored, ["old.txt", "one.txt"]);
    // A restic before 0.17 has no dry run, and the person is told so.
    assert_eq!(shown.contains("ℹ️ No dry run is offered: restic 0."), real.is_none(), "{shown}");
    assert_eq!(shown.contains(DRY_RUN), real.is_some(), "{shown}");
}

#[test]
fn an_older_restic_is_not_asked_for_a_dry_run() {
    let sandbox = Sandbox::new();
    stand_in::older(&sandbox);
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    person.answers(SNAPSHOT, "");
    person.answers(&target_question(&sandbox), "");
    let shown = person.expect(PROCEED);
    assert!(shown.contains("ℹ️ No dry run is offered: restic 0.14.0 has none (0.17 and later have)."), "{shown}");
    assert!(!shown.contains("Dry-run first?") && !shown.contains("--dry-run"), "{shown}");
    person.types("y\n");
    assert_eq!(person.ends().0, 0);
    assert_eq!(files(&sandbox.path("restore")), ["srv/new.txt"]);
}

#[test]
fn q_calls_it_off_at_every_question() {
    for (count, word) in ["q", "Quit", "QUIT", "q"].into_iter().enumerate() {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore"]);
        let question = up_to(&sandbox, &mut person, count);
        person.answers(&question, word);
        let (code, shown) = person.ends();
        assert_eq!(code, 130, "{question}: {shown}");
        assert!(shown.ends_with("🛑 Restore cancelled by operator.\n"), "{shown}");
        assert_not_begun(&sandbox);
        assert_cancelled(&sandbox, "latest", &sandbox.path("restore").display().to_string());
    }
}

#[test]
fn only_a_yes_proceeds() {
    for word in ["n", "nope", "1", "yy"] {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore", "--dry-run", "--id", "bbbbbbbb"]);
        person.answers(&target_question(&sandbox), "");
        person.answers(PROCEED, word);
        assert_eq!(person.ends().0, 130, "{word}");
        assert_not_begun(&sandbox);
        assert_cancelled(&sandbox, "bbbbbbbb", &sandbox.path("restore").display().to_string());
    }
}

#[test]
fn nonsense_at_the_dry_run_question_is_asked_again_and_never_a_no() {
    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    up_to(&sandbox, &mut person, 2);
    for nonsense in ["mabye", "0"] {
        person.answers(DRY_RUN, nonsense);
        person.expect("Please answer y (dry run), n (restore for real) or q (quit).\n");
    }
    person.answers(DRY_RUN, "yes");
    let preview = person.expect(PROCEED);
    assert!(preview.contains("(dry-run; no files will be written)"), "{preview}");
    person.types("y\n");
    let (code, shown) = person.ends();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(sandbox.summary("restore")["dry_run"], "ON");
    assert!(!sandbox.path("restore").exists(), "a dry run made its target");

    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    up_to(&sandbox, &mut person, 2);
    for nonsense in ["x", "real", "yn"] {
        person.answers(DRY_RUN, nonsense);
    }
    let (code, shown) = person.ends();
    assert_eq!(code, 2, "{shown}");
    assert_eq!(shown.matches(DRY_RUN).count(), 3, "{shown}");
    assert!(shown.contains("❌ no usable answer to 'Dry-run first?' after 3 attempts: nothing was done"), "{shown}");
    assert_not_recorded(&sandbox);
}

#[test]
fn an_index_that_is_none_ends_with_2() {
    for answer in ["3", "0", "99999999999999999999"] {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore"]);
        person.answers(SNAPSHOT, answer);
        let (code, shown) = person.ends();
        assert_eq!(code, 2, "{shown}");
        assert!(shown.ends_with(&format!("❌ No snapshot at index {answer}.\n")), "{shown}");
        assert_not_recorded(&sandbox);
    }
}

#[test]
fn a_typed_target_is_refused_as_a_given_one() {
    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    person.answers(SNAPSHOT, "latest");
    person.answers(&target_question(&sandbox), &sandbox.path("data/new").display().to_string());
    person.answers(DRY_RUN, "n");
    let (code, shown) = person.ends();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("BACKUP_ROOT_DIR, which is backed up") && !shown.contains(PROCEED), "{shown}");
    assert_not_recorded(&sandbox);
}

#[test]
fn what_was_given_is_not_asked() {
    let sandbox = scene();
    let target = sandbox.path("given").display().to_string();
    let cases: [(&[&str], &[&str]); 4] = [
        (&["--id", "bbbbbbbb"], &["Restore target [", DRY_RUN, PROCEED]),
        (&["--target", &target], &[SNAPSHOT, DRY_RUN, PROCEED]),
        (&["--dry-run"], &[SNAPSHOT, "Restore target [", PROCEED]),
        (&["--id", "bbbbbbbb", "--target", &target, "--dry-run"], &[PROCEED]),
    ];
    for (words, questions) in cases {
        let mut person = AtTerminal::start(&sandbox, &[&["restore"], words].concat());
        for question in questions {
            let before = person.expect(question);
            for other in [SNAPSHOT, "Restore target [", DRY_RUN, PROCEED] {
                assert!(!before.contains(other), "{words:?}: {other}");
            }
            if *question != PROCEED {
                person.types("\n");
            }
        }
        person.types("n\n");
        let (code, shown) = person.ends();
        assert_eq!(code, 130, "{shown}");
        let told = shown.contains("📌 Snapshot pre-selected via --id: bbbbbbbb\n");
        assert_eq!(told, words.contains(&"--id"), "{shown}");
    }
    // An empty id is none.
    let mut person = AtTerminal::start(&sandbox, &["restore", "--id", ""]);
    person.answers(SNAPSHOT, "q");
    assert_eq!(person.ends().0, 130);
}

#[test]
fn yes_asks_nothing_at_a_terminal_either() {
    let sandbox = scene();
    let (code, shown) = AtTerminal::start(&sandbox, &["restore", "--yes"]).ends();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("(--yes: skipping Proceed? confirmation)\n"), "{shown}");
    for question in ["Snapshot to restore", "Restore target [", DRY_RUN, PROCEED] {
        assert!(!shown.contains(question), "{question}");
    }
    assert_eq!(files(&sandbox.path("restore")), ["srv/new.txt"]);
}

#[test]
fn a_pipe_in_place_of_the_screen_asks_nothing() {
    let sandbox = scene();
    let script = format!("{BOATHOOK} restore | cat");
    let (code, shown) = AtTerminal::start_program(sandbox.command("sh", &["-c", &script])).ends();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("Snapshot to restore") && !shown.contains("--yes"), "{shown}");
    assert_eq!(files(&sandbox.path("restore")), ["srv/new.txt"]);
}

#[test]
fn a_listing_at_a_terminal_asks_nothing() {
    let sandbox = scene();
    let (code, shown) = AtTerminal::start(&sandbox, &["restore", "--list"]).ends();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("bbbbbbbb") && !shown.contains("Snapshot to restore"), "{shown}");
    assert_not_recorded(&sandbox);
}

#[test]
fn a_person_who_cannot_be_answered_is_told_before_any_question() {
    // Another restore is running: nobody is led through questions in vain.
    let sandbox = scene();
    sandbox.hook("pre-restore.sh", "echo $$ > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let holder = sandbox.start(&["restore", "--yes"]);
    sandbox.wait_for_file("started");
    let (code, shown) = AtTerminal::start(&sandbox, &["restore"]).ends();
    assert_eq!(code, 75, "{shown}");
    assert!(!shown.contains("Snapshot to restore"), "{shown}");
    fs::write(sandbox.path("go"), "").expect("can be written");
    holder.finish().ends_with(0);
    // No snapshot matches, or there are none to be had.
    wait_for("the lock to be free", || (!sandbox.is_locked("restore.lock")).then_some(()));
    let real = Sandbox::with_repository();
    let (code, shown) = AtTerminal::start(&real, &["restore"]).ends();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("❌ no snapshots matched: ") && shown.contains("holds no snapshot at all"), "{shown}");
    assert_eq!(files(&real.path("log")), [""; 0]);
}

#[test]
fn a_secret_that_is_typed_is_not_shown_back() {
    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore", "--id", "aaaaaaaa"]);
    let target = sandbox.path("correct-horse-battery").display().to_string();
    person.answers(&target_question(&sandbox), &target);
    // The terminal itself echoes what is typed.
    person.expect(&target);
    person.answers(DRY_RUN, "y");
    let preview = person.expect(PROCEED);
    assert!(preview.contains("--target") && !preview.contains("correct-horse"), "{preview}");
    person.types("q\n");
    assert_eq!(person.ends().0, 130);
    let summary = fs::read_to_string(sandbox.path("log/last-restore.json")).expect("is there");
    assert!(!summary.contains("correct-horse"), "{summary}");
}

#[test]
fn the_repository_is_lent_while_a_person_is_asked() {
    let sandbox = scene();
    let mut person = AtTerminal::start(&sandbox, &["restore"]);
    let last = up_to(&sandbox, &mut person, 3);
    person.expect(&last);
    assert_eq!(sandbox.repository_lock(), None);
    let (check, _) = sandbox.start_held(&["check"]);
    person.types("y\n");
    let (code, shown) = person.ends();
    assert_eq!(code, 75, "{shown}");
    assert!(shown.contains("❌ restore not run: repository"), "{shown}");
    assert!(shown.contains("is held by check"), "{shown}");
    sandbox.let_go("check");
    check.finish().ends_with(0);
    assert_eq!(sandbox.notes(), "", "a hook of the restore ran");
    sandbox.expect_no_process();
}
