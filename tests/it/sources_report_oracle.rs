//! `sources-report` beside `restic backup --dry-run`, over random trees and random rules: the figures are the same
//! (issue: "a test compares them over 200 random trees and exclude sets"; contract: section 8).

use crate::support::Sandbox;
use boathook::settings::words::quote;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Names that meet the patterns below, and some that are hard to write.
const NAMES: &[&[u8]] = &[
    b"a",
    b"b",
    b"A",
    b"ab",
    b"x.o",
    b"X.O",
    b"keep.log",
    b"y.log",
    b"na me",
    b"[x]",
    "é".as_bytes(),
    "É".as_bytes(),
    b"\xff\xfe",
    b".nobackup",
    b"CACHEDIR.TAG",
    b"st*r",
    b"back\\slash",
    b"!no",
    b"#c",
    b"cache",
    b"$HOME",
];

/// Parts of patterns.
const PARTS: &[&str] = &[
    "a", "b", "A", "ab", "*.o", "*.log", "keep.log", "*", "?", "[ab]", "[^a]*", "**", "**", "na me", "\\[x\\]", "é",
    "É", "CACHE*", "c*e", "a*", "*b", "??", "[a-z]", ".no*", "st\\*r", "back*", "X.?", "..", ".", "*[.]*",
];

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Makes a tree; gives the folders in it.
fn grow(dice: &mut Dice, folder: &Path, depth: usize, folders: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) {
    fs::create_dir_all(folder).expect("can be made");
    folders.push(folder.to_owned());
    for _ in 0..dice.below(6) {
        let name = dice.pick(NAMES);
        let path = folder.join(OsStr::from_bytes(name));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match dice.below(12) {
            _ if name == b"CACHEDIR.TAG" => {
                let right: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n";
                let text = [right, b"Signature: 8a", b"", b"wrong, wrong, wrong, wrong, wrong, wrong, wrong"];
                fs::write(&path, dice.pick(&text)).expect("can be written");
                files.push(path);
            }
            0..4 if depth < 4 => grow(dice, &path, depth + 1, folders, files),
            4 => std::os::unix::fs::symlink(dice.pick(&["a", "..", "/etc/passwd", "nowhere"]), &path).expect("is new"),
            5 if !files.is_empty() => {
                let at = dice.below(files.len());
                fs::hard_link(&files[at], &path).expect("can be linked");
            }
            6 => {
                let file = fs::File::create(&path).expect("can be made");
                file.set_len(dice.below(100_000) as u64).expect("can be sparse");
                files.push(path);
            }
            7 if dice.one_in(2) => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("is new"),
            8 if dice.one_in(2) => drop(std::os::unix::net::UnixListener::bind(&path)),
            _ => {
                let length = if dice.one_in(3) { 0 } else { dice.below(3000) };
                fs::write(&path, vec![b'x'; length]).expect("can be written");
                files.push(path);
            }
        }
    }
}

/// A pattern as an operator might write it, or a mistake.
fn pattern(dice: &mut Dice, folders: &[PathBuf]) -> String {
    if dice.one_in(60) {
        return dice.pick(&["[", "a[", "[]", "x\\", "", "!", "/", "**", "/**", "[z-]"]).to_owned();
    }
    let mut text = String::new();
    if dice.one_in(6) {
        text.push('!');
    }
    match dice.below(6) {
        0 | 1 => {
            let at = dice.below(folders.len());
            if let Some(folder) = folders[at].to_str() {
                text.push_str(&folder.replace(['*', '?', '[', '\\'], "?"));
                text.push('/');
            }
        }
        2 => text.push('/'),
        _ => {}
    }
    let parts: Vec<&str> = (0..=dice.below(3)).map(|_| dice.pick(PARTS)).collect();
    text.push_str(&parts.join("/"));
    if dice.one_in(6) {
        text.push('/');
    }
    text
}

/// The words of a backup.
fn words(dice: &mut Dice, base: &Path, folders: &[PathBuf]) -> Vec<String> {
    let mut words = Vec::new();
    for number in 0..dice.below(5) {
        let case = dice.pick(&["", "", "i"]);
        let pattern_of = |dice: &mut Dice| pattern(dice, folders);
        match dice.below(5) {
            0 => words.extend([format!("--{case}exclude"), pattern_of(dice)]),
            1 => words.push(format!("-e{}", pattern_of(dice))),
            2 => words.push(format!("--{case}exclude={}", pattern_of(dice))),
            3 => words.extend(["-xe".to_owned(), pattern_of(dice)]),
            _ => {
                let file = base.join(format!("excludes{number}"));
                let lines: Vec<String> = (0..=dice.below(3)).map(|_| pattern_of(dice)).collect();
                let text = format!("# c\n\n  #y\n  {} \r\n$UNSET$$\n${{PATTERN}}", lines.join("\n"));
                fs::write(&file, text).expect("can be written");
                words.push(format!("--{case}exclude-file={}", file.display()));
            }
        }
    }
    let more: [&[&str]; 9] = [
        &["--exclude-caches"],
        &["--exclude-if-present", ".nobackup"],
        &["--exclude-if-present=x.o:xx"],
        &["--exclude-larger-than", "1k"],
        &["--exclude-larger-than=500"],
        &["-x"],
        &["--tag", "/etc"],
        &["-H", "host", "--time=2026-01-01 00:00:00"],
        &["--host=/usr", "-v"],
    ];
    for _ in 0..dice.below(3) {
        words.extend(dice.pick(&more).iter().map(|word| (*word).to_owned()));
    }
    let named = |dice: &mut Dice| {
        let at = dice.below(folders.len());
        folders[at].to_str().map(str::to_owned)
    };
    if dice.one_in(3) {
        let spelled = dice.pick(&["", "/", "/.", "/../a", "/x.o", "/missing"]);
        words.extend(named(dice).map(|folder| format!("{folder}{spelled}")));
    }
    if dice.one_in(4) {
        let file = base.join("list");
        let lines: Vec<String> =
            (0..2).filter_map(|_| named(dice).map(|folder| format!("  {folder}/{}", dice.pick(PARTS)))).collect();
        fs::write(&file, format!("#c\n{}", lines.join("\n"))).expect("can be written");
        words.push(format!("--files-from={}", file.display()));
    }
    if dice.one_in(6) {
        let file = base.join("raw");
        let entries: Vec<u8> =
            (0..2).flat_map(|_| [folders[dice.below(folders.len())].as_os_str().as_bytes(), b"\0"].concat()).collect();
        fs::write(&file, entries).expect("can be written");
        words.extend(["--files-from-raw".to_owned(), file.display().to_string()]);
    }
    words
}

