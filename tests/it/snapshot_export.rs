//! `snapshot-export`, through the real binary on real repositories: what is in the archive.

use crate::support::Sandbox;
use crate::trees::{assert_same, files, tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// Names of every sort, with all that restic keeps of them.
fn fill(data: &Path) {
    let deep = data.join("l".repeat(200)).join("m".repeat(200));
    fs::create_dir_all(&deep).expect("can be made");
    fs::create_dir_all(data.join("docs/empty")).expect("can be made");
    fs::write(deep.join("far"), "far\n").expect("can be written");
    fs::write(data.join("docs/bytes"), noise(1_300_000)).expect("can be written");
    fs::write(data.join("docs/text.txt"), "word \n".repeat(200_000)).expect("can be written");
    fs::hard_link(data.join("docs/text.txt"), data.join("docs/hard")).expect("can be linked");
    fs::write(data.join("new\nline"), "n\n").expect("can be written");
    fs::write(data.join("-dash – 名前"), "d\n").expect("can be written");
    fs::write(data.join(OsStr::from_bytes(b"not\xff utf-8")), "u\n").expect("can be written");
    fs::write(data.join("empty"), "").expect("can be written");
    symlink("docs/text.txt", data.join("link")).expect("can be linked");
    symlink(format!("{}/nowhere", "x".repeat(180)), data.join("dangling")).expect("can be linked");
    for (name, mode) in [("docs/bytes", 0o4750), ("docs/empty", 0o1777), ("docs", 0o750)] {
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(mode)).expect("is ours");
    }
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::lchown(data.join("empty"), Some(1234), Some(2_345_678)).expect("is allowed");
    }
    for (name, seconds) in [("docs/bytes", 1_000_000_000), ("docs", 1_111_111_111), ("empty", 5)] {
        let file = fs::File::open(data.join(name)).expect("is there");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).expect("is ours");
    }
}

/// As many bytes that nothing compresses.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// The facts of every entry beside what [`tree`] holds.
fn facts(folder: &Path) -> BTreeMap<PathBuf, (u32, u32, i64)> {
    let facts = |path: &PathBuf| {
        let found = fs::symlink_metadata(folder.join(path)).expect("is there");
        // Go rounds to the nearest second.
        let seconds = found.mtime() + i64::from(found.mtime_nsec() >= 500_000_000);
        (found.uid(), found.gid(), seconds)
    };
    tree(folder).into_keys().map(|path| (path.clone(), facts(&path))).collect()
}

/// The tar in an archive.
pub fn tar_of(archive: &Path) -> Vec<u8> {
    let file = fs::File::open(archive).expect("is there");
    let mut tar = Vec::new();
    let name = archive.to_string_lossy();
    let read = match name {
        name if name.ends_with("gz") => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut tar),
        name if name.ends_with("zst") => zstd::stream::read::Decoder::new(file).expect("is made").read_to_end(&mut tar),
        _ => { file }.read_to_end(&mut tar),
    };
    read.expect("is whole");
    tar
}

/// The names of all members, in their order.
pub fn members(archive: &Path) -> Vec<String> {
    let tar = tar_of(archive);
    let mut archive = tar::Archive::new(&*tar);
    let entries = archive.entries().expect("is a tar");
    entries.map(|entry| String::from_utf8_lossy(&entry.expect("is whole").path_bytes()).into_owned()).collect()
}

/// What GNU tar makes of an archive.
fn unpacked(sandbox: &Sandbox, archive: &Path, to: &str) -> PathBuf {
    let folder = sandbox.path(to);
    fs::create_dir(&folder).expect("can be made");
    let tar = sandbox.path(format!("{to}.tar"));
    fs::write(&tar, tar_of(archive)).expect("can be written");
    let (tar, into) = (tar.display().to_string(), folder.display().to_string());
    sandbox.run_program("tar", &["--xattrs", "--xattrs-include=*", "-xpf", &tar, "-C", &into]).ends_with(0);
    folder
}

/// The source within what was unpacked.
fn source_in(sandbox: &Sandbox, folder: &Path) -> PathBuf {
    folder.join(sandbox.path("data").strip_prefix("/").expect("is absolute"))
}

/// The path of a part of the source as it stands in an archive.
fn member(sandbox: &Sandbox, part: &str) -> String {
    format!(".{}", sandbox.path("data").join(part).display())
}

fn back_up(sandbox: &Sandbox) {
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", &data]).ends_with(0);
}

