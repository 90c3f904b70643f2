//! What `snapshot-export` refuses, and what it leaves alone.

use crate::snapshot_export::{members, noise};
use crate::support::{BOATHOOK, Sandbox};
use crate::trees::{assert_same, files, tree};
use std::fs;
use std::os::unix::fs::symlink;

fn with_snapshot() -> Sandbox {
    let sandbox = Sandbox::with_repository();
    back_up(&sandbox);
    sandbox
}

fn back_up(sandbox: &Sandbox) {
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", &data]).ends_with(0);
}

/// Usage errors leave no trace: exit 2 on standard error.
#[test]
fn words_that_cannot_be_meant_are_refused_before_anything() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-snapshot-export.sh", "echo MUST NOT RUN >> $T/notes");
    for (words, part) in [
        (&["--id", ""][..], "--id ''"),
        (&["--output", "/x.tar.gz", "--format", "tar.zst"], "contradict"),
        (&["--output=/x.tar.bz2"], ".tar.bz2"),
        (&["--output", ""], "--output ''"),
        (&["--output", "-", "--verify"], "--verify"),
        (&["--format", "zip"], "zip"),
        (&["--include", "/a["], "--include '/a['"),
        (&["--nope"], "--nope"),
        (&["stray"], "stray"),
        (&["--id"], "--id"),
    ] {
        let out = sandbox.run(&[&["snapshot-export"], words].concat()).ends_with(2);
        assert!(out.stderr.contains(part) && out.stdout.is_empty(), "{words:?}: {}", out.all());
    }
    assert_eq!(files(&sandbox.path("log")), [""; 0]);
    assert_eq!((sandbox.notes(), sandbox.engine_log()), (String::new(), String::new()));
}

/// Weakness 3: refusals are judged by where a path leads. Weakness 28: they are recorded.
#[test]
fn an_archive_that_would_be_backed_up_or_harm_is_refused() {
    let sandbox = with_snapshot();
    symlink(sandbox.path("data"), sandbox.path("link")).expect("can be linked");
    for (part, what) in [
        ("data/x.tar.gz", "backed up"),
        ("data/../data/new/x.tar.gz", "backed up"),
        ("link/x.tar.gz", "backed up"),
        ("repo/x.tar.gz", "the repository"),
        ("log/x.tar.gz", "LOG_DIR"),
        ("state/x.tar.gz", "STATE_DIR"),
        ("hooks/x.tar.gz", "HOOKS_DIR"),
        ("data/one.txt/x.tar.gz", "backed up"),
    ] {
        let before = (tree(&sandbox.path("data")), tree(&sandbox.path("repo")), tree(&sandbox.path("hooks")));
        let output = sandbox.path(part).display().to_string();
        for more in [&[][..], &["--dry-run"]] {
            let out = sandbox.run(&[&["snapshot-export", "--output", &output], more].concat()).ends_with(1).all();
            assert!(out.contains(what), "{part}: {out}");
            let summary = sandbox.summary("snapshot-export");
            assert_eq!((&summary["exit_code"], &summary["status"]), (&1.into(), &"failure".into()));
            assert!(summary["reason"].as_str().is_some_and(|reason| reason.contains(what)), "{summary}");
            assert_eq!(summary["archive"], output.as_str());
        }
        assert_same(&before.0, &tree(&sandbox.path("data")));
        assert_same(&before.1, &tree(&sandbox.path("repo")));
        assert_same(&before.2, &tree(&sandbox.path("hooks")));
    }
    let output = sandbox.path("data/x.tar.gz").display().to_string();
    sandbox.run(&["snapshot-export", "--force", "--output", &output]).ends_with(0);
    assert_eq!(files(&sandbox.path("data")), ["one.txt", "x.tar.gz", "x.tar.gz.sha256"]);
}

#[test]
fn what_is_no_file_of_its_own_is_not_written_to() {
    let sandbox = with_snapshot();
    fs::create_dir_all(sandbox.path("out/folder.tar.gz")).expect("can be made");
    fs::write(sandbox.path("out/file"), "mine").expect("can be written");
    symlink("file", sandbox.path("out/link.tar.gz")).expect("can be linked");
    sandbox.run_program("mkfifo", &[&sandbox.path("out/pipe.tar.gz").display().to_string()]).ends_with(0);
    let before = tree(&sandbox.path("out"));
    for (name, what) in [
        ("folder.tar.gz", "is a folder"),
        ("link.tar.gz", "is a link"),
        ("pipe.tar.gz", "no regular file"),
        ("file/x.tar.gz", "is not a folder"),
        ("file/y/x.tar.gz", "cannot be made"),
    ] {
        let output = sandbox.path("out").join(name).display().to_string();
        let out = sandbox.run(&["snapshot-export", "--force", "--output", &output]).ends_with(1).all();
        assert!(out.contains(what), "{name}: {out}");
    }
    assert_same(&before, &tree(&sandbox.path("out")));
}

