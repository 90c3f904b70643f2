//! What `status` says of jobs that stand in all the ways a job can: a folder with a crontab and summaries, and a time.

use super::Status;
use crate::doctor::Severity;
use crate::doctor::sample;
use crate::process::registry::Registered;
use crate::settings::Settings;
use crate::workers::check::Rotation;
use chrono::{DateTime, TimeDelta, Utc};
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// A container whose schedule was loaded at [`LOADED`].
pub(super) struct Scene {
    folder: TempDir,
    pub(super) settings: Settings,
}

/// When the schedules were loaded, unless a test says otherwise.
pub(super) const LOADED: &str = "2026-03-01T00:00:30Z";

pub(super) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("is a time").with_timezone(&Utc)
}

impl Scene {
    /// Backups by `cron`, loaded and in force.
    pub(super) fn new(cron: &str) -> Self {
        // Of the same length everywhere: where lines are broken depends on it.
        let folder = tempfile::tempdir_in("/tmp").expect("there is room");
        for name in ["hooks", "config", "log", "data"] {
            fs::create_dir(folder.path().join(name)).expect("there is room");
        }
        let mut settings = sample::settings(folder.path());
        settings.schedules.backup = cron.to_owned();
        settings.schedules.rotate_log = String::new();
        settings.schedules.zone = Some("UTC".to_owned());
        settings.paths.crontab = folder.path().join("crontab");
        fs::create_dir_all(folder.path().join("run/runs")).expect("there is room");
        let scene = Self { folder, settings };
        scene.load(LOADED);
        scene
    }

    pub(super) fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// The scheduler loads the settings as they are.
    pub(super) fn load(&self, when: &str) {
        fs::write(&self.settings.paths.crontab, crate::workers::crontab::rendered(&self.settings))
            .expect("there is room");
        self.touch("crontab", when);
    }

    pub(super) fn touch(&self, part: &str, when: &str) {
        let file = File::options().append(true).open(self.path(part)).expect("is there");
        file.set_modified(at(when).into()).expect("is ours");
    }

    /// A summary as we write it, with some keys.
    pub(super) fn summary(&self, job: &str, keys: &str) -> &Self {
        let text = format!("{{\n  \"job\": \"{job}\",\n  {keys}\n}}\n");
        let part = format!("log/last-{job}.json");
        fs::write(self.path(&part), text).expect("there is room");
        self.touch(&part, "2026-03-01T00:10:00Z");
        self
    }

    /// A backup that did its work within five minutes.
    pub(super) fn success(&self, finished: &str) -> &Self {
        let time = at(finished).format(crate::report::TIME).to_string();
        self.summary(
            "backup",
            &format!(
                r#""finished_at": "{time}", "duration_seconds": 300, "exit_code": 0, "status": "success", "last_success_at": "{time}""#
            ),
        )
    }

    /// What `check` keeps of its rounds: parts, the next one, when the round began, when the last one ended.
    pub(super) fn rotation(&self, parts: u32, next: u32, began: Option<&str>, ended: Option<&str>) -> &Self {
        let time = |text: Option<&str>| text.map(|text| at(text).format(crate::report::TIME).to_string());
        let text = serde_json::json!({
            "version": 1,
            "repository": self.settings.repository.shown,
            "parts": parts,
            "next_part": next,
            "round_started_at": time(began),
            "full_round_finished_at": time(ended),
            "since": time(Some("2026-03-01T03:00:00Z")),
            "last": {"part": next, "exit_code": 1, "finished_at": time(Some("2026-03-10T03:10:00Z"))},
        });
        let file = Rotation::file(&self.settings.paths.state, &self.settings.repository.shown);
        fs::create_dir_all(&self.settings.paths.state).expect("there is room");
        fs::write(file, text.to_string()).expect("there is room");
        self
    }

    pub(super) fn status(&self, now: &str) -> Status {
        Status::gather(&self.settings, at(now))
    }

    /// State, and the first parts of all findings with their marks.
    #[track_caller]
    fn backup(&self, now: &str) -> (&'static str, Vec<String>) {
        let status = self.status(now);
        (status.jobs[0].1.state.word(), heads(&status))
    }
}

pub(super) fn heads(status: &Status) -> Vec<String> {
    status.findings.iter().map(|finding| format!("{} {}", finding.level.tag(), finding.head())).collect()
}

/// That the job stands so, and that these are the findings.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "what is found is made for this call")]
fn assert_found(found: (&str, Vec<String>), state: &str, expected: &[&str]) {
    assert_eq!(found, (state, expected.iter().map(|head| (*head).to_owned()).collect()));
}

