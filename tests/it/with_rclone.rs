//! A sandbox with a job file and the real rclone behind a script that notes every call.

use crate::support::{Sandbox, write_executable};
use std::fs;
use std::path::PathBuf;

/// The installed rclone.
pub fn real() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("rclone")).find(|path| path.is_file());
    found.expect("rclone is installed (tests/install.sh test)")
}

/// Folders `a` and `b`, and this job file; `$T` in it is the sandbox's folder.
pub fn sandbox(jobs: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    for folder in ["a", "b"] {
        fs::create_dir(sandbox.path(folder)).expect("can be made");
    }
    write_jobs(&sandbox, jobs);
    fs::write(sandbox.path("config/rclone.conf"), "").expect("can be written");
    let config = sandbox.path("config/rclone.conf").display().to_string();
    sandbox.set("RCLONE_CONFIG", config);
    before_rclone(&sandbox, "");
    sandbox
}

/// Writes the job file.
pub fn write_jobs(sandbox: &Sandbox, jobs: &str) {
    let text = jobs.replace("$T", sandbox.path("").display().to_string().trim_end_matches('/'));
    fs::write(sandbox.path("config/replicate_jobs.txt"), text).expect("can be written");
}

/// Puts shell commands between the note of a call and the real rclone.
pub fn before_rclone(sandbox: &Sandbox, commands: &str) {
    let folder = sandbox.path("").display().to_string();
    let text = format!(
        "#!/bin/sh\nT={}\necho \"$@\" >> $T/calls\n{commands}\nexec {} \"$@\"\n",
        folder.trim_end_matches('/'),
        real().display()
    );
    write_executable(&sandbox.path("bin/rclone"), &text);
}

/// The words of every call of rclone so far, with `$T` for the sandbox's folder; the notes are taken away.
pub fn calls(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.path("calls")).unwrap_or_default();
    let _ = fs::remove_file(sandbox.path("calls"));
    let folder = sandbox.path("").display().to_string();
    text.lines().map(|line| line.replace(folder.trim_end_matches('/'), "$T")).collect()
}

/// Writes a file.
pub fn write(sandbox: &Sandbox, part: &str, text: &str) {
    let path = sandbox.path(part);
    fs::create_dir_all(path.parent().expect("is in a folder")).expect("can be made");
    fs::write(path, text).expect("can be written");
}

/// A file's text; empty if it is not there.
pub fn read(sandbox: &Sandbox, part: &str) -> String {
    fs::read_to_string(sandbox.path(part)).unwrap_or_default()
}
