//! What a secret is, how text loses it, and the one way that text leaves the program.
//!
//! Masking works on values and on what children print, before anything is encoded; never on keys, metric names or
//! our own words. Which variables and files hold secrets is known to `settings`; this room knows how a secret looks
//! once somebody has encoded it, and which parts of a location are secret.

mod address;
mod decode;
mod encode;
#[cfg(test)]
pub(crate) mod heard;
mod names;
pub mod output;
pub mod say;
mod search;
mod secrets;
mod userinfo;

pub use address::{endpoint, repository, secrets_of_location, secrets_of_webhook};
pub use decode::percent_decoded;
pub use encode::{from_base64, to_base64};
pub use names::{names_a_secret, names_a_secret_file};
pub use secrets::Secrets;

/// What a secret is replaced by.
pub const MASK: &str = "***";
