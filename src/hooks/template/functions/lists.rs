//! Lists.

use super::super::value::Value;
use super::call::{Answer, Call};
use super::go;

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.made_list(call.all().to_vec())
}

pub(super) fn first(call: &Call<'_>) -> Answer {
    Ok(call.list(0, "Cannot find first on type")?.first().cloned().unwrap_or(Value::Nil))
}

pub(super) fn last(call: &Call<'_>) -> Answer {
    Ok(call.list(0, "Cannot find last on type")?.last().cloned().unwrap_or(Value::Nil))
}

pub(super) fn rest(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot find rest on type")?;
    call.made_list(items.get(1..).unwrap_or_default().to_vec())
}

pub(super) fn initial(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot find initial on type")?;
    call.made_list(items[..items.len().saturating_sub(1)].to_vec())
}

pub(super) fn append(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot push on type")?;
    call.made_list(items.iter().chain([call.value(1)]).cloned().collect())
}

pub(super) fn prepend(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot prepend on type")?;
    call.made_list([call.value(1)].into_iter().chain(items).cloned().collect())
}

pub(super) fn concat(call: &Call<'_>) -> Answer {
    let mut all = Vec::new();
    for (at, list) in call.all().iter().enumerate() {
        let Value::List(items) = call.value(at) else {
            return Err(format!("Cannot concat type {} as list", go::kind(list)));
        };
        call.look_at(items.len())?;
        all.extend(items.iter().cloned());
    }
    call.made_list(all)
}

pub(super) fn reverse(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot find reverse on type")?;
    call.made_list(items.iter().rev().cloned().collect())
}

pub(super) fn compact(call: &Call<'_>) -> Answer {
    let items = call.list(0, "Cannot compact on type")?;
    call.made_list(items.iter().filter(|item| !go::is_empty(item)).cloned().collect())
}

pub(super) fn uniq(call: &Call<'_>) -> Answer {
    let mut found: Vec<Value> = Vec::new();
    for item in call.list(0, "Cannot find uniq on type")? {
        if !is_in(call, &found, item)? {
            found.push(item.clone());
        }
    }
    call.made_list(found)
}

pub(super) fn without(call: &Call<'_>) -> Answer {
    let mut kept = Vec::new();
    for item in call.list(0, "Cannot find without on type")? {
        if !is_in(call, &call.all()[1..], item)? {
            kept.push(item.clone());
        }
    }
    call.made_list(kept)
}

pub(super) fn has(call: &Call<'_>) -> Answer {
    if matches!(call.value(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = call.list(1, "Cannot find has on type")?;
    Ok(Value::Bool(is_in(call, items, call.value(0))?))
}

fn is_in(call: &Call<'_>, items: &[Value], sought: &Value) -> Result<bool, String> {
    for item in items {
        if call.same(item, sought)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of a list as Sprig has it; of a text as Go has it, in bytes, which are moved out of the middle of a character.
pub(super) fn slice(call: &Call<'_>) -> Answer {
    let places = &call.all()[1..];
    let bounds = |length: usize| -> Result<(usize, usize), String> {
        let start = places.first().map_or(0, go::int64);
        let end = places.get(1).map_or(length as i64, go::int64);
        let out = |at: i64| format!("slice index out of range: {at}");
        let (from, to) = (usize::try_from(start).map_err(|_| out(start))?, usize::try_from(end).map_err(|_| out(end))?);
        if to > length {
            return Err(out(end));
        }
        if from > to {
            return Err(format!("invalid slice index: {from} > {to}"));
        }
        Ok((from, to))
    };
    match call.value(0) {
        Value::List(items) if items.is_empty() => Ok(Value::Nil),
        Value::List(items) => {
            let (from, to) = bounds(items.len())?;
            call.made_list(items[from..to].to_vec())
        }
        Value::Text(text) => {
            let (from, to) = bounds(text.len())?;
            call.made(&text[text.floor_char_boundary(from)..text.floor_char_boundary(to)])
        }
        other => Err(format!("list should be type of slice or array but {}", go::kind(other))),
    }
}

pub(super) fn chunk(call: &Call<'_>) -> Answer {
    let size = call.int(0)?;
    let items = call.list(1, "Cannot chunk type")?;
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(format!("a chunk cannot have {size} items"));
    };
    call.made_list(items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect())
}

pub(super) fn sort_alpha(call: &Call<'_>) -> Answer {
    let mut texts = call.texts(call.value(0))?;
    call.spend(texts.len())?;
    texts.sort_unstable();
    call.made_texts(texts)
}

pub(super) fn until(call: &Call<'_>) -> Answer {
    let count = call.int(0)?;
    call.made_list(steps(call, 0, count, if count < 0 { -1 } else { 1 })?)
}

pub(super) fn until_step(call: &Call<'_>) -> Answer {
    call.made_list(steps(call, call.int(0)?, call.int(1)?, call.int(2)?)?)
}

pub(super) fn seq(call: &Call<'_>) -> Answer {
    let ends = call.all().iter().enumerate().map(|(at, _)| call.int(at)).collect::<Result<Vec<_>, _>>()?;
    let (start, step, end) = match ends[..] {
        [end] => (1, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return Ok(Value::text("")),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok(Value::text(""));
    }
    let numbers = steps(call, start, end.saturating_add(direction), step.unwrap_or(direction))?;
    let texts = numbers.iter().map(|number| go::int64(number).to_string()).collect::<Vec<_>>();
    call.made(texts.join(" "))
}

/// The numbers from `start` to before `end`.
fn steps(call: &Call<'_>, start: i64, end: i64, by: i64) -> Result<Vec<Value>, String> {
    let mut numbers = Vec::new();
    let mut at = Some(start);
    while let Some(number) = at.filter(|at| if by < 0 { *at > end } else { by > 0 && *at < end }) {
        call.item(numbers.len())?;
        numbers.push(Value::Int(number));
        at = number.checked_add(by);
    }
    Ok(numbers)
}
