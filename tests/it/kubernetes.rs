//! The manifests: every field is one that Kubernetes knows, and what they promise holds.

use crate::support::{BOATHOOK, Sandbox, write_executable};
use boathook::settings::table;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Container, PersistentVolumeClaim, PodSpec, Secret, Volume};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What a container with a read-only root writes to.
const WRITABLE: [&str; 5] = ["/run", "/tmp", "/var/log", "/.cache", "/var/lib/boathook"];
/// 0755 and 0400, as the API has them: decimal.
const EXECUTABLE: i32 = 493;
const PRIVATE: i32 = 256;
/// Written by its user: it holds what no example can.
const SECRET_OF_RCLONE: &str = "boathook-rclone";

/// One document of one file.
struct Document {
    file: String,
    value: Value,
}

impl Document {
    fn kind(&self) -> &str {
        self.value["kind"].as_str().expect("has a kind")
    }

    fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().expect("has a name")
    }

    fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.value.clone())
            .unwrap_or_else(|error| panic!("{}: {} {}: {error}", self.file, self.kind(), self.name()))
    }

    /// The pod that it makes, if it makes one.
    fn pod(&self) -> Option<PodSpec> {
        match self.kind() {
            "Deployment" => self.read::<Deployment>().spec.template.spec,
            "StatefulSet" => self.read::<StatefulSet>().spec.template.spec,
            "CronJob" => self.read::<CronJob>().spec.job_template.spec.and_then(|spec| spec.template.spec),
            "Job" => self.read::<Job>().spec.and_then(|spec| spec.template.spec),
            _ => None,
        }
    }
}

/// Every document, as kubectl reads it: by YAML 1.1, in which `0755` is octal.
fn documents() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/kubernetes");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("can be read").path();
        let file = path.file_name().expect("has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("is text");
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let values: Vec<Value> = serde_saphyr::from_multiple_with_options(&text, options)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        found.extend(values.into_iter().map(|value| Document { file: file.clone(), value }));
    }
    found.retain(|document| document.value["kind"] != "Kustomization");
    assert!(found.len() > 14, "only {} documents", found.len());
    found
}

/// Every pod, with the document that makes it.
fn pods() -> Vec<(Document, PodSpec)> {
    documents().into_iter().filter_map(|document| document.pod().map(|pod| (document, pod))).collect()
}

/// The containers of a pod that are of our image.
fn ours(pod: &PodSpec) -> Vec<Container> {
    let all = pod.init_containers.iter().flatten().chain(&pod.containers);
    all.filter(|container| container.image.as_deref() == Some("registry.example/boathook:latest")).cloned().collect()
}

/// A container's settings: those of the ConfigMaps, and its own.
fn settings(container: &Container) -> BTreeMap<String, String> {
    let maps: BTreeMap<String, ConfigMap> = documents()
        .iter()
        .filter(|document| document.kind() == "ConfigMap")
        .map(|document| (document.name().to_owned(), document.read()))
        .collect();
    let mut set = BTreeMap::new();
    for source in container.env_from.iter().flatten() {
        let name = source.config_map_ref.as_ref().expect("is from a ConfigMap").name.clone();
        let map = maps.get(&name).unwrap_or_else(|| panic!("there is no ConfigMap {name}"));
        set.extend(map.data.clone().unwrap_or_default());
    }
    let own = container.env.iter().flatten();
    set.extend(own.map(|variable| (variable.name.clone(), variable.value.clone().unwrap_or_default())));
    set
}

/// Every path to a value within, such as `spec.containers.0.name`.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                paths(member, &format!("{at}.{name}"), found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                paths(item, &format!("{at}.{place}"), found);
            }
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}

/// Reads the document as its type and writes it again: a field that the type does not know is lost on the way.
fn assert_known<T: DeserializeOwned + Serialize>(document: &Document) {
    let again = serde_json::to_value(document.read::<T>()).expect("can be written");
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    paths(&document.value, "", &mut before);
    paths(&again, "", &mut after);
    // Secrets: text becomes the same text; nothing else is turned into another form.
    let lost: Vec<&String> = before.difference(&after).collect();
    assert!(lost.is_empty(), "{}: Kubernetes does not know {lost:?}", document.file);
}

