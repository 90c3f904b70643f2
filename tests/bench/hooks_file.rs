//! A hooks file: reading it must cost nothing beside the run that it belongs to.

use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use std::fmt::Write as _;
use std::fs;

const BOATHOOK: &str = env!("CARGO_BIN_EXE_boathook");
/// What each of the hooks is: a message with a template, as people write them.
const HOOK: &str = r#"      executionPolicy: OnFailure
      timeout: 30s
      httpPost:
        scheme: HTTPS
        host: hooks.example.org
        path: /services/backup
        httpHeaders: [{name: Content-Type, value: application/json}]
        body: '{"text": {{ toJson (printf "backup of %s failed: %s" .Target.Name .Status.Error) }}}'
"#;

/// `hooks list --json` of one worker with no hooks file, and with one of 1,000 hooks: the difference is what reading,
/// checking, planning and printing them costs together.
pub fn report(scene: &Scene) {
    let mut text = "hooks:\n  postBackup:\n".to_owned();
    for number in 0..1000 {
        let _ = write!(text, "    - name: tell-{number}\n{HOOK}");
    }
    fs::write(scene.path("thousand.yaml"), text).expect("can be written");
    fs::write(scene.path("none.yaml"), "hooks: {}\n").expect("can be written");
    let listed = |file: &str| {
        let mut command = scene.command(BOATHOOK);
        command.args(["hooks", "list", "backup", "--json"]).env("HOOKS_FILE", scene.path(file));
        Cost::of(&mut command)
    };
    let rows = [
        Row::new("hooks list, no declared hooks", Box::new(|| listed("none.yaml"))),
        Row::new("hooks list, 1,000 of them", Box::new(|| listed("thousand.yaml"))),
    ];
    compare("a hooks file of 1,000 hooks", &rows, 30);
}
