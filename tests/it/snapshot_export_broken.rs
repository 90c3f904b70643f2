//! `snapshot-export` that is stopped, killed or left alone by restic: nothing is left, and nothing passes for whole.

use crate::snapshot_export::{members, noise};
use crate::support::{Running, Sandbox, wait_for, write_executable};
use crate::trees::{assert_same, files, tree};
use std::fs;
use std::path::PathBuf;

/// A stand-in for restic that streams a part of a tar, says `started`, and goes on when `go` is there.
const SLOW: &str = r#"#!/bin/sh
echo "$@" >> "$LOG_DIR/../engine.log"
cd "$LOG_DIR/.." || exit 1
case "$1" in
version) echo "restic 0.18.0 compiled with go1.24 on linux/amd64" ;;
snapshots) echo '[{"time":"2026-05-01T06:00:00Z","hostname":"test-host","tags":["automated"],"paths":["/srv"],"id":"aaaaaaaa00000000000000000000000000000000000000000000000000000000","short_id":"aaaaaaaa"}]' ;;
ls)
    case "$ENGINE_HANGS $*" in yes*--recursive*)
        asked=
        trap 'asked=x; touch asked' INT
        while [ ${#asked} -lt 15 ]; do sleep 1; [ -z "$asked" ] || asked=x$asked; done
        touch survived ;;
    esac
    echo '{"name":"noise","type":"file","path":"/noise","size":4000000,"mode":420,"mtime":"2026-05-01T06:00:00Z"}' ;;
dump)
    trap 'echo interrupted >> engine.log; exit 130' INT
    head -c "$ENGINE_FIRST" stream.tar
    echo $$ > started
    while [ ! -e go ]; do sleep 0.02; done
    tail -c +$((ENGINE_FIRST + 1)) stream.tar | head -c "$ENGINE_REST"
    [ "${ENGINE_EXIT:-0}" = 0 ] || echo "Fatal: the backend is gone" >&2
    exit "${ENGINE_EXIT:-0}" ;;
esac
"#;

fn slow() -> Sandbox {
    let mut sandbox = Sandbox::new();
    write_executable(&sandbox.path("bin/restic"), SLOW);
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(4_000_000);
    builder.append_data(&mut header, "noise", &*noise(4_000_000)).expect("is written");
    fs::write(sandbox.path("stream.tar"), builder.into_inner().expect("is finished")).expect("can be written");
    fs::create_dir(sandbox.path("out")).expect("can be made");
    sandbox.set("ENGINE_FIRST", "3000000").set("ENGINE_REST", "9999999");
    sandbox.hook("post-snapshot-export.sh", "echo post $1 $RUN_STATUS $(ls -A $T/out | wc -l) >> $T/notes");
    sandbox
}

fn archive(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("out/x.tar.gz")
}

fn start(sandbox: &Sandbox) -> Running {
    let output = archive(sandbox).display().to_string();
    let running = sandbox.start(&["snapshot-export", "--output", &output]);
    sandbox.wait_for_file("started");
    running
}

/// The worker: the keeper's child.
fn worker(running: &Running) -> i32 {
    let children = format!("/proc/{0}/task/{0}/children", running.pid());
    wait_for("the worker", || fs::read_to_string(&children).ok()?.split_whitespace().next()?.parse().ok())
}

#[track_caller]
fn assert_nothing_left(sandbox: &Sandbox) {
    assert_eq!(tree(&sandbox.path("out")).len(), 0, "{:?}", files(&sandbox.path("out")));
    sandbox.expect_no_process();
    assert!(!sandbox.is_locked("snapshot-export.lock"));
}

#[test]
fn while_it_works_there_is_no_file_and_then_there_is_a_whole_one() {
    let sandbox = slow();
    let running = start(&sandbox);
    assert_eq!(tree(&sandbox.path("out")).len(), 0);
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert_eq!(members(&archive(&sandbox)), ["./noise"]);
    assert_eq!(sandbox.notes(), "post 0 success 2\n");
}

/// A stop ends restic by SIGINT and leaves nothing.
#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    for (signal, code) in [(2, 130), (15, 143)] {
        let sandbox = slow();
        let running = start(&sandbox);
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(sandbox.notes(), format!("post {code} interrupted 0\n"));
        assert!(sandbox.engine_log().ends_with("interrupted\n"), "{}", sandbox.engine_log());
        let summary = sandbox.summary("snapshot-export");
        assert_eq!((&summary["status"], &summary["exit_code"]), (&"interrupted".into(), &code.into()));
        assert_nothing_left(&sandbox);
    }
}

/// A stop is heard although whoever reads standard output takes nothing.
#[test]
fn a_signal_is_heard_while_the_reader_sleeps() {
    let sandbox = slow();
    let (_reader, pipe) = nix::unistd::pipe().expect("a pipe");
    let mut command =
        sandbox.command(crate::support::BOATHOOK, &["snapshot-export", "--output", "-", "--format", "tar"]);
    command.stdout(pipe);
    let running = Sandbox::spawn(command);
    sandbox.wait_for_file("log/snapshot-export-last.log");
    wait_for("the dump", || sandbox.engine_log().contains("dump").then_some(()));
    running.signal(15);
    running.finish().ends_with(143);
    sandbox.expect_no_process();
}

/// Killed at any moment, nothing is left: the archive has no name before it is whole.
#[test]
fn a_killed_worker_leaves_nothing_and_its_keeper_reports_it() {
    let sandbox = slow();
    let running = start(&sandbox);
    crate::support::send(worker(&running), 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "post 137 interrupted 0\n");
    let summary = sandbox.summary("snapshot-export");
    assert_eq!(summary["exit_code"], 137);
    assert!(summary["archive"].as_str().is_some_and(|path| path.ends_with("/out/x.tar.gz")), "{summary}");
    assert_nothing_left(&sandbox);
}

