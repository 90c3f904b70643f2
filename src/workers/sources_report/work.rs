//! The worker itself: what the pipeline calls.

use super::arguments::SourcesReportArgs;
use super::figures::Figures;
use super::inventory::Inventory;
use super::nested;
use super::rules::Rules;
use super::scope::Scope;
use super::tables;
use super::walk::Walk;
use crate::engine::{Progress, Status};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::pipe;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

/// More threads than cores: on a slow disk most of them wait.
const THREADS_A_CORE: usize = 2;
const MOST_THREADS: usize = 16;
/// In milliseconds.
const BETWEEN_LOOKS: u16 = 1000;

/// A report, from its arguments to its end.
pub struct SourcesReport {
    arguments: SourcesReportArgs,
}

/// Adds the flags of `sources-report` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    SourcesReportArgs::augment_args(command)
}

/// Makes a report of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(SourcesReport { arguments: SourcesReportArgs::from_arg_matches(matches)? }))
}

impl Work for SourcesReport {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::None
    }

    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String {
        let root = root(settings, values);
        if root.is_empty() { settings.jobs.backup.raw.clone() } else { root.to_owned() }
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let frame = Frame::open("📋", "sources report", &[]);
        let worked = self.report(cx);
        frame.close();
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        let target = self.target(cx.settings, cx.values);
        if target.trim().is_empty() { "no sources".to_owned() } else { target }
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        let mut extras = vec![("backup_root_dir".to_owned(), settings.jobs.backup_root.clone())];
        extras.extend(self.limits());
        extras
    }
}

/// What the backup's root is, after pre hooks.
fn root<'a>(settings: &'a Settings, values: &'a BTreeMap<String, String>) -> &'a str {
    values.get("BACKUP_ROOT_DIR").unwrap_or(&settings.jobs.backup_root)
}

impl SourcesReport {
    fn limits(&self) -> [(String, String); 2] {
        let no_size = if self.arguments.no_size { "ON" } else { "OFF" };
        let depth = self.arguments.depth.map_or_else(|| "unlimited".to_owned(), |depth| depth.to_string());
        [("no_size".to_owned(), no_size.to_owned()), ("depth_limit".to_owned(), depth)]
    }

    fn report(&self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let root = root(settings, cx.values);
        self.header(settings, root);
        let tag = cx.values.get("RESTIC_TAG").unwrap_or(&settings.repository.tag);
        let scope = Scope::of(&settings.jobs.backup.words, tag, root, &self.arguments);
        let (mut rules, refused) = Rules::of(&scope.words);
        let counts = [scope.sources.len(), scope.lists.len(), scope.exclude_files.len()];

        if let Some(worked) = skeleton::refuse(cx, &[]) {
            self.record(cx, root, counts, Some((&Figures::default(), 0)));
            return worked;
        }
        let reason = if !refused.is_empty() {
            format!("RESTIC_JOB_ARGS holds what restic refuses: {}", refused.join("; "))
        } else if scope.is_empty() {
            "no source to report on: set BACKUP_ROOT_DIR, name paths or lists in RESTIC_JOB_ARGS, or give --source or \
             --files-from"
                .to_owned()
        } else {
            String::new()
        };
        if !reason.is_empty() {
            say::error(format!("❌ {reason}"));
            self.record(cx, root, counts, Some((&Figures::default(), 0)));
            return Worked::with_code(exit::USAGE, reason);
        }

        let here = nix::unistd::getcwd().unwrap_or_else(|_| "/".into());
        let here = here.as_os_str().as_bytes();
        if let Some(cache) = scope.cache(&cx.environment) {
            rules.leave_out_cache(cache.as_bytes());
        }
        let mut inventory = Inventory::take(&scope, &mut rules, &cx.environment, here);
        if scope.words.one_file_system {
            rules.stay_on(inventory.file_systems(here));
        }
        let counts = [inventory.sources.len(), inventory.lists.len(), inventory.excludes.len()];
        announce(counts, scope.words.stdin);

        let found = if self.arguments.no_size {
            None
        } else {
            match self.walk(cx, rules, &mut inventory, here) {
                Ok(found) => Some(found),
                Err(signal) => {
                    let reason = "interrupted before everything was counted".to_owned();
                    say::error(format!("❌ Sources report {reason}"));
                    self.record(cx, root, counts, None);
                    return Worked::with_code(exit::of_signal(signal), reason);
                }
            }
        };
        self.show(cx, root, &inventory, found);
        Worked::with_code(exit::SUCCESS, "")
    }

