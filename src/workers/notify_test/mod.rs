//! `notify-test`: send a webhook and a mail, to see that they arrive.
//!
//! `plan` decides what is to be sent and what is wrong with that, `work` sends it the way that real runs do.

mod arguments;
mod plan;
mod work;

pub use arguments::NotifyTestArgs;
pub use work::{NotifyTest, augment, make};
