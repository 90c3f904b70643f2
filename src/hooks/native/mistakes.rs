//! Every mistake that the native form finds: place, words and mend, one row each.

use super::super::document;
use super::super::model::{HooksFile, Policy, Tls};
use super::super::{Action, Declared, OnError};
use super::read;
use std::path::PathBuf;
use std::time::Duration;

const WORKERS: &[&str] = &["backup", "check", "replicate", "snapshot-export"];

fn file(text: &str) -> HooksFile {
    let mut file = HooksFile {
        path: PathBuf::from("/hooks/hooks.yaml"),
        documents: Vec::new(),
        hooks: Vec::new(),
        mistakes: Vec::new(),
        means_fail: false,
        concerns: Vec::new(),
        notes: Vec::new(),
    };
    for node in document::read(text).unwrap_or_else(|error| panic!("{text}: {error:?}")) {
        read(&mut file, &node, WORKERS);
    }
    file
}

fn mistakes(text: &str) -> Vec<String> {
    file(text).mistakes.iter().map(|mistake| format!("{} {}: {}", mistake.at, mistake.what, mistake.mend)).collect()
}

/// The one hook of a pre phase, its keys from column 7 of line 3 on.
fn pre(hook: &str) -> String {
    format!("hooks:\n  preBackup:\n    - {}\n", hook.replace('\n', "\n      "))
}

fn post(hook: &str) -> String {
    pre(hook).replace("preBackup", "postBackup")
}

#[track_caller]
fn says(text: &str, expected: &[&str]) {
    assert_eq!(mistakes(text), expected, "{text}");
}

#[track_caller]
fn hook(text: &str) -> Declared {
    let mut file = file(text);
    assert_eq!(file.mistakes, [], "{text}");
    file.hooks.remove(0)
}

const SYNC: &str = "exec: {command: [sync]}";

#[test]
fn keys() {
    says(
        &pre(&format!("{SYNC}\ntmieout: 5m")),
        &["4:7 unknown key 'tmieout' in preBackup[0]: did you mean 'timeout'?"],
    );
    says(
        &pre(&format!("{SYNC}\non_error: Fail")),
        &["4:7 unknown key 'on_error' in preBackup[0]: did you mean 'onError'?"],
    );
    says(
        &pre("command: [sync]"),
        &[
            "3:7 unknown key 'command' in preBackup[0]: write it below exec",
            "3:7 preBackup[0] has no action: give it script, exec, httpGet, httpPost or tcpSocket",
        ],
    );
    says(&pre("exce: {command: [sync]}"), &["3:7 unknown key 'exce' in preBackup[0]: did you mean 'exec'?"]);
    says(
        &pre("exec: {command: [sync], timeout: 5}"),
        &["3:31 unknown key 'timeout' in preBackup[0].exec: write it in the hook itself, beside 'exec'"],
    );
    says(
        &pre("httpGet: {host: x, body: y}"),
        &["3:26 unknown key 'body' in preBackup[0].httpGet: a GET has no body: use httpPost"],
    );
    says(
        &pre("exec: {command: [a], zzz: 1}"),
        &["3:28 unknown key 'zzz' in preBackup[0].exec: use one of command, shell, container, user, workingDir, env"],
    );
    says(
        &pre("exec: {command: [a]}\ntimeout:"),
        &[
            "4:14 preBackup[0].timeout has no value: give it one, or take the key away (a text 'null' is written in quotes)",
        ],
    );
}

#[test]
fn the_top_of_the_file() {
    says("hooks:\n", &[]);
    says("hooks: {preBackup: , postAll: []}\n", &[]);
    says("$schema: x\nx-mine: {a: 1}\nhooks: {}\n", &[]);
    says("hooks: {}\nhoks: {}\n", &["2:1 unknown key 'hoks' at the top of the file: did you mean 'hooks'?"]);
    says(
        "hooks: {}\npreBackup: []\n",
        &["2:1 unknown key 'preBackup' at the top of the file: write it below 'hooks:'"],
    );
    says(
        "hooks: {}\nversion: 1\n",
        &["2:1 unknown key 'version' at the top of the file: take it away, or let its name begin with x-"],
    );
    says("hooks: [a]\n", &["1:8 hooks is a list: write phases below it: 'preBackup:' and a list"]);
    says("- a\n", &["1:1 the file is a list: write 'hooks:' and the phases below it"]);
}

