//! Secrets: whoever prints them, in whatever form, none is found in any output.

use crate::loopback::{Http, Mail, Smtp};
use crate::masking_forms::{forms, percent};
use crate::support::{Sandbox, wait_for, write_executable};
use proptest::prelude::*;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What must not be seen, each from a source of its own.
#[derive(Debug, Clone)]
struct Case {
    /// `RESTIC_PASSWORD`.
    password: String,
    /// `OS_PASSWORD`.
    cloud: String,
    /// In `RESTIC_REPOSITORY`, before the host.
    user: String,
    /// In `RESTIC_PASSWORD_FILE`, on its only line.
    file: String,
    /// In a variable of three lines, like a key.
    lines: [String; 3],
    /// In the path and the query of `WEBHOOK_URL`.
    tokens: [String; 2],
    /// In `WEBHOOK_HEADER_AUTH`.
    bearer: String,
    /// In `SMTP_URL`.
    mail: String,
}

impl Case {
    /// Every secret, each line of one that has several.
    fn secrets(&self) -> Vec<&str> {
        let all = [&self.password, &self.cloud, &self.user, &self.file, &self.bearer, &self.mail];
        all.into_iter().chain(&self.lines).chain(&self.tokens).map(String::as_str).collect()
    }
}

/// Text that is hard to find again: quotes, backslashes, blanks, percent signs, letters of other alphabets. A mask may
/// stand beside a secret, so none has a `*`.
fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!-)+-~][ -)+-~]{8,20}[!-)+-~]", "[A-Za-z0-9+/]{10,40}", "[a-z\"\\\\/%&=äß漢🔑]{9,16}"]
}

fn case() -> impl Strategy<Value = Case> {
    let token = || "[A-Za-z0-9_-]{12,24}";
    let lines = [any_secret(), any_secret(), any_secret()];
    (any_secret(), any_secret(), any_secret(), any_secret(), lines, [token(), token()], token(), any_secret()).prop_map(
        |(password, cloud, user, file, lines, tokens, bearer, mail)| Case {
            password,
            cloud,
            user,
            file,
            lines,
            tokens,
            bearer,
            mail,
        },
    )
}

