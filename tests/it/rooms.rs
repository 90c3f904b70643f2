//! Which room may look at which: the arrows of `docs/architecture.md`, held against the `use` lines and paths in `src/`.
//!
//! What only tests see (`#[cfg(test)]`) is left out: a test may look anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The arrows, beside [`OPEN`]. A room that is not named here may not be there, and the drawing must say the same.
const ARROWS: &[(&str, &[&str])] = &[
    // `report` for one word: the status that a flag of `hooks test` names.
    ("cli", &["doctor", "hooks", "init", "lock", "process", "report", "run", "schedule", "scheduler", "workers"]),
    ("init", &["process"]),
    // `engine` for the look at the repository before the first schedule.
    ("scheduler", &["engine", "lock", "process", "schedule"]),
    // `run` for what dead runs owe.
    ("doctor", &["engine", "hooks", "lock", "process", "report", "run", "schedule", "workers"]),
    // `process` for the stop request and for asking the engine from a prompt, `report` for the status of a run.
    ("workers", &["engine", "process", "report", "run", "schedule"]),
    ("run", &["hooks", "lock", "process", "report"]),
    ("engine", &["process"]),
    ("hooks", &["http", "process"]),
    ("lock", &["process"]),
    // `process` for the one program that a report starts, `sendmail`.
    ("report", &["http", "process"]),
    ("http", &[]),
    ("process", &[]),
    ("schedule", &[]),
    ("settings", &[]),
    ("masking", &[]),
    ("exit", &[]),
];

/// What every room may look at. `settings` and `masking` see each other: what is secret is a matter of settings, and
/// how much is printed is a setting.
const OPEN: &[&str] = &["exit", "masking", "settings"];

/// The path of a module or item, from the crate's root: `crate`, `run`, `keeper`.
type Segments = Vec<String>;