#[test]
fn phases() {
    says("hooks: {preBakcup: []}\n", &["1:9 unknown phase 'preBakcup': did you mean 'preBackup'?"]);
    says(
        "hooks: {preDoctor: []}\n",
        &["1:9 'preDoctor' is no phase: doctor only looks, and runs no hooks: take it away"],
    );
    says(
        "hooks:\n  preBackup:\n    exec: {command: [a]}\n",
        &["3:5 preBackup is a mapping: write '- ' before the first key: it is a list of hooks"],
    );
    says(
        "hooks: {preBackup: pre-backup.sh}\n",
        &["1:20 preBackup is the text 'pre-backup.sh': write a list: [{script: pre-backup.sh}]"],
    );
    says(
        "hooks: {preBackup: [pre-backup.sh]}\n",
        &["1:21 preBackup[0] is the text 'pre-backup.sh': write 'script: pre-backup.sh'"],
    );
    says(
        "hooks: {preBackup: [5]}\n",
        &["1:21 preBackup[0] is the number 5: write a mapping with an action, such as 'exec: {command: [...]}'"],
    );
    says(
        "hooks: {preBakcup: [{exec: {command: []}}]}\n",
        &[
            "1:9 unknown phase 'preBakcup': did you mean 'preBackup'?",
            "1:38 preBakcup[0].exec.command is empty: write the program and its arguments: [\"sync\", \"-f\"]",
        ],
    );
}

#[test]
fn actions() {
    says(&pre("name: x"), &["3:7 preBackup[0] has no action: give it script, exec, httpGet, httpPost or tcpSocket"]);
    says(
        &pre("exec: {command: [a]}\nhttpGet: {host: x}"),
        &["4:7 preBackup[0] has two actions, exec and httpGet: make two hooks of it"],
    );
    says(
        &pre("script: pre-backup.sh\nexec: {command: [a]}"),
        &[
            "4:7 preBackup[0] has two actions, script and exec: make two hooks of it: 'script' gives settings to a script, which runs in its own place",
        ],
    );
    says(
        &pre("exec: sync"),
        &["3:13 preBackup[0].exec is the text 'sync': write a mapping: {command: ..., shell: ...}"],
    );
    says(&pre("exec: {}"), &["3:13 preBackup[0].exec has no command: give it a command"]);
    says(
        &pre("exec: {command: []}"),
        &["3:23 preBackup[0].exec.command is empty: write the program and its arguments: [\"sync\", \"-f\"]"],
    );
    says(
        &pre("exec: {command: ['', a]}"),
        &[
            "3:23 preBackup[0].exec.command begins with an empty word: write the program and its arguments: [\"sync\", \"-f\"]",
        ],
    );
    says(
        &pre("exec: {command: sync -f /data}"),
        &[
            "3:23 preBackup[0].exec.command is the text 'sync -f /data': write a list, one word an item: [\"sync\", \"-f\", \"/data\"]",
        ],
    );
    says(
        &pre("exec: {command: 'a | b'}"),
        &[
            "3:23 preBackup[0].exec.command is the text 'a | b': write a list, and hand the text to a shell if it needs one: [\"sh\", \"-c\", \"...\"]",
        ],
    );
    says(
        &pre("exec: {command: [sleep, 5]}"),
        &["3:31 preBackup[0].exec.command[1] is a number, not a text: put it in quotes"],
    );
    says(
        &pre("exec: {command: [a, b], shell: /bin/sh}"),
        &[
            "3:23 preBackup[0].exec.command has 2 words for one text of /bin/sh: join them to one text, or take shell away",
        ],
    );
    says(
        &pre("exec: {command: [a], user: 1000, workingDir: ''}"),
        &[
            "3:34 preBackup[0].exec.user is a number, not a text: put it in quotes",
            "3:52 preBackup[0].exec.workingDir is empty: take it away",
        ],
    );
    says(
        &pre("exec: {command: [\"a\\0\"]}"),
        &["3:24 preBackup[0].exec has a NUL character in a text: take it away: no program can get one"],
    );
    says(&pre("tcpSocket: {host: db}"), &["3:18 preBackup[0].tcpSocket has no port: give it a port"]);
}

