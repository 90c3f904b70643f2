//! `restore` at a terminal that is broken off: at a question, in a hook, while restic restores.

use crate::restore_prompts::{DRY_RUN, PROCEED, assert_not_recorded, scene, target_question, up_to};
use crate::terminal::{AtTerminal, CTRL_C, CTRL_D};

#[test]
fn the_end_of_the_input_at_a_question_is_said_and_ends_with_1() {
    for count in 0..4 {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore"]);
        let question = up_to(&sandbox, &mut person, count);
        person.expect(&question);
        person.types(CTRL_D);
        let (code, shown) = person.ends();
        assert_eq!(code, 1, "{question}: {shown}");
        let asked = question.trim_end().trim_end_matches(':');
        assert!(
            shown.contains(&format!("{asked}': nothing was done; answer it, or give the flags and --yes")),
            "{shown}"
        );
        assert_not_recorded(&sandbox);
    }
}

#[test]
fn ctrl_c_at_a_question_ends_it_and_leaves_nothing() {
    for count in 0..4 {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore"]);
        let question = up_to(&sandbox, &mut person, count);
        person.expect(&question);
        assert!(sandbox.is_locked("restore.lock"));
        // Half an answer is none.
        person.types("y").types(CTRL_C);
        let (code, shown) = person.ends();
        assert_eq!(code, 130, "{question}: {shown}");
        assert!(shown.contains("❌ interrupted at a question: nothing was done\n"), "{shown}");
        assert_not_recorded(&sandbox);
    }
}

#[test]
fn a_signal_from_elsewhere_at_a_question_ends_it_with_its_own_code() {
    for (signal, code) in [(15, 143), (1, 129), (3, 131)] {
        let sandbox = scene();
        let mut person = AtTerminal::start(&sandbox, &["restore"]);
        let question = up_to(&sandbox, &mut person, 3);
        person.expect(&question);
        crate::support::send(person.pid(), signal);
        let (ended, shown) = person.ends();
        assert_eq!(ended, code, "{shown}");
        assert_not_recorded(&sandbox);
    }
}

#[test]
fn ctrl_c_during_the_restore_ends_restic_and_the_post_hooks_run() {
    let mut sandbox = scene();
    sandbox.set("ENGINE_WAITS", "yes");
    let mut person = AtTerminal::start(&sandbox, &["restore", "--id", "aaaaaaaa"]);
    person.answers(&target_question(&sandbox), "");
    person.answers(DRY_RUN, "n");
    person.answers(PROCEED, "y");
    sandbox.wait_for_file("started");
    person.types(CTRL_C);
    let (code, shown) = person.ends();
    assert_eq!(code, 130, "{shown}");
    let target = sandbox.path("restore").display().to_string();
    assert_eq!(sandbox.notes(), format!("pre {target}\npost 130 interrupted {target}\n"));
    assert!(sandbox.engine_log().ends_with("interrupted\n"), "restic was not asked by SIGINT");
    let summary = sandbox.summary("restore");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"interrupted".into(), &130.into()));
    assert!(summary.get("cancelled").is_none(), "{summary}");
    assert!(!sandbox.is_locked("restore.lock"));
    sandbox.expect_no_process();
}

#[test]
fn ctrl_c_in_a_pre_hook_keeps_restic_from_starting() {
    let sandbox = scene();
    sandbox.hook("pre-restore.sh", "echo $$ > $T/started; sleep 1000");
    let mut person = AtTerminal::start(&sandbox, &["restore", "--id", "aaaaaaaa"]);
    person.answers(&target_question(&sandbox), "");
    person.answers(DRY_RUN, "n");
    person.answers(PROCEED, "y");
    sandbox.wait_for_file("started");
    person.types(CTRL_C);
    let (code, shown) = person.ends();
    assert_eq!(code, 130, "{shown}");
    let target = sandbox.path("restore").display().to_string();
    assert_eq!(sandbox.notes(), format!("post 130 interrupted {target}\n"));
    assert!(!sandbox.engine_log().contains("restore "), "{}", sandbox.engine_log());
    sandbox.expect_no_process();
}