    fn header(&self, settings: &Settings, root: &str) {
        let words = settings.jobs.backup.raw.trim_end().replace('\n', " ");
        let [(_, _), (_, depth)] = self.limits();
        let mode = if self.arguments.no_size { "no-size" } else { "count and size" };
        for (label, value) in [
            ("Release:", settings.identity.release.as_str()),
            ("Repository:", &settings.repository.shown),
            ("BACKUP_ROOT_DIR:", root),
            ("RESTIC_JOB_ARGS:", &words),
            ("Mode:", mode),
            ("Depth limit:", &depth),
        ] {
            say::info(format!("{label:<20}{}", if value.trim().is_empty() { "(empty)" } else { value }));
        }
    }

    /// Walks everything once. Gives the figures of each source and list, and of all; or the signal that ended it.
    fn walk(
        &self,
        cx: &WorkContext<'_>,
        rules: Rules,
        inventory: &mut Inventory,
        here: &[u8],
    ) -> Result<(Vec<Figures>, Figures), i32> {
        for row in inventory.sources.iter().filter(|row| row.kind != "missing") {
            say::info(format!("🔎 Sizing {} ...", row.path));
        }
        let (leaves, shares, failures) = inventory.targets(here).into_leaves();
        let walk = Arc::new(Walk::new(rules, leaves, shares, self.arguments.depth));
        let mut progress = Progress::new(cx.job.name, &cx.settings.log);
        wait(&walk, cx.stop, &mut |(files_done, bytes_done)| {
            progress.status(Status { files_done, bytes_done, ..Status::default() });
        })?;
        drop(progress);
        let mut groups = vec![Figures::default(); inventory.sources.len() + inventory.lists.len()];
        let mut total = Figures::default();
        for share in walk.shares() {
            share.settle(&mut groups, &mut total);
        }
        for (group, failure) in failures {
            groups[group].fail(failure.clone());
            total.fail(failure);
        }
        for row in &mut inventory.sources {
            if walk.leaves_out(&row.absolute) {
                row.notes.push("is left out as a whole by the exclude rules of RESTIC_JOB_ARGS".to_owned());
            }
        }
        Ok((groups, total))
    }

    /// Shows and records what was found.
    fn show(
        &self,
        cx: &mut WorkContext<'_>,
        root: &str,
        inventory: &Inventory,
        found: Option<(Vec<Figures>, Figures)>,
    ) {
        let (groups, total) = found.map_or((None, Figures::default()), |(groups, total)| (Some(groups), total));
        let split = groups.as_ref().map(|groups| groups.split_at(inventory.sources.len()));
        let (of_sources, of_lists) = (split.map(|split| split.0), split.map(|split| split.1));
        let mut lines = tables::sources(&inventory.sources, of_sources);
        lines.extend(tables::lists(&inventory.lists, of_lists));
        lines.extend(tables::excludes(&inventory.excludes));
        lines.push(String::new());
        let errors = errors(inventory, groups.is_none()) + total.errors;
        let counts = [inventory.sources.len(), inventory.lists.len(), inventory.excludes.len()];
        let counted = if groups.is_some() {
            format!("{} files, {} ({} bytes)", total.files, tables::size(total.bytes), total.bytes)
        } else {
            "size and files not counted".to_owned()
        };
        let totals = format!(
            "{} source(s), {} files-from, {} exclude-file(s), {counted}, {errors} error(s)",
            counts[0], counts[1], counts[2],
        );
        lines.push(format!("Totals: {totals}."));
        for line in &lines {
            say::info(line);
        }
        if errors == 0 {
            say::info(format!("✅ Sources report completed cleanly ({totals})"));
        } else {
            let noun = if errors == 1 { "entry" } else { "entries" };
            let log = cx.log_path.display();
            say::warn(format!("⚠️ Sources report completed with {errors} unreadable / missing {noun}. Inspect {log}."));
        }
        self.record(cx, root, counts, Some((&total, errors)));
        cx.stat("entries_excluded", total.excluded);
        cx.stat("sources", nested::sources(inventory, of_sources));
        cx.stat("files_from", nested::lists(inventory, of_lists));
        cx.stat("exclude_files", nested::excludes(inventory));
    }

