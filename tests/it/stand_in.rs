//! restic in a certain version: the real one where it is there, else a script that speaks as that version does.

use crate::support::{Sandbox, write_executable};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What both scripts have in common: two snapshots, which hold `old.txt` and `new.txt`; every call in `engine.log`.
/// `ENGINE_WAITS` lets `restore` wait until it is interrupted; `ENGINE_SUMMARY` is what the newer one says at its end.
const ANSWERS: &str = r#"#!/bin/sh
# A stand-in for restic.
echo "$@" >> "$LOG_DIR/../engine.log"
case "$1" in
version) echo "restic $VERSION compiled with go1.24 on linux/amd64"; exit 0 ;;
snapshots)
    echo '[{"time":"2026-05-01T06:00:00Z","hostname":"test-host","tags":["automated"],"paths":["/srv"],"id":"aaaaaaaa00000000000000000000000000000000000000000000000000000000","short_id":"aaaaaaaa"},{"time":"2026-05-02T06:00:00Z","hostname":"test-host","tags":["automated"],"paths":["/srv"],"id":"bbbbbbbb00000000000000000000000000000000000000000000000000000000","short_id":"bbbbbbbb"}]'
    exit 0 ;;
restore) ;;
*) exit 0 ;;
esac
if [ -n "$ENGINE_WAITS" ]; then
    trap 'echo interrupted >> "$LOG_DIR/../engine.log"; exit 130' INT
    sleep 1000 & waiter=$!
    echo $$ > "$LOG_DIR/../started"
    wait "$waiter"
fi
case "$2" in aaaaaaaa*) file=old.txt ;; *) file=new.txt ;; esac
case "$*" in *--dry-run*) ;; *) mkdir -p "$4/srv" && echo "$file" > "$4/srv/$file" ;; esac
"#;

/// What restic says at the end of a restore since 0.16.
pub const SUMMARY: &str = r#"{"message_type":"summary","seconds_elapsed":65,"total_files":3,"files_restored":2,"total_bytes":2048,"bytes_restored":1536}"#;

/// A script that speaks as restic 0.18 does, with the summary of a restore in `ENGINE_SUMMARY`.
pub fn newer(sandbox: &mut Sandbox) {
    let script = ANSWERS.replace("$VERSION", "0.18.1");
    write_executable(&sandbox.path("bin/restic"), &format!("{script}echo \"$ENGINE_SUMMARY\"\n"));
    sandbox.set("ENGINE_SUMMARY", SUMMARY);
}

/// A script that speaks as restic 0.14 does: no summary of a restore, and no dry run.
pub fn older(sandbox: &Sandbox) {
    let script = ANSWERS.replace("$VERSION", "0.14.0");
    let restoring =
        "echo \"restoring <Snapshot $2 of [/srv] at 2026-05-01 06:00:00 +0000 UTC by root@test-host> to $4\"";
    write_executable(&sandbox.path("bin/restic"), &format!("{script}{restoring}\n"));
}

/// A real restic that knows `restore --dry-run` (0.17 or later): that which `BOATHOOK_TEST_RESTIC_NEW` names, or the
/// installed one.
pub fn real_newer() -> Option<PathBuf> {
    let named = std::env::var_os("BOATHOOK_TEST_RESTIC_NEW").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = named {
        assert!(is_newer(&path), "BOATHOOK_TEST_RESTIC_NEW={} is no restic of 0.17 or later", path.display());
        return Some(path);
    }
    let path = std::env::var_os("PATH")?;
    let installed = std::env::split_paths(&path).map(|folder| folder.join("restic")).find(|path| path.is_file())?;
    is_newer(&installed).then_some(installed)
}

fn is_newer(restic: &Path) -> bool {
    let Ok(said) = Command::new(restic).arg("version").output() else { return false };
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut numbers = said.split_whitespace().nth(1).unwrap_or_default().split('.').map(str::parse::<u32>);
    let version = (numbers.next().and_then(Result::ok), numbers.next().and_then(Result::ok));
    version >= (Some(0), Some(17))
}
