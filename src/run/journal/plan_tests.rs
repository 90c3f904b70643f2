//! A plan comes back from a journal as it went into it, but for what holds a secret.

use super::by_name::is_by_name;
use super::fixture::{exec, header, hook};
use super::{Header, resolve};
use crate::hooks::model::{Context, Exec, Executor, ExecutorKind, Http, ObjectRef, Port, Scheme, Tcp, Tls};
use crate::hooks::template::{Template, Trust};
use crate::hooks::{Action, Discovery, Finding, Hook, OnError, Phase, Plan, Policy, Text, load, plan};
use crate::masking::Secrets;
use crate::settings::{self, Environment};
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

const WORKERS: &[&str] = &["backup", "check", "forget", "prune", "replicate", "restore", "snapshot-export"];

fn back(header: &Header, secrets: &Secrets) -> Header {
    let line = header.line(secrets).expect("is small");
    super::read::read(&line).expect("is whole").0
}

fn with(plan: Plan) -> Header {
    Header { plan, ..header("r") }
}

#[test]
fn every_example_and_fixture_comes_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "hooks-examples/declared",
        "tests/fixtures/stash",
        "tests/fixtures/kubestash",
        "tests/fixtures/velero",
        "tests/fixtures/borgitory",
    ];
    let (mut files, mut hooks, mut templates) = (0, 0, [0, 0]);
    for folder in folders {
        for entry in std::fs::read_dir(root.join(folder)).expect("is there") {
            let from = entry.expect("can be read").path();
            if from.extension().is_some_and(|extension| extension == "txt") {
                continue;
            }
            let lies = tempfile::tempdir().expect("there is room");
            std::fs::copy(&from, lies.path().join(from.file_name().expect("has a name"))).expect("there is room");
            let environment: Environment = [("HOOKS_DIR", lies.path())].into_iter().collect();
            let mut settings = settings::read(&environment);
            let declared = load(&settings, WORKERS);
            declared.mask_in(&mut settings);
            files += 1;
            for worker in WORKERS {
                let mut planned = plan(&settings, worker, WORKERS, &declared);
                let read = back(&with(planned.clone()), &Secrets::new()).plan;
                planned.discovery = Discovery::default();
                assert_eq!(read, planned, "{} {worker}", from.display());
                hooks += read.all().count();
                for (_, text) in read.all().flat_map(|hook| hook.action.texts()) {
                    if let Some(template) = text.template() {
                        templates[usize::from(template.secret_sources().is_empty())] += 1;
                    }
                }
            }
        }
    }
    assert!(files > 15 && hooks > 50 && templates.iter().all(|count| *count > 0), "{files} {hooks} {templates:?}");
}

#[test]
fn an_imported_template_gains_nothing_on_the_way() {
    let source = r#"{{ env "DB_PASS" }}"#;
    let own = Template::parse(source, Trust::Own).expect("is the operator's own");
    let kept = serde_json::to_value(&own).expect("is written");
    assert_eq!(serde_json::from_value::<Template>(kept.clone()).expect("is read"), own);
    // The same words with the trust of an imported one: `env` is not there.
    let mut imported = kept;
    imported["trust"] = "Imported".into();
    let error = serde_json::from_value::<Template>(imported).expect_err("has no env");
    assert!(error.to_string().contains("env"), "{error}");
    let plain = Template::parse("{{ .Name }}", Trust::Imported).expect("parses");
    let read: Template = serde_json::from_value(serde_json::to_value(&plain).expect("is written")).expect("is read");
    assert_eq!(read, plain);
    assert_ne!(read, Template::parse("{{ .Name }}", Trust::Own).expect("parses"));
    assert_eq!(serde_json::to_value(&read).expect("is written")["trust"], "Imported");
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::new();
    for secret in ["c0rrect horse", "Always", "Verify", "Imported", "freeze-db"] {
        secrets.add(secret);
    }
    secrets
}

