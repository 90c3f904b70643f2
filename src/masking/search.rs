//! Finds every place in a text that holds a secret, in whatever form.

use super::decode::{self, Decoded, Plus};
use super::encode::{Needle, is_base64_digit};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::ops::Range;

/// How much of a needle goes into the automaton. The rest is compared where the beginning was found, so that a key of
/// many kilobytes costs no more to prepare than a password.
const PROBE: usize = 48;

/// Encodings inside encodings that are undone: a percent-encoded JSON text.
const DEPTH: usize = 2;

/// The needles, prepared for searching.
#[derive(Debug, Clone)]
pub(super) struct Search {
    needles: Vec<Needle>,
    /// `None` if the needles are too many for one automaton: then every text counts as secret.
    automaton: Option<AhoCorasick>,
    plus_may_be_blank: bool,
}

impl Search {
    /// Prepares the search. Costs microseconds for the secrets of an ordinary environment.
    pub fn new(needles: Vec<Needle>) -> Self {
        let probes = needles.iter().map(|needle| &needle.bytes[..needle.bytes.len().min(PROBE)]);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(probes)
            .ok();
        let plus_may_be_blank = needles.iter().any(|needle| needle.bytes.contains(&b' '));
        Self { needles, automaton, plus_may_be_blank }
    }

    /// The places of `text` that hold secrets, in order and apart from each other.
    pub fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        self.look(text, &|place| place, DEPTH, &mut places);
        merged(places)
    }

    /// Searches `text` as it is, then as it reads with its escapes undone. `origin` leads from a place in `text` to
    /// the place in what was given.
    fn look(
        &self,
        text: &[u8],
        origin: &dyn Fn(Range<usize>) -> Range<usize>,
        depth: usize,
        places: &mut Vec<Range<usize>>,
    ) {
        let Some(automaton) = &self.automaton else {
            places.push(origin(0..text.len()));
            return;
        };
        // The plain question is answered several times faster than the one for all matches, and is mostly a no.
        if automaton.is_match(text) {
            for probe in automaton.find_overlapping_iter(text) {
                let needle = &self.needles[probe.pattern().as_usize()];
                let start = probe.start();
                if text[start..].starts_with(&needle.bytes) {
                    places.push(origin(whole(needle, text, start)));
                }
            }
        }
        if depth == 0 {
            return;
        }
        let forms = self.plus_may_be_blank && text.contains(&b'+');
        let blank = if forms { decode::percent(text, Plus::Blank) } else { None };
        for Decoded { bytes, places: from } in
            [decode::percent(text, Plus::Plus), blank, decode::backslash(text)].into_iter().flatten()
        {
            let back = |place: Range<usize>| match (from.get(place.start), from.get(place.end.saturating_sub(1))) {
                (Some((start, _)), Some((_, end))) => origin(*start..*end),
                _ => origin(0..0),
            };
            self.look(&bytes, &back, depth - 1, places);
        }
    }
}

/// The needle's place, with the digits beside it that hold some of its bits.
fn whole(needle: &Needle, text: &[u8], start: usize) -> Range<usize> {
    let end = start + needle.bytes.len();
    let before = needle.digit_before && start > 0 && is_base64_digit(text[start - 1]);
    let after = needle.digit_after && text.get(end).copied().is_some_and(is_base64_digit);
    start - usize::from(before)..end + usize::from(after)
}

/// Sorted, and what overlaps or touches made one: no tail of a longer secret is left beside a shorter one.
fn merged(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}