#[test]
fn a_job_is_stale_after_its_next_time_its_duration_and_the_grace() {
    let scene = Scene::new("0 2 * * *");
    scene.success("2026-03-09T02:05:00Z");
    // Due at 02:00, five minutes long, ten minutes of grace.
    assert_found(scene.backup("2026-03-10T02:15:00Z"), "ok", &[]);
    let stale = "[WARN] backup: last successful run looks stale (1d 0h, cron '0 2 * * *')";
    assert_found(scene.backup("2026-03-10T02:15:01Z"), "stale", &[stale]);
    let status = scene.status("2026-03-10T08:00:00Z");
    let finding = &status.findings[0];
    assert_eq!(
        finding.reason,
        "no success since 2026-03-09 02:05; expected at 2026-03-10 02:00 (BACKUP_CRON '0 2 * * *')"
    );
    let log = scene.path("log/cron.log").display().to_string();
    assert_eq!(finding.mend, format!("look at {log}, then run `boathook doctor`"));
    assert_eq!(status.jobs[0].1.detail, "last successful run age 1d 5h; expected < 1d 0h");
}

#[test]
fn any_expression_counts() {
    for (cron, fresh, stale) in [
        // Saturday and Sunday are no working days, Monday is.
        ("0 2 * * 1-5", "2026-03-09T02:15:00Z", "2026-03-09T02:16:00Z"),
        ("5,35 8-18 * * *", "2026-03-07T08:20:00Z", "2026-03-07T08:21:00Z"),
        ("@daily", "2026-03-07T00:15:00Z", "2026-03-07T00:16:00Z"),
        ("17 * * * *", "2026-03-06T22:32:00Z", "2026-03-06T22:33:00Z"),
    ] {
        let mut scene = Scene::new(cron);
        if cron.ends_with("1-5") {
            // The days of the week by their names, which mean the same to everybody.
            scene.settings.schedules.backup = "0 2 * * mon-fri".to_owned();
            scene.load(LOADED);
        }
        // A Friday evening.
        scene.success("2026-03-06T22:05:00Z");
        assert_eq!(scene.backup(fresh).0, "ok", "{cron}");
        assert_eq!(scene.backup(stale).0, "stale", "{cron}");
    }
}

#[test]
fn what_runs_at_the_start_alone_is_never_stale() {
    let scene = Scene::new("@reboot");
    scene.success("2026-03-01T00:05:00Z");
    assert_found(scene.backup("2036-03-01T00:00:00Z"), "ok", &[]);
}

