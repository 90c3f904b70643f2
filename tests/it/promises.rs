//! What users of the container with the `/hooks` folder were promised: each promise has a test that names it.

use crate::support::{BOATHOOK, Finished, Sandbox, write_executable};
use boathook::workers::WORKERS;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// Every promise in our own words, and the tests that hold it: of `tests/it` as `file::test`, of the code itself as
/// `src/folder/file.rs::test`.
const PROMISES: &[(&str, &[&str])] = &[
    (
        "hooks run before and after each worker",
        &["promises::hooks_run_before_and_after_each_worker", "hook_environment::hooks_run_in_order_around_the_work"],
    ),
    ("each worker has a pair of hooks", &["promises::every_worker_has_a_pair_of_hooks"]),
    (
        "a pre hook has no argument, a post hook has the worker's exit code",
        &[
            "promises::a_pre_hook_has_no_argument_and_a_post_hook_has_the_code",
            "promises::a_post_hook_of_replicate_has_the_code_of_all_jobs_together",
        ],
    ),
    (
        "a hook that is present and not executable is an error in cron.log",
        &[
            "promises::a_hook_that_is_not_executable_is_an_error_in_cron_log",
            "hook_failures::a_hook_that_is_not_executable_is_an_error_and_never_a_silent_skip",
        ],
    ),
    (
        "tick, lock, worker, pre hook, work, post hook with the code, the worker's own code to locked_run",
        &["promises::a_tick_takes_the_lock_for_hooks_and_work_and_gets_the_workers_code"],
    ),
    (
        "a pre hook that fails does not keep the worker from its work, unless the operator wants that",
        &[
            "hook_failures::a_failed_hook_never_turns_a_good_backup_into_a_failed_one",
            "hook_failures::a_critical_pre_hook_that_fails_forbids_the_work",
        ],
    ),
    (
        "a failed hook never turns a good backup into a failed one",
        &["hook_failures::a_failed_hook_never_turns_a_good_backup_into_a_failed_one"],
    ),
    (
        "what a hook prints is logged and does not count for the exit code",
        &["promises::what_a_hook_prints_is_logged_and_does_not_count"],
    ),
    (
        "HOOK_TIMEOUT is a limit for each hook, 0 is none; a time-out is 124, told apart, and later steps run",
        &[
            "promises::hook_timeout_limits_each_hook_and_0_is_none",
            "hook_containment::a_timed_out_hook_is_told_apart_from_one_that_exits_124",
        ],
    ),
    (
        "files of a ConfigMap come as 0644; defaultMode 0755, 0o755 or 493 makes them run",
        &[
            "promises::a_config_map_runs_with_its_default_mode_however_that_is_written",
            "hook_environment::hooks_linked_as_a_configmap_does_are_run",
            "doctor_hooks::a_config_map_without_execute_bits_is_named_with_its_default_mode",
        ],
    ),
    (
        "doctor has a block with HOOK_TIMEOUT and a line for every supported hook",
        &["doctor_hooks::the_hooks_section_has_a_line_for_every_hook_there_could_be"],
    ),
    (
        "examples: Slack on failure, fsfreeze around the backup, owners after a restore",
        &[
            "hooks_examples::slack_message_is_sent_only_after_a_failure",
            "hooks_examples::slack_message_has_the_facts_of_the_summary_and_the_address_stays_off_command_lines",
            "hooks_examples::freeze_and_thaw_call_fsfreeze_once_each",
            "hooks_examples::owners_are_changed_path_by_path_in_the_order_of_the_list",
        ],
    ),
];

#[test]
fn every_promise_has_its_test() {
    assert_all_exist(PROMISES);
}

/// Asserts that each fact has a test, and that every test that is named is there.
#[track_caller]
pub fn assert_all_exist(facts: &[(&str, &[&str])]) {
    let known = tests();
    for (fact, tests) in facts {
        assert!(!tests.is_empty(), "nothing holds '{fact}'");
        for test in *tests {
            assert!(known.contains(*test), "'{fact}': there is no test {test}");
        }
    }
}

