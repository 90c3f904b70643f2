//! `config-check`: whether the settings are complete and the hooks files have no mistake, without asking the repository.

use super::configuration::{self, Keyed, backup_paths, cacert, core, rclone_config};
use super::{Finding, Format, Severity, declared, document, mistakes, page, replicate};
use crate::hooks::{self, Declarations};
use crate::settings::Settings;
use crate::workers;
use chrono::{DateTime, Local};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Checks the settings; findings of the text go to `err`, everything else to `out`. Gives the exit code: 1 if
/// anything is wrong.
///
/// # Errors
/// When what was found cannot be written.
pub fn config_check(settings: &Settings, format: Format, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<i32> {
    let files = hooks::load(settings, &workers::names());
    let mut settings = settings.clone();
    files.mask_in(&mut settings);
    let settings = &settings;
    let checks = checks(settings, &files);
    match format {
        Format::Text => text(settings, &checks, out, err)?,
        Format::Json => super::write_json(&json_document(settings, &checks, Local::now()), out)?,
    }
    Ok(i32::from(count(&checks, Severity::Fail) > 0))
}

/// What `config-check` finds wrong, a line for each: what a container says when it starts.
pub fn complaints(settings: &Settings) -> Vec<String> {
    let files = hooks::load(settings, &workers::names());
    let mut settings = settings.clone();
    files.mask_in(&mut settings);
    let bad = checks(&settings, &files).into_iter().filter(|keyed| keyed.finding.is_bad());
    bad.map(|keyed| {
        let mark = if keyed.finding.severity == Severity::Fail { "❌" } else { "⚠️" };
        settings.secrets.mask(&format!("{mark} {}", keyed.finding.message)).into_owned()
    })
    .collect()
}

fn count(checks: &[Keyed], severity: Severity) -> usize {
    checks.iter().filter(|keyed| keyed.finding.severity == severity).count()
}

fn checks(settings: &Settings, files: &Declarations) -> Vec<Keyed> {
    let mut checks = core(settings);
    for keyed in &mut checks {
        // `RESTIC_REPOSITORY is set to <masked>.`: this command has always ended its sentences.
        if !keyed.finding.is_bad() && !keyed.finding.message.ends_with('.') {
            keyed.finding.message.push('.');
        }
    }
    checks.push(Keyed::new("BACKUP_PATHS", backup_paths(settings)));
    checks.push(Keyed::new("RCLONE_CONFIG", rclone_config(settings)));
    if replicate::is_scheduled(settings) {
        checks.push(Keyed::new("REPLICATE_JOB_FILE", job_file(settings)));
    }
    checks.push(Keyed::new("RESTIC_CACERT", cacert(settings)));
    // Only what was asked for is listed: an rclone configuration that nobody needs, a CA bundle that is in order.
    checks.retain(|keyed| match keyed.key.as_str() {
        "RESTIC_CACERT" => keyed.finding.is_bad(),
        _ => keyed.finding.severity != Severity::Info,
    });
    let others = mistakes::findings(settings, &configuration::covered(&checks));
    checks.extend(others);
    checks.extend(declared::checks(settings, files));
    checks
}

fn job_file(settings: &Settings) -> Finding {
    let path = &settings.jobs.replicate_file;
    if path.metadata().is_ok_and(|found| found.len() > 0) {
        Finding::ok(format!("REPLICATE_JOB_FILE is there ({}).", path.display()))
    } else {
        Finding::warn(format!(
            "REPLICATE_CRON is set, but REPLICATE_JOB_FILE is missing or empty ({}).",
            path.display()
        ))
    }
}

fn text(settings: &Settings, checks: &[Keyed], out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[config-check] Validating configuration...")?;
    for Keyed { finding, .. } in checks {
        let message = page::printable(&settings.secrets.mask(&finding.message));
        match finding.severity {
            Severity::Fail => writeln!(err, "[config-check] ERROR: {message}")?,
            Severity::Warn => writeln!(err, "[config-check] WARN: {message}")?,
            Severity::Ok | Severity::Info => {}
        }
    }
    err.flush()?;
    if count(checks, Severity::Fail) == 0 {
        writeln!(out, "[config-check] OK.")?;
    }
    out.flush()
}

fn json_document(settings: &Settings, checks: &[Keyed], now: DateTime<Local>) -> Value {
    let mut document = document::envelope(settings, "config-check", now);
    document::verdict(&mut document, count(checks, Severity::Warn), count(checks, Severity::Fail));
    let checks = checks.iter().map(|Keyed { key, finding }| {
        json!({
            "key": key,
            "status": finding.severity.word(),
            "message": document::shown(&settings.secrets, &finding.message),
        })
    });
    document.insert("checks".to_owned(), checks.collect());
    document.insert("settings".to_owned(), document::mistakes(settings));
    Value::Object(document)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::settings::{Effect, Mistake, Password, RepositoryFile};

    fn run(settings: &Settings, format: Format) -> (i32, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = config_check(settings, format, &mut out, &mut err).expect("memory takes all");
        let text = |bytes| String::from_utf8(bytes).expect("is text");
        (code, text(out), text(err))
    }

    fn keys(settings: &Settings) -> Vec<(String, String)> {
        let document: Value = serde_json::from_str(&run(settings, Format::Json).1).expect("is one document");
        let text = |check: &Value, key: &str| check[key].as_str().expect("is text").to_owned();
        let checks = document["checks"].as_array().expect("is a list");
        checks.iter().map(|check| (text(check, "key"), text(check, "status"))).collect()
    }

    #[test]
    fn settings_that_are_complete_say_so() {
        let folder = sample::folder();
        let (code, out, err) = run(&sample::settings(folder.path()), Format::Text);
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(out, "[config-check] Validating configuration...\n[config-check] OK.\n");
    }

    #[test]
    fn mistakes_go_to_standard_error_and_end_with_1() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.tag = String::new();
        settings.schedules.replicate = "@daily".to_owned();
        let (code, out, err) = run(&settings, Format::Text);
        assert_eq!((code, out.as_str()), (1, "[config-check] Validating configuration...\n"));
        let path = settings.jobs.replicate_file.display();
        assert_eq!(
            err,
            format!(
                "[config-check] ERROR: RESTIC_TAG is empty.\n[config-check] WARN: REPLICATE_CRON is set, but \
                 REPLICATE_JOB_FILE is missing or empty ({path}).\n"
            )
        );
    }

    #[test]
    fn warnings_alone_are_ok() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.schedules.replicate = "@daily".to_owned();
        let (code, out, _) = run(&settings, Format::Text);
        assert_eq!(code, 0);
        assert!(out.ends_with("[config-check] OK.\n"));
    }

    #[test]
    fn the_keys_stand_in_their_order() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let ok = |key: &str| (key.to_owned(), "ok".to_owned());
        let core = ["RESTIC_REPOSITORY", "RESTIC_PASSWORD", "RESTIC_TAG", "BACKUP_PATHS"];
        assert_eq!(keys(&settings), core.map(ok));
        settings.repository.file = RepositoryFile::Empty("/repo".into());
        settings.repository.password = Password::File("/pw".into(), false);
        settings.repository.shown = "rclone:vault:main".to_owned();
        settings.repository.cacert_given = "/none.pem".to_owned();
        settings.schedules.replicate = "@daily".to_owned();
        settings.mistakes.push(Mistake {
            variable: "WEBHOOK_TIMEOUT",
            value: "x".to_owned(),
            problem: "is wrong".to_owned(),
            mend: "write 10".to_owned(),
            effect: Effect::Fallback,
        });
        let expected = [
            ("RESTIC_REPOSITORY_FILE", "fail"),
            ("RESTIC_PASSWORD_FILE", "fail"),
            ("RESTIC_TAG", "ok"),
            ("BACKUP_PATHS", "ok"),
            ("RCLONE_CONFIG", "fail"),
            ("REPLICATE_JOB_FILE", "warn"),
            ("RESTIC_CACERT", "fail"),
            ("WEBHOOK_TIMEOUT", "warn"),
        ];
        assert_eq!(keys(&settings), expected.map(|(key, status)| (key.to_owned(), status.to_owned())));
    }

    #[test]
    fn the_document_has_its_keys_and_types_in_order() {
        let folder = sample::folder();
        let settings = sample::settings(folder.path());
        let (code, out, err) = run(&settings, Format::Json);
        assert_eq!((code, err.as_str()), (0, ""));
        let document: Value = serde_json::from_str(&out).expect("is one document");
        sample::assert_document(&document, &[("checks", "array"), ("settings", "array")]);
        assert_eq!(document["schema"], "restic-backup-helper.config-check/1");
        let message = document["checks"][0]["message"].as_str().expect("is text");
        assert!(message.contains("/mnt/restic") && message.ends_with('.'), "{message}");
    }
}
