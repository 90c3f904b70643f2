//! Cron expressions, time zones, next times, missed and shifted ones: pure, with the time passed in.
//!
//! The calendar is the `cron` crate's; its dialect is translated once, in `translate.rs`, and what happens when clocks
//! are put forward or back is decided in `clock.rs`. The rules are in `docs/schedule.md`, their reasons in
//! `docs/design/schedule.md`.

mod calendar;
mod clock;
mod entry;
mod expression;
mod field;
mod mistakes;
mod translate;
mod zone;

pub use entry::{Entry, missed, shift};
pub use expression::Expression;
pub use mistakes::mistakes;
pub use zone::Zone;