/// Weakness 1: a work folder is never touched, whatever becomes of the export.
#[test]
fn a_work_folder_is_accepted_and_left_alone() {
    let sandbox = with_snapshot();
    fs::create_dir_all(sandbox.path("work/restore/deep")).expect("can be made");
    fs::write(sandbox.path("work/restore/deep/mine"), "mine").expect("can be written");
    let before = tree(&sandbox.path("work"));
    let (work, output) = (sandbox.path("work").display().to_string(), sandbox.path("x.tar.gz").display().to_string());
    for (words, code) in [
        (&["--work-dir", &work, "--output", &output][..], 0),
        (&["--work-dir", &work, "--output", &output, "--force", "--keep-workdir"], 0),
        (&["--work-dir", &work, "--output", &output], 1),
        (&["--work-dir", &work, "--id", "00000000"], 1),
        (&["--work-dir", "/", "--output", &output, "--dry-run"], 0),
    ] {
        let out = sandbox.run(&[&["snapshot-export"], words].concat()).ends_with(code).stdout;
        assert_eq!(out.lines().filter(|line| line.contains("not needed any more")).count(), 1, "{out}");
        assert_eq!(sandbox.summary("snapshot-export")["work_dir"], words[1]);
        assert_same(&before, &tree(&sandbox.path("work")));
    }
    assert_eq!(files(&sandbox.path("tmp")), [""; 0]);
}

/// Contract: operator commands, section 4: zero match. Dry runs are checked, too.
#[test]
fn includes_that_match_nothing_are_told() {
    for sandbox in Sandbox::with_each_repository() {
        back_up(&sandbox);
        let data = sandbox.path("data").display().to_string();
        for words in [
            &["--include", "/nowhere"][..],
            &["--include", "/nowhere", "--dry-run"],
            &["--include", "*.nothing"],
            &["--include", "*.nothing", "--dry-run"],
            &["--include", "*.txt", "--exclude", &data],
            &["--include", "*.nothing", "--output", "-"],
        ] {
            let out = sandbox.run(&[&["snapshot-export"], words].concat()).ends_with(3);
            assert!(out.all().contains("❌ the includes matched nothing"), "{}", out.all());
            let hint = "; * ? [ \\ are signs of a pattern: put a \\ before one that is meant as it is";
            assert_eq!(out.all().contains(hint), words[1].contains('*'), "{}", out.all());
            if words.contains(&"-") {
                assert_eq!(out.stdout, "");
            }
            let summary = sandbox.summary("snapshot-export");
            assert_eq!(summary["include_zero_match"], "true");
            assert!(summary.get("files_restored").is_none() && summary.get("archive_sha256").is_none(), "{summary}");
            assert_eq!(files(&sandbox.path("restore")), [""; 0]);
        }
    }
}

/// Weaknesses 29 and 30: what there is instead is said.
#[test]
fn no_snapshot_is_a_clear_error() {
    for sandbox in Sandbox::with_each_repository() {
        back_up(&sandbox);
        let out = sandbox.run(&["snapshot-export", "--host", "other"]).ends_with(1).all();
        assert!(
            out.contains("choose with --host and --tag, \"\" for any")
                && out.contains("no snapshots matched: tag='automated' host='other'")
                && out.contains("test-host"),
            "{out}"
        );
        let out = sandbox.run(&["snapshot-export", "--id", "00000000"]).ends_with(1).all();
        assert!(out.contains("no snapshot '00000000'"), "{out}");
        assert_eq!(files(&sandbox.path("restore")), [""; 0]);
        let output = sandbox.path("x.tar").display().to_string();
        sandbox.run(&["snapshot-export", "--host", "", "--tag=", "--output", &output]).ends_with(0);
        // Filters do not count for a snapshot that is named.
        let id = sandbox.snapshots()[0]["id"].as_str().expect("is text")[..10].to_owned();
        sandbox.run(&["snapshot-export", "--id", &id, "--host", "other", "--output", &output, "--force"]).ends_with(0);
        assert_eq!(members(&sandbox.path("x.tar")).last().map(|name| name.ends_with("/one.txt")), Some(true));
    }
}

