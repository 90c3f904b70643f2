//! The Prometheus textfile.

use super::masked::masked;
use super::{Document, HookRecord, Status, beside};
use crate::masking::Secrets;
use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};
use std::fs;
use std::io;
use std::path::Path;

/// Writes `restic_<job>.prom` into `dir`.
///
/// # Errors
/// The warning line to say when it cannot.
pub fn write(dir: &Path, document: &Document, secrets: &Secrets) -> Result<(), String> {
    let line = |what: &str, error: &io::Error| {
        format!("⚠️ METRICS_DIR='{}' {what}; no metrics are written ({error})", dir.display())
    };
    fs::create_dir_all(dir).map_err(|error| line("could not be created", &error))?;
    let path = dir.join(format!("restic_{}.prom", metric_name(&document.job)));
    beside::replace(&path, text(&masked(document, secrets)).as_bytes()).map_err(|error| line("is not writable", &error))
}

/// The name with all that a metric's name may not hold as an underscore.
fn metric_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

const STATUSES: [Status; 5] = [Status::Success, Status::Warning, Status::Failure, Status::Skipped, Status::Interrupted];

fn text(document: &Document) -> String {
    let job = &metric_name(&document.job);
    let host = &[("hostname", document.hostname.as_str())];
    let mut page = Page::default();

    // Names, order and help texts of these are the contract's (reports, section 5).
    page.gauge(&format!("restic_{job}_last_exit_code"), &format!("Exit code of last {job} run."));
    page.sample(host, document.exit_code);
    page.gauge(&format!("restic_{job}_last_success"), "1 when last run exited 0, else 0.");
    page.sample(host, u8::from(was_done(document)));
    let help = format!("Duration of the last {job} run in seconds.");
    page.gauge(&format!("restic_{job}_last_duration_seconds"), &help);
    page.sample(host, document.duration_seconds);
    let help = format!("Epoch seconds at which the last {job} run started.");
    page.gauge(&format!("restic_{job}_last_started_timestamp"), &help);
    page.sample(host, document.started_at.timestamp());
    let help = format!("Epoch seconds at which the last {job} run finished.");
    page.gauge(&format!("restic_{job}_last_finished_timestamp"), &help);
    page.sample(host, document.finished_at.timestamp());
    let mut seen = BTreeSet::new();
    for (key, value) in &document.extras {
        if document.gauges.contains(&key.as_str()) && is_number(value) && seen.insert(key) {
            let help = format!("{key} for the last {job} run (numeric extra).");
            page.gauge(&format!("restic_{job}_last_{}", metric_name(key)), &help);
            page.sample(host, value);
        }
    }

    let help = format!("Epoch seconds at which a {job} run last did its work; 0 if none ever did.");
    page.gauge(&format!("restic_{job}_last_success_timestamp"), &help);
    page.sample(host, document.last_success_at.map_or(0, |time| time.timestamp()));
    page.gauge(
        &format!("restic_{job}_last_status"),
        &format!("1 for the status of the last {job} run, 0 for the others."),
    );
    for status in STATUSES {
        page.sample(&[host[0], ("status", status.word())], u8::from(status == document.status));
    }
    hooks(&mut page, job, host[0], &document.hooks);
    page.0
}

/// A run that a hook called off ends with 0, and so does a person's No at a prompt; neither did any work.
fn was_done(document: &Document) -> bool {
    document.exit_code == 0 && document.status != Status::Skipped && document.work.status == "completed"
}

