//! The jobs of a run, one after the other or several at a time.

use super::job_file::{Entry, Row};
use super::one_job::{Ended, OneJob, Shared, Watch};
use super::order::{self, Ground};
use super::voice::{Block, Voice};
use crate::engine::{Progress, Status, Transfers};
use crate::masking::{Secrets, say};
use crate::settings::{Log, Settings, add_secrets_of_words, words};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What came of a row of the job file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RowEnd {
    /// It was a job, and that has ended.
    Ended(Ended),
    /// It is no job.
    Malformed(String),
    /// A stop was asked for before it began.
    Skipped,
}

/// Runs the jobs of all rows; the results are in the order of the rows.
pub(super) fn run(rows: &[Row], shared: &Shared<'_>, settings: &Settings) -> Vec<RowEnd> {
    let limit = settings.jobs.replicate_parallel.min(rows.len());
    if limit > 1 { several(rows, shared, settings, limit) } else { in_turn(rows, shared, settings) }
}

fn in_turn(rows: &[Row], shared: &Shared<'_>, settings: &Settings) -> Vec<RowEnd> {
    let each = |(number, row): (usize, &Row)| {
        let secrets = secrets_of(row);
        let mut watch = Own { log: progress_log(settings), progress: None };
        do_row(row, number, shared, &mut Voice::at_once(settings, &secrets), &mut watch)
    };
    (1..).zip(rows).map(each).collect()
}

fn do_row(row: &Row, number: usize, shared: &Shared<'_>, voice: &mut Voice<'_>, watch: &mut dyn Watch) -> RowEnd {
    match row {
        Row::Malformed { row, flaw } => {
            let (line, reason) = match flaw {
                super::job_file::Flaw::Mode(mode) => (
                    format!(
                        "⚠️ Invalid replicate mode '{mode}' for line: {row} (allowed: bisync, sync, copy). Skipping."
                    ),
                    flaw.to_string(),
                ),
                super::job_file::Flaw::Other(what) => (format!("⚠️ Invalid line: {row} ({what})"), what.clone()),
            };
            voice.error(line);
            RowEnd::Malformed(reason)
        }
        Row::Job(entry) if shared.bounds.stop.request().is_some() => {
            let (source, destination) = (entry.shown_source(), entry.shown_destination());
            voice.error(format!("⏭ Job {number} ({source} -> {destination}) skipped: a stop was asked for."));
            RowEnd::Skipped
        }
        Row::Job(entry) => RowEnd::Ended(OneJob::new(shared, entry, voice, watch).run()),
    }
}

/// What is secret in a row.
fn secrets_of(row: &Row) -> Secrets {
    let mut secrets = Secrets::new();
    if let Row::Job(entry) = row {
        for end in [&entry.source, &entry.destination] {
            super::job_file::add_secrets_of_location(&mut secrets, end);
        }
        let list: Vec<String> = entry.words.iter().map(|word| words::quote(word)).collect();
        add_secrets_of_words(&mut secrets, &list.join(" "));
    }
    secrets
}

/// The settings of lines, with what the worker's own switch says.
fn progress_log(settings: &Settings) -> Log {
    Log { verbose: settings.log.verbose && settings.jobs.replicate_verbose, ..settings.log.clone() }
}

/// Progress of one command after the other: a bar on a terminal is gone before the next line is said.
struct Own {
    log: Log,
    progress: Option<Progress>,
}

impl Watch for Own {
    fn begin(&mut self, name: &str) {
        self.progress = Some(Progress::new(name, &self.log));
    }

    fn stats(&mut self, transfers: Transfers) {
        if let Some(progress) = &mut self.progress {
            progress.status(status(transfers));
        }
    }

    fn tick(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.tick();
        }
    }

    fn end(&mut self) {
        self.progress = None;
    }
}

fn status(transfers: Transfers) -> Status {
    Status {
        files_done: transfers.files,
        total_files: transfers.total_files,
        bytes_done: transfers.bytes,
        total_bytes: transfers.total_bytes,
    }
}

