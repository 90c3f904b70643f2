//! One finding: how grave it is, in which section it stands, and what it says.

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// In order.
    Ok,
    /// Doubtful; the exit code does not change.
    Warn,
    /// Wrong: the exit code is 1.
    Fail,
}

impl Severity {
    /// The word in JSON documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The mark in front of a line.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Info => "[INFO]",
            Self::Ok => "[OK]",
            Self::Warn => "[WARN]",
            Self::Fail => "[FAIL]",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// One line, not masked yet.
    pub message: String,
}

impl Finding {
    /// Good to know.
    pub fn info(message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, message: message.into() }
    }

    /// In order.
    pub fn ok(message: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, message: message.into() }
    }

    /// Doubtful.
    pub fn warn(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, message: message.into() }
    }

    /// Wrong.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { severity: Severity::Fail, message: message.into() }
    }

    /// Whether there is something to mend.
    pub fn is_bad(&self) -> bool {
        matches!(self.severity, Severity::Warn | Severity::Fail)
    }
}
