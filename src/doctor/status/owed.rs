//! What dead runs owe, and what was made up for lately.

use super::words::{age, moment};
use super::{Finding, Status};
use crate::doctor::{Severity, debts};
use crate::run::Stands;
use crate::workers;
use chrono::Utc;
use std::fmt::Write as _;

/// A failure for each run that owes something.
pub(super) fn findings(status: &Status) -> Vec<Finding> {
    let failed = |job: &'static str, what: &str, reason: String, mend: String| {
        let what = what.to_owned();
        Finding { level: Severity::Fail, job, what, reason, mend }
    };
    let open = match &status.debts.open {
        Ok(open) => open,
        Err(why) => {
            return vec![failed(
                "",
                "what dead runs owe is not known",
                why.clone(),
                "run `boathook doctor`".to_owned(),
            )];
        }
    };
    let of_one = |one: &crate::run::Owing| {
        let job = workers::find(&one.job).map_or("", |worker| worker.job.name);
        let since = one.started_at.map(|at| {
            let at = at.with_timezone(&Utc);
            format!(", started at {} ({} ago),", moment(at, &status.clock), age((status.clock.now - at).num_seconds()))
        });
        let reason = format!("run {}{} {}", one.run, since.unwrap_or_default(), debts::what(one));
        let what = match one.stands {
            Stands::Unreadable(_) => "what a run owes is not known",
            Stands::Owes(_) | Stands::Alive => "a run owes something still",
        };
        failed(job, what, reason, debts::mend(one))
    };
    open.iter().map(of_one).collect()
}

/// How old the oldest debt is, in seconds.
pub(super) fn oldest(status: &Status) -> Option<i64> {
    let started = status.debts.open.iter().flatten().filter_map(|one| one.started_at).min()?;
    Some((status.clock.now - started.with_timezone(&Utc)).num_seconds())
}

/// The tables of both; none for what there is none of. Writing to a string does not fail.
pub(super) fn tables(out: &mut String, status: &Status, shown: &dyn Fn(&str) -> String) {
    let open = status.debts.open.as_deref().unwrap_or_default();
    if !open.is_empty() {
        let oldest = oldest(status).map(|seconds| format!(", the oldest {} old", age(seconds))).unwrap_or_default();
        let _ = writeln!(out, "\n== Open Debts ==\n  {} dead run(s) owe something{oldest}", open.len());
        for one in open {
            let what = match &one.stands {
                Stands::Owes(what) => what.join("; "),
                Stands::Unreadable(_) | Stands::Alive => "not known".to_owned(),
            };
            let _ = writeln!(out, "  {}\n    {}", shown(&one.run), shown(&what));
        }
    }
    if !status.debts.recoveries.is_empty() {
        out.push_str("\n== Recoveries ==\n");
        for one in &status.debts.recoveries {
            let time = moment(one.finished_at.with_timezone(&Utc), &status.clock);
            let _ = writeln!(out, "  {time} {:<8} {} of {}", one.status, shown(&one.job), shown(&one.parent));
        }
    }
}