/// A sandbox in which everybody prints every secret in every form.
fn leaking(case: &Case, http: &Http, smtp: &Smtp) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let path = |part: &str| sandbox.path(part).display().to_string();
    let (file, metrics) = (path("config/password"), path("metrics"));
    let mut leaks = String::new();
    for secret in case.secrets() {
        for (printed, _) in forms(secret) {
            let _ = writeln!(leaks, "it is <{printed}>, and https://u:{printed}@h/{printed}?x={printed}");
        }
    }
    let _ = writeln!(leaks, "{}", case.lines.join("\n"));
    fs::write(sandbox.path("leaks"), leaks).expect("can be written");
    fs::create_dir(sandbox.path("split")).expect("can be made");
    for (index, secret) in case.secrets().iter().enumerate() {
        fs::write(sandbox.path("split").join(index.to_string()), secret).expect("can be written");
    }
    fs::write(&file, format!("{}\n", case.file)).expect("can be written");
    let user = percent(&case.user);
    sandbox
        .set("RESTIC_PASSWORD", case.password.clone())
        .set("RESTIC_PASSWORD_FILE", file)
        .set("OS_PASSWORD", case.cloud.clone())
        .set("SERVICE_PRIVATE_KEY", case.lines.join("\n"))
        .set("RESTIC_REPOSITORY", format!("rest:http://alice:{user}@repo.example/main?token={}", case.bearer))
        .set("WEBHOOK_URL", http.url(&format!("/services/{}?key={}", case.tokens[0], case.tokens[1])))
        .set("WEBHOOK_HEADER_AUTH", format!("Bearer {}", case.bearer))
        .set("MAILX_RCPT", "ops@example.org")
        .set("SMTP_URL", smtp.url(&format!("me:{}@", percent(&case.mail))))
        .set("METRICS_DIR", metrics)
        .set("RESTIC_JOB_ARGS", format!("--exclude {}", case.tokens[0]))
        // A secret where a limit should stand is shown in the line that says so, or not.
        .set("NOTIFY_AFTER", case.bearer.clone())
        .set("HOOK_SKIP_ON", "75")
        .set("LEAK", case.tokens[1].clone());
    let cut = "for file in $T/split/*; do head -c 5 $file; sleep 0.01; tail -c +6 $file; echo; done";
    let print = format!("cat $T/leaks; cat $T/leaks >&2; {cut}");
    sandbox.hook("pre-backup.sh", &format!("{print}; exit 3"));
    sandbox.hook("pre-backup.20-value.sh", "printf 'LEAKED=%s\\n' \"$RESTIC_PASSWORD\" >> \"$HOOK_OUTPUT\"");
    sandbox.hook("post-backup.sh", &format!("{print}; printf '%s\\n' \"$RUN_ERROR\" > $T/error; exit 4"));
    sandbox.hook("pre-check.sh", "cat $T/leaks; printf 'called off: %s\\n' \"$OS_PASSWORD\"; exit 75");
    // A script whose name holds one: it is shown where hooks are listed.
    sandbox.hook(&format!("pre-prune.{}.sh", case.tokens[0]), "exit 0");
    let engine = format!(
        "#!/bin/sh\n# A stand-in that keeps nothing to itself.\ncat {leaks}; cat {leaks} >&2\n\
         [ \"$1\" = backup ] && cat {json} {json} >&2\nprintf 'Fatal: cannot open: %s\\n' \"$OS_PASSWORD\" >&2\nexit 1\n",
        leaks = sandbox.path("leaks").display(),
        json = sandbox.path("messages").display(),
    );
    let message = |secret: &str| {
        let item = serde_json::json!({"message_type":"error","error":{"message":format!("open /data/{secret}")},"during":"archival","item":format!("/data/{secret}")});
        format!("{item}\n")
    };
    let messages: String = case.secrets().into_iter().map(message).collect();
    fs::write(sandbox.path("messages"), messages).expect("can be written");
    write_executable(&sandbox.path("bin/restic"), &engine);
    sandbox
}

/// Every file below a folder, with its text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("is a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = fs::read(entry.path()) {
                found.push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    found
}

/// Every text in a JSON document, keys too.
fn texts(value: &Value, found: &mut String) {
    match value {
        Value::String(text) => drop(writeln!(found, "{text}")),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                let _ = writeln!(found, "{key}");
                texts(member, found);
            }
        }
        _ => {}
    }
}

#[track_caller]
fn assert_clean(case: &Case, outputs: &[(String, String)]) {
    for (name, output) in outputs {
        assert!(!output.is_empty(), "{name} is empty: nothing was tested");
        let mut decoded = String::new();
        if let Ok(document) = serde_json::from_str(output) {
            texts(&document, &mut decoded);
        }
        for secret in case.secrets() {
            for (_, form) in forms(secret) {
                for text in [output, &decoded] {
                    let at = text.find(&form);
                    let around = at.map(|at| text[at..].chars().take(60).collect::<String>());
                    assert_eq!(around, None, "{name} shows {secret:?} as {form:?}");
                }
            }
        }
    }
}

