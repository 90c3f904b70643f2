//! Go's own functions, and `shquote`.

use super::budget::Budget;
use super::reflected::Reflected;
use super::{Value, compare, escape, format};
use std::cmp::Ordering;

/// A function that sees what kind of `nil` it is given.
#[derive(Debug)]
pub(super) struct Builtin {
    name: &'static str,
    /// The fewest arguments.
    least: usize,
    /// Whether more may follow.
    variadic: bool,
    /// What it does.
    pub(super) run: fn(&[Reflected], &Budget) -> Result<Reflected, String>,
}

impl Builtin {
    /// Whether the arguments are of the types that it takes: all are, but for the format of `printf`.
    ///
    /// # Errors
    /// As Go says it.
    pub(super) fn accepts(&self, given: &[Reflected]) -> Result<(), String> {
        match given.first() {
            _ if self.name != "printf" => Ok(()),
            Some(Reflected::Held(Value::Text(_), _)) => Ok(()),
            Some(Reflected::Held(other, _)) => {
                Err(format!("wrong type for value; expected string; got {}", other.type_name()))
            }
            _ => Err("invalid value; expected string".to_owned()),
        }
    }

    /// What Go says to a wrong number of arguments; `piped` is one more.
    pub(super) fn refuses(&self, count: usize, piped: bool) -> Option<String> {
        let given = count + usize::from(piped);
        let Self { name, least, .. } = self;
        if self.variadic {
            (given < *least).then(|| format!("wrong number of args for {name}: want at least {least} got {count}"))
        } else {
            (given != *least).then(|| format!("wrong number of args for {name}: want {least} got {given}"))
        }
    }
}

/// The function of that name.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

type Run = fn(&[Reflected], &Budget) -> Result<Reflected, String>;

const fn exactly(name: &'static str, least: usize, run: Run) -> Builtin {
    Builtin { name, least, variadic: false, run }
}

const fn at_least(name: &'static str, least: usize, run: Run) -> Builtin {
    Builtin { name, least, variadic: true, run }
}

static BUILTINS: &[Builtin] = &[
    at_least("and", 1, |given, _| Ok(last(given))),
    at_least("or", 1, |given, _| Ok(last(given))),
    exactly("not", 1, |given, _| Ok(bool(!given[0].truth()))),
    at_least("call", 1, call),
    exactly("len", 1, |given, _| length(&given[0])),
    at_least("index", 1, |given, _| index(&given[0], &given[1..])),
    at_least("slice", 1, |given, budget| slice(&given[0], &given[1..], budget)),
    at_least("print", 0, |given, budget| text(format::sprint(&values(given)), budget)),
    at_least("println", 0, |given, budget| text(format::sprintln(&values(given)), budget)),
    at_least("printf", 1, printf),
    at_least("html", 0, |given, budget| escaped(given, budget, escape::html)),
    at_least("js", 0, |given, budget| escaped(given, budget, escape::js)),
    at_least("urlquery", 0, |given, budget| escaped(given, budget, escape::query)),
    exactly("shquote", 1, shquote),
    at_least("eq", 1, |given, _| Ok(bool(compare::equal(&given[0], &given[1..])?))),
    exactly("ne", 2, |given, _| Ok(bool(!compare::equal(&given[0], &given[1..])?))),
    exactly("lt", 2, |given, _| Ok(bool(compare::order(&given[0], &given[1])? == Some(Ordering::Less)))),
    exactly("le", 2, |given, _| Ok(bool(at_most(&given[0], &given[1])?))),
    exactly("gt", 2, |given, _| Ok(bool(!at_most(&given[0], &given[1])?))),
    exactly("ge", 2, |given, _| Ok(bool(compare::order(&given[0], &given[1])? != Some(Ordering::Less)))),
];

/// As in Go: greater is what is not this, also for what is no number.
fn at_most(one: &Reflected, other: &Reflected) -> Result<bool, String> {
    Ok(matches!(compare::order(one, other)?, Some(Ordering::Less | Ordering::Equal)))
}

/// `and` and `or` are jumps; this is what is left of them.
fn last(given: &[Reflected]) -> Reflected {
    given.last().cloned().unwrap_or(Reflected::Invalid)
}

fn bool(truth: bool) -> Reflected {
    Reflected::Held(Value::Bool(truth), false)
}

fn text(text: String, budget: &Budget) -> Result<Reflected, String> {
    budget.output(text.len())?;
    Ok(Reflected::Held(Value::text(text), false))
}

fn values(given: &[Reflected]) -> Vec<Value> {
    given.iter().map(Reflected::value).collect()
}

