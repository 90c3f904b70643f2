//! What is written is read back with the same meaning.

use super::super::document;
use super::super::model::{
    Context, Exec, Executor, ExecutorKind, HooksFile, Http, ObjectRef, OnError, Origin, Policy, Port, Scheme, Tcp, Tls,
    Undo,
};
use super::super::template::{Template, Trust};
use super::super::{Action, Declared, Finding, Owner, Phase, Text};
use super::{claims, read, write};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

const WORKERS: &[&str] = &["backup", "snapshot-export"];

fn empty() -> HooksFile {
    HooksFile {
        path: PathBuf::from("/hooks/hooks.yaml"),
        documents: Vec::new(),
        hooks: Vec::new(),
        mistakes: Vec::new(),
        means_fail: false,
        concerns: Vec::new(),
        notes: Vec::new(),
    }
}

fn origin() -> Origin {
    Origin { file: PathBuf::from("x.yaml"), at: document::At::START, document: "Stash BackupBatch a/b".to_owned() }
}

fn back(written: &str) -> Result<HooksFile, String> {
    let documents = document::read(written).map_err(|error| format!("{error:?}\n{written}"))?;
    let mut file = empty();
    for node in &documents {
        if !claims(node) {
            return Err(format!("is not claimed:\n{written}"));
        }
        read(&mut file, node, WORKERS);
    }
    Ok(file)
}

/// A text that is no template is read as a template that renders to it, if it looks like one.
fn text(text: &Text) -> Text {
    match text {
        Text::Plain(plain) if plain.contains("{{") => {
            let source = plain.replace("{{", "{{\"{{\"}}");
            Template::parse(&source, Trust::Own).map_or_else(|_| Text::plain(source.clone()), Text::Template)
        }
        other => other.clone(),
    }
}

fn action(action: Action) -> Action {
    let http = |http: Http| Http {
        host: text(&http.host),
        path: text(&http.path),
        headers: http.headers.iter().map(|(name, value)| (text(name), text(value))).collect(),
        body: http.body.as_ref().map(text),
        form: http.form.iter().map(|(key, values)| (text(key), values.iter().map(text).collect())).collect(),
        ..http
    };
    match action {
        Action::Exec(exec) => Action::Exec(Exec {
            command: exec.command.iter().map(text).collect(),
            user: exec.user.as_ref().map(text),
            working_dir: exec.working_dir.as_ref().map(text),
            env: exec.env.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            ..exec
        }),
        Action::HttpGet(get) => Action::HttpGet(http(get)),
        Action::HttpPost(post) => Action::HttpPost(http(post)),
        other => other,
    }
}

/// What reading gives for it: place, notes and warnings are not written as such.
fn expected(hook: &Declared, read: &Declared) -> Declared {
    Declared {
        action: hook.action.clone().map(action),
        undo: hook.undo.clone().map(|undo| Undo { action: action(undo.action), ..undo }),
        origin: read.origin.clone(),
        notes: Vec::new(),
        warnings: read.warnings.clone(),
        ..hook.clone()
    }
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\\n\\t]{0,40}",
        any::<String>(),
        prop::collection::vec(
            prop::sample::select(vec![
                "null", "on", "1", "~", "'", "\"", "\\", "\n", "\n\n", " ", "  ", "#", " #", ": ", "- ", "{{", "}}",
                "{", "|", ">", "é", "😀", "\t", "%", "@", "!", "&a", "*a", "\u{85}", "\u{2028}", "\u{feff}", "\r",
                "\u{7f}", "---", "...", "a: b", "<<", "? ", "0x1", "1e3", "Yes", "a",
            ]),
            0..8
        )
        .prop_map(|parts| parts.concat()),
        Just("x".repeat(5000)),
        Just(format!("{}\n", "long line ".repeat(300))),
    ]
    .prop_map(|text| text.replace('\0', "0"))
}

fn line() -> impl Strategy<Value = String> {
    words().prop_map(|text| {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        if text.trim().is_empty() { "n".to_owned() } else { text }
    })
}

fn texts() -> impl Strategy<Value = Text> {
    prop_oneof![
        words().prop_map(Text::Plain),
        line().prop_map(|line| {
            let source = format!("{}{{{{ .Name }}}}", line.replace("{{", "").replace('{', ""));
            Template::parse(&source, Trust::Own).map_or_else(|_| Text::plain("x"), Text::Template)
        }),
    ]
}

fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0_u64), 1..5000_u64, 0..4_000_000_000_u64].prop_map(Duration::from_millis)
}

fn execs() -> impl Strategy<Value = Action> {
    let program = line().prop_map(|line| Text::Plain(format!("p{line}")));
    (
        program,
        prop::collection::vec(texts(), 0..4),
        prop::option::of(line()),
        prop::option::of(line().prop_map(Text::Plain)),
        prop::option::of(line().prop_map(Text::Plain)),
        prop::collection::btree_map("[A-Z_][A-Z0-9_]{0,8}", texts(), 0..3),
    )
        .prop_map(|(program, args, container, user, working_dir, env)| {
            Action::Exec(Exec {
                command: [program].into_iter().chain(args).collect(),
                shell: None,
                container,
                user,
                working_dir,
                env: env.into_iter().collect(),
            })
        })
}