#[test]
fn types() {
    for (field, what, mend) in [
        ("retries: many", "is the text 'many'", "write a whole number from 0"),
        ("retries: '3'", "is the text '3'", "write a whole number from 0, without quotes"),
        ("retries: -1", "is the number -1", "write a whole number from 0"),
        ("retries: 1.5", "is the number 1.5", "write a whole number from 0"),
        ("retries: 99999999999", "is the number 99999999999", "write a whole number from 0"),
        ("timeout: 5 minutes", "is the text '5 minutes'", "did you mean '5m'?"),
        ("timeout: 5 fortnights", "is the text '5 fortnights'", "write seconds, or a duration such as 90s, 5m, 1h30m"),
        ("timeout: 1.5", "is the number 1.5", "did you mean '1500ms'?"),
        ("timeout: -5", "is the number -5", "write seconds, or a duration such as 90s, 5m, 1h30m"),
        ("timeout: true", "is true", "write seconds, or a duration such as 90s, 5m, 1h30m"),
        ("timeout: [5m]", "is a list", "write seconds, or a duration such as 90s, 5m, 1h30m"),
        ("onError: Fial", "is the text 'Fial'", "did you mean 'Fail'?"),
        ("onError: stop", "is the text 'stop'", "write Continue or Fail"),
        ("onError: true", "is true", "write Continue or Fail"),
        ("stopPhaseOnError: 'yes'", "is the text 'yes'", "write true or false, without quotes"),
        ("stopPhaseOnError: on", "is the text 'on'", "write true or false, without quotes"),
        ("name: 5", "is the number 5", "put it in quotes"),
        ("name: true", "is true", "put it in quotes"),
        ("name: [a]", "is a list", "write one text, not a list"),
        ("skipOn: 75", "is the number 75", "write a list: [75]"),
        ("skipOn: [0]", "[0] is the number 0", "exit code 0 is success: write a number from 1 to 255"),
        ("skipOn: [256]", "[0] is the number 256", "write a number from 1 to 255"),
        ("skipOn: [75, x]", "[1] is the text 'x'", "write a number from 1 to 255"),
        (
            "undo: {exec: {command: [a]}, timeout: soon}",
            ".timeout is the text 'soon'",
            "write seconds, or a duration such as 90s, 5m, 1h30m",
        ),
        ("context: apps", "is the text 'apps'", "write a mapping: {namespace: ..., invoker: ...}"),
        ("executor: {type: Pad}", ".type is the text 'Pad'", "did you mean 'Pod'?"),
    ] {
        let (key, value) = field.split_once(": ").expect("has a value");
        let found = mistakes(&pre(&format!("{SYNC}\n{field}")));
        let blank = if what.starts_with(['.', '[']) { "" } else { " " };
        let expected = format!("preBackup[0].{key}{blank}{what}: {mend}");
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].split_once(' ').map(|(_, words)| words), Some(expected.as_str()), "{field}");
        if blank == " " {
            let column = 7 + field.len() - value.len();
            assert!(found[0].starts_with(&format!("4:{column} ")), "{field}: {}", found[0]);
        }
    }
}

