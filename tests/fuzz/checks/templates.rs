//! A template of any text is rendered within its bounds, or is refused.

use boathook::hooks::Phase;
use boathook::hooks::template::{SecretSource, SecretValues, Template, Trust, Value};
use boathook::hooks::{Context, Facts, Standing, Told, summary};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The most that a template may give, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Holds one input against that.
pub fn check(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    for trust in [Trust::Own, Trust::Imported] {
        let Ok(template) = Template::parse(source, trust) else { continue };
        assert_eq!(template.source(), source);
        let sources = template.secret_sources();
        assert!(trust == Trust::Own || sources.is_empty(), "an imported template reads secrets: {sources:?}");
        for found in template.unquoted() {
            assert!(found.line > 0 && found.column > 0 && source.contains(found.action.trim()), "{found:?}");
        }
        let secrets = SecretValues(sources.into_iter().map(|source| (source.clone(), value_of(&source))).collect());
        for phase in [Phase::Pre, Phase::Post] {
            if let Ok(text) = template.render(&data_of(phase), &secrets) {
                assert!(text.len() <= LARGEST, "{} bytes", text.len());
            }
        }
    }
}

fn value_of(source: &SecretSource) -> Result<String, String> {
    match source {
        SecretSource::Env(_) => Ok("a \"secret\"\n".to_owned()),
        SecretSource::File(path) => Err(format!("{path} cannot be read")),
    }
}

fn data_of(phase: Phase) -> Value {
    let values = BTreeMap::from([("MY_DUMP".to_owned(), "/dump/$(x) '{{ \u{1b}[2J\n".to_owned())]);
    let stats: Map<String, Json> = json!({"files": 3, "ratio": 0.5, "names": ["a", null, true], "deep": {"er": {}}})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let told = Told {
        worker: "backup",
        run_id: "20260301T020000Z-backup-0a1b2c3d",
        trigger: "schedule",
        started_at: "2026-03-01T02:00:00Z",
        log: Path::new("/var/log/backup-last.log"),
        target: "/data",
        index: 1,
        count: 2,
        attempt: 1,
        standing: (phase == Phase::Post).then_some(Standing {
            exit_code: 3,
            status: "failure",
            error: "cannot read /data/it's $(touch x) `y` {{ . }}",
            snapshot: "0a1b2c3d",
            summary: None,
        }),
        output: None,
        values: &values,
        recovery: false,
    };
    let facts = Facts {
        namespace: "apps",
        phase: if phase == Phase::Post { "Failed" } else { "Running" },
        duration: Duration::from_secs(65),
        retry_left: 0,
        hostname: "keelhaul",
        repository: "/mnt/restic",
        stats: &stats,
        hooks: json!([{"name": "freeze-db", "status": "completed", "exit_code": 0}]),
        task_index: 2,
    };
    summary(&told, &facts, Some(&Context::default()))
}
