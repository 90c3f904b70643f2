//! Reading a journal, whatever its bytes are.

use super::super::state::Record;
use super::format::json_of;
use super::{Damage, Header};

/// How many places in a broken line are tried as the beginning of a whole one.
const MOST_TRIES: usize = 64;

/// Header, records and damage of a journal of these bytes.
///
/// # Errors
/// Why nothing of it can be used, as a predicate.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, Vec<Record>, Damage), String> {
    if bytes.is_empty() {
        return Err("it is empty: what its run owes is not known".to_owned());
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Err("its first line is not whole: what its run owes is not known".to_owned());
    };
    let Some(json) = json_of(&bytes[..end]) else {
        return Err("its first line is damaged: what its run owes is not known".to_owned());
    };
    let header = Header::read(json)?;
    let mut records = Vec::new();
    let mut damage = Damage::default();
    let mut lines = bytes[end + 1..].split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(line) = line.strip_suffix(b"\n") else {
            damage.torn = true;
            break;
        };
        // Whoever comes after a torn line begins a new one.
        if line.is_empty() {
            continue;
        }
        let record = record(line);
        if record.is_none() && lines.peek().is_none() {
            damage.torn = true;
            break;
        }
        // The end of a line may be a whole one: it was written behind a torn one.
        let (whole, glued) = (record.is_some(), record.or_else(|| glued(line)));
        damage.lost += usize::from(!whole);
        if matches!(glued, Some(Record::Anew(_))) {
            // It says again all that its writer knew, who saw what was lost by then.
            damage.lost = 0;
        }
        records.extend(glued);
    }
    Ok((header, records, damage))
}

fn record(line: &[u8]) -> Option<Record> {
    serde_json::from_slice(json_of(line)?).ok()
}

/// The record behind a torn one. No text within a record looks like one: JSON has a backslash before each quote there.
fn glued(line: &[u8]) -> Option<Record> {
    let places = line.windows(10).enumerate().skip(1);
    let begins = places.filter(|(_, window)| window[8] == b' ' && matches!(window[9], b'{' | b'"'));
    begins.take(MOST_TRIES).find_map(|(place, _)| record(&line[place..]))
}
