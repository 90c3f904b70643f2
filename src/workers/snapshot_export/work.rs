//! The worker itself: what the pipeline calls, and the steps of an export.

use super::arguments::SnapshotExportArgs;
use super::dump::{self, Exported, Failed, Means, Source};
use super::listing::{self, Total, Way};
use super::place::{self, Made, Manner};
use super::plan::{Output, Plan, folder_of};
use super::stream::Count;
use super::{checksum, space};
use crate::engine::{Outcome, Restic, bytes, clock};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{Asked, Cancelled, RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::restore::listing::restic_for_any;
use crate::workers::restore::plan::{LATEST, of_patterns, on_off, usage};
use crate::workers::restore::snapshots::{self, HOST_TAG, Snapshot};
use crate::workers::restore::table::shown;
use crate::workers::skeleton::{self, timestamp};
use chrono::{DateTime, Local};
use clap::{Args, FromArgMatches};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

/// An export, from its arguments to its end.
pub struct SnapshotExport {
    arguments: SnapshotExportArgs,
    /// Known before the worker is forked: its successor gives the archive the same name.
    asked_at: DateTime<Local>,
    /// Bytes of the archive, once there is one.
    size: Option<u64>,
    matched_nothing: bool,
}

/// Adds the flags of `snapshot-export` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    SnapshotExportArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(SnapshotExport::new(SnapshotExportArgs::from_arg_matches(matches)?)))
}

impl SnapshotExport {
    /// An export with these arguments.
    pub fn new(arguments: SnapshotExportArgs) -> Self {
        Self { arguments, asked_at: Local::now(), size: None, matched_nothing: false }
    }

    fn plan(&self, settings: &Settings, values: &BTreeMap<String, String>) -> Result<Plan, Cancelled> {
        Plan::new(&self.arguments, settings, values, self.asked_at)
    }
}

impl Work for SnapshotExport {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::Shared
    }

    fn keeps_stdout(&self) -> bool {
        self.arguments.output.as_deref() == Some("-")
    }

    fn ask(&mut self, settings: &Settings, _: &Stop) -> Result<Asked, Cancelled> {
        let plan = self.plan(settings, &BTreeMap::new())?;
        if plan.output == Output::Stdout && !plan.dry_run && std::io::stdout().is_terminal() {
            return Err(usage(
                "--output - writes an archive, and standard output is a terminal: send it to a file or a pipe (and \
                 leave out -t of docker exec)",
            ));
        }
        if plan.output == Output::Stdout && !plan.dry_run && stdout_was_closed() {
            return Err(usage(
                "--output - writes an archive, and standard output is closed: send it to a file or a pipe",
            ));
        }
        Ok(Asked::Proceed)
    }

    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String {
        self.plan(settings, values).map(|plan| plan.archive()).unwrap_or_default()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let started = Instant::now();
        let Ok(plan) = self.plan(cx.settings, cx.values) else {
            return Worked::with_code(exit::USAGE, "the arguments of the export are wrong");
        };
        open(&plan, cx.settings);
        let worked = match skeleton::refuse(cx, &[]) {
            Some(refused) => {
                cx.extras.extend(plan.extras(cx.settings, false));
                refused
            }
            None => self.export(&plan, cx, started),
        };
        let took = crate::report::duration(started.elapsed().as_secs() as i64);
        say::info(format!("🏁 Finished snapshot export at {} after {took} (exit {})", timestamp(), worked.code));
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        let Ok(plan) = self.plan(cx.settings, cx.values) else { return String::new() };
        let prefix = if self.matched_nothing { "include matched 0 · " } else { "" };
        let size = self.size.map(|size| format!(" ({size} bytes)")).unwrap_or_default();
        format!("{prefix}{} -> {}{size}", plan.given, plan.archive())
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        self.plan(settings, &BTreeMap::new()).map(|plan| plan.extras(settings, false)).unwrap_or_default()
    }
}