#[test]
fn a_skipped_run_is_not_fresh() {
    let scene = Scene::new("0 2 * * *");
    scene.summary(
        "backup",
        r#""finished_at": "2026-03-10T02:00:01+0000", "exit_code": 0, "status": "skipped", "reason": "the disk is not plugged in", "last_success_at": "2026-03-08T02:05:00+0000", "work": {"status": "skipped"}"#,
    );
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_eq!(status.jobs[0].1.state.word(), "stale");
    let reason = &status.findings[0].reason;
    assert!(reason.ends_with("; the last run was skipped: the disk is not plugged in"), "{reason}");
    assert!(reason.starts_with("no success since 2026-03-08 02:05; expected at 2026-03-09 02:00"), "{reason}");
    // One that never did its work is due since the schedule was loaded.
    scene.summary("backup", r#""exit_code": 0, "status": "skipped", "last_success_at": null"#);
    let found = scene.backup("2026-03-10T08:00:00Z");
    assert_found(found, "stale", &["[WARN] backup: last successful run looks stale (never, cron '0 2 * * *')"]);
}

#[test]
fn the_shift_of_this_host_counts() {
    let mut scene = Scene::new("0 2 * * *");
    scene.success("2026-03-09T03:05:00Z");
    scene.settings.schedules.splay = Duration::from_secs(3 * 3600);
    let shift = crate::schedule::shift("keelhaul", "backup", scene.settings.schedules.splay);
    assert!(shift > Duration::from_secs(600), "choose another host: {shift:?}");
    let due = at("2026-03-10T02:15:00Z") + TimeDelta::from_std(shift).expect("is short");
    let now = |time: DateTime<Utc>| time.to_rfc3339();
    let before = scene.backup(&now(due));
    let after = scene.backup(&now(due + TimeDelta::seconds(1)));
    assert_eq!((before.0, after.0), ("ok", "stale"));
}

#[test]
fn a_job_that_never_ran_is_missing_from_its_first_time_on() {
    let scene = Scene::new("0 2 * * *");
    assert_found(scene.backup("2026-03-01T02:10:00Z"), "missing", &[]);
    assert_eq!(scene.status("2026-03-01T01:00:00Z").jobs[0].1.detail, "waiting for the first run at 2026-03-01 02:00");
    let path = scene.path("log/last-backup.json").display().to_string();
    let found = scene.backup("2026-03-01T02:10:01Z");
    assert_found(found, "missing", &[&format!("[WARN] backup: enabled but {path} is missing or empty")]);
    // Where no crontab says since when, nothing can be waited for.
    fs::remove_file(scene.path("crontab")).expect("is there");
    assert_eq!(scene.backup("2026-03-01T01:00:00Z").1.len(), 1);
}

#[test]
fn where_runs_cannot_be_seen_one_may_be_waiting_for_another() {
    let scene = Scene::new("0 2 * * *");
    fs::remove_dir(scene.path("run/runs")).expect("is empty");
    scene.success("2026-03-09T02:05:00Z");
    assert_found(scene.backup("2026-03-10T03:15:00Z"), "ok", &[]);
    assert_eq!(scene.backup("2026-03-10T03:15:01Z").0, "stale");
}

#[test]
fn a_run_that_goes_on_is_no_reason_to_worry_until_it_hangs() {
    let scene = Scene::new("0 2 * * *");
    scene.success("2026-03-09T02:05:00Z");
    let run = Registered::new(&scene.path("run"), "20260310T020000Z-backup-0a1b2c3d").expect("there is room");
    assert_found(scene.backup("2026-03-10T03:20:00Z"), "ok", &[]);
    let detail = &scene.status("2026-03-10T03:20:00Z").jobs[0].1.detail;
    assert!(detail.ends_with("; running since 2026-03-10 02:00 (1h 20m)"), "{detail}");
    // Three times five minutes, ten of grace, an hour for locks.
    let status = scene.status("2026-03-10T03:26:00Z");
    assert_found(
        (status.jobs[0].1.state.word(), heads(&status)),
        "stale",
        &[
            "[WARN] backup: last successful run looks stale (1d 1h, cron '0 2 * * *')",
            "[WARN] backup: running since 2026-03-10 02:00 (1h 26m) and may hang",
        ],
    );
    assert_eq!(status.findings[1].reason, "the last good one took 5m");
    assert!(status.findings[1].mend.ends_with(&format!("; to end it: kill {}", std::process::id())));
    // That of another job is none of its own.
    run.remove();
    let _other = Registered::new(&scene.path("run"), "20260310T020000Z-check-0a1b2c3d").expect("there is room");
    assert_eq!(scene.backup("2026-03-10T03:20:00Z").0, "stale");
}

#[test]
fn a_first_run_may_take_a_day() {
    let scene = Scene::new("0 2 * * *");
    let _run = Registered::new(&scene.path("run"), "20260301T020000Z-backup-0a1b2c3d").expect("there is room");
    assert_found(scene.backup("2026-03-02T03:00:00Z"), "missing", &[]);
    let found = scene.backup("2026-03-02T03:11:00Z");
    assert_found(found, "missing", &["[WARN] backup: running since 2026-03-01 02:00 (1d 1h) and may hang"]);
}

#[test]
fn a_failed_and_an_interrupted_run_fail() {
    let scene = Scene::new("0 2 * * *");
    let path = scene.path("log/last-backup.json").display().to_string();
    scene.summary("backup", r#""exit_code": 12, "status": "failure", "reason": "the password is wrong", "last_success_at": "2026-03-09T02:05:00+0000""#);
    let status = scene.status("2026-03-10T02:10:00Z");
    let found = (status.jobs[0].1.state.word(), heads(&status));
    assert_found(found, "fail", &[&format!("[FAIL] backup: last run failed with exit 12 ({path})")]);
    assert_eq!(status.findings[0].reason, "the password is wrong; last success 2026-03-09 02:05");
    assert_eq!((status.verdict(), status.exit_code()), ("FAIL", 1));
    scene.summary("backup", r#""exit_code": 0, "status": "interrupted""#);
    assert_eq!(scene.backup("2026-03-10T02:10:00Z").0, "fail");
    // As of the reference image, whose summaries have no status.
    scene.summary("backup", r#""exit_code": 11"#);
    assert_eq!(scene.backup("2026-03-10T02:10:00Z").0, "fail");
}

#[test]
fn a_warning_names_the_hook() {
    let scene = Scene::new("0 2 * * *");
    let hooks = r#""hooks": [{"name": "post-backup", "status": "timed_out", "reason": "ran into its limit of 30s"}]"#;
    let keys = r#""finished_at": "2026-03-10T02:05:00+0000", "last_success_at": "2026-03-10T02:05:00+0000", "exit_code": 0, "status": "warning", "reason": "the forget was skipped""#;
    scene.summary("backup", &format!("{keys}, {hooks}"));
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_found(
        (status.jobs[0].1.state.word(), heads(&status)),
        "ok",
        &["[WARN] backup: hook post-backup failed in the last run"],
    );
    assert_eq!(status.findings[0].reason, "ran into its limit of 30s");
    scene.summary("backup", keys);
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_eq!(heads(&status), ["[WARN] backup: last run ended with a warning"]);
    assert_eq!(status.findings[0].reason, "the forget was skipped");
}

#[test]
fn a_summary_that_cannot_be_read_is_not_taken_for_a_success() {
    let scene = Scene::new("0 2 * * *");
    fs::write(scene.path("log/last-backup.json"), "{\n  \"job\": \"backup\",\n  \"exit_co").expect("there is room");
    fs::write(scene.path("log/last-restore.json"), "{").expect("there is room");
    let (state, found) = scene.backup("2026-03-10T02:10:00Z");
    assert_eq!((state, found.len()), ("missing", 2));
    for (found, job) in found.iter().zip(["backup", "restore"]) {
        let path = scene.path(&format!("log/last-{job}.json")).display().to_string();
        assert_eq!(found, &format!("[WARN] {job}: {path} is cut short"));
    }
}

#[test]
fn a_time_in_the_future_is_flagged_and_proves_nothing() {
    let scene = Scene::new("0 2 * * *");
    scene.success("2027-01-01T02:05:00Z");
    let status = scene.status("2026-03-10T08:00:00Z");
    let path = scene.path("log/last-backup.json").display().to_string();
    let flagged = format!("[WARN] backup: finished_at in {path} lies in the future (2027-01-01 02:05)");
    assert_found((status.jobs[0].1.state.word(), heads(&status)), "ok", &[&flagged]);
    assert_eq!(status.jobs[0].1.detail, "last exit 0, age unknown");
    // Two hosts' clocks may differ by a moment.
    scene.success("2026-03-10T02:05:30Z");
    assert_found(scene.backup("2026-03-10T02:05:00Z"), "ok", &[]);
}

#[test]
fn what_the_scheduler_has_loaded_is_in_force_and_a_difference_is_said() {
    let mut scene = Scene::new("0 2 * * *");
    scene.settings.schedules.check = "0 5 * * *".to_owned();
    scene.load(LOADED);
    scene.settings.schedules.backup = "0  */2 * * *".to_owned();
    scene.settings.schedules.check = String::new();
    scene.settings.schedules.prune = "0 6 * * *".to_owned();
    let status = scene.status("2026-03-01T00:30:00Z");
    assert_eq!(
        heads(&status),
        [
            "[WARN] backup: BACKUP_CRON is '0 */2 * * *', but the scheduler has loaded '0 2 * * *'",
            "[WARN] check: CHECK_CRON is empty, but the scheduler has loaded '0 5 * * *'",
            "[WARN] prune: PRUNE_CRON is '0 6 * * *', but the scheduler has not loaded it",
        ]
    );
    let rows: Vec<_> = status.rows.iter().map(|row| (row.job, row.cron.as_str(), row.loaded)).collect();
    assert_eq!(rows[..2], [("backup", "0 2 * * *", Some(true)), ("check", "0 5 * * *", Some(true))]);
    assert_eq!(rows[3], ("prune", "0 6 * * *", Some(false)));
    // Blanks alone make no difference.
    scene.settings.schedules.backup = " 0  2 * * * ".to_owned();
    assert!(!heads(&scene.status("2026-03-01T00:30:00Z"))[0].contains("BACKUP_CRON"));
}

#[test]
fn a_schedule_or_zone_that_cannot_be_read_is_a_warning() {
    let mut scene = Scene::new("0 25 * * *");
    scene.success("2020-01-01T00:00:00Z");
    let (state, found) = scene.backup("2026-03-10T08:00:00Z");
    assert_eq!((state, found.len()), ("ok", 1));
    assert!(found[0].starts_with("[WARN] backup: BACKUP_CRON '0 25 * * *' "), "{found:?}");
    scene.settings.schedules.backup = "0 2 30 2 *".to_owned();
    scene.load(LOADED);
    let never = "[WARN] backup: BACKUP_CRON '0 2 30 2 *' never comes: month '2' has no day '30'";
    assert_found(scene.backup("2026-03-10T08:00:00Z"), "ok", &[never]);
    scene.settings.schedules.backup = "0 2 * * *".to_owned();
    scene.load(LOADED);
    scene.settings.schedules.zone = Some("Mars/Olympus".to_owned());
    let (state, found) = scene.backup("2026-03-10T08:00:00Z");
    assert_eq!((state, found.len()), ("ok", 1));
    assert!(found[0].starts_with("[WARN] TZ='Mars/Olympus' is no time zone: "), "{found:?}");
}

#[test]
fn a_disabled_job_is_never_flagged() {
    let scene = Scene::new("");
    scene.summary("backup", r#""exit_code": 1"#).summary("check", "oops");
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_eq!(heads(&status), Vec::<String>::new());
    assert!(status.jobs.iter().all(|(_, verdict)| verdict.state.word() == "disabled"));
    assert_eq!(status.count(Severity::Warn), 0);
}

#[test]
fn a_further_job_has_a_row_only_with_a_schedule_and_is_then_judged() {
    let mut scene = Scene::new("0 2 * * *");
    scene.success("2026-03-10T02:05:00Z").summary("restore", r#""exit_code": 3"#);
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_eq!((status.rows.len(), status.jobs.len(), status.recent.len()), (6, 5, 14));
    assert_eq!(heads(&status), ["[WARN] restore: recent helper JSON reports exit 3"]);
    scene.settings.schedules.others = vec![("RESTORE_CRON", "0 4 * * *".to_owned())];
    scene.load(LOADED);
    let status = scene.status("2026-03-10T08:00:00Z");
    assert_eq!((status.rows.len(), status.jobs.len(), status.recent.len()), (7, 6, 14));
    let (job, verdict) = &status.jobs[5];
    assert_eq!((job.name, job.core, verdict.state.word()), ("restore", false, "fail"));
    let path = scene.path("log/last-restore.json").display().to_string();
    assert_eq!(heads(&status), [format!("[FAIL] restore: last run failed with exit 3 ({path})")]);
}

#[test]
fn no_summary_makes_the_reckoning_fail() {
    let numbers =
        ["0", "-1", "1e300", "9223372036854775", "9223372036854775807", "18446744073709551615", "\"x\"", "null"];
    let times = [
        "2026-03-09T02:05:00+0000",
        "+262142-12-31T23:59:59+0000",
        "-262143-01-01T00:00:00+0000",
        "9999-12-31T23:59:59+0000",
        "0000-01-01T00:00:00+0000",
        "",
    ];
    for number in numbers {
        for time in times {
            for (status, code) in [("success", 0), ("skipped", 0), ("warning", 0), ("failure", i64::MAX)] {
                let scene = Scene::new("0 2 * * *");
                let whole = if number.starts_with('9') { number } else { "18446744073709551615" };
                scene.summary(
                    "backup",
                    &format!(
                        r#""finished_at": "{time}", "duration_seconds": {number}, "exit_code": {code}, "status": "{status}",
                        "last_success_at": "{time}", "work": {{"status": "completed"}}, "hooks": [
                        {{"name": "a", "status": "completed", "duration_ms": {whole}}},
                        {{"name": "b", "status": "failed", "duration_ms": {whole}}}]"#
                    ),
                );
                Registered::new(&scene.settings.paths.run, "99991231T235959Z-backup-0a1b2c3d").expect("there is room");
                let status = scene.status("2026-03-10T08:00:00Z");
                super::text::render(&scene.settings, &status);
                super::json::render(&scene.settings, &status);
            }
        }
    }
}

#[test]
fn a_job_that_never_succeeded_is_missed_after_a_restart_too() {
    let scene = Scene::new("0 2 * * *");
    scene.summary(
        "backup",
        r#""finished_at": "2026-03-05T02:00:05+0000", "duration_seconds": 5, "exit_code": 0, "status": "skipped", "last_success_at": null"#,
    );
    scene.load("2026-03-10T07:00:00Z");
    let stale = "[WARN] backup: last successful run looks stale (never, cron '0 2 * * *')";
    assert_found(scene.backup("2026-03-10T08:00:00Z"), "stale", &[stale]);
}

#[test]
fn the_containers_own_init_tells_that_runs_can_be_seen() {
    let scene = Scene::new("0 2 * * *");
    scene.success("2026-03-09T02:05:00Z");
    fs::remove_dir(scene.path("run/runs")).expect("is empty");
    assert_found(scene.backup("2026-03-10T02:15:01Z"), "ok", &[]);
    fs::write(scene.path("run/init.sock"), "").expect("there is room");
    assert_eq!(scene.backup("2026-03-10T02:15:01Z").0, "stale");
}
