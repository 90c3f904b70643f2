//! What hooks there are, told to people and programs: what would run, what keeps hooks from running, what a trial would do,
//! and what a file of another system means here.

mod check;
mod dry;
mod json;
mod pretend;
mod rules;
mod show;
mod text;
mod trouble;

pub use check::{broken_for, check, count_of};
pub use dry::{Here, dry};
pub use json::list_json;
pub use pretend::Pretended;
pub use show::{is_of_a_known_form, no_known_form, show};
pub use text::list;
pub use trouble::{Trouble, troubles, unset};
