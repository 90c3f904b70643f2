//! Section `Replicate`: the effective settings and the job file, of which nothing is contacted.

use super::page::Section;
use super::{Finding, environment};
use crate::settings::Settings;
use crate::workers::replicate::{JobFile, Row};

/// Whether anything replicates by schedule.
pub(super) fn is_scheduled(settings: &Settings) -> bool {
    !settings.schedules.replicate.trim().is_empty()
}

/// The section.
pub(super) fn section(settings: &Settings, file: &JobFile) -> Section {
    let mut section = Section::new("Replicate");
    for (variable, value) in environment::replicate(settings) {
        section.value(format!("effective {variable}"), value);
    }
    let path = settings.jobs.replicate_file.display();
    section.findings(match file {
        JobFile::Missing if is_scheduled(settings) => {
            vec![Finding::warn(format!("REPLICATE_CRON is set, but the job file is missing ({path})"))]
        }
        JobFile::Missing => {
            vec![Finding::info(format!("Replicate job file: not present, replicate disabled ({path})"))]
        }
        JobFile::Unreadable(why) => vec![Finding::warn(format!("Replicate job file: not readable ({path}): {why}"))],
        read if read.rows().is_empty() => {
            vec![Finding::warn(format!("Replicate job file: readable, but no active jobs ({path})"))]
        }
        read => of_rows(read.rows(), file.malformed()),
    });
    section
}

fn of_rows(rows: &[Row], malformed: usize) -> Vec<Finding> {
    let numbered = (1..).zip(rows).map(|(number, row)| match row {
        Row::Job(entry) => {
            let (source, destination) = (entry.shown_source(), entry.shown_destination());
            Finding::info(format!("Replicate job {number}: {source} -> {destination} ({})", entry.mode.word()))
        }
        Row::Malformed { row, flaw } => Finding::warn(format!("Replicate job {number} malformed: {row} ({flaw})")),
    });
    let total = format!("Replicate job file: {} active job(s), {malformed} malformed", rows.len());
    numbered.chain([if malformed == 0 { Finding::ok(total) } else { Finding::warn(total) }]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, sample};
    use super::*;
    use crate::workers::replicate::parse;

    #[test]
    fn the_jobs_are_counted_with_the_malformed_ones() {
        let found = of_rows(&parse("/a;/b\n/c\n"), 1);
        assert_eq!(
            found,
            [
                Finding::info("Replicate job 1: /a -> /b (bisync)"),
                Finding::warn("Replicate job 2 malformed: /c (the destination is empty)"),
                Finding::warn("Replicate job file: 2 active job(s), 1 malformed"),
            ]
        );
    }

    #[test]
    fn a_missing_file_matters_only_with_a_schedule() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let severity =
            |settings: &Settings, file: &JobFile| section(settings, file).checks().next().expect("is found").1.severity;
        assert_eq!(severity(&settings, &JobFile::Missing), Severity::Info);
        settings.schedules.replicate = "@daily".to_owned();
        assert_eq!(severity(&settings, &JobFile::Missing), Severity::Warn);
        assert_eq!(severity(&settings, &JobFile::Read(Vec::new())), Severity::Warn);
    }
}
