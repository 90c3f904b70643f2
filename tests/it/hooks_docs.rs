//! The pages for who comes from something else: what they show as "before" and as "after" does the same.

use crate::loopback::Http;
use crate::support::{Sandbox, write_executable};
use std::fs;
use std::path::Path;

/// What can go wrong: the program that fails, and with what.
const FAILURES: [Option<&str>; 5] = [None, Some("dump-db"), Some("restic"), Some("tell"), Some("app-ctl")];

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of this language below the heading that begins so, up to the next one.
fn blocks(page: &str, heading: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    let mut fenced = false;
    let below = page.lines().skip_while(|line| !line.starts_with(&format!("## {heading}"))).skip(1);
    for line in below {
        if line.starts_with("## ") && !fenced {
            break;
        }
        if line.starts_with("```") {
            fenced = !fenced;
            match open.take() {
                Some(block) => found.push(block),
                None if fenced && line == format!("```{language}") => open = Some(String::new()),
                None => {}
            }
        } else if let Some(block) = &mut open {
            block.push_str(line);
            block.push('\n');
        }
    }
    found
}

#[track_caller]
fn block(page: &str, heading: &str, language: &str) -> String {
    let found = blocks(page, heading, language);
    found.into_iter().next().unwrap_or_else(|| panic!("no {language} below '{heading}'"))
}

/// A sandbox with the programs of the pages, which note that they were called; `failing` fails.
fn scene(failing: Option<&str>) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let notes = sandbox.path("notes").display().to_string();
    for program in ["dump-db", "tell", "app-ctl"] {
        // An application that cannot be stopped can be started.
        let fails = failing == Some(program);
        let end = if fails { "[ \"$1\" = start ] || exit 3" } else { "exit 0" };
        let body = format!("#!/bin/sh\necho {program} \"$@\" >> {notes}\n{end}\n");
        write_executable(&sandbox.path("bin").join(program), &body);
    }
    let code = i32::from(failing == Some("restic"));
    let summary = r#"{"message_type":"summary","files_new":1,"total_files_processed":1,"snapshot_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff"}"#;
    write_executable(
        &sandbox.path("bin/restic"),
        &format!(
            "#!/bin/sh\n[ \"$1\" = version ] && {{ echo 'restic 0.18.0 compiled with go1.24 on linux/amd64'; exit 0; }}\ncase \" $* \" in *' backup '*) echo restic backup >> {notes}; [ {code} = 0 ] && echo '{summary}';; esac\nexit {code}\n"
        ),
    );
    sandbox.set("RESTIC_TAG", "automated");
    sandbox
}

/// What these commands do, told by what they have called.
fn of_shell(script: &str, failing: Option<&str>) -> String {
    let sandbox = scene(failing);
    sandbox.run_program("/bin/sh", &["-c", script]);
    sandbox.notes()
}

/// What a backup does with this hooks file.
fn of_file(file: &str, failing: Option<&str>) -> String {
    let sandbox = scene(failing);
    fs::write(sandbox.path("hooks/hooks.yaml"), file).expect("can be written");
    sandbox.run(&["hooks", "check"]).ends_with(0);
    sandbox.run(&["backup"]);
    sandbox.notes()
}

/// The command of a line in a crontab.
fn command_of(line: &str) -> &str {
    let mut rest = line.trim();
    for _ in 0..5 {
        rest = rest.split_once(char::is_whitespace).expect("has five fields").1.trim_start();
    }
    rest
}

#[test]
fn the_hooks_file_does_what_the_cron_line_did() {
    let page = page("from-cron-lines.md");
    let line = block(&page, "Before", "crontab");
    let file = block(&page, "After: a hooks file", "yaml");
    for failing in FAILURES {
        let before = of_shell(command_of(&line), failing);
        assert!(before.starts_with("dump-db\n"), "{before}");
        assert_eq!(of_file(&file, failing), before, "{failing:?} fails");
    }
}

#[test]
fn the_scripts_do_what_the_cron_line_did() {
    let page = page("from-cron-lines.md");
    let line = block(&page, "Before", "crontab");
    let scripts = blocks(&page, "After: scripts", "sh");
    assert_eq!(scripts.len(), 2);
    for failing in FAILURES {
        let mut sandbox = scene(failing);
        sandbox.set("HOOK_ON_ERROR", "Fail");
        for (name, script) in ["pre-backup.sh", "post-backup.sh"].iter().zip(&scripts) {
            write_executable(&sandbox.path("hooks").join(name), script);
        }
        sandbox.run(&["backup"]);
        assert_eq!(sandbox.notes(), of_shell(command_of(&line), failing), "{failing:?} fails");
    }
}

#[test]
fn what_the_cron_page_adds_tells_of_a_failure_and_of_nothing_else() {
    let page = page("from-cron-lines.md");
    let file = block(&page, "What you have gained", "yaml");
    assert_eq!(of_file(&file, None), "restic backup\n");
    let notes = of_file(&file, Some("restic"));
    assert!(notes.starts_with("restic backup\ntell the backup failed: "), "{notes}");
    assert!(notes.trim_end().len() > "restic backup\ntell the backup failed:".len(), "has no reason: {notes}");
}

