//! The schedule, held against two libraries that are not ours: `croniter` away from clock changes, `cronsim` across them.
//!
//! A difference counts only if `docs/schedule.md` explains it by name, and if the explanation predicts it exactly; any
//! other fails.

mod dice;
mod reading;

use boathook::schedule::{Expression, Zone};
use chrono::{DateTime, NaiveDate, TimeDelta, Timelike as _, Utc};
use dice::{Dice, Ranges};
use reading::{ONE_VALUE, PART_OF_AN_HOUR, Reading, WHOLE_DAY};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Made by `tests/install.sh test`.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/oracle/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schedule_oracle/answer.py");

/// What is asked of an oracle and of us.
#[derive(Debug, Clone)]
struct Question {
    expression: String,
    zone: &'static str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    count: usize,
}

/// What is said to it: times, or an error.
type Answer = Result<Vec<DateTime<Utc>>, String>;

impl Question {
    /// What we say to an expression in place of the question's.
    fn ours(&self, expression: &str) -> Answer {
        let expression = Expression::parse(expression)?;
        let zone = Zone::named(self.zone)?;
        let next = |after: &DateTime<Utc>| expression.next_after(*after, &zone);
        let times = std::iter::successors(next(&self.from), next);
        Ok(times.take_while(|time| *time <= self.until).take(self.count).collect())
    }

    /// What the reading predicts: what we say to all of its expressions.
    fn predicted(&self, reading: &Reading) -> Answer {
        let mut common = self.ours(&reading.expressions[0])?;
        for further in &reading.expressions[1..] {
            let others: BTreeSet<_> = self.ours(further)?.into_iter().collect();
            common.retain(|time| others.contains(time));
        }
        Ok(common)
    }
}

/// Asks all at once; `None` where the oracle is not installed, which is said, and no way out in CI.
fn ask(library: &str, questions: &[Question]) -> Option<Vec<Answer>> {
    if !Path::new(PYTHON).exists() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{PYTHON} is missing: tests/install.sh test makes it");
        println!("skipped: {library} is not installed (tests/install.sh test)");
        return None;
    }
    let asked: Vec<Value> = questions
        .iter()
        .map(|question| {
            let Question { expression, zone, from, until, count } = question;
            json!({"library": library, "expression": expression, "zone": zone, "from": from.timestamp(),
                   "until": until.timestamp(), "count": count})
        })
        .collect();
    // The zones are those of the package whose release is ours, whatever the machine has.
    let mut child = Command::new(PYTHON)
        .arg(SCRIPT)
        .env("PYTHONTZPATH", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = child.stdin.take().expect("is piped");
    input.write_all(Value::from(asked).to_string().as_bytes()).expect("is read");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{SCRIPT}: {}", output.status);
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("is JSON");
    assert_eq!(answers.len(), questions.len());
    let time = |value: &Value| DateTime::from_timestamp(value.as_i64().expect("is whole"), 0).expect("is a time");
    let read = |answer: &Value| match answer {
        Value::Array(times) => Ok(times.iter().map(time).collect()),
        error => Err(error.as_str().expect("is text").to_owned()),
    };
    Some(answers.iter().map(read).collect())
}