#[test]
fn rules_between_fields() {
    says(
        &pre(&format!("{SYNC}\nholdLimit: 5m")),
        &["4:7 preBackup[0] has a holdLimit and no undo: add the undo that runs at the limit, or take the limit away"],
    );
    says(
        &pre(&format!("{SYNC}\nholdLimit: 0\nundo: {{{SYNC}}}")),
        &["4:7 preBackup[0].holdLimit is 0, at which the undo would run at once: take it away for no limit"],
    );
    says(
        &pre(&format!("{SYNC}\nundo: {{script: pre-backup.sh}}")),
        &[
            "4:14 unknown key 'script' in preBackup[0].undo: an undo takes no script of the folder: use exec, such as 'exec: {command: [/path/of/it.sh]}'",
        ],
    );
    says(
        &pre(&format!("{SYNC}\nundo: {{{SYNC}, tcpSocket: {{port: 1}}}}")),
        &["4:39 preBackup[0].undo has two actions, exec and tcpSocket: make two hooks of it"],
    );
    says(
        &pre(&format!("{SYNC}\nexecutionPolicy: OnFailure")),
        &["4:7 executionPolicy in preBackup[0] is for post hooks alone: take it away"],
    );
    says(
        &post(&format!("{SYNC}\nskipOn: [75]\nundo: {{{SYNC}}}\nholdLimit: 5m")),
        &[
            "4:7 skipOn in postBackup[0] is for pre hooks alone: take it away",
            "5:7 undo in postBackup[0] is for pre hooks alone: take it away",
            "6:7 holdLimit in postBackup[0] is for pre hooks alone: take it away",
        ],
    );
    says(
        &pre(&format!("{SYNC}\nname: ''")),
        &["4:13 preBackup[0].name is empty: give it a name, or take the key away"],
    );
    says(
        &pre(&format!("{SYNC}\nname: \"a\\nb\"")),
        &["4:13 preBackup[0].name has a line end or a control character in it: write one line"],
    );
    says(
        &pre("script: pre-backup.sh\ncontainerName: db"),
        &["4:7 preBackup[0] has a script and containerName, and scripts run in this container: take it away"],
    );
}

#[test]
fn scripts() {
    for (script, words) in [
        (
            "pre-bakcup.sh",
            "'pre-bakcup.sh' is no hook's file name: it is called `pre-bakcup`, which is no hook: did you mean 'pre-backup.sh'?",
        ),
        (
            "pre-backup.old.sh",
            "'pre-backup.old.sh' is no hook's file name: it has the suffix `old`, which does not begin with a digit: did you mean 'pre-backup.10-old.sh'?",
        ),
        ("post-backup.sh", "'post-backup.sh' is a hook of another phase: write it below postBackup"),
        ("pre-check.sh", "'pre-check.sh' is a hook of another phase: write it below preCheck"),
        (
            "/hooks/pre-backup.sh",
            "'/hooks/pre-backup.sh' has a folder in it: write the name of a file in HOOKS_DIR alone: pre-backup.sh",
        ),
        (
            "dump.txt",
            "'dump.txt' is no hook's file name: it has not the name of a hook: name a file such as pre-backup.sh or pre-backup.10-name.sh, or use exec",
        ),
    ] {
        says(&pre(&format!("script: {script}")), &[&format!("3:15 preBackup[0].script {words}")]);
    }
    says(
        "hooks:\n  preBackup:\n    - script: pre-backup.sh\n    - script: pre-backup.1.sh\n    - script: pre-backup.sh\n",
        &["5:15 preBackup[2].script 'pre-backup.sh' has settings twice, first in line 3: make one entry of the two"],
    );
    let script = hook(&pre("script: pre-backup.10-dump.sh\nskipOn: [75, 75, 1]\nonError: FAIL\ntimeout: 5"));
    assert_eq!((script.script.as_deref(), script.action), (Some("pre-backup.10-dump.sh"), None));
    assert_eq!((script.skip_on, script.on_error), (Some(vec![75, 1]), Some(OnError::Fail)));
    assert_eq!(script.timeout, Some(Duration::from_secs(5)));
}