#[test]
fn every_field_is_one_that_kubernetes_knows() {
    for document in documents() {
        match document.kind() {
            "Deployment" => assert_known::<Deployment>(&document),
            "StatefulSet" => assert_known::<StatefulSet>(&document),
            "CronJob" => assert_known::<CronJob>(&document),
            "Job" => assert_known::<Job>(&document),
            "ConfigMap" => assert_known::<ConfigMap>(&document),
            "Secret" => assert_known::<Secret>(&document),
            "PersistentVolumeClaim" => assert_known::<PersistentVolumeClaim>(&document),
            other => panic!("{}: nobody looks at a {other}", document.file),
        }
    }
}

#[test]
fn no_text_is_one_that_yaml_reads_as_something_else() {
    // YAML 1.1 reads `ON` as true, and the API server refuses a variable that is no text.
    for document in documents() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/kubernetes").join(&document.file);
        for line in fs::read_to_string(path).expect("is text").lines() {
            let value = line.rsplit(": ").next().unwrap_or_default().trim_end_matches('}').to_lowercase();
            let is_switch = ["on", "off", "yes", "no", "y", "n"].contains(&value.as_str());
            assert!(!is_switch || line.trim_start().starts_with('#'), "{}: quote it: {line}", document.file);
        }
    }
}

#[test]
fn hooks_can_be_executed_and_secrets_are_private() {
    let mut seen = 0;
    for (document, pod) in pods() {
        for volume in pod.volumes.iter().flatten() {
            if let Some(map) = &volume.config_map {
                assert_eq!(map.default_mode, Some(EXECUTABLE), "{}: {}", document.file, volume.name);
                seen += 1;
            }
            if let Some(secret) = &volume.secret {
                assert_eq!(secret.default_mode, Some(PRIVATE), "{}: {}", document.file, volume.name);
            }
        }
    }
    assert!(seen > 7, "only {seen} volumes of hooks");
}

#[test]
fn every_volume_that_is_mounted_is_there_and_nothing_is_there_in_vain() {
    let there = |kind: &str| -> BTreeSet<String> {
        let named = documents().into_iter().filter(|document| document.kind() == kind);
        named.map(|document| document.name().to_owned()).collect()
    };
    let (maps, mut secrets, mut claims) = (there("ConfigMap"), there("Secret"), there("PersistentVolumeClaim"));
    secrets.insert(SECRET_OF_RCLONE.to_owned());
    // The application's own.
    claims.extend(["app-data".to_owned(), "app-data-restored".to_owned()]);
    for (document, pod) in pods() {
        let volumes: Vec<Volume> = pod.volumes.clone().unwrap_or_default();
        let mut named: BTreeSet<String> = volumes.iter().map(|volume| volume.name.clone()).collect();
        if document.kind() == "StatefulSet" {
            let templates = document.read::<StatefulSet>().spec.volume_claim_templates;
            named.extend(templates.unwrap_or_default().into_iter().filter_map(|claim| claim.metadata.name));
        }
        let containers = pod.init_containers.iter().flatten().chain(&pod.containers);
        let mounts = containers.flat_map(|container| container.volume_mounts.iter().flatten());
        let mounted: BTreeSet<String> = mounts.map(|mount| mount.name.clone()).collect();
        assert_eq!(mounted, named, "{}", document.file);
        for volume in &volumes {
            let map = volume.config_map.as_ref().map(|map| map.name.clone());
            let secret = volume.secret.as_ref().and_then(|secret| secret.secret_name.clone());
            let claim = volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.clone());
            for (name, names) in [(map, &maps), (secret, &secrets), (claim, &claims)] {
                let dangling = name.filter(|name| !names.contains(name));
                assert_eq!(dangling, None, "{}: {}", document.file, volume.name);
            }
        }
    }
}

/// The volume that is mounted at a place of a container.
fn volume_at(pod: &PodSpec, container: &Container, place: &str) -> Option<(Volume, bool)> {
    let mount = container.volume_mounts.iter().flatten().find(|mount| mount.mount_path == place)?;
    let volume = pod.volumes.iter().flatten().find(|volume| volume.name == mount.name)?;
    Some((volume.clone(), mount.read_only == Some(true)))
}