/// What came of comparing.
#[derive(Default)]
struct Comparison {
    times: usize,
    /// How often each explanation was needed.
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

impl Comparison {
    fn add(&mut self, question: &Question, reading: &Reading, ours: &Answer, theirs: &Answer, is_explained: bool) {
        self.times += ours.as_ref().map_or(0, Vec::len);
        if is_explained {
            for heading in &reading.because {
                *self.explained.entry(heading).or_default() += 1;
            }
        } else {
            self.unexplained.push(format!("{question:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }

    /// Nothing is left unexplained, and no explanation stands there without need.
    fn is_complete(&self, library: &str, headings: &[&str]) {
        println!("{library}: {} times; explained differences, by expressions: {:?}", self.times, self.explained);
        let first = &self.unexplained[..self.unexplained.len().min(10)];
        assert!(first.is_empty(), "{} differences:\n{}", self.unexplained.len(), first.join("\n"));
        assert!(self.times > 10_000, "hardly anything was compared: {} times", self.times);
        let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schedule.md")).expect("is there");
        for heading in headings {
            assert!(self.explained.contains_key(heading), "'{heading}' was not seen: it is no difference any more");
            assert!(page.contains(&format!("**{heading}**")), "docs/schedule.md does not explain '{heading}'");
        }
        assert_eq!(self.explained.len(), headings.len(), "{:?}", self.explained);
    }
}

fn midnight(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, month, day).expect("is a day").and_hms_opt(0, 0, 0).expect("is a time").and_utc()
}

const QUIET_ZONES: [&str; 5] =
    ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"];

#[test]
fn croniter_says_the_same_of_two_thousand_expressions_in_five_zones() {
    let mut dice = Dice(2026);
    let questions: Vec<Question> = (0..2000)
        .map(|index| {
            let from = midnight(2020, 1, 1) + TimeDelta::seconds(dice.below(10 * 365 * 86400) as i64);
            let (expression, zone) = (dice.expression(Ranges::All), QUIET_ZONES[index % QUIET_ZONES.len()]);
            Question { expression, zone, from, until: midnight(2037, 1, 1), count: 8 }
        })
        .collect();
    let Some(answers) = ask("croniter", &questions) else { return };
    let mut comparison = Comparison::default();
    for (question, theirs) in questions.iter().zip(&answers) {
        let quiet = |answer: Answer| answer.map(|times| until_the_next_change(question, times));
        let mut reading = reading::by_croniter(&question.expression);
        let (ours, theirs) = (quiet(question.ours(&question.expression)), quiet(theirs.clone()));
        if ours == theirs || is_never(&ours, &theirs) {
            reading.because.clear();
            comparison.add(question, &reading, &ours, &theirs, true);
        } else {
            let is_explained = !reading.because.is_empty() && quiet(question.predicted(&reading)) == theirs;
            comparison.add(question, &reading, &ours, &theirs, is_explained);
        }
    }
    let headings = [reading::ONE_VALUE, reading::OVER_THE_END, reading::SEVEN_WITH_STEP, reading::EVERY_DAY];
    comparison.is_complete("croniter", &headings);
}

/// A day that never comes: we say so at once, the oracle after years of looking.
fn is_never(ours: &Answer, theirs: &Answer) -> bool {
    matches!((ours, theirs), (Err(ours), Err(theirs))
        if ours.starts_with("never comes") && theirs.contains("failed to find next date"))
}

/// What lies near a clock change is left out, and what comes after it, too.
fn until_the_next_change(question: &Question, times: Vec<DateTime<Utc>>) -> Vec<DateTime<Utc>> {
    let zone = Zone::named(question.zone).expect("is a zone");
    let is_quiet = |time: &DateTime<Utc>| {
        let offset = |hours| *zone.local(*time + TimeDelta::hours(hours)).offset();
        [-48, -24, 24, 48].into_iter().all(|hours| offset(hours) == offset(0))
    };
    times.into_iter().take_while(is_quiet).collect()
}

/// Zone, and a day before its clocks change.
const CHANGES: [(&str, (i32, u32, u32)); 12] = [
    ("Europe/Amsterdam", (2026, 3, 28)),
    ("Europe/Amsterdam", (2026, 10, 24)),
    ("America/New_York", (2027, 3, 13)),
    ("America/New_York", (2027, 11, 6)),
    ("Australia/Lord_Howe", (2026, 10, 2)),
    ("Australia/Lord_Howe", (2026, 4, 3)),
    ("Africa/Cairo", (2026, 4, 23)),
    ("Africa/Cairo", (2026, 10, 29)),
    ("America/Sao_Paulo", (2018, 11, 3)),
    ("America/Sao_Paulo", (2018, 2, 17)),
    ("Pacific/Apia", (2011, 12, 29)),
    ("Pacific/Chatham", (2026, 9, 25)),
];

#[test]
fn cronsim_says_the_same_across_clock_changes() {
    let questions = questions_about_changes();
    let Some(answers) = ask("cronsim", &questions) else { return };
    let mut comparison = Comparison::default();
    for (question, theirs) in questions.iter().zip(&answers) {
        let mut reading = reading::by_cronsim(&question.expression);
        let ours = question.ours(&question.expression);
        if ours == *theirs {
            reading.because.clear();
            comparison.add(question, &reading, &ours, theirs, true);
            continue;
        }
        let predicted = question.predicted(&reading);
        let further = if predicted == *theirs { None } else { of_a_rhythm(question, &predicted, theirs) };
        let is_explained = predicted == *theirs || further.is_some();
        reading.because.extend(further);
        comparison.add(question, &reading, &ours, theirs, is_explained);
    }
    let headings = [
        WHOLE_DAY,
        PART_OF_AN_HOUR,
        ONE_VALUE,
        reading::STAR_WITH_STEP,
        reading::EVERY_DAY,
        reading::TO_SUNDAY,
        reading::LATER_STAR,
    ];
    comparison.is_complete("cronsim", &headings);
}

/// Times around each change, alone and in pairs, as times and as rhythms; and expressions by chance.
fn questions_about_changes() -> Vec<Question> {
    let mut dice = Dice(1883);
    let mut questions = Vec::new();
    for (zone, (year, month, day)) in CHANGES {
        let from = midnight(year, month, day);
        let mut ask = |expression: String| {
            let until = from + TimeDelta::hours(60);
            questions.push(Question { expression, zone, from, until, count: usize::MAX });
        };
        for hour in [23, 0, 1, 2, 3, 4] {
            ask(format!("0 {hour} * * *"));
            ask(format!("30 {hour} * * *"));
            ask(format!("45 {hour} * * *"));
            ask(format!("0,30 {hour},{} * * *", (hour + 1) % 24));
            ask(format!("*/15 {hour} * * *"));
            ask(format!("10 {hour}-23/2 * * *"));
            ask(format!("*/20 {hour},12 * * *"));
            ask(format!("5,*/30 {hour} * * *"));
        }
        for expression in ["*/7 * * * *", "15 * * * *", "0 * * * *", "0 */2 * * *", "0 0-23 * * *"] {
            ask(expression.to_owned());
        }
        for _ in 0..50 {
            ask(dice.expression(Ranges::Rising));
        }
    }
    questions
}

/// Which rule about a clock that changes explains what is missing, if one does. Both are about expressions with a
/// star as minute or hour.
fn of_a_rhythm(question: &Question, predicted: &Answer, theirs: &Answer) -> Option<&'static str> {
    let zone = Zone::named(question.zone).expect("is a zone");
    let (Ok(predicted), Ok(theirs)) = (predicted, theirs) else { return None };
    let [minute, hour, ..] = question.expression.split(' ').collect::<Vec<_>>()[..] else { return None };
    let offset = |time: DateTime<Utc>| zone.local(time).offset().local_minus_utc();
    let put_forward = |time: DateTime<Utc>, ago: TimeDelta| offset(time) - offset(time - ago);
    let missing: Vec<_> = predicted.iter().filter(|time| !theirs.contains(time)).copied().collect();
    let nothing_more = theirs.iter().all(|time| predicted.contains(time));
    if missing.is_empty() || !nothing_more || !(minute.contains('*') || hour.contains('*')) {
        return None;
    }
    // We run once at the end of a gap, where the expression itself names another time of the day.
    if missing.len() == 1 && put_forward(missing[0], TimeDelta::seconds(1)) > 0 {
        return Some(WHOLE_DAY);
    }
    // It goes on by whole hours, over what lies between the change and the next of these. Where the change itself is half
    // an hour, that is so until the day is over.
    let is_lost = |time: &DateTime<Utc>| match question.zone {
        "Australia/Lord_Howe" => {
            let of_half_an_hour = |ago| put_forward(*time, ago).abs() == 1800;
            let in_first_half = zone.local(*time).minute() < 30;
            of_half_an_hour(TimeDelta::hours(1)) || in_first_half && of_half_an_hour(TimeDelta::hours(24))
        }
        // At 02:45.
        "Pacific/Chatham" => put_forward(*time, TimeDelta::minutes(15)) != 0,
        _ => false,
    };
    missing.iter().all(is_lost).then_some(PART_OF_AN_HOUR)
}