/// Every test of the project, named as in [`PROMISES`].
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for path in rust_files(&root.join("tests/it")).into_iter().chain(rust_files(&root.join("src"))) {
        let part = path.strip_prefix(root).expect("is below");
        let module = match part.strip_prefix("tests/it") {
            Ok(file) => file.with_extension("").display().to_string(),
            Err(_) => part.display().to_string(),
        };
        let text = fs::read_to_string(&path).expect("can be read");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if let (true, Some(name)) = (is_test, line.strip_prefix("fn ")) {
                let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.insert(format!("{module}::{name}"));
            }
            is_test = line == "#[test]" || (is_test && line.starts_with("#["));
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("is a folder").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn tests_are_found_by_their_mark() {
    let tests = tests();
    assert!(tests.contains("promises::tests_are_found_by_their_mark"));
    assert!(tests.contains("src/run/budget.rs::sigterm_shares_the_budget_out"));
    assert!(!tests.contains("promises::assert_all_exist") && !tests.contains("promises::tests"));
}

/// How each worker is made to do its work at once.
struct Call {
    worker: &'static str,
    words: Vec<&'static str>,
    /// What is set for it.
    variables: &'static [(&'static str, &'static str)],
    /// What it ends with.
    code: i32,
    /// What makes it fail, and what it ends with then.
    failure: (&'static str, &'static str, i32),
    /// Whether it calls an engine.
    engine: bool,
}

impl Call {
    fn sandbox(&self) -> Sandbox {
        let mut sandbox = sandbox();
        for (name, value) in self.variables {
            sandbox.set(name, *value);
        }
        sandbox
    }
}

fn calls() -> Vec<Call> {
    let call = |worker: &'static str| {
        let failure = ("ENGINE_EXIT", "9", 9);
        let mut call = Call { worker, words: vec![worker], variables: &[], code: 0, failure, engine: true };
        match worker {
            "restore" => call.words.extend(["--yes", "--id", "abc"]),
            "restore-test" => call.words.extend(["--id", "abc", "--min-files", "0"]),
            "snapshot-export" => call.words.extend(["--id", "abc"]),
            "init-repo" => {
                call.words.push("--yes");
                call.variables = &[("ENGINE_PROBE", "10")];
            }
            // Neither calls an engine. Without a source, or an address, there is nothing to do.
            "sources-report" => (call.engine, call.failure) = (false, ("BACKUP_ROOT_DIR", "", 2)),
            "notify-test" => {
                call.words.extend(["--webhook", "--dry-run"]);
                call.variables = &[("WEBHOOK_URL", "http://127.0.0.1:9/")];
                (call.engine, call.failure) = (false, ("WEBHOOK_URL", "", 2));
            }
            // A stand-in cannot mount: it is refused, and that is a run, too (`mount_snapshot.rs` has real ones).
            "mount-snapshot" => {
                call.words.extend(["--target", "/etc"]);
                (call.engine, call.code, call.failure) = (false, 2, ("ENGINE_EXIT", "9", 2));
            }
            _ => {}
        }
        call
    };
    WORKERS.iter().map(|worker| call(worker.job.name)).collect()
}

/// Stand-ins for restic and rclone, and what `forget` and `replicate` need.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let rclone = "#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../engine.log\"\nexit \"${ENGINE_EXIT:-0}\"\n";
    write_executable(&sandbox.path("bin/rclone"), rclone);
    // What the operator commands are answered while nothing fails: one snapshot with nothing in it, and its archive.
    let stand_in = sandbox.path("bin/restic-stand-in");
    fs::rename(sandbox.path("bin/restic"), &stand_in).expect("is there");
    write_executable(
        &sandbox.path("bin/restic"),
        r#"#!/bin/sh
snapshot='"time":"2026-05-01T02:00:00Z","tree":"00","paths":["/data"],"hostname":"test-host","tags":["automated"],"id":"abc0000000000000000000000000000000000000000000000000000000000000","short_id":"abc00000"'
case "${ENGINE_EXIT:-0} $*" in
    *" cat config"*) [ -e "$LOG_DIR/../made" ] || ENGINE_EXIT=${ENGINE_PROBE:-$ENGINE_EXIT} ;;
    "0 init"*) : > "$LOG_DIR/../made" ;;
    "0 snapshots "*) ENGINE_SAYS="[{$snapshot}]" ;;
    "0 ls "*) ENGINE_SAYS="{$snapshot,\"struct_type\":\"snapshot\"}" ;;
    "0 forget "*--json*) ENGINE_SAYS="[]" ;;
    "0 dump "*) echo "$@" >> "$LOG_DIR/../engine.log"; exec head -c 10240 /dev/zero ;;
