//! Every field of every form, over files as users of Velero and Ark have them.

use super::super::sample::{fixture, mistakes, read, rows, warnings};
use super::FORMAT;

#[track_caller]
fn assert_notes(notes: &[String], parts: &[&str]) {
    for part in parts {
        assert!(notes.iter().any(|note| note.contains(part)), "'{part}' is not said in {notes:#?}");
    }
}

#[test]
fn annotations_of_a_workload_are_hooks_of_its_pods() {
    let found = fixture(&FORMAT, "velero/deployment.yaml");
    assert_eq!(
        rows(&found),
        [
            "ledger-pre pre-backup Fail 180s [/bin/sh|-c|psql -c \"select pg_backup_start('{{ v }}')\"] container=db in=Pod \
             namespaces=billing owner=Deployment/ledger strategy=ExecuteOnAll",
            "ledger-post post-backup Fail 30s [/bin/sh|-c|psql -c \"select pg_backup_stop()\"] container=web in=Pod \
             namespaces=billing owner=Deployment/ledger strategy=ExecuteOnAll",
            "ledger-post post-restore Continue 90s [/bin/sh|-c|/opt/reindex.sh] policy=OnSuccess container=proxy in=Pod \
             namespaces=billing owner=Deployment/ledger strategy=ExecuteOnAll",
        ]
    );
    assert!(found.hooks[0].action.iter().flat_map(|action| action.texts()).all(|(_, text)| text.template().is_none()));
    assert_eq!(found.documents, ["Velero annotations of Deployment billing/ledger"]);
    assert_eq!((found.concerns.as_slice(), found.means_fail), (&["backup", "restore"][..], true));
    assert_eq!(found.hooks[0].origin.at.line, 17);
    assert_eq!(found.hooks[0].notes, Vec::<String>::new());
    assert_notes(&found.hooks[1].notes, &["on-error is not given: Velero's documentation says Fail"]);
    assert_notes(
        &found.notes,
        &["stayed frozen", "went on in its container", "no order between pods", "PartiallyFailed", "wait-for-ready"],
    );
}

#[test]
fn arks_annotations_and_the_oldest_form_are_hooks_too() {
    let found = fixture(&FORMAT, "velero/ark-pod.yaml");
    assert_eq!(
        rows(&found),
        [
            "store-0-pre pre-backup Fail 30s [/sbin/freeze-store] container=fsfreeze in=Pod owner=Pod/store-0",
            "store-0-post post-backup Continue 90s [/sbin/fsfreeze|--unfreeze|/var/lib/store] container=fsfreeze in=Pod \
             owner=Pod/store-0",
        ]
    );
}

/// A pod with these annotations.
fn pod(annotations: &str) -> String {
    let lines: Vec<String> = annotations.lines().map(|line| format!("    {}\n", line.trim())).collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n{}spec: {{containers: [{{name: a}}, {{name: db}}, {{name: database}}]}}\n",
        lines.concat()
    )
}

#[test]
fn one_hook_a_phase_counts_and_the_newest_name_wins() {
    let text = "hook.backup.velero.io/command: /bin/old\npre.hook.backup.velero.io/command: /bin/new\n\
                pre.hook.backup.ark.heptio.com/command: /bin/ark";
    let found = read(&FORMAT, &pod(text));
    assert_eq!(rows(&found).len(), 1);
    assert!(rows(&found)[0].contains("[/bin/new] container=a"), "{:?}", rows(&found));
    assert_notes(
        &found.notes,
        &[
            "hook.backup.velero.io is left out, since pre.hook.backup.velero.io is there",
            "pre.hook.backup.ark.heptio.com is left out",
        ],
    );
}

#[test]
fn a_word_with_blanks_is_one_program() {
    let found = read(&FORMAT, &pod("pre.hook.backup.velero.io/command: /bin/sync -f"));
    assert!(rows(&found)[0].contains("[/bin/sync -f]"), "{:?}", rows(&found));
    assert_notes(&found.hooks[0].notes, &["nothing splits it"]);
    assert_eq!(warnings(&found.hooks[0]), ["runs the program '/bin/sync -f', whose name has blanks in it"]);
}

