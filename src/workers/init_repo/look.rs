//! Whether there is a repository, as restic tells it.

use crate::engine::{Bounds, Meaning, PROBE_LIMIT, Probe, probe_until};
use crate::exit;
use crate::settings::Settings;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there, and opens.
    Exists,
    /// It is not there.
    Missing,
    /// It cannot be known, or it is there and does not open; why, in one line.
    Unclear(String),
}

/// A look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What was found.
    pub found: Found,
    /// 0, 10, 11 and 12 as restic has them since 0.17, whatever the version; 1 for everything else.
    pub code: i32,
    /// What restic said on standard error, masked.
    pub stderr: String,
}

/// Looks, without a lock and without a cache.
pub fn look(settings: &Settings, bounds: &Bounds<'_>) -> Look {
    let Probe { outcome, stderr } = probe_until(settings, &Bounds { limit: Some(PROBE_LIMIT), ..*bounds });
    let code = match outcome.meaning {
        Meaning::Ok => exit::SUCCESS,
        Meaning::NoRepository => exit::NO_REPOSITORY,
        Meaning::Locked => exit::REPOSITORY_LOCKED,
        Meaning::WrongPassword => exit::WRONG_PASSWORD,
        Meaning::NotStarted | Meaning::Interrupted => outcome.code(),
        _ => exit::FAILURE,
    };
    let found = match outcome.meaning {
        Meaning::Ok => Found::Exists,
        Meaning::NoRepository => Found::Missing,
        _ => Found::Unclear(outcome.reason()),
    };
    Look { found, code, stderr }
}

impl Look {
    /// `true`, `false` or `unknown`, as the summary has it.
    pub fn existed(&self) -> &'static str {
        match self.found {
            Found::Exists => "true",
            Found::Missing => "false",
            Found::Unclear(_) => "unknown",
        }
    }
}