fn https() -> impl Strategy<Value = Http> {
    let header = ("[A-Za-z-]{1,10}".prop_map(Text::Plain), line().prop_map(Text::Plain));
    (
        prop::bool::ANY,
        "[a-z]{1,8}(\\.[a-z]{2,3})?",
        prop::option::of(1..=u16::MAX),
        "(/[a-z0-9?=&%{]{0,10})?",
        prop::collection::vec(header, 0..3),
    )
        .prop_map(|(secure, host, port, path, headers)| Http {
            scheme: if secure { Scheme::Https } else { Scheme::Http },
            host: Text::Plain(host),
            port: port.map(Port::Number),
            path: Text::Plain(path),
            headers,
            body: None,
            form: Vec::new(),
            tls: if secure { Tls::SkipVerify } else { Tls::Verify },
        })
}

fn all_actions() -> impl Strategy<Value = Action> {
    let form = prop::collection::vec((texts(), prop::collection::vec(texts(), 0..3)), 0..3);
    prop_oneof![
        execs(),
        https().prop_map(Action::HttpGet),
        (https(), texts()).prop_map(|(http, body)| Action::HttpPost(Http { body: Some(body), ..http })),
        (https(), form).prop_map(|(http, form)| Action::HttpPost(Http { form, ..http })),
        ("[a-z]{1,8}", 1..=u16::MAX)
            .prop_map(|(host, port)| Action::TcpSocket(Tcp { host: Text::Plain(host), port: Port::Number(port) })),
    ]
}

fn objects() -> impl Strategy<Value = ObjectRef> {
    (words(), words(), words()).prop_map(|(kind, name, api_version)| ObjectRef {
        api_version,
        kind,
        name,
        ..ObjectRef::default()
    })
}

