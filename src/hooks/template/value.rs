//! The values that templates work on: Go's, as far as a template can tell them apart.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `nil`.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `float64`.
    Float(f64),
    /// `string`.
    Text(Arc<str>),
    /// `[]interface{}`.
    List(Arc<Vec<Value>>),
    /// `map[string]interface{}`: a key that is not there is no value (`<no value>` when printed).
    Map(Arc<BTreeMap<String, Value>>),
    /// A struct: a field that is not there is an error.
    Struct(Arc<Struct>),
    /// `time.Time`, in nanoseconds since 1970, and its offset east of Greenwich in seconds.
    Time(i128, i32),
}

/// A struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    /// Its type as Go would name it in an error.
    pub type_name: String,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// `Namespace`.
    pub name: &'static str,
    /// Its name in JSON: `namespace`.
    pub json: &'static str,
    /// What it holds.
    pub value: Value,
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A mapping.
    pub fn map(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self::Map(Arc::new(entries.into_iter().collect()))
    }

    /// A struct.
    pub fn record(type_name: &str, fields: Vec<Field>) -> Self {
        Self::Struct(Arc::new(Struct { type_name: type_name.to_owned(), fields }))
    }

    /// Its type as Go names it.
    pub(super) fn type_name(&self) -> &str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
            Self::Struct(record) => &record.type_name,
            Self::Time(..) => "time.Time",
        }
    }

    /// Whether `if` takes it as true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            Self::Struct(_) | Self::Time(..) => true,
        }
    }
}
