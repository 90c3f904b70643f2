//! `unlock`, through the real binary on real repositories (contract: operator-commands, section 7).

use crate::repository::{Code, LockHolder};
use crate::support::{BOATHOOK, Finished, Sandbox, assert_in_order, wait_for, write_executable};
use serde_json::Value;
use std::fs;

/// A lock that a killed restic has left.
pub fn leave_lock(sandbox: &Sandbox) {
    sandbox.hold_shared_lock().kill();
}

/// The lines of the summary up to `exit_code`, behind those of the envelope: the contract's keys in their order.
fn extras(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let Value::Object(summary) = sandbox.summary("unlock") else { panic!("is no object") };
    let extras = summary.into_iter().skip_while(|(key, _)| key != "duration_seconds").skip(1);
    extras.take_while(|(key, _)| key != "exit_code").collect()
}

#[track_caller]
pub fn assert_extras(sandbox: &Sandbox, expected: [&str; 4]) {
    let repository = sandbox.path("repo").display().to_string();
    let values = std::iter::once(repository.as_str()).chain(expected);
    let keys = ["repository", "remove_all", "dry_run", "locks_before", "locks_after"];
    let expected: Vec<(String, Value)> =
        keys.iter().zip(values).map(|(key, value)| ((*key).to_owned(), value.into())).collect();
    assert_eq!(extras(sandbox), expected);
}

pub fn noting_hooks(sandbox: &Sandbox) {
    sandbox.hook("pre-unlock.sh", "echo pre >> $T/notes");
    sandbox.hook("post-unlock.sh", "echo post $1 >> $T/notes");
}

/// A wrapper around the sandbox's restic. `$REAL` is that one, `$T` the sandbox's folder.
pub fn wrap_restic(sandbox: &Sandbox, body: &str) {
    let before = sandbox.run_program("sh", &["-c", "readlink -f \"$(command -v restic)\""]).ends_with(0).stdout;
    let _ = fs::remove_file(sandbox.path("bin/restic"));
    let text =
        format!("#!/bin/sh\nREAL={}\nT={}\n{body}\nexec \"$REAL\" \"$@\"\n", before.trim(), sandbox.path("").display());
    write_executable(&sandbox.path("bin/restic"), &text);
}

/// Weakness of the reference: ids are neither printed nor logged. Contract: lines, extras, plain `restic unlock`.
#[test]
fn stale_locks_are_shown_and_removed_and_one_in_use_stays() {
    for sandbox in Sandbox::with_each_repository() {
        noting_hooks(&sandbox);
        leave_lock(&sandbox);
        let holder = sandbox.hold_shared_lock();
        let out = sandbox.run(&["unlock"]).ends_with(0);
        assert_in_order(
            &out.stdout,
            &[
                "🔓 Starting unlock at ",
                "🔎 Locks before: 2",
                "  LOCK",
                "✅ Unlock successful (locks 2 → 1)",
                "🔎 Locks left: 1",
                "  LOCK",
                "ℹ️ ",
                "🏁 Finished unlock at ",
            ],
        );
        let log = sandbox.log("unlock");
        let repository = format!("RESTIC_REPOSITORY: {}", sandbox.path("repo").display());
        assert_in_order(&log, &["🔓 Starting unlock", "RELEASE: ", &repository, "RESTIC_CACERT: ", "REMOVE_ALL: OFF"]);
        assert_in_order(
            &log,
            &["DRY_RUN: OFF", "RESTIC_AUTO_UNLOCK: OFF", "🔎 Locks before: 2", "  LOCK", "successfully"],
        );
        assert_extras(&sandbox, ["OFF", "OFF", "2", "1"]);

        let summary = sandbox.summary("unlock");
        assert_eq!((&summary["stats"]["locks_removed"], &summary["stats"]["stale_before"]), (&1.into(), &1.into()));
        let locks = summary["locks"].as_array().expect("is a list");
        let host = sandbox.run_program("uname", &["-n"]).stdout.trim().to_owned();
        for (lock, stale) in locks.iter().zip([true, false]) {
            let keys: Vec<&String> = lock.as_object().expect("is an object").keys().collect();
            let expected = ["id", "host", "pid", "user", "exclusive", "time", "age_seconds", "stale", "reason", "left"];
            assert_eq!(keys, expected);
            assert_eq!((lock["host"].as_str(), lock["exclusive"].as_bool()), (Some(host.as_str()), Some(false)));
            assert_eq!((lock["stale"].as_bool(), lock["left"].as_bool()), (Some(stale), Some(!stale)), "{locks:#?}");
            let pid = lock["pid"].as_i64().expect("is a number");
            let why = if stale { format!("no process {pid} on this host") } else { format!("process {pid} (restic)") };
            assert!(lock["reason"].as_str().expect("is text").starts_with(&why), "{lock:#?}");
            assert!((0..600).contains(&lock["age_seconds"].as_i64().expect("is a number")), "{lock:#?}");
            let short = &lock["id"].as_str().expect("is text")[..8];
            for text in [&out.stdout, &log] {
                let row = text.lines().find(|line| line.trim_start().starts_with(short)).expect("has a row");
                let cells: Vec<&str> = row.split_whitespace().take(3).collect();
                assert_eq!(cells, [short, &host, &pid.to_string()]);
            }
        }
        // The one that is left is the living one, and the list stands behind `exit_code`.
        let text = fs::read_to_string(sandbox.path("log/last-unlock.json")).expect("is there");
        assert!(text.find("\"locks\":") > text.find("\"exit_code\":"), "{text}");
        assert_eq!(sandbox.notes(), "pre\npost 0\n");
        assert_eq!(sandbox.repository_locks(), 1);
        holder.kill();
        assert!(sandbox.run(&["unlock"]).ends_with(0).stdout.contains("✅ Unlock successful (locks 1 → 0)"));
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains("🔎 Locks before: 0") && !out.contains("  LOCK"), "{out}");
    }
}