/// A repository of each restic at hand with one snapshot of files of every sort.
fn filled() -> Vec<Sandbox> {
    let sandboxes = Sandbox::with_each_repository();
    for sandbox in &sandboxes {
        fill(&sandbox.path("data"));
        back_up(sandbox);
    }
    sandboxes
}

/// Exports, and gives the path of the archive.
#[track_caller]
fn export(sandbox: &Sandbox, name: &str, words: &[&str]) -> PathBuf {
    let archive = sandbox.path(name);
    let output = archive.display().to_string();
    sandbox.run(&[&["snapshot-export", "--output", &output], words].concat()).ends_with(0);
    archive
}

/// Contract: operator commands, section 4; weakness 26. What comes out is what went in.
#[test]
fn the_archive_holds_the_source_in_every_form() {
    for sandbox in filled() {
        let data = sandbox.path("data");
        let (before, facts_before) = (tree(&data), facts(&data));
        for form in ["tar.gz", "tar.zst", "tar"] {
            let archive = export(&sandbox, &format!("out/all.{form}"), &["--verify"]);
            let names = members(&archive);
            assert!(names.iter().all(|name| name.starts_with("./")), "{names:?}");
            let folder = unpacked(&sandbox, &archive, &format!("unpacked-{form}"));
            assert_same(&before, &tree(&source_in(&sandbox, &folder)));
            if nix::unistd::geteuid().is_root() {
                assert_eq!(facts(&source_in(&sandbox, &folder)), facts_before, "{form}");
            }
            let summary = sandbox.summary("snapshot-export");
            assert_eq!(summary["files_restored"], names.len().to_string());
            assert_eq!(summary["stats"]["members"], names.len());
            assert_eq!(summary["archive_size_bytes"], fs::metadata(&archive).expect("is there").len().to_string());
        }
        sandbox.run_program("chmod", &["-R", "u+w", &sandbox.path("").display().to_string()]);
    }
}

/// Weakness 26: extended attributes are passed on as restic delivers them.
#[test]
fn extended_attributes_are_kept() {
    for sandbox in Sandbox::with_each_repository() {
        let file = sandbox.path("data/one.txt");
        if !set_attribute(&file) {
            println!("skipped: extended attributes (the file system has none)");
            return;
        }
        back_up(&sandbox);
        let archive = export(&sandbox, "all.tar.gz", &[]);
        let tar = tar_of(&archive);
        let dumped = sandbox.command("restic", &["dump", "latest", "/"]).output().expect("is there").stdout;
        let record = b"SCHILY.xattr.user.note=y\n";
        let holds = |bytes: &[u8]| bytes.windows(record.len()).any(|window| window == record);
        assert_eq!(holds(&tar), holds(&dumped));
        assert!(holds(&tar), "restic delivers none");
    }
}

fn set_attribute(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("holds no NUL");
    // SAFETY: two strings that end with NUL, and a value with its length.
    unsafe { libc::setxattr(path.as_ptr(), c"user.note".as_ptr(), c"y".as_ptr().cast(), 1, 0) == 0 }
}

/// Whatever reads gzip reads all of it, also where it is made of several members.
#[test]
fn every_reader_reads_all_of_it() {
    let sandbox = Sandbox::with_repository();
    fs::write(sandbox.path("data/noise"), noise(3_000_000)).expect("can be written");
    back_up(&sandbox);
    let archive = export(&sandbox, "all.tar.gz", &[]).display().to_string();
    sandbox.run_program("gzip", &["-t", &archive]).ends_with(0);
    let listed = sandbox.run_program("tar", &["tzf", &archive]).ends_with(0).stdout;
    assert_eq!(listed.lines().collect::<Vec<_>>(), members(Path::new(&archive)));
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: Python's gzip (python3 is not installed)");
        return;
    }
    let script = "import gzip, sys, tarfile\n\
                  print(len(gzip.open(sys.argv[1]).read()), len(tarfile.open(sys.argv[1]).getnames()))";
    let python = sandbox.run_program("python3", &["-c", script, &archive]).ends_with(0).stdout;
    assert_eq!(python.trim(), format!("{} {}", tar_of(Path::new(&archive)).len(), listed.lines().count()));
}

