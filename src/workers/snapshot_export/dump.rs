//! restic's stream from its start to the finished archive.

use super::archive::{Aside, Existing, Nameless};
use super::listing::{self, Part, Total};
use super::plan::{Output, Plan, folder_of};
use super::select::Choice;
use super::space::{self, Room};
use super::squeeze::{Halt, Squeezer};
use super::stream::{self, Count, Filter, Sink};
use super::writer::{self, Written};
use super::{checksum, verify};
use crate::engine::{Bounds, Piece, Progress, Restic, Status, run_stream};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::Debts;
use crate::settings::Log;
use crate::workers::restore::table::shown;
use crossbeam_channel::bounded;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long an export may take before restic is asked how much there is.
const LISTING_AFTER: Duration = Duration::from_secs(10);
/// A listing that is not needed any more has this long to end by itself; it holds no lock.
const LISTING_GRACE: Duration = Duration::from_secs(1);

/// What is exported, and how restic is called for it.
pub struct Source {
    /// restic.
    pub restic: Restic,
    /// The snapshot's id; `latest` with filters if it could not be found out.
    pub id: String,
    /// Further words for the dump: the filters for `latest`, and whether there is a lock.
    pub filters: Vec<String>,
    /// The folder that is dumped.
    pub folder: String,
    /// The folders above it, as members.
    pub above: Vec<u8>,
    /// How many those are.
    pub above_count: u64,
    /// What in that folder is to be left out, since restic dumps it as an empty file.
    pub special: Vec<String>,
    /// How much there is, if that is known already.
    pub total: Option<Total>,
}

impl Source {
    /// What of the snapshot is looked at.
    pub fn part<'a>(&'a self, plan: &'a Plan) -> Part<'a> {
        Part { folder: &self.folder, below: plan.below.as_deref(), above: self.above_count }
    }

    /// How much of what is selected lies in that folder itself and is left out.
    fn left_out(&self, plan: &Plan) -> u64 {
        let base = plan.below.as_deref().unwrap_or_default();
        let mut walk = plan.selection.walk();
        let folder = self.folder.trim_end_matches('/');
        let here = self.special.iter().filter(|path| path.rsplit_once('/').is_some_and(|(above, _)| above == folder));
        let chosen = here.filter_map(|path| path.strip_prefix(base));
        chosen.filter(|path| walk.choose(path.as_bytes(), false) == Choice::Take).count() as u64
    }
}

/// What an export needs beside its plan.
pub struct Means<'a, 'b> {
    /// What bounds restic.
    pub bounds: Bounds<'a>,
    /// How much is said.
    pub log: &'a Log,
    /// What would be left.
    pub debts: &'a Debts<'b>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Exported {
    /// Members and bytes, as far as it came.
    pub count: Count,
    /// The archive; `None` if there is none.
    pub written: Option<Written>,
    /// What went wrong beside it.
    pub warnings: Vec<String>,
}

/// Why there is no archive.
#[derive(Debug)]
pub struct Failed {
    /// The exit code.
    pub code: i32,
    /// One line.
    pub reason: String,
}

impl Failed {
    /// A failure that restic has no part in.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { code: exit::FAILURE, reason: reason.into() }
    }

    /// A stop came before anything failed.
    pub fn stopped(stop: &Stop) -> Self {
        let signal = stop.request().map_or(Signal::SIGTERM, |request| request.signal);
        Self { code: exit::of_signal(signal as i32), reason: "the export was interrupted".to_owned() }
    }
}

/// Writes the archive.
///
/// # Errors
/// When there is none: then nothing is left of it.
pub fn export(plan: &Plan, source: &Source, means: &Means<'_, '_>) -> Result<Exported, Failed> {
    match &plan.output {
        Output::Stdout => {
            let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(|error| unwritable("-", &error))?;
            let (count, written) = through(plan, source, means, writer::Output::Stdout(File::from(stdout)))?;
            Ok(Exported { count, written, warnings: Vec::new() })
        }
        Output::File(path) => to_file(path, plan, source, means),
    }
}

