//! The schedule in force: which job runs when, as read from settings, from what was in force before, and from a mistake.

use super::Job;
use crate::schedule::{Entry, Expression, Zone, shift};
use crate::settings::table;
use crate::settings::{Effect, Mistake, Settings, SettingsFile};
use std::collections::BTreeMap;
use std::time::Duration;

const MEND: &str = "write five fields such as 0 2 * * *, or a name such as @daily; empty is off";

/// The schedule.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    /// The zone of its times.
    pub zone: Zone,
    /// Every job, in the order of the crontab.
    pub rows: Vec<Row>,
    /// Whether a settings file has had its part in it.
    pub of_file: bool,
}

/// One job.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Which.
    pub job: Job,
    /// When; `None` is off.
    pub entry: Option<Entry>,
}

impl Row {
    /// The expression in force; empty is off.
    pub fn expression(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| entry.expression.text())
    }

    /// Expression and shift: what makes a row another one.
    fn times(&self) -> Option<(&str, Duration)> {
        self.entry.as_ref().map(|entry| (entry.expression.text(), entry.shift))
    }
}

/// What was in force before: the zone and the rows of it that were on, by their jobs' names.
#[derive(Debug, Clone)]
pub(super) struct Before {
    zone: Zone,
    entries: BTreeMap<&'static str, Entry>,
    of_file: bool,
}

/// Whether the settings file is no reason to change a schedule that was in force: it cannot be read whole, or has gone.
/// One that is there and says nothing is meant so.
pub(super) fn is_file_amiss(settings: &Settings, before: &Before) -> bool {
    let gone = before.of_file && settings.file == SettingsFile::Missing;
    gone || settings.mistakes.iter().any(|mistake| mistake.variable == "SETTINGS_FILE")
}

/// What is said about it.
pub(super) const FILE_AMISS: &str = "❌ The settings file has gone, or cannot be read whole: the schedule stays as it was. \
                                     Mend the file and send the container a HUP; an empty file is taken at its word.";

/// The settings' schedule, and what is wrong with it. Where something is, what was there before stays in force; without
/// a before, that job is off, and the zone is UTC.
pub(super) fn read(settings: &Settings, jobs: Vec<Job>, before: Option<&Before>) -> (Timetable, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut mistake = |variable: &'static str, value: &str, problem: String, mend: &str| {
        let shown = table::find(variable).map(|row| row.shown(value, &settings.secrets));
        let (value, mend) = (shown.unwrap_or_default(), mend.to_owned());
        mistakes.push(Mistake { variable, value, problem, mend, effect: Effect::Loud });
    };
    let schedules = &settings.schedules;
    let zone = Zone::of_setting(schedules.zone.as_deref()).unwrap_or_else(|problem| {
        let (problem, mend) = split(problem);
        mistake("TZ", schedules.zone.as_deref().unwrap_or_default(), problem, &mend);
        before.map_or_else(|| Zone::of_setting(Some("")).expect("empty is UTC"), |before| before.zone)
    });
    let rows = jobs.into_iter().map(|job| {
        let was = before.and_then(|before| before.entries.get(job.name));
        let entry = match Expression::parse(&job.expression) {
            _ if job.expression.is_empty() => None,
            Ok(expression) => {
                let shift = shift(&settings.identity.hostname, job.name, schedules.splay);
                Some(Entry { job: job.name, expression, shift })
            }
            Err(problem) => {
                mistake(job.variable, &job.expression, problem, MEND);
                was.cloned()
            }
        };
        Row { job, entry }
    });
    let of_file = settings.file != SettingsFile::Missing;
    let timetable = Timetable { zone, rows: rows.collect(), of_file };
    (timetable, mistakes)
}

/// The zone's problem comes with its mend behind a colon.
fn split(problem: String) -> (String, String) {
    match problem.split_once(": ") {
        Some((problem, mend)) => (problem.to_owned(), mend.to_owned()),
        None => (problem, "write an IANA name such as Europe/Amsterdam or UTC".to_owned()),
    }
}

impl Timetable {
    /// Whether this place has the same times as in `before`.
    pub fn same_times(&self, place: usize, before: &Before) -> bool {
        let Some(row) = self.rows.get(place) else { return false };
        let was = before.entries.get(row.job.name).map(|entry| (entry.expression.text(), entry.shift));
        self.zone == before.zone && row.times() == was
    }

    /// What the times of this place follow from, to compare with another container's; `None` if it is off.
    pub fn described(&self, place: usize) -> Option<String> {
        let (expression, shift) = self.rows.get(place)?.times()?;
        Some(format!("{expression} {}+{}", self.zone.name(), shift.as_secs()))
    }

    /// What changed, a line for each; nothing if nothing did.
    pub fn changes(&self, before: &Before) -> Vec<String> {
        let mut changes = Vec::new();
        if self.zone != before.zone {
            let (now, was) = (self.zone.name(), before.zone.name());
            changes.push(format!("⏰ TZ: all times are those of {now} now; they were those of {was}."));
        }
        if self.zone != before.zone {
            changes.push(format!("🔄 The time zone is now {}; it was {}.", self.zone.name(), before.zone.name()));
        }
        for row in &self.rows {
            let label = &row.job.label;
            let was = before.entries.get(row.job.name);
            let line = match (row.times(), was.map(|entry| (entry.expression.text(), entry.shift))) {
                (now, was) if now == was => continue,
                (Some((now, _)), None) => format!("⏰ {label}: now scheduled by {now}; it was off."),
                (None, Some((was, _))) => format!("ℹ️ {label}: off now; it was scheduled by {was}."),
                (Some((now, later)), Some((was, _))) if now == was => {
                    format!("⏰ {label}: now {} s later than {now} says.", later.as_secs())
                }
                (Some((now, _)), Some((was, _))) => format!("⏰ {label}: now scheduled by {now}; it was {was}."),
                (None, None) => continue,
            };
            changes.push(line);
        }
        changes
    }

