//! What a run leaves for other programs and for people: summary, metrics, webhook, mail.
//!
//! Nothing here fails a run. What is written or sent is masked once more on its way out: values only, never keys,
//! metric names or our own words.

mod addresses;
mod beside;
pub mod debts;
mod document;
mod excerpt;
pub mod file;
mod json;
mod letter;
pub mod mail;
mod masked;
pub mod metrics;
mod post;
mod sendmail;
mod sent;
mod smtp;
mod subject;
pub mod webhook;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod peer;

pub use addresses::{bad_recipients, mail_server_problem, sendmail_program, webhook_problem};
pub use beside::{remove_stale, replace};
pub use document::{Attempt, Document, HookRecord, Status, WorkRecord};
pub use json::TIME;
pub use sent::Sent;
pub use subject::{UNDONE_EARLY, duration, subject};
