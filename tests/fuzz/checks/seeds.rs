//! What fuzzing begins with: the hooks files that tests, pages and examples have, and the templates in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Hooks files of every form.
pub fn hooks_files() -> BTreeSet<String> {
    let mut seeds = BTreeSet::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("md") => seeds.extend(blocks(&text)),
            Some("yaml" | "yml" | "json") => {
                seeds.insert(text);
            }
            _ => {}
        }
    }
    seeds
}

/// Templates: every text of a file that has an action in it, as a whole where it is a template file.
pub fn templates() -> BTreeSet<String> {
    let mut seeds = BTreeSet::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !text.contains("{{") {
            continue;
        }
        if path.extension().is_some_and(|ending| ending == "tmpl" || ending == "gotmpl") {
            seeds.insert(text.clone());
        }
        let lines = text.lines().filter(|line| line.contains("{{") && line.len() < 4096);
        seeds.extend(lines.map(|line| line[line.find("{{").unwrap_or(0)..].to_owned()));
    }
    seeds
}

/// Everything that may hold a seed, in the order of its path.
fn files() -> Vec<PathBuf> {
    // The fuzz crate lies in tests/fuzz, the test that runs the short form at the top.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|folder| folder.join("hooks-examples").is_dir()).expect("is within the project");
    let mut found = Vec::new();
    for folder in ["tests/fixtures", "tests/golden", "tests/it", "docs", "hooks-examples", "src/hooks"] {
        below(&root.join(folder), &mut found);
    }
    found.sort();
    found
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The blocks of YAML and JSON of a page.
fn blocks(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open.as_mut()) {
            (Some(language), None) if matches!(language.trim(), "yaml" | "json") => open = Some(String::new()),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    found
}