#[test]
fn the_hooks_file_does_what_the_one_big_script_did() {
    let page = page("from-one-big-script.md");
    let script = block(&page, "Before", "sh");
    let file = block(&page, "After", "yaml");
    for failing in FAILURES {
        let before = of_shell(&script, failing);
        assert!(before.starts_with("app-ctl stop\n") && before.contains("app-ctl start\n"), "{before}");
        assert_eq!(of_file(&file, failing), before, "{failing:?} fails");
    }
}

#[test]
fn every_hooks_file_of_the_pages_and_examples_has_no_mistake() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    let pages = [
        "README.md",
        "docs/hooks.md",
        "docs/hooks/from-cron-lines.md",
        "docs/hooks/from-one-big-script.md",
        "hooks-examples/README.md",
    ];
    for path in pages.map(|page| root.join(page)) {
        let text = fs::read_to_string(&path).expect("can be read");
        for block in all_blocks(&text, "yaml").iter().filter(|block| block.lines().any(|line| line == "hooks:")) {
            holds(&format!("{}:\n{block}", path.display()), block);
            count += 1;
        }
    }
    assert!(count >= 4, "{count} were found");
    let examples = fs::read_to_string(root.join("hooks-examples/declared/hooks.yaml")).expect("can be read");
    holds("hooks-examples/declared/hooks.yaml", &examples);
}

fn all_blocks(page: &str, language: &str) -> Vec<String> {
    // Every heading, and what stands before the first one.
    let whole = format!("## whole\n{}", page.replace("\n## ", "\n# "));
    blocks(&whole, "whole", language)
}

#[track_caller]
fn holds(what: &str, file: &str) {
    let sandbox = Sandbox::new();
    let path = sandbox.path("hooks.yaml");
    fs::write(&path, file).expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &path.display().to_string()]);
    assert_eq!(shown.code(), 0, "{what}\n{}", shown.stderr);
}

/// The example with its outer world on the loopback, its disk in the sandbox, and a stand-in for `fsfreeze`.
fn example(http: &Http) -> Sandbox {
    let mut sandbox = scene(None);
    let notes = sandbox.path("notes").display().to_string();
    write_executable(&sandbox.path("bin/fsfreeze"), &format!("#!/bin/sh\necho fsfreeze \"$1\" >> {notes}\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks-examples/declared/hooks.yaml");
    let text = fs::read_to_string(path).expect("can be read");
    let port = http.url("").rsplit(':').next().expect("has a port").to_owned();
    let here = format!("host: 127.0.0.1\n        port: {port}");
    let text = text
        .replace("scheme: HTTPS", "scheme: HTTP")
        .replace("host: hc-ping.com", &here)
        .replace("host: hooks.slack.com", &here)
        .replace("/mnt/disk", &sandbox.path("disk").display().to_string());
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    fs::create_dir(sandbox.path("disk")).expect("can be made");
    fs::write(sandbox.path("disk/.this-is-the-disk"), "").expect("can be written");
    sandbox.set("HEALTHCHECK_ID", "0f3a-check-id").set("SLACK_WEBHOOK_PATH", "/services/T0/B0/s3cret");
    sandbox
}

fn lines(http: &Http) -> Vec<String> {
    http.others().into_iter().map(|request| request.line.trim_end_matches(" HTTP/1.1").to_owned()).collect()
}

#[test]
fn the_example_freezes_thaws_and_tells_that_all_is_well() {
    let http = Http::answering("200 OK");
    let sandbox = example(&http);
    let out = sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "fsfreeze --freeze\nrestic backup\nfsfreeze --freeze\nfsfreeze --unfreeze\n");
    assert_eq!(lines(&http), ["GET /0f3a-check-id/start", "GET /0f3a-check-id"]);
    assert!(!out.all().contains("0f3a-check-id"), "{}", out.all());
}

#[test]
fn the_example_tells_of_a_failure_and_thaws() {
    let http = Http::answering("200 OK");
    let sandbox = example(&http);
    write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\n[ \"$1\" = version ] && { echo 'restic 0.18.0 compiled with go1.24 on linux/amd64'; exit 0; }\necho 'Fatal: \"no\" room' >&2\nexit 1\n",
    );
    sandbox.run(&["backup"]).ends_with(1);
    assert_eq!(sandbox.notes(), "fsfreeze --freeze\nfsfreeze --freeze\nfsfreeze --unfreeze\n");
    let sent = http.others();
    let told: Vec<&str> = sent.iter().map(|request| request.line.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(told, ["/0f3a-check-id/start", "/0f3a-check-id/fail", "/services/T0/B0/s3cret"]);
    let message: serde_json::Value = serde_json::from_str(&sent[2].body).expect("is JSON");
    assert!(message["text"].as_str().expect("is text").contains("\"no\" room"), "{message}");
}

#[test]
fn the_example_calls_the_run_off_without_the_disk_and_says_so_to_nobody_as_a_success() {
    let http = Http::answering("200 OK");
    let sandbox = example(&http);
    fs::remove_file(sandbox.path("disk/.this-is-the-disk")).expect("is there");
    sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["status"], "skipped");
    assert_eq!(summary["reason"], "the disk is not plugged in");
    assert_eq!(summary["work"]["reason"], "Task skipped: the run was called off: the disk is not plugged in");
    assert_eq!((sandbox.notes().as_str(), lines(&http)), ("", Vec::new()));
}