#[test]
fn every_kind_of_workload_has_its_pods_where_it_has_them() {
    for (kind, before, after) in [
        ("StatefulSet", "spec: {template: ", "}"),
        ("DaemonSet", "spec: {template: ", "}"),
        ("ReplicaSet", "spec: {template: ", "}"),
        ("ReplicationController", "spec: {template: ", "}"),
        ("Job", "spec: {template: ", "}"),
        ("CronJob", "spec: {jobTemplate: {spec: {template: ", "}}}"),
    ] {
        let pod = "{metadata: {annotations: {pre.hook.backup.velero.io/command: /bin/sync}}}";
        let text = format!("apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: w}}\n{before}{pod}{after}\n");
        let found = read(&FORMAT, &text);
        assert_eq!(
            rows(&found),
            [format!("w-pre pre-backup Fail 30s [/bin/sync] in=Pod owner={kind}/w strategy=ExecuteOnAll")]
        );
        let misplaced = format!(
            "apiVersion: x/v1\nkind: {kind}\nmetadata:\n  annotations: {{pre.hook.backup.velero.io/command: /bin/sync}}\n"
        );
        let found = mistakes(&read(&FORMAT, &misplaced));
        assert!(found[0].contains(&format!("stands on the {kind}, not on its pods")), "{found:?}");
    }
    let plain = "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {backup.velero.io/backup-volumes: data}}\n";
    assert_eq!(read(&FORMAT, plain), super::Found::default());
}

#[test]
fn mistakes_in_annotations_are_named_with_their_mend() {
    let pre = "pre.hook.backup.velero.io";
    let restore = "post.hook.restore.velero.io";
    for (annotations, expected) in [
        (
            format!("{pre}/command: /bin/sync\n{pre}/timeout: \"300\""),
            "7:40 'pre.hook.backup.velero.io/timeout' is '300', which has no unit, and Velero takes its default \
             instead: write 300s",
        ),
        (
            format!("{pre}/command: /bin/sync\n{pre}/timeout: 300"),
            "7:40 the annotation 'pre.hook.backup.velero.io/timeout' is the number 300, and annotations are texts: write \
             \"300s\"",
        ),
        (format!("{pre}/command: /bin/sync\n{pre}/timeout: 5 minutes"), "which is no duration: write a time such as"),
        (
            format!("{pre}/command: /bin/sync\n{pre}/on-error: fail"),
            "'pre.hook.backup.velero.io/on-error' is 'fail': did you mean 'Fail'?",
        ),
        (
            format!("{pre}/comand: /bin/sync"),
            "6:5 unknown annotation 'pre.hook.backup.velero.io/comand': did you mean \
             'pre.hook.backup.velero.io/command'?",
        ),
        (
            "pre.hooks.backup.velero.io/command: /bin/sync".to_owned(),
            "unknown hook 'pre.hooks.backup.velero.io' in the annotation 'pre.hooks.backup.velero.io/command': did you \
             mean 'pre.hook.backup.velero.io'?",
        ),
        (
            "pre.hook.restore.velero.io/command: /bin/sync".to_owned(),
            "Velero has no hooks before a restore: take it away, or declare a preRestore hook in hooks.yaml",
        ),
        (format!("{pre}/container: db"), "pre.hook.backup.velero.io has no command, so there is no hook: add"),
        (format!("{pre}/command: \"\""), "has no command, so there is no hook"),
        (format!("{pre}/command: \"['/bin/sh']\""), "begins with '[' and is no JSON array of texts"),
        (format!("{pre}/command: [/bin/sh]"), "is a list, and annotations are texts: write the list in quotes"),
        (
            format!("{pre}/command: /bin/sync\n{pre}/container: databse"),
            "'pre.hook.backup.velero.io/container' is 'databse', which the pod does not have: did you mean 'database'?",
        ),
        (
            format!("{restore}/command: /bin/sync\n{restore}/timeout: 30s"),
            "unknown annotation 'post.hook.restore.velero.io/timeout': Velero ignores it: write \
             post.hook.restore.velero.io/exec-timeout for the command's limit",
        ),
        (
            format!("{restore}/command: /bin/sync\n{restore}/wait-for-ready: true"),
            "is true, and annotations are texts: write \"true\", in quotes",
        ),
        (
            format!("{restore}/command: /bin/sync\n{restore}/wait-for-ready: \"yes\""),
            "is 'yes': write \"true\" or \"false\"",
        ),
        (format!("{restore}/command: /bin/sync\n{restore}/wait-timeout: \"5\""), "has no unit"),
        (
            "init.hook.restore.velero.io/container-image: alpine\ninit.hook.restore.velero.io/command: x".to_owned(),
            "6:5 'init.hook.restore.velero.io' adds a container to a pod that is restored, and no pod is restored here: \
             take its annotations away, and do the same in a postRestore hook",
        ),
    ] {
        let found = mistakes(&read(&FORMAT, &pod(&annotations)));
        assert_eq!(found.len(), 1, "{annotations}: {found:?}");
        assert!(found[0].contains(expected), "'{expected}' is not in {found:?}");
    }
}

