//! The pages are true: what they tell people to type can be typed, and names what there is.

use crate::support::{BOATHOOK, Sandbox, write_executable};
use boathook::workers::WORKERS;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every page for users, as a path from the project's folder, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("hooks-examples/README.md")];
    for folder in ["docs", "docs/design", "docs/hooks"] {
        let entries = fs::read_dir(root.join(folder)).expect("is a folder").flatten().map(|entry| entry.path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let relative = |path: &Path| path.strip_prefix(root).expect("is below").to_owned();
    paths.iter().map(|path| (relative(path), fs::read_to_string(path).expect("can be read"))).collect()
}

fn page(name: &str) -> String {
    let found = pages().into_iter().find(|(path, _)| path == Path::new(name));
    found.unwrap_or_else(|| panic!("{name} is not there")).1
}

/// The blocks of code of a page: language, number of the first line, text without the indentation of the fence.
fn blocks(text: &str) -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((indent, language.trim().to_owned(), number + 1, String::new())),
            (Some(_), Some((_, language, from, text))) => found.push((language, from, text)),
            (None, Some((indent, language, from, mut text))) => {
                text.push_str(line.get(indent..).unwrap_or_default());
                text.push('\n');
                open = Some((indent, language, from, text));
            }
            (None, None) => {}
        }
    }
    found
}

/// The pieces of code within the text of a page.
fn code_spans(text: &str) -> Vec<String> {
    let mut inside = false;
    let prose: Vec<&str> = text
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        })
        .collect();
    let paragraphs = prose.join("\n");
    let spans = paragraphs.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    spans.map(|span| span.replace('\n', " ")).collect()
}

fn checked_by_sh(script: &str) -> Result<(), String> {
    let mut sh = Command::new("sh")
        .args(["-n", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh is there");
    sh.stdin.take().expect("is piped").write_all(script.as_bytes()).expect("is taken");
    let ended = sh.wait_with_output().expect("ends");
    if ended.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ended.stderr).into_owned()) }
}

#[test]
fn every_block_of_shell_is_shell() {
    let mut counts = BTreeMap::new();
    for (path, text) in pages() {
        for (language, line, script) in blocks(&text) {
            if !matches!(language.as_str(), "sh" | "bash" | "shell") {
                continue;
            }
            *counts.entry(path.clone()).or_insert(0) += 1;
            if let Err(error) = checked_by_sh(&script) {
                panic!("{}:{line}: {error}\n{script}", path.display());
            }
        }
    }
    for name in ["README.md", "docs/hooks.md"] {
        assert!(counts.get(Path::new(name)).is_some_and(|count| *count > 4), "{name}: {counts:?}");
    }
    assert!(checked_by_sh("if true; then echo; ").is_err(), "sh -n finds nothing wrong with anything");
}

#[test]
fn the_readmes_try_it_block_works_as_it_is_written() {
    let blocks = blocks(&page("README.md"));
    let (_, _, script) = blocks
        .iter()
        .find(|(language, _, text)| language == "sh" && text.contains("try=$(mktemp -d)"))
        .expect("is there");
    let mut sandbox = Sandbox::new();
    // As somebody who has set nothing.
    for variable in [
        "HOOKS_DIR",
        "CONFIG_DIR",
        "LOG_DIR",
        "RUN_DIR",
        "STATE_DIR",
        "RESTORE_DIR",
        "BACKUP_ROOT_DIR",
        "RESTIC_REPOSITORY",
        "RESTIC_PASSWORD",
        "RESTIC_CACHE_DIR",
        "HOSTNAME",
    ] {
        sandbox.unset(variable);
    }
    // `make build` is done already: it puts the program there.
    write_executable(
        &sandbox.path("bin/make"),
        &format!(
            "#!/bin/sh\n[ \"$*\" = build ] || exit 2\nmkdir -p target/release\nln -s {BOATHOOK} target/release/boathook\n"
        ),
    );
    let home = sandbox.path("home").display().to_string();
    let ended = sandbox.run_program("sh", &["-euc", &format!("cd {home}\n{script}\nprintf '%s\\n' \"$try\" > tried")]);
    let ended = ended.ends_with(0);
    let out = &ended.stdout;
    assert_eq!(ended.stderr, "", "{out}");
    let tried = fs::read_to_string(sandbox.path("home/tried")).expect("is noted");
    let tried = Path::new(tried.trim());
    assert!(tried.starts_with(sandbox.path("tmp")), "{}", tried.display());
    let at = |part: &str| out.find(part).unwrap_or_else(|| panic!("'{part}' is not in\n{out}"));
    let shown = format!("  pre 1  pre-backup  no limit, onError Continue  {}/hooks/pre-backup.sh", tried.display());
    let order = [
        at("✅ Init-repo successful"),
        at(&shown),
        at(" is about to read "),
        at("✅ Backup Successful"),
        out.rfind(": success\n").expect("the backup did well"),
        at("== Runtime =="),
        at("hooks/pre-backup.sh: executable"),
        at("[OK] Doctor completed without hard errors."),
    ];
    assert!(order.is_sorted(), "{order:?}\n{out}");
    let summary = fs::read_to_string(tried.join("log/last-backup.json")).expect("is there");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("is JSON");
    assert_eq!((&summary["status"], &summary["files_new"]), (&"success".into(), &"1".into()));
    // What a first look shows is not frightening: nothing to warn of.
    let warnings: Vec<&str> = out.lines().filter(|line| line.starts_with("[WARN]")).collect();
    assert_eq!(warnings, [""; 0]);
}

