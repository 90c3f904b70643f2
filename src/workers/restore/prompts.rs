//! The questions, one function each: what is asked, and what the answers mean.

use super::plan::{LATEST, Plan, refused, snapshot, usage};
use super::snapshots::Snapshot;
use super::table::{self, shown};
use super::terminal::{Input, Terminal};
use crate::exit;
use crate::masking::Secrets;
use crate::process::Stop;
use crate::run::Cancelled;
use crate::settings::Settings;
use std::fmt::Write as _;

/// Rows of the picker's table without `--all`.
const ROWS: usize = 10;

/// How often a question is asked that has no safe default for a wrong answer.
const ATTEMPTS: usize = 3;

/// Fewer digits could be a slip of an index.
const SHORTEST_PREFIX: usize = 4;

/// Why the questions ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// The person called it off.
    Quit,
    /// It cannot go on.
    Refused(Cancelled),
}

impl From<Cancelled> for Over {
    fn from(cancelled: Cancelled) -> Self {
        Self::Refused(cancelled)
    }
}

/// A conversation with the person, through which no secret passes.
pub struct Dialogue<'a> {
    terminal: &'a mut dyn Terminal,
    secrets: &'a Secrets,
    stop: &'a Stop,
}

impl<'a> Dialogue<'a> {
    /// A conversation at `terminal`.
    pub fn new(terminal: &'a mut dyn Terminal, settings: &'a Settings, stop: &'a Stop) -> Self {
        Self { terminal, secrets: &settings.secrets, stop }
    }

    /// Shows text.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn show(&mut self, text: &str) -> std::io::Result<()> {
        self.terminal.show(&self.secrets.mask(text))
    }

    /// Shows a question and waits for the answer, without blanks around it.
    fn ask(&mut self, question: &str) -> Result<String, Over> {
        self.show(question).map_err(|error| {
            refused(format!("cannot write to standard output ({error}): nothing was done"), exit::FAILURE)
        })?;
        match self.terminal.read_line(self.stop) {
            Ok(Input::Line(answer)) => Ok(answer.trim().to_owned()),
            Ok(Input::End) => Err(self.cut_off(question, "the input ended")),
            Ok(Input::Interrupted(signal)) => {
                let _ = self.show("\n");
                let message = "interrupted at a question: nothing was done";
                Err(refused(message, exit::of_signal(signal)).into())
            }
            Err(error) => Err(self.cut_off(question, &format!("standard input cannot be read ({error})"))),
        }
    }

    fn cut_off(&mut self, question: &str, why: &str) -> Over {
        let _ = self.show("\n");
        let question = question.trim_end().trim_end_matches(':');
        refused(
            format!("{why} at '{question}': nothing was done; answer it, or give the flags and --yes"),
            exit::FAILURE,
        )
        .into()
    }
}

fn is_quit(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "q" | "quit")
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

/// Which snapshot: asked with a table of `snapshots` (the matching ones, newest first, at least one).
///
/// # Errors
/// [`Over`].
pub fn pick_snapshot(
    dialogue: &mut Dialogue<'_>,
    plan: &Plan,
    settings: &Settings,
    snapshots: &[Snapshot],
    limit: Option<usize>,
) -> Result<String, Over> {
    let mut text =
        format!("📋 Matching snapshots in {} ({}, newest first):\n", settings.repository.shown, plan.filters.shown());
    let limit = limit.unwrap_or(ROWS);
    text.push_str(&table::render(snapshots, limit));
    let count = snapshots.len();
    if count > limit {
        let _ = writeln!(text, "  (showing {limit} most recent of {count}; --all shows every one)");
    }
    let _ = write!(text, "\nSnapshot to restore [index 1-{count} or short-id, default=latest, q=quit]: ");
    let answer = dialogue.ask(&text)?;
    if is_quit(&answer) {
        return Err(Over::Quit);
    }
    if answer.is_empty() || answer == LATEST {
        return Ok(newest(plan, snapshots));
    }
    if !answer.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(snapshot(&answer)?);
    }
    by_digits(&answer, snapshots)
        .map(|snapshot| snapshot.short().to_owned())
        .ok_or_else(|| usage(format!("No snapshot at index {answer}.")).into())
}

/// What `latest` is here: restic's own word, unless a time limit makes it a certain snapshot.
pub fn newest(plan: &Plan, snapshots: &[Snapshot]) -> String {
    match (&plan.filters.since, snapshots.first()) {
        (Some(_), Some(first)) => first.short().to_owned(),
        _ => LATEST.to_owned(),
    }
}