/// `--include` and `--exclude` are restic's patterns; parents come along as a restore would make them.
#[test]
fn a_part_is_exported_with_its_parents() {
    for sandbox in filled() {
        let data = sandbox.path("data");
        let docs = data.join("docs").display().to_string();
        let text = data.join("docs/text.txt").display().to_string();
        let all = members(&export(&sandbox, "all.tar", &[]));
        let parents: Vec<String> =
            all.iter().take_while(|name| **name != member(&sandbox, "-dash – 名前")).cloned().collect();
        assert_eq!(parents.last(), Some(&member(&sandbox, "")), "{all:?}");
        let below = |names: &[&str]| {
            parents.iter().cloned().chain(names.iter().map(|name| member(&sandbox, name))).collect::<Vec<_>>()
        };
        let cases: [(&[&str], Vec<String>); 7] = [
            (&["--include", &docs], below(&["docs/", "docs/bytes", "docs/empty/", "docs/hard", "docs/text.txt"])),
            (&["--include", "*.txt"], below(&["docs/", "docs/text.txt", "one.txt"])),
            (&["--include", &text, "--include", ""], below(&["docs/", "docs/text.txt"])),
            (&["--include", &docs, "--exclude", "*.txt"], below(&["docs/", "docs/bytes", "docs/empty/", "docs/hard"])),
            (
                &["--include", "docs", "--exclude", "/nothing", "--exclude", "empty", "--exclude=bytes"],
                below(&["docs/", "docs/hard", "docs/text.txt"]),
            ),
            (
                &["--include", &format!("{docs}/bytes"), "--include", &text],
                below(&["docs/", "docs/bytes", "docs/text.txt"]),
            ),
            (
                &["--exclude", &format!("{}/[dln]*", data.display()), "--exclude", &format!("{}/-*", data.display())],
                below(&["empty", "one.txt"]),
            ),
        ];
        for (number, (words, names)) in cases.into_iter().enumerate() {
            let archive = export(&sandbox, &format!("{number}.tar.gz"), words);
            assert_eq!(members(&archive), names, "{words:?}");
            let summary = sandbox.summary("snapshot-export");
            assert_eq!(summary["files_restored"], names.len().to_string());
            // A dry run says the same, and writes nothing.
            let other = sandbox.path("dry/x.tar.gz").display().to_string();
            let out =
                sandbox.run(&[&["snapshot-export", "--dry-run", "--output", &other], words].concat()).ends_with(0);
            let dry = sandbox.summary("snapshot-export");
            assert_eq!(
                (&dry["files_restored"], &dry["bytes_restored"]),
                (&summary["files_restored"], &summary["bytes_restored"])
            );
            assert!(out.stdout.contains("✅ Dry-run completed; no archive created.\n"), "{}", out.stdout);
            assert!(!sandbox.path("dry").exists());
        }
        // Folders above what alone was dumped have the facts that they have in the whole.
        let facts_of = |archive: &str| {
            let tar = tar_of(&sandbox.path(archive));
            let mut archive = tar::Archive::new(&*tar);
            let entries = archive.entries().expect("is a tar").map(|entry| entry.expect("is whole"));
            let header = |entry: &tar::Entry<'_, &[u8]>| {
                let header = entry.header();
                (header.mode().ok(), header.uid().ok(), header.gid().ok(), header.mtime().ok())
            };
            entries.map(|entry| (entry.path_bytes().into_owned(), header(&entry))).collect::<BTreeMap<_, _>>()
        };
        let (whole, part) = (facts_of("all.tar"), facts_of("0.tar.gz"));
        assert!(part.iter().all(|(name, facts)| whole.get(name) == Some(facts)), "{part:?} of {whole:?}");
        sandbox.run_program("chmod", &["-R", "u+w", &sandbox.path("").display().to_string()]);
    }
}

/// `ID:folder` is that folder, with names from there, for every restic.
#[test]
fn an_id_may_name_a_folder() {
    for sandbox in filled() {
        let docs = sandbox.path("data/docs").display().to_string();
        let archive = export(&sandbox, "docs.tar.gz", &["--id", &format!("latest:{docs}/")]);
        assert_eq!(members(&archive), ["./bytes", "./empty/", "./hard", "./text.txt"]);
        let archive = export(&sandbox, "text.tar.gz", &["--id", &format!("latest:{docs}"), "--include", "/text.txt"]);
        assert_eq!(members(&archive), ["./text.txt"]);
        for folder in ["/nowhere", &format!("{docs}/bytes")] {
            let id = format!("latest:{folder}");
            let out = sandbox.run(&["snapshot-export", "--id", &id]).ends_with(1).all();
            assert!(out.contains(&format!("has no folder '{folder}'")), "{out}");
        }
        assert_eq!(files(&sandbox.path("restore")), [""; 0]);
    }
}

