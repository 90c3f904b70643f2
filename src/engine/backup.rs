//! `restic backup`: driven by its JSON, logged as it would print itself.

use super::running::judged;
use super::{
    Bounds, Complaint, Message, Outcome, Output, Progress, Restic, Summary, Tally, TextSummary, Voice, wording,
};
use std::time::Instant;

/// How many unreadable files are named; a vanished disk has millions.
const NAMED: usize = 3;

/// What is backed up.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The operator's words.
    pub words: &'a [String],
    /// The snapshot's tag, as one word.
    pub tag: &'a str,
    /// One path, after all words; empty for none.
    pub root: &'a str,
}

/// What came of a backup.
#[derive(Debug, Clone)]
pub struct Backup {
    /// What restic's end means.
    pub outcome: Outcome,
    /// restic's own summary, if it got that far.
    pub summary: Option<Summary>,
    /// What stood in plain lines, where there was no summary.
    pub text: TextSummary,
    /// What could not be read.
    pub unreadable: Unreadable,
}

/// What could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// The first of them, with the reason.
    pub first: Vec<String>,
}

impl Unreadable {
    /// One line: `2 source files could not be read: …`; empty if there are none.
    pub fn sentence(&self) -> String {
        let noun = match self.count {
            0 => return String::new(),
            1 => "1 source file",
            count => &*format!("{count} source files"),
        };
        let more = self.count - self.first.len() as u64;
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{noun} could not be read: {}{more}", self.first.join("; "))
    }

    fn add(&mut self, text: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(text.to_owned());
        }
    }
}

impl Source<'_> {
    /// `restic [--cacert F] backup <words> --tag=<tag> [<root>]`, with `--json` for us.
    fn spec(&self, restic: &Restic) -> crate::process::Spec {
        let tag = format!("--tag={}", self.tag);
        let words = self.words.iter().map(String::as_str);
        let root = (!self.root.is_empty()).then_some(self.root);
        restic.spec("backup", std::iter::once("--json").chain(words).chain([tag.as_str()]).chain(root))
    }
}

/// Runs a backup. `log` gets the lines that restic would print for these words; raw lines if they ask for `--json`.
pub fn backup(
    restic: &Restic,
    source: Source<'_>,
    bounds: &Bounds<'_>,
    progress: &mut Progress,
    log: &mut dyn FnMut(&str),
) -> Backup {
    let voice = Voice::of(source.words);
    let started = Instant::now();
    let mut hearing = Hearing { voice: &voice, started, summary: None, text: TextSummary::default(), log, progress };
    let mut unreadable = Unreadable::default();
    let mut opened = false;
    let mut complaint = Complaint::new();
    let outcome = judged(&source.spec(restic), bounds, &mut complaint, &mut |output, complaint| match output {
        Output::Stdout(line) => {
            if !std::mem::replace(&mut opened, true) && !voice.json {
                for line in wording::opening(&voice, source.root) {
                    (hearing.log)(&line);
                }
            }
            hearing.stdout(line);
        }
        Output::Stderr(line) => hearing.stderr(line, complaint, &mut unreadable),
        Output::Tick => hearing.progress.tick(),
    });
    let Hearing { summary, text, .. } = hearing;
    Backup { outcome, summary, text, unreadable }
}

/// What is done with each line.
struct Hearing<'a> {
    voice: &'a Voice,
    started: Instant,
    summary: Option<Summary>,
    text: TextSummary,
    log: &'a mut dyn FnMut(&str),
    progress: &'a mut Progress,
}

impl Hearing<'_> {
    fn stdout(&mut self, line: &str) {
        let message = Message::parse(line);
        if self.voice.json {
            (self.log)(line);
        }
        match message {
            Some(Message::Status(status)) => self.progress.status(status),
            Some(Message::Summary(summary)) => {
                if !self.voice.json {
                    let took = self.started.elapsed().as_secs();
                    for line in wording::closing(&summary, self.voice, took) {
                        (self.log)(&line);
                    }
                }
                self.summary = Some(*summary);
            }
            Some(Message::Verbose(verbose)) if !self.voice.json => {
                // With `-v` it tells a program of every item, and a person of none.
                let shown = self.voice.level > 2 || verbose.action == "scan_finished";
                if let Some(line) = wording::item(&verbose).filter(|_| shown) {
                    (self.log)(&line);
                }
            }
            Some(Message::Verbose(_)) => {}
            Some(Message::Error(_) | Message::ExitError(_)) | None => {
                self.text.hear(line);
                if !self.voice.json && self.voice.level > 0 {
                    (self.log)(line);
                }
            }
        }
    }

    /// Errors are logged also with `-q`, as restic does.
    fn stderr(&mut self, line: &str, complaint: &mut Complaint, unreadable: &mut Unreadable) {
        let message = Message::parse(line);
        if self.voice.json {
            (self.log)(line);
        }
        match message {
            Some(Message::Error(error)) => {
                if error.during != "scan" {
                    // What the scan cannot look at, the backup meets again.
                    unreadable.add(&error.text);
                }
                if !self.voice.json {
                    (self.log)(&wording::error(&error));
                }
            }
            Some(Message::ExitError(text)) => {
                complaint.hear(&text);
                if !self.voice.json {
                    text.lines().for_each(|line| (self.log)(line));
                }
            }
            _ => {
                complaint.hear(line);
                if let Some(text) = line.strip_prefix("error: ") {
                    unreadable.add(text);
                }
                if !self.voice.json {
                    (self.log)(line);
                }
            }
        }
    }
}
