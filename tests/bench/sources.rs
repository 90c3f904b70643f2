//! `sources-report` over half a million files, beside what one would type instead.

use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDERS: usize = 500;
const FILES: usize = 1000;
const BOATHOOK: &str = env!("CARGO_BIN_EXE_boathook");

/// Prints both side by side, warm, and the peak memory of the report.
pub fn report(scene: &Scene) {
    let source = scene.path("many");
    for folder in 0..FOLDERS {
        let folder = source.join(format!("folder{folder}"));
        fs::create_dir_all(&folder).expect("can be made");
        for file in 0..FILES {
            let text: &[u8] = if file % 2 == 0 { b"" } else { b"some bytes\n" };
            fs::write(folder.join(format!("file{file}.txt")), text).expect("can be written");
        }
    }
    let source = source.display().to_string();
    let by_hand = format!("find '{source}' -type f | wc -l; du -s '{source}'");
    let ours = |words: &str| {
        let mut command = scene.command(BOATHOOK);
        command.arg("sources-report").env("BACKUP_ROOT_DIR", &source).env("RESTIC_JOB_ARGS", words);
        command
    };
    let rules = "--exclude *.o --exclude /proc --exclude **/cache/** --iexclude thumbs.db --exclude-caches";
    let rows = [
        Row::new("find | wc -l; du -s", Box::new(|| Cost::of(Command::new("sh").args(["-c", &by_hand])))),
        Row::new("sources-report", Box::new(|| Cost::of(&mut ours("")))),
        Row::new("sources-report, five rules", Box::new(|| Cost::of(&mut ours(rules)))),
    ];
    compare(&format!("sources-report: {} files in {FOLDERS} folders", FOLDERS * FILES), &rows, 5);
    println!("  {:32} {:6.2} MiB", "peak of keeper and worker (RSS)", peak(&mut ours(rules)) as f64 / 1024.0);
}

/// The sum of the highest resident sizes of the command and its children, in KiB.
fn peak(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("can be started");
    let keeper = child.id();
    let mut peak = 0;
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).unwrap_or_default();
        let workers = children.split_whitespace().filter_map(|pid| pid.parse().ok()).map(highest);
        peak = peak.max(highest(keeper) + workers.sum::<u64>());
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn highest(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