/// restic dumps a pipe at the top of what it dumps as an empty file: it is left out, as one further down is.
#[test]
fn what_is_no_file_does_not_become_one() {
    for sandbox in Sandbox::with_each_repository() {
        sandbox.run_program("mkfifo", &[&sandbox.path("data/pipe").display().to_string()]).ends_with(0);
        back_up(&sandbox);
        let data = sandbox.path("data").display().to_string();
        let archive = export(&sandbox, "part.tar.gz", &["--id", &format!("latest:{data}")]);
        assert_eq!(members(&archive), ["./one.txt"]);
        // Named by an include, it is nothing that could be exported.
        let pipe = sandbox.path("data/pipe").display().to_string();
        for more in [&[][..], &["--dry-run"]] {
            let out = sandbox.run(&[&["snapshot-export", "--include", &pipe], more].concat()).ends_with(3).all();
            assert_eq!(out.matches("1 pipe, device or socket is left out").count(), 1, "{out}");
        }
        // The top of what is dumped may be the root as well.
        let (program, base) = ("sh", sandbox.path("data").display().to_string());
        let script = format!("cd '{base}' && restic backup -q --host test-host --tag automated .");
        sandbox.run_program(program, &["-c", &script]).ends_with(0);
        for (number, words) in [&[][..], &["--exclude", "*.no"], &["--include", "*e*"]].iter().enumerate() {
            let archive = sandbox.path(format!("root-{number}.tar"));
            let output = archive.display().to_string();
            let out = sandbox.run(&[&["snapshot-export", "--output", &output], *words].concat()).ends_with(0).all();
            assert_eq!(members(&archive), ["./one.txt"], "{words:?}");
            assert_eq!(out.matches("1 pipe, device or socket is left out").count(), 1, "{out}");
        }
    }
}

/// `RESTIC_TAG` counts as well if a pre hook hands it on, and gives way to the flag.
#[test]
fn a_tag_that_a_hook_hands_on_counts() {
    let sandbox = Sandbox::with_repository();
    back_up(&sandbox);
    let data = sandbox.path("data").display().to_string();
    fs::write(sandbox.path("data/two.txt"), "two").expect("can be written");
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "other", &data]).ends_with(0);
    sandbox.hook("pre-snapshot-export.sh", "echo RESTIC_TAG=other >> \"$HOOK_OUTPUT\"");
    let holds_two = |archive: &Path| members(archive).contains(&member(&sandbox, "two.txt"));
    assert!(holds_two(&export(&sandbox, "handed.tar", &[])));
    assert!(!holds_two(&export(&sandbox, "flag.tar", &["--tag", "automated"])));
}

/// An archive holds what only some may read: so nobody else may read it, nor its sum.
#[test]
fn an_archive_is_its_owners_alone() {
    let sandbox = Sandbox::with_repository();
    back_up(&sandbox);
    export(&sandbox, "out/a.tar.gz", &[]);
    export(&sandbox, "out/a.tar.gz", &["--force"]);
    for name in ["out/a.tar.gz", "out/a.tar.gz.sha256"] {
        assert_eq!(fs::metadata(sandbox.path(name)).expect("is there").mode() & 0o7777, 0o600, "{name}");
    }
}

/// Folders above what alone is dumped keep a time before 1970, as they do in the whole.
#[test]
fn a_folder_from_before_1970_keeps_its_time() {
    for sandbox in Sandbox::with_each_repository() {
        let data = sandbox.path("data").display().to_string();
        sandbox.run_program("touch", &["-d", "1955-11-05T06:00:00Z", &data]).ends_with(0);
        back_up(&sandbox);
        let archive = export(&sandbox, "part.tar", &["--include", &format!("{data}/one.txt")]);
        let folder = unpacked(&sandbox, &archive, "unpacked");
        let at = fs::metadata(source_in(&sandbox, &folder)).expect("is there").mtime();
        assert_eq!(at, -446_752_800);
    }
}

