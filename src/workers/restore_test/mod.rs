//! `restore-test`: restores a snapshot, or a part of it, to see that it can be done, and checks what came back.
//!
//! The order is: refusals, which snapshot, the sample, the folder, restic, what came back, the folder away. Whatever
//! goes wrong is recorded as a run that failed: who watches must not see the last success instead. No folder is made
//! before all refusals are over, and none is left.

mod arguments;
mod beneath;
mod canary;
mod canary_check;
mod count;
mod digest;
mod draw;
mod extras;
mod folder;
mod plan;
mod refusals;
mod restoring;
mod sample;
mod work;

pub use arguments::RestoreTestArgs;
pub use work::{RestoreTest, augment, make};