esac
export ENGINE_EXIT ENGINE_SAYS
exec "$0-stand-in" "$@"
"#,
    );
    fs::write(sandbox.path("config/replicate_jobs.txt"), "/a;nas:a;sync\n").expect("can be written");
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 3").set("FORGET_CRON", "0 3 * * *");
    sandbox
}

/// As cron does it: the lock, then the worker, and all that is said into one log.
fn tick(sandbox: &Sandbox, job: &str) -> Finished {
    let link = sandbox.path("bin").join(job);
    if !link.exists() {
        symlink(BOATHOOK, &link).expect("can be linked");
    }
    let script = format!("exec {BOATHOOK} locked_run {job} {job} >> \"$LOG_DIR/cron.log\" 2>&1");
    sandbox.run_program("sh", &["-c", &script])
}

/// Promise: hooks run before and after each worker, from a folder that they may not write to.
#[test]
fn hooks_run_before_and_after_each_worker() {
    for call in calls() {
        let (worker, sandbox) = (call.worker, call.sandbox());
        let note = "echo $HOOK_NAME $HOOK_WORKER $(cat $T/engine.log 2>/dev/null | grep -c .) >> $T/notes";
        for hook in ["pre-all", &format!("pre-{worker}"), &format!("post-{worker}"), "post-all"] {
            sandbox.hook(&format!("{hook}.sh"), note);
        }
        sandbox.run_program("chmod", &["555", &sandbox.path("hooks").display().to_string()]).ends_with(0);
        sandbox.run(&call.words).ends_with(call.code);
        let notes = sandbox.notes();
        let lines: Vec<&str> = notes.lines().collect();
        assert_eq!(lines[..2], [format!("pre-all {worker} 0"), format!("pre-{worker} {worker} 0")], "{notes}");
        let calls = sandbox.engine_log().lines().count();
        assert_eq!(calls > 0, call.engine, "{worker}: {}", sandbox.engine_log());
        assert_eq!(lines[2..], [format!("post-{worker} {worker} {calls}"), format!("post-all {worker} {calls}")]);
        sandbox.run_program("chmod", &["755", &sandbox.path("hooks").display().to_string()]).ends_with(0);
    }
}

/// Promise: a pair of hooks for each worker, also for those that other programs run.
#[test]
fn every_worker_has_a_pair_of_hooks() {
    let sandbox = Sandbox::new();
    let workers = [
        "backup",
        "check",
        "prune",
        "replicate",
        "restore",
        "snapshot-export",
        "forget-preview",
        "mount-snapshot",
        "forget",
        "restore-test",
        "unlock",
        "sources-report",
        "init-repo",
        "notify-test",
    ];
    for worker in workers {
        sandbox.hook(&format!("pre-{worker}.sh"), "exit 0").hook(&format!("post-{worker}.sh"), "exit 0");
    }
    for worker in workers {
        let list = sandbox.run(&["hooks", "list", worker]).ends_with(0).stdout;
        let names: Vec<&str> =
            list.lines().skip(1).map(|line| line.split_whitespace().nth(2).expect("has a name")).collect();
        assert_eq!(names, [format!("pre-{worker}"), format!("post-{worker}")], "{list}");
    }
    sandbox.run(&["hooks", "check"]).ends_with(0);
}

