//! `check`, `prune` and `forget` on real repositories.

use crate::repository::Code;
use crate::support::{Sandbox, write_executable};
use std::fs;

/// What the console shows of a run without hooks, but for the lines on them and the table at its end.
fn console(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let text = sandbox.redacted(text);
    let (lines, _) = text.split_once("📋 Run ").expect("ends with its tasks");
    lines.lines().filter(|line| !line.starts_with("ℹ️ Hook ")).map(str::to_owned).collect()
}

/// The lines of the log, without those that restic wrote: `header` and those that begin with a mark, and the end.
fn own_lines(sandbox: &Sandbox, job: &str) -> Vec<String> {
    let log = sandbox.log(job);
    let mut lines = console(sandbox, &log);
    let is_ours = |line: &str| {
        line.starts_with(|c: char| !c.is_ascii())
            || line.starts_with("Finished ")
            || line.split(": ").next().is_some_and(is_name)
    };
    lines.retain(|line| is_ours(line));
    lines
}

fn is_name(text: &str) -> bool {
    text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == ':')
}

#[track_caller]
fn assert_summary(sandbox: &Sandbox, job: &str, code: i32, reason: &str) {
    let summary = sandbox.summary(job);
    assert_eq!((&summary["job"], &summary["exit_code"]), (&job.into(), &code.into()));
    assert_eq!(summary["repository"], sandbox.path("repo").display().to_string());
    assert_eq!(summary["status"], if code == 0 { "success" } else { "failure" });
    assert!(summary["reason"].as_str().is_some_and(|why| why.contains(reason)), "{summary}");
    assert_eq!(summary["last_success_at"].is_string(), code == 0, "{summary}");
}

#[test]
fn the_lines_of_a_check_are_the_contracts() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.run(&["backup"]).ends_with(0);
        let out = sandbox.run(&["check"]).ends_with(0).stdout;
        let mut lines = vec![
            "🔍 Starting Check at <ts>",
            "🔍 Verifying repository integrity with restic defaults...",
            "✅ Check Successful",
            "🏁 Finished check at <ts> after 0m 0s",
        ];
        assert_eq!(console(&sandbox, &out), lines);
        let log = sandbox.log("check");
        lines.insert(2, "Finished check at <ts>");
        let header = [
            "RELEASE: unknown",
            "CHECK_CRON: ",
            "RESTIC_CHECK_ARGS: ",
            "RESTIC_CACERT: ",
            "RESTIC_REPOSITORY: $T/repo",
        ];
        lines.splice(1..1, header);
        assert_eq!(own_lines(&sandbox, "check"), lines);
        assert!(log.lines().any(|line| line == "no errors were found"), "{log}");
        assert_summary(&sandbox, "check", 0, "");
        assert_eq!(sandbox.summary("check")["stats"]["errors"], 0);

        sandbox.set("RESTIC_CHECK_ARGS", "--read-data").set("CHECK_CRON", "0 4 * * *");
        let out = sandbox.run(&["check"]).ends_with(0).stdout;
        assert!(out.contains("🔍 Verifying repository integrity using RESTIC_CHECK_ARGS...\n"), "{out}");
        let log = sandbox.log("check");
        assert!(log.contains("\nCHECK_CRON: 0 4 * * *\nRESTIC_CHECK_ARGS: --read-data\n"), "{log}");
        assert!(log.lines().any(|line| line == "read all data"), "{log}");
    }
}

#[test]
fn a_check_that_finds_damage_fails_with_restics_code() {
    for sandbox in Sandbox::with_each_repository() {
        sandbox.hook("post-check.sh", "echo post-check $1 $RUN_STATUS >> $T/notes");
        sandbox.run(&["backup"]).ends_with(0);
        sandbox.run_program("sh", &["-c", "rm \"$RESTIC_REPOSITORY\"/index/*"]).ends_with(0);
        let out = sandbox.run(&["check"]).ends_with(1).stdout;
        let lines = console(&sandbox, &out);
        assert_eq!(lines[2], "❌ Check Failed with Status 1");
        assert!(lines[3].starts_with("ℹ️ Skipping automatic 'restic unlock' (RESTIC_AUTO_UNLOCK!=ON)"), "{out}");
        assert_eq!(lines[4], "🏁 Finished check at <ts> after 0m 0s");
        assert_summary(&sandbox, "check", 1, "repository contains errors");
        assert!(sandbox.summary("check")["stats"]["errors"].as_u64().is_some_and(|errors| errors > 0));
        let kept = sandbox.error_log("check").expect("is kept");
        assert!(sandbox.log("check").starts_with(&kept) && kept.contains("❌ Check Failed"), "{kept}");
        assert_eq!(sandbox.notes(), "post-check 1 failure\n");
    }
}