#[test]
fn a_mistake_means_fail_where_a_hook_does() {
    for (annotations, fails, concerns) in [
        ("pre.hook.backup.velero.io/command: '[]'", true, "backup"),
        ("pre.hook.backup.velero.io/command: '[]'\npre.hook.backup.velero.io/on-error: Continue", false, "backup"),
        ("pre.hook.backup.velero.io/comand: x", true, "backup"),
        ("post.hook.restore.velero.io/command: '[]'", false, "restore"),
        ("post.hook.restore.velero.io/command: '[]'\npost.hook.restore.velero.io/on-error: Fail", true, "restore"),
        ("init.hook.restore.velero.io/command: x", false, "restore"),
    ] {
        let found = read(&FORMAT, &pod(annotations));
        assert_eq!((found.mistakes.len(), found.means_fail), (1, fails), "{annotations}");
        assert_eq!(found.concerns, [concerns], "{annotations}");
    }
}

#[test]
fn a_backups_spec_says_which_pods_and_which_commands() {
    let found = fixture(&FORMAT, "velero/backup.yaml");
    let pods = "in=Pod selector=app=ledger,tier in (db,cache),!canary,zone notin (lab),owner \
                namespaces=billing,ledger-test strategy=ExecuteOnAll";
    assert_eq!(
        rows(&found),
        [
            format!("quiesce-pre-1 pre-backup Fail 120s [/bin/sh|-c|ledgerctl freeze] container=db {pods}"),
            format!("quiesce-pre-2 pre-backup Continue 30s [/usr/local/bin/drain] container=web {pods}"),
            format!("quiesce-post post-backup Fail 30s [/bin/sh|-c|ledgerctl thaw] container=db {pods}"),
            "announce-post post-backup Continue 30s [/bin/true] in=Pod strategy=ExecuteOnAll".to_owned(),
        ]
    );
    assert_eq!(found.documents, ["Velero Backup velero/nightly", "Velero BackupStorageLocation velero/default"]);
    assert_eq!((found.concerns.as_slice(), found.means_fail), (&["backup"][..], true));
    assert_notes(
        &found.notes,
        &["of Backup velero/nightly only spec.hooks is read", "BackupStorageLocation velero/default defines no hooks"],
    );
    assert_notes(&found.hooks[1].notes, &["Velero did not run it in pods of billing-old", "a time limit of 0 is"]);
    assert_notes(&found.hooks[2].notes, &["on-error is not given"]);
    assert_eq!(found.hooks[3].notes, Vec::<String>::new());
}

#[test]
fn a_schedules_template_counts_and_not_again_in_the_backups_that_it_made() {
    let found = fixture(&FORMAT, "velero/schedule-list.yaml");
    assert_eq!(
        rows(&found),
        ["flush-pre pre-backup Fail 30s [/usr/bin/redis-cli|save] in=Pod selector=app=cache strategy=ExecuteOnAll"]
    );
    assert_notes(&found.notes, &["Backup velero/hourly-20260102030500 is a backup that a schedule made"]);
}

#[test]
fn a_restores_hooks_run_after_it() {
    let found = fixture(&FORMAT, "velero/restore.yaml");
    let pods = "in=Pod selector=app=ledger namespaces=billing strategy=ExecuteOnAll";
    assert_eq!(
        rows(&found),
        [
            format!(
                "after-restore-post-1 post-restore Fail 90s [/opt/reindex.sh] policy=OnSuccess stops=yes container=db {pods}"
            ),
            format!("after-restore-post-2 post-restore Continue 30s [/opt/warm-up.sh] policy=OnSuccess {pods}"),
        ]
    );
    assert_eq!((found.concerns.as_slice(), found.means_fail), (&["restore"][..], true));
    assert_notes(&found.notes, &["nothing is waited for", "a wait-timeout that had passed"]);
}

#[test]
fn arks_specs_and_the_old_name_of_pre_are_read() {
    let found = fixture(&FORMAT, "velero/ark-backup.yaml");
    assert_eq!(
        rows(&found),
        [
            "old-style-pre pre-backup Fail 30s [/bin/sync] container=db in=Pod strategy=ExecuteOnAll",
            "tidy-post post-backup Continue 30s [/bin/tidy] in=Pod strategy=ExecuteOnAll",
        ]
    );
    assert_eq!(found.documents, ["Ark Backup heptio-ark/weekly", "Ark Schedule heptio-ark/weekly"]);
}

