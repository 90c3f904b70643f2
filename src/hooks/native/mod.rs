//! The native hooks file (`docs/hooks/native.md`): reading it, writing it, and its schema.

mod action;
pub(in crate::hooks) mod check;
mod decode;
mod fields;
mod hook;
pub(in crate::hooks) mod http;
mod path;
mod phases;
pub(in crate::hooks) mod quoting;
mod reference;
mod says_fail;
mod scalar;
mod schema;
pub(in crate::hooks) mod shell;
mod texts;
mod write;

#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod round_trip;

pub use decode::read;
pub use phases::key;
pub use reference::reference;
pub use says_fail::says_fail;
pub use schema::schema;
pub use write::write;

use super::document::Node;

/// Whether a document is of the native form: a mapping with `hooks` and nothing of Kubernetes in it.
pub fn claims(node: &Node) -> bool {
    node.get("hooks").is_some() && node.get("apiVersion").is_none() && node.get("kind").is_none()
}
