//! How large the program is, and the image that is made of it, layer by layer.

use std::path::Path;
use std::process::{Command, Stdio};

const TAG: &str = "boathook:bench";
const MEBIBYTE: f64 = 1_048_576.0;
/// A layer below this is a few lines of configuration.
const SMALL: f64 = 0.1;

/// Prints the sizes; without a container engine those of the image are skipped by name.
pub fn report() {
    println!("\nsizes");
    let binary = Path::new(env!("CARGO_BIN_EXE_boathook"));
    let size = std::fs::metadata(binary).map_or(0.0, |facts| facts.len() as f64);
    println!("  {:9.1} MiB  the program", size / MEBIBYTE);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(within) = binary.strip_prefix(root) else {
        println!("skipped: the image by its layers (the program was built outside the project's folder)");
        return;
    };
    let argument = format!("BINARY={}", within.display());
    let mut build = Command::new("docker");
    build.current_dir(root).args(["build", "-q", "--target", "prebuilt", "--build-arg", &argument, "-t", TAG, "."]);
    if !build.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|end| end.success()) {
        println!("skipped: the image by its layers (no container engine, or it cannot build the image)");
        return;
    }
    let history = docker(&["history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", TAG]);
    let mut total = 0.0;
    let mut base = true;
    // The oldest layer is the last one.
    for (size, made_by) in history.lines().rev().filter_map(|line| line.split_once('\t')) {
        let size = size.parse().unwrap_or(0.0) / MEBIBYTE;
        total += size;
        if size >= SMALL {
            println!("  {size:9.1} MiB  {}", layer(base, made_by));
        }
        base = false;
    }
    println!("  {total:9.1} MiB  the image");
    docker(&["rmi", TAG]);
}

/// What a layer holds, by the instruction that made it.
fn layer(base: bool, made_by: &str) -> String {
    let known = [("rclone", "rclone"), ("restic", "restic and the other tools"), ("COPY", "the program")];
    let name = known.iter().find(|(word, _)| made_by.contains(word)).map(|(_, name)| *name);
    if base { "debian:trixie-slim" } else { name.unwrap_or(made_by) }.to_owned()
}

fn docker(words: &[&str]) -> String {
    let ended = Command::new("docker").args(words).stdin(Stdio::null()).output();
    ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default()
}