    /// The same as something to compare with later.
    pub fn as_before(&self) -> Before {
        let entries = self.rows.iter().filter_map(|row| Some((row.job.name, row.entry.clone()?)));
        Before { zone: self.zone, entries: entries.collect(), of_file: self.of_file }
    }

    /// For a successor of this process.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rows = self.rows.iter().filter_map(|row| {
            let (expression, shift) = row.times()?;
            Some(serde_json::json!([row.job.name, expression, shift.as_secs()]))
        });
        let rows: Vec<_> = rows.collect();
        serde_json::json!({"zone": self.zone.name(), "rows": rows, "file": self.of_file}).to_string().into_bytes()
    }
}

impl Before {
    /// What a predecessor kept.
    pub fn from_bytes(bytes: &[u8], jobs: &[Job]) -> Option<Self> {
        let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let zone = Zone::named(document.get("zone")?.as_str()?).ok()?;
        let entries = document.get("rows")?.as_array()?.iter().filter_map(|row| {
            let (name, text, shift) = (row.get(0)?.as_str()?, row.get(1)?.as_str()?, row.get(2)?.as_u64()?);
            let job = jobs.iter().find(|job| job.name == name)?.name;
            let expression = Expression::parse(text).ok()?;
            Some((job, Entry { job, expression, shift: Duration::from_secs(shift) }))
        });
        let of_file = document.get("file").and_then(serde_json::Value::as_bool).unwrap_or_default();
        Some(Self { zone, entries: entries.collect(), of_file })
    }

    /// All of it once more, for these jobs.
    pub fn as_timetable(&self, jobs: Vec<Job>) -> Timetable {
        let row = |job: Job| Row { entry: self.entries.get(job.name).cloned(), job };
        Timetable { zone: self.zone, rows: jobs.into_iter().map(row).collect(), of_file: self.of_file }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::settings::{Environment, read as settings_of};
    use std::path::PathBuf;

    pub(in crate::scheduler) fn jobs(settings: &Settings) -> Vec<Job> {
        [("backup", "BACKUP_CRON"), ("check", "CHECK_CRON"), ("unlock", "UNLOCK_CRON")]
            .map(|(name, variable)| Job {
                name,
                label: name.to_owned(),
                lock: PathBuf::from("/run/x.lock"),
                variable,
                expression: settings.schedules.of(variable).trim().to_owned(),
            })
            .into()
    }

    pub(in crate::scheduler) fn timetable(
        pairs: &[(&str, &str)],
        before: Option<&Before>,
    ) -> (Timetable, Vec<Mistake>) {
        let settings = settings_of(&pairs.iter().copied().collect::<Environment>());
        let jobs = jobs(&settings);
        read(&settings, jobs, before)
    }

    fn wrong(mistakes: &[Mistake]) -> Vec<&str> {
        mistakes.iter().map(|mistake| mistake.variable).collect()
    }

    #[test]
    fn a_bad_expression_costs_its_own_job_alone() {
        let (timetable, mistakes) =
            timetable(&[("TZ", "UTC"), ("BACKUP_CRON", "0 2 * * *"), ("CHECK_CRON", "0 25 * * *")], None);
        assert_eq!(wrong(&mistakes), ["CHECK_CRON"]);
        let line = mistakes[0].line();
        assert!(line.starts_with("❌ CHECK_CRON='0 25 * * *' ") && line.contains("write five fields"), "{line}");
        assert_eq!([timetable.rows[0].expression(), timetable.rows[1].expression()], ["0 2 * * *", ""]);
    }

    #[test]
    fn what_does_not_parse_leaves_in_force_what_was() {
        let (old, _) =
            timetable(&[("TZ", "Europe/Paris"), ("BACKUP_CRON", "0 2 * * *"), ("CHECK_CRON", "0 3 * * *")], None);
        let before = old.as_before();
        let bad = [("TZ", "Europe/Nowhere"), ("BACKUP_CRON", "0 4 * * *"), ("CHECK_CRON", "tomorrow")];
        let (new, mistakes) = timetable(&bad, Some(&before));
        assert_eq!(wrong(&mistakes), ["TZ", "CHECK_CRON"]);
        assert_eq!((new.zone.name(), new.rows[1].expression()), ("Europe/Paris", "0 3 * * *"));
        assert_eq!(new.changes(&before), ["⏰ backup: now scheduled by 0 4 * * *; it was 0 2 * * *."]);
        assert!(!new.same_times(0, &before) && new.same_times(1, &before));
    }

    #[test]
    fn a_successor_has_the_same_schedule() {
        let (old, _) = timetable(
            &[("TZ", "Asia/Kolkata"), ("CHECK_CRON", "@hourly"), ("SCHEDULE_SPLAY", "10m"), ("HOSTNAME", "h")],
            None,
        );
        let jobs: Vec<Job> = old.rows.iter().map(|row| row.job.clone()).collect();
        let before = Before::from_bytes(&old.to_bytes(), &jobs).expect("is read back");
        assert!(old.changes(&before).is_empty(), "{:?}", old.changes(&before));
        assert!((0..3).all(|place| old.same_times(place, &before)));
        assert!(Before::from_bytes(b"{", &jobs).is_none());
    }
}
