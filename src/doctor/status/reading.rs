//! How far `check` has come with reading all data (`RESTIC_CHECK_ROTATE`), from the file that it keeps of that.

use super::words::moment;
use super::{Clock, Finding, Job, Plan};
use crate::report;
use crate::settings::Settings;
use crate::workers::check::{Known, Moment, Rotation};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::path::PathBuf;

/// After how many rounds' worth of scheduled times without a whole round somebody should look.
const ROUNDS: usize = 3;

/// What is known of it.
#[derive(Debug)]
pub(super) struct Reading {
    file: PathBuf,
    /// In how many parts data is to be read.
    parts: u32,
    known: Known,
}

impl Reading {
    /// Reads it; nothing where no data is read by turns.
    pub(super) fn read(settings: &Settings) -> Option<Self> {
        let parts = settings.jobs.check_rotate?;
        let file = Rotation::file(&settings.paths.state, &settings.repository.shown);
        let known = Rotation::read(&file);
        Some(Self { file, parts, known })
    }

    fn rotation(&self) -> Option<&Rotation> {
        self.known.as_ref().ok()?.as_ref()
    }

    /// The part of the next run, and when the round began that it belongs to.
    fn next(&self) -> (u32, Option<Moment>) {
        match self.rotation() {
            Some(rotation) if rotation.parts == self.parts => (rotation.next_part, rotation.round_started_at),
            _ => (1, None),
        }
    }

    /// `check data: part 3 of 12 next, all read by 2026-05-01 (round of 12 runs)`.
    pub(super) fn line(&self, clock: &Clock) -> String {
        let parts = self.parts;
        let day = |moment: Moment| clock.local(moment.time()).format("%Y-%m-%d").to_string();
        let (next, began) = self.next();
        let whole = match (self.rotation().and_then(|rotation| rotation.full_round_finished_at), began) {
            (Some(whole), _) => format!("all read by {}", day(whole)),
            (None, Some(began)) => format!("not all read yet since {}", day(began)),
            (None, None) => "not all read yet".to_owned(),
        };
        format!("check data: part {next} of {parts} next, {whole} (round of {parts} runs)")
    }

    /// The same for programs.
    pub(super) fn document(&self, clock: &Clock) -> Value {
        let time =
            |moment: Option<Moment>| moment.map(|moment| clock.local(moment.time()).format(report::TIME).to_string());
        let (next, began) = self.next();
        let last = self.rotation().and_then(|rotation| rotation.last.as_ref());
        json!({
            "parts": self.parts,
            "next_part": next,
            "round_started_at": time(began),
            "full_round_finished_at": time(self.rotation().and_then(|rotation| rotation.full_round_finished_at)),
            "last_part": last.map(|last| last.part),
            "last_exit_code": last.map(|last| last.exit_code),
        })
    }

    /// What to look after.
    pub(super) fn finding(&self, job: &Job, clock: &Clock) -> Option<Finding> {
        let file = self.file.display();
        match &self.known {
            Err(why) => Some(job.warn(
                format!("{file} cannot be read"),
                format!("{why}; which data has been read is not known"),
                "let this user read it, or remove it: the next run of check reads all data again, from part 1 on",
            )),
            Ok(None) => None,
            Ok(Some(rotation)) => {
                let since = rotation.unread_since();
                let times = usize::try_from(self.parts).unwrap_or(usize::MAX).saturating_mul(ROUNDS);
                has_come(job, since, times, clock).then(|| {
                    job.warn(
                        format!("not all data has been read since {}", moment(since, clock)),
                        format!("a round of {} runs was due {ROUNDS} times ({})", self.parts, job.schedule()),
                        format!(
                            "look at {} for why runs fail, or are not made; a failed one reads its part again",
                            job.error_log.display()
                        ),
                    )
                })
            }
        }
    }
}

