//! `rotate_log`: what is archived, what is left, and that nothing is lost between.

use crate::support::{Sandbox, assert_in_order, wait_for};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn sandbox(limit: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CRON_LOG_MAX_SIZE", limit);
    sandbox
}

fn log(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("log/cron.log")
}

fn archives(sandbox: &Sandbox) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(sandbox.path("log"))
        .expect("is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("cron_log_"))
        .collect();
    names.sort();
    names
}

/// The text in an archive, by the tar of the system.
fn unpacked(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.path("log").join(name).display().to_string();
    assert_eq!(sandbox.run_program("tar", &["-tzf", &path]).ends_with(0).stdout, "cron.log\n");
    sandbox.run_program("tar", &["-xzOf", &path]).ends_with(0).stdout
}

#[test]
fn a_log_below_the_limit_stays() {
    let sandbox = sandbox("6");
    fs::write(log(&sandbox), "five\n").expect("can be written");
    let out = sandbox.run(&["rotate_log"]).ends_with(0).stdout;
    let lines = [
        "📋 Starting rotation check at ",
        "📊 Log file size is 5 bytes, rotation not needed.",
        "✅ Log rotation check completed successfully at ",
    ];
    assert_in_order(&out, &lines);
    assert_eq!((archives(&sandbox).len(), fs::read_to_string(log(&sandbox)).expect("is there")), (0, "five\n".into()));
}

#[test]
fn a_log_at_the_limit_is_archived_and_emptied_in_place() {
    let sandbox = sandbox("5");
    fs::write(log(&sandbox), "five\n").expect("can be written");
    let (inode, others) = (fs::metadata(log(&sandbox)).expect("is there").ino(), "backup-last.log");
    fs::write(sandbox.path("log").join(others), "x".repeat(100)).expect("can be written");
    let out = sandbox.run(&["rotate_log"]).ends_with(0).stdout;
    let archives = archives(&sandbox);
    assert_eq!(archives.len(), 1, "{out}");
    let time =
        archives[0].strip_prefix("cron_log_").and_then(|name| name.strip_suffix(".tar.gz")).expect("is named so");
    assert!(time.len() == 15 && time.as_bytes()[8] == b'_', "{time}");
    assert!(out.contains(&format!("🔄 Log file rotated and archived as {}...", archives[0])), "{out}");
    assert_eq!(unpacked(&sandbox, &archives[0]), "five\n");
    let facts = fs::metadata(log(&sandbox)).expect("is there");
    assert_eq!((facts.ino(), facts.len()), (inode, 0), "who holds it open goes on writing to it");
    assert_eq!(fs::metadata(sandbox.path("log").join(others)).expect("is there").len(), 100);
    let own = fs::read_to_string(sandbox.path("log/rotate-last.log")).expect("is there");
    assert_in_order(
        &own,
        &[
            "📋 Starting",
            "ROTATE_LOG_CRON: 0 0 * * 6",
            "CRON_LOG_MAX_SIZE: 5",
            "MAX_CRON_LOG_ARCHIVES: 5",
            "🔄 ",
            "✅ ",
        ],
    );
    assert!(!out.contains("CRON_LOG_MAX_SIZE: "), "the header is for the log alone");
}

#[test]
fn the_oldest_archives_go_by_the_time_in_their_names() {
    let mut sandbox = sandbox("1");
    sandbox.set("MAX_CRON_LOG_ARCHIVES", "2");
    fs::write(log(&sandbox), "five\n").expect("can be written");
    // Copied back later: the oldest has the youngest time of change.
    for name in ["cron_log_20260301_000000.tar.gz", "cron_log_20260201_000000.tar.gz", "cron_log_notes.tar.gz"] {
        fs::write(sandbox.path("log").join(name), "x").expect("can be written");
    }
    let out = sandbox.run(&["rotate_log"]).ends_with(0).stdout;
    assert!(out.contains("🗑️ Removed old archive cron_log_20260201_000000.tar.gz"), "{out}");
    let left = archives(&sandbox);
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        left.contains(&"cron_log_20260301_000000.tar.gz".to_owned())
            && left.contains(&"cron_log_notes.tar.gz".to_owned())
    );
}

#[test]
fn numbers_that_are_none_and_a_missing_log_are_1_and_said_on_both_outputs() {
    let mut sandbox = Sandbox::new();
    for (variable, value, problem) in [
        ("CRON_LOG_MAX_SIZE", "1M", "CRON_LOG_MAX_SIZE must be a positive integer (got '1M')."),
        ("MAX_CRON_LOG_ARCHIVES", "0", "MAX_CRON_LOG_ARCHIVES must be a positive integer (got '0')."),
        ("LOG_VERBOSE", "OFF", "Log file does not exist: "),
    ] {
        let done = sandbox.set(variable, value).run(&["rotate_log"]).ends_with(1);
        assert!(done.stdout.lines().any(|line| line.starts_with(&format!("❌ {problem}"))), "{}", done.stdout);
        assert!(done.stderr.starts_with(&format!("❌ rotate_log: {problem}")), "{}", done.stderr);
        sandbox.unset(variable);
    }
    let help = sandbox.run(&["rotate_log", "--help"]).ends_with(0).stdout;
    assert!(help.contains("Exit codes: 0 archived, or not due; 1 "), "{help}");
    sandbox.run(&["rotate_log", "--force"]).ends_with(2);
}

