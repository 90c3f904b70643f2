//! `hooks schema`.

use crate::exit;
use crate::hooks::native;
use crate::workers;
use std::io::{self, Write as _};

/// Prints the JSON Schema of the native form.
pub(super) fn run() -> i32 {
    let text = serde_json::to_string_pretty(&native::schema(&workers::names())).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{text}");
    exit::SUCCESS
}
