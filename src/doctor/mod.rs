//! `doctor`, `config-check`, `status` and `cron-list`: what is in order and what is not, as text for people and as one JSON
//! document.
//!
//! All of them look and change nothing. Each section of the report is a file of its own that gives a list of entries; text
//! and JSON are made from the same list. `docs/doctor.md` is the page for users.

mod access;
mod channels;
mod config_check;
mod configuration;
mod cron_list;
mod crontab;
mod debts;
mod declared;
mod describe;
mod document;
mod environment;
mod finding;
#[cfg(test)]
mod golden;
mod hooks;
mod journal_place;
mod mistakes;
mod page;
mod probe;
mod recent;
mod replicate;
mod runtime;
#[cfg(test)]
mod sample;
mod status;

pub use config_check::{complaints, config_check};
pub use cron_list::cron_list;
pub use finding::{Finding, Severity};
pub use probe::Probe;
pub use status::status;

pub use crate::engine::PROBE_LIMIT;
use crate::hooks::Discovery;
use crate::settings::Settings;
use crate::workers::replicate::JobFile;
use chrono::{DateTime, Local};
use page::{Entry, Section};
use std::io::{self, Write};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One document.
    Json,
}

/// Looks at everything and writes the report to `out`. Gives the exit code: 1 if anything is wrong.
///
/// # Errors
/// When the report cannot be written.
pub fn run(settings: &Settings, format: Format, probe: Probe, out: &mut dyn Write) -> io::Result<i32> {
    let diagnosis = Diagnosis::make(settings, probe);
    // What templates read is a secret from here on.
    let settings = &diagnosis.masked(settings);
    let sections = diagnosis.sections(settings);
    match format {
        Format::Text => page::write(&sections, &settings.secrets, out)?,
        Format::Json => write_json(&document::render(settings, &diagnosis, &sections), out)?,
    }
    Ok(i32::from(page::count(&sections, Severity::Fail) > 0))
}

fn write_json(document: &serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
    // In one piece: half a document is none.
    let mut bytes = serde_json::to_vec_pretty(document)?;
    bytes.push(b'\n');
    out.write_all(&bytes)?;
    out.flush()
}

/// Everything that was asked and read.
struct Diagnosis {
    now: DateTime<Local>,
    versions: runtime::Versions,
    probed: probe::Probed,
    job_file: JobFile,
    discovery: Discovery,
    declared: declared::Declared,
    recent: Vec<recent::Recent>,
    debts: debts::Debts,
    prospect: debts::Prospect,
}

impl Diagnosis {
    fn make(settings: &Settings, probe: Probe) -> Self {
        // The repository may take long: the programs are asked meanwhile.
        let (versions, probed) = std::thread::scope(|scope| {
            let versions = std::thread::Builder::new().spawn_scoped(scope, || runtime::Versions::ask(settings));
            let probed = probe::ask(settings, probe);
            let versions = versions.ok().and_then(|thread| thread.join().ok());
            (versions.unwrap_or_else(|| runtime::Versions::ask(settings)), probed)
        });
        Self::with(settings, versions, probed, Local::now())
    }

    fn with(settings: &Settings, versions: runtime::Versions, probed: probe::Probed, now: DateTime<Local>) -> Self {
        let discovery = hooks::discover(settings);
        let declared = declared::Declared::read(settings, &discovery);
        Self {
            now,
            versions,
            probed,
            job_file: JobFile::read(&settings.jobs.replicate_file),
            prospect: debts::Prospect::read(settings, &declared),
            declared,
            discovery,
            recent: recent::read(settings),
            debts: debts::Debts::read(settings, now),
        }
    }

    fn masked(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        self.declared.files.mask_in(&mut settings);
        settings
    }

    fn sections(&self, settings: &Settings) -> Vec<Section> {
        let mut sections = vec![
            runtime::section(settings, &self.versions, self.now),
            environment::section(settings),
            configuration::section(settings),
            probe::section(settings, &self.probed),
            replicate::section(settings, &self.job_file),
            hooks::section(settings, &self.discovery, &self.declared, &self.recent),
            recent::section(&self.recent),
            recent::cron_log(settings),
            debts::section(settings, &self.debts, &self.prospect, self.now),
        ];
        sections.push(summary(&sections));
        sections
    }
}

fn summary(sections: &[Section]) -> Section {
    let errors = page::count(sections, Severity::Fail);
    let mut section = Section::new("Summary");
    section.value("warnings", page::count(sections, Severity::Warn).to_string());
    section.value("errors", errors.to_string());
    section.entries.push(if errors == 0 {
        Entry::Note(Severity::Ok, "Doctor completed without hard errors.".to_owned())
    } else {
        Entry::Note(Severity::Fail, format!("Doctor found {errors} error(s)."))
    });
    section
}