fn to_file(path: &Path, plan: &Plan, source: &Source, means: &Means<'_, '_>) -> Result<Exported, Failed> {
    let archive = plan.archive();
    let failed = |error: &io::Error| unwritable(&archive, error);
    let mut nameless = Nameless::new(path, means.debts).map_err(|error| failed(&error))?;
    let file = nameless.file().try_clone().map_err(|error| failed(&error))?;
    let (count, written) = through(plan, source, means, writer::Output::File(file))?;
    let Some(written) = written else { return Ok(Exported { count, ..Exported::default() }) };
    let stop = means.bounds.stop;
    if plan.verify {
        say::info("🔎 Reading the archive again...");
        let verified = verify::verify(nameless.file(), plan.format, &written, count, stop);
        if stop.request().is_some() {
            return Err(Failed::stopped(stop));
        }
        verified.map_err(Failed::new)?;
        say::info(format!("✅ The archive holds what was written ({} members)", count.members));
    }
    let existing = if plan.force { Existing::Replace } else { Existing::Keep };
    let sum = checksum::write(path, &written.sha256, means.debts);
    let mut old_sum = None;
    if existing == Existing::Replace {
        // None is better than a wrong one; but it comes back if the old archive stays.
        nameless.stand_by().map_err(|error| failed(&error))?;
        old_sum = Some(Aside::put(&checksum::path_of(path), means.debts).map_err(|error| failed(&error))?);
    }
    nameless.name(existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failed::new(format!(
            "'{}' has come to be meanwhile, and was not touched: choose another --output, or add --force to replace it",
            shown(&archive)
        )),
        _ => failed(&error),
    })?;
    let mut warnings = Vec::new();
    let old_is_gone = old_sum.map_or(Ok(()), Aside::done);
    if let Err(error) = sum.and_then(|sum| sum.name(existing)).and(old_is_gone) {
        let sum = checksum::path_of(path);
        warnings.push(format!("the sum '{}' cannot be written: {error}", shown(&sum.to_string_lossy())));
    }
    Ok(Exported { count, written: Some(written), warnings })
}

fn unwritable(archive: &str, error: &io::Error) -> Failed {
    let archive = if archive == "-" { "standard output".to_owned() } else { format!("'{}'", shown(archive)) };
    Failed::new(match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => {
            format!("there is no space left for {archive} ({error}): make room, or choose another --output")
        }
        Some(libc::EFBIG) => format!("{archive} would be too large ({error}): choose another --output"),
        Some(libc::EPIPE) => format!("nobody reads {archive} any more ({error}): the export is not complete"),
        _ => format!("{archive} cannot be written ({error}): choose another --output"),
    })
}

/// The stream as it goes into the compressors.
struct Flow<'a> {
    squeezer: Squeezer<'a>,
    progress: Progress,
    verbose: bool,
    halt: Option<Halt>,
}

impl Sink for Flow<'_> {
    fn member(&mut self, path: &[u8]) {
        if self.verbose {
            let line = shown(&String::from_utf8_lossy(path));
            say::log_only(&line);
            say::console_only(&line);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.halt.is_none() {
            self.halt = self.squeezer.feed(bytes).err();
        }
    }
}