/// Every command that has flags, as its words.
fn commands() -> Vec<Vec<&'static str>> {
    let workers = WORKERS.iter().map(|worker| vec![worker.job.name]);
    let others = [
        vec!["doctor"],
        vec!["config-check"],
        vec!["locked_run"],
        vec!["rotate_log"],
        vec!["status"],
        vec!["cron-list"],
        vec!["alive"],
        vec!["schedule", "next"],
        vec!["hooks", "list"],
        vec!["hooks", "check"],
        vec!["hooks", "test"],
    ];
    workers.chain(others).collect()
}

fn help(command: &[&str]) -> String {
    let words = [command, &["--help"]].concat();
    let ended = Command::new(BOATHOOK).args(&words).env_clear().output().expect("can be started");
    assert_eq!(ended.status.code(), Some(0), "{words:?}");
    assert!(ended.stderr.is_empty(), "{words:?}");
    String::from_utf8(ended.stdout).expect("is text")
}

/// The `--flag` words of a text.
fn flags(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.len() > 3 && word.starts_with("--") && word.as_bytes()[2].is_ascii_lowercase())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_help_that_names_its_exit_codes() {
    for command in commands() {
        let text = help(&command);
        assert!(text.contains("Usage: "), "{command:?}: {text}");
        assert!(text.contains("\nExit codes:"), "{command:?}: {text}");
        let codes = text.split("\nExit codes:").nth(1).unwrap_or_default();
        // Words that mean nothing are no misuse of `cron-list`: they never were.
        for code in if command == ["cron-list"] { &["0"][..] } else { &["0", "2"] } {
            let named = codes.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == *code);
            assert!(named, "{command:?} does not name {code}: {codes}");
        }
        // The first line says what it does, and each something else.
        let about = text.lines().next().unwrap_or_default();
        assert!(about.len() > 10 && !about.starts_with("What every worker takes"), "{command:?}: {about}");
    }
    let abouts: BTreeSet<String> =
        commands().iter().map(|command| help(command).lines().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(abouts.len(), commands().len(), "{abouts:?}");
    let all = help(&[]);
    for command in commands() {
        assert!(all.contains(&command.join(" ")), "boathook --help does not name {command:?}");
    }
    for short in ["-h", "help", "--version", "-V"] {
        let ended = Command::new(BOATHOOK).arg(short).env_clear().output().expect("can be started");
        assert_eq!(ended.status.code(), Some(0), "{short}");
    }
}

#[test]
fn every_flag_is_on_a_page() {
    let spans: BTreeMap<PathBuf, BTreeSet<String>> = pages()
        .into_iter()
        .map(|(path, text)| {
            let blocks = blocks(&text).into_iter().map(|(_, _, block)| block);
            let flags = code_spans(&text).into_iter().chain(blocks).flat_map(|code| flags(&code)).collect();
            (path, flags)
        })
        .collect();
    for (command, page) in [
        ("restore", "docs/restore.md"),
        ("doctor", "docs/doctor.md"),
        ("config-check", "docs/doctor.md"),
        ("backup", "docs/workers.md"),
        ("check", "docs/workers.md"),
        ("prune", "docs/workers.md"),
        ("forget", "docs/workers.md"),
        ("replicate", "docs/workers.md"),
        ("restore-test", "docs/restore-test.md"),
        ("snapshot-export", "docs/snapshot-export.md"),
        ("forget-preview", "docs/forget-preview.md"),
        ("mount-snapshot", "docs/mount-snapshot.md"),
        ("unlock", "docs/unlock.md"),
        ("sources-report", "docs/sources-report.md"),
        ("init-repo", "docs/init-repo.md"),
        ("notify-test", "docs/notify-test.md"),
        ("status", "docs/status.md"),
        ("cron-list", "docs/status.md"),
        ("alive", "docs/container.md"),
        ("schedule next", "docs/schedule.md"),
        ("hooks list", "docs/hooks.md"),
        ("hooks check", "docs/hooks.md"),
        ("hooks test", "docs/hooks.md"),
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let mut missing = flags(&options(&help(&words)));
        missing.remove("--help");
        missing.retain(|flag| !spans[Path::new(page)].contains(flag));
        assert!(missing.is_empty(), "{page} does not name {missing:?} of {command}");
    }
}