/// Contract: operator commands, section 4: JSON extras in order, all strings; the block in the log; metrics.
#[test]
fn the_summary_and_the_log_are_those_of_the_contract() {
    for mut sandbox in Sandbox::with_each_repository() {
        back_up(&sandbox);
        let metrics = sandbox.path("metrics").display().to_string();
        sandbox.set("METRICS_DIR", metrics);
        sandbox.hook("post-snapshot-export.sh", "echo $1 $RUN_STATUS $RUN_TARGET $RUN_SNAPSHOT > $T/notes");
        let out = sandbox.run(&["snapshot-export", "--verbose"]).ends_with(0).stdout;
        let summary = sandbox.summary("snapshot-export");
        let keys: Vec<&str> = summary.as_object().expect("is an object").keys().map(String::as_str).collect();
        assert_eq!(
            keys[6..18],
            [
                "snapshot",
                "repository",
                "archive",
                "work_dir",
                "dry_run",
                "include_zero_match",
                "files_restored",
                "bytes_restored",
                "elapsed_human",
                "archive_size_bytes",
                "archive_sha256",
                "exit_code"
            ]
        );
        assert!(keys[6..17].iter().all(|key| summary[*key].is_string()), "{summary}");
        let text = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (text("snapshot"), text("dry_run"), text("include_zero_match")),
            ("latest".into(), "OFF".into(), "false".into())
        );
        assert_eq!(text("bytes_restored"), "4 B");
        let archive = text("archive");
        let folder = format!("{}/snapshot-export-latest-2", sandbox.path("restore").display());
        assert!(archive.starts_with(&folder) && archive.ends_with(".tar.gz"), "{archive}");
        for key in ["members", "bytes", "archive_bytes"] {
            assert!(summary["stats"][key].is_u64(), "{key}: {summary}");
        }
        assert!(summary["stats"]["ratio"].is_f64() && summary["stats"]["seconds"].is_number(), "{summary}");

        let id = sandbox.snapshots()[0]["id"].as_str().expect("is text").to_owned();
        assert_eq!(sandbox.notes(), format!("0 success {archive} {id}\n"));
        for line in [
            "📦 Starting snapshot export at 2",
            &format!("🗜️ Creating archive {archive}..."),
            &member(&sandbox, "one.txt"),
            &format!("✅ Snapshot archive created: {archive} ({} bytes)", text("archive_size_bytes")),
            "🏁 Finished snapshot export at 2",
        ] {
            assert!(out.lines().any(|found| found.starts_with(line)), "{line} is missing in\n{out}");
            assert!(sandbox.log("snapshot-export").lines().any(|found| found.starts_with(line)), "{line}");
        }
        assert!(out.lines().any(|line| line.starts_with("🏁") && line.ends_with("s (exit 0)")), "{out}");
        crate::support::assert_in_order(
            &sandbox.log("snapshot-export"),
            &[
                "📦 Starting",
                "RELEASE: ",
                "RESTIC_REPOSITORY: ",
                "SNAPSHOT: latest",
                "TAG_FILTER: automated",
                "HOST_FILTER: test-host",
                "INCLUDE_PATHS: ",
                "EXCLUDE_PATHS: ",
                "OUTPUT: ",
                "WORK_DIR: <auto>",
                "DRY_RUN: OFF",
                "VERIFY: OFF",
                "VERBOSE: ON",
            ],
        );
        let metrics = fs::read_to_string(sandbox.path("metrics/restic_snapshot_export.prom")).expect("is there");
        for gauge in ["files_restored", "archive_size_bytes"] {
            assert!(metrics.contains(&format!("restic_snapshot_export_last_{gauge}{{")), "{metrics}");
        }
    }
}

/// The sum beside the archive is that of the summary and of the file, and never an old one.
#[test]
fn the_sum_beside_the_archive_is_its_own() {
    let sandbox = Sandbox::with_repository();
    back_up(&sandbox);
    let archive = export(&sandbox, "out/a.tar.gz", &[]);
    let check = || {
        let sum = Command::new("sha256sum").args(["-c", "a.tar.gz.sha256"]).current_dir(sandbox.path("out")).output();
        let listed = fs::read_to_string(sandbox.path("out/a.tar.gz.sha256")).expect("is there");
        let summary: Value = sandbox.summary("snapshot-export");
        sum.expect("is there").status.success() && listed.split(' ').next() == summary["archive_sha256"].as_str()
    };
    assert!(check());
    let first = fs::read(&archive).expect("is there");
    fs::write(sandbox.path("data/two.txt"), "two").expect("can be written");
    back_up(&sandbox);

    // Without --force nothing of it is touched.
    let output = archive.display().to_string();
    let out = sandbox.run(&["snapshot-export", "--output", &output]).ends_with(1).all();
    assert!(out.contains("is there already") && out.contains("--force"), "{out}");
    assert_eq!(fs::read(&archive).expect("is there"), first);
    assert_eq!(files(&sandbox.path("out")), ["a.tar.gz", "a.tar.gz.sha256"]);
    assert_eq!(sandbox.summary("snapshot-export")["archive"], output.as_str());

    export(&sandbox, "out/a.tar.gz", &["--force"]);
    assert!(check());
    assert_ne!(fs::read(&archive).expect("is there"), first);
    assert_eq!(files(&sandbox.path("out")), ["a.tar.gz", "a.tar.gz.sha256"]);
}