#[test]
fn without_room_for_an_archive_the_log_stays_as_it_is() {
    let sandbox = sandbox("1");
    let text: String = (0..200_000_u64)
        .flat_map(|number| [number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string(), "\n".to_owned()])
        .collect();
    fs::write(log(&sandbox), &text).expect("can be written");
    // A limit on the size of files stands for a full disk; ignoring its signal makes it an error.
    let script = format!("trap '' XFSZ; ulimit -f 40; exec {} rotate_log", crate::support::BOATHOOK);
    let done = sandbox.run_program("sh", &["-c", &script]).ends_with(1);
    assert!(
        done.stdout.contains("❌ Failed to create archive ") && done.stdout.contains("; cron.log left intact."),
        "{}",
        done.stdout
    );
    assert!(fs::read_to_string(log(&sandbox)).is_ok_and(|left| left == text), "the log is not what it was");
    assert_eq!(archives(&sandbox), [""; 0]);
}

/// Writers that hold the log open for appending, as the scheduler does, go on while it is rotated again and again.
#[test]
fn no_line_is_lost_or_torn_by_those_who_write_meanwhile() {
    let mut sandbox = sandbox("20000");
    sandbox.set("MAX_CRON_LOG_ARCHIVES", "1000");
    fs::write(log(&sandbox), "").expect("can be written");
    let (over, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (path, over, written) = (log(&sandbox), &over, &written);
            scope.spawn(move || {
                let mut file = fs::File::options().append(true).open(path).expect("is there");
                let mut number = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    let line = format!("writer {writer} line {number:08} {}\n", "x".repeat((number % 90) as usize));
                    file.write_all(line.as_bytes()).expect("is taken");
                    number += 1;
                    written.fetch_add(1, Ordering::Relaxed);
                    // Faster than this a debug build cannot compress it.
                    if number.is_multiple_of(5) {
                        std::thread::sleep(std::time::Duration::from_micros(300));
                    }
                }
            });
        }
        for _ in 0..25 {
            let before = written.load(Ordering::Relaxed);
            wait_for("some hundred lines more", || (written.load(Ordering::Relaxed) > before + 600).then_some(()));
            sandbox.run(&["rotate_log"]).ends_with(0);
        }
        over.store(true, Ordering::Relaxed);
    });
    let names = archives(&sandbox);
    assert!(names.len() > 15, "{names:?}");
    let mut whole: String = names.iter().map(|name| unpacked(&sandbox, name)).collect();
    whole += &fs::read_to_string(log(&sandbox)).expect("is there");
    let lines: Vec<&str> =
        whole.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("📋 Rotated: ")).collect();
    for line in &lines {
        let words: Vec<&str> = line.split(' ').collect();
        let number: u64 =
            words.get(3).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("torn: {line:?}"));
        assert!(words.len() == 5 && words[4].len() as u64 == number % 90, "torn: {line:?}");
    }
    assert_eq!(lines.len() as u64, written.load(Ordering::Relaxed), "lines are lost, or there twice");
    let different: BTreeSet<&str> = lines.iter().copied().collect();
    assert_eq!(different.len(), lines.len(), "lines are there twice");
}

#[test]
fn two_rotations_at_once_archive_each_line_once() {
    let sandbox = sandbox("1000");
    let text: String = (0..20_000).flat_map(|number| [format!("line {number}"), "\n".to_owned()]).collect();
    fs::write(log(&sandbox), &text).expect("can be written");
    let running: Vec<_> = (0..4).map(|_| sandbox.start(&["rotate_log"])).collect();
    for one in running {
        one.finish().ends_with(0);
    }
    let mut whole: String = archives(&sandbox).iter().map(|name| unpacked(&sandbox, name)).collect();
    whole += &fs::read_to_string(log(&sandbox)).expect("is there");
    let lines: Vec<&str> = whole.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(lines.join("\n"), text.trim_end());
}

#[test]
fn the_new_archive_stays_even_if_the_clock_is_behind_those_there_are() {
    let sandbox = sandbox("5");
    for year in 2101..=2105 {
        fs::write(sandbox.path(format!("log/cron_log_{year}0101_000000.tar.gz")), "").expect("can be written");
    }
    fs::write(log(&sandbox), "five\n").expect("can be written");
    let out = sandbox.run(&["rotate_log"]).ends_with(0).stdout;
    assert!(out.contains("🗑️ Removed old archive cron_log_21010101_000000.tar.gz"), "{out}");
    let left = archives(&sandbox);
    assert_eq!(left.len(), 5, "{left:?}");
    assert_eq!(unpacked(&sandbox, &left[0]), "five\n");
}
