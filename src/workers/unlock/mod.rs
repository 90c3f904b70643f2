//! `unlock`: shows the locks of the repository, has restic remove those that are stale, and shows what is left.
//!
//! `--remove-all` takes locks away from commands that still run. A person who was shown the locks, or `--yes`, must want
//! that.

mod arguments;
mod consent;
mod table;
mod work;

pub use arguments::UnlockArgs;
pub use work::{Unlock, augment, make};
