//! Running restic to its end: its lines handed on as they come, its end brought about so that it leaves no lock.

use super::outcome::Stopped;
use super::{Complaint, Lines, Outcome};
use crate::process::{self, Ending, Event, Exit, Request, Spec, Stop};
use nix::sys::signal::Signal;
use std::io;
use std::time::{Duration, Instant};

/// What bounds a run of restic.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// Asks it to stop.
    pub stop: &'a Stop,
    /// How long the whole stop may take.
    pub budget: Duration,
    /// How long restic may take of that to end, counted from the request.
    pub grace: fn(Duration, &Request) -> Duration,
    /// A limit of its own, if it has one.
    pub limit: Option<Duration>,
}

impl<'a> Bounds<'a> {
    /// For what is over after this limit, and waits for nobody's request.
    pub(super) fn within(limit: Duration, stop: &'a Stop) -> Self {
        Self { stop, budget: Duration::ZERO, grace: |budget, _| budget, limit: Some(limit) }
    }
}

/// What restic does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// A line of its standard output.
    Stdout(&'a str),
    /// A line of its standard error.
    Stderr(&'a str),
    /// Nothing for a moment.
    Tick,
}

/// Runs a command to its end and hands its lines on.
///
/// It is ended by SIGINT to its process alone: restic then removes its lock, for which its ssh or rclone must live;
/// on SIGTERM it leaves the lock behind.
///
/// # Errors
/// When it cannot be started.
pub fn run_lines(spec: &Spec, bounds: &Bounds<'_>, each: &mut dyn FnMut(Output<'_>)) -> io::Result<Exit> {
    let (mut stdout, mut stderr) = (Lines::new(), Lines::new());
    let exit = run_events(spec, bounds, &mut |event| match event {
        Event::Stdout(piece) => stdout.push(piece, &mut |line| each(Output::Stdout(line))),
        Event::Stderr(piece) => stderr.push(piece, &mut |line| each(Output::Stderr(line))),
        Event::Tick => each(Output::Tick),
    });
    stdout.finish(&mut |line| each(Output::Stdout(line)));
    stderr.finish(&mut |line| each(Output::Stderr(line)));
    exit
}

fn run_events(spec: &Spec, bounds: &Bounds<'_>, each: &mut dyn FnMut(Event<'_>)) -> io::Result<Exit> {
    let grace = |request: &Request| (bounds.grace)(bounds.budget, request);
    let ending = Ending { signal: Signal::SIGINT, grace: &grace, limit: bounds.limit };
    process::run(spec, bounds.stop, &ending, each)
}

/// Runs a command to its end, hands its lines on as they are, and says what its end means.
pub fn run_text(spec: &Spec, bounds: &Bounds<'_>, each: &mut dyn FnMut(Output<'_>)) -> Outcome {
    let mut complaint = Complaint::new();
    judged(spec, bounds, &mut complaint, &mut |output, complaint| {
        if let Output::Stderr(line) = output {
            complaint.hear(line);
        }
        each(output);
    })
}