fn hooks() -> impl Strategy<Value = Declared> {
    let whose = (
        prop::bool::ANY,
        prop::sample::select(vec![Owner::All, Owner::Worker("backup"), Owner::Worker("snapshot-export")]),
    );
    let times = (prop::option::of(spans()), prop::option::of(spans()), prop::option::of(spans()));
    let undo = prop::option::of((all_actions(), prop::option::of(spans())));
    let other = (
        prop::option::of((prop::option::of(words()), prop::option::of(objects()))),
        prop::option::of((0..3_usize, words(), prop::collection::vec(words(), 0..3))),
        prop::option::of(words()),
        prop::collection::vec(words(), 0..3),
    );
    let rules = (
        prop::option::of(prop::bool::ANY),
        prop::bool::ANY,
        0..4_usize,
        prop::option::of(prop::collection::btree_set(1..=255_i32, 0..3)),
        0..3_u32,
    );
    (whose, prop::option::of(line()), all_actions(), times, undo, other, rules).prop_map(
        |(
            (is_pre, owner),
            name,
            action,
            (timeout, retry_delay, hold),
            undo,
            (context, executor, container, notes),
            rules,
        )| {
            let (fail, stop, policy, codes, retries) = rules;
            let phase = if is_pre { Phase::Pre } else { Phase::Post };
            let kinds = [ExecutorKind::Pod, ExecutorKind::Operator, ExecutorKind::Function];
            let undo = undo.filter(|_| is_pre).map(|(action, timeout)| Undo { action, timeout });
            Declared {
                name,
                timeout,
                retry_delay,
                retries,
                hold_limit: hold.filter(|limit| undo.is_some() && !limit.is_zero()),
                undo,
                on_error: fail.map(|fail| if fail { OnError::Fail } else { OnError::Continue }),
                stop_phase_on_error: stop,
                policy: if is_pre { Policy::Always } else { Policy::ALL[policy] },
                skip_on: codes.filter(|_| is_pre).map(|codes| codes.into_iter().collect()),
                context: context.map(|(namespace, target)| Context { namespace, invoker: None, target }),
                executor: executor.map(|(kind, selector, namespaces)| Executor {
                    selector: Some(selector),
                    namespaces,
                    ..Executor::of(kinds[kind])
                }),
                container_name: container,
                notes,
                warnings: vec![Finding { what: "is\n- odd".to_owned(), mend: "x".to_owned() }],
                ..Declared::new(owner, phase, Some(action), origin())
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn hooks_come_back(hooks in prop::collection::vec(hooks(), 0..4), notes in prop::collection::vec(words(), 0..3)) {
        let written = write(&HooksFile { hooks: hooks.clone(), notes, ..empty() });
        let file = back(&written).map_err(TestCaseError::fail)?;
        prop_assert!(file.mistakes.is_empty(), "{:?}\n{}", file.mistakes, written);
        prop_assert_eq!(file.hooks.len(), hooks.len());
        for read in &file.hooks {
            prop_assert!(hooks.iter().any(|hook| expected(hook, read) == *read), "{:#?}\n{}", read, written);
        }
        let again = write(&HooksFile { hooks: file.hooks.clone(), ..empty() });
        prop_assert_eq!(back(&again).map_err(TestCaseError::fail)?.hooks.len(), hooks.len());
    }
}

#[test]
fn what_is_written_is_what_a_person_would_write() {
    let exec = |command: &[&str]| {
        Action::Exec(Exec { command: command.iter().map(|word| Text::plain(*word)).collect(), ..Exec::default() })
    };
    let mut freeze =
        Declared::new(Owner::Worker("backup"), Phase::Pre, Some(exec(&["fsfreeze", "--freeze", "/x"])), origin());
    freeze.name = Some("freeze-db".to_owned());
    freeze.on_error = Some(OnError::Fail);
    freeze.undo = Some(Undo { action: exec(&["sh", "-c", "one\n\n  two\n"]), timeout: Some(Duration::from_secs(90)) });
    freeze.hold_limit = Some(Duration::from_secs(600));
    freeze.notes.push("it was never\nthawed there".to_owned());
    let post = Http {
        scheme: Scheme::Https,
        host: Text::plain("x.org"),
        port: None,
        path: Text::plain("/on?a=b"),
        headers: vec![(Text::plain("X-Answer"), Text::plain("42"))],
        body: Some(Text::plain("{\"a\": \"{{ x }}\"}")),
        form: Vec::new(),
        tls: Tls::Verify,
    };
    let mut tell = Declared::new(Owner::All, Phase::Post, Some(Action::HttpPost(post)), origin());
    tell.origin.document = String::new();
    tell.policy = Policy::OnFailure;
    let file = HooksFile { hooks: vec![tell, freeze], notes: vec!["schedule is not read".to_owned()], ..empty() };
    assert_eq!(
        write(&file),
        r#"# schedule is not read
hooks:
  preBackup:
    # Stash BackupBatch a/b, line 1
    # it was never thawed there
    - name: freeze-db
      exec:
        command: ["fsfreeze", "--freeze", "/x"]
      onError: Fail
      undo:
        exec:
          command:
            - sh
            - "-c"
            - |
              one

                two
        timeout: 1m30s
      holdLimit: 10m
  postAll:
    - httpPost:
        scheme: HTTPS
        host: x.org
        path: "/on?a=b"
        httpHeaders:
          - name: X-Answer
            value: "42"
        body: "{\"a\": \"{{\"{{\"}} x }}\"}"
      executionPolicy: OnFailure
"#
        .replace("{\\\"a\\\": \\\"{{\"{{\"}}", "{\\\"a\\\": \\\"{{\\\"{{\\\"}}")
    );
    assert_eq!(write(&empty()), "hooks: {}\n");
    assert_eq!(back("hooks: {}\n").map(|file| file.hooks.len()), Ok(0));
}

#[test]
fn what_another_system_takes_comes_back() {
    let host = |host: &str, path: &str| {
        Action::HttpGet(Http {
            scheme: Scheme::Http,
            host: Text::plain(host),
            port: Some(Port::Number(80)),
            path: Text::plain(path),
            headers: Vec::new(),
            body: None,
            form: Vec::new(),
            tls: Tls::Verify,
        })
    };
    let shell = |program: &str| {
        let program = Template::parse(program, Trust::Imported).map_or_else(|_| Text::plain("x"), Text::Template);
        Action::Exec(Exec {
            command: vec![Text::plain("sh"), Text::plain("-c"), program],
            env: vec![("my.var".to_owned(), Text::plain("x"))],
            ..Exec::default()
        })
    };
    for (action, expected) in [
        (host("[::1]", "/a b"), host("::1", "/a%20b")),
        (host("h", "/x  y?z={{"), host("h", "/x%20%20y?z={{")),
        (shell("echo {{ .Name }}"), shell("echo {{ .Name }}")),
        (shell("echo \"{{ .Name | shquote }}\""), shell("echo \"{{ .Name | shquote }}\"")),
    ] {
        let hook = Declared {
            executor: Some(Executor::of(ExecutorKind::Pod)),
            ..Declared::new(Owner::All, Phase::Post, Some(action), origin())
        };
        let written = write(&HooksFile { hooks: vec![hook], ..empty() });
        let file = back(&written).expect("is read");
        assert_eq!(file.mistakes, [], "{written}");
        let source =
            |action: &Action| action.texts().into_iter().map(|(_, text)| text.source().to_owned()).collect::<Vec<_>>();
        let read = file.hooks[0].action.as_ref().map(source);
        assert_eq!(read, Some(source(&self::action(expected))), "{written}");
    }
}