/// Digits are an index if the table is that long, else the beginning of an id that happens to have no letter.
fn by_digits<'s>(answer: &str, snapshots: &'s [Snapshot]) -> Option<&'s Snapshot> {
    let index = answer.parse::<usize>().ok().and_then(|number| snapshots.get(number.checked_sub(1)?));
    if index.is_some() || answer.len() < SHORTEST_PREFIX {
        return index;
    }
    let mut found = snapshots.iter().filter(|snapshot| snapshot.id.starts_with(answer));
    // An ambiguous beginning is none.
    found.next().filter(|_| found.next().is_none())
}

/// Where to.
///
/// # Errors
/// [`Over`].
pub fn ask_target(dialogue: &mut Dialogue<'_>, default: &str) -> Result<String, Over> {
    let answer = dialogue.ask(&format!("Restore target [{}, q=quit]: ", shown(default)))?;
    match answer.as_str() {
        "" => Ok(default.to_owned()),
        answer if is_quit(answer) => Err(Over::Quit),
        answer => Ok(answer.to_owned()),
    }
}

/// Whether to try it first. Anything that is neither yes nor no is asked again: a slip must not restore for real.
///
/// # Errors
/// [`Over`].
pub fn ask_dry_run(dialogue: &mut Dialogue<'_>) -> Result<bool, Over> {
    for _ in 0..ATTEMPTS {
        let answer = dialogue.ask("Dry-run first? [Y/n/q]: ")?;
        match answer.to_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            "q" | "quit" => return Err(Over::Quit),
            _ => {
                let _ = dialogue.show("Please answer y (dry run), n (restore for real) or q (quit).\n");
            }
        }
    }
    Err(usage(format!(
        "no usable answer to 'Dry-run first?' after {ATTEMPTS} attempts: nothing was done; answer y, n or q, or give \
         --dry-run or --yes"
    ))
    .into())
}