impl SnapshotExport {
    /// All between the first line and the last one.
    fn export(&mut self, plan: &Plan, cx: &mut WorkContext<'_>, started: Instant) -> Worked {
        let mut made = Made::default();
        let done = prepare(plan, cx, &mut made).and_then(|source| match source {
            None => Ok(Exported::default()),
            Some(source) if plan.dry_run => Ok(Exported { count: counted(&source, plan, cx)?, ..Exported::default() }),
            Some(source) => {
                if let Output::File(path) = &plan.output {
                    say::info(format!("🗜️ Creating archive {}...", shown(&path.to_string_lossy())));
                }
                let bounds = skeleton::bounds(cx);
                dump::export(plan, &source, &Means { bounds, log: &cx.settings.log, debts: &cx.debts })
            }
        });
        let exported = match done {
            Ok(exported) => exported,
            Err(Failed { code, reason }) => {
                say::error(format!("❌ {reason}"));
                cx.extras.extend(plan.extras(cx.settings, false));
                return Worked::with_code(code, reason);
            }
        };
        self.matched_nothing = plan.selection.has_includes() && exported.count.chosen == 0;
        cx.extras.extend(plan.extras(cx.settings, self.matched_nothing));
        if self.matched_nothing {
            let worked = Worked::with_code(exit::INCOMPLETE, nothing_matched(plan));
            say::error(format!("❌ {}", worked.reason));
            return worked;
        }
        if exported.written.is_some() {
            made.keep();
        }
        self.size = exported.written.map(|written| written.bytes);
        record(&exported, cx, started);
        tell(plan, &exported);
        let mut worked = Worked::with_code(exit::SUCCESS, "");
        for warning in &exported.warnings {
            say::warn(format!("⚠️ {warning}"));
        }
        worked.warnings = exported.warnings;
        worked
    }
}

/// Rust opens `/dev/null` for reading and writing where a standard descriptor is closed at the start. Who wants nothing
/// of it opens that for writing alone.
fn stdout_was_closed() -> bool {
    let flags = fcntl(std::io::stdout(), FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR)
        && std::fs::read_link("/proc/self/fd/1").is_ok_and(|path| path == Path::new("/dev/null"))
}

/// The first line, and the block of the log.
fn open(plan: &Plan, settings: &Settings) {
    say::info(format!("📦 Starting snapshot export at {}", timestamp()));
    for (key, value) in [
        ("RELEASE", settings.identity.release.as_str()),
        ("RESTIC_REPOSITORY", &settings.repository.shown),
        ("SNAPSHOT", &plan.given),
        ("TAG_FILTER", &plan.filters.tag),
        ("HOST_FILTER", &plan.filters.host),
        ("INCLUDE_PATHS", &plan.includes.join(" ")),
        ("EXCLUDE_PATHS", &plan.excludes.join(" ")),
        ("OUTPUT", &plan.archive()),
        ("WORK_DIR", plan.work_dir.as_deref().unwrap_or("<auto>")),
        ("DRY_RUN", on_off(plan.dry_run)),
        ("VERIFY", on_off(plan.verify)),
        ("VERBOSE", on_off(plan.verbose)),
        ("FORMAT", plan.format.name()),
    ] {
        say::log_only(format!("{key}: {}", shown(value)));
    }
    if plan.workdir_flags {
        say::info(
            "ℹ️ --work-dir and --keep-workdir are not needed any more: the export streams, and no folder is touched.",
        );
    }
}

