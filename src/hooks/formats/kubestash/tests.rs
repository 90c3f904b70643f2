use super::super::described::{assert_described, read, read_texts};
use super::*;

#[test]
fn sessions_and_their_templates_are_read_field_by_field() {
    assert_described(&FORMAT, "kubestash", &["ledger.yaml"], "ledger.txt");
}

#[test]
fn a_template_may_stand_in_another_file() {
    assert_described(&FORMAT, "kubestash", &["ledger-restore.yaml", "ledger.yaml"], "ledger-restore.txt");
}

#[test]
fn a_template_that_is_nowhere_is_named() {
    let found = read(&FORMAT, "kubestash", &["ledger-restore.yaml"]);
    let mistakes: Vec<String> = found[0].1.mistakes.iter().map(|mistake| mistake.what.clone()).collect();
    assert_eq!(
        mistakes,
        [
            "HookTemplate 'billing/ledger-quiesce' is in none of the files here",
            "HookTemplate 'billing/chat-note' is in none of the files here"
        ]
    );
}

#[test]
fn functions_batches_and_blueprints_are_read() {
    assert_described(&FORMAT, "kubestash", &["fleet.yaml"], "fleet.txt");
}

#[test]
fn every_slip_is_a_mistake_with_place_and_mend() {
    assert_described(&FORMAT, "kubestash", &["mistakes.yaml"], "mistakes.txt");
}

#[test]
fn a_mistake_in_a_template_costs_those_who_use_it_in_other_files() {
    let template = "{apiVersion: core.kubestash.com/v1alpha1, kind: HookTemplate, metadata: {name: t}, \
                    spec: {action: {exec: {command: ['${x}']}}, executor: {type: Operator}}}";
    let user = "{apiVersion: core.kubestash.com/v1alpha1, kind: RestoreSession, metadata: {name: r}, \
                spec: {hooks: {preRestore: [{name: a, hookTemplate: {name: t}}]}}}";
    let found = read_texts(&FORMAT, &[("t.yaml", template), ("u.yaml", user)]);
    assert_eq!(found[0].1.mistakes.len(), 1, "{found:?}");
    assert!(found[0].1.mistakes[0].what.contains("'${x}'"), "{found:?}");
    assert_eq!(found[0].1.concerns, ["restore"]);
    assert_eq!(found[1].1.mistakes.len(), 1, "{found:?}");
    assert_eq!(found[1].1.mistakes[0].mend, "mend t.yaml");
}

#[test]
fn documents_are_known_by_their_group() {
    let claims = |text: &str| {
        let nodes = super::super::super::document::read(text).expect("is YAML");
        (FORMAT.claims)(&nodes[0])
    };
    assert!(claims("{apiVersion: core.kubestash.com/v1alpha1, kind: HookTemplate}"));
    assert!(claims("{apiVersion: storage.kubestash.com/v1alpha1, kind: BackupStorage}"));
    assert!(!claims("{apiVersion: stash.appscode.com/v1beta1, kind: BackupConfiguration}"));
    assert!(!claims("{apiVersion: kubestash.com.example/v1, kind: X}"));
}

fn template(command: &str) -> String {
    format!(
        "\n{{apiVersion: core.kubestash.com/v1alpha1, kind: HookTemplate, metadata: {{name: t, namespace: a}}, spec: {{action: {{exec: \
         {{command: [{command}]}}}}, executor: {{type: Operator}}}}}}"
    )
}

fn restore(hooks: &str) -> String {
    format!(
        "{{apiVersion: core.kubestash.com/v1alpha1, kind: RestoreSession, metadata: {{name: r, namespace: a}}, spec: {{hooks: \
         {{preRestore: [{hooks}]}}}}}}"
    )
}

const HOOK: &str = "{name: h, hookTemplate: {name: t}}";

