//! The whole answer for a made-up folder, as text and as JSON.

use super::scenarios::Scene;
use super::{json, text};
use crate::doctor::sample::{PASSWORD, assert_shape};
use serde_json::Value;
use std::fs;

const NOW: &str = "2026-03-10T12:00:00Z";

/// A folder with something of everything.
fn made_up() -> Scene {
    let mut scene = Scene::new("0 */6 * * *");
    scene.settings.schedules.check = "0 3 * * *".to_owned();
    scene.settings.schedules.forget = "30 3 * * *".to_owned();
    scene.settings.schedules.rotate_log = "0 0 1 * *".to_owned();
    scene.settings.repository.shown = "rest:https://alice:***@repo.example/main".to_owned();
    scene.settings.jobs.check_rotate = Some(12);
    scene.load("2026-03-01T00:00:30Z");
    scene.rotation(12, 3, Some("2026-03-07T03:10:00Z"), Some("2026-03-06T03:10:00Z"));
    scene.success("2026-03-09T18:05:00Z");
    scene.summary(
        "check",
        &format!(
            r#""finished_at": "2026-03-10T03:10:00+0000", "duration_seconds": 600, "exit_code": 1, "status": "failure", "reason": "restic ended with status 1: {PASSWORD} is no pack", "last_success_at": "2026-03-09T03:10:00+0000""#
        ),
    );
    scene.summary("unlock", r#""finished_at": "2026-03-10T11:00:00+0000", "exit_code": 1"#);
    fs::write(scene.path("log/last-forget.json"), "{\n  \"job\": \"forget\",\n  \"exit").expect("there is room");
    scene.touch("log/last-forget.json", "2026-03-10T03:30:00Z");
    fs::write(scene.path("log/last-own-hook.json"), "{\"job\": \"own-hook\", \"exit_code\": 0}")
        .expect("there is room");
    scene.touch("log/last-own-hook.json", "2026-03-10T11:53:00Z");
    fs::write(scene.path("log/check-error-last.log"), "").expect("there is room");
    scene
}

fn shorten(scene: &Scene, text: &str) -> String {
    text.replace(&scene.path("").display().to_string(), "/c/")
}

/// The answer is what the file has, the first line that differs being named.
#[track_caller]
fn assert_golden(answer: &str, file: &str, golden: &str) {
    for (number, (line, expected)) in answer.lines().zip(golden.lines()).enumerate() {
        assert_eq!(line, expected, "{file}, line {}", number + 1);
    }
    assert_eq!(answer, golden, "{file}");
}

#[test]
fn the_text_is_this() {
    let scene = made_up();
    let text = shorten(&scene, &text::render(&scene.settings, &scene.status(NOW)));
    assert_golden(&text, "golden.txt", include_str!("golden.txt"));
}

#[test]
fn the_document_is_this() {
    let scene = made_up();
    let json = shorten(&scene, &json::render(&scene.settings, &scene.status(NOW)));
    assert_golden(&json, "golden.json", include_str!("golden.json"));
}

#[test]
fn no_line_of_a_finding_or_table_is_wider_than_a_terminal() {
    for line in include_str!("golden.txt").lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_document_has_its_keys_and_types_in_order() {
    let scene = made_up();
    let document: Value = serde_json::from_str(&json::render(&scene.settings, &scene.status(NOW))).expect("is JSON");
    assert_shape(
        &document,
        &[
            ("schema", "string"),
            ("command", "string"),
            ("release", "string"),
            ("hostname", "string"),
            ("generated_at", "string"),
            ("generated_epoch", "number"),
            ("verdict", "string"),
            ("warnings", "number"),
            ("failures", "number"),
            ("exit_code", "number"),
            ("runtime", "object"),
            ("crontab", "object"),
            ("schedules", "array"),
            ("jobs", "array"),
            ("recent_json", "array"),
            ("findings", "array"),
            ("open_debts_count", "number"),
            ("oldest_debt_age_seconds", "null"),
            ("open_debts", "array"),
            ("recoveries", "array"),
        ],
    );
    assert_beginning(&document["runtime"], &[("tz", "string"), ("repository", "string")]);
    assert_beginning(&document["crontab"], &[("source", "string"), ("path", "string"), ("line_count", "number")]);
    let row = [("job", "string"), ("enabled", "bool"), ("cron", "string"), ("command", "string")];
    let job = [
        ("job", "string"),
        ("enabled", "bool"),
        ("core", "bool"),
        ("status", "string"),
        ("cron", "string"),
        ("path", "string"),
        ("present", "bool"),
        ("exit_code", "string"),
        ("age_seconds", "string"),
        ("age_human", "string"),
        ("finished_at", "string"),
        ("detail", "string"),
    ];
    let recent = [
        ("job", "string"),
        ("path", "string"),
        ("present", "bool"),
        ("exit_code", "string"),
        ("age_seconds", "string"),
        ("age_human", "string"),
    ];
    let finding = [("level", "string"), ("message", "string")];
    for (key, count, shape) in
        [("schedules", 6, &row[..]), ("jobs", 5, &job), ("recent_json", 14, &recent), ("findings", 4, &finding)]
    {
        let list = document[key].as_array().expect("is a list");
        assert_eq!(list.len(), count, "{key}");
        for object in list {
            assert_beginning(object, shape);
        }
    }
}

/// Asserts that an object begins with these keys.
#[track_caller]
fn assert_beginning(object: &Value, shape: &[(&str, &str)]) {
    let keys = object.as_object().expect("is an object").clone().into_iter().take(shape.len()).collect();
    assert_shape(&Value::Object(keys), shape);
}

#[test]
fn the_page_for_users_names_every_key() {
    let scene = made_up();
    let page = include_str!("../../../docs/status.md");
    let document: Value = serde_json::from_str(&json::render(&scene.settings, &scene.status(NOW))).expect("is JSON");
    let lists = ["schedules", "jobs", "recent_json", "findings"].map(|key| &document[key][0]);
    let rotation = &document["jobs"][1]["rotation"];
    for object in [&document, &document["runtime"], &document["crontab"], rotation].into_iter().chain(lists) {
        for key in object.as_object().expect("is an object").keys() {
            assert!(page.contains(&format!("`{key}`")), "{key} is not explained");
        }
    }
}

#[test]
fn no_secret_is_in_text_or_document() {
    let scene = made_up();
    let status = scene.status(NOW);
    for answer in [text::render(&scene.settings, &status), json::render(&scene.settings, &status)] {
        assert!(answer.contains("restic ended with status 1: ***"), "{answer}");
        assert!(!answer.contains(PASSWORD));
    }
}