/// Refuses what is to be refused, and finds out what is exported. `None` if the includes match nothing.
fn prepare(plan: &Plan, cx: &mut WorkContext<'_>, made: &mut Made) -> Result<Option<Source>, Failed> {
    if let Output::File(path) = &plan.output {
        let moved = cx.values.get("BACKUP_ROOT_DIR").map_or("", String::as_str);
        let manner = match (plan.dry_run, plan.force) {
            (_, true) => Manner::Force,
            (true, false) => Manner::DryRun,
            (false, false) => Manner::Careful,
        };
        place::check(path, cx.settings, moved, manner).map_err(Failed::new)?;
        if !plan.dry_run {
            let folder = folder_of(path);
            made.folder(folder).map_err(|error| {
                Failed::new(format!(
                    "the folder '{}' cannot be made ({error}): choose another --output",
                    folder.display()
                ))
            })?;
        }
    }
    let restic = Restic::locate(cx.settings, &plan.filters.environment(&cx.environment));
    let mut source = Source {
        restic,
        id: plan.snapshot.clone(),
        filters: Vec::new(),
        folder: plan.below.clone().unwrap_or_else(|| "/".to_owned()),
        above: Vec::new(),
        above_count: 0,
        special: Vec::new(),
        total: None,
    };
    let snapshot = find(plan, &source.restic, cx)?;
    // Somebody may add a newer one meanwhile.
    match &snapshot {
        Some(snapshot) => snapshot.id.clone_into(&mut source.id),
        None if plan.snapshot == LATEST => source.filters = plan.filters.words(),
        None => {}
    }
    source.filters.extend(Restic::without_lock(cx.settings).map(str::to_owned));
    narrowed(plan, source, snapshot.as_ref(), cx)
}

/// Which snapshot it is. `None` if restic does not say: it will fail at the export for the same reason, with its own
/// code for it.
fn find(plan: &Plan, restic: &Restic, cx: &mut WorkContext<'_>) -> Result<Option<Snapshot>, Failed> {
    let bounds = skeleton::bounds(cx);
    let is_latest = plan.snapshot == LATEST;
    let found = if is_latest {
        snapshots::newest(restic, &plan.filters, &bounds)
    } else {
        snapshots::by_id(restic, &plan.snapshot, &bounds)
    };
    match found {
        _ if cx.stop.request().is_some() => Err(Failed::stopped(cx.stop)),
        Ok(Some(snapshot)) => {
            snapshot.id.clone_into(&mut cx.snapshot);
            Ok(Some(snapshot))
        }
        Ok(None) if is_latest => {
            let any = restic_for_any(cx.settings, &plan.filters);
            let why = snapshots::explain_nothing(&any, &plan.filters, &bounds, HOST_TAG);
            Err(Failed::new(format!("no snapshots matched: {}; {why}", plan.filters.shown())))
        }
        Ok(None) => Err(Failed::new(format!(
            "no snapshot '{}', or several that begin so: give 'latest', or an id as `restore --list` shows it",
            shown(&plan.snapshot)
        ))),
        Err(error) => {
            say::log_only(format!("Which snapshot '{}' is, is not known: {error}", shown(&plan.snapshot)));
            Ok(None)
        }
    }
}

/// Narrows the export to the folder that holds all that is selected, and counts where that is cheap or needed at once.
fn narrowed(
    plan: &Plan,
    mut source: Source,
    snapshot: Option<&Snapshot>,
    cx: &WorkContext<'_>,
) -> Result<Option<Source>, Failed> {
    let bounds = skeleton::bounds(cx);
    let base = plan.below.as_deref().unwrap_or_default();
    let below = plan.selection.all_below();
    if snapshot.is_some() && (plan.below.is_some() || below.is_some()) {
        let path = format!("{base}{}", below.as_deref().unwrap_or_default());
        let way =
            listing::way_to(&source.restic, &source.id, &path, &bounds).map_err(|outcome| engine(&outcome, cx))?;
        let Some(Way { nodes: mut way, special }) = way else {
            return if below.is_some() { Ok(None) } else { Err(no_folder(plan, base)) };
        };
        if below.is_some() && way.last().is_some_and(|node| !node.is_dumped()) {
            dump::tell_left_out(1, true);
            return Ok(None);
        }
        if way.last().is_some_and(|node| !node.is_folder()) {
            if below.is_none() {
                return Err(no_folder(plan, base));
            }
            // restic dumps a file as it is, without its facts: its folder is dumped, and the file taken of it.
            way.pop();
        }
        if let Some(folder) = way.last() {
            folder.path().clone_into(&mut source.folder);
        }
        let above: Vec<_> = way.iter().filter(|node| node.path().len() > base.len()).collect();
        // A listing of the last one has itself in it.
        source.above_count = above.len().saturating_sub(1) as u64;
        source.special = special;
        source.above = above.into_iter().flat_map(listing::Node::as_member).collect();
    }
    if snapshot.is_some() && source.folder == "/" && source.special.is_empty() {
        source.special =
            listing::special_in_root(&source.restic, &source.id, &bounds).map_err(|outcome| engine(&outcome, cx))?;
    }
    let known = snapshot.and_then(Snapshot::bytes);
    if plan.selection.is_everything() && plan.below.is_none() {
        source.total = known.map(|bytes| Total { bytes, ..Total::default() });
    }
    if let Output::File(path) = &plan.output
        && !plan.dry_run
    {
        let scarce = space::free(folder_of(path)).is_some_and(|free| free < space::SCARCE);
        if source.total.is_none() && scarce {
            source.total = Some(total(&source, plan, cx)?);
        }
        if let Some(total) = source.total {
            dump::roomy(plan, dump::free(plan), total.bytes).map_err(Failed::new)?;
        }
    }
    Ok(Some(source))
}

