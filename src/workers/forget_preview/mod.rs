//! `forget-preview`: show what the retention policy would keep and remove, without removing anything.
//!
//! `words` reads the policy as restic would and refuses what would make it more than a preview, `plan` puts the command
//! line together, `tally` counts what restic tells, `work` is the worker.

mod arguments;
mod plan;
mod tally;
mod words;
mod work;

pub use arguments::ForgetPreviewArgs;
pub use work::{ForgetPreview, augment, make};
