//! `compose.yaml`: what Compose makes of it, by `config` alone; no image is needed for that, and no engine.

use crate::containers::{run, skip};
use crate::support::{Finished, Sandbox};
use boathook::settings::table;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The ways in which Compose is there: as a program of its own, and as a part of `docker`.
pub fn composes() -> Vec<Vec<&'static str>> {
    let mut found = vec![vec!["docker-compose"], vec!["docker", "compose"]];
    found.retain(|words| {
        let mut command = Command::new(words[0]);
        let status = command.args(&words[1..]).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    });
    if found.is_empty() {
        skip("Compose is not installed");
    }
    found
}

/// Compose in the project's folder, with nothing of the environment but these variables, and nothing of what a developer
/// has in `.env`.
pub fn compose(words: &[&str], variables: &[(&str, &str)], args: &[&str]) -> Command {
    let nothing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty.env");
    fs::write(&nothing, "").expect("can be written");
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg("--env-file").arg(nothing).args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars().filter(|(name, _)| name != "PATH" && name != "HOME" && name != "DOCKER_HOST") {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

fn config(words: &[&str], variables: &[(&str, &str)]) -> Finished {
    run(&mut compose(words, variables, &["config"]))
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The file, with what it says where nothing is set.
fn file() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("compose.yaml")).expect("is there")
}

#[test]
fn a_password_is_all_that_it_needs() {
    for words in composes() {
        let without = config(&words, &[]);
        assert_ne!(without.code(), 0, "{}", without.all());
        let told = "is not set - write RESTIC_PASSWORD=... to the file .env beside compose.yaml";
        assert!(without.stderr.contains(told), "{words:?}: {}", without.stderr);
        let with = config(&words, &[("RESTIC_PASSWORD", "only-for-a-test")]).ends_with(0);
        let service = &parsed(&with.stdout)["services"]["backup"];
        assert_eq!(service["environment"]["RESTIC_PASSWORD"], "only-for-a-test", "{words:?}");
        assert_eq!(service["build"]["target"], "final", "{words:?}");
        assert_eq!(service["environment"]["RESTIC_REPOSITORY"], "/mnt/restic", "{words:?}");
    }
}

#[test]
fn the_stage_that_is_built_can_be_chosen() {
    let variables = [
        ("RESTIC_PASSWORD", "only-for-a-test"),
        ("BOATHOOK_BUILD", "prebuilt"),
        ("BOATHOOK_BINARY", "target/release/boathook"),
        ("RCLONE_VERSION", "1.71.2"),
    ];
    for words in composes() {
        let build = &parsed(&config(&words, &variables).ends_with(0).stdout)["services"]["backup"]["build"];
        assert_eq!(build["target"], "prebuilt", "{words:?}");
        let args = [&build["args"]["BINARY"], &build["args"]["RCLONE_VERSION"]];
        assert_eq!(args, [&json!("target/release/boathook"), &json!("1.71.2")], "{words:?}");
    }
}

#[test]
fn other_services_come_only_when_they_are_asked_for() {
    let file = parsed(&file());
    // Neither of them is known to Compose 1.29.
    assert_eq!((&file["name"], &file["version"]), (&Value::Null, &Value::Null));
    let services = file["services"].as_object().expect("has some");
    for (name, service) in services.iter().filter(|(name, _)| *name != "backup") {
        assert_eq!(service["profiles"], json!([name]), "{name}");
        // Nobody gets `latest` of somebody else.
        let image = service["image"].as_str().expect("has one");
        assert!(image.split(':').nth(1).is_some_and(|tag| tag.contains('.')), "{name}: {image}");
    }
    let names: Vec<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(names, ["backup", "rest", "metrics", "mail"]);
    assert_eq!(services["backup"]["profiles"], Value::Null);
}

#[test]
fn what_it_sets_is_known_and_in_order() {
    let Some(words) = composes().into_iter().next() else { return };
    let config = parsed(&config(&words, &[("RESTIC_PASSWORD", "only-for-a-test")]).ends_with(0).stdout);
    let service = &config["services"]["backup"];
    let mut sandbox = Sandbox::new();
    for (name, value) in service["environment"].as_object().expect("is a map") {
        assert!(table::find(name).is_some(), "{name} is no setting");
        sandbox.set(name, value.as_str().expect("is text"));
    }
    // The paths are the image's.
    for (name, part) in [("BACKUP_ROOT_DIR", "data"), ("METRICS_DIR", "metrics"), ("RESTIC_REPOSITORY", "repo")] {
        let path = sandbox.path(part).display().to_string();
        sandbox.set(name, path);
    }
    let checked = sandbox.run(&["config-check"]).ends_with(0);
    assert_eq!(checked.stderr, "");
    let seconds = |value: &Value| value.as_str().and_then(|text| text.trim_end_matches('s').parse::<u32>().ok());
    let file = parsed(&file());
    let grace = seconds(&file["services"]["backup"]["stop_grace_period"]).expect("is in seconds");
    let stop = seconds(&service["environment"]["STOP_TIMEOUT"]).expect("is in seconds");
    assert!(stop < grace, "{stop} of {grace} seconds");
}

/// Nothing that is kept is gone after `down`: what the image's page calls a volume is one.
#[test]
fn what_is_to_be_kept_lies_on_a_volume() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/image.md")).expect("is there");
    let mut kept = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| `/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells[3].starts_with("a volume") {
            kept.extend(cells[1].split('`').nth(1));
        }
    }
    assert!(kept.contains(&"/restore") && kept.len() > 3, "{kept:?}");
    let file = parsed(&file());
    let mounted: Vec<(&str, &str)> = file["services"]["backup"]["volumes"]
        .as_array()
        .expect("is a list")
        .iter()
        .filter_map(|volume| volume.as_str()?.split_once(':'))
        .collect();
    for place in kept {
        let name = mounted.iter().find(|(_, target)| *target == place).map(|(name, _)| *name);
        let name = name.unwrap_or_else(|| panic!("{place} is on no volume: {mounted:?}"));
        assert!(file["volumes"].as_object().expect("is a map").contains_key(name), "{name} is not declared");
    }
}

#[test]
fn its_build_arguments_are_those_of_the_dockerfile() {
    let dockerfile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).expect("is there");
    let file = parsed(&file());
    let args = file["services"]["backup"]["build"]["args"].as_object().expect("is a map");
    for (name, value) in args {
        // `${OURS:-default}`, where the default is the Dockerfile's own.
        let default = value.as_str().and_then(|value| value.split_once(":-")).expect("has a default").1;
        let line = format!("ARG {name}={}", default.trim_end_matches('}'));
        assert!(dockerfile.lines().any(|written| written == line), "the Dockerfile has no line '{line}'");
    }
    assert!(args.len() > 3);
}
