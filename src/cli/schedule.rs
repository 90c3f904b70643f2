//! `schedule next`: flags and help.

use super::usage;
use crate::exit;
use crate::schedule::{Expression, Zone};
use crate::settings::Settings;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};

const NEXT: &str = "Examples:
  boathook schedule next --count 3 '30 2 * * mon-fri'
  boathook schedule next --count 5 --tz America/New_York --from 2026-11-01 '*/30 1 * * *'
  boathook schedule next --from 2026-03-29T00:00:00+01:00 @daily

Exit codes: 0 printed; 1 there is no such time (@reboot, or none before the year 10000); 2 bad usage: expression, zone
or time cannot be read.
More: docs/schedule.md";

/// Ask the schedule
#[derive(Debug, Parser)]
#[command(name = "schedule", disable_version_flag = true)]
struct ScheduleArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the next times of a cron expression, one a line, as RFC 3339 with the zone's offset
    #[command(after_help = NEXT)]
    Next(Next),
}

#[derive(Debug, clap::Args)]
struct Next {
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// The first after this time: RFC 3339, or what the clock on the wall of the zone shows (2026-03-29, 2026-03-29T02:30);
    /// now by default
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The time zone by its IANA name; that of TZ by default
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// The expression, in quotes: minute, hour, day of the month, month, day of the week; or a name such as @daily
    #[arg(value_name = "EXPR", required = true)]
    expression: Vec<String>,
}

pub(super) fn run(args: Vec<OsString>, settings: &Settings) -> io::Result<i32> {
    match ScheduleArgs::try_parse_from(args) {
        Ok(ScheduleArgs { action: Action::Next(next) }) => match next.read(settings) {
            Ok(question) => question.answer(settings),
            Err(message) => Ok(usage::refuse(&message, &settings.secrets)),
        },
        Err(error) => Ok(usage::report("boathook schedule next", &error, &settings.secrets)),
    }
}

/// What was asked.
struct Question {
    expression: Expression,
    zone: Zone,
    from: DateTime<Utc>,
    count: u32,
}

impl Next {
    fn read(self, settings: &Settings) -> Result<Question, String> {
        let text = self.expression.join(" ");
        let expression = Expression::parse(&text).map_err(|problem| {
            // The shell puts names of files where a * stood bare.
            let hint = if self.expression.len() > 1 { ": put the whole expression in quotes" } else { "" };
            format!("'{text}' {problem}{hint}")
        })?;
        let given = settings.schedules.zone.as_deref();
        let zone = match &self.tz {
            Some(name) => Zone::named(name).map_err(|problem| format!("--tz='{name}' {problem}"))?,
            None => Zone::of_setting(given)
                .map_err(|problem| format!("TZ='{}' {problem}, or give --tz", given.unwrap_or_default()))?,
        };
        let from = match &self.from {
            None => Utc::now(),
            Some(text) => time(text, zone).ok_or_else(|| {
                format!(
                    "--from='{text}' is no time: write it as 2026-03-29T02:30:00+01:00, 2026-03-29T02:30 or 2026-03-29"
                )
            })?,
        };
        Ok(Question { expression, zone, from, count: self.count })
    }
}

impl Question {
    fn answer(&self, settings: &Settings) -> io::Result<i32> {
        if self.expression.at_reboot() {
            return Ok(refuse("@reboot means the start of the container: it has no time", settings));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        let mut after = self.from;
        for printed in 0..self.count {
            let Some(next) = self.expression.next_after(after, &self.zone) else {
                out.flush()?;
                let what = if printed == 0 { "no time" } else { "no further time" };
                let message = format!("'{}' has {what} before the year 10000", self.expression.text());
                return Ok(refuse(&message, settings));
            };
            writeln!(out, "{}", self.zone.local(next).to_rfc3339())?;
            after = next;
        }
        out.flush()?;
        Ok(exit::SUCCESS)
    }
}

/// Says why there is nothing to print, although what was asked is in order; returns the exit code.
fn refuse(message: &str, settings: &Settings) -> i32 {
    usage::refuse(message, &settings.secrets);
    exit::FAILURE
}

/// A time that says its offset, or one that the clock on the wall of the zone shows; a day is its first moment.
fn time(text: &str, zone: Zone) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let wall = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    zone.instant(wall.or_else(day)?)
}