#[test]
fn killed_with_its_keeper_it_leaves_nothing_either() {
    let sandbox = slow();
    let running = start(&sandbox);
    let (keeper, worker) = (running.pid(), worker(&running));
    crate::support::send(keeper, 19);
    crate::support::send(worker, 9);
    crate::support::send(keeper, 9);
    running.finish();
    assert_eq!(tree(&sandbox.path("out")).len(), 0);
}

/// A stream that was cut off is never an archive, whatever restic says of it.
#[test]
fn a_stream_that_ends_too_early_is_no_archive() {
    for (rest, exit, code, reason) in [
        ("9999999", "1", 1, "the backend is gone"),
        ("100000", "0", 1, "too early"),
        // All but the very end.
        ("1001280", "0", 1, "too early"),
        ("100000", "7", 7, "the backend is gone"),
    ] {
        let mut sandbox = slow();
        sandbox.set("ENGINE_REST", rest).set("ENGINE_EXIT", exit);
        fs::write(sandbox.path("go"), "").expect("can be written");
        let out = start(&sandbox).finish().ends_with(code).all();
        assert!(out.contains(reason), "{out}");
        assert_nothing_left(&sandbox);
    }
}

#[test]
fn what_is_no_tar_is_told() {
    let sandbox = slow();
    fs::write(sandbox.path("stream.tar"), noise(4_000_000)).expect("can be written");
    let output = archive(&sandbox).display().to_string();
    let out = sandbox.run(&["snapshot-export", "--output", &output]).ends_with(1).all();
    assert!(out.contains("is no tar archive"), "{out}");
    assert!(sandbox.engine_log().ends_with("interrupted\n"), "restic was left to stream for nothing");
    assert_nothing_left(&sandbox);
}

/// Somebody else's file that comes to be meanwhile stays as it is.
#[test]
fn an_archive_that_appears_meanwhile_is_not_touched() {
    let sandbox = slow();
    let running = start(&sandbox);
    fs::write(archive(&sandbox), "mine").expect("can be written");
    let before = tree(&sandbox.path("out"));
    fs::write(sandbox.path("go"), "").expect("can be written");
    let out = running.finish().ends_with(1).all();
    assert!(out.contains("has come to be meanwhile"), "{out}");
    assert_same(&before, &tree(&sandbox.path("out")));
}

/// With --force the old archive is there until the new one takes its place.
#[test]
fn what_is_replaced_stays_until_the_end() {
    let sandbox = slow();
    fs::write(archive(&sandbox), "old").expect("can be written");
    let output = archive(&sandbox).display().to_string();
    let running = sandbox.start(&["snapshot-export", "--force", "--output", &output]);
    sandbox.wait_for_file("started");
    assert_eq!(fs::read(archive(&sandbox)).expect("is there"), b"old");
    running.signal(15);
    running.finish().ends_with(143);
    assert_eq!(files(&sandbox.path("out")), ["x.tar.gz"]);
    assert_eq!(fs::read(archive(&sandbox)).expect("is there"), b"old");
}

/// A listing that hangs does not hold up an export that is over, nor a stop.
#[test]
fn a_listing_that_hangs_is_ended_with_the_export() {
    for (signal, code) in [(0, 0), (15, 143)] {
        let mut sandbox = slow();
        sandbox.set("ENGINE_HANGS", "yes");
        let running = start(&sandbox);
        wait_for("the listing", || sandbox.engine_log().contains("--recursive").then_some(()));
        if signal == 0 {
            fs::write(sandbox.path("go"), "").expect("can be written");
        } else {
            running.signal(signal);
        }
        running.finish().ends_with(code);
        assert!(!sandbox.path("survived").exists(), "it had the time of a whole stop");
        sandbox.expect_no_process();
    }
}

/// With --force, the old archive that stays keeps its sum.
#[test]
fn an_archive_that_is_not_replaced_keeps_its_sum() {
    let sandbox = slow();
    fs::write(archive(&sandbox), "old").expect("can be written");
    fs::write(sandbox.path("out/x.tar.gz.sha256"), "sum").expect("can be written");
    let output = archive(&sandbox).display().to_string();
    let running = sandbox.start(&["snapshot-export", "--force", "--output", &output]);
    sandbox.wait_for_file("started");
    // What no rename replaces.
    fs::remove_file(archive(&sandbox)).expect("is there");
    fs::create_dir(archive(&sandbox)).expect("can be made");
    let before = tree(&sandbox.path("out"));
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(1);
    assert_same(&before, &tree(&sandbox.path("out")));
}

/// Folders that were made for an archive that never came go again.
#[test]
fn folders_for_nothing_are_removed() {
    let mut sandbox = slow();
    sandbox.set("ENGINE_EXIT", "1");
    fs::write(sandbox.path("go"), "").expect("can be written");
    let output = sandbox.path("out/new/deep/x.tar").display().to_string();
    sandbox.run(&["snapshot-export", "--output", &output]).ends_with(1);
    sandbox.run(&["snapshot-export", "--output", &output, "--include", "*.nothing"]).ends_with(1);
    assert_eq!(tree(&sandbox.path("out")).len(), 0);
    sandbox.set("ENGINE_EXIT", "0");
    sandbox.run(&["snapshot-export", "--output", &output, "--include", "*.nothing"]).ends_with(3);
    assert_eq!(tree(&sandbox.path("out")).len(), 0);
    sandbox.run(&["snapshot-export", "--output", &output]).ends_with(0);
    assert_eq!(files(&sandbox.path("out")), ["new/deep/x.tar", "new/deep/x.tar.sha256"]);
}
