use super::super::described::{assert_described, read_texts};
use super::*;

#[test]
fn a_backup_configuration_is_read_field_by_field() {
    assert_described(&FORMAT, "stash", &["wiki.yaml"], "wiki.txt");
}

#[test]
fn the_hooks_of_a_batch_enclose_those_of_its_members() {
    assert_described(&FORMAT, "stash", &["shop.yaml"], "shop.txt");
}

#[test]
fn a_blueprint_says_what_is_not_known_of_its_workloads() {
    assert_described(&FORMAT, "stash", &["blueprint.yaml"], "blueprint.txt");
}

#[test]
fn restores_have_hooks_of_their_own() {
    assert_described(&FORMAT, "stash", &["restores.yaml"], "restores.txt");
}

#[test]
fn a_list_as_the_cluster_prints_it_is_read() {
    assert_described(&FORMAT, "stash", &["exported.yaml"], "exported.txt");
}

#[test]
fn every_slip_is_a_mistake_with_place_and_mend() {
    assert_described(&FORMAT, "stash", &["mistakes.yaml"], "mistakes.txt");
}

#[test]
fn a_handler_stops_its_rest_only_where_nothing_else_follows() {
    let text = |name: &str| {
        format!(
            "{{apiVersion: stash.appscode.com/v1beta1, kind: BackupConfiguration, metadata: {{name: {name}}}, spec: {{hooks: \
             {{postBackup: {{exec: {{command: [x]}}, tcpSocket: {{host: h, port: 1}}}}}}}}}}"
        )
    };
    let (a, b) = (text("a"), text("b"));
    let found = read_texts(&FORMAT, &[("a.yaml", &a), ("b.yaml", &b)]);
    let stops: Vec<(Option<&str>, bool)> = found
        .iter()
        .flat_map(|(_, found)| &found.hooks)
        .map(|hook| (hook.name.as_deref(), hook.stop_phase_on_error))
        .collect();
    assert_eq!(
        stops,
        [
            (Some("a.postBackup.exec"), false),
            (Some("a.postBackup.tcpSocket"), false),
            (Some("b.postBackup.exec"), true),
            (Some("b.postBackup.tcpSocket"), false),
        ]
    );
}

#[test]
fn hooks_of_the_same_name_are_told_apart() {
    let text = |namespace: &str| {
        format!(
            "{{apiVersion: stash.appscode.com/v1beta1, kind: RestoreSession, metadata: {{name: a, namespace: {namespace}}}, \
             spec: {{hooks: {{preRestore: {{exec: {{command: [x]}}}}}}}}}}"
        )
    };
    let (one, two) = (text("one"), text("two"));
    let found = read_texts(&FORMAT, &[("a.yaml", &one), ("b.yaml", &two)]);
    let names: Vec<Option<&str>> =
        found.iter().flat_map(|(_, found)| &found.hooks).map(|hook| hook.name.as_deref()).collect();
    assert_eq!(names, [Some("a.preRestore"), Some("a.preRestore-2")]);
}

#[test]
fn documents_are_known_by_their_group() {
    let claims = |text: &str| {
        let nodes = super::super::super::document::read(text).expect("is YAML");
        (FORMAT.claims)(&nodes[0])
    };
    assert!(claims("{apiVersion: stash.appscode.com/v1beta1, kind: Repository}"));
    assert!(!claims("{apiVersion: core.kubestash.com/v1alpha1, kind: BackupConfiguration}"));
    assert!(!claims("{apiVersion: v1, kind: List, items: []}"));
    assert!(!claims("{hooks: {}}"));
    assert!((FORMAT.mentioned_in)("apiVersion: stash.appscode.com/v1beta1\n  kind: ["));
    assert!(!(FORMAT.mentioned_in)("apiVersion: core.kubestash.com/v1alpha1"));
}

