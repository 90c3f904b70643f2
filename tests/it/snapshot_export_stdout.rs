//! `snapshot-export --output -`: standard output holds the archive, and nothing else.

use crate::snapshot_export::noise;
use crate::support::{BOATHOOK, Sandbox};
use crate::terminal::AtTerminal;
use crate::trees::{assert_same, files, tree};
use std::fs;

fn with_snapshot(sandbox: &Sandbox) {
    fs::write(sandbox.path("data/noise"), noise(3_000_000)).expect("can be written");
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", &data]).ends_with(0);
}

/// As `docker exec c snapshot-export --output - | tar xz`.
#[test]
fn a_pipe_gets_the_archive_alone_and_lines_go_to_standard_error() {
    for sandbox in Sandbox::with_each_repository() {
        with_snapshot(&sandbox);
        sandbox.hook("pre-snapshot-export.sh", "echo before");
        sandbox.hook("post-snapshot-export.sh", "echo after; echo $RUN_TARGET > $T/notes");
        fs::create_dir(sandbox.path("out")).expect("can be made");
        let script = format!(
            "set -o pipefail; '{BOATHOOK}' snapshot-export --verbose --output - | tar xz -C '{}'",
            sandbox.path("out").display()
        );
        let finished = sandbox.run_program("bash", &["-c", &script]).ends_with(0);
        let inside = sandbox.path("data").strip_prefix("/").expect("is absolute").to_owned();
        assert_same(&tree(&sandbox.path("data")), &tree(&sandbox.path("out").join(inside)));
        for part in ["📦 Starting", "before", "after", "/one.txt", "✅ Snapshot archive created: -", "🏁 Finished"]
        {
            assert!(finished.stderr.contains(part), "{part}: {}", finished.stderr);
        }
        let summary = sandbox.summary("snapshot-export");
        assert_eq!((&summary["archive"], sandbox.notes().as_str()), (&"-".into(), "-\n"));
        assert!(summary["archive_sha256"].as_str().is_some_and(|hash| hash.len() == 64), "{summary}");
        assert_eq!(files(&sandbox.path("restore")), [""; 0]);
    }
}

#[test]
fn every_form_and_the_bare_tar_can_be_had() {
    let sandbox = Sandbox::with_repository();
    with_snapshot(&sandbox);
    for (form, read) in [("tar.gz", "gzip -dc"), ("tar.zst", "zstd -dc"), ("tar", "cat")] {
        let script = format!(
            "set -o pipefail; '{BOATHOOK}' snapshot-export --format {form} --output - | {read} | tar t | wc -l"
        );
        let finished = sandbox.run_program("bash", &["-c", &script]).ends_with(0);
        let count = sandbox.path("data").ancestors().count() - 1 + 2;
        assert_eq!(finished.stdout.trim(), count.to_string(), "{form}");
    }
}

#[test]
fn a_reader_that_goes_away_is_told_without_a_panic() {
    let sandbox = Sandbox::with_repository();
    with_snapshot(&sandbox);
    let code = sandbox.path("code").display().to_string();
    let script =
        format!("{{ '{BOATHOOK}' snapshot-export --output -; echo $? > '{code}'; }} | head -c 1000 > /dev/null");
    let finished = sandbox.run_program("bash", &["-c", &script]);
    assert!(finished.stderr.contains("❌ nobody reads standard output any more"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(sandbox.path("code")).expect("was written"), "1\n");
    assert_eq!(sandbox.summary("snapshot-export")["exit_code"], 1);
    sandbox.expect_no_process();
    assert_eq!(sandbox.repository_locks(), 0);
}

#[test]
fn a_terminal_gets_no_archive() {
    let sandbox = Sandbox::with_stand_in_engine();
    let person = AtTerminal::start(&sandbox, &["snapshot-export", "--output", "-"]);
    let (code, shown) = person.ends();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("standard output is a terminal"), "{shown}");
    assert_eq!(sandbox.engine_log(), "");
}

/// What goes to a closed descriptor is lost: it is refused. Who wants nothing of it says so.
#[test]
fn a_closed_standard_output_gets_no_archive() {
    let sandbox = Sandbox::with_repository();
    with_snapshot(&sandbox);
    let export =
        |to: &str| sandbox.run_program("sh", &["-c", &format!("'{BOATHOOK}' snapshot-export --output - {to}")]);
    let out = export(">&-").ends_with(2);
    assert!(out.stderr.contains("standard output is closed"), "{}", out.stderr);
    assert_eq!(files(&sandbox.path("log")), [""; 0]);
    export(">/dev/null").ends_with(0);
}
