//! `mount-snapshot`: mount the snapshots as a folder to look around in.
//!
//! It lasts until somebody ends it: Ctrl-C, a stop, an unmount from outside. All of them are its normal end. Whatever
//! ends it, nothing stays mounted: restic unmounts; if it could not, the worker does; if that is dead, its successor;
//! if the keeper is dead too, the cleaner.

mod arguments;
mod plan;
mod rights;
mod target;

use crate::engine::{Outcome, Output, Restic, run_text};
use crate::exit;
use crate::masking::say;
use crate::process::Exit;
use crate::process::mounts::{Unmounted, Watch, unmount, users_of};
use crate::run::{Debt, RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::restore::plan::on_off;
use crate::workers::restore::snapshots::{self, HOST_TAG_REPO_WIDE};
use crate::workers::restore::table::shown;
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use plan::Plan;
use std::collections::BTreeMap;
use std::path::Path;
use target::Refusal;

pub use arguments::MountSnapshotArgs;

/// In the lines around the work.
const TITLE: &str = "snapshot mount";

/// What a restic that was interrupted ends with before 0.17: later ones end a mount with 0.
const ENDED_BY_INTERRUPT: i32 = 130;

/// What follows a failure that has to do with rights.
const HINT: [&str; 6] = [
    "💡 Hint: mounting was refused. What it takes:",
    "  1. The device: docker run --device /dev/fuse",
    "  2. The right to mount: docker run --cap-add SYS_ADMIN (Kubernetes: capabilities.add: [SYS_ADMIN])",
    "  3. No AppArmor profile that forbids it: docker run --security-opt apparmor=unconfined (SELinux: label=disable)",
    "  4. Users other than root: fusermount setuid root, and neither no-new-privileges nor allowPrivilegeEscalation: false",
    "  5. --allow-other as another user than root: the line user_allow_other in /etc/fuse.conf",
];

/// The work of `mount-snapshot`.
pub struct MountSnapshot {
    arguments: MountSnapshotArgs,
}

/// Adds the flags of `mount-snapshot` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    MountSnapshotArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(MountSnapshot { arguments: MountSnapshotArgs::from_arg_matches(matches)? }))
}

impl MountSnapshot {
    fn plan(&self, settings: &Settings, values: &BTreeMap<String, String>) -> Plan {
        Plan::new(&self.arguments, settings, values)
    }
}

impl Work for MountSnapshot {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::Shared
    }

    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String {
        self.plan(settings, values).target
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let plan = self.plan(cx.settings, cx.values);
        let frame = open(&plan, cx.settings);
        cx.extras.extend(plan.extras(cx.settings));
        if let Some(refused) = skeleton::refuse(cx, &[]) {
            frame.close();
            return refused;
        }
        if let Err(refusals) = check(&plan, cx) {
            for refusal in &refusals {
                say::error(format!("❌ {}", refusal.why));
            }
            frame.close();
            let reasons: Vec<&str> = refusals.iter().map(|refusal| refusal.why.as_str()).collect();
            return Worked::with_code(refusals[0].code, reasons.join("; "));
        }
        let worked = mount(&plan, cx);
        if worked.code == exit::SUCCESS {
            say::info("✅ Snapshot mount finished cleanly.");
        } else {
            say::error(format!("❌ Snapshot mount exited with status {}.", worked.code));
        }
        frame.close();
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        self.plan(cx.settings, cx.values).target
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        self.plan(settings, &BTreeMap::new()).extras(settings)
    }
}

