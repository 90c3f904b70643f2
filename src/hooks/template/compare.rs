//! `eq`, `lt` and the like.

use super::Value;
use super::reflected::Reflected;
use std::cmp::Ordering;

/// Whether `first` equals any of `others`.
///
/// # Errors
/// As Go says it: numbers of different types, texts and numbers are not compared.
pub(super) fn equal(first: &Reflected, others: &[Reflected]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if same(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn same(one: &Reflected, other: &Reflected) -> Result<bool, String> {
    let (one, other) = match (one, other) {
        (Reflected::Held(one, _), Reflected::Held(other, _)) => (one, other),
        (Reflected::Held(held, _), nil) | (nil, Reflected::Held(held, _)) => {
            // A nil pointer is a value of another kind; no value at all can be compared with anything.
            return match nil {
                Reflected::NilPointer(_) if is_basic(held) => Err(incompatible()),
                _ => Ok(false),
            };
        }
        _ => return Ok(true),
    };
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => Ok(one == other),
        (Value::Int(one), Value::Int(other)) => Ok(one == other),
        #[expect(clippy::float_cmp, reason = "eq means equal, as in Go")]
        (Value::Float(one), Value::Float(other)) => Ok(one == other),
        (Value::Text(one), Value::Text(other)) => Ok(one == other),
        (Value::Time(one, zone), Value::Time(other, other_zone)) => Ok((one, zone) == (other, other_zone)),
        _ if is_basic(one) || is_basic(other) => Err(incompatible()),
        _ if std::mem::discriminant(one) != std::mem::discriminant(other) => {
            Err(format!("non-comparable types {}, {}", one.type_name(), other.type_name()))
        }
        _ => Err(format!("non-comparable type {}", other.type_name())),
    }
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_))
}

fn incompatible() -> String {
    "incompatible types for comparison".to_owned()
}

/// The order of two numbers or texts; `None` if one of them is not a number (`NaN`).
///
/// # Errors
/// As Go says it.
pub(super) fn order(one: &Reflected, other: &Reflected) -> Result<Option<Ordering>, String> {
    let basic = |value: &Reflected| match value {
        Reflected::Held(value, _) if is_basic(value) => Ok(value.clone()),
        _ => Err("invalid type for comparison".to_owned()),
    };
    match (basic(one)?, basic(other)?) {
        (Value::Int(one), Value::Int(other)) => Ok(Some(one.cmp(&other))),
        (Value::Float(one), Value::Float(other)) => Ok(one.partial_cmp(&other)),
        (Value::Text(one), Value::Text(other)) => Ok(Some(one.cmp(&other))),
        (Value::Bool(_), Value::Bool(_)) => Err("invalid type for comparison".to_owned()),
        _ => Err(incompatible()),
    }
}