/// Brief and weakness 6: it works while somebody has the repository alone, and takes no lock itself.
#[test]
fn it_works_while_somebody_has_the_repository_alone() {
    for sandbox in Sandbox::with_each_repository() {
        let holder = sandbox.hold_exclusive_lock();
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains("  exclusive  ") && out.contains("✅ Unlock successful (locks 1 → 1)"), "{out}");
        assert_eq!(sandbox.summary("unlock")["locks"][0]["exclusive"], true);
        assert_extras(&sandbox, ["OFF", "OFF", "1", "1"]);
        holder.kill();
    }
}

/// Contract: the dry run; its documentation promised a list, which it did not give.
#[test]
fn a_dry_run_lists_and_removes_nothing() {
    for sandbox in Sandbox::with_each_repository() {
        leave_lock(&sandbox);
        for words in [&["unlock", "--dry-run"][..], &["unlock", "--dry-run", "--remove-all"]] {
            let out = sandbox.run(words).ends_with(0).stdout;
            let lines = [
                "🔎 Locks before: 1",
                "  LOCK",
                "🧪 Dry-run mode: not invoking 'restic unlock'.",
                "✅ Unlock dry-run completed (locks=1)",
            ];
            assert_in_order(&out, &lines);
            assert_extras(&sandbox, [if words.len() == 3 { "ON" } else { "OFF" }, "ON", "1", "1"]);
            let summary = sandbox.summary("unlock");
            assert_eq!((&summary["locks"][0]["stale"], &summary["locks"][0]["left"]), (&true.into(), &true.into()));
            assert_eq!(sandbox.repository_locks(), 1);
        }
    }
}

/// Weakness 16: `unlock --dry-run` with an unreachable repository or a wrong password ended with 0.
#[test]
fn a_repository_that_does_not_open_is_an_error_also_in_a_dry_run() {
    for mut sandbox in Sandbox::with_each_repository() {
        let modern = sandbox.restic_version() >= (0, 17);
        let repository = sandbox.path("repo").display().to_string();
        let nowhere = sandbox.path("nowhere").display().to_string();
        for (place, password, code) in [
            (&repository, "wrong-password", Code::WrongPassword),
            (&nowhere, "correct-horse-battery", Code::NoRepository),
        ] {
            sandbox.set("RESTIC_REPOSITORY", place.as_str()).set("RESTIC_PASSWORD", password);
            for words in [&["unlock", "--dry-run"][..], &["unlock"], &["unlock", "--remove-all", "--yes"]] {
                let out = sandbox.run(words).ends_with(code.of(modern)).stdout;
                assert_in_order(&out, &["❌ The locks cannot be listed: ", "❌ Unlock failed with Status ", "🏁"]);
                let summary = sandbox.summary("unlock");
                assert_eq!((&summary["locks_before"], &summary["locks_after"]), (&"unknown".into(), &"unknown".into()));
                assert_eq!(summary["status"], "failure");
                assert!(sandbox.error_log("unlock").is_some());
            }
        }
    }
}