    /// The contract's extras; without totals where these are not known.
    fn record(&self, cx: &mut WorkContext<'_>, root: &str, counts: [usize; 3], totals: Option<(&Figures, u64)>) {
        cx.extra("backup_root_dir", root);
        for (key, count) in ["sources_count", "files_from_count", "exclude_files_count"].iter().zip(counts) {
            cx.extra(key, count.to_string());
        }
        if let Some((total, errors)) = totals {
            cx.extra("total_files", total.files.to_string());
            cx.extra("total_bytes", total.bytes.to_string());
            cx.extra("errors_count", errors.to_string());
            for key in ["sources", "files_from", "exclude_files"] {
                cx.stat(key, Value::Array(Vec::new()));
            }
        }
        cx.extras.extend(self.limits());
    }
}

fn announce(counts: [usize; 3], stdin: bool) {
    say::info("📂 Scope:");
    for (label, count) in ["Sources:", "Files-from lists:", "Exclude files:"].iter().zip(counts) {
        say::info(format!("  {label:<18}{count}"));
    }
    if stdin {
        say::warn("⚠️ RESTIC_JOB_ARGS saves standard input or what a command prints: the backup reads no sources.");
    }
}

/// What is missing, cannot be read, or is refused by restic, beside what the walk met.
fn errors(inventory: &Inventory, without_walk: bool) -> u64 {
    let sources = inventory.sources.iter().filter(|row| row.kind == "missing" || without_walk && !row.readable);
    let lists = inventory.lists.iter().map(|row| row.list.missing + row.list.problems.len() as u64);
    let excludes = inventory.excludes.iter().map(|row| row.refused.len() + usize::from(!row.list.readable));
    sources.count() as u64 + lists.sum::<u64>() + excludes.sum::<usize>() as u64
}

/// Lets the threads of a walk go, and waits for them or for a stop.
fn wait(walk: &Arc<Walk>, stop: &Stop, tell: &mut dyn FnMut((u64, u64))) -> Result<(), i32> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Nobody writes: the last thread to end closes it.
    let Ok((done, mark)) = pipe() else {
        walk.work();
        return Ok(());
    };
    let mark = Arc::new(mark);
    let mut started = 0;
    for _ in 0..(cores * THREADS_A_CORE).min(MOST_THREADS) {
        let (walk, mark) = (Arc::clone(walk), Arc::clone(&mark));
        let thread = std::thread::Builder::new().name("walk".into()).spawn(move || {
            walk.work();
            drop(mark);
        });
        started += usize::from(thread.is_ok());
    }
    drop(mark);
    if started == 0 {
        walk.work();
    }
    loop {
        if let Some(request) = stop.request() {
            // Not joined: one may hang in a file system that does not answer.
            walk.stop();
            return Err(request.signal as i32);
        }
        let mut ends = [PollFd::new(done.as_fd(), PollFlags::POLLIN), PollFd::new(stop.wake(), PollFlags::POLLIN)];
        let _ = poll(&mut ends, PollTimeout::from(BETWEEN_LOOKS));
        let ready = |end: &PollFd<'_>| end.any().unwrap_or(false);
        if ready(&ends[1]) {
            stop.heard();
        } else if ready(&ends[0]) {
            return Ok(());
        }
        tell(walk.so_far());
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::{Asker, Share};
    use super::super::targets::Leaf;
    use super::*;
    use nix::sys::signal::Signal;

    fn walk_of(folder: &std::path::Path) -> Arc<Walk> {
        let leaf = Leaf { path: folder.as_os_str().as_bytes().to_vec(), share: 0 };
        let share = Share::new(vec![Asker { group: 0, base: 0 }]);
        Arc::new(Walk::new(Rules::default(), vec![leaf], vec![share], None))
    }

    #[test]
    fn a_walk_ends_by_itself_or_at_a_stop() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("one"), "1").expect("can be written");
        let stop = Stop::new().expect("descriptors are there");
        let walk = walk_of(folder.path());
        assert_eq!(wait(&walk, &stop, &mut |_| {}), Ok(()));
        assert_eq!(walk.so_far(), (1, 1));
        stop.ask(Signal::SIGTERM);
        assert_eq!(wait(&walk_of(folder.path()), &stop, &mut |_| {}), Err(libc::SIGTERM));
    }

    #[test]
    fn a_stop_does_not_wait_for_a_thread_that_hangs() {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = Stop::new().expect("descriptors are there");
        let walk = walk_of(folder.path());
        walk.hang();
        let asked = stop.clone();
        // The walk cannot end: one of its threads has taken something and never comes back.
        let result = wait(&walk, &stop, &mut |_| asked.ask(Signal::SIGINT));
        assert_eq!(result, Err(libc::SIGINT));
        assert_eq!(walk.so_far(), (0, 0));
    }
}