fn open(plan: &Plan, settings: &Settings) -> Frame {
    let header = [
        ("RELEASE", settings.identity.release.as_str()),
        ("RESTIC_REPOSITORY", &settings.repository.shown),
        ("TARGET", &plan.target),
        ("TAG_FILTER", &plan.filters.tag),
        ("HOST_FILTER", &plan.filters.host),
        ("PATH_FILTERS", &plan.paths.join(" ")),
        ("REPO_WIDE", on_off(plan.repo_wide)),
        ("ALLOW_OTHER", on_off(plan.allow_other)),
        ("FORCE", on_off(plan.force)),
        ("RESTIC_CACERT", &settings.repository.cacert_given),
    ]
    .map(|(key, value)| (key, shown(value)));
    Frame::open("🔌", TITLE, &header.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// Everything that forbids it, in the contract's order; what comes of one cause is told at once.
fn check(plan: &Plan, cx: &WorkContext<'_>) -> Result<(), Vec<Refusal>> {
    target::check(plan, cx.settings).map_err(|refusal| vec![refusal])?;
    if !plan.repo_wide {
        let empty = [("host", "HOSTNAME", &plan.filters.host), ("tag", "RESTIC_TAG", &plan.filters.tag)];
        let refusals: Vec<Refusal> = empty
            .iter()
            .filter(|(_, _, value)| value.is_empty())
            .map(|(flag, variable, _)| {
                let why = format!("the {flag} filter is empty: give --{flag}, set {variable}, or add --repo-wide");
                Refusal::new(exit::USAGE, why)
            })
            .collect();
        if !refusals.is_empty() {
            return Err(refusals);
        }
    }
    let verdict = rights::check(&cx.environment);
    verdict.notes.iter().for_each(say::info);
    if verdict.refusals.is_empty() { Ok(()) } else { Err(verdict.refusals) }
}

/// Mounts, waits for the end, and sees to it that nothing stays.
fn mount(plan: &Plan, cx: &mut WorkContext<'_>) -> Worked {
    if let Err(error) = std::fs::create_dir_all(&plan.point) {
        let why = format!("mount target '{}' cannot be made ({error}): choose another --target", shown(&plan.target));
        say::error(format!("❌ {why}"));
        return Worked::with_code(exit::FAILURE, why);
    }
    let restic = Restic::locate(cx.settings, &plan.filters.environment(&cx.environment));
    say::info(plan.scope());
    warn_of_nothing(plan, cx, &restic);
    if let Some(request) = cx.stop.request() {
        return interrupted(request.signal as i32);
    }
    say::info(format!(
        "📂 Mounting at '{}'. Ctrl-C, SIGTERM, or umount '{}' from elsewhere ends it.",
        plan.target, plan.target
    ));
    let debt = Debt::Mount(plan.point.clone());
    cx.debts.owe(&debt);
    let (outcome, hint) = serve(plan, cx, &restic);
    skeleton::say_not_started(&outcome);
    let cleared = clear(&plan.point);
    if cleared.is_ok() {
        cx.debts.forget(&debt);
    }
    let worked = judge(&outcome, cx);
    if let Err(why) = cleared {
        say::error(format!("❌ {why}"));
        return if worked.code == exit::SUCCESS { Worked::with_code(exit::FAILURE, why) } else { worked };
    }
    if matches!(outcome.exit, Exit::Signal(_)) {
        // It was killed: its lock is still there.
        skeleton::unlock(cx, &restic, &outcome);
    }
    if worked.code != exit::SUCCESS && hint {
        HINT.iter().for_each(say::info);
    }
    worked
}

/// A tree without a snapshot looks like lost backups: says why it will be empty.
fn warn_of_nothing(plan: &Plan, cx: &WorkContext<'_>, restic: &Restic) {
    let bounds = skeleton::bounds(cx);
    if let Ok(None) = snapshots::newest(restic, &plan.filters, &bounds) {
        let mut any = restic.clone();
        any.environment.remove("RESTIC_HOST");
        let why = snapshots::explain_nothing(&any, &plan.filters, &bounds, HOST_TAG_REPO_WIDE);
        say::warn(format!("⚠️ No snapshot matches {}, so the folder will be empty; {why}", plan.filters.shown()));
    }
}

/// Runs restic to its end: how that was, and whether it complained of rights.
fn serve(plan: &Plan, cx: &WorkContext<'_>, restic: &Restic) -> (Outcome, bool) {
    let watch = Watch::begin(&plan.point);
    let (mut said, mut hint) = (false, false);
    let no_lock = Restic::without_lock(cx.settings).map(Into::into);
    let words = plan.words().into_iter().chain(no_lock);
    let outcome = run_text(&restic.spec("mount", words), &skeleton::bounds(cx), &mut |output| {
        if let Output::Stdout(line) | Output::Stderr(line) = output {
            say::console_only(line);
            say::log_only(line);
            let line = line.to_lowercase();
            hint |= ["fusermount", "mount helper", "permission denied", "operation not permitted"]
                .iter()
                .any(|sign| line.contains(sign));
        }
        let is_mounted = watch.as_ref().is_ok_and(Watch::has_seen);
        if is_mounted && !said {
            said = true;
            say::info(format!("✅ Mounted at '{}' (Ctrl-C or 'umount' ends it).", plan.target));
        }
    });
    (outcome, hint)
}

/// Takes away what restic has left mounted: because it was killed, or because somebody uses it.
fn clear(point: &Path) -> Result<(), String> {
    let shown_point = shown(&point.to_string_lossy());
    let users = || users_of(point).into_iter().map(|(pid, name)| format!("{} ({pid})", shown(&name)));
    let before: Vec<String> = users().collect();
    match unmount(point) {
        Ok(Unmounted::Before) => Ok(()),
        Ok(Unmounted::Plainly) => {
            say::info(format!("🔌 Unmounted '{shown_point}', which restic had left mounted."));
            Ok(())
        }
        Ok(Unmounted::Lazily) => {
            let who = if before.is_empty() { "somebody".to_owned() } else { before.join(", ") };
            say::warn(format!(
                "⚠️ '{shown_point}' was still used by {who}: it is unmounted all the same, and they will get errors there."
            ));
            Ok(())
        }
        Err(error) => {
            Err(format!("'{shown_point}' is still mounted ({error}): unmount it (umount -l '{shown_point}')"))
        }
    }
}

/// What the end means: a stop is how a mount is meant to end. Whether it came a moment before or after restic had mounted
/// is no difference that anybody could rely on.
fn judge(outcome: &Outcome, cx: &WorkContext<'_>) -> Worked {
    if cx.stop.request().is_some() && outcome.code() == ENDED_BY_INTERRUPT {
        return Worked::with_code(exit::SUCCESS, "");
    }
    Worked::with_code(outcome.code(), outcome.reason())
}

fn interrupted(signal: i32) -> Worked {
    Worked::with_code(exit::of_signal(signal), "interrupted before anything was mounted")
}