/// An optional minus, digits, optional decimals: nothing else is a number here.
fn is_number(value: &str) -> bool {
    let value = value.strip_prefix('-').unwrap_or(value);
    let (whole, decimals) = value.split_once('.').unwrap_or((value, "0"));
    [whole, decimals].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One sample for each hook that has run in this run; one that was skipped has neither succeeded nor failed.
fn hooks(page: &mut Page, job: &str, host: (&str, &str), hooks: &[HookRecord]) {
    let mut seen = BTreeSet::new();
    let mut ran = Vec::new();
    for hook in hooks.iter().filter(|hook| matches!(hook.status.as_str(), "completed" | "failed" | "timed_out")) {
        // Two samples with the same labels would cost the whole file.
        let mut name = hook.name.clone();
        let mut count = 1;
        while !seen.insert((name.clone(), hook.phase.as_str())) {
            count += 1;
            name = format!("{}#{count}", hook.name);
        }
        ran.push((name, hook));
    }
    if ran.is_empty() {
        return;
    }
    let mut gauge = |suffix: &str, help: &str, value: &dyn Fn(&HookRecord) -> Option<String>| {
        page.gauge(&format!("restic_{job}_hook_{suffix}"), &format!("{help} in the last {job} run."));
        for (name, hook) in &ran {
            if let Some(value) = value(hook) {
                page.sample(&[host, ("hook", name.as_str()), ("phase", hook.phase.as_str())], value);
            }
        }
    };
    gauge("exit_code", "Exit code of the hook", &|hook| hook.exit_code.map(|code| code.to_string()));
    gauge("duration_seconds", "Duration of the hook's last attempt in seconds", &|hook| {
        Some(format!("{}.{:03}", hook.duration_ms / 1000, hook.duration_ms % 1000))
    });
    gauge("timed_out", "1 when the hook ran into its time limit, else 0,", &|hook| {
        Some(u8::from(hook.timed_out).to_string())
    });
    gauge("success", "1 when the hook ended well, else 0,", &|hook| {
        Some(u8::from(hook.status == "completed").to_string())
    });
}

/// A page in the text format of Prometheus (exposition formats, 0.0.4).
#[derive(Default)]
pub(super) struct Page(String, String);

impl Page {
    /// Begins a metric; the samples that follow are its own.
    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        name.clone_into(&mut self.1);
    }

    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, value)| {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                format!("{label}=\"{value}\"")
            })
            .collect();
        let _ = writeln!(self.0, "{}{{{}}} {value}", self.1, labels.join(","));
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn samples(document: &Document) -> Vec<String> {
        text(document).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn the_contracts_gauges_come_first_and_in_their_order() {
        let document = fixture::document();
        let started = document.started_at.timestamp();
        let expected = format!(
            r#"# HELP restic_backup_last_exit_code Exit code of last backup run.
# TYPE restic_backup_last_exit_code gauge
restic_backup_last_exit_code{{hostname="node-a"}} 0
# HELP restic_backup_last_success 1 when last run exited 0, else 0.
# TYPE restic_backup_last_success gauge
restic_backup_last_success{{hostname="node-a"}} 1
# HELP restic_backup_last_duration_seconds Duration of the last backup run in seconds.
# TYPE restic_backup_last_duration_seconds gauge
restic_backup_last_duration_seconds{{hostname="node-a"}} 312
# HELP restic_backup_last_started_timestamp Epoch seconds at which the last backup run started.
# TYPE restic_backup_last_started_timestamp gauge
restic_backup_last_started_timestamp{{hostname="node-a"}} {started}
# HELP restic_backup_last_finished_timestamp Epoch seconds at which the last backup run finished.
# TYPE restic_backup_last_finished_timestamp gauge
restic_backup_last_finished_timestamp{{hostname="node-a"}} {finished}
# HELP restic_backup_last_files_new files_new for the last backup run (numeric extra).
# TYPE restic_backup_last_files_new gauge
restic_backup_last_files_new{{hostname="node-a"}} 3
# HELP restic_backup_last_success_timestamp Epoch seconds at which a backup run last did its work; 0 if none ever did.
# TYPE restic_backup_last_success_timestamp gauge
restic_backup_last_success_timestamp{{hostname="node-a"}} {finished}
"#,
            finished = started + 312
        );
        assert!(text(&document).starts_with(&expected), "{}", text(&document));
    }

    #[test]
    fn the_documentation_shows_what_is_written() {
        let document = fixture::document();
        let text = samples(&document).join("\n") + "\n";
        // The page is written one hour east of Greenwich.
        let (started, finished) = (document.started_at.timestamp(), document.finished_at.timestamp());
        let text = text.replace(&started.to_string(), "1772362800").replace(&finished.to_string(), "1772363112");
        assert!(include_str!("../../docs/reports.md").contains(&format!("```text\n{text}```")), "{text}");
    }

    #[test]
    fn the_status_is_one_of_five_and_a_skipped_run_is_no_success() {
        let mut document = fixture::document();
        document.status = Status::Skipped;
        document.work.status = "skipped".to_owned();
        document.last_success_at = None;
        document.hooks.clear();
        let samples = samples(&document);
        assert!(samples.contains(&r#"restic_backup_last_success{hostname="node-a"} 0"#.to_owned()));
        assert!(samples.contains(&r#"restic_backup_last_success_timestamp{hostname="node-a"} 0"#.to_owned()));
        let expected = [("success", 0), ("warning", 0), ("failure", 0), ("skipped", 1), ("interrupted", 0)]
            .map(|(word, one)| format!("restic_backup_last_status{{hostname=\"node-a\",status=\"{word}\"}} {one}"));
        assert_eq!(samples[samples.len() - 5..], expected);
    }

    #[test]
    fn only_whole_numbers_among_the_named_extras_are_gauges() {
        let mut document = fixture::document();
        document.gauges = &["a-b", "c", "d", "e", "f", "g"];
        let extras = [("a-b", "-1.5"), ("c", "1 MiB"), ("d", ""), ("e", "1."), ("f", "1e3"), ("g", "7"), ("z", "9")];
        document.extras = extras.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        document.extras.push(("g".to_owned(), "8".to_owned()));
        let found: Vec<_> = samples(&document).into_iter().skip(5).take(2).collect();
        let expected =
            [r#"restic_backup_last_a_b{hostname="node-a"} -1.5"#, r#"restic_backup_last_g{hostname="node-a"} 7"#];
        assert_eq!(found, expected);
        assert!(!text(&document).contains("restic_tag"), "no accidental gauge");
    }

    #[test]
    fn every_hook_that_ran_is_counted_once() {
        let mut document = fixture::document();
        document.hostname = "a\\b\"c\nd".to_owned();
        document.hooks = vec![
            fixture::hook("dump", "pre", "completed"),
            fixture::hook("dump", "pre", "timed_out"),
            fixture::hook("tell", "post", "skipped"),
            fixture::hook("tidy", "post", "failed"),
        ];
        let hooks: Vec<_> = samples(&document).into_iter().filter(|line| line.contains("_hook_")).collect();
        let labels = [r#"hook="dump",phase="pre""#, r#"hook="dump#2",phase="pre""#, r#"hook="tidy",phase="post""#];
        let values = [
            ("exit_code", ["0", "124", "3"]),
            ("duration_seconds", ["1.234"; 3]),
            ("timed_out", ["0", "1", "0"]),
            ("success", ["1", "0", "0"]),
        ];
        let expected: Vec<_> = values
            .iter()
            .flat_map(|(name, values)| {
                labels.iter().zip(values).map(move |(labels, value)| {
                    format!(r#"restic_backup_hook_{name}{{hostname="a\\b\"c\nd",{labels}}} {value}"#)
                })
            })
            .collect();
        assert_eq!(hooks, expected);
    }

    #[test]
    fn a_missing_folder_is_made_and_the_file_is_named_after_the_job() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("a/b");
        let mut secrets = Secrets::new();
        secrets.add("restic");
        secrets.add("node-a");
        let document = Document { job: "restore-test".to_owned(), ..fixture::document() };
        assert_eq!(write(&dir, &document, &secrets), Ok(()));
        let text = fs::read_to_string(dir.join("restic_restore_test.prom")).expect("is there");
        assert!(text.contains("restic_restore_test_last_exit_code{hostname=\"***\"} 0\n"), "{text}");
    }

    #[test]
    fn what_cannot_be_written_is_one_warning() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("file");
        fs::write(&dir, "").expect("is written");
        let line = write(&dir, &fixture::document(), &Secrets::new()).expect_err("a file is in the way");
        assert!(line.starts_with(&format!("⚠️ METRICS_DIR='{}' could not be created; ", dir.display())), "{line}");

        let dir = folder.path().join("dir");
        fs::create_dir_all(dir.join("restic_backup.prom")).expect("a folder in the way");
        let line = write(&dir, &fixture::document(), &Secrets::new()).expect_err("a folder is in the way");
        assert!(line.starts_with(&format!("⚠️ METRICS_DIR='{}' is not writable; ", dir.display())), "{line}");
    }
}
