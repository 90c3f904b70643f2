//! What dead runs owe, as metrics.

use super::{owing, recoveries};
use crate::report::debts::{self, JobDebts};
use crate::settings::Settings;
use chrono::Local;
use std::collections::BTreeMap;

/// Writes into `METRICS_DIR`, if there is one, how many dead runs of each worker owe something, and for how long. `job` has a
/// line though nothing is known of it.
///
/// # Errors
/// The line that says why it cannot be written.
pub fn export_debts(settings: &Settings, job: Option<&str>) -> Result<(), String> {
    let Some(folder) = &settings.notify.metrics_dir else { return Ok(()) };
    let state = &settings.paths.state;
    debts::write(folder, &settings.identity.hostname, &settings.secrets, Local::now(), || {
        let mut jobs: BTreeMap<String, JobDebts> = BTreeMap::new();
        jobs.extend(job.map(|job| (job.to_owned(), JobDebts::default())));
        for one in owing::owing(state)? {
            // A file whose name is no run's id.
            let name = if one.job.is_empty() { "unknown" } else { &one.job };
            let job = jobs.entry(name.to_owned()).or_default();
            if one.is_open() {
                job.open += 1;
                job.oldest = job.oldest.into_iter().chain(one.started_at).min();
            }
        }
        for one in recoveries::list(state) {
            let job = jobs.entry(one.job).or_default();
            job.last_recovery = job.last_recovery.max(Some(one.finished_at));
        }
        Ok(jobs)
    })
}
