//! `cron-list`: which job runs when, from the settings of this process and the crontab that the scheduler has loaded.
//! Nothing is asked, nothing is written.

use super::crontab::{self, Loaded};
use super::describe::describe;
use super::document::{envelope, shown};
use super::page::{self, Entry as Line, Section};
use super::{Format, write_json};
use crate::exit;
use crate::report;
use crate::schedule::{Entry, Expression, Zone, shift};
use crate::settings::Settings;
use crate::workers::crontab::{Planned, crontab as planned, rendered};
use chrono::{DateTime, Local, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// How many of the next times are listed.
const TIMES: usize = 5;

/// Lists the schedules to `out`. Gives the exit code, which is 0 whatever they are.
///
/// # Errors
/// When it cannot be written.
pub fn cron_list(settings: &Settings, format: Format, out: &mut dyn Write) -> io::Result<i32> {
    let list = List::make(settings, Utc::now());
    match format {
        Format::Text => page::write(&list.sections(settings), &settings.secrets, out)?,
        Format::Json => write_json(&list.document(settings), out)?,
    }
    Ok(exit::SUCCESS)
}

/// All that is listed.
struct List {
    now: DateTime<Utc>,
    zone: Result<Zone, String>,
    loaded: Option<Loaded>,
    jobs: Vec<Job>,
}

/// One job.
struct Job {
    planned: Planned,
    /// How much later than its expression says it runs.
    shift: Duration,
    times: Result<Times, String>,
    notes: Vec<String>,
}

/// When a job runs.
#[derive(Debug, PartialEq)]
enum Times {
    Off,
    AtStart,
    /// Its expression can be read, its time zone cannot.
    Unknown,
    Next(Vec<DateTime<Utc>>),
}

impl List {
    fn make(settings: &Settings, now: DateTime<Utc>) -> Self {
        let zone = Zone::of_setting(settings.schedules.zone.as_deref());
        let loaded = Loaded::read(&settings.paths.crontab);
        let known = ["backup", "check", "replicate", "forget", "prune", "rotate_log"];
        let jobs = planned(settings)
            .into_iter()
            .filter(|planned| known.contains(&planned.job) || !planned.expression.is_empty())
            .map(|planned| {
                let shift = shift(&settings.identity.hostname, planned.job, settings.schedules.splay);
                let times = times(&planned, shift, zone.as_ref().ok(), now);
                let notes = notes(settings, &planned, loaded.as_ref());
                Job { planned, shift, times, notes }
            })
            .collect();
        Self { now, zone, loaded, jobs }
    }

    fn sections(&self, settings: &Settings) -> Vec<Section> {
        let mut summary = Section::new("Schedule Summary");
        for job in &self.jobs {
            summary.entries.extend(self.lines(job).into_iter().map(Line::Line));
        }
        let mut retention = Section::new("Retention Notes");
        retention.entries.push(Line::Line(self::retention(settings)));
        vec![self.timezone(settings), self.crontab(settings), summary, retention]
    }

    fn timezone(&self, settings: &Settings) -> Section {
        let mut section = Section::new("Timezone");
        let given = settings.schedules.zone.as_deref();
        section.entries.push(Line::Bare("TZ", given.unwrap_or("<unset>").to_owned()));
        section.entries.push(Line::Bare("Current time", self.wall_clock()));
        if let Err(problem) = &self.zone {
            let error = format!("TZ='{}' {problem}; no next times are known", given.unwrap_or_default());
            section.entries.push(Line::Bare("error", error));
        }
        section
    }

    /// `2026-05-11 Mon 09:30:00 CEST`; in UTC without a zone.
    fn wall_clock(&self) -> String {
        let name = self.zone.as_ref().map_or("UTC", |zone| zone.name());
        let zone: chrono_tz::Tz = name.parse().unwrap_or(chrono_tz::Tz::UTC);
        self.now.with_timezone(&zone).format("%Y-%m-%d %a %H:%M:%S %Z").to_string()
    }

    fn crontab(&self, settings: &Settings) -> Section {
        let mut section = Section::new("Rendered Crontab");
        let path = settings.paths.crontab.display();
        let (source, text) = match &self.loaded {
            Some(loaded) => (path.to_string(), loaded.text.clone()),
            None => (format!("environment preview (no crontab at {path} yet)"), rendered(settings)),
        };
        section.entries.push(Line::Line(format!("# Source: {source}")));
        section.entries.extend(text.lines().map(|line| Line::Line(line.to_owned())));
        section
    }

    /// What is said of one job.
    fn lines(&self, job: &Job) -> Vec<String> {
        let Planned { job: name, variable, expression, .. } = &job.planned;
        let width = self.jobs.iter().map(|job| job.planned.job.len()).max().unwrap_or_default().max(12);
        if expression.is_empty() {
            let mut lines = vec![format!("  {name:<width$} disabled")];
            lines.extend(job.notes.iter().map(|note| format!("    note: {note}")));
            return lines;
        }
        let mut lines = vec![
            format!("  {name:<width$} {expression}"),
            format!("    -> {}", describe(expression)),
            format!("    command: /bin/{name}"),
        ];
        lines.extend(job.notes.iter().map(|note| format!("    note: {note}")));
        if !job.shift.is_zero() && matches!(job.times, Ok(Times::Next(_))) {
            let by = report::duration(job.shift.as_secs() as i64);
            lines.push(format!("    shift: {by} later, on this host (SCHEDULE_SPLAY)"));
        }
        match &job.times {
            Err(problem) => lines.push(format!("    error: {variable} {problem}: the job never runs by schedule")),
            Ok(Times::Off | Times::Unknown) => {}
            Ok(Times::AtStart) => lines.push("    next: whenever the container starts".to_owned()),
            Ok(Times::Next(times)) => {
                let times = times.iter().map(|time| self.rfc3339(*time));
                lines.extend(
                    times
                        .zip(["next: "].into_iter().chain(std::iter::repeat("      ")))
                        .map(|(time, label)| format!("    {label}{time}")),
                );
            }
        }
        lines
    }

    fn rfc3339(&self, time: DateTime<Utc>) -> String {
        match &self.zone {
            Ok(zone) => zone.local(time).to_rfc3339_opts(SecondsFormat::Secs, false),
            Err(_) => time.to_rfc3339_opts(SecondsFormat::Secs, false),
        }
    }

    fn document(&self, settings: &Settings) -> Value {
        let secrets = &settings.secrets;
        let mut document = envelope(settings, "cron-list", self.now.with_timezone(&Local));
        let source = self.loaded.as_ref().map(|_| settings.paths.crontab.display().to_string());
        let text = self.loaded.as_ref().map_or_else(|| rendered(settings), |loaded| loaded.text.clone());
        let mut add = |key: &str, value: Value| document.insert(key.to_owned(), value);
        add(
            "timezone",
            json!({
                "tz": shown(secrets, settings.schedules.zone.as_deref().unwrap_or_default()),
                "zone": self.zone.as_ref().ok().map(Zone::name),
                "problem": self.zone.as_ref().err(),
            }),
        );
        add(
            "crontab",
            json!({
                "source": shown(secrets, &source.unwrap_or_else(|| "environment-preview".to_owned())),
                "line_count": crontab::count(&text),
                "lines": text.lines().map(|line| shown(secrets, line)).collect::<Value>(),
            }),
        );
        let jobs = self.jobs.iter().map(|job| {
            let next: &[DateTime<Utc>] = if let Ok(Times::Next(times)) = &job.times { times } else { &[] };
            json!({
                "job": job.planned.job,
                "enabled": !job.planned.expression.is_empty(),
                "cron": shown(secrets, &job.planned.expression),
                "command": format!("/bin/{}", job.planned.job),
                "variable": job.planned.variable,
                "lock": shown(secrets, &job.planned.lock.display().to_string()),
                "description": shown(secrets, &describe(&job.planned.expression)),
                "notes": job.notes.iter().map(|note| shown(secrets, note)).collect::<Value>(),
                "shift_seconds": job.shift.as_secs(),
                "at_start": matches!(job.times, Ok(Times::AtStart)),
                "next": next.iter().map(|time| self.rfc3339(*time)).collect::<Value>(),
                "problem": job.times.as_ref().err().map(|problem| shown(secrets, problem)),
            })
        });
        add("jobs", jobs.collect());
        add("retention", shown(secrets, &retention(settings)));
        Value::Object(document)
    }
}

fn times(planned: &Planned, shift: Duration, zone: Option<&Zone>, now: DateTime<Utc>) -> Result<Times, String> {
    if planned.expression.is_empty() {
        return Ok(Times::Off);
    }
    let expression = Expression::parse(&planned.expression)?;
    if expression.at_reboot() {
        return Ok(Times::AtStart);
    }
    let Some(zone) = zone else { return Ok(Times::Unknown) };
    let entry = Entry { job: planned.job, expression, shift };
    let next = |time: DateTime<Utc>| entry.next_after(time, zone);
    let times: Vec<_> = std::iter::successors(next(now), |time| next(*time)).take(TIMES).collect();
    if times.is_empty() { Err("names a day that does not exist".to_owned()) } else { Ok(Times::Next(times)) }
}

fn notes(settings: &Settings, planned: &Planned, loaded: Option<&Loaded>) -> Vec<String> {
    let mut notes = Vec::new();
    if !planned.expression.is_empty() {
        notes.extend(match planned.job {
            "backup" if !settings.schedules.forget.trim().is_empty() => {
                Some("old snapshots are forgotten by a schedule of their own (FORGET_CRON)".to_owned())
            }
            "backup" if !settings.jobs.forget.raw.trim().is_empty() => {
                Some("forgets old snapshots afterwards (RESTIC_FORGET_ARGS)".to_owned())
            }
            "backup" => Some("forgets no old snapshots (RESTIC_FORGET_ARGS is empty)".to_owned()),
            "replicate" => Some(format!("job file {}", settings.jobs.replicate_file.display())),
            "forget" if settings.jobs.forget.raw.trim().is_empty() => {
                Some("RESTIC_FORGET_ARGS is empty: every run fails".to_owned())
            }
            "forget" => Some(format!("by RESTIC_FORGET_ARGS: {}", settings.jobs.forget.raw.trim())),
            _ => None,
        });
    }
    if let Some(found) = loaded.map(|loaded| loaded.expression(planned.job))
        && found.as_deref().unwrap_or_default() != crontab::tidy(&planned.expression)
    {
        notes.push(match found {
            Some(found) => format!("not in force: the scheduler has loaded '{found}'"),
            None => "not in force: the scheduler has not loaded it".to_owned(),
        });
    }
    notes
}

fn retention(settings: &Settings) -> String {
    let by_itself = !settings.schedules.forget.trim().is_empty();
    let has_policy = !settings.jobs.forget.raw.trim().is_empty();
    match (by_itself, has_policy) {
        (true, _) => format!("Standalone forget: FORGET_CRON='{}'; backups do not forget.", settings.schedules.forget),
        (false, true) => "Inline forget: after each backup, by RESTIC_FORGET_ARGS (FORGET_CRON is empty).".to_owned(),
        (false, false) => "No retention policy: FORGET_CRON and RESTIC_FORGET_ARGS are empty.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_text_is_this() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.schedules.zone = Some("Europe/Amsterdam".to_owned());
        settings.schedules.check = "15 4 * * *".to_owned();
        settings.schedules.rotate_log = String::new();
        settings.paths.crontab = folder.path().join("crontab");
        settings.jobs.forget.raw = format!("--keep-tag {}", sample::PASSWORD);
        settings.schedules.forget = "@weekly".to_owned();
        // The night before the clocks are put forward.
        let now = DateTime::parse_from_rfc3339("2026-03-27T21:30:00+01:00").expect("is a time").with_timezone(&Utc);
        let mut out = Vec::new();
        let list = List::make(&settings, now);
        page::write(&list.sections(&settings), &settings.secrets, &mut out).expect("memory takes all");
        let text = String::from_utf8(out).expect("is text").replace(&folder.path().display().to_string(), "<root>");
        for (number, (line, expected)) in text.lines().zip(include_str!("cron_list.txt").lines()).enumerate() {
            assert_eq!(line, expected, "line {}", number + 1);
        }
        assert_eq!(text, include_str!("cron_list.txt"));
    }
}