#[test]
fn a_hook_with_a_secret_is_kept_by_name_and_found_again() {
    let secret = "x c0rrect horse x";
    let leaks: Vec<Hook> = vec![
        hook(Phase::Undo, "argument", exec(&["thaw", secret])),
        hook(Phase::Undo, "encoded", exec(&["curl", "-u", "admin:c0rrect%20horse"])),
        hook(
            Phase::Undo,
            "variable",
            Action::Exec(Exec { env: vec![("PASS".to_owned(), Text::plain(secret))], ..Exec::default() }),
        ),
        hook(Phase::Undo, "template", exec(&["x"])),
        Hook {
            context: Some(Context { namespace: Some(secret.to_owned()), ..Context::default() }),
            ..hook(Phase::Undo, "context", exec(&["x"]))
        },
        Hook {
            warnings: vec![Finding { what: secret.to_owned(), mend: String::new() }],
            ..hook(Phase::Undo, "warning", exec(&["x"]))
        },
    ];
    let mut leaks = leaks;
    let template = Template::parse("{{ .Name }} c0rrect horse", Trust::Own).expect("parses");
    leaks[3].action =
        Action::Exec(Exec { command: vec![Text::plain("x"), Text::Template(template)], ..Exec::default() });
    let mut planned = super::fixture::plan();
    for (place, leak) in leaks.iter_mut().enumerate() {
        leak.undo_of = Some(place % 3);
    }
    planned.undos.extend(leaks.clone());
    let mut told = with(planned.clone());
    told.target = secret.to_owned();
    told.hostname = secret.to_owned();
    told.namespace = secret.to_owned();
    told.trial = told.trial.map(|trial| crate::run::trial::Trial { error: secret.to_owned(), ..trial });
    let line = told.line(&secrets()).expect("is small");
    let text = String::from_utf8(line.clone()).expect("is text");
    assert!(!text.contains("c0rrect") && !text.contains("horse"), "{text}");
    assert_eq!(text.matches("x *** x").count(), 4, "target, hostname, namespace, the trial's error: {text}");
    let mut read = super::read::read(&line).expect("is whole").0.plan;
    // Words of ours and names are no secrets, whatever a secret is called.
    assert_eq!(read.undos[..2], planned.undos[..2]);
    assert_eq!((&read.pre, &read.post), (&planned.pre, &planned.post));
    let by_name: Vec<&str> = read.all().filter(|hook| is_by_name(hook)).map(|hook| hook.name.as_str()).collect();
    let names: Vec<&str> = leaks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(by_name, names);
    assert!(read.undos[2..].iter().all(|hook| hook.problem.is_some()), "none of them can run");
    // The same plan today, with other places.
    let mut today = planned.clone();
    today.pre.remove(0);
    today.undos.reverse();
    today.undos.iter_mut().for_each(|undo| undo.undo_of = Some(77));
    let gone = today.undos.iter().position(|undo| undo.name == "variable").expect("is there");
    today.undos.remove(gone);
    assert_eq!(resolve(&mut read, &today), ["variable"]);
    let mut expected = planned;
    expected.undos[4] = read.undos[4].clone();
    assert!(is_by_name(&read.undos[4]));
    assert_eq!(read.undos, expected.undos);
}

#[test]
fn a_name_that_was_made_up_is_looked_up_with_its_source_alone() {
    let kept = |name: &str| {
        let undo = Hook { undo_of: Some(0), ..hook(Phase::Undo, name, exec(&["thaw", "c0rrect horse"])) };
        let plan = Plan { undos: vec![undo], ..super::fixture::plan() };
        back(&with(plan), &secrets()).plan
    };
    let today = |name: &str| {
        let undo = Hook { source: "/hooks/hooks.yaml:99".to_owned(), ..hook(Phase::Undo, name, exec(&["new"])) };
        Plan { undos: vec![undo], ..super::fixture::plan() }
    };
    for name in ["undo-pre-backup.exec", "undo-pre-all.httpPost-12"] {
        let mut plan = kept(name);
        assert_eq!(resolve(&mut plan, &today(name)), [name]);
        let same = Plan { undos: vec![hook(Phase::Undo, name, exec(&["new"]))], ..super::fixture::plan() };
        assert_eq!(resolve(&mut plan, &same), [""; 0]);
        assert_eq!((&plan.undos[0].action, plan.undos[0].undo_of), (&exec(&["new"]), Some(0)));
    }
    let mut plan = kept("undo-freeze-2");
    assert_eq!(resolve(&mut plan, &today("undo-freeze-2")), [""; 0]);
    assert_eq!(plan.undos[0].action, exec(&["new"]));
    // Pre hooks are run by nobody: one that is gone is not missed.
    let mut plan = kept("undo-freeze");
    plan.pre[0].problem.clone_from(&plan.undos[0].problem);
    assert_eq!(
        resolve(&mut plan, &Plan { pre: Vec::new(), undos: Vec::new(), ..super::fixture::plan() }),
        ["undo-freeze"]
    );
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), Just(String::new()), Just("\0\n\"\\\u{2028}😀".to_owned())]
}

fn texts() -> impl Strategy<Value = Text> {
    let template = (words(), prop::bool::ANY).prop_filter_map("is no template", |(words, own)| {
        let trust = if own { Trust::Own } else { Trust::Imported };
        Template::parse(&format!("{words}{{{{ .Name }}}}"), trust).ok().map(Text::Template)
    });
    prop_oneof![words().prop_map(Text::Plain), template]
}

