//! The steps of a run that are hooks: which run, what they are told, what became of them.

use super::budget;
use super::pipeline::Pipeline;
use super::reports::record_of;
use super::state::Record;
use crate::hooks::{Hook, HookEnd, Phase, Runner, Standing, Told};
use crate::masking::say;
use crate::process::{Alarm, Request};
use crate::report::{HookRecord, Status};
use chrono::SecondsFormat;
use std::time::Instant;

impl Pipeline<'_> {
    pub(super) fn pre_hooks(&mut self) {
        self.say_absent(Phase::Pre);
        for (place, hook) in self.run.plan.pre.iter().enumerate() {
            self.note_interruption();
            if let Some(reason) = self.why_no_work() {
                self.skip(place, hook, &reason);
                continue;
            }
            let end = self.run_hook(place, hook, None);
            if let Some(reason) = end.called_off {
                self.ledger.note(Record::CalledOff(reason));
            }
        }
    }

    pub(super) fn say_absent(&self, phase: Phase) {
        for (_, name, path) in self.run.plan.absent.iter().filter(|(of, _, _)| *of == phase) {
            say::info(format!("ℹ️ Hook {name} not found ({})", path.display()));
        }
    }

    pub(super) fn post_hooks(&mut self) {
        let ended = Instant::now();
        self.say_absent(Phase::Post);
        let first = self.run.plan.pre.len();
        for (place, hook) in self.run.plan.post.iter().enumerate().map(|(index, hook)| (first + index, hook)) {
            if self.ledger.state().hooks[place].is_some() {
                continue;
            }
            let stop = self.run.settings.limits.stop;
            if self.stop.request().is_some_and(|request| budget::post_hook(stop, &request).0 <= Instant::now()) {
                self.skip(place, hook, "no time was left before the stop (STOP_TIMEOUT)");
                continue;
            }
            self.run_hook(place, hook, Some(ended + self.run.settings.limits.notify_after));
        }
    }

    pub(super) fn skip(&mut self, place: usize, hook: &Hook, reason: &str) {
        say::warn(format!("⏭ Hook {}: {reason}", hook.name));
        let record = HookRecord { reason: reason.to_owned(), ..record_of(hook, "skipped") };
        self.ledger.note(Record::Hook(place, Box::new(record)));
    }

    pub(super) fn run_hook(&mut self, place: usize, hook: &Hook, notify_at: Option<Instant>) -> HookEnd {
        let span = tracing::info_span!("hook", hook = %hook.name);
        let _entered = span.enter();
        let mut record = HookRecord { attempts: 1, ..record_of(hook, "running") };
        self.ledger.note(Record::Hook(place, Box::new(record.clone())));
        let standing = self.standing();
        let state = self.ledger.state();
        let settings = &self.run.settings;
        let summary = self.reports().summary_path();
        let started_at = self.run.started_at.to_rfc3339_opts(SecondsFormat::Secs, false);
        let trial_status = self.run.trial.as_ref().and_then(|trial| trial.status);
        let phase = self.run.plan.phase(hook.phase);
        let log = self.log_path();
        let told = Told {
            worker: self.run.job.name,
            run_id: &self.run.id,
            trigger: &settings.trigger,
            started_at: &started_at,
            log: &log,
            target: &self.target,
            index: phase.iter().position(|one| one == hook).unwrap_or(0) + 1,
            count: phase.len(),
            attempt: 1,
            standing: (hook.phase == Phase::Post).then(|| Standing {
                exit_code: standing.code,
                status: trial_status.unwrap_or(standing.status).word(),
                error: &standing.reason,
                snapshot: state.work.as_ref().map_or("", |work| &work.snapshot),
                summary: state.summary_written.then_some(&*summary),
            }),
            output: None,
            values: &state.values,
            recovery: false,
        };
        let stop_after = settings.limits.stop;
        let rule = |request: &Request| match hook.phase {
            Phase::Pre => budget::pre_hook(stop_after, hook.kill_after, request),
            Phase::Post => budget::post_hook(stop_after, request),
        };
        let supervisors = std::mem::take(&mut self.supervisors);
        let mut notified: Option<Status> = None;
        let mut ring = || notified = Some(self.notify_early(hook));
        let alarm = notify_at
            .filter(|_| state.notified.is_none() && self.run.trial.is_none())
            .map(|at| Alarm { at, ring: &mut ring as &mut dyn FnMut() });
        let mut runner = Runner {
            environment: &settings.environment,
            secrets: settings.secrets.clone(),
            stop: &self.stop,
            folder: self.run.folder.as_deref(),
            supervisors,
        };
        let end = runner.run(hook, &told, &rule, alarm);
        let supervisors = runner.supervisors;
        self.supervisors = supervisors;
        if let Some(status) = notified {
            self.ledger.note(Record::Notified(status));
        }
        if end.supervisor_died {
            self.ledger.end_orphans(hook.kill_after);
        }
        end.status.word().clone_into(&mut record.status);
        if end.called_off.is_some() {
            "completed".clone_into(&mut record.status);
        }
        record.exit_code = Some(end.exit_code);
        record.signal = end.signal;
        record.timed_out = record.status == "timed_out";
        record.duration_ms = end.duration.as_millis() as u64;
        end.called_off.as_ref().unwrap_or(&end.reason).clone_into(&mut record.reason);
        end.output_tail.clone_into(&mut record.output_tail);
        if hook.problem.is_some() {
            record.attempts = 0;
        }
        self.ledger.note(Record::Hook(place, Box::new(record)));
        if !end.values.is_empty() {
            self.ledger.note(Record::Values(end.values.clone()));
        }
        end
    }
}