#[test]
fn the_lines_of_a_prune_are_the_contracts() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        for content in ["first", "second"] {
            fs::write(sandbox.path("data/one.txt"), content.repeat(1000)).expect("can be written");
            sandbox.run(&["backup"]).ends_with(0);
        }
        let out = sandbox.run(&["prune"]).ends_with(0).stdout;
        let mut lines = vec![
            "🧹 Starting Prune at <ts>",
            "🧹 Pruning repository with restic defaults...",
            "✅ Prune Successful",
            "🏁 Finished prune at <ts> after 0m 0s",
        ];
        assert_eq!(console(&sandbox, &out), lines);
        lines.insert(2, "Finished prune at <ts>");
        let header = [
            "RELEASE: unknown",
            "PRUNE_CRON: ",
            "RESTIC_PRUNE_ARGS: ",
            "RESTIC_CACERT: ",
            "RESTIC_REPOSITORY: $T/repo",
        ];
        lines.splice(1..1, header);
        assert_eq!(own_lines(&sandbox, "prune"), lines);
        assert!(sandbox.log("prune").contains("\nto repack:"), "{}", sandbox.log("prune"));
        assert_summary(&sandbox, "prune", 0, "");
        let stats = sandbox.summary("prune")["stats"].clone();
        assert!(stats["blobs_removed"].as_u64().is_some_and(|count| count > 0), "{stats}");

        sandbox.set("RESTIC_PRUNE_ARGS", "--max-unused 0");
        let out = sandbox.run(&["prune"]).ends_with(0).stdout;
        assert!(out.contains("🧹 Pruning repository using RESTIC_PRUNE_ARGS...\n"), "{out}");
        sandbox.set("RESTIC_PRUNE_ARGS", "--max-unused nonsense");
        let out = sandbox.run(&["prune"]).ends_with(1).stdout;
        assert!(out.contains("❌ Prune Failed with Status 1\n"), "{out}");
        assert!(sandbox.error_log("prune").expect("is kept").contains("nonsense"));
    }
}

#[test]
fn the_lines_of_a_forget_are_the_contracts() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.run(&["backup"]).ends_with(0);
        sandbox.run(&["backup"]).ends_with(0);
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last\n1").set("FORGET_CRON", "0 3 * * *");
        let out = sandbox.run(&["forget"]).ends_with(0).stdout;
        let mut lines = vec![
            "🧹 Starting Forget at <ts>",
            "🧹 Forgetting old snapshots based on: --keep-last 1",
            "✅ Forget Successful",
            "🏁 Finished forget at <ts> after 0m 0s",
        ];
        assert_eq!(console(&sandbox, &out), lines);
        lines.insert(2, "Finished forget at <ts>");
        let header = [
            "RELEASE: unknown",
            "FORGET_CRON: 0 3 * * *",
            "RESTIC_FORGET_ARGS: --keep-last 1",
            "RESTIC_CACERT: ",
            "RESTIC_REPOSITORY: $T/repo",
        ];
        lines.splice(1..1, header);
        assert_eq!(own_lines(&sandbox, "forget"), lines);
        assert_summary(&sandbox, "forget", 0, "");
        let stats = sandbox.summary("forget")["stats"].clone();
        assert_eq!((&stats["snapshots_kept"], &stats["snapshots_removed"]), (&1.into(), &1.into()));
        assert_eq!(sandbox.snapshots().len(), 1);
    }
}

#[test]
fn a_forget_without_a_policy_ends_with_2_and_forgets_nothing() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.hook("post-forget.sh", "echo post-forget $1 >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    for empty in ["", " \n "] {
        sandbox.set("RESTIC_FORGET_ARGS", empty);
        let out = sandbox.run(&["forget"]).ends_with(2).stdout;
        assert!(out.lines().any(|line| line.starts_with("❌ No retention policy configured.")), "{out}");
        assert!(!out.contains("🏁") && !out.contains("Forget Failed"), "{out}");
        assert_summary(&sandbox, "forget", 2, "no retention policy: RESTIC_FORGET_ARGS is empty");
    }
    assert_eq!(sandbox.notes(), "post-forget 2\npost-forget 2\n");
    assert_eq!(sandbox.snapshots().len(), 1);
}