/// The part of a help text that lists flags.
fn options(help: &str) -> String {
    let part = help.split("Options:\n").nth(1).unwrap_or_default();
    part.lines().filter(|line| line.trim_start().starts_with('-')).collect::<Vec<_>>().join("\n")
}

/// The command of ours that a piece of code calls, and the words behind it. The last word that is one: a container or
/// a link before it may have the same name.
fn call(code: &str) -> Option<(Vec<&'static str>, Vec<String>)> {
    let words: Vec<&str> = code.split_whitespace().collect();
    // `restic backup --json` is not ours.
    if words.iter().any(|word| matches!(*word, "restic" | "rclone")) {
        return None;
    }
    // The flags of `docker run` are not ours; what stands behind the image's name may be.
    let words = match words.as_slice() {
        ["docker", "run", rest @ ..] => {
            rest.iter().rposition(|word| *word == "boathook").map_or(&[][..], |at| &rest[at + 1..])
        }
        words => words,
    };
    let names = |place: usize, command: &[&str]| {
        let name = words[place].strip_prefix("/bin/").unwrap_or(words[place]);
        name == command[0] && command.get(1).is_none_or(|action| words.get(place + 1) == Some(action))
    };
    let last = |command: &Vec<&'static str>| (0..words.len()).rev().find(|place| names(*place, command));
    let found = commands().into_iter().filter_map(|command| Some((last(&command)?, command)));
    // `hooks test backup` is `hooks test`.
    let (place, command) = found.max_by_key(|(place, command)| (command.len(), *place))?;
    let behind = &words[place + command.len()..];
    let ends = |word: &&str| matches!(*word, "|" | ";" | "&&" | "||" | "#" | "<" | "--");
    let end = behind.iter().position(ends).unwrap_or(behind.len());
    Some((command, behind[..end].iter().map(|word| (*word).to_owned()).collect()))
}

#[test]
fn pages_give_commands_only_flags_that_they_have() {
    let known: BTreeMap<Vec<&str>, BTreeSet<String>> =
        commands().into_iter().map(|command| (command.clone(), flags(&options(&help(&command))))).collect();
    let mut seen = 0;
    for (path, text) in pages() {
        let lines = blocks(&text).into_iter().filter(|(language, ..)| matches!(language.as_str(), "sh" | ""));
        let lines: Vec<String> = lines
            .flat_map(|(_, _, block)| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for code in code_spans(&text).into_iter().chain(lines) {
            let Some((command, words)) = call(&code) else { continue };
            // What `locked_run` becomes has flags of its own.
            if command == ["locked_run"] {
                continue;
            }
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap_or(flag);
                assert!(known[&command].contains(flag), "{}: `{code}`: {command:?} has no {flag}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} flags were found");
}

#[test]
fn a_table_of_flags_has_those_of_its_command_and_no_others() {
    let text = page("docs/restore.md");
    let rows: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .flat_map(|line| flags(line.split('|').nth(1).unwrap_or_default()))
        .collect();
    let mut expected = flags(&options(&help(&["restore"])));
    expected.remove("--help");
    assert_eq!(rows, expected);
}

#[test]
fn no_section_of_a_page_is_empty() {
    for (path, text) in pages() {
        let mut heading: Option<(usize, String)> = None;
        let mut inside = false;
        for line in text.lines().map(str::to_owned).chain(["# end".to_owned()]) {
            inside ^= line.trim_start().starts_with("```");
            let level = line.chars().take_while(|c| *c == '#').count();
            if inside || line.trim().is_empty() {
                continue;
            }
            if level > 0 && line[level..].starts_with(' ') {
                if let Some((before, title)) = &heading {
                    assert!(level > *before, "{}: nothing stands below '{title}'", path.display());
                }
                heading = Some((level, line));
            } else {
                heading = None;
            }
        }
    }
}