/// Bad configuration is recorded with 2; restic's own codes pass through.
#[test]
fn repository_and_password_are_judged_as_everywhere() {
    let mut sandbox = with_snapshot();
    sandbox.set("RESTIC_PASSWORD", "mistaken-horse");
    let out = sandbox.run(&["snapshot-export"]).ends_with(1).all();
    assert!(out.contains("the password is wrong"), "{out}");
    sandbox.unset("RESTIC_PASSWORD");
    sandbox.run(&["snapshot-export"]).ends_with(2);
    assert_eq!(sandbox.summary("snapshot-export")["exit_code"], 2);
    assert_eq!(files(&sandbox.path("restore")), [""; 0]);
    if let Some(mut sandbox) = Sandbox::with_new_repository() {
        sandbox.set("RESTIC_PASSWORD", "mistaken-horse");
        sandbox.run(&["snapshot-export"]).ends_with(12);
        sandbox.set("RESTIC_REPOSITORY", sandbox.path("none").display().to_string());
        sandbox.run(&["snapshot-export"]).ends_with(10);
    }
}

/// restic's dump reads, and lets others read: beside another reader it works, beside a prune it does not.
#[test]
fn an_export_takes_a_shared_lock() {
    for sandbox in Sandbox::with_each_repository() {
        back_up(&sandbox);
        let holder = sandbox.hold_shared_lock();
        sandbox.run(&["snapshot-export"]).ends_with(0);
        holder.kill();
        sandbox.restic(&["unlock", "--remove-all"]).ends_with(0);
        let holder = sandbox.hold_exclusive_lock();
        let code = if sandbox.restic_version() >= (0, 17) { 11 } else { 1 };
        let output = sandbox.path("out/never.tar").display().to_string();
        let out = sandbox.run(&["snapshot-export", "--output", &output]).ends_with(code).all();
        assert!(out.contains("locked"), "{out}");
        holder.kill();
        assert_eq!(files(&sandbox.path("out")), [""; 0]);
    }
}

/// Weakness 21: that the log cannot be written costs the log alone.
#[test]
fn a_log_that_cannot_be_written_costs_no_archive() {
    let mut sandbox = with_snapshot();
    sandbox.set("LOG_DIR", "/dev/null/log");
    let output = sandbox.path("x.tar.gz").display().to_string();
    let out = sandbox.run(&["snapshot-export", "--output", &output]).ends_with(0).all();
    assert!(out.contains("✅ Snapshot archive created"), "{out}");
    assert_eq!(members(&sandbox.path("x.tar.gz")).len(), sandbox.path("data").ancestors().count());
}

/// Too little space is refused before; a disk that fills up leaves nothing.
#[test]
fn a_full_disk_leaves_nothing() {
    let probe = std::process::Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: a full disk (nothing can be mounted)");
        return;
    }
    for sandbox in Sandbox::with_each_repository() {
        fs::write(sandbox.path("data/noise"), noise(3_000_000)).expect("can be written");
        fs::write(sandbox.path("data/zeros"), vec![0; 20_000_000]).expect("can be written");
        back_up(&sandbox);
        fs::create_dir(sandbox.path("out")).expect("can be made");
        let out = sandbox.path("out").display().to_string();
        let archive = sandbox.path("out/x.tar.gz").display().to_string();
        let on_small_disk = |words: &str| {
            let script = format!(
                "mount -t tmpfs -o size=1m none '{out}' && '{BOATHOOK}' snapshot-export --output '{archive}' {words}; \
                 code=$?; ls -A '{out}' > '{out}.left'; exit $code"
            );
            let finished = sandbox.run_program("unshare", &["-m", "sh", "-c", &script]);
            let left = fs::read_to_string(sandbox.path("out.left")).expect("was written");
            (finished, left)
        };
        let noise = sandbox.path("data/noise").display().to_string();
        let (refused, left) = on_small_disk("");
        let refused = refused.ends_with(1).all();
        assert!(refused.contains("❌ there is too little space: ") && refused.contains("--force"), "{refused}");
        assert_eq!(left, "");
        for words in ["--force".to_owned(), format!("--include '{noise}'")] {
            let (full, left) = on_small_disk(&words);
            let full = full.ends_with(1).all();
            assert!(full.contains("⚠️ ") && full.contains("❌ there is no space left for"), "{full}");
            assert_eq!(left, "", "{words}");
        }
        sandbox.expect_no_process();
        let (fits, left) = on_small_disk("--exclude noise --exclude zeros");
        fits.ends_with(0);
        assert_eq!(left, "x.tar.gz\nx.tar.gz.sha256\n");
    }
}