/// Every output that there is, by name.
fn outputs(case: &Case) -> Vec<(String, String)> {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let mut sandbox = leaking(case, &http, &smtp);
    let mut outputs: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, text: String| outputs.push((name.to_owned(), text));

    let run = sandbox.run(&["backup"]).ends_with(1);
    assert_eq!(run.stderr, "");
    add("console", run.stdout);
    let request = http.request();
    assert!(request.line.contains(&case.tokens[0]), "the webhook itself must reach its address");
    add("webhook", request.body);
    let talk = smtp.talk();
    let start = talk.iter().position(|line| line == "DATA").expect("a mail was sent");
    add("mail as sent", talk[start..].join("\n"));
    let mail = Mail::of_talk(&talk);
    add("mail", format!("{}\n{}", mail.header("Subject"), mail.body));
    add("RUN_ERROR", fs::read_to_string(sandbox.path("error")).expect("the post hook ran"));
    for (folder, least) in [("log", 4), ("metrics", 1)] {
        let files = files(&sandbox.path(folder));
        assert!(files.len() >= least, "{files:?}");
        for (name, text) in files {
            add(&name, text);
        }
    }

    sandbox.set("LOG_FORMAT", "json").set("LOG_LEVEL", "trace");
    add("console in JSON", sandbox.run(&["backup"]).ends_with(1).stdout);
    sandbox.unset("LOG_FORMAT").unset("LOG_LEVEL");
    sandbox.run(&["check"]).ends_with(0);
    add("skipped run", fs::read_to_string(sandbox.path("log/last-check.json")).expect("is there"));

    for words in [
        vec!["doctor"],
        vec!["doctor", "--json"],
        vec!["config-check"],
        vec!["config-check", "--json"],
        vec!["hooks", "list"],
        vec!["hooks", "list", "--json"],
        vec!["hooks", "check"],
        vec!["hooks", "test", "backup", "--exit-code", "1", "--error", &case.cloud],
        vec!["hooks", "test", "prune", "--dry-run"],
        vec!["hooks", "test", &case.tokens[0]],
        vec!["hooks", "test", "backup", "--status", &case.tokens[0]],
        vec!["hooks", "list", &case.password],
        vec!["backup", &format!("--{}", case.tokens[0])],
        vec!["backup", &format!("--wait={}", case.tokens[0])],
        vec!["restore", "--yes", "--since", &case.tokens[0]],
        vec!["restore", "--yes", "--tag", &case.tokens[0]],
        vec!["locked_run", &case.tokens[0], "true"],
        vec!["locked_run", "job", &format!("/dev/null/{}", case.tokens[0]), "true"],
        vec![&case.tokens[0]],
    ] {
        let out = sandbox.run(&words);
        add(&format!("{words:?}"), out.stdout.clone() + &out.stderr);
        if words.contains(&"--json") {
            add(&format!("{words:?} as JSON"), out.stdout);
        }
    }
    for (name, text) in files(&sandbox.path("log")) {
        add(&format!("{name} at the end"), text);
    }
    outputs
}

/// A case takes some seconds: few of them at a time, and others each time.
fn few() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3);
    ProptestConfig { cases, max_shrink_iters: 8, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn no_secret_is_found_in_any_output(case in case()) {
        assert_clean(&case, &outputs(&case));
    }
}