/// A backup with this list of resources, from line 4 on.
fn backup(kind: &str, resources: &str) -> String {
    format!("apiVersion: velero.io/v1\nkind: {kind}\nspec: {{hooks: {{resources:\n{resources}}}}}\n")
}

#[test]
fn mistakes_in_specs_are_named_with_their_mend() {
    let exec = |inside: &str| format!("[{{name: r, pre: [{{exec: {{{inside}}}}}]}}]\n");
    for (resources, expected) in [
        (
            exec("command: [/bin/sync], timeout: 300"),
            "timeout in spec.hooks.resources[0].pre[0].exec is the number 300, which has no unit, and Velero takes its \
             default instead: write 300s",
        ),
        (
            exec("command: [/bin/sync], timeuot: 5m"),
            "unknown key 'timeuot' in spec.hooks.resources[0].pre[0].exec: did you mean 'timeout'?",
        ),
        (exec("command: [/bin/sync], execTimeout: 5m"), "unknown key 'execTimeout'"),
        (exec("command: [/bin/sync], onError: fail"), "is the text 'fail': did you mean 'Fail'?"),
        (exec("command: /bin/sync"), "pre[0].exec.command is the text '/bin/sync': write a list of texts"),
        (exec("command: [/bin/sleep, 5]"), "pre[0].exec.command[1] is the number 5: write a text, in quotes"),
        (exec("container: db"), "pre[0].exec has no command"),
        (
            exec("command: [/bin/sync], container: 5"),
            "container in spec.hooks.resources[0].pre[0].exec is the number 5",
        ),
        ("[{name: r, pre: [{http: {}}]}]\n".to_owned(), "unknown key 'http'"),
        ("[{name: 10}]\n".to_owned(), "4:9 spec.hooks.resources[0].name is the number 10: write a text, in quotes"),
        ("[{pre: []}]\n".to_owned(), "4:2 spec.hooks.resources[0] has no name"),
        ("[{name: r, per: []}]\n".to_owned(), "unknown key 'per' in spec.hooks.resources[0]: did you mean 'pre'?"),
        ("[{name: r, pre: [], hooks: []}]\n".to_owned(), "has both 'pre' and 'hooks', its old name: keep 'pre' alone"),
        ("[{name: r, includedResources: [secrets]}]\n".to_owned(), "includedResources has no pods"),
        ("[{name: r, excludedResources: [pods]}]\n".to_owned(), "excludedResources has pods"),
        (
            "[{name: r, labelSelector: {app: x}}]\n".to_owned(),
            "unknown key 'app' in spec.hooks.resources[0].labelSelector",
        ),
        (
            "[{name: r, labelSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}]\n".to_owned(),
            "matchExpressions[0] is no expression",
        ),
        ("{name: r}\n".to_owned(), "spec.hooks.resources is a mapping: write a list"),
    ] {
        let found = mistakes(&read(&FORMAT, &backup("Backup", &resources)));
        assert!(found.iter().any(|mistake| mistake.contains(expected)), "'{expected}' is not in {found:?}");
        assert!(found.len() <= 2, "{found:?}");
    }
}

