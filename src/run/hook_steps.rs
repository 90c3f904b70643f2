//! The steps of a run that are hooks: which run, what they are told, what became of them.

use super::attempts::{Came, Carried, Means, Progress, carry_out, say_what_is_left};
use super::hold::{Order, standing_of_early};
use super::occasion::{Occasion, Stands};
use super::pipeline::Pipeline;
use super::reports::record_of;
use super::state::Record;
use super::{budget, policy};
use crate::exit;
use crate::hooks::action::cannot_run;
use crate::hooks::{Finding, Hook, Phase};
use crate::masking::say;
use crate::report::{HookRecord, Status};
use chrono::SecondsFormat;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A hook and the undo that belongs to it: the undo's place among the undos.
type WithUndo<'a> = Option<(usize, &'a Hook)>;

/// How a hook is carried out, but for what it is.
#[derive(Default)]
struct Way {
    /// The place of its undo among the undos.
    undo: Option<usize>,
    /// See [`Means::until`].
    until: Option<Instant>,
    /// See [`Means::is_single`].
    is_single: bool,
    progress: Progress,
}

impl<'a> Pipeline<'a> {
    pub(super) fn pre_hooks(&mut self) {
        self.say_absent(Phase::Pre);
        for (place, hook) in self.run.plan.pre.iter().enumerate() {
            self.note_interruption();
            if let Some(reason) = self.why_no_work() {
                self.skip(place, hook, &reason);
                continue;
            }
            if let Some(reason) = policy::phase_stopped(&self.hooks, self.ledger.state(), Phase::Pre) {
                self.skip(place, hook, &reason);
                continue;
            }
            let called_off = self.pre_hook(place, hook);
            if let Some(reason) = called_off {
                self.ledger.note(Record::CalledOff(reason));
            }
        }
    }

    /// Runs a pre hook, if its undo can run: nothing is frozen that cannot be thawed. Gives why it calls the run off.
    fn pre_hook(&mut self, place: usize, hook: &'a Hook) -> Option<String> {
        let undos = &self.run.plan.undos;
        let undo: WithUndo<'a> = undos.iter().enumerate().find(|(_, undo)| undo.undo_of == Some(place));
        let mut due = None;
        if let Some((index, undo)) = undo.filter(|_| hook.problem.is_none()) {
            if let Some(finding) = self.why_undo_cannot_run(index, undo) {
                self.not_started(place, hook, &finding);
                return None;
            }
            match hook
                .hold_limit
                .filter(|_| !self.keeps_effects())
                .map(|limit| self.order(index, hook, undo, Some(limit)))
            {
                Some(Ok(order)) => due = Some(self.holds.begin(order)),
                Some(Err(error)) => {
                    let mend = "raise the limit of processes of this container".to_owned();
                    self.not_started(
                        place,
                        hook,
                        &Finding { what: format!("its hold cannot be watched: {error}"), mend },
                    );
                    return None;
                }
                None => {}
            }
        }
        if undo.is_some() {
            self.make_outputs_ahead(place);
        }
        let way = Way { undo: undo.map(|(index, _)| index), until: due, ..Way::default() };
        let Came::Ended(carried) = self.carry_out(place, hook, way) else { return None };
        if let Some((index, _)) = undo {
            self.holds.hook_has_ended(index, Some(carried.for_undo).filter(|_| carried.started > 0));
        }
        carried.end.called_off
    }

    fn why_undo_cannot_run(&self, index: usize, undo: &Hook) -> Option<Finding> {
        let settings = &self.run.settings;
        let occasion = self.occasion(self.run.plan.pre.len() + index, undo);
        let data = occasion.data(settings, undo, &occasion.told(settings, 1));
        let finding = undo
            .problem
            .clone()
            .or_else(|| cannot_run(&undo.action, undo, &data, &self.run.secret_values, &settings.environment))?;
        Some(Finding { what: format!("its undo cannot run: {}", finding.what), mend: finding.mend })
    }

