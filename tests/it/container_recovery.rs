//! Containers that are killed at random moments of a run: what it owes is done at their next start.
//!
//! `BOATHOOK_SOAK_CONTAINERS` says how often (`make soak`).

use crate::containers::{Plan, image};
use crate::recovery_soak::{Numbers, unbalanced};
use std::fs;
use std::time::Duration;

/// Where hooks note what they have done.
const NOTES: &str = "/var/log/notes";

#[test]
fn a_killed_container_thaws_at_its_next_start() {
    let Some(image) = image() else { return };
    let runs = std::env::var("BOATHOOK_SOAK_CONTAINERS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let hooks = format!(
        "hooks:\n  preBackup:\n    - name: one\n      exec: {{command: [/bin/sh, -c, 'echo freeze one $RUN_ID >> {NOTES}; sleep 2']}}\n      \
         undo: {{exec: {{command: [/bin/sh, -c, 'sleep 1; echo thaw one $RUN_ID >> {NOTES}']}}}}\n  postBackup:\n    \
         - {{name: post, exec: {{command: [/bin/sh, -c, 'echo post $RUN_ID >> {NOTES}']}}}}\n"
    );
    let plan = Plan::new(image);
    fs::write(plan.path("hooks/hooks.yaml"), hooks).expect("can be written");
    let container = plan.start(&[]);
    container.wait_until_ready();
    let mut numbers = Numbers(6);
    for _ in 0..runs {
        let known = container.file(NOTES).lines().count();
        container.exec_detached(&["backup"]);
        container.wait_for("the freeze", || (container.file(NOTES).lines().count() > known).then_some(()));
        std::thread::sleep(Duration::from_secs(4).mul_f64(numbers.next()));
        container.docker(&["kill"]).ends_with(0);
        container.end();
        container.docker(&["start"]).ends_with(0);
        // The container does so by itself: whoever is second has nothing to do.
        container.wait_for("the end of the recovery", || {
            container.exec(&["boathook", "hooks", "recover"]).stdout.contains("Nothing is owed").then_some(())
        });
        assert_eq!(unbalanced(&container.file(NOTES)), [""; 0], "{}", container.logs());
    }
}
