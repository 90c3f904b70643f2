//! `init-repo`: creates the repository if there is none.
//!
//! The question to a person comes before the pre hooks, and the repository is looked at again after them: a hook may
//! mount the disk that it lies on.

mod arguments;
mod look;
mod words;
mod work;

pub use arguments::InitRepoArgs;
pub use work::{InitRepo, augment, make};