fn ports() -> impl Strategy<Value = Port> {
    prop_oneof![any::<u16>().prop_map(Port::Number), words().prop_map(Port::Name)]
}

fn http() -> impl Strategy<Value = Http> {
    (
        (prop::bool::ANY, prop::bool::ANY, prop::option::of(ports())),
        (texts(), texts(), prop::option::of(texts())),
        prop::collection::vec((texts(), texts()), 0..3),
        prop::collection::vec((texts(), prop::collection::vec(texts(), 0..3)), 0..3),
    )
        .prop_map(|((secure, skip, port), (host, path, body), headers, form)| Http {
            scheme: if secure { Scheme::Https } else { Scheme::Http },
            host,
            port,
            path,
            headers,
            body,
            form,
            tls: if skip { Tls::SkipVerify } else { Tls::Verify },
        })
}

fn actions() -> impl Strategy<Value = Action> {
    let exec = (
        prop::collection::vec(texts(), 0..4),
        (prop::option::of(words()), prop::option::of(words())),
        (prop::option::of(texts()), prop::option::of(texts())),
        prop::collection::vec((words(), texts()), 0..3),
    )
        .prop_map(|(command, (shell, container), (user, working_dir), env)| {
            Action::Exec(Exec { command, shell, container, user, working_dir, env })
        });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|path| Action::Script(OsString::from_vec(path).into())),
        exec,
        http().prop_map(Action::HttpGet),
        http().prop_map(Action::HttpPost),
        (texts(), ports()).prop_map(|(host, port)| Action::TcpSocket(Tcp { host, port })),
    ]
}

fn objects() -> impl Strategy<Value = ObjectRef> {
    (words(), words(), words(), words(), words()).prop_map(|(api_group, api_version, kind, name, namespace)| {
        ObjectRef { api_group, api_version, kind, name, namespace }
    })
}

fn hooks(phase: Phase) -> impl Strategy<Value = Hook> {
    let span = || any::<(u64, u32)>().prop_map(|(secs, nanos)| Duration::new(secs, nanos % 1_000_000_000));
    let finding = || (words(), words()).prop_map(|(what, mend)| Finding { what, mend });
    let executor = (0..3_usize, prop::option::of(words()), prop::collection::vec(words(), 0..3)).prop_map(
        |(kind, word, namespaces)| Executor {
            kind: [ExecutorKind::Pod, ExecutorKind::Operator, ExecutorKind::Function][kind],
            selector: word.clone(),
            namespaces,
            owner: word.clone(),
            strategy: None,
            function: word,
        },
    );
    let context = (prop::option::of(words()), prop::option::of(objects()), prop::option::of(objects()))
        .prop_map(|(namespace, invoker, target)| Context { namespace, invoker, target });
    (
        (words(), words(), actions()),
        (prop::bool::ANY, prop::bool::ANY, 0..4_usize, any::<u32>(), prop::collection::vec(any::<i32>(), 0..3)),
        (span(), prop::option::of(span()), prop::option::of(span()), prop::option::of(any::<usize>())),
        (prop::option::of(context), prop::option::of(executor), prop::option::of(words())),
        (prop::option::of(finding()), prop::collection::vec(finding(), 0..3), prop::bool::ANY, prop::bool::ANY),
    )
        .prop_map(move |(what, rules, times, places, findings)| Hook {
            on_error: if rules.0 { OnError::Fail } else { OnError::Continue },
            stop_phase_on_error: rules.1,
            policy: Policy::ALL[rules.2],
            retries: rules.3,
            skip_on: rules.4,
            retry_delay: times.0,
            kill_after: times.0,
            timeout: times.1,
            hold_limit: times.2,
            undo_of: times.3,
            context: places.0,
            executor: places.1,
            container_name: places.2,
            problem: findings.0,
            warnings: findings.1,
            not_executable: findings.2,
            is_broken_file: findings.3,
            source: what.1,
            ..hook(phase, &what.0, what.2)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_comes_back(
        pre in prop::collection::vec(hooks(Phase::Pre), 0..3),
        undos in prop::collection::vec(hooks(Phase::Undo), 0..3),
        post in prop::collection::vec(hooks(Phase::Post), 0..3),
        (name, path) in (words(), prop::collection::vec(any::<u8>(), 0..20)),
    ) {
        let absent = vec![(Phase::Post, name, OsString::from_vec(path).into())];
        let plan = Plan { pre, undos, post, absent, discovery: Discovery::default() };
        let header = with(plan);
        prop_assert_eq!(back(&header, &Secrets::new()), header);
    }
}
