//! What the crash journal costs a run: beside one without a journal, and beside one whose disk syncs for nothing.

use crate::memory::{child_of, pss};
use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use std::fs;

/// Prints time, memory and the number of syncs.
pub fn report(scene: &Scene) {
    let nowhere = scene.path("nowhere");
    fs::write(&nowhere, "").expect("can be written");
    let shm = tempfile::Builder::new().prefix("boathook-bench-").tempdir_in("/dev/shm");
    let run = |state: &std::path::Path| Cost::of(scene.backup().env("STATE_DIR", state));
    let mut rows = vec![
        Row::new("no journal (STATE_DIR is a file)", Box::new(|| run(&nowhere))),
        Row::new("journal on this disk", Box::new(|| run(&scene.path("state")))),
    ];
    if let Ok(shm) = &shm {
        rows.insert(1, Row::new("journal in memory: syncs cost nothing", Box::new(|| run(shm.path()))));
    }
    compare("backup with two hooks, its journal", &rows, 40);
    println!("\nsyncs of one run (strace)");
    for hooks in [0, 2, 6] {
        match syncs(scene, hooks) {
            Some(syncs) => println!("  {:32} {syncs}", format!("{hooks} hooks")),
            None => println!("  skipped: strace is not installed, or may not trace"),
        }
    }
    memory(scene, &nowhere);
}

/// How often a run with so many pre hooks syncs the journal or its folder.
fn syncs(scene: &Scene, hooks: usize) -> Option<usize> {
    for old in fs::read_dir(scene.path("hooks")).ok()?.flatten() {
        let _ = fs::remove_file(old.path());
    }
    for number in 0..hooks {
        scene.hook(&format!("hooks/pre-backup.{number}.sh"), "exit 0");
    }
    let trace = scene.path("trace");
    let backup = scene.backup();
    let mut command = scene.command("strace");
    command.args(["-f", "-y", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace);
    command.arg(backup.get_program()).args(backup.get_args());
    Cost::of(&mut command);
    let trace = fs::read_to_string(trace).ok()?;
    Some(trace.lines().filter(|line| line.contains("/state")).count())
}

fn memory(scene: &Scene, nowhere: &std::path::Path) {
    let (started, go) = (scene.path("started"), scene.path("go"));
    let wait = format!("echo > '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", started.display(), go.display());
    scene.only_pre_hook(&wait);
    println!("\nmemory of keeper and worker while a hook runs (PSS)");
    for (name, state) in [("no journal", nowhere.to_owned()), ("with its journal", scene.path("state"))] {
        let _ = fs::remove_file(&started);
        let _ = fs::remove_file(&go);
        let mut run = scene.backup().env("STATE_DIR", state).spawn().expect("can be started");
        while !started.exists() {
            std::thread::yield_now();
        }
        let kibibytes = pss(run.id()) + pss(child_of(run.id()));
        println!("  {name:32} {:6.2} MiB", kibibytes as f64 / 1024.0);
        fs::write(&go, "").expect("can be written");
        let _ = run.wait();
    }
}