    fn not_started(&mut self, place: usize, hook: &Hook, why: &Finding) {
        say::error(format!("❌ Hook {} is not started ({}): {}.", hook.name, hook.source, why.what));
        say::error(format!("   {}", why.mend));
        let record = HookRecord {
            exit_code: Some(exit::CANNOT_EXECUTE),
            reason: format!("cannot run: {}", why.what),
            ..record_of(hook, "failed")
        };
        self.ledger.note(Record::Hook(place, Box::new(record)));
    }

    /// Everything for undoing this hook before the end of the work.
    pub(super) fn order(
        &self,
        index: usize,
        hook: &Hook,
        undo: &Hook,
        limit: Option<Duration>,
    ) -> std::io::Result<Order> {
        let place = self.run.plan.pre.len() + index;
        let mut occasion = self.occasion(place, undo);
        occasion.stands = Some(standing_of_early());
        Ok(Order {
            of: hook.name.clone(),
            limit,
            undo: undo.clone(),
            place,
            index,
            occasion,
            run_began: self.began,
            settings: self.run.settings.clone(),
            secret_values: self.run.secret_values.clone(),
            pen: self.ledger.pen(),
            stop: self.hold_stop()?,
            claims: Arc::clone(&self.run.claims),
            left: self.ledger.state().hooks[place].as_ref().map(Progress::left).unwrap_or_default(),
        })
    }

    pub(super) fn say_absent(&self, phase: Phase) {
        for (_, name, path) in self.run.plan.absent.iter().filter(|(of, _, _)| *of == phase) {
            say::info(format!("ℹ️ Hook {name} not found ({})", path.display()));
        }
    }

    pub(super) fn post_hooks(&mut self) {
        self.say_absent(Phase::Post);
        let first = self.run.plan.pre.len() + self.run.plan.undos.len();
        for (place, hook) in self.run.plan.post.iter().enumerate().map(|(index, hook)| (first + index, hook)) {
            let known = self.ledger.state().hooks[place].as_ref();
            if known.is_some_and(|record| record.status != "running") {
                continue;
            }
            // What its worker died in is run again.
            let progress = known.map(Progress::left).unwrap_or_default();
            let stop = self.run.settings.limits.stop;
            if self.stop.request().is_some_and(|request| budget::post_hook(stop, &request).0 <= Instant::now()) {
                self.skip(place, hook, "no time was left before the stop (STOP_TIMEOUT)");
                continue;
            }
            if let Some(reason) = self.why_no_post_hook(hook) {
                self.skip(place, hook, &reason);
                continue;
            }
            self.carry_out(place, hook, Way { progress, ..Way::default() });
        }
    }

    /// Why a post hook would not run as the run stands now, if so.
    pub(super) fn why_no_post_hook(&self, hook: &Hook) -> Option<String> {
        policy::why_skipped(hook, &self.hooks, self.ledger.state(), self.told_status(), self.run.job.name)
    }

    /// The status that hooks are told: the run's own, unless a trial pretends another.
    pub(super) fn told_status(&self) -> Status {
        let pretended = self.run.trial.as_ref().and_then(|trial| trial.status);
        pretended.unwrap_or_else(|| self.standing().status)
    }

    pub(super) fn skip(&mut self, place: usize, hook: &Hook, reason: &str) {
        say::warn(format!("⏭ Hook {}: {reason}", hook.name));
        self.note_skipped(place, hook, reason);
    }

    pub(super) fn note_skipped(&mut self, place: usize, hook: &Hook, reason: &str) {
        let record = HookRecord { reason: reason.to_owned(), ..record_of(hook, "skipped") };
        self.ledger.note(Record::Hook(place, Box::new(record)));
    }

    /// Runs an undo once, after `progress`. Gives what is to be gone on from, if it is to be tried again.
    pub(super) fn run_undo(&mut self, place: usize, undo: &Hook, progress: Progress) -> Option<Progress> {
        match self.carry_out(place, undo, Way { is_single: true, progress, ..Way::default() }) {
            Came::Again(progress) => Some(progress),
            Came::Ended(_) => None,
        }
    }

