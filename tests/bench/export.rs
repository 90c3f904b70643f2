//! `snapshot-export` beside what one would do by hand: `restic restore`, then `tar czf`.

use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FILES: usize = 20_000;
const BYTES: usize = 300 * 1024 * 1024;
const TIMES: usize = 3;

/// A repository of 300 MiB in 20,000 files, half text, half random, exported whole.
pub fn report(scene: &Scene) {
    fill(&scene.path("data"));
    let data = scene.path("data").display().to_string();
    let backed_up = Cost::of(scene.command("restic").args(["backup", "--quiet", &data]));
    println!("\nexport: a repository of 300 MiB in {FILES} files (made in {:.1} s)", backed_up.wall.as_secs_f64());
    let path = |name: &str| scene.path(name).display().to_string();
    let (work, by_hand) = (path("work"), path("by-hand.tar.gz"));
    let script = format!(
        "rm -rf '{work}' && restic restore latest --target '{work}' && tar -C '{work}' -czf '{by_hand}' . && rm -rf '{work}'"
    );
    let export = |name: &str| {
        let output = path(name);
        scene.boathook(&["snapshot-export", "--tag=", "--host=", "--force", "--output", &output])
    };
    let rows = [
        Row::new("restic restore, tar czf", Box::new(|| Cost::of(scene.command("sh").args(["-c", &script])))),
        Row::new(
            "restic dump > /dev/null",
            Box::new(|| Cost::of(scene.command("restic").args(["dump", "latest", "/"]))),
        ),
        Row::new("snapshot-export, .tar.gz", Box::new(|| export("export.tar.gz"))),
        Row::new("snapshot-export, .tar.zst", Box::new(|| export("export.tar.zst"))),
    ];
    compare("export of the whole", &rows, TIMES);
    let (gzip, zstd) = (piped(scene, "gzip -6 -c"), piped(scene, "zstd -3 -q -c"));
    for (name, other, size) in [("export.tar.gz", "gzip -6", gzip), ("export.tar.zst", "zstd -3", zstd)] {
        let ours = fs::metadata(scene.path(name)).map_or(0, |found| found.len());
        println!(
            "  {name:32} {:8.2} MiB, {other}: {:8.2} MiB ({:+.1} %)",
            mebibytes(ours),
            mebibytes(size),
            (ours as f64 / size.max(1) as f64 - 1.0) * 100.0
        );
    }
    for name in ["export.tar.gz", "export.tar.zst"] {
        println!("  peak memory, {name:19} {:8.2} MiB (keeper and worker)", mebibytes(peak(scene, name)));
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// Words of a language that nobody speaks, with the frequencies of one; and noise.
fn fill(data: &Path) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words: Vec<String> =
        (0..5000).map(|_| (0..2 + next() % 9).map(|_| char::from(b'a' + (next() % 26) as u8)).collect()).collect();
    let size = BYTES / FILES;
    for number in 0..FILES {
        let folder = data.join(format!("{:02}", number % 100));
        if number < 100 {
            fs::create_dir_all(&folder).expect("can be made");
        }
        let mut content = Vec::with_capacity(size + 16);
        while content.len() < size {
            if number % 2 == 0 {
                content.extend(next().to_le_bytes());
            } else {
                // The square makes the first words the most frequent ones.
                let share = (next() % 10_000) as f64 / 10_000.0;
                content.extend(words[(share * share * share * 5000.0) as usize].as_bytes());
                content.push(b' ');
            }
        }
        content.truncate(size);
        fs::write(folder.join(format!("{number}")), content).expect("can be written");
    }
}

/// What another program makes of the same tar.
fn piped(scene: &Scene, program: &str) -> u64 {
    let to = scene.path("other").display().to_string();
    Cost::of(scene.command("sh").args(["-c", &format!("restic dump latest / | {program} > '{to}'")]));
    fs::metadata(to).map_or(0, |found| found.len())
}

/// The highest resident sizes of both processes together.
fn peak(scene: &Scene, name: &str) -> u64 {
    let output = scene.path(name).display().to_string();
    let mut command: Command = scene.export(&["--tag=", "--host=", "--force", "--output", &output]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("can be started");
    let (keeper, mut worker, mut peak) = (child.id(), 0, 0);
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        if worker == 0 {
            worker = crate::memory::child_of(keeper);
        }
        peak = peak.max(high_water(keeper) + high_water(worker));
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}

/// The kernel's own record, in bytes; 0 if the process is gone.
fn high_water(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
}