/// Whether to go on. Only a yes is one.
///
/// # Errors
/// [`Over`].
pub fn ask_proceed(dialogue: &mut Dialogue<'_>) -> Result<(), Over> {
    let answer = dialogue.ask("Proceed? [y/N/q]: ")?;
    if is_yes(&answer) { Ok(()) } else { Err(Over::Quit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::restore::testing::{self, Scripted, arguments};
    use std::path::Path;

    fn with<T>(terminal: Scripted, body: impl FnOnce(&mut Dialogue<'_>, &Settings) -> T) -> (T, String) {
        let shown = terminal.shown();
        let mut terminal = terminal;
        let settings = testing::settings(Path::new("/nowhere"));
        let stop = Stop::new().expect("descriptors are there");
        let result = body(&mut Dialogue::new(&mut terminal, &settings, &stop), &settings);
        let text = shown.lock().expect("nobody panicked").clone();
        (result, text)
    }

    fn snapshots(ids: &[&str]) -> Vec<Snapshot> {
        let rows: Vec<String> = ids
            .iter()
            .map(|id| format!(r#"{{"time":"2026-05-01T06:00:00Z","id":"{id}ffff","short_id":"{id}"}}"#))
            .collect();
        super::super::snapshots::parse(format!("[{}]", rows.join(",")).as_bytes()).expect("is JSON")
    }

    fn pick(answer: &str, words: &[&str], ids: &[&str]) -> (Result<String, Over>, String) {
        with(Scripted::person(&[answer]), |dialogue, settings| {
            let plan = Plan::new(&arguments(words), settings).expect("is a plan");
            pick_snapshot(dialogue, &plan, settings, &snapshots(ids), None)
        })
    }

    fn message(over: Over) -> (String, i32) {
        match over {
            Over::Refused(Cancelled::Refused { message, code }) => (message, code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_picker_shows_a_table_and_its_prompt() {
        let (picked, text) = pick("", &[], &["aaaaaaaa", "bbbbbbbb"]);
        assert_eq!(picked, Ok("latest".to_owned()));
        let head = "📋 Matching snapshots in /nowhere/repository (tag='automated' host='node-a', newest first):\n  #   SNAPSHOT";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with("\n\nSnapshot to restore [index 1-2 or short-id, default=latest, q=quit]: "), "{text}");
    }

    #[test]
    fn the_picker_shows_ten_rows_and_takes_any_index() {
        let ids: Vec<String> = (1..=12).map(|n| format!("{n:02}aaaaaa")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (picked, text) = pick("12", &[], &ids);
        assert_eq!(picked, Ok("12aaaaaa".to_owned()));
        assert!(text.contains("(showing 10 most recent of 12") && text.contains("[index 1-12 or"), "{text}");
        assert!(text.contains(" 10aaaaaa") && !text.contains(" 11aaaaaa"));
    }

    #[test]
    fn an_id_of_digits_only_can_be_chosen() {
        let ids = ["12345678", "aaaaaaaa", "12349999"];
        assert_eq!(pick("2", &[], &ids).0, Ok("aaaaaaaa".to_owned()));
        assert_eq!(pick("12345678", &[], &ids).0, Ok("12345678".to_owned()));
        assert_eq!(pick("12345", &[], &ids).0, Ok("12345678".to_owned()));
        // Ambiguous, too short, or nowhere.
        for answer in ["1234", "123", "0", "4", "99999999999999999999999"] {
            let (message, code) = message(pick(answer, &[], &ids).0.expect_err(answer));
            assert_eq!((message, code), (format!("❌ No snapshot at index {answer}."), 2));
        }
    }

    #[test]
    fn other_answers_of_the_picker() {
        let ids = ["aaaaaaaa"];
        assert_eq!(pick("latest", &[], &ids).0, Ok("latest".to_owned()));
        assert_eq!(pick(" deadbeef ", &[], &ids).0, Ok("deadbeef".to_owned()));
        for quit in ["q", "Q", "quit", "QUIT"] {
            assert_eq!(pick(quit, &[], &ids).0, Err(Over::Quit));
        }
        assert_eq!(message(pick("--target=/", &[], &ids).0.expect_err("is a flag")).1, 2);
    }

    #[test]
    fn latest_since_a_time_is_a_certain_snapshot() {
        assert_eq!(pick("", &["--since", "2026-01-01"], &["aaaaaaaa", "bbbbbbbb"]).0, Ok("aaaaaaaa".to_owned()));
    }

    #[test]
    fn enter_keeps_the_target() {
        let ask = |answer: &str| with(Scripted::person(&[answer]), |dialogue, _| ask_target(dialogue, "/restore"));
        assert_eq!(ask(""), (Ok("/restore".to_owned()), "Restore target [/restore, q=quit]: ".to_owned()));
        assert_eq!(ask("/other").0, Ok("/other".to_owned()));
        assert_eq!(ask("quit").0, Err(Over::Quit));
    }

    #[test]
    fn a_slip_at_the_dry_run_question_is_asked_again_and_never_a_no() {
        let ask = |answers: &[&str]| with(Scripted::person(answers), |dialogue, _| ask_dry_run(dialogue));
        for yes in ["", "y", "YES"] {
            assert_eq!(ask(&[yes]).0, Ok(true));
        }
        for no in ["n", "No"] {
            assert_eq!(ask(&[no]).0, Ok(false));
        }
        assert_eq!(ask(&["q"]).0, Err(Over::Quit));
        let (answer, text) = ask(&["yse", "", "MUST NOT BE READ"]);
        assert_eq!(answer, Ok(true));
        assert_eq!(text.matches("Dry-run first? [Y/n/q]: ").count(), 2);
        assert_eq!(message(ask(&["x", "1", "nope", "y"]).0.expect_err("three slips")).1, 2);
    }

    #[test]
    fn only_a_yes_proceeds() {
        let ask = |answer: &str| with(Scripted::person(&[answer]), |dialogue, _| ask_proceed(dialogue)).0;
        assert_eq!((ask("y"), ask("Yes")), (Ok(()), Ok(())));
        for no in ["", "n", "q", "yep", "ja", "1"] {
            assert_eq!(ask(no), Err(Over::Quit), "{no}");
        }
    }

    #[test]
    fn the_end_of_the_input_is_said_with_the_question() {
        let (result, _) = with(Scripted::person(&[]), |dialogue, _| ask_proceed(dialogue));
        let (message, code) = message(result.expect_err("nobody answers"));
        assert_eq!(code, 1);
        assert!(message.contains("the input ended at 'Proceed? [y/N/q]'") && message.contains("--yes"), "{message}");
    }

    #[test]
    fn ctrl_c_at_a_question_ends_it_with_the_signals_code() {
        let terminal = Scripted::person(&[]).then(Input::Interrupted(2));
        let (result, _) = with(terminal, |dialogue, _| ask_proceed(dialogue));
        assert_eq!(message(result.expect_err("was interrupted")).1, 130);
    }
}