/// Promise: the first argument.
#[test]
fn a_pre_hook_has_no_argument_and_a_post_hook_has_the_code() {
    for call in calls() {
        let (worker, (name, value, failed)) = (call.worker, call.failure);
        for (variable, code) in [(Some((name, value)), failed), (None, call.code)] {
            let mut sandbox = call.sandbox();
            for phase in ["pre", "post"] {
                sandbox.hook(&format!("{phase}-{worker}.sh"), "echo $HOOK_PHASE $# $1 >> $T/notes");
            }
            if let Some((name, value)) = variable {
                sandbox.set(name, value);
            }
            sandbox.run(&call.words).ends_with(code);
            assert_eq!(sandbox.notes(), format!("pre 0\npost 1 {code}\n"), "{worker}");
        }
    }
}

/// Promise: the first argument, where several jobs make one code.
#[test]
fn a_post_hook_of_replicate_has_the_code_of_all_jobs_together() {
    let sandbox = sandbox();
    sandbox.hook("post-replicate.sh", "echo $# $1 >> $T/notes");
    let rclone = "#!/bin/sh\ncase \"$*\" in *one*) exit 0 ;; *two*) exit 6 ;; *) exit 3 ;; esac\n";
    write_executable(&sandbox.path("bin/rclone"), rclone);
    let jobs = |text: &str| fs::write(sandbox.path("config/replicate_jobs.txt"), text).expect("can be written");
    for (text, code) in [
        ("/one;nas:1;copy\n/two;nas:2;copy\n/three;nas:3;copy\n", 6),
        ("/one;nas:1;copy\n/three;nas:3;copy\nno job\n", 3),
        ("no job\n/three;nas:3;copy\n;", 2),
        ("/one;nas:1;copy\n", 0),
        ("", 1),
    ] {
        jobs(text);
        sandbox.run(&["replicate"]).ends_with(code);
    }
    assert_eq!(sandbox.notes(), "1 6\n1 3\n1 2\n1 0\n1 1\n");
}

/// Promise: present but not executable is an error in `cron.log`, never a silent skip.
#[test]
fn a_hook_that_is_not_executable_is_an_error_in_cron_log() {
    let sandbox = sandbox();
    for hook in ["pre-backup.sh", "post-backup.sh"] {
        fs::write(sandbox.path("hooks").join(hook), "#!/bin/sh\n").expect("can be written");
    }
    tick(&sandbox, "backup").ends_with(0);
    let log = fs::read_to_string(sandbox.path("log/cron.log")).expect("is there");
    for hook in ["pre-backup", "post-backup"] {
        let path = sandbox.path(format!("hooks/{hook}.sh"));
        let line = format!("❌ Hook {hook} is not executable ({}); skipping.", path.display());
        assert!(log.lines().any(|found| found == line), "{line} is not in\n{log}");
    }
    assert!(log.contains("✅ Backup Successful"), "{log}");
}

/// Promise: the order from the tick to the exit code.
#[test]
fn a_tick_takes_the_lock_for_hooks_and_work_and_gets_the_workers_code() {
    let mut sandbox = sandbox();
    // A second tick says whether the lock is held.
    let held = format!("held=$({BOATHOOK} locked_run backup true | grep -c 'skipped: previous run still active')");
    sandbox.hook("pre-backup.sh", &format!("{held}\necho pre held=$held >> $T/notes"));
    sandbox.hook("post-backup.sh", &format!("{held}\necho post $1 held=$held $(tail -n 1 $T/engine.log) >> $T/notes"));
    sandbox.set("ENGINE_EXIT", "11");
    tick(&sandbox, "backup").ends_with(11);
    let notes = sandbox.notes();
    let lines: Vec<&str> = notes.lines().collect();
    assert_eq!(lines.len(), 2, "{notes}");
    assert_eq!(lines[0], "pre held=1");
    assert!(lines[1].starts_with("post 11 held=1 backup --json "), "{notes}");
    assert!(!sandbox.is_locked("cron.lock"));
    let log = fs::read_to_string(sandbox.path("log/cron.log")).expect("is there");
    let at = |part: &str| log.find(part).unwrap_or_else(|| panic!("'{part}' is not in\n{log}"));
    let order = [
        at("🚀 Running hook pre-backup..."),
        at("🔄 Starting Backup at "),
        at("❌ Backup Failed with Status 11"),
        at("🏁 Finished backup at "),
        at("🚀 Running hook post-backup..."),
        at("📋 Run "),
    ];
    assert!(order.is_sorted(), "{log}");
    // The next tick finds all as it was.
    sandbox.set("ENGINE_EXIT", "0");
    tick(&sandbox, "backup").ends_with(0);
}

