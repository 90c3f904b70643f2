//! The workers' behaviour with the restic that is installed here, whichever version it is.

use super::backup::Backup;
use super::find;
use crate::engine::scene::{Scene, heard};
use crate::process::Stop;
use crate::run::{Step, Work, WorkContext, Worked};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

mod backup;
mod forget;
mod maintenance;
mod refusal;

/// What a worker left behind.
struct Ran {
    worked: Worked,
    lines: Vec<String>,
    extras: Vec<(String, String)>,
    stats: Map<String, Value>,
    steps: Vec<Step>,
    snapshot: String,
    details: String,
}

impl Ran {
    fn extra(&self, key: &str) -> Option<&str> {
        self.extras.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|heard| heard == line)
    }

    fn has_begin(&self, begin: &str) -> bool {
        self.lines.iter().any(|heard| heard.starts_with(begin))
    }

    /// The lines of the engine in the per-run log.
    fn logged(&self) -> Vec<&str> {
        let log = self.lines.iter().filter_map(|line| line.strip_prefix("log: "));
        log.skip_while(|line| !line.starts_with("RESTIC_REPOSITORY: "))
            .skip(1)
            .take_while(|line| !line.starts_with("Finished "))
            .collect()
    }
}

fn run(scene: &Scene, work: &mut dyn Work, name: &str) -> Ran {
    run_with(scene, work, name, &BTreeMap::new(), &Stop::new().expect("descriptors are there"))
}

fn run_with(scene: &Scene, work: &mut dyn Work, name: &str, values: &BTreeMap<String, String>, stop: &Stop) -> Ran {
    let mut cx = WorkContext {
        job: &find(name).expect("is in the table").job,
        settings: &scene.settings,
        environment: scene.settings.environment.clone(),
        values,
        stop,
        log_path: scene.path("log"),
        extras: Vec::new(),
        stats: Map::new(),
        snapshot: String::new(),
        steps: Vec::new(),
        debts: crate::run::Debts::of_nobody(),
        repository: None,
    };
    let mut worked = None;
    let lines = heard(|| worked = Some(work.run(&mut cx)));
    let details = work.details(&cx);
    let WorkContext { extras, stats, snapshot, steps, .. } = cx;
    Ran { worked: worked.expect("has run"), lines, extras, stats, steps, snapshot, details }
}

fn backup(scene: &Scene) -> Ran {
    run(scene, &mut Backup::default(), "backup")
}

fn snapshots(scene: &Scene) -> usize {
    let json: Value = serde_json::from_str(&scene.restic(["snapshots", "--json"])).expect("is JSON");
    json.as_array().map_or(0, Vec::len)
}