/// What restic counts; why it refuses otherwise.
fn restic(sandbox: &Sandbox, words: &[String], root: &str) -> Result<(u64, u64), String> {
    let mut args = vec!["backup", "--dry-run", "--json", "--no-cache"];
    args.extend(words.iter().map(String::as_str));
    args.extend(["--tag=automated", root]);
    let finished = sandbox.restic(&args);
    let mut messages = finished.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let summary = messages.rfind(|message| message["message_type"] == "summary");
    let number = |summary: &Value, key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("{key} in {summary}"));
    match summary {
        Some(summary) if !finished.all().contains("snapshot is empty") => {
            Ok((number(&summary, "total_files_processed"), number(&summary, "total_bytes_processed")))
        }
        _ => Err(finished.all()),
    }
}

fn compare(sandbox: &mut Sandbox, seeds: impl Iterator<Item = u64>) {
    sandbox.set("PATTERN", "*.log").unset("BACKUP_ROOT_DIR");
    let (mut counted, mut refused, mut with_rules) = (0, 0, 0);
    for seed in seeds {
        let mut dice = Dice::of(seed);
        let base = sandbox.path(format!("case{seed}"));
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        grow(&mut dice, &base.join("t"), 0, &mut folders, &mut files);
        grow(&mut dice, &base.join("t/more"), 0, &mut folders, &mut files);
        let words = words(&mut dice, &base, &folders);
        let root = base.join("t").display().to_string();
        let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
        sandbox.set("BACKUP_ROOT_DIR", &*root).set("RESTIC_JOB_ARGS", quoted.join(" "));
        let ours = sandbox.run(&["sources-report"]);
        let summary = sandbox.summary("sources-report");
        let number = |key: &str| summary[key].as_str().and_then(|text| text.parse::<u64>().ok()).expect("is a number");
        let found = (number("total_files"), number("total_bytes"));
        let told = || format!("seed {seed}: {words:?}\n{summary:#}\n{}", ours.all());
        match restic(sandbox, &words, &root) {
            Ok(expected) => {
                assert_eq!(ours.code(), 0, "{}", told());
                assert_eq!(found, expected, "{}", told());
                counted += 1;
                with_rules += usize::from(number_of(&summary["stats"]["entries_excluded"]) > 0);
            }
            Err(reason) if reason.contains("snapshot is empty") => assert_eq!(found, (0, 0), "{}", told()),
            Err(reason) => {
                assert!(reason.contains("invalid pattern") || reason.contains("syntax error"), "{reason}\n{}", told());
                assert!(ours.code() == 2 || summary["errors_count"] != "0", "{}", told());
                refused += 1;
            }
        }
        fs::remove_dir_all(&base).expect("is ours");
    }
    println!("{counted} trees were the same, {with_rules} with something left out; {refused} were refused by both");
    assert!(counted > 3 * refused, "too many are refused to say anything");
    assert!(with_rules * 4 > counted, "too few rules leave something out to say anything");
}

fn number_of(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// 200 trees with the installed restic, in parts that run beside each other.
macro_rules! parts {
    ($($name:ident: $seeds:expr,)*) => {$(
        #[test]
        fn $name() {
            compare(&mut Sandbox::with_repository(), $seeds);
        }
    )*};
}

parts! {
    figures_are_those_of_the_next_backup_1: 0..25,
    figures_are_those_of_the_next_backup_2: 25..50,
    figures_are_those_of_the_next_backup_3: 50..75,
    figures_are_those_of_the_next_backup_4: 75..100,
    figures_are_those_of_the_next_backup_5: 100..125,
    figures_are_those_of_the_next_backup_6: 125..150,
    figures_are_those_of_the_next_backup_7: 150..175,
    figures_are_those_of_the_next_backup_8: 175..200,
}

#[test]
fn figures_are_those_of_the_next_backup_of_a_newer_restic() {
    if let Some(mut sandbox) = Sandbox::with_new_repository() {
        compare(&mut sandbox, (0..200).step_by(5));
    }
}
