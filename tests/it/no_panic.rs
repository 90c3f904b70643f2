//! Whatever the environment, the words and the hooks folder are: an answer, never a panic, never an endless wait.

use crate::support::{BOATHOOK, code_of};
use boathook::hooks;
use boathook::settings::table::VARIABLES;
use boathook::workers;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What an entry of a hooks folder can be.
#[derive(Debug, Clone)]
enum Kind {
    File(Vec<u8>, u32),
    Folder,
    Fifo,
    Link(Vec<u8>),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"pre-",
        b"post-",
        b"PRE_",
        b"pre.",
        b"backup",
        b"bakcup",
        b"all",
        b"restore-test",
        b"doctor",
        b".",
        b".sh",
        b".SH",
        b".10",
        b".old",
        b".py",
        b".txt",
        b"~",
        b" ",
        b"\n",
        b"\x1b[2J",
        b"\xff\xfe",
        "ä名".as_bytes(),
        b"-",
    ];
    let piece = prop_oneof![6 => select(pieces).prop_map(<[u8]>::to_vec), 1 => vec(1u8.., 1..4)];
    vec(piece, 1..6).prop_map(|pieces| pieces.concat().into_iter().filter(|byte| *byte != b'/').take(200).collect())
}

fn kind() -> impl Strategy<Value = Kind> {
    let beginnings: Vec<&[u8]> = vec![
        b"",
        b"#!",
        b"#!\n",
        b"#! \n",
        b"#!/bin/sh\n",
        b"#!/bin/sh\r\n",
        b"#!/none -x\n",
        b"#!/usr/bin/env\n",
        b"#!/usr/bin/env -S a b\n",
        b"#!/usr/bin/env none\n",
        b"\xef\xbb\xbf#!/bin/sh\n",
        b"\x7fELF",
        b"#!/bin/\xff\n",
        b"#!\0\0\n",
        b"echo\n",
    ];
    let content = (select(beginnings), vec(any::<u8>(), 0..600)).prop_map(|(head, tail)| [head, &tail].concat());
    prop_oneof![
        4 => (content, select(vec![0o755, 0o644, 0o000, 0o777, 0o111, 0o4755])).prop_map(|(bytes, mode)| Kind::File(bytes, mode)),
        1 => Just(Kind::Folder),
        1 => Just(Kind::Fifo),
        2 => select(vec![&b"none"[..], b".", b"..", b"..data/x", b"/dev/zero", b"/proc/self/mem", b"/bin/sh", b"\xff"])
            .prop_map(|to| Kind::Link(to.to_vec())),
        1 => name().prop_map(Kind::Link),
    ]
}

/// Makes the folder; gives how many entries it has whose names do not begin with a dot.
fn make(folder: &Path, entries: &[(Vec<u8>, Kind)]) -> usize {
    let mut count = 0;
    for (name, kind) in entries {
        let path = folder.join(OsStr::from_bytes(name));
        if name.is_empty() || matches!(name.as_slice(), b"." | b"..") || path.symlink_metadata().is_ok() {
            continue;
        }
        match kind {
            Kind::File(bytes, mode) => {
                fs::write(&path, bytes).expect("is a name");
                fs::set_permissions(&path, Permissions::from_mode(*mode)).expect("is ours");
            }
            Kind::Folder => fs::create_dir(&path).expect("is a name"),
            Kind::Fifo => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("is a name"),
            Kind::Link(to) if to.is_empty() => continue,
            Kind::Link(to) => symlink(OsStr::from_bytes(to), &path).expect("is a name"),
        }
        count += usize::from(!name.starts_with(b"."));
    }
    count
}

/// A name of ours, nearly one of ours, or any.
fn variable() -> impl Strategy<Value = OsString> {
    let ours: Vec<&'static str> = VARIABLES.iter().map(|variable| variable.name).collect();
    let near = (select(ours.clone()), 0_usize..12, select(vec!["", "S", "_", "X"])).prop_map(|(name, place, piece)| {
        format!("{}{piece}{}", &name[..place.min(name.len())], &name[place.min(name.len())..])
    });
    let any = vec(prop::char::any(), 1..12)
        .prop_map(|letters| letters.into_iter().filter(|c| !matches!(c, '=' | '\0')).collect::<String>());
    prop_oneof![
        8 => select(ours).prop_map(OsString::from),
        2 => near.prop_map(OsString::from),
        1 => any.prop_map(OsString::from),
    ]
}