/// What the template engine alone can tell.
#[test]
fn templates_of_a_definition_read_no_secrets_and_are_quoted_for_a_shell() {
    let text = |command: &str| {
        format!(
            "apiVersion: stash.appscode.com/v1beta1\nkind: BackupConfiguration\nmetadata: {{name: a}}\nspec:\n  hooks:\n    \
             postBackup: {{exec: {{command: {command}}}}}\n"
        )
    };
    let of = |command: &str| read_texts(&FORMAT, &[("a.yaml", &text(command))]).remove(0).1;
    let found = of("[sh, -c, 'echo {{ .Status.Error }}']");
    assert_eq!(found.hooks[0].warnings.len(), 1, "{found:?}");
    let found = of("[sh, -c, 'echo {{ .Status.Error | shquote }}']");
    assert_eq!(found.hooks[0].warnings, []);
    for wrong in ["[x, '{{ env \"HOME\" }}']", "[x, '{{ fooo }}']", "[x, '{{ .Name']"] {
        let found = of(wrong);
        assert_eq!(found.mistakes.len(), 1, "{found:?}");
        assert_eq!(found.mistakes[0].at.line, 6);
        assert!(found.mistakes[0].what.contains("spec.hooks.postBackup.exec.command[1]"), "{found:?}");
    }
}

/// An object with this `spec`, and the notes of each of its hooks.
fn notes(kind: &str, spec: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let text =
        format!("{{apiVersion: stash.appscode.com/v1beta1, kind: {kind}, metadata: {{name: a}}, spec: {{{spec}}}}}");
    let found = read_texts(&FORMAT, &[("a.yaml", &text)]).remove(0).1;
    assert_eq!(found.mistakes, []);
    let of = |hook: super::super::super::Declared| (hook.name.unwrap_or_default(), hook.notes);
    (found.hooks.into_iter().map(of).collect(), found.notes)
}

#[test]
fn a_failed_global_hook_kept_the_members_hooks_from_running() {
    let exec = "{exec: {command: [x]}}";
    let target = "target: {ref: {apiVersion: apps/v1, kind: Deployment, name: m}}";
    let said = |kind: &str, spec: &str, hook: &str| -> Vec<String> {
        let (hooks, _) = notes(kind, spec);
        let (_, notes) = hooks.iter().find(|(name, _)| name == hook).unwrap_or_else(|| panic!("{hook} in {hooks:?}"));
        notes.iter().filter(|note| note.contains("never ran it")).cloned().collect()
    };
    let global = "after a failed global hook before the work Stash never ran it; here it runs then";
    let own = "after a failed hook before the work Stash never ran it; here it runs then";
    for (kind, pre, post, of_both) in
        [("BackupBatch", "preBackup", "postBackup", own), ("RestoreBatch", "preRestore", "postRestore", global)]
    {
        let name = format!("a.m.{post}");
        let without = format!("hooks: {{{pre}: {exec}}}, members: [{{{target}, hooks: {{{post}: {exec}}}}}]");
        assert_eq!(said(kind, &without, &name), [global], "{kind}");
        let both =
            format!("hooks: {{{pre}: {exec}}}, members: [{{{target}, hooks: {{{pre}: {exec}, {post}: {exec}}}}}]");
        assert_eq!(said(kind, &both, &name), [of_both], "{kind}");
        let none = format!("members: [{{{target}, hooks: {{{post}: {exec}}}}}]");
        assert_eq!(said(kind, &none, &name), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn proxies_are_spoken_of_where_something_is_asked_by_http() {
    let has = |action: &str| {
        let (_, notes) = notes("BackupConfiguration", &format!("hooks: {{preBackup: {{{action}}}}}"));
        notes.iter().any(|note| note.contains("proxy"))
    };
    assert!(!has("exec: {command: [x]}"));
    assert!(!has("tcpSocket: {host: h, port: 1}"));
    assert!(has("httpGet: {host: h, port: 1, path: /, scheme: HTTP}"));
}

#[test]
fn names_have_no_line_ends_and_no_control_characters() {
    let text = "{apiVersion: stash.appscode.com/v1beta1, kind: BackupConfiguration, metadata: {name: \"a\\tb\"}}";
    let mistakes = read_texts(&FORMAT, &[("a.yaml", text)]).remove(0).1.mistakes;
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert_eq!(mistakes[0].what, "metadata.name has a line end or a control character in it");
}
