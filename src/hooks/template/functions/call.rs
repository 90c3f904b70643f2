//! A call of a function: its name, what it was given, and what it may still cost.

use super::super::budget::Budget;
use super::super::format::to_text;
use super::super::value::Value;
use super::go;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest text that a function makes, and the most that a list or mapping may hold with all that is in it, in bytes.
pub(super) const LARGEST: usize = 1 << 20;
/// How deep lists and mappings may lie in one another.
const DEEPEST: usize = 100;
/// What an item of a list counts beside the text that it holds, in bytes.
const ITEM: usize = 16;
/// How many items are looked at for one step.
const ITEMS_A_STEP: usize = 4;

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arity {
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

/// A call of a function.
pub(super) struct Call<'a> {
    given: &'a [Value],
    budget: &'a Budget,
}

/// What a function gives back.
pub(super) type Answer = Result<Value, String>;

impl<'a> Call<'a> {
    /// A call with as many arguments as the function takes.
    pub(super) fn new(
        name: &'static str,
        arity: Arity,
        given: &'a [Value],
        budget: &'a Budget,
    ) -> Result<Self, String> {
        let got = given.len();
        match arity {
            Arity::Exactly(want) if got != want => {
                return Err(format!("wrong number of args for {name}: want {want} got {got}"));
            }
            Arity::AtLeast(want) if got < want => {
                return Err(format!("wrong number of args for {name}: want at least {want} got {got}"));
            }
            _ => {}
        }
        budget.spend(1 + got / ITEMS_A_STEP)?;
        Ok(Self { given, budget })
    }