fn value() -> impl Strategy<Value = OsString> {
    let known = vec![
        "",
        " ",
        "0",
        "-1",
        "1",
        "75,76",
        "ON",
        "off",
        "5m",
        "1h30m",
        "99999999999999999999h",
        "0.0000001s",
        "NaN",
        "'",
        "\"a b",
        "\\",
        "--exclude 'a b' \\\n x",
        "* * * * *",
        "0 24 * * 8",
        "@daily",
        "a\nb\r\u{1b}[2J",
        "/dev/zero",
        "/dev/null",
        "/proc/self",
        "/",
        "~",
        "$HOME",
        "rest:https://u:p@h/",
        "rclone:",
        "sftp:a@b:/c",
        "https://u:p@h:99999/x?t=1#f",
        "smtp://",
        "Bearer x",
        "a@b.example",
        "UTC",
        "Mars/Phobos",
        "Fail",
        "🦀",
        "{{ .X }}",
        "%s%n",
    ];
    prop_oneof![
        6 => select(known).prop_map(OsString::from),
        2 => ".{0,40}".prop_map(|text: String| OsString::from(text.replace('\0', ""))),
        1 => vec(1u8.., 0..40).prop_map(OsString::from_vec),
        1 => (1_usize..70_000).prop_map(|length| OsString::from("x'".repeat(length / 2))),
    ]
}

fn words() -> impl Strategy<Value = Vec<OsString>> {
    let commands: Vec<&[&str]> = vec![&["config-check"], &["hooks", "list"], &["hooks", "check"]];
    let word = prop_oneof![
        2 => select(vec!["--json", "-j", "backup", "restore-test", "--", "-", "--help", "--no-such", "--json=x", "-jj", ""]).prop_map(OsString::from),
        1 => vec(1u8.., 0..12).prop_map(OsString::from_vec),
    ];
    (select(commands), vec(word, 0..3))
        .prop_map(|(command, more)| command.iter().map(OsString::from).chain(more).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_environment_and_no_words_make_it_panic(
        environment in vec((variable(), value()), 0..12),
        words in words(),
        entries in vec((name(), kind()), 0..6),
        has_folder in any::<bool>(),
    ) {
        let folder = TempDir::new().expect("a temporary folder");
        make(folder.path(), &entries);
        let mut command = Command::new(BOATHOOK);
        command.args(&words).env_clear().stdin(Stdio::null());
        command.envs(environment.iter().filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name, value)));
        if has_folder {
            command.env("HOOKS_DIR", folder.path());
        }
        let ended = command.output().expect("can be started");
        let text = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        prop_assert!(!text.contains("panicked"), "{words:?}: {text}");
        prop_assert!(matches!(code_of(ended.status), 0..=2), "{words:?} ended with {:?}: {text}", ended.status);
        let asks_for_json = words.len() == 2 && words[0] == "config-check" && (words[1] == "--json" || words[1] == "-j");
        if asks_for_json {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&ended.stdout).is_ok(), "no document: {text}");
        }
    }

    #[test]
    fn every_entry_of_a_hooks_folder_is_told_once_whatever_it_is(entries in vec((name(), kind()), 0..12), strict in any::<bool>()) {
        let folder = TempDir::new().expect("a temporary folder");
        let count = make(folder.path(), &entries);
        let found = hooks::discover(folder.path(), &workers::names(), strict, "/usr/bin:/bin");
        prop_assert_eq!(found.scripts.len() + found.strangers.len(), count);
        for script in &found.scripts {
            let is_file = script.path.is_file();
            prop_assert!(is_file || script.problem.is_some(), "{:?} is no file and could run", script.path);
        }
        // The text for people, too, tells of each.
        let (text, wrong) = hooks::listing::check(&found, &hooks::Declarations::default(), &[], folder.path());
        prop_assert!(wrong || found.scripts.iter().all(|script| script.problem.is_none()), "{text}");
    }
}