#[test]
fn requests() {
    for (field, what, mend) in [
        (
            "host: 'http://x.org/y'",
            "host 'http://x.org/y' has a scheme in it",
            "write scheme: HTTP, host: x.org, path: /y",
        ),
        (
            "host: 'HTTPS://x:8443'",
            "host 'HTTPS://x:8443' has a scheme in it",
            "write scheme: HTTPS, host: x, port: 8443",
        ),
        ("host: x/y", "host 'x/y' has a path in it", "write host: x, path: /y"),
        ("host: 'x/y?token=s'", "host 'x/y?token=s' has a path in it", "write host: x, path: /y?..."),
        ("host: 'x:80'", "host 'x:80' has a port in it", "write host: x, port: 80"),
        ("host: '[::1]'", "host '[::1]' has brackets", "write 'host: \"::1\"'"),
        ("host: ''", "host is empty", "take it away for localhost"),
        (
            "host: 'a b'",
            "host has a blank or a line end in it",
            "write a name or an address alone; scheme, port and path have fields of their own",
        ),
        (
            "host: 'me:pw@x'",
            "host has a user in it",
            "send the user in a header: httpHeaders: [{name: Authorization, value: ...}]",
        ),
        ("host: 5", "host is a number, not a text", "put it in quotes"),
        ("port: 0", "port is the number 0", "write a number from 1 to 65535"),
        ("port: 70000", "port is the number 70000", "write a number from 1 to 65535"),
        ("port: http", "port is the text 'http'", "write a number from 1 to 65535"),
        ("port: '80'", "port is the text '80'", "write a number from 1 to 65535, without quotes"),
        ("path: '/a b'", "path has a blank or a line end in it", "write %20 for a blank"),
        (
            "path: 'http://x/y'",
            "path has a whole address in it",
            "write path and query alone; scheme, host and port have fields of their own",
        ),
        ("scheme: ftp", "scheme is the text 'ftp'", "write HTTP or HTTPS"),
        (
            "httpHeaders: {Content-Type: x}",
            "httpHeaders is a mapping",
            "write a list: [{name: Content-Type, value: ...}]",
        ),
        ("httpHeaders: {name: A, value: x}", "httpHeaders is a mapping", "write '- ' before it: it is a list"),
        ("httpHeaders: [{name: A}]", "httpHeaders[0] has no value", "give it a value"),
        (
            "httpHeaders: [{name: 'A:', value: x}]",
            "httpHeaders[0].name 'A:' is no name of a header",
            "write a name such as Content-Type, without colon and blanks",
        ),
        (
            "httpHeaders: [{name: '', value: x}]",
            "httpHeaders[0].name '' is no name of a header",
            "write a name such as Content-Type, without colon and blanks",
        ),
        (
            "httpHeaders: [{name: A, value: \"x\\r\\nB: y\"}]",
            "httpHeaders[0].value has a line end or a NUL character in it",
            "write it on one line; a block after '|' ends in one, a block after '>-' does not",
        ),
        (
            "httpHeaders: [{name: A, value: \"\\0\"}]",
            "httpHeaders[0].value has a line end or a NUL character in it",
            "write it on one line; a block after '|' ends in one, a block after '>-' does not",
        ),
        ("body: 5", "body is a number, not a text", "put it in quotes"),
        ("body: {a: b}", "body is a mapping, not a text", "write a text"),
        ("form: [{key: a, values: b}]", "form[0].values is the text 'b'", "write a list, one word an item: [\"b\"]"),
        ("body: x\n  form: [{key: a, values: [b]}]", " has a body and a form", "keep one of the two"),
        ("insecureSkipTLSVerify: 1", "insecureSkipTLSVerify is the number 1", "write true or false, without quotes"),
    ] {
        let found = mistakes(&pre(&format!("httpPost:\n  {field}")));
        let dot = if what.starts_with(' ') { "" } else { "." };
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        let words = found[0].split_once(' ').map(|(_, words)| words.to_owned());
        assert_eq!(words, Some(format!("preBackup[0].httpPost{dot}{what}: {mend}")), "{field}");
    }
    for host in ["::1", "fe80::1%eth0", "127.0.0.1", "x.org", "{{ env \"HOST\" }}"] {
        assert_eq!(
            mistakes(&pre(&format!("httpGet: {{host: '{host}', path: '/{{{{ .X }}}}?a=b'}}"))),
            [""; 0],
            "{host}"
        );
    }
    let named = "context: {namespace: x}\ntcpSocket: {port: http}";
    assert_eq!(mistakes(&pre(named)), [""; 0], "a printed definition keeps the port's name");
}

