//! Which jobs may be scheduled, in the order of the contract's crontab (workers, section 1.6), and how that crontab looks.

use super::{WORKERS, Worker, find};
use crate::settings::Settings;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A job that may have a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name, which is its command's, too.
    pub job: &'static str,
    /// The name as boot lines have it: `rotate log`.
    pub label: String,
    /// Its lock file.
    pub lock: PathBuf,
    /// The variable of its schedule.
    pub variable: &'static str,
    /// The expression, without blanks around it; empty is off.
    pub expression: String,
}

/// Those that the reference image schedules, in its order; the others follow in the order of the table.
const FIRST: [&str; 6] = ["backup", "check", "replicate", "forget", "prune", "rotate_log"];

/// Every job that may have a schedule, also those that have none now.
pub fn crontab(settings: &Settings) -> Vec<Planned> {
    let plan = |job: &'static str, lock: &str, variable: &'static str| Planned {
        job,
        label: job.replace('_', " "),
        lock: settings.paths.run.join(lock),
        variable,
        expression: settings.schedules.of(variable).trim().to_owned(),
    };
    let of = |worker: &Worker| plan(worker.job.name, worker.job.lock, worker.schedule);
    let first = FIRST.iter().map(|name| match find(name) {
        Some(worker) => of(worker),
        None => plan("rotate_log", "rotate_log.lock", "ROTATE_LOG_CRON"),
    });
    let further =
        WORKERS.iter().filter(|worker| !worker.schedule.is_empty() && !FIRST.contains(&worker.job.name)).map(of);
    first.chain(further).collect()
}

/// The place of a job among those of the same minute: its line in the crontab.
pub fn place(job: &str) -> usize {
    let mut others = WORKERS.iter().map(|worker| worker.job.name).filter(|name| !FIRST.contains(name));
    let first = FIRST.iter().position(|name| *name == job);
    first.or_else(|| Some(FIRST.len() + others.position(|name| name == job)?)).unwrap_or(FIRST.len() + WORKERS.len())
}

/// The crontab as the reference image writes it, a line for each job that has a schedule.
pub fn rendered(settings: &Settings) -> String {
    let log = settings.paths.log.join("cron.log");
    crontab(settings).iter().filter(|planned| !planned.expression.is_empty()).fold(
        String::new(),
        |mut text, planned| {
            let Planned { job, lock, expression, .. } = planned;
            let (lock, log) = (lock.display(), log.display());
            let _ = writeln!(text, "{expression} /bin/locked_run {job} {lock} /bin/{job} >> {log} 2>&1");
            text
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_the_crontab() {
        let settings = crate::settings::read(&crate::settings::Environment::default());
        let jobs: Vec<_> = crontab(&settings).iter().map(|planned| planned.job).collect();
        let places: Vec<_> = jobs.iter().map(|job| place(job)).collect();
        assert_eq!(jobs[..5], ["backup", "check", "replicate", "forget", "prune"]);
        assert!(places.is_sorted_by(|one, next| one < next), "{jobs:?} {places:?}");
    }
}