#[test]
fn every_container_of_ours_is_set_up_as_promised() {
    for (document, pod) in pods() {
        let file = &document.file;
        assert_eq!(pod.hostname.as_deref(), Some("backup-node"), "{file}");
        for container in ours(&pod) {
            let set = settings(&container);
            for name in set.keys() {
                assert!(table::find(name).is_some(), "{file}: {name} is no setting");
            }
            let security = container.security_context.clone().expect("has one");
            assert_eq!(security.read_only_root_filesystem, Some(true), "{file}");
            let capabilities = security.capabilities.expect("are named");
            assert_eq!(capabilities.drop, Some(vec!["ALL".to_owned()]), "{file}");
            if security.allow_privilege_escalation == Some(false) {
                assert!(!capabilities.add.unwrap_or_default().contains(&"SYS_ADMIN".to_owned()), "{file}");
            }
            for place in WRITABLE {
                let (_, read_only) = volume_at(&pod, &container, place).unwrap_or_else(|| panic!("{file}: {place}"));
                assert!(!read_only, "{file}: {place}");
            }
            // RUN_DIR.
            let run = volume_at(&pod, &container, "/run").and_then(|(volume, _)| volume.empty_dir);
            assert_eq!(run.and_then(|run| run.medium).as_deref(), Some("Memory"), "{file}");
            // The password is where the setting says, and not in a variable.
            assert!(!set.contains_key("RESTIC_PASSWORD"), "{file}");
            let password = Path::new(&set["RESTIC_PASSWORD_FILE"]).to_owned();
            let folder = password.parent().expect("has one").display().to_string();
            let (volume, read_only) = volume_at(&pod, &container, &folder).expect("is mounted");
            let name = volume.secret.and_then(|secret| secret.secret_name);
            let key = password.file_name().expect("has one").to_string_lossy().into_owned();
            let secret = documents().into_iter().find(|document| document.kind() == "Secret").expect("is there");
            assert_eq!((name.as_deref(), read_only), (Some(secret.name()), true), "{file}");
            assert!(secret.read::<Secret>().string_data.expect("is text").contains_key(&key), "{file}: {key}");
            // What is left of the time when everything of ours must have ended.
            let grace = pod.termination_grace_period_seconds.expect("is set");
            let stop: i64 = set["STOP_TIMEOUT"].trim_end_matches('s').parse().expect("is in seconds");
            assert!(stop < grace && stop + 10 >= grace, "{file}: {stop} of {grace} seconds");
        }
    }
}

#[test]
fn a_container_with_a_schedule_is_one_and_says_whether_it_lives() {
    let mut seen = BTreeSet::new();
    for (document, pod) in pods().into_iter().filter(|(document, _)| document.kind() == "Deployment") {
        let file = &document.file;
        let spec = document.read::<Deployment>().spec;
        assert_eq!(spec.replicas, Some(1), "{file}");
        assert_eq!(spec.strategy.and_then(|strategy| strategy.type_).as_deref(), Some("Recreate"), "{file}");
        let container = ours(&pod).remove(0);
        assert!(container.args.is_none() && container.command.is_none(), "{file}");
        assert!(settings(&container).contains_key("BACKUP_CRON"), "{file}");
        let alive = container.liveness_probe.and_then(|probe| probe.exec).and_then(|exec| exec.command);
        assert_eq!(alive, Some(vec!["boathook".to_owned(), "alive".to_owned()]), "{file}");
        let ready = container.readiness_probe.and_then(|probe| probe.exec).and_then(|exec| exec.command);
        if document.name() == "boathook" {
            assert_eq!(ready.expect("is there"), ["test", "-f", "/var/log/cron.log"], "{file}");
        } else {
            assert_eq!(ready, None, "{file}: the application's Service depends on it");
        }
        let (container, mounts) = (ours(&pod).remove(0), ["/data", "/var/spool/cron/crontabs"]);
        let places = mounts.map(|place| volume_at(&pod, &container, place).map(|(_, read_only)| read_only));
        assert_eq!(places, [Some(true), Some(false)], "{file}: the data is only read");
        seen.insert(file.clone());
    }
    let expected = ["deployment-hooks-volume.yaml", "deployment.yaml", "sidecar.yaml"];
    assert_eq!(seen, expected.map(str::to_owned).into());
    // One of them has hooks that can be written to.
    let (_, pod) = pods().into_iter().find(|(document, _)| document.file == expected[0]).expect("is there");
    let (hooks, read_only) = volume_at(&pod, &ours(&pod)[0], "/hooks").expect("is mounted");
    assert!(hooks.persistent_volume_claim.is_some() && !read_only);
}

