//! The report as one JSON document, schema `restic-backup-helper.doctor/1`: the keys of the reference image first and
//! in its order, ours behind them.

use super::page::{self, Section};
use super::probe::Probed;
use super::{Diagnosis, Severity, debts, environment, hooks, runtime};
use crate::hooks::listing::Trouble;
use crate::hooks::{Directory, Finding as Doubt, HooksFile, Owner, Script, StrangerKind};
use crate::masking::Secrets;
use crate::report;
use crate::settings::{Effect, Mistake, Settings};
use crate::workers::replicate::Row;
use serde_json::{Map, Value, json};

/// The beginning of every document of ours: schema, command, release, host, time.
pub(super) fn envelope(settings: &Settings, command: &str, now: chrono::DateTime<chrono::Local>) -> Map<String, Value> {
    let secrets = &settings.secrets;
    let mut document = Map::new();
    document.insert("schema".to_owned(), format!("restic-backup-helper.{command}/1").into());
    document.insert("command".to_owned(), command.into());
    document.insert("release".to_owned(), shown(secrets, &settings.identity.release));
    document.insert("hostname".to_owned(), shown(secrets, &settings.identity.hostname));
    document.insert("generated_at".to_owned(), now.format(report::TIME).to_string().into());
    document.insert("generated_epoch".to_owned(), now.timestamp().into());
    document
}

/// A text from outside, without secrets. Words of ours (keys, status, sections) are not masked: a password `ok` must
/// not make a document unreadable.
pub(super) fn shown(secrets: &Secrets, text: &str) -> Value {
    Value::String(secrets.mask(text).into_owned())
}

/// Adds `warnings`, `errors` and `exit_code`.
pub(super) fn verdict(document: &mut Map<String, Value>, warnings: usize, errors: usize) {
    document.insert("warnings".to_owned(), warnings.into());
    document.insert("errors".to_owned(), errors.into());
    document.insert("exit_code".to_owned(), i32::from(errors > 0).into());
}

/// The whole document.
pub(super) fn render(settings: &Settings, diagnosis: &Diagnosis, sections: &[Section]) -> Value {
    let secrets = &settings.secrets;
    let mut document = envelope(settings, "doctor", diagnosis.now);
    let counted = |severity| page::count(sections, severity);
    verdict(&mut document, counted(Severity::Warn), counted(Severity::Fail));
    let runtime = runtime::values(settings, diagnosis.now).map(|(key, value)| (key.to_owned(), value));
    let runtime = runtime.into_iter().chain(diagnosis.versions.words());
    document.insert("runtime".to_owned(), strings(secrets, runtime));
    let environment = environment::values(settings).into_iter().map(|(key, value)| (key.to_owned(), value));
    document.insert("environment".to_owned(), strings(secrets, environment));
    document.insert("repository_probe".to_owned(), probe(settings, &diagnosis.probed));
    document.insert("replicate".to_owned(), replicate(settings, diagnosis));
    document.insert("hooks".to_owned(), of_hooks(settings, diagnosis));
    document.insert("recent_json".to_owned(), recent(secrets, diagnosis));
    let checks = sections.iter().flat_map(Section::checks).map(|(section, finding)| {
        json!({
            "section": section,
            "status": finding.severity.word(),
            "message": shown(secrets, &finding.message),
        })
    });
    document.insert("checks".to_owned(), checks.collect());
    document.insert("settings".to_owned(), mistakes(settings));
    let debts = debts::document(settings, &diagnosis.debts, &diagnosis.prospect, diagnosis.now);
    document.insert("debts".to_owned(), debts);
    Value::Object(document)
}

fn strings(secrets: &Secrets, pairs: impl Iterator<Item = (String, String)>) -> Value {
    Value::Object(pairs.map(|(key, value)| (key, shown(secrets, &value))).collect())
}

fn probe(settings: &Settings, probed: &Probed) -> Value {
    let answer = if let Probed::Asked(answer, _) = probed { Some(answer) } else { None };
    json!({
        "status": probed.status(),
        "repository": shown(&settings.secrets, &settings.repository.shown),
        "restic_exit_code": answer.map(|answer| answer.outcome.code()),
        "timed_out": probed.timed_out(),
        "meaning": probed.meaning(),
        "stderr": answer.map_or(Value::String(String::new()), |answer| shown(&settings.secrets, &answer.stderr)),
    })
}

fn replicate(settings: &Settings, diagnosis: &Diagnosis) -> Value {
    let secrets = &settings.secrets;
    let values = environment::replicate(settings);
    let prefixed = values.iter().map(|(key, value)| (format!("effective {key}"), value.clone()));
    let plain = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let jobs = (1..).zip(diagnosis.job_file.rows()).map(|(number, row)| match row {
        Row::Job(entry) => json!({
            "number": number,
            "source": shown(secrets, &entry.shown_source()),
            "destination": shown(secrets, &entry.shown_destination()),
            "mode": entry.mode.word(),
            "problem": null,
        }),
        Row::Malformed { row, flaw } => json!({
            "number": number,
            "row": shown(secrets, row),
            "problem": shown(secrets, &flaw.to_string()),
        }),
    });
    json!({
        "effective": strings(secrets, prefixed),
        "jobs_count": diagnosis.job_file.rows().len(),
        "malformed_count": diagnosis.job_file.malformed(),
        "values": strings(secrets, plain),
        "jobs": jobs.collect::<Value>(),
    })
}

