//! Operator commands that are killed at any moment leave nothing behind: no half archive, no mount, no work folder, no
//! lock.

use crate::support::{Running, Sandbox, send, wait_for};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How many moments are tried.
const MOMENTS: usize = 50;

/// The commands; `mount-snapshot` ends only when it is told to.
const CASES: [&[&str]; 6] = [
    &["snapshot-export"],
    &["restore-test"],
    &["mount-snapshot"],
    &["snapshot-export", "--format", "tar.zst", "--verify"],
    &["restore-test", "--sample", "5"],
    &["sources-report"],
];

/// Who is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Worker,
    Keeper,
    Both,
}

const VICTIMS: [Victim; 3] = [Victim::Both, Victim::Worker, Victim::Keeper];

/// Numbers that are the same in each run (Knuth's linear congruential generator).
struct Numbers(u64);

impl Numbers {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// A repository with a snapshot that takes a moment to read.
fn scene() -> Sandbox {
    let mut sandbox = Sandbox::with_new_repository().unwrap_or_else(Sandbox::with_repository);
    // The name that restic gives to its snapshots.
    let host = nix::unistd::gethostname().expect("has a name");
    sandbox.set("HOSTNAME", host.to_string_lossy());
    let mut numbers = Numbers(7);
    for number in 0..120 {
        let folder = sandbox.path(format!("data/folder-{}", number % 7));
        fs::create_dir_all(&folder).expect("can be made");
        let bytes: Vec<u8> = (0..60_000).map(|_| (numbers.next() * 256.0) as u8).collect();
        fs::write(folder.join(format!("file-{number}")), bytes).expect("can be written");
    }
    sandbox.run(&["backup"]).ends_with(0);
    sandbox
}

fn start(sandbox: &Sandbox, words: &[&str]) -> Running {
    let target = sandbox.path("mount").display().to_string();
    let further: &[&str] = if words[0] == "mount-snapshot" { &["--target", &target] } else { &[] };
    sandbox.start(&[words, further].concat())
}

/// Whether something is mounted in the sandbox.
fn is_mounted(sandbox: &Sandbox) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("can be read");
    mounts.contains(&format!(" {}", sandbox.path("mount").display()))
}

/// How long the command takes, or until its mount is there.
fn length_of(sandbox: &Sandbox, words: &[&str]) -> Duration {
    let began = Instant::now();
    let running = start(sandbox, words);
    if words[0] != "mount-snapshot" {
        running.finish().ends_with(0);
        return began.elapsed();
    }
    wait_for("the mount", || is_mounted(sandbox).then_some(()));
    let length = began.elapsed();
    running.signal(libc::SIGINT);
    running.finish().ends_with(0);
    length
}

/// The worker, once there is one.
fn worker_of(keeper: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
    let name = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid| name(pid).trim() == "boathook")
}

#[test]
fn whoever_is_killed_and_whenever_nothing_is_left_behind() {
    let sandbox = scene();
    let can_mount = Path::new("/dev/fuse").exists();
    if !can_mount {
        println!("skipped: mount-snapshot among the commands that are killed (there is no /dev/fuse)");
    }
    let cases: Vec<&[&str]> = CASES.into_iter().filter(|words| can_mount || words[0] != "mount-snapshot").collect();
    let lengths: Vec<Duration> = cases.iter().map(|words| length_of(&sandbox, words)).collect();
    forget_whole_archives(&sandbox);
    let mut numbers = Numbers(42);
    for moment in 0..MOMENTS {
        let case = moment % cases.len();
        let victim = VICTIMS[(moment / cases.len()) % VICTIMS.len()];
        let when = lengths[case].mul_f64(numbers.next() * 1.1);
        let what = format!("moment {moment}: {:?}, {victim:?} killed after {when:?}", cases[case]);
        let running = start(&sandbox, cases[case]);
        // The moment itself: nothing is asserted by it.
        std::thread::sleep(when);
        kill(&running, victim);
        if cases[case][0] == "mount-snapshot" {
            // What lives on does so until it is told to end.
            wait_for("the end of the mount", || {
                let left = sandbox.processes();
                left.iter().filter(|(_, words)| words.contains("mount-snapshot")).for_each(|(pid, _)| send(*pid, 15));
                left.is_empty().then_some(())
            });
        }
        running.finish();
        sandbox.expect_no_process();
        assert_nothing_left(&sandbox, &what);
    }
}

fn kill(running: &Running, victim: Victim) {
    let keeper = running.pid();
    let worker = worker_of(keeper);
    if let Some(worker) = worker.filter(|_| victim != Victim::Keeper) {
        send(worker, libc::SIGKILL);
    }
    if victim != Victim::Worker {
        running.signal(libc::SIGKILL);
    }
    // One that was forked between the two looks.
    if let Some(worker) = worker_of(keeper).filter(|_| victim == Victim::Both) {
        send(worker, libc::SIGKILL);
    }
}

#[track_caller]
fn assert_nothing_left(sandbox: &Sandbox, what: &str) {
    // Where keeper and worker are dead, the cleaner may still be at it: it is no process of the sandbox's by its environment.
    wait_for(&format!("the end of a mount ({what})"), || (!is_mounted(sandbox)).then_some(()));
    wait_for(&format!("the end of a work folder ({what})"), || entries(&sandbox.path("tmp")).is_empty().then_some(()));
    for lock in ["snapshot-export.lock", "restore-test.lock", "mount-snapshot.lock", "sources-report.lock"] {
        assert!(!sandbox.is_locked(lock), "{what}: {lock}");
    }
    // Of an interrupted 0.14 a lock may stay, if it had only just been taken.
    if sandbox.restic_version() >= (0, 17) {
        assert_eq!(sandbox.repository_locks(), 0, "{what}: a lock of the repository");
    }
    for path in entries(&sandbox.path("restore")) {
        let name = path.to_string_lossy().into_owned();
        if let Some(archive) = name.strip_suffix(".sha256") {
            assert!(Path::new(archive).exists(), "{what}: {name} without its archive");
            continue;
        }
        let test = if path.extension().is_some_and(|end| end == "zst") { ["zstd", "-tq"] } else { ["gzip", "-t"] };
        let tested = Command::new(test[0]).arg(test[1]).arg(&path).status().expect("is installed");
        assert!(tested.success(), "{what}: {name} is no whole archive");
    }
    forget_whole_archives(sandbox);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn forget_whole_archives(sandbox: &Sandbox) {
    for path in entries(&sandbox.path("restore")) {
        fs::remove_file(path).expect("can be removed");
    }
}
