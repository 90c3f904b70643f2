//! How deep and how large a value is.
//!
//! A template can nest lists in a loop, and put one list into another twice, again and again. Whoever walks a value
//! afterwards (to print it, compare it, drop it) may rely on these bounds.

use super::Value;
use std::collections::HashMap;

/// The levels that a value may have.
pub(super) const DEPTH: usize = 150;

/// What a value may weigh: an item is one, and so are 64 bytes of text.
pub(super) const WEIGHT: usize = 1_000_000;

/// The weight of `value`, every item counted as often as it is met.
///
/// # Errors
/// When it is too deep or too heavy.
pub(super) fn weigh(value: &Value) -> Result<usize, String> {
    Scales::default().weigh(value, 0).map(|(weight, _)| weight)
}

/// Lists and maps that have been weighed, by their address: their weight and height.
#[derive(Default)]
struct Scales(HashMap<*const u8, (usize, usize)>);

impl Scales {
    fn weigh(&mut self, value: &Value, depth: usize) -> Result<(usize, usize), String> {
        match value {
            Value::Text(text) => Ok((1 + text.len() / 64, 0)),
            Value::List(items) => self.container(items.as_ptr().cast(), items.iter(), depth),
            Value::Map(entries) => self.container(std::sync::Arc::as_ptr(entries).cast(), entries.values(), depth),
            Value::Struct(record) => self.container(
                std::sync::Arc::as_ptr(record).cast(),
                record.fields.iter().map(|field| &field.value),
                depth,
            ),
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Time(..) => Ok((1, 0)),
        }
    }

    fn container<'a>(
        &mut self,
        address: *const u8,
        items: impl Iterator<Item = &'a Value>,
        depth: usize,
    ) -> Result<(usize, usize), String> {
        let (weight, height) = if let Some(known) = self.0.get(&address) {
            *known
        } else {
            let (mut weight, mut height) = (1_usize, 1);
            if depth < DEPTH {
                for item in items {
                    let (more, below) = self.weigh(item, depth + 1)?;
                    weight = weight.saturating_add(more);
                    height = height.max(below + 1);
                }
            }
            self.0.insert(address, (weight, height));
            (weight, height)
        };
        if depth + height > DEPTH {
            return Err(format!("a value is nested more than {DEPTH} levels deep"));
        }
        if weight > WEIGHT {
            return Err(format!("a value has more than {WEIGHT} items"));
        }
        Ok((weight, height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded() {
        let mut value = Value::list(vec![]);
        for _ in 1..DEPTH {
            value = Value::list(vec![value]);
        }
        assert_eq!(weigh(&value), Ok(DEPTH));
        assert!(weigh(&Value::list(vec![value])).is_err_and(|error| error.contains("levels deep")));
    }

    #[test]
    fn a_list_that_holds_itself_many_times_is_heavy() {
        let mut value = Value::Int(1);
        for _ in 0..15 {
            value = Value::list(vec![value.clone(), value]);
        }
        assert_eq!(weigh(&value), Ok(65535));
        for _ in 0..60 {
            value = Value::list(vec![value.clone(), value]);
        }
        assert!(weigh(&value).is_err_and(|error| error.contains("items")));
    }
}
