//! What keeper, worker and supervisor take of memory while a hook runs.

use crate::scene::Scene;
use std::fs;
use std::time::{Duration, Instant};

/// Prints proportional set sizes while a hook waits, and the peaks of a hook that prints 1 GiB.
pub fn report(scene: &Scene) {
    println!("\nmemory of one run (PSS: shared pages counted by share)");
    let started = scene.path("started").display().to_string();
    let go = scene.path("go").display().to_string();
    scene.only_pre_hook(&format!("echo > '{started}'; while [ ! -e '{go}' ]; do sleep 0.02; done"));
    let mut run = scene.start_backup();
    while !scene.path("started").exists() {
        std::thread::yield_now();
    }
    let keeper = run.id();
    let worker = child_of(keeper);
    let supervisor = child_of(worker);
    for (name, pid) in [("keeper", keeper), ("worker", worker), ("hook supervisor", supervisor)] {
        println!("  {name:32} {:6.2} MiB", pss(pid) as f64 / 1024.0);
    }
    println!("  {:32} {:6.2} MiB", "keeper and worker together", (pss(keeper) + pss(worker)) as f64 / 1024.0);
    fs::write(&go, "").expect("can be written");
    let _ = run.wait();

    scene.only_pre_hook("head -c 1073741824 /dev/zero");
    let mut run = scene.start_backup();
    let keeper = run.id();
    let mut peak = 0;
    let started = Instant::now();
    let mut worker = 0;
    while run.try_wait().is_ok_and(|status| status.is_none()) {
        if worker == 0 {
            worker = child_of(keeper);
        }
        peak = peak.max(pss(keeper) + pss(worker));
        std::thread::sleep(Duration::from_millis(2));
    }
    println!(
        "  {:32} {:6.2} MiB (peak over {:.1} s)",
        "the same, hook prints 1 GiB",
        peak as f64 / 1024.0,
        started.elapsed().as_secs_f64()
    );
}

pub fn child_of(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap_or(0)
}

/// In KiB; 0 if it is gone.
pub fn pss(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