#[test]
fn two_templates_of_one_name_are_a_mistake_unless_they_are_the_same() {
    let (x, y, user) = (template("x"), template("y"), restore(HOOK));
    let found = read_texts(&FORMAT, &[("t.yaml", &x), ("u.yaml", &y), ("v.yaml", &user)]);
    let mistakes = &found[2].1.mistakes;
    assert_eq!(mistakes.len(), 1, "{found:?}");
    assert_eq!(mistakes[0].what, "HookTemplate 'a/t' is defined in t.yaml line 2 and in u.yaml line 2, which differ");
    assert_eq!(mistakes[0].mend, "keep the one that is meant");
    assert_eq!(found[0].1.concerns, ["restore"]);
    assert_eq!(found[1].1.concerns, ["restore"]);
    // The same in other words, and once more.
    let same = x.replace("[x]", "['x']").replace("{name: t, namespace: a}", "{namespace: a, name: t, labels: {b: c}}");
    assert_ne!(same, x);
    let found = read_texts(&FORMAT, &[("t.yaml", &x), ("u.yaml", &same), ("v.yaml", &user)]);
    assert!(found.iter().all(|(_, found)| found.mistakes.is_empty()), "{found:?}");
    assert_eq!(found[2].1.hooks.len(), 1);
    assert!(found[1].1.notes.is_empty(), "{:?}", found[1].1.notes);
}

#[test]
fn names_have_no_line_ends_and_no_control_characters() {
    let of = |text: &str| {
        let texts = [("t.yaml", template("x")), ("u.yaml", text.to_owned())];
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        read_texts(&FORMAT, &texts).remove(1).1.mistakes
    };
    assert_eq!(of(&restore(HOOK)), []);
    for (text, field) in [
        (restore(&HOOK.replace("name: h", "name: \"h\\nx\"")), "spec.hooks.preRestore[0].name"),
        (restore(HOOK).replace("name: r", "name: \"r\\e[2J\""), "metadata.name"),
        (restore(HOOK).replace("namespace: a", "namespace: \"a\\u0085\""), "metadata.namespace"),
    ] {
        let mistakes = of(&text);
        let expected = format!("{field} has a line end or a control character in it");
        assert!(mistakes.iter().any(|mistake| mistake.what == expected), "{text}: {mistakes:?}");
        assert!(mistakes.iter().all(|mistake| !mistake.what.contains(char::is_control)), "{mistakes:?}");
    }
}

#[test]
fn a_note_about_the_shell_stands_at_the_command_alone() {
    let template = "{apiVersion: core.kubestash.com/v1alpha1, kind: HookTemplate, metadata: {name: t, namespace: a}, spec: {params: \
                    [{name: p}], action: {exec: {command: [sh, -c, 'echo ${p}']}, httpGet: {host: h, port: 1, path: /}}, \
                    executor: {type: Operator}}}";
    let user = restore("{name: h, hookTemplate: {name: t}, params: {p: 'a b'}}");
    let found = read_texts(&FORMAT, &[("t.yaml", template), ("u.yaml", &user)]);
    let says = |at: usize| found[1].1.hooks[at].notes.iter().any(|note| note.contains("the shell reads"));
    assert_eq!((found[1].1.hooks.len(), says(0), says(1)), (2, true, false), "{found:?}");
}

#[test]
fn thousands_of_hooks_are_read_in_no_time() {
    use nix::time::{ClockId, clock_gettime};
    use std::time::Duration;

    let used = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).expect("is always there");
    let hooks: Vec<String> =
        (0..4000).map(|at| format!("{{name: h, maxRetry: {at}, hookTemplate: {{name: t}}}}")).collect();
    let (defined, user_of_it) = (template("x"), restore(&hooks.join(",")));
    let session = restore("").replace("RestoreSession", "BackupConfiguration").replace(
        "hooks: {preRestore: []}",
        &format!("sessions: [{{hooks: {{preBackup: [{0}]}}}}, {{hooks: {{preBackup: [{0}]}}}}]", hooks.join(",")),
    );
    let texts = [("t.yaml", defined.as_str()), ("u.yaml", &user_of_it), ("v.yaml", &session)];
    let before = used();
    let found = read_texts(&FORMAT, &texts);
    let took = used().saturating_sub(before);
    let names: Vec<&str> = found[1].1.hooks.iter().filter_map(|hook| hook.name.as_deref()).collect();
    assert_eq!((names.len(), names[0], names[3999]), (4000, "h", "h-4000"));
    assert_eq!(found[2].1.hooks.len(), 4000);
    assert!(took < Duration::from_secs(5), "{took:?}");
}
