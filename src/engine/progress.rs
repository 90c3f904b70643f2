//! Progress for people: a bar on a terminal, a line a minute elsewhere.

use super::rate::Rate;
use super::{Counter, Status, bytes, clock};
use crate::masking::say;
use crate::settings::{Console, Environment, Log};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often restic is asked to say how far it is: often enough for an eye, or for a line a minute. By default it
/// says it sixty times a second with `--json`, and never in text off a terminal.
const PACE_VARIABLE: &str = "RESTIC_PROGRESS_FPS";
const PACE_OF_A_BAR: &str = "4";
const PACE_OF_LINES: &str = "0.2";

const BETWEEN_LINES: Duration = Duration::from_secs(60);
/// The bar's length in steps: it shows parts in a thousand.
const STEPS: u64 = 1000;

/// How far something is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Amount {
    /// Files and their bytes; a total of 0 is not known yet.
    Data(Status),
    /// Things of one kind.
    Things(Counter),
}

/// What progress is shown by.
enum Show {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

/// Shows how far the engine is. Whatever is shown is gone from the terminal when this is dropped.
pub struct Progress {
    name: String,
    show: Show,
    amount: Option<Amount>,
    rate: Rate,
    started: Instant,
}

impl Progress {
    /// Progress of the job called `name`: a bar if the console is a terminal, a line a minute if not, nothing
    /// where informational lines are off.
    pub fn new(name: &str, log: &Log) -> Self {
        let on_a_terminal = match log.console {
            Console::Stdout => std::io::stdout().is_terminal(),
            Console::Stderr => std::io::stderr().is_terminal(),
        };
        if log.verbose && on_a_terminal && !log.json {
            Self::shown(name, Show::Bar(bar(log.console)))
        } else {
            Self::lines(name, log)
        }
    }

    /// The same without a bar, for work of which lines come all the time.
    pub fn lines(name: &str, log: &Log) -> Self {
        Self::shown(name, if log.verbose { Show::Lines { last: Instant::now() } } else { Show::Nothing })
    }

    fn shown(name: &str, show: Show) -> Self {
        Self { name: name.to_owned(), show, amount: None, rate: Rate::default(), started: Instant::now() }
    }

    /// Asks restic, through its environment, for progress as often as it is shown; an operator's own value stays.
    pub fn pace(&self, environment: &mut Environment) {
        if environment.raw(PACE_VARIABLE).is_none() {
            let pace = if matches!(self.show, Show::Bar(_)) { PACE_OF_A_BAR } else { PACE_OF_LINES };
            environment.set(PACE_VARIABLE, pace);
        }
    }

    /// How far it is, in files and bytes.
    pub fn status(&mut self, status: Status) {
        self.amount(Amount::Data(status), status.bytes_done);
    }

    /// How far it is, in things of one kind.
    pub fn counter(&mut self, counter: Counter) {
        let done = counter.done;
        self.amount(Amount::Things(counter), done);
    }

    /// Time has passed: shows what is due.
    pub fn tick(&mut self) {
        self.tick_at(Instant::now());
    }

    fn amount(&mut self, amount: Amount, done: u64) {
        let now = Instant::now();
        self.rate.sample(now, done);
        self.amount = Some(amount);
        self.tick_at(now);
    }

