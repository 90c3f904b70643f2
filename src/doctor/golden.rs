//! The whole report of a made-up folder, as text and as JSON.

use super::probe::Probed;
use super::runtime::Versions;
use super::{Diagnosis, Format, PROBE_LIMIT, Probe, document, page, run, sample};
use crate::engine::{self, Meaning, NoVersion, Outcome};
use crate::process::Exit;
use crate::settings::{Effect, Mistake, Settings};
use serde_json::Value;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use tempfile::TempDir;

/// A folder and settings with something of everything.
fn made_up() -> (TempDir, Settings) {
    let folder = sample::folder();
    let root = folder.path();
    sample::hook(root, "pre-backup.sh", 0o755);
    sample::hook(root, "pre-backup.10-dump.sh", 0o755);
    sample::hook(root, "post-backup.sh", 0o644);
    sample::hook(root, "pre_check.sh", 0o755);
    sample::hook(root, "README.md", 0o644);
    fs::write(root.join("config/replicate_jobs.txt"), "# jobs\n/data;nas:/copy\n/data;nas:/x;move\n")
        .expect("there is room");
    let summary =
        format!("{{\n  \"job\": \"backup\",\n  \"note\": \"{}\",\n  \"exit_code\": 0\n}}\n", sample::PASSWORD);
    fs::write(root.join("log/last-backup.json"), summary).expect("there is room");
    fs::write(root.join("log/last-check.json"), "{\"job\"").expect("there is room");
    fs::write(root.join("log/cron.log"), format!("one\ntwo {}\n", sample::PASSWORD)).expect("there is room");
    let mut settings = sample::settings(root);
    settings.hooks.timeout_given = "300".to_owned();
    settings.jobs.deprecated = vec![("SYNC_CRON", "REPLICATE_CRON")];
    settings.schedules.replicate = "30 2 * * *".to_owned();
    settings.schedules.prune = "0 24 * * *".to_owned();
    settings.mistakes.extend(crate::schedule::mistakes(&settings));
    settings.environment.set("RESTIC_JOB_ARGS", format!("--exclude {}", sample::PASSWORD));
    settings.mistakes.push(Mistake {
        variable: "WEBHOOK_TIMEOUT",
        value: "soon".to_owned(),
        problem: "is not a positive whole number of seconds".to_owned(),
        mend: "10 is used".to_owned(),
        effect: Effect::Fallback,
    });
    (folder, settings)
}

fn diagnosis(settings: &Settings) -> Diagnosis {
    let versions = Versions([
        Ok("restic 0.18.1 compiled with go1.25".to_owned()),
        Ok("rclone v1.71.0".to_owned()),
        Err(NoVersion::Failed(127)),
    ]);
    let stderr = format!("Fatal: wrong password {} or no key found\n", sample::PASSWORD);
    let outcome = Outcome { exit: Exit::Code(12), meaning: Meaning::WrongPassword, message: String::new() };
    let probed = Probed::Asked(engine::Probe { outcome, stderr }, PROBE_LIMIT);
    Diagnosis::with(settings, versions, probed, sample::now())
}

fn text(root: &Path, settings: &Settings) -> String {
    let mut out = Vec::new();
    let sections = diagnosis(settings).sections(settings);
    page::write(&sections, &settings.secrets, &mut out).expect("memory takes all");
    String::from_utf8(out).expect("is text").replace(&root.display().to_string(), "<root>")
}

fn json(settings: &Settings) -> Value {
    let diagnosis = diagnosis(settings);
    document::render(settings, &diagnosis, &diagnosis.sections(settings))
}

#[test]
fn the_text_is_this() {
    let (folder, settings) = made_up();
    let date = sample::now().format("%Y-%m-%d %a %H:%M:%S %z").to_string();
    let text = text(folder.path(), &settings).replace(&date, "<date>");
    for (number, (line, expected)) in text.lines().zip(include_str!("golden.txt").lines()).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
    assert_eq!(text, include_str!("golden.txt"));
}

