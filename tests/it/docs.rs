//! The pages: what they say about the code is compared with the code, and no link leads nowhere.

use boathook::exit::{Origin, TABLE};
use boathook::workers::WORKERS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_exit_codes_page_has_the_table_of_the_code() {
    let rows: Vec<[String; 3]> = TABLE
        .iter()
        .map(|row| {
            let whose = match row.origin {
                Origin::Boathook => "Boathook",
                Origin::Restic => "restic",
            };
            [row.code.to_string(), whose.to_owned(), row.sentence.to_owned()]
        })
        .collect();
    let page = Table::of("docs/exit-codes.md", &["code", "whose", "meaning"]);
    let written: Vec<[String; 3]> = page
        .rows
        .iter()
        .map(|cells| [cells[0].trim_matches('`').to_owned(), cells[1].clone(), cells[2].clone()])
        .collect();
    for (row, expected) in written.iter().zip(&rows) {
        assert_eq!(row, expected);
    }
    assert_eq!(written.len(), rows.len());
}

#[test]
fn the_workers_page_names_every_worker_and_its_lock() {
    let table = Table::of("docs/workers.md", &["worker", "lock file"]);
    let bare = |cell: &str| cell.trim_matches('`').rsplit('/').next().unwrap_or_default().to_owned();
    let written: BTreeSet<(String, String)> =
        table.rows.iter().map(|cells| (bare(&cells[0]), bare(&cells[1]))).collect();
    let expected: BTreeSet<(String, String)> =
        WORKERS.iter().map(|worker| (worker.job.name.to_owned(), worker.job.lock.to_owned())).collect();
    assert_eq!(written, expected);
}

#[test]
fn the_readme_links_every_page() {
    let linked: BTreeSet<PathBuf> =
        links("README.md").into_iter().map(|link| root().join(link.split('#').next().unwrap_or_default())).collect();
    // Pages of a folder with an index of its own are found by that.
    let index = Path::new("docs/hooks/README.md");
    let indexed: BTreeSet<PathBuf> = links(index).into_iter().map(|link| index.with_file_name(link)).collect();
    for page in pages().into_iter().filter(|page| page.starts_with("docs")) {
        let is_linked = linked.contains(&root().join(&page)) || indexed.contains(&page);
        assert!(is_linked, "neither README.md nor {} has a link to {}", index.display(), page.display());
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        for link in links(&page) {
            let (file, heading) = link.split_once('#').map_or((link.as_str(), None), |(file, to)| (file, Some(to)));
            let target = match file {
                "" => page.clone(),
                _ => page.parent().unwrap_or(Path::new("")).join(file),
            };
            let there = root().join(&target).exists();
            if !there || heading.is_some_and(|heading| !headings(&target).contains(heading)) {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn no_page_is_unfinished() {
    // Words of people who meant to come back; in pieces, so that nobody finds them here.
    let marks = [
        ("TO", "DO"),
        ("FIX", "ME"),
        ("TB", "D"),
        ("XX", "X"),
        ("place", "holder"),
        ("lorem", " ipsum"),
        ("coming", " soon"),
    ]
    .map(|(one, two)| format!("{one}{two}").to_lowercase());
    for page in pages() {
        for (number, line) in read(&page).to_lowercase().lines().enumerate() {
            for mark in &marks {
                let is_word = |c: char| c.is_alphanumeric();
                let found = line.match_indices(mark.as_str()).any(|(place, _)| {
                    !line[..place].ends_with(is_word) && !line[place + mark.len()..].starts_with(is_word)
                });
                assert!(!found, "{}:{}: {mark}", page.display(), number + 1);
            }
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: impl AsRef<Path>) -> String {
    let path = root().join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page for users, as a path from the project's folder.
fn pages() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(root().join(folder)).expect("is a folder") {
            let path = folder.join(entry.expect("can be read").file_name());
            if root().join(&path).is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    below(Path::new("docs"), &mut found);
    below(Path::new("hooks-examples"), &mut found);
    found.sort();
    found
}

/// The page without its blocks of code.
fn prose(page: impl AsRef<Path>) -> Vec<String> {
    let mut inside = false;
    read(page)
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        })
        .map(str::to_owned)
        .collect()
}

/// Every link of a page that leads to a file or a heading.
fn links(page: impl AsRef<Path>) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in prose(page).join("\n").split("\n\n") {
        // Every second piece is between back-ticks: code, in which brackets are no links.
        let pieces = paragraph.split('`').enumerate();
        let text: String = pieces.map(|(place, piece)| if place % 2 == 0 { piece } else { "code" }).collect();
        for (place, _) in text.match_indices("](") {
            let link = text[place + 2..].split([')', ' ']).next().unwrap_or_default();
            if !link.contains("://") && !link.starts_with("mailto:") {
                found.push(link.to_owned());
            }
        }
    }
    found
}

/// The anchors of a page's headings, as forges make them.
fn headings(page: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for heading in prose(page).iter().filter_map(|line| line.strip_prefix('#')) {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        found.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
    }
    found
}

/// A table of a page, with the columns that were asked for.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The page's first table that has all these columns, in any order and among others.
    fn of(page: &str, columns: &[&str]) -> Self {
        let lines = prose(page);
        let mut rows = lines.iter().map(|line| cells(line)).skip_while(|cells| places(cells, columns).is_none());
        let header = rows.next().unwrap_or_else(|| panic!("{page} has no table with the columns {columns:?}"));
        let places = places(&header, columns).unwrap_or_default();
        let rows = rows
            .skip(1)
            .take_while(|cells| cells.len() >= header.len())
            .map(|cells| places.iter().map(|place| cells[*place].clone()).collect())
            .collect();
        Self { rows }
    }
}

fn places(header: &[String], columns: &[&str]) -> Option<Vec<usize>> {
    columns.iter().map(|column| header.iter().position(|cell| cell.to_lowercase() == *column)).collect()
}

/// The cells of a row; none for a line that is no row.
fn cells(line: &str) -> Vec<String> {
    let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else { return Vec::new() };
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}