fn total(source: &Source, plan: &Plan, cx: &WorkContext<'_>) -> Result<Total, Failed> {
    let bounds = skeleton::bounds(cx);
    listing::total(&source.restic, &source.id, &source.part(plan), &plan.selection, &bounds)
        .map_err(|outcome| engine(&outcome, cx))
}

/// What a dry run finds.
fn counted(source: &Source, plan: &Plan, cx: &WorkContext<'_>) -> Result<Count, Failed> {
    let Total { members, bytes, chosen, left_out } = total(source, plan, cx)?;
    dump::tell_left_out(left_out, true);
    Ok(Count { members, bytes, chosen })
}

fn engine(outcome: &Outcome, cx: &WorkContext<'_>) -> Failed {
    if cx.stop.request().is_some() {
        return Failed::stopped(cx.stop);
    }
    Failed { code: outcome.code(), reason: outcome.reason() }
}

fn no_folder(plan: &Plan, folder: &str) -> Failed {
    Failed::new(format!(
        "snapshot {} has no folder '{}': paths are those of the snapshot (restic ls {} shows them)",
        plan.snapshot,
        shown(folder),
        plan.snapshot
    ))
}

fn nothing_matched(plan: &Plan) -> String {
    let includes: Vec<String> = plan.includes.iter().map(|include| format!("'{}'", shown(include))).collect();
    let but = if plan.excludes.is_empty() { "" } else { " that is not excluded" };
    format!(
        "the includes matched nothing{but} in snapshot {}: {}; paths are those of the snapshot (restic ls {} shows them){}",
        plan.given,
        includes.join(", "),
        plan.snapshot,
        of_patterns(&plan.includes)
    )
}

/// The summary's keys on what was exported.
fn record(exported: &Exported, cx: &mut WorkContext<'_>, started: Instant) {
    let Exported { count, written, .. } = exported;
    let took = started.elapsed();
    cx.extra("files_restored", count.members.to_string());
    cx.extra("bytes_restored", bytes(count.bytes));
    cx.extra("elapsed_human", clock(took.as_secs()));
    cx.stat("members", count.members);
    cx.stat("bytes", count.bytes);
    cx.stat("seconds", (took.as_secs_f64() * 1000.0).round() / 1000.0);
    if let Some(written) = written {
        cx.extra("archive_size_bytes", written.bytes.to_string());
        cx.extra("archive_sha256", checksum::hexadecimal(&written.sha256));
        cx.stat("archive_bytes", written.bytes);
        cx.stat("ratio", (count.bytes as f64 / written.bytes.max(1) as f64 * 1000.0).round() / 1000.0);
    }
}

fn tell(plan: &Plan, exported: &Exported) {
    let Count { members, bytes: data, .. } = exported.count;
    let (archive, data) = (shown(&plan.archive()), bytes(data));
    if let Some(written) = &exported.written {
        say::info(format!("✅ Snapshot archive created: {archive} ({} bytes)", written.bytes));
        say::info(format!("ℹ️ {members} files/dirs ({data}); SHA-256 {}", checksum::hexadecimal(&written.sha256)));
    } else {
        say::info(format!("ℹ️ {members} files/dirs ({data}) would be written to {archive}"));
        say::info("✅ Dry-run completed; no archive created.");
    }
}
