//! Reads what there is to judge by: settings, crontab, summaries, runs that are going on.

use super::going::Runs;
use super::judge::{State, judge, unreadable};
use super::last::{self, LONGEST, Last, is_believed};
use super::mend;
use super::reading::Reading;
use super::{Clock, Finding, Job, Plan, Row, Status, owed};
use crate::doctor::Severity;
use crate::doctor::crontab::{self, Loaded};
use crate::doctor::debts::Debts;
use crate::schedule::{Entry, Expression, Zone, shift};
use crate::settings::Settings;
use crate::workers::WORKERS;
use crate::workers::crontab::{Planned, crontab as planned, rendered};
use chrono::{DateTime, Local, TimeDelta, Utc};
use std::path::PathBuf;

/// The jobs that the reference image judges, in its order.
const CORE: [&str; 5] = ["backup", "check", "forget", "prune", "replicate"];
/// The one that it schedules beside them; it leaves no summary.
const ROTATE_LOG: &str = "rotate_log";

impl Status {
    pub(super) fn gather(settings: &Settings, now: DateTime<Utc>) -> Self {
        let loaded = Loaded::read(&settings.paths.crontab);
        let zone = Zone::of_setting(settings.schedules.zone.as_deref());
        let runs = Runs::read(settings);
        let clock = Clock {
            now,
            zone: zone.as_ref().ok().copied(),
            // Without its time a crontab is as old as can be.
            loaded: loaded.as_ref().map(|loaded| loaded.written.filter(is_believed).unwrap_or(DateTime::UNIX_EPOCH)),
            visible: runs.visible,
            lock_wait: TimeDelta::from_std(settings.limits.lock_wait.min(LONGEST)).unwrap_or_default(),
            cron_log: settings.paths.log.join("cron.log"),
        };
        let recent: Vec<(&'static str, Last)> =
            WORKERS.iter().map(|worker| (worker.job.name, last::read(&settings.paths.log, worker.job.name))).collect();
        let lines = crontab::count(&loaded.as_ref().map_or_else(|| rendered(settings), |loaded| loaded.text.clone()));
        let mut status = Self {
            clock,
            crontab: settings.paths.crontab.clone(),
            lines,
            rows: Vec::new(),
            jobs: Vec::new(),
            recent,
            findings: Vec::new(),
            debts: Debts::read(settings, now.with_timezone(&Local)),
        };
        status.findings = owed::findings(&status);
        for planned in in_order(settings) {
            status.add(settings, &planned, loaded.as_ref(), &runs);
        }
        status.helpers(settings);
        if let Err(problem) = zone {
            status.findings.push(Finding {
                level: Severity::Warn,
                job: "",
                what: format!("TZ='{}' {problem}", settings.schedules.zone.as_deref().unwrap_or_default()),
                reason: "no schedule can be judged, and all times are shown in UTC".to_owned(),
                mend: "correct TZ and restart the container".to_owned(),
            });
        }
        status
    }

    fn add(&mut self, settings: &Settings, planned: &Planned, loaded: Option<&Loaded>, runs: &Runs) {
        let name = planned.job;
        let own = crontab::tidy(&planned.expression);
        let in_crontab = loaded.map(|loaded| loaded.expression(name));
        // What the scheduler runs by is what it has loaded.
        let cron = in_crontab.clone().flatten().unwrap_or_else(|| own.clone());
        let core = CORE.contains(&name);
        if cron.is_empty() && !core && name != ROTATE_LOG {
            return;
        }
        let (log, error_log) = logs(settings, name);
        let last = self.recent.iter().find(|(of, _)| *of == name).map(|(_, last)| last.clone());
        let mut job = Job {
            name,
            core,
            variable: planned.variable,
            plan: Plan::Off,
            last: last.unwrap_or_else(|| Last { path: log.clone(), modified: None, summary: None }),
            going: runs.of(name, &planned.lock),
            reading: if name == "check" { Reading::read(settings) } else { None },
            error_log,
            log,
            cron,
        };
        let problem = self.plan(settings, &mut job);
        self.findings.extend(problem.or_else(|| differs(&job, &own, in_crontab.as_ref(), settings)));
        self.rows.push(Row {
            job: name,
            variable: job.variable,
            cron: job.cron.clone(),
            loaded: in_crontab.map(|found| found.is_some()),
            next: self.clock.after(&job, self.clock.now),
        });
        if name != ROTATE_LOG {
            let verdict = judge(&job, &self.clock);
            self.findings.extend(verdict.findings.iter().cloned());
            self.findings.extend(job.reading.as_ref().and_then(|reading| reading.finding(&job, &self.clock)));
            self.jobs.push((job, verdict));
        }
    }

    /// Reads the job's expression; says what is wrong with it.
    fn plan(&self, settings: &Settings, job: &mut Job) -> Option<Finding> {
        if job.cron.is_empty() {
            return None;
        }
        job.plan = Plan::Unreadable;
        let never = "the job never runs by schedule";
        let correct = format!("correct {} and restart the container", job.variable);
        let expression = match Expression::parse(&job.cron) {
            Ok(expression) => expression,
            Err(problem) => return Some(job.warn(format!("{} {problem}", job.schedule()), never, correct)),
        };
        let zone = self.clock.zone?;
        let shift = shift(&settings.identity.hostname, job.name, settings.schedules.splay);
        let entry = Entry { job: job.name, expression, shift };
        let comes = entry.expression.at_reboot() || entry.next_after(self.clock.now, &zone).is_some();
        job.plan = Plan::Times(Box::new(entry));
        (!comes).then(|| job.warn(format!("{} names a day that does not exist", job.schedule()), never, correct))
    }

    /// The workers beside those that are judged by their schedule.
    fn helpers(&mut self, settings: &Settings) {
        for (name, last) in &self.recent {
            let judged = self.jobs.iter().any(|(job, verdict)| job.name == *name && verdict.state != State::Disabled);
            if judged || CORE.contains(name) {
                continue;
            }
            let (_, log) = logs(settings, name);
            self.findings.extend(match &last.summary {
                Some(Ok(summary)) if summary.exit_code != 0 => Some(Finding {
                    level: Severity::Warn,
                    job: name,
                    what: format!("recent helper JSON reports exit {}", summary.exit_code),
                    reason: mend::reason(name, summary),
                    mend: mend::of_exit(name, summary.exit_code, &log),
                }),
                Some(Err(why)) => Some(unreadable(name, last, why)),
                _ => None,
            });
        }
    }
}

/// The log of a worker's last run, and that of the last one that went wrong; the former where there is none.
fn logs(settings: &Settings, worker: &str) -> (PathBuf, PathBuf) {
    let log = settings.paths.log.join(format!("{worker}-last.log"));
    let error_log = settings.paths.log.join(format!("{worker}-error-last.log"));
    let error_log = if error_log.exists() { error_log } else { log.clone() };
    (log, error_log)
}

/// The jobs in the order that programs know, further ones behind.
fn in_order(settings: &Settings) -> Vec<Planned> {
    let mut jobs = planned(settings);
    let place = |planned: &Planned| {
        let known = CORE.iter().chain([&ROTATE_LOG]).position(|name| *name == planned.job);
        known.unwrap_or(usize::MAX)
    };
    jobs.sort_by_key(place);
    jobs
}

/// A schedule that is not what the scheduler has loaded.
fn differs(job: &Job, own: &str, in_crontab: Option<&Option<String>>, settings: &Settings) -> Option<Finding> {
    let (path, variable) = (settings.paths.crontab.display(), job.variable);
    let what = match in_crontab? {
        None if !own.is_empty() => format!("{variable} is '{own}', but the scheduler has not loaded it"),
        Some(found) if own.is_empty() => format!("{variable} is empty, but the scheduler has loaded '{found}'"),
        Some(found) if found != own => format!("{variable} is '{own}', but the scheduler has loaded '{found}'"),
        _ => return None,
    };
    let mend = "restart the container with the environment that is meant, or send it SIGHUP after a change of files";
    Some(job.warn(what, format!("{path} holds what is in force"), mend))
}