#[test]
fn variables() {
    for (env, words) in [
        ("{A: b}", "is a mapping: write a list: [{name: A, value: ...}]"),
        (
            "[{name: A-B, value: x}]",
            "[0].name 'A-B' is no name of a variable: write letters, digits and _, with no digit at the beginning",
        ),
        (
            "[{name: 1A, value: x}]",
            "[0].name '1A' is no name of a variable: write letters, digits and _, with no digit at the beginning",
        ),
        (
            "[{name: '', value: x}]",
            "[0].name '' is no name of a variable: write letters, digits and _, with no digit at the beginning",
        ),
        ("[{name: A, value: 5}]", "[0].value is a number, not a text: put it in quotes"),
        ("[{name: A, value: \"\\0\"}]", "[0].value has a NUL character in it: take it away"),
        ("[{name: A}]", "[0] has no value: give it a value"),
        (
            "[{name: A, value: x}, {name: A, value: y}]",
            "[1].name 'A' stands twice, first in line 3: keep one of the two",
        ),
        ("[A=b]", "[0] is the text 'A=b': write a mapping: {name: ..., value: ...}"),
    ] {
        let found = mistakes(&pre(&format!("exec: {{command: [a], env: {env}}}")));
        let blank = if words.starts_with('[') { "" } else { " " };
        assert_eq!(found.len(), 1, "{env}: {found:?}");
        assert_eq!(
            found[0].split_once(' ').map(|(_, words)| words.to_owned()),
            Some(format!("preBackup[0].exec.env{blank}{words}"))
        );
    }
}

#[test]
fn every_mistake_is_found_at_once_in_the_order_of_the_file() {
    let found = mistakes(
        "x: 1\nhooks:\n  preBakcup:\n    - exec: {command: []}\n      retries: x\n  postBackup:\n    - timeout: soon\n      \
         httpGet: {port: 0}\n    - {}\n",
    );
    let places: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(places, ["1:1", "3:3", "4:23", "5:16", "7:16", "8:23", "9:7"], "{found:#?}");
}

#[test]
fn fail_counts_however_broken_the_file_is() {
    assert!(file("hooks: {preBakcup: [{onError: fail}]}").means_fail);
    assert!(file("hooks: {preBackup: {onError: FAIL}}").means_fail);
    assert!(!file("hooks: {preBackup: [{onError: Continue, exec: {}}]}").means_fail);
}

#[test]
fn words_are_read_whatever_their_case() {
    let post = hook(&post(
        "httpPost: {scheme: https, insecureSkipTLSVerify: True}\nexecutionPolicy: ONFINALRETRYFAILURE\nonError: conTinue\nretries: 2\nretryDelay: 500ms",
    ));
    assert_eq!((post.policy, post.on_error), (Policy::OnFinalRetryFailure, Some(OnError::Continue)));
    assert_eq!((post.retries, post.retry_delay), (2, Some(Duration::from_millis(500))));
    let Some(Action::HttpPost(http)) = post.action else { panic!("{:?}", post.action) };
    assert_eq!(http.tls, Tls::SkipVerify);
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let warnings = |text: &str| -> Vec<String> {
        hook(text).warnings.iter().map(|warning| format!("{}: {}", warning.what, warning.mend)).collect()
    };
    assert_eq!(
        warnings(&pre(&format!("{SYNC}\nretryDelay: 5s"))),
        ["has a retryDelay (line 4) and no retries: add retries, or take retryDelay away"]
    );
    assert_eq!(
        warnings(&pre("httpGet: {host: x, scheme: HTTPS, insecureSkipTLSVerify: true}")),
        [
            "does not verify the certificate of x (insecureSkipTLSVerify, line 3): take insecureSkipTLSVerify away, and give the container the certificate's authority"
        ]
    );
    let plain = warnings(&pre("httpGet: {host: x, insecureSkipTLSVerify: true}"));
    assert!(plain[0].contains("its scheme is HTTP"), "{plain:?}");
    assert_eq!(warnings(&pre(SYNC)), [""; 0]);
}