    /// All arguments.
    pub(super) fn all(&self) -> &'a [Value] {
        self.given
    }

    /// The argument at a place that the arity has made sure of.
    pub(super) fn value(&self, at: usize) -> &'a Value {
        &self.given[at]
    }

    /// A `string`.
    pub(super) fn text(&self, at: usize) -> Result<&'a str, String> {
        match &self.given[at] {
            Value::Text(text) => Ok(text),
            other => Err(wrong_type("string", other)),
        }
    }

    /// An `int`. A literal such as `2.0` is one as well.
    pub(super) fn int(&self, at: usize) -> Result<i64, String> {
        match &self.given[at] {
            Value::Int(number) => Ok(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(*number as i64),
            other => Err(wrong_type("int", other)),
        }
    }

    /// A `float64`; a whole number is one as well.
    pub(super) fn float(&self, at: usize) -> Result<f64, String> {
        match &self.given[at] {
            Value::Int(number) => Ok(*number as f64),
            Value::Float(number) => Ok(*number),
            other => Err(wrong_type("float64", other)),
        }
    }

    /// A `bool`.
    pub(super) fn bool(&self, at: usize) -> Result<bool, String> {
        match &self.given[at] {
            Value::Bool(is) => Ok(*is),
            other => Err(wrong_type("bool", other)),
        }
    }

    /// A mapping; nothing is an empty one.
    pub(super) fn map(&self, at: usize) -> Result<Arc<BTreeMap<String, Value>>, String> {
        match &self.given[at] {
            Value::Map(entries) => Ok(Arc::clone(entries)),
            Value::Nil => Ok(Arc::default()),
            other => Err(wrong_type("map[string]interface {}", other)),
        }
    }

    /// A time, as nanoseconds since 1970 and the offset.
    pub(super) fn time(&self, at: usize) -> Result<(i128, i32), String> {
        match &self.given[at] {
            Value::Time(nanos, offset) => Ok((*nanos, *offset)),
            other => Err(wrong_type("time.Time", other)),
        }
    }

    /// A list of anything. `what` is how the function says that it is none: `Cannot find first on type`.
    pub(super) fn list(&self, at: usize, what: &str) -> Result<&'a [Value], String> {
        match &self.given[at] {
            Value::List(items) => Ok(items),
            other => Err(format!("{what} {}", go::kind(other))),
        }
    }

    /// What Go's `%v` prints.
    pub(super) fn shown(&self, value: &'a Value) -> Result<Cow<'a, str>, String> {
        let text = match value {
            Value::Text(text) => return Ok(Cow::Borrowed(text)),
            Value::Nil => return Ok(Cow::Borrowed("<nil>")),
            other => to_text(other),
        };
        self.room(text.len())?;
        Ok(Cow::Owned(text))
    }

    /// The texts of a list; a single value is a list of one, nothing is none.
    pub(super) fn texts(&self, value: &'a Value) -> Result<Vec<Cow<'a, str>>, String> {
        match value {
            Value::Nil => Ok(Vec::new()),
            Value::List(items) => {
                self.look_at(items.len())?;
                items.iter().filter(|item| !matches!(item, Value::Nil)).map(|item| self.shown(item)).collect()
            }
            other => Ok(vec![self.shown(other)?]),
        }
    }

    /// Pays for a text of `bytes` bytes, before it is made.
    pub(super) fn room(&self, bytes: usize) -> Result<(), String> {
        self.budget.output(bytes)
    }

    /// Pays for looking at so many items.
    pub(super) fn look_at(&self, items: usize) -> Result<(), String> {
        self.spend(items / ITEMS_A_STEP)
    }

    /// Pays so many steps.
    pub(super) fn spend(&self, steps: usize) -> Result<(), String> {
        self.budget.spend(steps)
    }

    /// Whether two values are the same through and through.
    pub(super) fn same(&self, one: &Value, other: &Value) -> Result<bool, String> {
        let (mut items, mut bytes) = (0, 0);
        if matches!((one, other), (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_))) {
            weigh(one, DEEPEST, &mut items, &mut bytes)?;
        }
        if let (Value::Text(one), Value::Text(other)) = (one, other) {
            bytes = one.len().min(other.len());
        }
        self.spend(1 + items / ITEMS_A_STEP + bytes / LARGEST.isqrt())?;
        Ok(one == other)
    }

    /// Pays for one more item of a list that has `so_far`.
    pub(super) fn item(&self, so_far: usize) -> Result<(), String> {
        if so_far >= LARGEST / ITEM {
            return Err(format!("it would make a list of more than {} items", LARGEST / ITEM));
        }
        if so_far.is_multiple_of(ITEMS_A_STEP) { self.spend(1) } else { Ok(()) }
    }

    /// A text that was made.
    pub(super) fn made(&self, text: impl AsRef<str>) -> Answer {
        self.room(text.as_ref().len())?;
        Ok(Value::text(text))
    }

    /// A list that was made.
    pub(super) fn made_list(&self, items: Vec<Value>) -> Answer {
        self.held(Value::list(items))
    }

    /// A list of texts that was made.
    pub(super) fn made_texts<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> Answer {
        self.made_list(texts.into_iter().map(Value::text).collect())
    }

    /// A mapping that was made.
    pub(super) fn made_map(&self, entries: BTreeMap<String, Value>) -> Answer {
        self.held(Value::Map(Arc::new(entries)))
    }

    /// A value, if it is not too deep and what would be printed of it not too long: the same list may stand in it many
    /// times over.
    pub(super) fn held(&self, value: Value) -> Answer {
        let (mut items, mut bytes) = (0, 0);
        let fits = weigh(&value, DEEPEST, &mut items, &mut bytes);
        self.look_at(items)?;
        fits.map(|()| value)
    }
}

fn weigh(value: &Value, depth: usize, items: &mut usize, bytes: &mut usize) -> Result<(), String> {
    *items += 1;
    *bytes += ITEM;
    if *bytes > LARGEST {
        return Err(format!("it would make a list or mapping of more than {LARGEST} bytes"));
    }
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(format!("lists and mappings would lie in one another more than {DEEPEST} deep"));
    };
    match value {
        Value::Text(text) => *bytes += text.len(),
        Value::List(list) => list.iter().try_for_each(|item| weigh(item, deeper, items, bytes))?,
        Value::Map(entries) => {
            for (key, entry) in entries.iter() {
                *bytes += key.len();
                weigh(entry, deeper, items, bytes)?;
            }
        }
        Value::Struct(record) => {
            record.fields.iter().try_for_each(|field| weigh(&field.value, deeper, items, bytes))?;
        }
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Time(..) => {}
    }
    if *bytes > LARGEST {
        return Err(format!("it would make a list or mapping of more than {LARGEST} bytes"));
    }
    Ok(())
}

fn wrong_type(expected: &str, got: &Value) -> String {
    match got {
        Value::Nil => format!("invalid value; expected {expected}"),
        other => format!("wrong type for value; expected {expected}; got {}", go::type_name(other)),
    }
}
