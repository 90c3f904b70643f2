//! File names of the data that is backed up reach hooks, through what restic says of them. Wherever a template puts them, they
//! stay text: nothing in them is executed, evaluated again or sent as something else.

use crate::loopback::{Http, Request};
use crate::support::{Sandbox, write_executable};
use serde_json::Value;
use std::fs;

/// What a hostile file is called: the sandbox's folder takes the place of `@`.
const NAMES: [&str; 12] = [
    "it's here",
    "\"; touch @/PWNED; \"",
    "'; touch @/PWNED; '",
    "$(touch @/PWNED)",
    "`touch @/PWNED`",
    "a\ntouch @/PWNED\nb",
    "a\r\nX-Injected: yes\r\n\r\nGET /other HTTP/1.1",
    "{{ env \"RESTIC_PASSWORD\" }}",
    "{{ template \"x\" }}{{/*",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "-rf --output=@/PWNED & | > @/PWNED",
    "\\\" }, {\"admin\": true, \"x\": \"\\u0041%0d%0a${IFS}<b>&#x41;",
];

/// Every place that a template reaches, but for headers and paths, which have tests of their own.
const FILE: &str = r#"hooks:
  postBackup:
    - name: argv
      exec: {command: [note, '{{ .Status.Error }}']}
    - name: shell
      exec: {command: [sh, -c, 'note {{ .Status.Error | shquote }}']}
    - name: environment
      exec:
        command: [sh, -c, 'note "$WHY"']
        env: [{name: WHY, value: '{{ .Status.Error }}'}]
    - name: body
      httpPost:
        host: 127.0.0.1
        port: @PORT
        path: /body
        httpHeaders: [{name: Content-Type, value: application/json}]
        body: '{"text": {{ toJson .Status.Error }}, "whole": {{ toJson (printf "failed: %s" .Status.Error) }}}'
    - name: form
      httpPost:
        host: 127.0.0.1
        port: @PORT
        path: /form
        form: [{key: why, values: ['{{ .Status.Error }}']}]
"#;

/// A sandbox with `note`, which writes its argument down, and these hooks.
fn scene(file: &str, http: &Http) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    let notes = sandbox.path("notes").display().to_string();
    write_executable(&sandbox.path("bin/note"), &format!("#!/bin/sh\nprintf '%s\\0' \"$#\" \"$1\" >> {notes}\n"));
    let url = http.url("");
    let port = url.trim_end_matches('/').rsplit(':').next().expect("has a port");
    fs::write(sandbox.path("hooks/hooks.yaml"), file.replace("@PORT", port)).expect("can be written");
    sandbox
}

fn hostile(name: &str, sandbox: &Sandbox) -> String {
    let path = name.replace('@', &sandbox.path("").display().to_string());
    format!("cannot read /data/{path}: permission denied")
}

fn path_of(request: &Request) -> &str {
    request.line.split(' ').nth(1).unwrap_or_default()
}

/// What `.Status.Error` is made of a text: one line without control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[test]
fn a_file_name_stays_text_in_commands_shells_environment_body_and_form() {
    for name in NAMES {
        let http = Http::answering("200 OK");
        let sandbox = scene(FILE, &http);
        let error = hostile(name, &sandbox);
        let out = sandbox
            .run(&["hooks", "test", "post-backup", "--exit-code", "1", "--status", "failure", "--error", &error])
            .ends_with(0);
        assert!(!sandbox.path("PWNED").exists(), "{name:?} was executed:\n{}", out.all());
        assert!(!out.all().contains('\u{1b}'), "{name:?} drives the terminal");
        let told = one_line(&error);
        let notes = sandbox.notes();
        let notes: Vec<&str> = notes.split_terminator('\0').collect();
        // Three hooks have called it, each with one argument.
        let expected = ["1", told.as_str()].repeat(3);
        assert_eq!(notes, expected, "{name:?}");
        let sent = http.others();
        let body = sent.iter().find(|request| path_of(request) == "/body").expect("was sent");
        let body: Value = serde_json::from_str(&body.body).expect("is JSON");
        assert_eq!(body["text"], told.as_str(), "{name:?}");
        assert_eq!(body["whole"], format!("failed: {told}"), "{name:?}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{name:?}");
        let form = sent.iter().find(|request| path_of(request) == "/form").expect("was sent");
        assert_eq!(form.body.matches(['=', '&']).count(), 1, "{name:?}: {}", form.body);
        assert_eq!(decoded(form.body.strip_prefix("why=").expect("has its key")), told, "{name:?}");
        assert_eq!(sent.len(), 2, "{name:?}");
    }
}

/// `application/x-www-form-urlencoded`, read back.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(&tail[..2]).expect("has two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("is hexadecimal"));
                rest = &tail[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).expect("is text")
}