    fn tick_at(&mut self, now: Instant) {
        let Some(amount) = &self.amount else { return };
        match &mut self.show {
            Show::Bar(bar) => {
                bar.set_message(described(amount, self.rate.per_second()));
                bar.set_position(share(amount).map_or(0, |share| (share * STEPS as f64) as u64));
            }
            Show::Lines { last } if now.duration_since(*last) >= BETWEEN_LINES => {
                *last = now;
                let elapsed = clock(now.duration_since(self.started).as_secs());
                say::info(format!("📊 {} [{elapsed}]: {}", self.name, described(amount, self.rate.per_second())));
            }
            Show::Lines { .. } | Show::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

fn bar(console: Console) -> ProgressBar {
    let target = match console {
        Console::Stdout => ProgressDrawTarget::stdout(),
        Console::Stderr => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(Some(STEPS), target);
    // Plain ASCII: the console of a container is not always UTF-8.
    if let Ok(style) = ProgressStyle::with_template("[{bar:10}] {wide_msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// The part that is done, from 0 to 1, as far as a total is known.
fn share(amount: &Amount) -> Option<f64> {
    let (done, total) = match amount {
        Amount::Data(status) if status.total_bytes > 0 => (status.bytes_done, status.total_bytes),
        Amount::Data(status) => (status.files_done, status.total_files),
        Amount::Things(counter) => (counter.done, counter.total?),
    };
    (total > 0).then(|| (done as f64 / total as f64).min(1.0))
}

/// How far it is, how fast, and how long yet, for a person.
fn described(amount: &Amount, per_second: Option<f64>) -> String {
    let mut text = String::new();
    if let Some(share) = share(amount) {
        let _ = write!(text, "{:.1}%, ", share * 100.0);
    }
    let left = match amount {
        Amount::Data(status) => {
            let of = |total: u64, shown: String| if total > 0 { format!(" of {shown}") } else { String::new() };
            let _ = write!(
                text,
                "{}{} files, {}{}",
                status.files_done,
                of(status.total_files, status.total_files.to_string()),
                bytes(status.bytes_done),
                of(status.total_bytes, bytes(status.total_bytes)),
            );
            if let Some(rate) = per_second {
                let _ = write!(text, ", {}/s", bytes(rate as u64));
            }
            status.total_bytes.saturating_sub(status.bytes_done)
        }
        Amount::Things(counter) => {
            let total = counter.total.map(|total| format!(" of {total}")).unwrap_or_default();
            let _ = write!(text, "{}{total} {}", counter.done, counter.unit);
            counter.total.unwrap_or(0).saturating_sub(counter.done)
        }
    };
    if let Some(rate) = per_second.filter(|rate| *rate > 0.0 && left > 0) {
        let _ = write!(text, ", {} left", clock((left as f64 / rate) as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::scene::{heard, log_settings};
    use super::*;

    const HALF: Status =
        Status { files_done: 12, total_files: 40, bytes_done: 512 * 1024 * 1024, total_bytes: 1024 * 1024 * 1024 };

    #[test]
    fn data_is_described_with_rate_and_time_left() {
        assert_eq!(
            described(&Amount::Data(HALF), Some(8.0 * 1024.0 * 1024.0)),
            "50.0%, 12 of 40 files, 512.000 MiB of 1.000 GiB, 8.000 MiB/s, 1:04 left"
        );
        let unknown = Status { files_done: 3, bytes_done: 2048, ..Status::default() };
        assert_eq!(described(&Amount::Data(unknown), None), "3 files, 2.000 KiB");
    }

    #[test]
    fn things_are_described_with_their_kind() {
        let packs = Counter { done: 3, total: Some(25), unit: "packs".into() };
        assert_eq!(described(&Amount::Things(packs), Some(0.5)), "12.0%, 3 of 25 packs, 0:44 left");
    }

    #[test]
    fn off_a_terminal_there_is_one_line_a_minute() {
        let lines = heard(|| {
            let now = Instant::now();
            let mut progress = Progress::new("backup", &log_settings());
            progress.show = Show::Lines { last: now };
            progress.started = now;
            progress.amount = Some(Amount::Data(HALF));
            for second in 0..=130 {
                progress.tick_at(now + Duration::from_secs(second));
            }
        });
        assert_eq!(
            lines,
            [
                "info: 📊 backup [1:00]: 50.0%, 12 of 40 files, 512.000 MiB of 1.000 GiB",
                "info: 📊 backup [2:00]: 50.0%, 12 of 40 files, 512.000 MiB of 1.000 GiB",
            ]
        );
    }

    #[test]
    fn the_operators_pace_stays() {
        let progress = Progress::new("backup", &log_settings());
        let mut environment = Environment::default();
        progress.pace(&mut environment);
        assert!(environment.raw(PACE_VARIABLE).is_some());
        let mut environment = Environment::from_iter([(PACE_VARIABLE, "7")]);
        progress.pace(&mut environment);
        assert_eq!(environment.text(PACE_VARIABLE).as_deref(), Some("7"));
    }
}
