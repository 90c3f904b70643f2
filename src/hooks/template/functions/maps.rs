//! Mappings.
//!
//! Values do not change: `set`, `unset` and the merging functions give back what Sprig would have made of their first
//! argument. That the variable then holds it is the evaluator's doing ([`super::changes_its_first`]).

use super::super::value::Value;
use super::call::{Answer, Call};
use super::go;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn dict(call: &Call<'_>) -> Answer {
    let mut entries = BTreeMap::new();
    for pair in call.all().chunks(2) {
        let key = call.shown(&pair[0])?.into_owned();
        entries.insert(key, pair.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    call.made_map(entries)
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    Ok(call.map(0)?.get(call.text(1)?).cloned().unwrap_or_else(|| Value::text("")))
}

pub(super) fn set(call: &Call<'_>) -> Answer {
    let mut entries = own(call, 0)?;
    if matches!(call.value(0), Value::Nil) {
        return Err("assignment to entry in nil map".to_owned());
    }
    entries.insert(call.text(1)?.to_owned(), call.value(2).clone());
    call.made_map(entries)
}

pub(super) fn unset(call: &Call<'_>) -> Answer {
    let mut entries = own(call, 0)?;
    entries.remove(call.text(1)?);
    call.made_map(entries)
}

pub(super) fn has_key(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.map(0)?.contains_key(call.text(1)?)))
}

pub(super) fn pluck(call: &Call<'_>) -> Answer {
    let key = call.text(0)?;
    let mut found = Vec::new();
    for at in 1..call.all().len() {
        found.extend(call.map(at)?.get(key).cloned());
    }
    call.made_list(found)
}

pub(super) fn keys(call: &Call<'_>) -> Answer {
    let mut found = Vec::new();
    for at in 0..call.all().len() {
        let entries = call.map(at)?;
        call.look_at(entries.len())?;
        found.extend(entries.keys().map(Value::text));
    }
    call.made_list(found)
}

pub(super) fn values(call: &Call<'_>) -> Answer {
    call.made_list(call.map(0)?.values().cloned().collect())
}

pub(super) fn pick(call: &Call<'_>) -> Answer {
    let entries = call.map(0)?;
    let mut picked = BTreeMap::new();
    for at in 1..call.all().len() {
        if let Some((key, value)) = entries.get_key_value(call.text(at)?) {
            picked.insert(key.clone(), value.clone());
        }
    }
    call.made_map(picked)
}

pub(super) fn omit(call: &Call<'_>) -> Answer {
    let mut entries = own(call, 0)?;
    for at in 1..call.all().len() {
        entries.remove(call.text(at)?);
    }
    call.made_map(entries)
}

pub(super) fn dig(call: &Call<'_>) -> Answer {
    let [path @ .., default, last] = call.all() else { return Err("dig needs at least three arguments".to_owned()) };
    if path.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut at = last;
    for (place, _) in path.iter().enumerate() {
        let Value::Map(entries) = at else {
            let is = go::type_name(at);
            return Err(format!("interface conversion: interface {{}} is {is}, not map[string]interface {{}}"));
        };
        match entries.get(call.text(place)?) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at.clone())
}

/// Who wins where both mappings have something.
#[derive(Clone, Copy, PartialEq)]
enum Winner {
    First,
    Later,
}

pub(super) fn merge(call: &Call<'_>) -> Answer {
    merged(call, Winner::First)
}

pub(super) fn merge_overwrite(call: &Call<'_>) -> Answer {
    merged(call, Winner::Later)
}

fn merged(call: &Call<'_>, winner: Winner) -> Answer {
    let mut entries = own(call, 0)?;
    for at in 1..call.all().len() {
        let from = call.map(at)?;
        // Looks at all that is in it, and no deeper than values may be.
        call.held(Value::Map(Arc::clone(&from)))?;
        merge_into(&mut entries, &from, winner);
    }
    call.made_map(entries)
}

fn merge_into(into: &mut BTreeMap<String, Value>, from: &BTreeMap<String, Value>, winner: Winner) {
    for (key, value) in from {
        let there = into.get_mut(key);
        match (there, value) {
            (None, _) if *value != Value::Nil || winner == Winner::Later => {
                into.insert(key.clone(), value.clone());
            }
            (None, _) => {}
            (Some(Value::Map(below)), Value::Map(more)) => merge_into(Arc::make_mut(below), more, winner),
            // A mapping takes the place of nothing but what is empty.
            (Some(there), Value::Map(_)) if !go::is_empty(there) => {}
            (Some(there), _) => {
                if winner == Winner::Later || (go::is_empty(there) && *value != Value::Nil) {
                    *there = value.clone();
                }
            }
        }
    }
}

/// A mapping to change.
fn own(call: &Call<'_>, at: usize) -> Result<BTreeMap<String, Value>, String> {
    let entries = call.map(at)?;
    call.look_at(entries.len())?;
    Ok((*entries).clone())
}
