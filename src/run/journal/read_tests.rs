//! Any bytes can be read, and nothing in front of a damage is lost.

use super::fixture::{bytes, header, records, shown};
use super::format::{LONGEST, line};
use super::read::read;
use super::{Damage, Header};
use crate::run::state::Record;
use proptest::prelude::*;

/// How many records stand whole in the first `length` bytes; `None` without a header.
fn whole(ends: &[usize], length: usize) -> Option<usize> {
    ends.iter().filter(|end| **end <= length).count().checked_sub(1)
}

#[test]
fn a_journal_comes_back_as_it_was_written() {
    let (bytes, _) = bytes();
    let (header, found, damage) = read(&bytes).expect("is whole");
    assert_eq!(header, super::fixture::header("20260511T073000Z-backup-0a1b2c3d"));
    assert_eq!(shown(&found), shown(&records()));
    assert_eq!(damage, Damage::default());
}

#[test]
fn cut_off_at_any_byte_it_gives_every_whole_record() {
    let (bytes, ends) = bytes();
    for length in 0..bytes.len() {
        match (read(&bytes[..length]), whole(&ends, length)) {
            (Err(reason), None) => assert!(reason.contains("is not known"), "{length}: {reason}"),
            (Ok((_, found, damage)), Some(count)) => {
                assert_eq!(shown(&found), shown(&records()[..count]), "{length}");
                assert_eq!(damage, Damage { torn: !ends.contains(&length), lost: 0 }, "{length}");
            }
            (other, count) => panic!("{length}: {other:?}, {count:?}"),
        }
    }
}

#[test]
fn a_record_behind_a_torn_one_is_read() {
    let (bytes, ends) = bytes();
    let next = line(&Record::SummaryWritten).expect("is written");
    for cut in ends[0] + 1..ends[4] {
        if ends.contains(&cut) {
            continue;
        }
        let before = whole(&ends, cut).expect("has a header");
        for gap in [&b""[..], b"\n", b"\n\n"] {
            let glued = [&bytes[..cut], gap, &next[..], &next[..]].concat();
            let (_, found, damage) = read(&glued).expect("has a header");
            // What is torn off at its newline alone is whole again with one.
            let mended = usize::from(ends.contains(&(cut + 1)) && !gap.is_empty());
            assert_eq!(found.len(), before + mended + 2, "{cut} {gap:?}");
            assert_eq!(shown(&found[..before]), shown(&records()[..before]));
            assert_eq!(damage, Damage { torn: false, lost: 1 - mended }, "{cut} {gap:?}");
        }
    }
}

#[test]
fn a_bad_last_line_is_torn_and_one_in_the_middle_is_lost() {
    let (mut bytes, ends) = bytes();
    let last = ends[ends.len() - 2];
    bytes[last + 12] ^= 1;
    let (_, found, damage) = read(&bytes).expect("has a header");
    assert_eq!((found.len(), damage), (records().len() - 1, Damage { torn: true, lost: 0 }));
    bytes[ends[3] + 3] ^= 1;
    let (_, found, damage) = read(&bytes).expect("has a header");
    assert_eq!((found.len(), damage), (records().len() - 2, Damage { torn: true, lost: 1 }));
    // A record that this program does not know is lost, too.
    let unknown = line(&serde_json::json!({"Frozen": 1})).expect("is written");
    let bytes = [&bytes[..ends[0]], &unknown, &bytes[ends[0]..ends[2]]].concat();
    let (_, found, damage) = read(&bytes).expect("has a header");
    assert_eq!((found.len(), damage), (2, Damage { torn: false, lost: 1 }));
}

#[test]
fn a_line_that_is_too_long_is_lost() {
    let (bytes, ends) = bytes();
    let long = line(&Record::Trouble("x".repeat(LONGEST))).expect("is written");
    let bytes = [&bytes[..ends[1]], &long, &bytes[ends[1]..]].concat();
    let (_, found, damage) = read(&bytes).expect("has a header");
    assert_eq!((found.len(), damage), (records().len(), Damage { torn: false, lost: 1 }));
}