/// Progress of all jobs together.
struct Board {
    progress: Progress,
    commands: Vec<Transfers>,
}

/// One job's part of it.
struct Part<'a> {
    board: &'a Mutex<Board>,
    place: usize,
}

impl Watch for Part<'_> {
    fn begin(&mut self, _: &str) {}

    fn stats(&mut self, transfers: Transfers) {
        let mut board = lock(self.board);
        board.commands[self.place] = transfers;
        let mut sum = Transfers::default();
        for one in &board.commands {
            sum.files += one.files;
            sum.total_files += one.total_files;
            sum.bytes += one.bytes;
            sum.total_bytes += one.total_bytes;
        }
        board.progress.status(status(sum));
    }

    fn tick(&mut self) {
        lock(self.board).progress.tick();
    }

    fn end(&mut self) {}
}

/// Which jobs wait and which run, and what is ready to be printed.
struct Desk {
    waiting: Vec<usize>,
    running: Vec<usize>,
    results: Vec<Option<RowEnd>>,
    blocks: Vec<Option<Block>>,
    printed: usize,
}

impl Desk {
    /// Prints the blocks whose turn has come: in the order of the rows.
    fn print(&mut self) {
        while self.results.get(self.printed).is_some_and(Option::is_some) {
            if let Some(block) = self.blocks[self.printed].take() {
                block.print();
            }
            self.printed += 1;
        }
    }
}

fn several(rows: &[Row], shared: &Shared<'_>, settings: &Settings, limit: usize) -> Vec<RowEnd> {
    let grounds: Vec<Ground> = rows.iter().map(|row| Ground::of(as_job(row))).collect();
    let secrets: Vec<Secrets> = rows.iter().map(secrets_of).collect();
    let count = rows.len();
    let desk = Mutex::new(Desk {
        waiting: (0..count).collect(),
        running: Vec::new(),
        results: vec![None; count],
        blocks: (0..count).map(|_| None).collect(),
        printed: 0,
    });
    let changed = Condvar::new();
    let progress = Progress::lines("replicate", &progress_log(settings));
    let board = Mutex::new(Board { progress, commands: vec![Transfers::default(); count] });
    let span = tracing::Span::current();
    let work = || {
        let _entered = span.enter();
        while let Some(job) = take(&desk, &changed, &grounds) {
            let mut voice = Voice::beside_others(settings, &secrets[job], job + 1);
            let mut watch = Part { board: &board, place: job };
            let result = do_row(&rows[job], job + 1, shared, &mut voice, &mut watch);
            let mut desk = lock(&desk);
            desk.results[job] = Some(result);
            desk.blocks[job] = voice.into_block();
            desk.running.retain(|running| *running != job);
            desk.print();
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..limit {
            // Without it the others do the work.
            if let Err(error) = std::thread::Builder::new().name("replicate".into()).spawn_scoped(scope, work) {
                say::warn(format!("⚠️ Fewer jobs at a time than REPLICATE_PARALLEL: {error}"));
                break;
            }
        }
        work();
    });
    let results = std::mem::take(&mut lock(&desk).results);
    results.into_iter().map(|result| result.unwrap_or(RowEnd::Skipped)).collect()
}

/// Takes the next job that may run now; waits for one if all that wait meet a running one.
fn take(desk: &Mutex<Desk>, changed: &Condvar, grounds: &[Ground]) -> Option<usize> {
    let mut desk = lock(desk);
    loop {
        if desk.waiting.is_empty() {
            return None;
        }
        if let Some(job) = order::next(grounds, &desk.waiting, &desk.running) {
            desk.waiting.retain(|waiting| *waiting != job);
            desk.running.push(job);
            return Some(job);
        }
        desk = changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
    }
}

fn as_job(row: &Row) -> Option<&Entry> {
    if let Row::Job(entry) = row { Some(entry) } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
