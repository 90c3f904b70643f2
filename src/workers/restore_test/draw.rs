//! Drawing a few files of a snapshot at random, each with the same chance, however many there are.

use super::folder;
use super::plan::Plan;
use crate::engine::patterns::{Case, Patterns};
use crate::engine::{Outcome, Restic, run_pieces};
use crate::masking::say;
use crate::run::WorkContext;
use crate::workers::skeleton;
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;

/// A regular file of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Its path in the snapshot.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its time, where it can be read.
    pub mtime: Option<DateTime<FixedOffset>>,
}

/// What was drawn from.
#[derive(Debug, Default)]
pub struct Draw {
    /// The files, by their paths.
    pub files: Vec<Drawn>,
    /// How many there were to draw from.
    pub among: u64,
    /// How many could not be drawn, since restic does not tell their names as they are.
    pub unnamed: u64,
    /// What the numbers began with.
    pub seed: u64,
    /// The snapshot's id, as the listing has it.
    pub id: String,
}

/// One line of `restic ls --json`.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    struct_type: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mtime: String,
    #[serde(default)]
    id: String,
}

/// The paths that the files must match, as restic matches them; none matches everything.
///
/// # Errors
/// Which pattern is not well-formed.
pub fn patterns(plan: &Plan) -> Result<Patterns, String> {
    let mut patterns = Patterns::default();
    for path in &plan.paths {
        patterns.add(path, Case::Sensitive)?;
    }
    Ok(patterns)
}

/// Lists the snapshot and draws; the listing is never held as a whole.
pub fn draw(plan: &Plan, cx: &WorkContext<'_>, snapshot: &str) -> (Outcome, Draw) {
    let patterns = patterns(plan).unwrap_or_default();
    let mut reservoir = Reservoir::new(plan.sample, plan.seed.unwrap_or_else(folder::random));
    let mut draw = Draw { seed: reservoir.seed, ..Draw::default() };
    let mut pending = Vec::new();
    let mut take = |line: &[u8]| {
        let Ok(row) = serde_json::from_slice::<Row>(line) else { return };
        if row.struct_type == "snapshot" {
            draw.id = row.id;
        } else if row.kind == "file" && (patterns.is_empty() || patterns.matches(row.path.as_bytes())) {
            // restic writes this for what is no text; what it stands for is not known.
            if row.path.contains(char::REPLACEMENT_CHARACTER) {
                draw.unnamed += 1;
            } else {
                let mtime = DateTime::parse_from_rfc3339(&row.mtime).ok();
                reservoir.offer(Drawn { path: row.path, size: row.size, mtime });
            }
        }
    };
    let mut words = vec!["--json".to_owned(), "--no-lock".to_owned(), snapshot.to_owned()];
    words.extend(plan.filters.words());
    let restic = Restic::locate(cx.settings, &plan.filters.environment(&cx.environment));
    // Not by lines as they are shown: names may hold what is taken out of those.
    let outcome = run_pieces(
        &restic.spec("ls", words),
        &skeleton::bounds(cx),
        &mut |piece| {
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                pending.extend_from_slice(part);
                if pending.ends_with(b"\n") {
                    take(&pending);
                    pending.clear();
                }
            }
        },
        &mut |line| say::log_only(line),
    );
    take(&pending);
    draw.among = reservoir.offered;
    draw.files = reservoir.files;
    draw.files.sort_by(|one, other| one.path.cmp(&other.path));
    (outcome, draw)
}

/// Keeps so many of all that it is offered, each with the same chance (Vitter's algorithm R).
struct Reservoir {
    size: u64,
    seed: u64,
    state: u64,
    offered: u64,
    files: Vec<Drawn>,
}

impl Reservoir {
    fn new(size: u64, seed: u64) -> Self {
        Self { size, seed, state: seed, offered: 0, files: Vec::new() }
    }

    fn offer(&mut self, file: Drawn) {
        self.offered += 1;
        if self.offered <= self.size {
            self.files.push(file);
            return;
        }
        let place = self.below(self.offered);
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.files.get_mut(place)) {
            *kept = file;
        }
    }

    /// A number from 0 up, below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }
}

/// A pattern that matches this path alone, and what is below it.
pub fn literally(path: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(path.len() + 1);
    if !path.starts_with(b"/") {
        pattern.push(b'/');
    }
    for byte in path {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\') {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64) -> Drawn {
        Drawn { path: format!("/{number}"), size: number, mtime: None }
    }

    #[test]
    fn every_file_has_the_same_chance() {
        let mut hits = [0_u32; 20];
        for seed in 0..4000 {
            let mut reservoir = Reservoir::new(5, seed);
            (0..20).for_each(|number| reservoir.offer(file(number)));
            assert_eq!((reservoir.files.len(), reservoir.offered), (5, 20));
            reservoir.files.iter().for_each(|file| hits[file.size as usize] += 1);
        }
        // 1000 expected; the standard deviation is below 28.
        assert!(hits.iter().all(|hits| (860..1140).contains(hits)), "{hits:?}");
    }

    #[test]
    fn fewer_files_are_all_taken_and_a_seed_draws_the_same_again() {
        let mut few = Reservoir::new(u64::MAX, 7);
        (0..3).for_each(|number| few.offer(file(number)));
        assert_eq!(few.files.len(), 3);
        let drawn = || {
            let mut reservoir = Reservoir::new(3, 42);
            (0..1000).for_each(|number| reservoir.offer(file(number)));
            reservoir.files
        };
        assert_eq!(drawn(), drawn());
    }

    #[test]
    fn a_literal_pattern_matches_its_path_alone() {
        for path in ["/a*b", "/a?", "/[x]", "/a\\b", "/!a", "relative", "/a b"] {
            let mut patterns = Patterns::default();
            let pattern = String::from_utf8(literally(path.as_bytes())).expect("is text");
            patterns.add(&pattern, Case::Sensitive).expect("is well-formed");
            let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            assert!(patterns.matches(absolute.as_bytes()), "{path}");
            assert!(!patterns.matches(b"/axb") && !patterns.matches(b"/x"), "{path}");
        }
    }
}