/// Promise: hook output is logged and does not count for the exit code.
#[test]
fn what_a_hook_prints_is_logged_and_does_not_count() {
    let sandbox = sandbox();
    sandbox.hook("pre-backup.sh", "echo 'Fatal: exit 1'; echo '❌ Backup Failed with Status 1' >&2; printf unfinished");
    sandbox.hook("post-backup.sh", "echo \"error: it was $1\" >&2");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let log = sandbox.log("backup");
    for line in [
        "[pre-backup] Fatal: exit 1",
        "[pre-backup] ❌ Backup Failed with Status 1",
        "[pre-backup] unfinished",
        "[post-backup] error: it was 0",
    ] {
        for text in [&out, &log] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["hooks_verdict"]), (&"success".into(), &"ok".into()));
    assert_eq!(summary["hooks"][1]["output_tail"], "error: it was 0\n");
}

/// Promise: `HOOK_TIMEOUT`.
#[test]
fn hook_timeout_limits_each_hook_and_0_is_none() {
    let mut sandbox = sandbox();
    sandbox.hook("pre-backup.sh", "exit 0").hook("post-backup.sh", "exit 0");
    for none in ["0", ""] {
        let out = sandbox.set("HOOK_TIMEOUT", none).run(&["backup"]).ends_with(0).stdout;
        for hook in ["pre-backup", "post-backup"] {
            assert!(out.lines().any(|line| line == format!("🚀 Running hook {hook}...")), "{out}");
        }
    }
    let out = sandbox.set("HOOK_TIMEOUT", "300").run(&["backup"]).ends_with(0).stdout;
    for hook in ["pre-backup", "post-backup"] {
        assert!(out.lines().any(|line| line == format!("🚀 Running hook {hook} (timeout 300s)...")), "{out}");
    }
    // Each hook has it for itself, and what comes after one that ran into it goes on.
    sandbox.set("HOOK_TIMEOUT", "1").set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.sh", "sleep 1000").hook("pre-backup.10-b.sh", "echo pre >> $T/notes");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert!(out.contains("❌ Hook pre-backup timed out after 1s (exit 124, ran 1s)"), "{out}");
    assert_eq!(sandbox.notes(), "pre\npost 0 warning\n");
    assert!(sandbox.engine_log().lines().last().is_some_and(|call| call.starts_with("backup ")));
}

/// Promise: ConfigMap.
#[test]
fn a_config_map_runs_with_its_default_mode_however_that_is_written() {
    // The three ways to write it that the page names are the same number.
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hooks.md")).expect("is there");
    for written in ["| `0755` |", "| `0o755` |", "| `493` |"] {
        assert!(page.contains(written), "the page does not name {written}");
    }
    assert_eq!(0o755, 493);
    for (mode, runs) in [(0o644, false), (493, true)] {
        let sandbox = sandbox();
        fs::create_dir(sandbox.path("hooks/..2026_05_01")).expect("can be made");
        sandbox.hook("..2026_05_01/pre-backup.sh", "echo ran >> $T/notes");
        let file = sandbox.path("hooks/..2026_05_01/pre-backup.sh");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("is ours");
        symlink("..2026_05_01", sandbox.path("hooks/..data")).expect("can be linked");
        symlink("..data/pre-backup.sh", sandbox.path("hooks/pre-backup.sh")).expect("can be linked");
        let out = sandbox.run(&["backup"]).ends_with(0).all();
        assert_eq!(sandbox.notes() == "ran\n", runs, "{mode:o}: {out}");
        assert_eq!(out.contains("defaultMode: 0755"), !runs, "{mode:o}: {out}");
    }
}