#[test]
fn a_template_that_does_not_parse_is_named_with_its_place_in_the_file() {
    for (text, place) in [
        (pre("exec: {command: [a, 'x {{ .X']}"), "3:"),
        (pre("httpPost:\n  body: |\n    one\n    {{ .X }}\n    {{ end }}"), "7:"),
        (pre("httpPost:\n  body: \"a\\n{{ .X\""), "4:15 "),
        (pre("httpPost:\n  host: '{{ .X'"), "4:"),
        (pre("httpPost:\n  path: '/{{ .X'"), "4:"),
        (pre("httpPost:\n  httpHeaders: [{name: A, value: '{{ .X'}]"), "4:"),
        (pre("httpPost:\n  form: [{key: a, values: ['{{ .X']}]"), "4:"),
        (pre("exec: {command: [a], env: [{name: A, value: '{{ .X'}]}"), "3:"),
        (pre("exec: {command: [a], user: '{{ .X', workingDir: /}"), "3:"),
    ] {
        let found = mistakes(&text);
        assert!(
            found.len() == 1 && found[0].starts_with(place) && found[0].contains("does not parse"),
            "{text}{found:?}"
        );
    }
    assert!(mistakes(&pre("httpPost:\n  body: \"a\\n{{ .X\""))[0].contains("(line 2 of the text)"));
}

#[test]
fn what_a_template_puts_into_a_shells_command_is_quoted() {
    says(
        &pre("exec:\n  command:\n    - sh\n    - -c\n    - |\n      set -e\n      echo {{ .Status.Error }}"),
        &[
            "9:18 {{ .Status.Error }} in preBackup[0].exec.command[2] puts a text into a shell's command unquoted: put '| shquote' at its end: {{ .Status.Error | shquote }}",
        ],
    );
    let undo = mistakes(&pre(&format!("{SYNC}\nundo: {{exec: {{shell: bash, command: ['echo {{{{ .Name }}}}']}}}}")));
    assert!(undo.len() == 1 && undo[0].contains("preBackup[0].undo.exec.command[0]"), "{undo:?}");
    for fine in [
        "exec: {command: [sh, -c, 'echo {{ .Status.Error | shquote }}']}",
        "exec: {command: [sh, -c, 'docker ps --format {{\"{{\"}}.Names}}']}",
        "exec: {command: [sh, -c, 'echo $1', x, '{{ .Status.Error }}']}",
        "exec: {command: [echo, '{{ .Status.Error }}']}",
    ] {
        assert_eq!(mistakes(&pre(fine)), [""; 0], "{fine}");
    }
}

#[test]
fn what_shquote_cannot_help_is_a_mistake_and_a_warning_in_what_was_printed() {
    says(
        &pre("exec: {command: [sh, -c, 'echo \"{{ .Status.Error | shquote }}\"']}"),
        &[
            "3:39 {{ .Status.Error | shquote }} in preBackup[0].exec.command[2] stands within quotes: take the quotes away, shquote makes its own",
        ],
    );
    let here = mistakes(&pre(
        "exec:\n  shell: bash\n  command:\n    - |\n      cat <<EOF\n      {{ .Name | shquote }}\n      EOF",
    ));
    assert!(here.len() == 1 && here[0].contains("stands in a here-document"), "{here:?}");
    let of_env = mistakes(&pre("exec: {command: ['{{ env \"SHELL\" }}', -c, 'echo {{ .Name }}']}"));
    assert!(of_env.len() == 1 && of_env[0].contains("unquoted"), "{of_env:?}");
    for program in ["echo \"{{ .Name | shquote }}\"", "echo {{ .Name }}"] {
        let printed = hook(&pre(&format!("exec: {{command: [sh, -c, '{program}']}}\nexecutor: {{type: Pod}}")));
        assert_eq!(printed.warnings.len(), 1, "{:?}", printed.warnings);
        assert!(printed.warnings[0].what.contains("{{ .Name"), "{:?}", printed.warnings);
    }
}

#[test]
fn a_duration_that_is_too_long_is_told_so() {
    says(
        &pre(&format!("{SYNC}\ntimeout: '99999999999999h'")),
        &["4:16 preBackup[0].timeout is the text '99999999999999h': it is too long: write at most 36500d"],
    );
    let number = mistakes(&pre(&format!("{SYNC}\ntimeout: 99999999999999")));
    assert!(number.len() == 1 && number[0].ends_with("it is too long: write at most 36500d"), "{number:?}");
}

#[test]
fn mistakes_without_number_are_not_all_listed() {
    use std::fmt::Write as _;
    let mut text = "hooks: {}\n".to_owned();
    for number in 0..20_000 {
        let _ = writeln!(text, "key{number}: 1");
    }
    let found = mistakes(&text);
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "20001:1 has 19900 more mistakes that are not listed: mend these first");
}