#[test]
fn no_room_looks_at_a_room_that_it_may_not_see() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(room) = file.room() else { continue };
        for path in file.paths() {
            let Some(seen) = file.room_of(&path) else { continue };
            if seen != room && !may_see(&room, &seen) {
                wrong.push(format!("{}: {}", file.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows of docs/architecture.md:\n{}", wrong.join("\n"));
}

fn may_see(room: &str, seen: &str) -> bool {
    let further = ARROWS.iter().find(|(name, _)| *name == room).is_some_and(|(_, rooms)| rooms.contains(&seen));
    match room {
        "exit" => false,
        // A child is started clean: nothing of it is masked, said or read from settings but its environment.
        "process" => seen == "exit" || seen == "settings",
        _ => further || OPEN.contains(&seen),
    }
}

#[test]
fn process_knows_of_the_settings_only_what_an_environment_is() {
    for file in sources().iter().filter(|file| file.room().as_deref() == Some("process")) {
        for path in file.paths() {
            if file.room_of(&path).as_deref() == Some("settings") && path.len() > 2 {
                assert_eq!(path[2], "Environment", "{}: {}", file.name, path.join("::"));
            }
        }
    }
}

#[test]
fn the_process_environment_is_read_in_settings_alone() {
    let mut wrong = Vec::new();
    for file in sources() {
        let of_settings = file.room().as_deref() == Some("settings");
        for path in file.paths() {
            let of_env = path.starts_with(&["std".into(), "env".into()]) || (path.len() > 1 && path[0] == "env");
            // The words that a process was called with are no settings.
            let of_args = file.name == "main.rs" && path.last().is_some_and(|item| item.starts_with("args"));
            if of_env && !of_settings && !of_args {
                wrong.push(format!("{}: {}", file.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "std::env outside settings/:\n{}", wrong.join("\n"));
}

#[test]
fn children_are_started_in_process_alone() {
    let mut wrong = Vec::new();
    for file in sources() {
        // `locked_run` starts no child: it becomes the command.
        if file.room().as_deref() == Some("process") || file.name == "lock/locked_run.rs" {
            continue;
        }
        for path in file.paths() {
            if path.windows(2).any(|pair| pair == ["process", "Command"]) {
                wrong.push(format!("{}: {}", file.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "std::process::Command outside process/:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_arrows_and_none_points_back_up() {
    let there: BTreeSet<String> = sources().iter().filter_map(Source::room).collect();
    let drawn: BTreeSet<String> = ARROWS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(there, drawn);
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (room, rooms) in ARROWS.iter().rev() {
        assert!(
            rooms.iter().all(|seen| below.contains(seen)),
            "{room} looks up, or at what stands above it in the list"
        );
        below.insert(room);
    }
}

#[test]
fn the_drawing_shows_the_same_arrows() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("is there");
    let mut drawn: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in page.lines().filter_map(|line| line.split_once("─▶")) {
        let to = to.split(',').map(|room| room.trim().to_owned()).collect();
        assert!(drawn.insert(from.trim().to_owned(), to).is_none(), "{from} is drawn twice");
    }
    let mut expected: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .filter(|(_, rooms)| !rooms.is_empty())
        .map(|(room, rooms)| ((*room).to_owned(), rooms.iter().map(|room| (*room).to_owned()).collect()))
        .collect();
    expected.insert("main".to_owned(), BTreeSet::from(["every room".to_owned()]));
    expected.insert("every room".to_owned(), OPEN.iter().map(|room| (*room).to_owned()).collect());
    assert_eq!(drawn, expected);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file of `src/`, without comments, literals and what is compiled for tests alone.
struct Source {
    /// Below `src/`: `run/keeper.rs`.
    name: String,
    code: String,
}

/// Every file of the crate; `build.rs` is a program of its own.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let (mut files, mut for_tests) = (Vec::new(), BTreeSet::new());
    for path in rust_files(&src) {
        let text = fs::read_to_string(&path).expect("can be read");
        let (code, modules) = without_tests(&without_comments(&text));
        let is_folder = path.file_name().is_some_and(|file| file == "mod.rs" || file == "lib.rs");
        let folder = if is_folder { path.with_file_name("") } else { path.with_extension("") };
        for module in modules {
            for_tests.insert(folder.join(format!("{module}.rs")));
            for_tests.insert(folder.join(module));
        }
        files.push((path, code));
    }
    files
        .into_iter()
        .filter(|(path, _)| !path.ancestors().any(|above| for_tests.contains(above)))
        .map(|(path, code)| (path.strip_prefix(&src).expect("lies below").to_string_lossy().into_owned(), code))
        .filter(|(name, _)| name != "build.rs")
        .map(|(name, code)| Source { name, code })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("is a folder").map(|entry| entry.expect("can be read").path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

impl Source {
    /// Where it stands in the tree of modules: `run`, `keeper`; nothing for the root.
    fn module(&self) -> Segments {
        let name = self.name.trim_end_matches(".rs").trim_end_matches("/mod");
        name.split('/').filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned).collect()
    }

    /// The room that the file belongs to; none for `main.rs` and `lib.rs`, which see all.
    fn room(&self) -> Option<String> {
        self.module().first().cloned()
    }

    /// Every path in the file, groups of imports spread out.
    fn paths(&self) -> Vec<Segments> {
        let mut paths = written_paths(&self.code);
        paths.extend(imports(&self.code));
        paths.sort();
        paths.dedup();
        paths
    }

    /// The room that a path leads to: `crate::room::...`, or as many `super` as lead out of this one.
    fn room_of(&self, path: &Segments) -> Option<String> {
        let module = self.module();
        let supers = path.iter().take_while(|part| *part == "super").count();
        match path.first().map(String::as_str) {
            Some("crate") => path.get(1).cloned(),
            Some("super") if supers >= module.len() => path.get(supers).cloned(),
            _ => None,
        }
    }
}

/// The text with comments and literals blanked out.
fn without_comments(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let end = match (text[at], text.get(at + 1)) {
            ('/', Some('/')) => find(&text, at, "\n"),
            ('/', Some('*')) => find(&text, at, "*/") + 2,
            ('r', Some('"' | '#')) if !code.ends_with(is_word) || code.ends_with(['b', 'c']) => raw_string(&text, at),
            ('"', _) => string(&text, at),
            ('\'', Some('\\')) => find(&text, at + 3, "'") + 1,
            ('\'', Some(_)) if text.get(at + 2) == Some(&'\'') => at + 3,
            _ => at,
        };
        if end == at {
            code.push(text[at]);
            at += 1;
        } else {
            code.push(' ');
            at = end;
        }
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `what` stands from `at` on; the end of the text if it does not.
fn find(text: &[char], at: usize, what: &str) -> usize {
    let what: Vec<char> = what.chars().collect();
    (at..text.len()).find(|place| text[*place..].starts_with(&what)).unwrap_or(text.len())
}

/// The end of the string literal that begins at `at`.
fn string(text: &[char], at: usize) -> usize {
    let mut place = at + 1;
    while place < text.len() && text[place] != '"' {
        place += if text[place] == '\\' { 2 } else { 1 };
    }
    place + 1
}

/// The end of the raw string literal that may begin at `at`; `at` if none does (`r#type`).
fn raw_string(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    find(text, at + 2 + hashes, &format!("\"{}", "#".repeat(hashes))) + 1 + hashes
}

/// The code without its `#[cfg(test)]` items, and the names of the modules among them that are files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let (mut kept, mut modules, mut rest) = (String::new(), Vec::new(), code);
    while let Some(place) = rest.find(MARK) {
        kept.push_str(&rest[..place]);
        let item = &rest[place + MARK.len()..];
        let end = item.find([';', '{']).map_or(item.len(), |end| end + 1);
        let head = &item[..end];
        if let Some((_, module)) = head.strip_suffix(';').and_then(|head| head.split_once("mod ")) {
            modules.push(module.trim().to_owned());
        }
        rest = if head.ends_with('{') { &item[end + block(&item[end..])..] } else { &item[end..] };
    }
    kept.push_str(rest);
    (kept, modules)
}

/// The length of a block behind its opening brace.
fn block(code: &str) -> usize {
    let mut depth = 1;
    for (place, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    code.len()
}

/// `a::b::c` wherever it is written.
fn written_paths(code: &str) -> Vec<Segments> {
    let mut paths = Vec::new();
    for text in code.split(|c: char| !is_word(c) && c != ':') {
        let segments: Segments = text.split("::").map(str::to_owned).collect();
        if segments.len() > 1 && !segments[0].is_empty() && !text.contains(":::") {
            paths.push(segments.into_iter().filter(|part| !part.is_empty()).collect());
        }
    }
    paths
}

/// Every import, a group as one path for each of its members.
fn imports(code: &str) -> Vec<Segments> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(place) = rest.find("use ") {
        let is_keyword = !rest[..place].ends_with(is_word);
        rest = &rest[place + 4..];
        if is_keyword {
            let tree: String =
                rest[..rest.find(';').unwrap_or(rest.len())].split_whitespace().collect::<Vec<_>>().join(" ");
            spread(&tree, &[], &mut found);
        }
    }
    found
}

fn spread(tree: &str, before: &[String], found: &mut Vec<Segments>) {
    let tree = tree.split(" as ").next().filter(|_| !tree.contains('{')).unwrap_or(tree).trim();
    let (path, group) = tree.split_once('{').map_or((tree, None), |(path, group)| (path, Some(group)));
    let own = path.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "self");
    let path: Segments = before.iter().cloned().chain(own.map(str::to_owned)).collect();
    let Some(group) = group.map(|group| group.strip_suffix('}').unwrap_or(group)) else {
        if !path.is_empty() {
            found.push(path);
        }
        return;
    };
    let (mut depth, mut begin) = (0, 0);
    for (place, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[begin..place].trim().is_empty() {
                    spread(&group[begin..place], &path, found);
                }
                begin = place + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn imports_are_seen_however_they_are_written() {
    let code =
        "pub use crate::a::{self, b::{C, d as e}, f};\nuse std::{env, process::Command};\nfn x() { crate::g::h(); }";
    let source = Source { name: "room/file.rs".to_owned(), code: code.to_owned() };
    let paths: BTreeSet<String> = source.paths().iter().map(|path| path.join("::")).collect();
    for path in [
        "crate::a",
        "crate::a::b::C",
        "crate::a::b::d",
        "crate::a::f",
        "std::env",
        "std::process::Command",
        "crate::g::h",
    ] {
        assert!(paths.contains(path), "{path} is not among {paths:?}");
    }
    let out = |path: &[&str]| source.room_of(&path.iter().map(|part| (*part).to_owned()).collect());
    assert_eq!(out(&["super", "super", "other", "x"]).as_deref(), Some("other"));
    assert_eq!(out(&["super", "sibling"]), None);
}

#[test]
fn comments_literals_and_tests_are_not_seen() {
    let text = "// crate::a::b\n/* crate::c::d */ let x = (\"crate::e::\\\"f\", 'c', '\\'', r#\"crate::g::h\"#, b\"crate::i\");\n\
                fn kept<'a>() { crate::kept::here() }\n\
                #[cfg(test)]\nmod samples;\n#[cfg(test)]\nmod tests { use crate::j::k; fn x() { if y {} } }\nfn after() { crate::after::it() }";
    let (code, modules) = without_tests(&without_comments(text));
    let paths: Vec<String> = written_paths(&code).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::kept::here", "crate::after::it"], "{code}");
    assert_eq!(modules, ["samples"]);
}
