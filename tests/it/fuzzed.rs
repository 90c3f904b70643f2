//! The short form of `make fuzz`: the same checks on every seed, and on a fixed number of changed ones.

#[path = "../fuzz/checks/mod.rs"]
mod checks;

use checks::{hooks_file, seeds, templates};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How many changed inputs each check sees.
const CHANGED: usize = 2000;
/// No input takes longer, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(30);

#[test]
fn no_hooks_file_crashes_or_changes_its_meaning() {
    let seeds = seeds::hooks_files();
    assert!(seeds.iter().any(|seed| seed.contains("preBackup")), "there is nothing to begin with");
    each(&seeds, hooks_file::check);
}

#[test]
fn no_template_crashes_or_grows_without_bound() {
    let mut seeds = seeds::templates();
    assert!(!seeds.is_empty(), "there is nothing to begin with");
    seeds.insert("{{".repeat(3000));
    seeds.insert(format!("{{{{ {} }}}}", "(".repeat(20_000)));
    seeds.insert("{{ if true }}".repeat(5000));
    seeds.insert("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}".to_owned());
    each(&seeds, templates::check);
}

fn each(seeds: &BTreeSet<String>, check: fn(&[u8])) {
    for seed in seeds {
        timed(seed.as_bytes(), check);
    }
    let seeds: Vec<&[u8]> = seeds.iter().map(String::as_bytes).filter(|seed| seed.len() < 16_384).collect();
    let mut dice = Dice(0x0b0a_7400_7b00_71f1);
    for _ in 0..CHANGED {
        let input = dice.changed(&seeds);
        timed(&input, check);
    }
}

fn timed(input: &[u8], check: fn(&[u8])) {
    let start = Instant::now();
    let ended = std::panic::catch_unwind(|| check(input));
    let shown = String::from_utf8_lossy(input);
    assert!(ended.is_ok(), "this input is a crash:\n{shown}");
    assert!(start.elapsed() < LONGEST, "took {:?}:\n{shown}", start.elapsed());
}

/// Always the same chances: a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64: Marsaglia, "Xorshift RNGs", 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A seed with one to four pieces taken out, doubled, replaced, or put in from another.
    fn changed(&mut self, seeds: &[&[u8]]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].to_vec();
        for _ in 0..=self.below(4) {
            let from = self.below(input.len() + 1);
            let to = (from + self.below(24)).min(input.len());
            let other = seeds[self.below(seeds.len())];
            let start = self.below(other.len() + 1);
            let piece = &other[start..(start + self.below(200)).min(other.len())];
            match self.below(5) {
                0 => drop(input.drain(from..to)),
                1 => drop(input.splice(from..to, piece.iter().copied())),
                2 => {
                    let double = input[from..to].repeat(1 + self.below(3));
                    input.splice(from..from, double);
                }
                3 => {
                    let signs: [&[u8]; 10] =
                        [b"{{", b"}}", b"'", b"\"", b": ", b"- ", b"\n", b"\xff", b"&a ", b"99999999999999999999"];
                    input.splice(from..to, signs[self.below(signs.len())].iter().copied());
                }
                _ => {
                    if let Some(byte) = input.get_mut(from) {
                        *byte = self.below(256) as u8;
                    }
                }
            }
        }
        input
    }
}