/// The lock of another host is in use for half an hour, whatever became of its maker.
#[test]
fn a_lock_of_another_host_is_not_called_stale() {
    for sandbox in Sandbox::with_each_repository() {
        let unshare = ["--user", "--map-root-user", "--uts"];
        if sandbox.run_program("unshare", &[&unshare[..], &["true"]].concat()).code() != 0 {
            println!("skipped: no namespace of another host name can be made here");
            return;
        }
        let pipe = sandbox.path("pipe").display().to_string();
        sandbox.run_program("mkfifo", &[&pipe]).ends_with(0);
        let script = format!("echo elsewhere > /proc/sys/kernel/hostname && exec restic backup --stdin < {pipe}");
        let mut foreign = sandbox.start_program("unshare", &[&unshare[..], &["sh", "-c", &script]].concat());
        let writer = fs::OpenOptions::new().write(true).open(&pipe).expect("is there");
        wait_for("the foreign lock", || (sandbox.repository_locks() == 1).then_some(()));
        foreign.signal(9);
        foreign.end();
        drop(writer);
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains("no: younger than 30 minutes, and made on another host (elsewhere)"), "{out}");
        assert!(out.contains("✅ Unlock successful (locks 1 → 1)"), "{out}");
        let lock = sandbox.summary("unlock")["locks"][0].clone();
        assert_eq!((&lock["host"], &lock["stale"], &lock["left"]), (&"elsewhere".into(), &false.into(), &true.into()));
    }
}

#[test]
fn a_dozen_locks_are_listed_and_removed() {
    let sandbox = Sandbox::with_repository();
    let holders: Vec<LockHolder> = (0..12).map(|_| sandbox.hold_shared_lock()).collect();
    holders.into_iter().for_each(LockHolder::kill);
    let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
    assert!(out.contains("🔎 Locks before: 12") && out.contains("(locks 12 → 0)"), "{out}");
    assert_eq!(out.matches("  yes: no process ").count(), 12, "{out}");
    let summary = sandbox.summary("unlock");
    assert_eq!(summary["locks"].as_array().map(Vec::len), Some(12));
    assert_eq!((&summary["stats"]["locks_removed"], &summary["stats"]["stale_before"]), (&12.into(), &12.into()));
}

/// A lock that its maker removes while the locks are read is no error, and is not looked for again and again: restic 0.14
/// tries to load one that is gone for most of a minute.
#[test]
fn a_lock_that_vanishes_meanwhile_is_no_error() {
    for sandbox in Sandbox::with_each_repository() {
        leave_lock(&sandbox);
        wrap_restic(&sandbox, "echo \"$*\" >> $T/calls; [ \"$1 $2\" = 'cat lock' ] && rm -f \"$T/repo/locks/$3\"");
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains("🔎 Locks before: 0") && out.contains("(locks 0 → 0)"), "{out}");
        let calls = fs::read_to_string(sandbox.path("calls")).expect("was called");
        let subs: Vec<&str> = calls.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(subs, ["list", "cat", "list", "unlock", "list"]);
    }
}

/// A torn lock stops other commands, and restic's plain unlock leaves it: it is listed and said.
#[test]
fn a_lock_that_cannot_be_read_is_listed_and_said() {
    for sandbox in Sandbox::with_each_repository() {
        let torn = sandbox.path("repo/locks").join("0a".repeat(32));
        fs::write(&torn, "torn").expect("can be written");
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains("  0a0a0a0a  ?") && out.contains("--remove-all removes it"), "{out}");
        assert!(out.contains("(locks 1 → 1)"), "{out}");
        let lock = sandbox.summary("unlock")["locks"][0].clone();
        assert!(lock["pid"].is_null() && lock["stale"] == false && lock["left"] == true, "{lock:#?}");
        assert!(lock["reason"].as_str().is_some_and(|why| why.starts_with("cannot be read")), "{lock:#?}");
        sandbox.run(&["unlock", "--remove-all", "--yes"]).ends_with(0);
        assert!(!torn.exists());
    }
}