#[test]
fn what_restic_says_of_a_hostile_file_reaches_hooks_as_text() {
    let http = Http::answering("200 OK");
    let sandbox = scene(FILE, &http);
    let name = "$(touch @/PWNED)`touch @/PWNED`'\"; touch @/PWNED; {{ env \"RESTIC_PASSWORD\" }}\u{1b}[2J";
    let error = hostile(name, &sandbox);
    fs::write(sandbox.path("said"), format!("Fatal: {error}\n")).expect("can be written");
    let said = sandbox.path("said").display().to_string();
    let engine = format!(
        "#!/bin/sh\n[ \"$1\" = version ] && {{ echo 'restic 0.18.0 compiled with go1.24 on linux/amd64'; exit 0; }}\ncat {said} >&2\nexit 1\n"
    );
    write_executable(&sandbox.path("bin/restic"), &engine);
    let out = sandbox.run(&["backup"]).ends_with(1);
    assert!(!sandbox.path("PWNED").exists(), "was executed:\n{}", out.all());
    assert!(!out.all().contains("correct-horse-battery"), "a template in the name was evaluated");
    let notes = sandbox.notes();
    let notes: Vec<&str> = notes.split_terminator('\0').collect();
    assert_eq!(notes.len(), 6, "{notes:?}\n{}", out.all());
    assert!(
        notes[1].contains("$(touch ") && notes[1].contains("{{ env "),
        "the name did not reach the hooks: {notes:?}"
    );
    let sent = http.others();
    let body = sent.iter().find(|request| path_of(request) == "/body").expect("was sent");
    let body: Value = serde_json::from_str(&body.body).expect("is JSON");
    assert_eq!(body["text"], notes[1]);
}

#[test]
fn a_value_with_a_line_end_splits_no_header_and_no_path_but_fails_the_hook() {
    // A value of the operator's own may hold line ends; one that a run tells never does.
    for place in [
        "path: '/x{{ env \"MINE\" }}'",
        "path: /x\n        httpHeaders: [{name: X-Why, value: '{{ env \"MINE\" }}'}]",
        "path: /x\n        httpHeaders: [{name: '{{ env \"MINE\" }}', value: y}]",
    ] {
        for value in ["a\r\nX-Injected: yes", "a\nX-Injected: yes", "a\rb"] {
            let http = Http::answering("200 OK");
            let file = format!(
                "hooks:\n  postBackup:\n    - name: split\n      httpGet:\n        host: 127.0.0.1\n        port: @PORT\n        {place}\n"
            );
            let mut sandbox = scene(&file, &http);
            sandbox.set("MINE", value);
            let out = sandbox.run(&["hooks", "test", "post-backup"]).ends_with(1);
            assert!(out.all().contains("split"), "{}", out.all());
            assert_eq!(http.others().len(), 0, "{place} {value:?} was sent");
        }
    }
}

#[test]
fn a_file_name_in_a_path_or_header_stays_in_its_place() {
    for name in NAMES {
        let http = Http::answering("200 OK");
        let sandbox = scene(
            "hooks:\n  postBackup:\n    - name: told\n      httpGet:\n        host: 127.0.0.1\n        port: @PORT\n        path: '/told?why={{ .Status.Error }}'\n        httpHeaders: [{name: X-Why, value: '{{ .Status.Error }}'}]\n",
            &http,
        );
        let error = hostile(name, &sandbox);
        let out = sandbox.run(&[
            "hooks",
            "test",
            "post-backup",
            "--exit-code",
            "1",
            "--status",
            "failure",
            "--error",
            &error,
        ]);
        assert!(!sandbox.path("PWNED").exists(), "{name:?} was executed:\n{}", out.all());
        // Sent as one request with nothing added, or not sent at all.
        let sent = http.others();
        assert!(sent.len() <= 1 && (out.code() == 0) == (sent.len() == 1), "{name:?}: {}", out.all());
        for request in sent {
            assert_eq!(request.header("x-injected"), None, "{name:?}");
            assert!(path_of(&request).starts_with("/told"), "{name:?}: {}", request.line);
        }
    }
}

#[test]
fn an_unquoted_template_in_a_shells_command_is_a_mistake_before_anything_runs() {
    let http = Http::answering("200 OK");
    let sandbox = scene(
        "hooks:\n  postBackup:\n    - name: shell\n      exec: {command: [sh, -c, 'note {{ .Status.Error }}']}\n",
        &http,
    );
    let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert!(out.contains("shquote") && out.contains("hooks.yaml:4:"), "{out}");
    let error = "$(touch PWNED)";
    sandbox.run(&["hooks", "test", "post-backup", "--exit-code", "1", "--status", "failure", "--error", error]);
    assert_eq!(sandbox.notes(), "");
}
