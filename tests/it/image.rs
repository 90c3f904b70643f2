//! What the Dockerfile says is what the code says.

use boathook::settings::table;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What the reference image sets, also where it sets nothing but an empty value: programs that show an image's settings
/// show these.
const SET_BY_THE_REFERENCE: [&str; 52] = [
    "RESTIC_REPOSITORY",
    "RESTIC_PASSWORD",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_TAG",
    "RESTIC_CACHE_DIR",
    "RESTIC_CACERT",
    "RESTIC_CHECK_REPOSITORY_STATUS",
    "RESTIC_AUTO_UNLOCK",
    "NFS_TARGET",
    "BACKUP_CRON",
    "CHECK_CRON",
    "PRUNE_CRON",
    "FORGET_CRON",
    "REPLICATE_CRON",
    "ROTATE_LOG_CRON",
    "BACKUP_ROOT_DIR",
    "RESTIC_JOB_ARGS",
    "RESTIC_FORGET_ARGS",
    "RESTIC_CHECK_ARGS",
    "RESTIC_PRUNE_ARGS",
    "RCLONE_CONFIG",
    "REPLICATE_JOB_FILE",
    "REPLICATE_JOB_ARGS",
    "REPLICATE_VERBOSE",
    "REPLICATE_BISYNC_CHECK_ACCESS",
    "SYNC_CRON",
    "SYNC_JOB_FILE",
    "SYNC_JOB_ARGS",
    "SYNC_VERBOSE",
    "SYNC_BISYNC_CHECK_ACCESS",
    "HOOK_TIMEOUT",
    "MAILX_RCPT",
    "MAILX_ON_ERROR",
    "WEBHOOK_URL",
    "WEBHOOK_HEADER_AUTH",
    "WEBHOOK_TIMEOUT",
    "WEBHOOK_ON_ERROR",
    "METRICS_DIR",
    "CRON_LOG_MAX_SIZE",
    "MAX_CRON_LOG_ARCHIVES",
    "OS_AUTH_URL",
    "OS_PROJECT_ID",
    "OS_PROJECT_NAME",
    "OS_USERNAME",
    "OS_PASSWORD",
    "OS_REGION_NAME",
    "OS_INTERFACE",
    "OS_USER_DOMAIN_NAME",
    "OS_PROJECT_DOMAIN_ID",
    "OS_IDENTITY_API_VERSION",
    "TZ",
    "RESTIC_BACKUP_HELPER_RELEASE",
];

fn file(part: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The instructions of the Dockerfile, each on one line: keyword and rest.
fn instructions() -> Vec<(String, String)> {
    let text = file("Dockerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let split = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    joined.lines().filter_map(|line| split(line.trim())).collect()
}

/// The `ENV` lines, as name and value.
fn environment() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (_, rest) in instructions().into_iter().filter(|(word, _)| word == "ENV") {
        let mut rest = rest.as_str();
        while let Some((name, behind)) = rest.split_once('=') {
            let (value, behind) = match behind.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').expect("is closed"),
                None => behind.split_once(' ').unwrap_or((behind, "")),
            };
            assert!(found.insert(name.trim().to_owned(), value.to_owned()).is_none(), "{name} is set twice");
            rest = behind;
        }
    }
    found
}

#[test]
fn the_image_sets_what_the_code_would_take_by_itself() {
    let set = environment();
    for (name, value) in &set {
        let variable = table::find(name).unwrap_or_else(|| panic!("{name} is no setting"));
        // The build argument, whose default is looked at below.
        let value = if value == "${RESTIC_BACKUP_HELPER_RELEASE}" { "unknown" } else { value };
        assert_eq!(value, variable.default, "{name}");
    }
    let names: BTreeSet<&str> = set.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(SET_BY_THE_REFERENCE));
    let default = ("ARG".to_owned(), "RESTIC_BACKUP_HELPER_RELEASE=unknown".to_owned());
    assert!(instructions().contains(&default));
}

/// The commands that the Dockerfile makes links for in `/bin`.
fn linked() -> BTreeSet<String> {
    let runs = instructions().into_iter().filter(|(word, _)| word == "RUN").map(|(_, rest)| rest);
    let list = runs.filter_map(|run| Some(run.split_once("for command in ")?.1.split_once(';')?.0.to_owned()));
    list.flat_map(|names| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_command_has_a_link_and_nothing_else_has_one() {
    let mut expected: BTreeSet<String> = boathook::cli::commands().into_iter().map(str::to_owned).collect();
    // It lies elsewhere.
    assert!(expected.remove("entry.sh"));
    assert_eq!(linked(), expected);
    let runs: String = instructions().into_iter().filter(|(word, _)| word == "RUN").map(|(_, rest)| rest).collect();
    assert!(runs.contains("ln -s /usr/local/bin/boathook /entry.sh"));
}

#[test]
fn the_stages_stand_in_the_order_that_every_builder_can_walk() {
    let all = instructions();
    let stages: Vec<&str> = all
        .iter()
        .filter(|(word, _)| word == "FROM")
        .map(|(_, rest)| rest.split(" AS ").nth(1).expect("has a name"))
        .collect();
    assert_eq!(stages, ["base", "prebuilt", "build", "final"]);
    let text = file("Dockerfile");
    for line in text.lines() {
        let line = line.trim_start();
        // A line for BuildKit, which asks a registry for a frontend; and what only BuildKit understands.
        assert!(!line.starts_with("# syntax=") && !line.starts_with("#syntax="), "{line}");
        for word in ["--mount=", "--chmod=", "--link", "--network=", "--security=", "<<"] {
            assert!(line.starts_with('#') || !line.contains(word), "{word} needs BuildKit: {line}");
        }
    }
    assert!(all.iter().all(|(word, _)| word != "CMD"), "the image's default command is none");
}

#[test]
fn the_page_names_every_build_argument_and_every_writable_place() {
    let page = file("docs/image.md");
    for (_, rest) in instructions().into_iter().filter(|(word, _)| word == "ARG") {
        let name = rest.split('=').next().unwrap_or_default();
        assert!(page.contains(&format!("`{name}`")), "docs/image.md does not name the build argument {name}");
    }
    let runs: String = instructions().into_iter().filter(|(word, _)| word == "RUN").map(|(_, rest)| rest).collect();
    let places = runs.split_once("chmod 1777 ").and_then(|(_, rest)| rest.split_once(';')).expect("is there").0;
    for place in places.split_whitespace() {
        assert!(page.contains(&format!("`{place}`")), "docs/image.md does not name {place}");
    }
    assert!(places.split_whitespace().count() > 8);
}