/// restic sees whether a lock's process is there by sending it SIGHUP. After a restart of the container its number may
/// be that of a run, or of anything else.
#[test]
fn a_process_that_has_nothing_to_do_with_a_lock_is_not_signalled() {
    for mut sandbox in Sandbox::with_each_repository() {
        leave_lock(&sandbox);
        let script = "trap 'echo HUP >> $T/notes' HUP; echo $$ > $T/bystander; while :; do sleep 0.05; done";
        let script = script.replace("$T", &sandbox.path("").display().to_string());
        let bystander = sandbox.start_program("sh", &["-c", &script]);
        let pid = sandbox.wait_for_file("bystander");
        // As if it had been made ten minutes ago, by a process with this number.
        let time = (chrono::Utc::now() - chrono::Duration::minutes(10)).to_rfc3339();
        let says = format!(
            r#"{{"time":"{time}","exclusive":false,"hostname":"'"$(uname -n)"'","username":"root","pid":{}}}"#,
            pid.trim()
        );
        wrap_restic(
            &sandbox,
            &format!(
                "[ \"$1 $2\" = 'cat lock' ] && {{ echo '{says}'; exit 0; }}\n[ $1 = unlock ] && echo called >> $T/calls\n\
                 [ $1 = check ] && exit 1"
            ),
        );
        let out = sandbox.run(&["unlock"]).ends_with(1).stdout;
        let number = format!("its number {} belongs to another process now (sh)", pid.trim());
        assert!(out.contains("would send SIGHUP to a process that has nothing to do with lock "), "{out}");
        assert!(
            out.contains("no lock is in use, so 'unlock --remove-all' is safe; or run unlock again after "),
            "{out}"
        );
        assert!(out.contains(&format!("  unknown: {number}")), "{out}");
        // After a failure restic is not called for the same reason.
        sandbox.set("RESTIC_AUTO_UNLOCK", "ON");
        let failed = sandbox.run(&["check"]).ends_with(1).stdout;
        assert_in_order(&failed, &["🔓 Unlocking repository", "⚠️ 'restic unlock' is not run: ", "🏁 Finished"]);
        assert!(!sandbox.path("calls").exists() && sandbox.notes().is_empty(), "{out}");
        // Not in use, so nobody's work is at stake.
        sandbox.run(&["unlock", "--remove-all", "--yes"]).ends_with(0);
        assert_eq!((sandbox.repository_locks(), sandbox.notes().as_str()), (0, ""));
        bystander.signal(9);
        bystander.finish();
    }
}

/// Weakness 31: a password command is a password. Without any, the run is recorded with 2 and restic not started.
#[test]
fn a_password_command_is_a_password_and_none_is_recorded() {
    let mut sandbox = Sandbox::with_repository();
    noting_hooks(&sandbox);
    sandbox.unset("RESTIC_PASSWORD").set("RESTIC_PASSWORD_COMMAND", "echo correct-horse-battery");
    sandbox.run(&["unlock"]).ends_with(0);
    sandbox.unset("RESTIC_PASSWORD_COMMAND");
    let out = sandbox.run(&["unlock", "--dry-run"]).ends_with(2).stdout;
    assert!(out.contains("❌ RESTIC_PASSWORD='' is empty") && out.contains("❌ Unlock failed with Status 2"), "{out}");
    assert_extras(&sandbox, ["OFF", "ON", "unknown", "unknown"]);
    assert_eq!(sandbox.notes(), "pre\npost 0\npre\npost 2\n");
}

/// Contract 1.2: unknown words and `--help`, without a trace.
#[test]
fn usage_errors_leave_no_trace() {
    let sandbox = Sandbox::with_stand_in_engine();
    for words in [&["unlock", "--nope"][..], &["unlock", "stray"], &["unlock", "--force"]] {
        let Finished { stdout, stderr, .. } = sandbox.run(words).ends_with(2);
        assert!(stdout.is_empty() && stderr.starts_with("❌ Unknown argument: "), "{stderr}");
    }
    let help = sandbox.run_program(BOATHOOK, &["unlock", "--help"]).ends_with(0).stdout;
    assert!(help.contains("--remove-all") && help.contains("Exit codes:"), "{help}");
    assert!(!sandbox.path("log/last-unlock.json").exists() && sandbox.engine_log().is_empty());
}