fn call(given: &[Reflected], _: &Budget) -> Result<Reflected, String> {
    Err(match &given[0] {
        Reflected::Held(value, _) => format!("non-function of type {}", value.type_name()),
        _ => "call of nil".to_owned(),
    })
}

fn printf(given: &[Reflected], budget: &Budget) -> Result<Reflected, String> {
    let Reflected::Held(Value::Text(format), _) = &given[0] else {
        unreachable!("it accepts no other");
    };
    text(format::sprintf(format, &values(&given[1..])), budget)
}

fn escaped(given: &[Reflected], budget: &Budget, escape: fn(&str) -> String) -> Result<Reflected, String> {
    let printable = |value: &Reflected| match value {
        Reflected::Invalid | Reflected::NilInterface => Value::text("<no value>"),
        other => other.value(),
    };
    let plain = match given {
        [Reflected::Held(value, _)] => format::to_text(value),
        _ => format::sprint(&given.iter().map(printable).collect::<Vec<_>>()),
    };
    budget.output(plain.len())?;
    text(escape(&plain), budget)
}

fn shquote(given: &[Reflected], budget: &Budget) -> Result<Reflected, String> {
    let plain = match &given[0] {
        Reflected::Held(value, _) => format::to_text(value),
        Reflected::Invalid | Reflected::NilInterface => "<no value>".to_owned(),
        Reflected::NilPointer(_) => "<nil>".to_owned(),
    };
    budget.output(plain.len())?;
    text(escape::shell(&plain)?, budget)
}

fn length(item: &Reflected) -> Result<Reflected, String> {
    let length = match item {
        Reflected::Held(Value::Text(text), _) => text.len(),
        Reflected::Held(Value::List(items), _) => items.len(),
        Reflected::Held(Value::Map(entries), _) => entries.len(),
        Reflected::Held(other, _) => return Err(format!("len of type {}", other.type_name().trim_start_matches('*'))),
        _ => return Err("len of nil pointer".to_owned()),
    };
    Ok(Reflected::Held(Value::Int(length as i64), false))
}

fn index(item: &Reflected, indexes: &[Reflected]) -> Result<Reflected, String> {
    if matches!(item, Reflected::Invalid | Reflected::NilInterface) {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone();
    for index in indexes {
        let Reflected::Held(value, _) = &item else {
            return Err("index of nil pointer".to_owned());
        };
        item = match value {
            Value::List(items) => {
                let position = within(index, items.len())?;
                Reflected::element(items[position].clone())
            }
            Value::Text(text) => {
                let position = within(index, text.len())?;
                Reflected::Held(Value::Int(i64::from(text.as_bytes()[position])), false)
            }
            Value::Map(entries) => match index {
                Reflected::Held(Value::Text(key), _) => {
                    entries.get(&**key).cloned().map_or(Reflected::NilInterface, Reflected::element)
                }
                Reflected::Held(other, _) => {
                    return Err(format!("value has type {}; should be string", other.type_name()));
                }
                _ => return Err("value is nil; should be of type string".to_owned()),
            },
            other => return Err(format!("can't index item of type {}", other.type_name().trim_start_matches('*'))),
        };
    }
    Ok(item)
}

/// The place of an item.
fn within(index: &Reflected, length: usize) -> Result<usize, String> {
    match position(index, length)? {
        position if position < length => Ok(position),
        position => Err(format!("index out of range: {position}")),
    }
}

/// A place between items.
fn position(index: &Reflected, capacity: usize) -> Result<usize, String> {
    match index {
        Reflected::Held(Value::Int(number), _) => usize::try_from(*number)
            .ok()
            .filter(|position| *position <= capacity)
            .ok_or_else(|| format!("index out of range: {number}")),
        Reflected::Held(other, _) => Err(format!("cannot index slice/array with type {}", other.type_name())),
        _ => Err("cannot index slice/array with nil".to_owned()),
    }
}

fn slice(item: &Reflected, indexes: &[Reflected], budget: &Budget) -> Result<Reflected, String> {
    let Reflected::Held(value, _) = item else {
        return Err("slice of untyped nil".to_owned());
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match value {
        Value::Text(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    for (low, high) in [(bounds[0], bounds[1]), (bounds[1], bounds[2])] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}"));
        }
    }
    let range = bounds[0]..bounds[1];
    match value {
        Value::List(items) => {
            budget.spend(range.len())?;
            Ok(Reflected::Held(Value::list(items[range].to_vec()), false))
        }
        Value::Text(plain) => text(String::from_utf8_lossy(&plain.as_bytes()[range]).into_owned(), budget),
        _ => unreachable!("only lists and texts have a length"),
    }
}