#[test]
fn a_forget_that_meets_a_lock_is_skipped_in_words_and_fails_in_code() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("RESTIC_AUTO_UNLOCK", "ON");
        let holder = sandbox.hold_shared_lock();
        let code = Code::Locked.of(sandbox.restic_version() >= (0, 17));
        let out = sandbox.run(&["forget"]).ends_with(code).stdout;
        let line = format!("⏭ Forget skipped: repository was locked by another host (exit {code}).");
        assert!(console(&sandbox, &out)[2].starts_with(&line), "{out}");
        assert!(!out.contains("🔓") && !out.contains("Forget Failed"), "{out}");
        assert_summary(&sandbox, "forget", code, "locked");
        assert_eq!(sandbox.error_log("forget"), None);
        assert_eq!(sandbox.repository_locks(), 1, "the lock of the other one");
        holder.kill();
    }
}

#[test]
fn check_and_prune_take_a_lock_for_a_failure() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_AUTO_UNLOCK", "true");
        let holder = sandbox.hold_exclusive_lock();
        let code = Code::Locked.of(sandbox.restic_version() >= (0, 17));
        for (job, title) in [("check", "Check"), ("prune", "Prune")] {
            let out = sandbox.run(&[job]).ends_with(code).stdout;
            let lines = console(&sandbox, &out);
            assert_eq!(lines[2], format!("❌ {title} Failed with Status {code}"));
            assert_eq!(lines[3], "🔓 Unlocking repository (RESTIC_AUTO_UNLOCK=ON)...");
            assert_summary(&sandbox, job, code, "locked");
            assert!(sandbox.error_log(job).is_some());
        }
        assert_eq!(sandbox.repository_locks(), 1, "a lock whose holder lives is not stale");
        holder.kill();
        let out = sandbox.run(&["check"]).ends_with(code).stdout;
        assert!(out.contains("successfully removed"), "{out}");
        sandbox.run(&["check"]).ends_with(0);
    }
}

#[test]
fn every_maintenance_worker_reports_a_wrong_password_and_a_missing_repository() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        let modern = sandbox.restic_version() >= (0, 17);
        let nowhere = sandbox.path("nowhere").display().to_string();
        for job in ["check", "prune", "forget"] {
            sandbox.set("RESTIC_PASSWORD", "another-password");
            sandbox.run(&[job]).ends_with(Code::WrongPassword.of(modern));
            assert_summary(&sandbox, job, Code::WrongPassword.of(modern), "password");
            sandbox.set("RESTIC_PASSWORD", "correct-horse-battery");
        }
        sandbox.set("RESTIC_REPOSITORY", nowhere);
        for job in ["check", "prune", "forget"] {
            sandbox.run(&[job]).ends_with(Code::NoRepository.of(modern));
            let summary = sandbox.summary(job);
            assert!(
                summary["reason"].as_str().is_some_and(|why| why.contains("repository does not exist")),
                "{summary}"
            );
        }
    }
}

#[test]
fn words_with_an_open_quote_stop_their_own_worker_alone() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    for (job, variable) in
        [("check", "RESTIC_CHECK_ARGS"), ("prune", "RESTIC_PRUNE_ARGS"), ("forget", "RESTIC_FORGET_ARGS")]
    {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set(variable, "\"open");
        let out = sandbox.run(&[job]).ends_with(2).stdout;
        let line = format!(
            "❌ {variable}='\"open' has an opening \" at character 1 that is never closed: close each quote or write a \
             backslash before it"
        );
        assert!(out.lines().any(|have| have.starts_with(&line)), "{out}");
        assert_eq!(sandbox.engine_log(), "", "{job}");
        assert_eq!(sandbox.summary(job)["exit_code"], 2);
        sandbox.unset(variable);
    }
    sandbox.set("RESTIC_PRUNE_ARGS", "\"open");
    sandbox.run(&["check"]).ends_with(0);
    assert_eq!(sandbox.engine_log(), "check\n");
}

#[test]
fn a_missing_restic_is_127_with_its_name() {
    let mut sandbox = Sandbox::new();
    sandbox.hook("post-check.sh", "echo post-check $1 $RUN_ERROR >> $T/notes");
    for (name, target) in [("sh", "/bin/sh"), ("cat", "/bin/cat")] {
        std::os::unix::fs::symlink(target, sandbox.path("bin").join(name)).expect("can be linked");
    }
    let path = sandbox.path("bin").display().to_string();
    sandbox.set("PATH", path);
    let out = sandbox.run(&["check"]).ends_with(127).stdout;
    assert!(out.contains("❌ restic not found in PATH\n❌ Check Failed with Status 127\n"), "{out}");
    assert_eq!(sandbox.notes(), "post-check 127 restic not found in PATH\n");
    write_executable(&sandbox.path("bin/restic"), "#!/no/such/interpreter\n");
    sandbox.run(&["check"]).ends_with(127);
}