fn of_hooks(settings: &Settings, diagnosis: &Diagnosis) -> Value {
    let secrets = &settings.secrets;
    let found = &diagnosis.discovery;
    let present = hooks::present(found);
    let present = present.into_iter().map(|(phase, executable)| json!({"phase": phase, "executable": executable}));
    let strangers =
        found.strangers.iter().filter(|one| !diagnosis.declared.tells_of(&settings.paths.hooks.join(&one.file)));
    let strangers = strangers.map(|stranger| {
        json!({
            "file": shown(secrets, &stranger.file),
            "reason": shown(secrets, &stranger.reason),
            "nearest": stranger.nearest.as_ref().map(|name| shown(secrets, name)),
            "attempt": stranger.kind == StrangerKind::Attempt,
        })
    });
    let unknown = diagnosis.declared.files.unknown.iter();
    let unknown = unknown.map(
        |(path, reason)| json!({"path": shown(secrets, &path.display().to_string()), "reason": shown(secrets, reason)}),
    );
    let summaries = diagnosis.recent.iter().filter_map(|file| file.summary.as_ref()?.as_ref().ok());
    let owed = summaries.flat_map(|summary| {
        let undos = summary.failed_undos.iter();
        undos.map(
            |(undo, why)| json!({"worker": summary.job, "undo": shown(secrets, undo), "reason": shown(secrets, why)}),
        )
    });
    json!({
        "hook_timeout": shown(secrets, &settings.hooks.timeout_given),
        "directory_mounted": found.directory != Directory::Missing,
        "present": present.collect::<Value>(),
        "directory": shown(secrets, &settings.paths.hooks.display().to_string()),
        "scripts": found.scripts.iter().map(|script| of_script(secrets, script)).collect::<Value>(),
        "strangers": strangers.collect::<Value>(),
        "warnings": found.warnings.iter().map(|doubt| of_doubt(secrets, doubt)).collect::<Value>(),
        "files": diagnosis.declared.files.files.iter().map(|file| of_file(secrets, file)).collect::<Value>(),
        "unknown_files": unknown.collect::<Value>(),
        "cannot_run": diagnosis.declared.troubles.iter().map(|trouble| of_trouble(secrets, trouble)).collect::<Value>(),
        "failed_undos": owed.collect::<Value>(),
    })
}

fn of_file(secrets: &Secrets, file: &HooksFile) -> Value {
    let mistakes = file.mistakes.iter().map(|mistake| {
        json!({
            "line": mistake.at.line,
            "column": mistake.at.column,
            "what": shown(secrets, &mistake.what),
            "mend": shown(secrets, &mistake.mend),
        })
    });
    json!({
        "path": shown(secrets, &file.path.display().to_string()),
        "documents": file.documents.iter().map(|name| shown(secrets, name)).collect::<Value>(),
        "hooks": file.hooks.len(),
        "mistakes": mistakes.collect::<Value>(),
        "workers": file.concerns,
        "means_fail": file.means_fail,
    })
}

fn of_trouble(secrets: &Secrets, trouble: &Trouble) -> Value {
    json!({
        "name": shown(secrets, &trouble.name),
        "source": shown(secrets, &trouble.source),
        "problem": of_doubt(secrets, &trouble.problem),
        "on_error": trouble.on_error.word(),
        "undo_of": trouble.undo_of.as_ref().map(|hook| shown(secrets, hook)),
    })
}

fn of_script(secrets: &Secrets, script: &Script) -> Value {
    let worker = match script.owner {
        Owner::All => "all",
        Owner::Worker(worker) => worker,
    };
    json!({
        "name": shown(secrets, &script.name),
        "phase": script.phase.word(),
        "worker": worker,
        "path": shown(secrets, &script.path.display().to_string()),
        "executable": script.problem.is_none(),
        "problem": script.problem.as_ref().map(|problem| of_doubt(secrets, problem)),
        "warnings": script.warnings.iter().map(|doubt| of_doubt(secrets, doubt)).collect::<Value>(),
    })
}

fn of_doubt(secrets: &Secrets, doubt: &Doubt) -> Value {
    json!({"what": shown(secrets, &doubt.what), "mend": shown(secrets, &doubt.mend)})
}

fn recent(secrets: &Secrets, diagnosis: &Diagnosis) -> Value {
    let files = diagnosis.recent.iter().map(|file| {
        let summary = file.summary.as_ref().and_then(|summary| summary.as_ref().ok());
        let problem = file.summary.as_ref().and_then(|summary| summary.as_ref().err());
        json!({
            "path": shown(secrets, &file.path.display().to_string()),
            "present": file.size > 0,
            "size_bytes": file.size,
            "exit_code": summary.map(|summary| summary.exit_code),
            "status": summary.and_then(|summary| summary.status.as_ref()).map(|status| shown(secrets, status)),
            "age_seconds": summary.and_then(|summary| summary.age(diagnosis.now)),
            "problem": problem.map(|problem| shown(secrets, problem)),
        })
    });
    files.collect()
}

/// Every mistake in a setting, also those that other findings tell of.
pub(super) fn mistakes(settings: &Settings) -> Value {
    settings.mistakes.iter().map(|mistake| of_mistake(&settings.secrets, mistake)).collect()
}

fn of_mistake(secrets: &Secrets, mistake: &Mistake) -> Value {
    let (effect, workers): (_, &[&str]) = match mistake.effect {
        Effect::Work(workers) => ("work", workers),
        Effect::Loud => ("loud", &[]),
        Effect::Fallback => ("fallback", &[]),
    };
    json!({
        "variable": mistake.variable,
        "value": shown(secrets, &mistake.value),
        "problem": shown(secrets, &mistake.problem),
        "mend": shown(secrets, &mistake.mend),
        "effect": effect,
        "workers": workers,
    })
}