#[test]
fn the_document_has_its_keys_and_types_in_order() {
    let (_folder, settings) = made_up();
    let document = json(&settings);
    sample::assert_document(
        &document,
        &[
            ("runtime", "object"),
            ("environment", "object"),
            ("repository_probe", "object"),
            ("replicate", "object"),
            ("hooks", "object"),
            ("recent_json", "array"),
            ("checks", "array"),
            ("settings", "array"),
            ("debts", "object"),
        ],
    );
    assert_eq!(document["schema"], "restic-backup-helper.doctor/1");
    assert_eq!(document["command"], "doctor");
    let at = document["generated_at"].as_str().expect("is text");
    assert_eq!((at.len(), document["generated_epoch"].as_i64()), (24, Some(1_767_323_045)));
    let runtime = ["release", "hostname", "date", "timezone", "restic_version", "rclone_version", "bash_version"];
    sample::assert_shape(&document["runtime"], &runtime.map(|key| (key, "string")));
    assert_eq!(document["runtime"]["bash_version"], "unavailable");
    let environment = document["environment"].as_object().expect("is an object");
    assert_eq!((environment.len(), environment["RESTIC_PASSWORD"].as_str()), (38, Some("<set, hidden>")));
    assert!(environment.values().all(Value::is_string));
    assert_eq!(environment.keys().next_back().map(String::as_str), Some("MAX_CRON_LOG_ARCHIVES"));
    sample::assert_shape(
        &document["settings"][0],
        &[
            ("variable", "string"),
            ("value", "string"),
            ("problem", "string"),
            ("mend", "string"),
            ("effect", "string"),
            ("workers", "array"),
        ],
    );
}