#[test]
fn another_version_is_named_with_its_mend() {
    let (bytes, ends) = bytes();
    let json = |header: &[u8]| {
        let text = std::str::from_utf8(&header[9..]).expect("is text").trim_end().to_owned();
        text.replacen("\"boathook_journal\":1", "\"boathook_journal\":7", 1)
    };
    let value: serde_json::Value = serde_json::from_str(&json(&bytes[..ends[0]])).expect("is JSON");
    let newer = line(&value).expect("is written");
    assert_eq!(
        read(&newer).expect_err("is newer"),
        "it is of version 7, this program reads 1: use the newer boathook that wrote it"
    );
    for value in [serde_json::json!({"boathook_journal": 0}), serde_json::json!({"a": 1}), serde_json::json!(3)] {
        let line = line(&value).expect("is written");
        assert!(read(&line).is_err(), "{value}");
    }
    let of_nothing = line(&serde_json::json!({"boathook_journal": 1})).expect("is written");
    assert!(read(&of_nothing).expect_err("has no plan").starts_with("its first line cannot be read: "));
}

/// The header with one hook's definition replaced.
fn with_hook(change: impl Fn(&mut serde_json::Value)) -> Header {
    let mut value = serde_json::to_value(header("r")).expect("is written");
    change(&mut value["plan"]["undos"][0]);
    serde_json::from_value(value).expect("is read")
}

#[test]
fn a_hook_of_another_release_does_not_cost_the_others() {
    let unread = with_hook(|hook| hook["action"] = serde_json::json!({"Telepathy": {"to": "db"}}));
    let known = header("r");
    assert!(super::by_name::is_by_name(&unread.plan.undos[0]));
    let (undo, expected) = (&unread.plan.undos[0], &known.plan.undos[0]);
    assert_eq!(
        (&undo.name, undo.phase, &undo.source, undo.undo_of),
        (&expected.name, expected.phase, &expected.source, expected.undo_of)
    );
    assert_eq!(unread.plan.undos[1..], known.plan.undos[1..]);
    assert_eq!((unread.plan.pre, unread.plan.post), (known.plan.pre, known.plan.post));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_survived(noise in prop::collection::vec(any::<u8>(), 0..600), keep in 0..20_usize) {
        let _ = read(&noise);
        let (bytes, ends) = bytes();
        let keep = keep.min(ends.len() - 1);
        let begun = [&bytes[..ends[keep]], &noise[..]].concat();
        let (_, found, _) = read(&begun).expect("has a header");
        prop_assert!(found.len() >= keep);
        prop_assert_eq!(shown(&found[..keep]), shown(&records()[..keep]));
    }

    #[test]
    fn lines_of_noise_with_right_checksums_are_survived(lines in prop::collection::vec(any::<String>(), 0..6)) {
        let (bytes, ends) = bytes();
        let mut noisy = bytes[..ends[0]].to_vec();
        for noise in &lines {
            noisy.extend(format!("{:08x} {noise}\n", crc32fast::hash(noise.as_bytes())).into_bytes());
        }
        let (_, found, _) = read(&noisy).expect("has a header");
        prop_assert!(found.is_empty());
        let first = lines.first().cloned().unwrap_or_default();
        let alone = format!("{:08x} {first}\n", crc32fast::hash(first.as_bytes()));
        prop_assert!(read(alone.as_bytes()).is_err());
    }

    #[test]
    fn a_changed_byte_is_seen_and_costs_no_other_record(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (mut bytes, ends) = bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != to);
        bytes[place] = to;
        match (read(&bytes), whole(&ends, place)) {
            (Err(_), None) => {}
            (Ok((_, found, damage)), Some(before)) => {
                prop_assert!(damage.torn || damage.lost > 0, "{damage:?}");
                prop_assert_eq!(shown(&found[..before]), shown(&records()[..before]));
                // The line, and the next one if it was the newline between them.
                prop_assert!(found.len() + 2 >= records().len());
            }
            (other, before) => prop_assert!(false, "{place}: {other:?} {before:?}"),
        }
    }
}