#[test]
fn mistakes_in_restores_and_kinds_are_named_with_their_mend() {
    let post = |inside: &str| backup("Restore", &format!("[{{name: r, postHooks: [{inside}]}}]\n"));
    for (text, expected) in [
        (
            post("{init: {initContainers: []}}"),
            "4:25 'init' in spec.hooks.resources[0].postHooks[0] adds containers to a pod that is restored, and no pod is \
             restored here: take it away, and do the same in an exec hook",
        ),
        (post("{exec: {command: [a], timeout: 5m}}"), "write execTimeout for the command's limit"),
        (post("{exec: {command: [a], waitForReady: \"yes\"}}"), "waitForReady in"),
        (post("{exec: {command: [a], waitTimeout: 5}}"), "has no unit"),
        (backup("Restore", "[{name: r, pre: []}]\n"), "unknown key 'pre'"),
        (backup("Schedule", "[]\n"), "has spec.hooks, which Velero does not read: move it to spec.template.hooks"),
        (backup("Bakcup", "[]\n"), "2:7 unknown kind 'Bakcup': did you mean 'Backup'?"),
        ("apiVersion: velero.io/v2\nkind: Backup\n".to_owned(), "is of the version 'velero.io/v2': write velero.io/v1"),
    ] {
        let found = mistakes(&read(&FORMAT, &text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(expected), "'{expected}' is not in {found:?}");
    }
}

#[test]
fn a_spec_beside_annotations_for_the_same_pods_is_doubtful() {
    let annotated = |labels: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: billing\n  labels: {labels}\n  annotations: \
             {{pre.hook.backup.velero.io/command: /bin/sync}}\n"
        )
    };
    let spec = "[{name: r, includedNamespaces: [billing], labelSelector: {matchLabels: {app: ledger}, matchExpressions: \
                [{key: tier, operator: In, values: [db]}]}, pre: [{exec: {command: [a]}}], post: [{exec: {command: [b]}}]}]\n";
    let text = backup("Backup", spec) + &annotated("{app: ledger, tier: db}");
    let found = read(&FORMAT, &text);
    assert_eq!(rows(&found).len(), 3);
    assert_eq!(
        warnings(&found.hooks[0]),
        ["runs beside the hook in the annotations of Pod billing/p, which Velero ran in its stead"]
    );
    assert_notes(&found.hooks[0].notes, &["Velero did not run it in the pods of Pod billing/p"]);
    assert_eq!(warnings(&found.hooks[1]), Vec::<&str>::new(), "the pod has no post hook of its own");
    for labels in ["{app: ledger}", "{app: other, tier: db}"] {
        let found = read(&FORMAT, &(backup("Backup", spec) + &annotated(labels)));
        assert_eq!(warnings(&found.hooks[0]), Vec::<&str>::new(), "{labels}");
    }
}

#[test]
fn whatever_makes_pods_may_have_hooks_on_them() {
    let annotations =
        "{metadata: {annotations: {pre.hook.backup.velero.io/command: /bin/sync}}, spec: {containers: [{name: a}]}}";
    for (kind, text) in [
        (
            "Rollout",
            format!(
                "{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {{name: n}}, spec: {{template: {annotations}}}}}"
            ),
        ),
        (
            "DeploymentConfig",
            format!(
                "{{apiVersion: apps.openshift.io/v1, kind: DeploymentConfig, metadata: {{name: n}}, spec: {{template: {annotations}}}}}"
            ),
        ),
        (
            "PodTemplate",
            format!("{{apiVersion: v1, kind: PodTemplate, metadata: {{name: n}}, template: {annotations}}}"),
        ),
    ] {
        let found = read(&FORMAT, &text);
        assert_eq!(
            rows(&found),
            [format!("n-pre pre-backup Fail 30s [/bin/sync] container=a in=Pod owner={kind}/n strategy=ExecuteOnAll")]
        );
    }
}

#[test]
fn hooks_on_what_is_not_known_are_a_mistake() {
    let hook = "annotations: {pre.hook.backup.velero.io/command: /bin/sync}";
    for place in [format!("metadata: {{name: n, {hook}}}"), format!("spec: {{pods: [{{metadata: {{{hook}}}}}]}}")] {
        let found = read(&FORMAT, &format!("{{apiVersion: example.org/v1, kind: Cluster, {place}}}"));
        let said = mistakes(&found);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains("Cluster") && said[0].contains("has hook annotations, but its kind is not known"),
            "{said:?}"
        );
        assert_eq!((found.concerns.as_slice(), found.means_fail), (&["backup"][..], true));
    }
    // Beside hooks that are in their place, too.
    let template = "template: {metadata: {annotations: {post.hook.backup.velero.io/command: /bin/sync}}}";
    let found = read(
        &FORMAT,
        &format!("{{apiVersion: e/v1, kind: Cluster, spec: {{{template}, other: {{metadata: {{{hook}}}}}}}}}"),
    );
    assert_eq!(mistakes(&found).len(), 1, "{found:?}");
    // What the cluster itself notes about fields declares nothing.
    let managed = "metadata: {managedFields: [{fieldsV1: {'f:metadata': {'f:annotations': {'f:pre.hook.backup.velero.io/command': {}}}}}]}";
    let found = read(&FORMAT, &format!("{{apiVersion: example.org/v1, kind: Cluster, {managed}}}"));
    assert_eq!(found, super::super::Found::default());
}

#[test]
fn names_have_no_line_ends_and_no_control_characters() {
    let found =
        read(&FORMAT, &pod("pre.hook.backup.velero.io/command: /bin/sync").replace("name: p\n", "name: \"p\\nq\"\n"));
    let said = mistakes(&found);
    assert_eq!(said, ["4:9 metadata.name has a line end or a control character in it: write one line"]);
}