/// Runs a command to its end and judges it by what `each` lets the complaint hear.
pub(super) fn judged(
    spec: &Spec,
    bounds: &Bounds<'_>,
    complaint: &mut Complaint,
    each: &mut dyn FnMut(Output<'_>, &mut Complaint),
) -> Outcome {
    let started = Instant::now();
    let end = run_lines(spec, bounds, &mut |output| each(output, complaint));
    judgement(spec, bounds, started, end, complaint)
}

/// Runs a command to its end, says what its end means, and gives all that it wrote to standard output: a listing is
/// one line, of whatever length.
pub fn run_whole(spec: &Spec, bounds: &Bounds<'_>) -> (Outcome, Vec<u8>) {
    let mut stdout = Vec::new();
    let outcome = run_pieces(spec, bounds, &mut |piece| stdout.extend_from_slice(piece), &mut |_| {});
    (outcome, stdout)
}

/// Runs a command to its end, says what its end means, and hands on the bytes of its standard output as they come, and
/// the lines of its standard error. It waits for whoever takes the bytes, and for nothing else: a stop is heard between
/// two pieces.
pub fn run_pieces(
    spec: &Spec,
    bounds: &Bounds<'_>,
    piece: &mut dyn FnMut(&[u8]),
    line: &mut dyn FnMut(&str),
) -> Outcome {
    let started = Instant::now();
    let (mut stderr, mut complaint) = (Lines::new(), Complaint::new());
    let mut hear = |text: &str| {
        complaint.hear(text);
        line(text);
    };
    let end = run_events(spec, bounds, &mut |event| match event {
        Event::Stdout(bytes) => piece(bytes),
        Event::Stderr(bytes) => stderr.push(bytes, &mut hear),
        Event::Tick => {}
    });
    stderr.finish(&mut hear);
    judgement(spec, bounds, started, end, &complaint)
}

/// What comes of a command whose standard output is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes of its standard output.
    Stdout(&'a [u8]),
    /// A line of its standard error.
    Stderr(&'a str),
    /// Nothing for a moment.
    Tick,
}

/// As [`run_pieces`], and tells as well when nothing comes: for data of which it matters how far it is.
pub fn run_stream(spec: &Spec, bounds: &Bounds<'_>, each: &mut dyn FnMut(Piece<'_>)) -> Outcome {
    let started = Instant::now();
    let (mut stderr, mut complaint) = (Lines::new(), Complaint::new());
    let end = run_events(spec, bounds, &mut |event| match event {
        Event::Stdout(bytes) => each(Piece::Stdout(bytes)),
        Event::Stderr(bytes) => stderr.push(bytes, &mut |line| {
            complaint.hear(line);
            each(Piece::Stderr(line));
        }),
        Event::Tick => each(Piece::Tick),
    });
    stderr.finish(&mut |line| {
        complaint.hear(line);
        each(Piece::Stderr(line));
    });
    judgement(spec, bounds, started, end, &complaint)
}

fn judgement(
    spec: &Spec,
    bounds: &Bounds<'_>,
    started: Instant,
    end: io::Result<Exit>,
    complaint: &Complaint,
) -> Outcome {
    match end {
        Ok(exit) => {
            let stopped = Stopped::from(bounds.stop.request(), started.elapsed(), bounds.limit);
            Outcome::of(exit, complaint, stopped)
        }
        Err(error) => Outcome::not_started(&spec.program, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Meaning;
    use super::super::scene::{Scene, script};
    use super::super::{Restic, run_text};
    use super::*;
    use crate::settings::Environment;

    #[test]
    fn a_listing_of_any_length_comes_whole() {
        let scene = Scene::new();
        scene.replace_restic(
            "head -c 3000000 /dev/zero | tr '\\0' x; echo 'Fatal: wrong password or no key found' >&2; exit 1",
        );
        let stop = Stop::new().expect("descriptors are there");
        let restic = Restic::locate(&scene.settings, &scene.settings.environment);
        let bounds = Bounds::within(Duration::from_secs(60), &stop);
        let (outcome, stdout) = run_whole(&restic.spec("snapshots", ["--json"]), &bounds);
        assert_eq!((outcome.meaning, stdout.len()), (Meaning::WrongPassword, 3_000_000));
    }

    #[test]
    fn what_does_not_end_when_it_is_asked_is_killed_when_its_grace_is_over() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let program = folder.path().join("restic");
        script(&program, "trap '' INT; echo begun; while :; do sleep 1; done");
        let environment = Environment::from_iter([("PATH", "/usr/bin:/bin")]);
        let spec = Spec { program, args: Vec::new(), environment, directory: None, dies_with_us: None };
        let stop = Stop::new().expect("descriptors are there");
        let grace =
            |budget: Duration, request: &Request| if request.signal == Signal::SIGINT { budget } else { budget / 2 };
        let bounds = Bounds { stop: &stop, budget: Duration::from_secs(1), grace, limit: None };
        let mut asked = Instant::now();
        let outcome = run_text(&spec, &bounds, &mut |output| {
            if output == Output::Stdout("begun") {
                asked = Instant::now();
                stop.ask(Signal::SIGTERM);
            }
        });
        assert_eq!((outcome.meaning, outcome.exit), (Meaning::Interrupted, Exit::Signal(9)));
        assert!((Duration::from_millis(400)..Duration::from_secs(20)).contains(&asked.elapsed()));
    }
}
