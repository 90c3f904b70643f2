//! `replicate` with several jobs at a time, and stopped in the midst of them. With the real rclone.

use crate::support::{Running, Sandbox, assert_in_order, wait_for};
use crate::with_rclone::{before_rclone, calls, read, sandbox, write};
use std::fs;

/// Each of two jobs waits until the other has begun: alone neither would end.
const MEET: &str = "case \"$*\" in *b1*) me=1; other=2 ;; *) me=2; other=1 ;; esac\n\
                    echo > $T/begun$me\nwhile [ ! -e $T/begun$other ]; do sleep 0.01; done\n";

#[test]
fn jobs_run_at_the_same_time_and_their_logs_are_blocks_in_the_order_of_the_file() {
    let mut sandbox = sandbox("$T/a;$T/b1;copy;-v\nno job\n$T/a;$T/b2;copy;-v\n");
    write(&sandbox, "a/one", "1");
    // The first job ends last.
    let late = "[ $me = 2 ] || while [ ! -e $T/b2/one ]; do sleep 0.01; done\n\
                echo first of $me; [ $me = 2 ] || head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000";
    before_rclone(&sandbox, &format!("{MEET}{late}"));
    let out = sandbox.set("REPLICATE_PARALLEL", "3").run(&["replicate"]).ends_with(2).stdout;
    let log = sandbox.log("replicate");
    assert_in_order(
        &log,
        &[
            "📥 Performing copy of ",
            "first of 1",
            "xxx",
            "Transferred:",
            "Finished copy at ",
            "✅ Copy Successful",
            "🏁 Finished copy at ",
            "⚠️ Invalid line: no job",
            "📥 Performing copy of ",
            "first of 2",
            "Transferred:",
            "🏁 Finished copy at ",
            "📋 Run ",
        ],
    );
    assert_eq!(log.lines().filter(|line| line.starts_with("xxx")).count(), 3000);
    assert_eq!(log.matches("Performing copy").count(), 2);
    assert!(!log.contains("[job "), "the log needs no marks");
    for begin in ["[job 1] 📥 Performing", "[job 2] ⚠️ Invalid line", "[job 3] ✅ Copy Successful"] {
        assert!(out.lines().any(|line| line.starts_with(begin)), "{begin} is not in\n{out}");
    }
    let summary = sandbox.summary("replicate");
    let codes: Vec<_> =
        summary["jobs"].as_array().expect("is there").iter().map(|job| job["exit_code"].clone()).collect();
    assert_eq!(codes, [0, 2, 0]);
    assert_eq!((summary["exit_code"].clone(), read(&sandbox, "b2/one")), (2.into(), "1".into()));
}

#[test]
fn jobs_that_meet_never_run_at_the_same_time() {
    let mut sandbox = sandbox("$T/a;$T/b\n$T/a/;$T/b/;bisync\n$T/b;$T/c;sync\n$T/c/sub;$T/d;copy\n");
    write(&sandbox, "a/sub/one", "1");
    before_rclone(
        &sandbox,
        "mkdir $T/inside 2>/dev/null || echo together >> $T/notes\nREAL \"$@\"; code=$?\nrmdir $T/inside\nexit $code\n"
            .replace("REAL", &crate::with_rclone::real().display().to_string())
            .as_str(),
    );
    sandbox.set("REPLICATE_PARALLEL", "4").run(&["replicate"]).ends_with(0);
    assert_eq!(sandbox.notes(), "");
    assert_eq!(calls(&sandbox).len(), 4 + 1 + 1 + 1);
    assert_eq!(read(&sandbox, "d/one"), "1", "the order of the file is kept");
}

#[test]
fn a_set_aside_pair_among_several_is_put_back() {
    let mut sandbox = sandbox("$T/a;$T/b\n$T/c;$T/d\n");
    for side in ["a", "c"] {
        for name in ["one", "two", "three"] {
            write(&sandbox, &format!("{side}/{name}"), name);
        }
    }
    sandbox.set("REPLICATE_PARALLEL", "2").run(&["replicate"]).ends_with(0);
    sandbox.set("REPLICATE_BISYNC_CHECK_ACCESS", "ON").run(&["replicate"]).ends_with(2);
    sandbox.unset("REPLICATE_BISYNC_CHECK_ACCESS");
    for file in ["a/one", "d/one"] {
        fs::remove_file(sandbox.path(file)).expect("is there");
    }
    sandbox.run(&["replicate"]).ends_with(0);
    assert!(!sandbox.path("b/one").exists() && !sandbox.path("c/one").exists());
}

/// Jobs that take long: a known pair with something to copy, a copy, and one that has to wait.
fn long_jobs(parallel: &str) -> (Sandbox, Running) {
    let mut sandbox = sandbox("$T/a;$T/b\n$T/large;$T/c;copy\n$T/a;$T/d;copy\n");
    write(&sandbox, "a/one", "1");
    write(&sandbox, "large/one", "1");
    sandbox.run(&["replicate"]).ends_with(0);
    for folder in ["a", "large"] {
        fs::write(sandbox.path(folder).join("large"), vec![7; 20_000_000]).expect("can be written");
    }
    calls(&sandbox);
    sandbox.set("REPLICATE_JOB_ARGS", "--bwlimit 200k").set("REPLICATE_PARALLEL", parallel);
    sandbox.hook("post-replicate.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let running = sandbox.start(&["replicate"]);
    (sandbox, running)
}

fn lock_files(sandbox: &Sandbox) -> usize {
    let folder = fs::read_dir(sandbox.path("state/bisync")).expect("is there");
    folder.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".lck")).count()
}

#[test]
fn a_stop_ends_every_rclone_and_skips_the_rest() {
    for (parallel, signal, code, skipped) in [("2", 15, 143, 1), ("2", 2, 130, 1), ("1", 15, 143, 2)] {
        let (sandbox, running) = long_jobs(parallel);
        wait_for("bisync's lock", || (lock_files(&sandbox) > 0).then_some(()));
        wait_for("all that may run", || {
            let count = read(&sandbox, "calls").lines().count().to_string();
            let copying = parallel == "1" || sandbox.path("c").exists();
            (count == parallel && copying && fs::read_dir(sandbox.path("b")).is_ok_and(|b| b.count() > 1)).then_some(())
        });
        running.signal(signal);
        let out = running.finish().ends_with(code).stdout;
        sandbox.expect_no_process();
        assert_eq!(lock_files(&sandbox), 0, "bisync has removed its lock");
        assert_eq!(out.matches("skipped: a stop was asked for.").count(), skipped, "{out}");
        assert!(!out.contains("Starting recovery"), "{out}");
        let summary = sandbox.summary("replicate");
        assert_eq!(summary["status"], "interrupted");
        assert_eq!(summary["jobs"][2]["status"], "skipped");
        assert_eq!(summary["jobs"][0]["reason"], "rclone was interrupted");
        assert_eq!(sandbox.notes(), format!("post {code} interrupted\n"));
    }
}

#[test]
fn a_killed_worker_leaves_no_rclone() {
    let (sandbox, running) = long_jobs("2");
    wait_for("bisync's lock", || (lock_files(&sandbox) > 0).then_some(()));
    let worker =
        sandbox.processes().into_iter().find(|(pid, words)| *pid != running.pid() && words.contains("boathook"));
    crate::support::send(worker.expect("runs").0, 9);
    running.finish().ends_with(137);
    sandbox.expect_no_process();
    assert_eq!(sandbox.notes(), "post 137 interrupted\n");
}
