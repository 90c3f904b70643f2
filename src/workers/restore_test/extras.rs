//! What a test found out, and how the summary and the mail tell it.

use super::canary_check::{CanaryResult, Status};
use super::folder::Cleanup;
use super::plan::Plan;
use super::sample::SampleResult;
use crate::run::WorkContext;
use crate::settings::Settings;
use crate::workers::restore::plan::on_off;
use crate::workers::restore::summary::Summary;
use serde_json::Value;
use std::fmt::Write;

/// How far the checks came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verification {
    /// There was nothing to check, or nobody to do it any more.
    #[default]
    Skipped,
    /// All is right.
    Passed,
    /// Something is not.
    Failed,
}

impl Verification {
    fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// What one test found out.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// How many canaries there are.
    pub canaries: usize,
    /// What came of those that were looked at.
    pub canary_results: Vec<CanaryResult>,
    /// How many files were drawn.
    pub drawn: usize,
    /// What came of those that were looked at.
    pub sample_results: Vec<SampleResult>,
    /// Regular files that came back.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Fewer files came back than must.
    pub too_few: bool,
    /// How far the checks came.
    pub verification: Verification,
    /// What became of the folder; `None` while it is not known.
    pub cleanup: Option<Cleanup>,
    /// What restic said.
    pub summary: Option<Summary>,
    /// The paths matched nothing.
    pub matched_nothing: bool,
}

impl Findings {
    /// How many canaries are right.
    pub fn canaries_passed(&self) -> usize {
        self.canary_results.iter().filter(|result| result.status == Status::Passed).count()
    }

    /// How many are not.
    pub fn canaries_failed(&self) -> usize {
        self.canary_results.len() - self.canaries_passed()
    }

    /// How many files of the sample are right.
    pub fn sample_passed(&self) -> usize {
        self.sample_results.iter().filter(|result| result.status == Status::Passed).count()
    }

    /// How many are not.
    pub fn sample_failed(&self) -> usize {
        self.sample_results.len() - self.sample_passed()
    }

    /// The keys of the summary, in the contract's order; ours come after.
    pub fn extras(&self, plan: &Plan, settings: &Settings) -> Vec<(String, String)> {
        let cleanup = self.cleanup.unwrap_or_else(|| Cleanup::of(plan));
        let mut extras = vec![
            ("repository", settings.repository.shown.clone()),
            ("snapshot", plan.snapshot.clone()),
            ("target", plan.shown_folder()),
            ("target_autotmp", on_off(plan.is_automatic()).to_owned()),
            ("keep", on_off(plan.keep).to_owned()),
            ("dry_run", on_off(plan.dry_run).to_owned()),
            ("verify", on_off(plan.verify).to_owned()),
            ("min_files", plan.min_files.to_string()),
            ("min_files_met", (!self.too_few).to_string()),
            ("files_restored", self.files.to_string()),
            ("bytes_restored", self.bytes.to_string()),
            ("verification", self.verification.word().to_owned()),
            ("canary_total", self.canaries.to_string()),
            ("canary_passed", self.canaries_passed().to_string()),
            ("canary_failed", self.canaries_failed().to_string()),
            ("cleanup_status", cleanup.word().to_owned()),
            ("include_paths_count", plan.paths.len().to_string()),
        ];
        for (key, value) in [("tag_filter", &plan.filters.tag), ("host_filter", &plan.filters.host)] {
            if !value.is_empty() {
                extras.push((key, value.clone()));
            }
        }
        if let Some(summary) = &self.summary {
            extras.push(("restic_files_restored", summary.files.to_string()));
            extras.push(("restic_bytes_restored", summary.size.clone()));
            extras.push(("restic_elapsed_human", summary.elapsed.clone()));
        }
        if self.matched_nothing {
            extras.push(("include_zero_match", "true".to_owned()));
        }
        if plan.is_sampled() {
            extras.push(("sample_size", self.drawn.to_string()));
            extras.push(("sample_passed", self.sample_passed().to_string()));
            extras.push(("sample_failed", self.sample_failed().to_string()));
        }
        extras.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Notes everything for the summary.
    pub fn record(&self, plan: &Plan, cx: &mut WorkContext<'_>) {
        cx.extras.extend(self.extras(plan, cx.settings));
        let canaries: Vec<Value> = self.canary_results.iter().map(CanaryResult::json).collect();
        cx.stat("canary_results", canaries);
        if plan.is_sampled() {
            let sample: Vec<Value> = self.sample_results.iter().map(SampleResult::json).collect();
            cx.stat("sample_results", sample);
        }
        for (key, value) in [
            ("files_restored", self.files),
            ("bytes_restored", self.bytes),
            ("canary_passed", self.canaries_passed() as u64),
            ("canary_failed", self.canaries_failed() as u64),
        ] {
            cx.stat(key, value);
        }
        if plan.is_sampled() {
            for (key, value) in [
                ("sample_size", self.drawn),
                ("sample_passed", self.sample_passed()),
                ("sample_failed", self.sample_failed()),
            ] {
                cx.stat(key, value as u64);
            }
        }
    }

    /// What the mail's subject says.
    pub fn details(&self, plan: &Plan) -> String {
        let mut details = format!("{} files", self.files);
        if self.canaries > 0 {
            let _ = write!(details, " · canaries {}/{}", self.canaries_passed(), self.canaries);
        }
        if self.drawn > 0 {
            let _ = write!(details, " · sample {}/{}", self.sample_passed(), self.drawn);
        }
        if plan.dry_run { format!("DRY-RUN · {details}") } else { details }
    }
}