/// Has restic dump, and all of it written. `None` if the includes matched nothing: then nothing was written.
fn through(
    plan: &Plan,
    source: &Source,
    means: &Means<'_, '_>,
    output: writer::Output,
) -> Result<(Count, Option<Written>), Failed> {
    let asked = means.bounds.stop;
    let archive = plan.archive();
    let own = Stop::new().and_then(|dump| Ok((dump, Stop::new()?)));
    let (dump, count) = own.map_err(|error| Failed::new(format!("the export cannot begin: {error}")))?;
    let squeezer = Squeezer::start(plan.format, output, asked).map_err(|error| unwritable(&archive, &error))?;
    let name = "snapshot-export";
    let progress = if plan.verbose { Progress::lines(name, means.log) } else { Progress::new(name, means.log) };
    let mut flow = Flow { squeezer, progress, verbose: plan.verbose, halt: None };
    let mut filter = Filter::new(plan.selection.walk(), plan.below.as_deref(), &source.special);
    let mut problem = filter.feed(&source.above, &mut flow).err();
    let mut total = source.total;
    // What is judged late is judged by what was there before the archive grew.
    let free = free(plan);
    let mut seen = None;
    let (counted, count_of) = bounded(1);
    let outcome = thread::scope(|scope| {
        // What is known late is better than waiting for it: restic can count while it dumps.
        let listing = Bounds { stop: &count, budget: LISTING_GRACE, grace: |grace, _| grace, limit: None };
        let stop = &count;
        scope.spawn(move || {
            // Most exports are over before anybody asks how far they are: then the listing would only take their time.
            let until = Instant::now() + LISTING_AFTER;
            while stop.request().is_none() && Instant::now() < until {
                let left = until.saturating_duration_since(Instant::now());
                let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                let _ = poll(&mut [PollFd::new(stop.wake(), PollFlags::POLLIN)], wait);
            }
            if stop.request().is_some() || source.total.is_some() {
                return;
            }
            let total = listing::total(&source.restic, &source.id, &source.part(plan), &plan.selection, &listing);
            let _ = counted.send(total);
        });
        let mut words = vec!["--archive".to_owned(), "tar".to_owned()];
        words.extend(source.filters.iter().cloned());
        words.extend([source.id.clone(), source.folder.clone()]);
        let bounds = Bounds { stop: &dump, ..means.bounds };
        let mut told = None;
        let outcome = run_stream(&source.restic.spec("dump", &words), &bounds, &mut |piece| {
            match piece {
                Piece::Stdout(bytes) if problem.is_none() && flow.halt.is_none() => {
                    problem = filter.feed(bytes, &mut flow).err();
                }
                Piece::Stdout(_) => {}
                Piece::Stderr(line) => say::log_only(line),
                Piece::Tick => flow.progress.tick(),
            }
            if let Ok(Ok(found)) = count_of.try_recv() {
                total = Some(found);
                seen = Some(found);
                if source.total.is_none() {
                    problem = problem.take().or_else(|| roomy(plan, free, found.bytes).err());
                }
            }
            if !matches!(piece, Piece::Stderr(_)) {
                flow.progress.status(status(filter.count(), total));
            }
            let request = asked.request();
            if request != told
                && let Some(request) = request
            {
                dump.ask(request.signal);
                count.ask(Signal::SIGINT);
                told = Some(request);
            } else if problem.is_some() || flow.halt.is_some() {
                // It removes its lock, and ends.
                dump.ask(Signal::SIGINT);
                count.ask(Signal::SIGINT);
            }
        });
        count.ask(Signal::SIGINT);
        outcome
    });
    let Flow { squeezer, progress, halt, .. } = flow;
    drop(progress);
    let count = filter.count();
    let halted = |halt: Halt| match halt {
        Halt::Stopped => Failed::stopped(asked),
        Halt::Broken(error) => unwritable(&archive, &error),
    };
    if asked.request().is_some() {
        return Err(Failed::stopped(asked));
    }
    if let Some(reason) = problem {
        return Err(Failed::new(reason));
    }
    if let Some(halt) = halt {
        return Err(halted(halt));
    }
    if !outcome.is_ok() {
        return Err(Failed { code: outcome.code(), reason: outcome.reason() });
    }
    if !filter.is_whole() {
        return Err(Failed::new("restic's stream has ended too early: the export is not complete"));
    }
    match seen.or_else(|| count_of.try_recv().ok()?.ok()) {
        Some(total) => tell_left_out(total.left_out, true),
        None => tell_left_out(source.left_out(plan), false),
    }
    if plan.selection.has_includes() && count.chosen == 0 {
        return Ok((count, None));
    }
    let mut squeezer = squeezer;
    squeezer.feed(&stream::END).map_err(halted)?;
    Ok((count, Some(squeezer.finish().map_err(halted)?)))
}

fn status(count: Count, total: Option<Total>) -> Status {
    let total = total.unwrap_or_default();
    Status { files_done: count.members, total_files: total.members, bytes_done: count.bytes, total_bytes: total.bytes }
}

/// Says how much is no file, folder or link, and so not in the archive.
pub fn tell_left_out(count: u64, is_all: bool) {
    let at_least = if is_all { "" } else { "at least " };
    match count {
        0 => {}
        1 => say::info(format!("ℹ️ {at_least}1 pipe, device or socket is left out")),
        _ => say::info(format!("ℹ️ {at_least}{count} pipes, devices or sockets are left out")),
    }
}

/// Bytes that are free where the archive comes to be, if it is a file.
pub fn free(plan: &Plan) -> Option<u64> {
    let Output::File(path) = &plan.output else { return None };
    space::free(folder_of(path))
}

/// Looks whether this much free space is room for data of so many bytes.
///
/// # Errors
/// One line, if there is not.
pub fn roomy(plan: &Plan, free: Option<u64>, data: u64) -> Result<(), String> {
    let Output::File(path) = &plan.output else { return Ok(()) };
    let folder = folder_of(path);
    match space::judge(folder, free, data, plan.format) {
        Room::Enough => Ok(()),
        Room::TooLittle(line) if !plan.force => Err(line),
        Room::Perhaps(line) | Room::TooLittle(line) => {
            say::warn(format!("⚠️ {line}"));
            Ok(())
        }
    }
}
