//! The functions of templates that are Sprig's: those that give the same for the same, and look at nothing but what they
//! are given and the clock.
//!
//! What differs from Sprig is in `docs/hooks/templates.md`. None can panic, hang or exhaust memory: what they make is paid
//! for out of the rendering's budget before it is made.

#![expect(clippy::unnecessary_wraps, reason = "every function of the table has one shape")]

mod call;
mod case;
mod choice;
mod dates;
mod decimal;
mod durations;
mod encoding;
mod go;
#[cfg(test)]
mod golden;
mod json;
mod layout;
#[cfg(test)]
mod limits;
mod lists;
mod maps;
mod numbers;
mod paths;
mod pattern;
mod regexes;
mod table;
mod texts;
mod wrap;

use super::Value;
use super::budget::Budget;

/// A function: what it is given, the rendering's budget, what it gives back or why it cannot.
pub(super) type Function = fn(&[Value], &Budget) -> Result<Value, String>;

pub(super) use table::{changes_its_first, find};
