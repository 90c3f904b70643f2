//! `replicate` (once `bisync`): rclone brings folders and remotes into line, by a list of jobs.

mod job_file;
mod one_job;
mod order;
mod pairs;
mod recovery;
mod several;
mod told;
mod voice;
mod words;

pub use job_file::{Entry, Flaw, JobFile, LARGEST, Mode, Row, parse};

use super::skeleton;
use crate::engine::keep_in_state;
use crate::engine::rclone::Rclone;
use crate::exit;
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use one_job::{Shared, left_out_line, silence_line};
use pairs::Pairs;
use std::collections::BTreeMap;
use told::Told;

/// The work of `replicate`.
#[derive(Debug, Default)]
pub struct Replicate {
    old_name: Option<&'static str>,
    details: String,
}

impl Replicate {
    /// The same, called by an old name of the command.
    pub fn by_old_name(name: &'static str) -> Self {
        Self { old_name: Some(name), details: String::new() }
    }

    /// What is old about the call and the settings, in the contract's words.
    fn say_what_is_old(&self, settings: &Settings) {
        for (old, new) in &settings.jobs.deprecated {
            say::warn(format!("⚠️ {old} is deprecated; rename to {new} (will be removed in 3.0.0)."));
        }
        if let Some(old) = self.old_name {
            say::warn(format!(
                "⚠️ /bin/{old} is deprecated; use /bin/replicate (compat alias will be removed in 3.0.0)."
            ));
        }
    }

    fn replicate(&mut self, rows: &[Row], cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let jobs = rows.iter().filter_map(|row| if let Row::Job(entry) = row { Some(&entry.words) } else { None });
        let words: Vec<String> = jobs.chain([&settings.jobs.replicate.words]).flatten().cloned().collect();
        let mut environment = cx.environment.clone();
        keep_in_state(&mut environment, &settings.paths.state, &words);
        let rclone = Rclone::locate(&environment);
        for variable in &rclone.withheld {
            say::warn(left_out_line(&[(*variable).to_owned()], "the environment"));
        }
        let words = settings.jobs.replicate.words.clone();
        if rows.iter().any(|row| matches!(row, Row::Job(entry) if entry.mode == Mode::Bisync)) {
            let (kept, resync) = words::without_resync(&words);
            if !resync.is_empty() {
                say::warn(left_out_line(&resync, "REPLICATE_JOB_ARGS"));
            }
            let silence = words::without_silence(&kept).1;
            if !silence.is_empty() {
                say::warn(silence_line(&silence, "REPLICATE_JOB_ARGS"));
            }
            for variable in &rclone.silencing {
                say::warn(silence_line(&[(*variable).to_owned()], "the environment"));
            }
        }
        if rows.is_empty() {
            say::info("ℹ️ The replicate job file holds no job.");
        }
        let shared = Shared {
            rclone,
            bounds: skeleton::bounds(cx),
            pairs: Pairs::read(&settings.paths.state),
            words,
            check_access: settings.jobs.replicate_check_access,
            alone: settings.jobs.replicate_parallel == 1,
        };
        let results = several::run(rows, &shared, settings);
        let told = Told::of(rows, &results, cx.stop.request());
        told.report(cx);
        self.details = told.details();
        told.worked()
    }
}

impl Work for Replicate {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::None
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.jobs.replicate_file.display().to_string()
    }

    /// Does the work (contract: workers, section 9).
    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        self.say_what_is_old(settings);
        open(settings);
        let refused = skeleton::refuse(cx, &[]);
        if refused.is_none() {
            let path = &settings.jobs.replicate_file;
            let problem = match JobFile::read(path) {
                JobFile::Read(rows) => return self.replicate(&rows, cx),
                JobFile::Missing | JobFile::Empty => "is empty or does not exist".to_owned(),
                JobFile::NoSeparator(_) => "does not contain semicolons for separation".to_owned(),
                JobFile::Unreadable(why) => format!("cannot be read: {} {why}", path.display()),
            };
            say::error(format!("❌ The replicate job file {problem}"));
            cx.extras = self.extras_without_work(settings);
            return Worked::with_code(exit::FAILURE, format!("the job file ({}) {problem}", path.display()));
        }
        cx.extras = self.extras_without_work(settings);
        refused.unwrap_or_else(|| Worked::with_code(exit::USAGE, ""))
    }

    fn details(&self, _: &WorkContext<'_>) -> String {
        if self.details.is_empty() { Told::default().details() } else { self.details.clone() }
    }

    fn extras_without_work(&self, _: &Settings) -> Vec<(String, String)> {
        Told::default().extras().into()
    }
}

/// Says that the work begins, with the settings for the log.
fn open(settings: &Settings) {
    let jobs = &settings.jobs;
    let start = format!("🔄 Starting Replicate at {}", skeleton::timestamp());
    if jobs.replicate_verbose {
        say::info(start);
    } else {
        say::log_only(start);
    }
    for (name, value) in [
        ("RELEASE", settings.identity.release.clone()),
        ("REPLICATE_CRON", settings.schedules.replicate.clone()),
        ("REPLICATE_JOB_FILE", jobs.replicate_file.display().to_string()),
        ("REPLICATE_JOB_ARGS", jobs.replicate.raw.clone()),
    ] {
        say::log_only(format!("{name}: {}", value.trim_end().replace('\n', " ")));
    }
    if jobs.replicate_check_access {
        say::log_only("REPLICATE_BISYNC_CHECK_ACCESS: ON (--check-access added to bisync runs)");
    }
    if jobs.replicate_parallel > 1 {
        say::log_only(format!("REPLICATE_PARALLEL: {}", jobs.replicate_parallel));
    }
}