#[test]
fn what_is_printed_beside_secrets_stays() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let case = Case {
        password: "first-secret".into(),
        cloud: "second-secret".into(),
        user: "third/secret".into(),
        file: "fourth-secret".into(),
        lines: ["fifth-secret".into(), "sixth-secret".into(), "seventh-secret".into()],
        tokens: ["eighthsecret".into(), "ninthsecret1".into()],
        bearer: "tenthsecret1".into(),
        mail: "last@secret".into(),
    };
    let sandbox = leaking(&case, &http, &smtp);
    let out = sandbox.run(&["backup"]).ends_with(1).stdout;
    for line in [
        "[pre-backup] it is <***>, and https://u:***@h/***?x=***",
        "❌ Hook pre-backup failed in 0s (exit 3)",
        "📡 Posting backup webhook to http://127.0.0.1:",
        "❌ Backup Failed with Status 1",
    ] {
        assert!(out.contains(line), "{line} is missing in\n{out}");
    }
    let summary = sandbox.summary("backup");
    assert_eq!(summary["repository"], "rest:http://alice:***@repo.example/main?token=***");
    assert_eq!(summary["reason"], "restic ended with status 1: cannot open: ***");
    let log = sandbox.log("backup");
    assert!(log.contains("RESTIC_JOB_ARGS: --exclude ***\n"), "{log}");
    assert!(log.contains("error: open /data/***\n"), "{log}");
    let refused = summary["hooks"][1]["reason"].as_str().expect("is text");
    assert!(refused.starts_with("HOOK_OUTPUT") && refused.contains("LEAKED"), "{refused}");
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn children_of(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

#[test]
fn no_process_of_ours_has_a_secret_in_its_title() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("OS_PASSWORD", "title-secret").set("RESTIC_JOB_ARGS", "--exclude title-secret");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "sleep 1000").set("ENGINE_STARTED", started);
    sandbox.hook("pre-backup.sh", "echo > $T/waiting; while [ ! -e $T/go ]; do sleep 0.02; done");
    let running = sandbox.start(&["backup"]);
    let ours = || {
        let is_ours = |pid: &i32| name_of(*pid).starts_with("boathook");
        let mut pids = vec![running.pid()];
        let mut next = 0;
        while let Some(pid) = pids.get(next).copied() {
            pids.extend(children_of(pid).into_iter().filter(is_ours));
            next += 1;
        }
        let title = |pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).ok().filter(|words| !words.is_empty());
        pids.into_iter().filter_map(|pid| Some(title(pid)? + &name_of(pid))).collect::<Vec<_>>()
    };
    sandbox.wait_for_file("waiting");
    let titles = ours();
    assert_eq!(titles.len(), 3, "keeper, worker and supervisor: {titles:?}");
    fs::write(sandbox.path("go"), "").expect("can be written");
    sandbox.wait_for_file("started");
    let at_work = wait_for("the supervisor to be gone", || Some(ours()).filter(|titles| titles.len() == 2));
    for title in titles.iter().chain(&at_work) {
        assert!(!title.contains("title-secret"), "{title}");
    }
    running.signal(2);
    running.finish().ends_with(130);
}

#[test]
fn a_password_that_is_a_word_of_ours_shreds_no_key_and_no_metric() {
    for word in ["restic", "backup", "exit_code", "success", "hostname", "completed", "pre-backup"] {
        let server = Http::answering("200 OK");
        let mut sandbox = Sandbox::with_stand_in_engine();
        let metrics = sandbox.path("metrics").display().to_string();
        sandbox.set("RESTIC_PASSWORD", word).set("METRICS_DIR", metrics).set("WEBHOOK_URL", server.url("/hook"));
        sandbox.hook("pre-backup.sh", &format!("echo it is {word}"));
        sandbox.run(&["backup"]).ends_with(0);
        let page = fs::read_to_string(sandbox.path("metrics/restic_backup.prom")).expect("is there");
        let gauges: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!((gauges[0], gauges.len()), ("restic_backup_last_exit_code gauge", 14), "{word}: {page}");
        assert!(page.contains("\nrestic_backup_last_exit_code{hostname=\"test-host\"} 0\n"), "{word}: {page}");
        assert!(
            page.contains("\nrestic_backup_last_status{hostname=\"test-host\",status=\"success\"} 1\n"),
            "{word}: {page}"
        );
        assert!(!page.contains("***_") && !page.contains("_***"), "{word}: {page}");
        let summary = sandbox.summary("backup");
        let body: Value = serde_json::from_str(&server.request().body).expect("is JSON");
        for document in [&summary, &body] {
            let words = ["job", "status", "exit_code", "hooks_verdict", "hostname"].map(|key| document[key].clone());
            assert_eq!(words[..4], ["backup".into(), "success".into(), 0.into(), Value::from("ok")], "{word}");
            let keys: Vec<&String> = document.as_object().expect("is an object").keys().collect();
            assert!(keys.len() >= 22 && !keys.iter().any(|key| key.contains('*')), "{word}: {keys:?}");
        }
        assert_eq!(
            (&summary["work"]["status"], &summary["hooks"][0]["status"]),
            (&"completed".into(), &"completed".into())
        );
        assert_eq!(summary["hooks"][0]["output_tail"], "it is ***\n", "{word}");
    }
}