    fn carry_out(&mut self, place: usize, hook: &Hook, way: Way) -> Came {
        let span = tracing::info_span!("hook", hook = %hook.name);
        let _entered = span.enter();
        let pen = self.ledger.pen();
        let occasion = self.occasion(place, hook);
        let due = (hook.phase != Phase::Pre && self.run.trial.is_none() && self.ledger.state().notified.is_none())
            .then(|| self.notifications_due())
            .flatten();
        let mut notified: Option<Status> = None;
        let supervisors = std::mem::take(&mut self.supervisors);
        let mut letter = None;
        let mut ring = || notified = Some(self.notify_early(hook, &mut letter));
        let mut means = Means {
            settings: &self.run.settings,
            stop: &self.stop,
            // No file on the way of an undo.
            folder: self.outputs.as_ref().filter(|_| hook.phase != Phase::Undo),
            secret_values: &self.run.secret_values,
            pen: &pen,
            place,
            end_orphans: &|grace| self.ledger.end_orphans(grace),
            alarm_at: due,
            ring: &mut ring,
            until: way.until,
            has_undo: way.undo.is_some(),
            is_single: way.is_single,
            turn: way.undo.map(|undo| (&*self.run.claims, undo)),
            supervisors,
        };
        let came = carry_out(hook, &occasion, &mut means, way.progress);
        self.supervisors = means.supervisors;
        self.letter = letter.or_else(|| self.letter.take());
        if let Some(status) = notified {
            self.ledger.note(Record::Notified(status));
        }
        self.ledger.look();
        if let Came::Ended(carried) = &came {
            self.note_end(place, hook, carried);
        }
        came
    }

    fn note_end(&mut self, place: usize, hook: &Hook, carried: &Carried) {
        let mut record = record_of(hook, "running");
        carried.note_in(&mut record);
        if let Some(of) = hook.undo_of.and_then(|of| self.run.plan.pre.get(of)) {
            say_what_is_left(&of.name, &record);
        }
        self.ledger.note(Record::Hook(place, Box::new(record)));
        if hook.phase != Phase::Undo && !carried.end.values.is_empty() {
            self.ledger.note(Record::Values(carried.end.values.clone()));
        }
    }

    /// What the hook at this place is told now.
    pub(super) fn occasion(&self, place: usize, hook: &Hook) -> Occasion {
        let (run, state, plan) = (self.run, self.ledger.state(), &self.run.plan);
        let (pre, undos) = (plan.pre.len(), plan.undos.len());
        let (first, task_index) = match hook.phase {
            Phase::Pre => (0, place),
            // The work is a task, too.
            Phase::Undo => (pre, place + 1),
            Phase::Post => (pre + undos, place + 1),
        };
        let standing = self.standing();
        let stands = (hook.phase != Phase::Pre).then(|| Stands {
            exit_code: standing.code,
            status: self.told_status(),
            error: standing.reason,
            snapshot: state.work.as_ref().map(|work| work.snapshot.clone()).unwrap_or_default(),
            summary: (hook.phase == Phase::Post && state.summary_written && run.has_the_last_word())
                .then(|| self.reports().summary_path()),
        });
        let mut values = state.values.clone();
        let own = hook.undo_of.and_then(|place| state.undo_values.get(&place));
        values.extend(own.into_iter().flatten().cloned());
        let is_rendered = hook.action.texts().iter().any(|(_, text)| text.template().is_some());
        let hooks = if is_rendered { self.reports().hooks() } else { Json::Array(Vec::new()) };
        Occasion {
            worker: run.job.name,
            run_id: run.id.clone(),
            started_at: run.started_at.to_rfc3339_opts(SecondsFormat::Secs, false),
            log: self.log_path(),
            target: self.target.clone(),
            index: place - first + 1,
            count: plan.phase(hook.phase).len(),
            values,
            stands,
            namespace: run.namespace.clone(),
            duration: state
                .work
                .as_ref()
                .map_or_else(|| self.began.elapsed(), |work| Duration::from_millis(work.milliseconds)),
            stats: state.work.as_ref().map(|work| work.stats.clone()).unwrap_or_default(),
            hooks,
            task_index,
            recovery: hook.phase != Phase::Pre && (state.died.is_some() || run.recovery.is_some()),
        }
    }
}