/// Whether a job's schedule has had so many times since.
fn has_come(job: &Job, since: DateTime<Utc>, times: usize, clock: &Clock) -> bool {
    let (Plan::Times(entry), Some(zone)) = (&job.plan, clock.zone) else { return false };
    let mut last = since;
    (0..times).all(|_| match entry.next_after(last, &zone) {
        Some(next) if next <= clock.now => {
            last = next;
            true
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::scenarios::{LOADED, Scene, at, heads};
    use super::*;
    use std::fs;

    /// What is said of the data that `check` reads by turns, and what is found about it.
    #[track_caller]
    fn assert_reading(scene: &Scene, now: &str, line: &str, found: &[&str]) {
        let status = scene.status(now);
        let reading = status.jobs[1].0.reading.as_ref().expect("data is read by turns");
        assert_eq!(reading.line(&status.clock), format!("check data: {line}"));
        assert_eq!(heads(&status), found);
    }

    #[test]
    fn the_data_that_check_reads_by_turns_is_told_of() {
        let mut scene = Scene::new("");
        let begin = "2026-03-10T08:00:00Z";
        assert!(scene.status(begin).jobs[1].0.reading.is_none());
        // Whoever starts it, with or without a schedule here.
        scene.settings.jobs.check_rotate = Some(12);
        assert_reading(&scene, begin, "part 1 of 12 next, not all read yet (round of 12 runs)", &[]);
        scene.rotation(12, 3, Some("2026-03-07T03:00:00Z"), None);
        assert_reading(&scene, begin, "part 3 of 12 next, not all read yet since 2026-03-07 (round of 12 runs)", &[]);
        scene.rotation(12, 3, Some("2026-03-07T03:00:00Z"), Some("2026-03-05T03:00:00Z"));
        assert_reading(&scene, begin, "part 3 of 12 next, all read by 2026-03-05 (round of 12 runs)", &[]);
        // Another number begins anew.
        scene.settings.jobs.check_rotate = Some(6);
        assert_reading(&scene, begin, "part 1 of 6 next, all read by 2026-03-05 (round of 6 runs)", &[]);
        let file = Rotation::file(&scene.settings.paths.state, &scene.settings.repository.shown);
        fs::write(&file, "{").expect("is ours");
        let unreadable = format!("[WARN] check: {} cannot be read", file.display());
        assert_reading(&scene, begin, "part 1 of 6 next, not all read yet (round of 6 runs)", &[&unreadable]);
    }

    #[test]
    fn data_that_was_not_read_for_three_rounds_is_a_warning() {
        let mut scene = Scene::new("");
        scene.settings.schedules.check = "0 3 * * *".to_owned();
        scene.settings.jobs.check_rotate = Some(2);
        scene.load(LOADED);
        let ran = |time: &str| {
            let time = at(time).format(crate::report::TIME).to_string();
            scene.summary("check", &format!(r#""finished_at": "{time}", "exit_code": 0, "last_success_at": "{time}""#));
        };
        let line = "part 1 of 2 next, all read by 2026-03-02 (round of 2 runs)";
        let found = "[WARN] check: not all data has been read since 2026-03-02 03:10";
        ran("2026-03-07T03:10:00Z");
        scene.rotation(2, 1, Some("2026-03-03T03:00:00Z"), Some("2026-03-02T03:10:00Z"));
        // Six times since: on the 3rd to the 8th.
        assert_reading(&scene, "2026-03-08T02:59:59Z", line, &[]);
        assert_reading(&scene, "2026-03-08T03:00:00Z", line, &[found]);
        let finding = &scene.status("2026-03-08T03:00:00Z").findings[0];
        assert_eq!(finding.reason, "a round of 2 runs was due 3 times (CHECK_CRON '0 3 * * *')");
        // Without a whole round, from the begin of the first one on.
        scene.rotation(2, 1, Some("2026-03-03T03:00:00Z"), None);
        let found = "[WARN] check: not all data has been read since 2026-03-01 03:00";
        let line = "part 1 of 2 next, not all read yet since 2026-03-03 (round of 2 runs)";
        ran("2026-03-06T03:10:00Z");
        assert_reading(&scene, "2026-03-07T03:00:00Z", line, &[found]);
        // Nothing is due without a schedule.
        scene.settings.schedules.check = String::new();
        scene.load(LOADED);
        assert_reading(&scene, "2026-04-07T03:00:00Z", line, &[]);
    }
}
