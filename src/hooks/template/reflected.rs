//! A value while a template is evaluated, with what Go's reflection would know of it.

use super::Value;
use std::sync::Arc;

/// A value as the evaluator holds it.
///
/// A [`Value::Nil`] is one of three things in Go, and templates can tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reflected {
    /// No value: a key that is not there, `nil` itself. Printed as `<no value>`.
    Invalid,
    /// A `nil` that stands in a map or a list.
    NilInterface,
    /// The `nil` of a struct's field, with the type that the field would have.
    NilPointer(Arc<str>),
    /// Anything else; the flag says that it stands in a map or a list (`interface {}` in messages).
    Held(Value, bool),
}

impl Reflected {
    /// What stands in a map or a list.
    pub(super) fn element(value: Value) -> Self {
        match value {
            Value::Nil => Self::NilInterface,
            value => Self::Held(value, true),
        }
    }

    /// What a function gave, or the template's data.
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Nil => Self::Invalid,
            value => Self::Held(value, false),
        }
    }

    /// What it is when a pipeline has taken it out of its map or list.
    pub(super) fn unwrapped(self) -> Self {
        match self {
            Self::NilInterface => Self::Invalid,
            Self::Held(value, _) => Self::Held(value, false),
            other => other,
        }
    }

    /// What functions see of it.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Held(value, _) => value.clone(),
            _ => Value::Nil,
        }
    }

    /// Whether `if` takes it as true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Held(value, _) => value.truth(),
            _ => false,
        }
    }

    /// Its field or entry `name`, as `.name` gives it; `arguments` says that the template hands it some.
    ///
    /// # Errors
    /// As Go says it.
    pub(super) fn field(self, name: &str, arguments: bool) -> Result<Self, String> {
        let (value, interface) = match self {
            Self::Invalid => return Ok(Self::Invalid),
            Self::NilInterface => return Err(format!("nil pointer evaluating interface {{}}.{name}")),
            Self::NilPointer(kind) => return Err(format!("nil pointer evaluating {kind}.{name}")),
            Self::Held(value, interface) => (value, interface),
        };
        match &value {
            Value::Map(_) if arguments => Err(format!("{name} is not a method but has arguments")),
            Value::Map(entries) => Ok(entries.get(name).cloned().map_or(Self::Invalid, Self::element)),
            Value::Struct(record) => match record.fields.iter().find(|field| field.name == name) {
                Some(_) if arguments => Err(format!("{name} has arguments but cannot be invoked as function")),
                Some(field) if field.value == Value::Nil => Ok(Self::NilPointer(pointer(&record.type_name, name))),
                Some(field) => Ok(Self::Held(field.value.clone(), false)),
                None => Err(unknown(name, &value, interface)),
            },
            _ => Err(unknown(name, &value, interface)),
        }
    }
}

fn unknown(name: &str, value: &Value, interface: bool) -> String {
    let kind = if interface { "interface {}" } else { value.type_name() };
    format!("can't evaluate field {name} in type {kind}")
}

/// The type of a pointer that is `nil`: values do not keep it, so it is named after its field.
fn pointer(record: &str, field: &str) -> Arc<str> {
    let record = record.trim_start_matches('*');
    let package = record.rsplit_once('.').map_or("", |(package, _)| package);
    let dot = if package.is_empty() { "" } else { "." };
    Arc::from(format!("*{package}{dot}{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::template::Field;

    #[test]
    fn the_three_nils_differ() {
        let record =
            Value::record("v1beta1.Summary", vec![Field { name: "Target", json: "target", value: Value::Nil }]);
        let map = Value::map([("a".to_owned(), Value::Nil)]);
        let target = Reflected::of(record).field("Target", false).expect("it has that field");
        assert_eq!(target.field("Name", false), Err("nil pointer evaluating *v1beta1.Target.Name".to_owned()));
        let entry = Reflected::of(map.clone()).field("a", false).expect("a map has any key");
        assert_eq!(entry.field("Name", false), Err("nil pointer evaluating interface {}.Name".to_owned()));
        let missing = Reflected::of(map).field("b", false).expect("a map has any key");
        assert_eq!(missing.field("Name", false), Ok(Reflected::Invalid));
    }
}
