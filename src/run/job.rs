//! What the pipeline must know of a worker, as data. The table of all of them is `workers`.

/// A worker as it is named in files, hooks and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// With hyphens: `restore-test`. Names hooks, logs and the summary.
    pub name: &'static str,
    /// In mail subjects: `Restore-test`.
    pub title: &'static str,
    /// Its lock file in `RUN_DIR`.
    pub lock: &'static str,
    /// Extras that may become gauges (contract: reports, section 5).
    pub gauges: &'static [&'static str],
}
