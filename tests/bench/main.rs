//! What a run costs beside the engine and the scripts, side by side with what one would use instead.
//!
//! Every row is the median of several runs, taken in turns, so that what else the machine does meets all rows alike.
//! Wall time, and the CPU time of the whole tree (from `wait4`).

mod export;
mod hooks_file;
mod http_hooks;
mod image;
mod journal;
mod memory;
mod rest;
mod scene;
mod schedule;
mod sources;
mod status;
mod stopwatch;

use scene::Scene;
use std::process::Command;
use stopwatch::{Cost, Row, compare};

fn main() {
    // `cargo bench` and `cargo test` hand flags over that mean nothing here.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    println!(
        "\nEach row: median wall time and CPU time of one run; the last column is the difference to the first row."
    );
    with_engine("backup with two hooks, a stand-in engine that answers at once", &Scene::with_stand_in(), 40);
    match Scene::with_restic() {
        Some(scene) => with_engine("backup with two hooks, real restic", &scene, 15),
        None => println!("\nskipped: real restic (not installed)"),
    }
    small_commands(&Scene::with_stand_in());
    status::report(&Scene::with_stand_in());
    flood(&Scene::with_stand_in());
    memory::report(&Scene::with_stand_in());
    journal::report(&Scene::with_stand_in());
    rest::report(&Scene::with_stand_in());
    http_hooks::report(&Scene::with_stand_in());
    if let Some(scene) = Scene::with_restic() {
        export::report(&scene);
    }
    hooks_file::report(&Scene::with_stand_in());
    schedule::report();
    sources::report(&Scene::with_stand_in());
    image::report();
}

fn with_engine(title: &str, scene: &Scene, times: usize) {
    let bare = || scene.bare();
    let rows = [
        Row::new("engine and scripts, run bare", Box::new(bare)),
        Row::new("boathook backup", Box::new(|| scene.boathook(&["backup"]))),
        Row::new("boathook locked_run ... backup", Box::new(|| scene.locked_backup())),
        Row::new("flock -n sh -c 'timeout ...'", Box::new(|| scene.pipeline())),
    ];
    compare(title, &rows, times);
}

fn small_commands(scene: &Scene) {
    let held = scene.hold_lock();
    let lock = scene.path("held.lock").display().to_string();
    let rows = [
        Row::new("true", Box::new(|| Cost::of(&mut Command::new("true")))),
        Row::new("flock -n, held (skips)", Box::new(|| Cost::of(Command::new("flock").args(["-n", &lock, "true"])))),
        Row::new("locked_run, held (skips)", Box::new(|| scene.boathook(&["locked_run", "job", &lock, "true"]))),
        Row::new("hooks list backup", Box::new(|| scene.boathook(&["hooks", "list", "backup"]))),
        Row::new("hooks list", Box::new(|| scene.boathook(&["hooks", "list"]))),
        Row::new("config-check", Box::new(|| scene.boathook(&["config-check"]))),
        Row::new("doctor --no-probe", Box::new(|| scene.boathook(&["doctor", "--no-probe"]))),
    ];
    compare("small commands", &rows, 40);
    drop(held);
}

fn flood(scene: &Scene) {
    scene.hook("flood.sh", "head -c 1073741824 /dev/zero");
    let script = scene.path("flood.sh").display().to_string();
    let file = scene.path("flood.out").display().to_string();
    let to_file = format!("'{script}' > '{file}'");
    let piped = format!("'{script}' | cat > /dev/null");
    scene.only_pre_hook("head -c 1073741824 /dev/zero");
    let rows = [
        Row::new("the script > file", Box::new(|| Cost::of(Command::new("sh").args(["-c", &to_file])))),
        Row::new("the script | cat > /dev/null", Box::new(|| Cost::of(Command::new("sh").args(["-c", &piped])))),
        Row::new("as a hook of boathook backup", Box::new(|| scene.boathook(&["backup"]))),
    ];
    compare("a hook that prints 1 GiB", &rows, 5);
}
