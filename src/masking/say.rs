//! Every line that a run prints: to the console, to its log, or to both.
//!
//! Lines are `tracing` events of the target [`TARGET`]; the subscriber that a process installs decides where they go
//! and masks them. The three channels are the contract's (workers, section 1.1).

/// The target of events that are lines of the run.
pub const TARGET: &str = "boathook::line";

/// Informational: console when verbose, and log.
pub fn info(line: impl AsRef<str>) {
    tracing::info!(target: TARGET, kind = "info", "{}", line.as_ref());
}

/// A warning: always on the console, and log.
pub fn warn(line: impl AsRef<str>) {
    tracing::warn!(target: TARGET, kind = "error", "{}", line.as_ref());
}

/// An error: always on the console, and log.
pub fn error(line: impl AsRef<str>) {
    tracing::error!(target: TARGET, kind = "error", "{}", line.as_ref());
}

/// To the per-run log alone.
pub fn log_only(line: impl AsRef<str>) {
    tracing::info!(target: TARGET, kind = "log", "{}", line.as_ref());
}

/// To the console alone.
pub fn console_only(line: impl AsRef<str>) {
    tracing::info!(target: TARGET, kind = "console", "{}", line.as_ref());
}

/// A line that a hook printed: console and log, marked with the hook's name.
pub fn hook(name: &str, line: impl AsRef<str>) {
    tracing::info!(target: TARGET, kind = "hook", hook = name, "{}", line.as_ref());
}

/// An error or a warning, to the console alone: the log gets it later.
pub fn console_error(line: impl AsRef<str>) {
    tracing::error!(target: TARGET, kind = "console", "{}", line.as_ref());
}