#[test]
fn the_documents_sections_have_their_keys_and_types_in_order() {
    let (_folder, settings) = made_up();
    let document = json(&settings);
    sample::assert_shape(
        &document["repository_probe"],
        &[
            ("status", "string"),
            ("repository", "string"),
            ("restic_exit_code", "number"),
            ("timed_out", "bool"),
            ("meaning", "string"),
            ("stderr", "string"),
        ],
    );
    let replicate = &document["replicate"];
    sample::assert_shape(
        replicate,
        &[
            ("effective", "object"),
            ("jobs_count", "number"),
            ("malformed_count", "number"),
            ("values", "object"),
            ("jobs", "array"),
        ],
    );
    let names = ["CRON", "JOB_FILE", "JOB_ARGS", "VERBOSE", "BISYNC_CHECK_ACCESS"];
    let keys = |prefix: &str| names.map(|name| format!("{prefix}REPLICATE_{name}"));
    let found = |key: &str| replicate[key].as_object().expect("is an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(found("effective"), keys("effective "));
    assert_eq!(found("values"), keys(""));
    let hooks = &document["hooks"];
    sample::assert_shape(
        hooks,
        &[
            ("hook_timeout", "string"),
            ("directory_mounted", "bool"),
            ("present", "array"),
            ("directory", "string"),
            ("scripts", "array"),
            ("strangers", "array"),
            ("warnings", "array"),
            ("files", "array"),
            ("unknown_files", "array"),
            ("cannot_run", "array"),
            ("failed_undos", "array"),
        ],
    );
    sample::assert_shape(&hooks["present"][0], &[("phase", "string"), ("executable", "bool")]);
    sample::assert_shape(
        &hooks["scripts"][0],
        &[
            ("name", "string"),
            ("phase", "string"),
            ("worker", "string"),
            ("path", "string"),
            ("executable", "bool"),
            ("problem", "object"),
            ("warnings", "array"),
        ],
    );
    sample::assert_shape(
        &hooks["strangers"][1],
        &[("file", "string"), ("reason", "string"), ("nearest", "string"), ("attempt", "bool")],
    );
}

#[test]
fn the_document_lists_fourteen_summaries_and_counts_its_checks() {
    let (folder, settings) = made_up();
    let document = json(&settings);
    let recent = document["recent_json"].as_array().expect("is a list");
    assert_eq!(recent.len(), 14);
    for file in recent {
        sample::assert_shape(
            file,
            &[
                ("path", "string"),
                ("present", "bool"),
                ("size_bytes", "number"),
                ("exit_code", "number|null"),
                ("status", "string|null"),
                ("age_seconds", "number|null"),
                ("problem", "string|null"),
            ],
        );
    }
    let log = folder.path().join("log");
    assert_eq!(recent[13]["path"].as_str(), log.join("last-restore-test.json").to_str());
    let checks = document["checks"].as_array().expect("is a list");
    for check in checks {
        sample::assert_shape(check, &[("section", "string"), ("status", "string"), ("message", "string")]);
    }
    let count = |status: &str| checks.iter().filter(|check| check["status"] == status).count();
    assert_eq!(document["warnings"], count("warn"));
    assert_eq!(document["errors"], count("fail"));
    assert_eq!(document["exit_code"], 1);
}

#[test]
fn the_page_for_users_names_every_key_and_section() {
    let (_folder, settings) = made_up();
    let page = include_str!("../../docs/doctor.md");
    let document = json(&settings);
    let sections = ["repository_probe", "replicate", "hooks", "debts"].map(|key| &document[key]);
    let lists = [&document["recent_json"][0], &document["hooks"]["scripts"][0], &document["hooks"]["strangers"][0]];
    for object in sections.into_iter().chain(lists).chain([&document, &document["settings"][0]]) {
        for key in object.as_object().expect("is an object").keys() {
            assert!(page.contains(&format!("`{key}`")), "{key} is not explained");
        }
    }
    for section in diagnosis(&settings).sections(&settings) {
        assert!(page.contains(&format!("`{}`", section.title)), "{} is not explained", section.title);
    }
}

#[test]
fn no_secret_is_in_text_or_document() {
    let (folder, settings) = made_up();
    assert!(!text(folder.path(), &settings).contains(sample::PASSWORD));
    let document = json(&settings).to_string();
    assert!(!document.contains(sample::PASSWORD));
    assert_eq!(json(&settings)["repository_probe"]["stderr"], "Fatal: wrong password *** or no key found\n");
}

#[test]
fn the_document_is_one_whatever_is_wrong() {
    let root = Path::new("/none");
    let mut settings = sample::settings(root);
    settings.environment.set("PATH", "/none");
    settings.repository.cacert_given = "/none/ca.pem".to_owned();
    settings.environment.set("RESTIC_JOB_ARGS", "\u{1}\n\"\\");
    let mut out = Vec::new();
    let code = run(&settings, Format::Json, Probe::Within(PROBE_LIMIT), &mut out).expect("memory takes all");
    let document: Value = serde_json::from_slice(&out).expect("is one document");
    assert_eq!((code, document["exit_code"].as_i64()), (1, Some(1)));
    assert_eq!(document["repository_probe"]["restic_exit_code"], 127);
    assert_eq!(document["environment"]["RESTIC_JOB_ARGS"], "\u{1}\n\"\\");
}

#[test]
fn warnings_alone_end_with_0() {
    let folder = sample::folder();
    let settings = sample::settings(folder.path());
    sample::hook(folder.path(), "pre-backup.sh", 0o644);
    let mut out = Vec::new();
    let code = run(&settings, Format::Text, Probe::Skip, &mut out).expect("memory takes all");
    let text = String::from_utf8(out).expect("is text");
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("[OK] Doctor completed without hard errors.\n"), "{text}");
    assert!(text.contains("[INFO] Repository probe skipped: not asked for\n"), "{text}");
}

/// Takes nothing.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_output_is_an_error_and_no_panic() {
    let settings = sample::settings(Path::new("/none"));
    for format in [Format::Text, Format::Json] {
        assert!(run(&settings, format, Probe::Skip, &mut Closed).is_err());
    }
}