#[test]
fn a_cron_job_is_there_for_each_worker_and_never_meets_itself() {
    let mut seen = BTreeSet::new();
    for (document, pod) in pods().into_iter().filter(|(document, _)| document.kind() == "CronJob") {
        let spec = document.read::<CronJob>().spec;
        let file = &document.file;
        assert_eq!(spec.concurrency_policy.as_deref(), Some("Forbid"), "{file}");
        assert_eq!(spec.job_template.spec.and_then(|job| job.backoff_limit), Some(0), "{file}");
        let container = ours(&pod).remove(0);
        let args = container.args.clone().expect("has some");
        assert_eq!(*file, format!("cronjob-{}.yaml", args[0]));
        assert_eq!(settings(&container)["RUN_TRIGGER"], "schedule", "{file}");
        seen.extend(args);
    }
    assert_eq!(seen, ["backup", "check", "forget", "prune", "replicate", "restore-test"].map(str::to_owned).into());
}

#[test]
fn a_restore_fails_with_its_pre_hooks_and_asks_nothing() {
    let help = Sandbox::new().run(&["restore", "--help"]).ends_with(0).stdout;
    let mut seen = 0;
    for (document, pod) in pods().into_iter().filter(|(document, _)| document.file.starts_with("restore-")) {
        let file = &document.file;
        let container = ours(&pod).remove(0);
        assert_eq!(settings(&container)["HOOK_ON_ERROR"], "Fail", "{file}");
        let words = [container.command.unwrap_or_default(), container.args.unwrap_or_default()].concat().join(" ");
        assert!(words.contains("restore --yes "), "{file}: {words}");
        for flag in words.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")), "{file}: {flag}");
        }
        let in_job = document.kind() == "Job" && pod.restart_policy.as_deref() == Some("Never");
        assert!(in_job || pod.init_containers.is_some(), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 2, "a Job and an init container");
}

#[test]
fn the_settings_of_every_container_are_in_order() {
    for (document, pod) in pods() {
        for container in ours(&pod) {
            let mut sandbox = Sandbox::new();
            for variable in ["RESTIC_PASSWORD", "HOOKS_DIR"] {
                sandbox.unset(variable);
            }
            for (name, value) in settings(&container) {
                sandbox.set(&name, value);
            }
            let password = sandbox.path("password");
            fs::write(&password, "of-the-test\n").expect("can be written");
            sandbox.set("RESTIC_PASSWORD_FILE", password.display().to_string());
            let data = sandbox.path("data").display().to_string();
            sandbox.set("BACKUP_ROOT_DIR", data);
            let ended = sandbox.run(&["config-check"]).ends_with(0);
            assert_eq!(ended.stderr, "", "{}", document.file);
        }
    }
}

#[test]
fn the_example_hooks_run() {
    let map: ConfigMap =
        documents().into_iter().find(|document| document.name() == "boathook-hooks").expect("is there").read();
    let sandbox = Sandbox::with_stand_in_engine();
    for (name, text) in map.data.expect("has hooks") {
        write_executable(&sandbox.path("hooks").join(name), &text);
    }
    let checked = sandbox.run(&["hooks", "check"]).ends_with(0);
    assert_eq!(checked.stderr, "");
    let ended = sandbox.run_program(BOATHOOK, &["backup"]).ends_with(0);
    assert!(ended.stdout.contains("[pre-backup.10-hello] "), "{}", ended.all());
    assert!(ended.stdout.contains(" ended as success with exit code 0"), "{}", ended.all());
}

#[test]
fn the_kustomization_names_files_that_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/kubernetes");
    let text = fs::read_to_string(folder.join("kustomization.yaml")).expect("is there");
    let value: Value = serde_saphyr::from_str(&text).expect("is YAML");
    let resources = value["resources"].as_array().expect("is a list");
    for resource in resources {
        let name = resource.as_str().expect("is a name");
        assert!(folder.join(name).is_file(), "{name}");
    }
    assert!(resources.contains(&Value::from("deployment.yaml")));
}
