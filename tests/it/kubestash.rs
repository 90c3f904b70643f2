//! The definitions of KubeStash, as its users have them.

use crate::came_from::{Page, hooks_of};
use crate::support::Sandbox;
use std::fs;

#[test]
fn the_page_shows_what_a_definition_becomes() {
    let page = Page::read("docs/hooks/from-kubestash.md");
    assert_eq!(
        hooks_of("ledger.yaml", &page.block("# ledger.yaml")),
        hooks_of("hooks.yaml", &page.block("# hooks.yaml"))
    );
}

#[test]
fn hooks_show_prints_what_the_page_shows() {
    let page = Page::read("docs/hooks/from-kubestash.md");
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ledger.yaml"), page.block("# ledger.yaml")).expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &sandbox.path("ledger.yaml").display().to_string()]).ends_with(0).stdout;
    assert_eq!(hooks_of("hooks.yaml", &shown), hooks_of("hooks.yaml", &page.block("# hooks.yaml")), "{shown}");
}

#[test]
fn the_page_runs_with_its_template_in_another_file() {
    let page = Page::read("docs/hooks/from-kubestash.md");
    let mut sandbox = Sandbox::with_stand_in_engine();
    let before = page.block("# ledger.yaml").replace("/tmp/ledger-notes", &sandbox.path("notes").display().to_string());
    let (template, configuration) = before.split_once("---\n").expect("are two documents");
    fs::write(sandbox.path("hooks/configuration.yaml"), configuration).expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("HookTemplate 'billing/ledger-quiesce' is in none of the files here"), "{out}");

    fs::write(sandbox.path("hooks/templates.yaml"), template).expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("quiesce") && out.contains("HOOKS_FOREIGN_EXEC=here"), "{out}");
    assert_eq!((sandbox.engine_log(), sandbox.notes()), (String::new(), String::new()));

    sandbox.set("HOOKS_FOREIGN_EXEC", "here");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "maintenance on 5\nmaintenance off 0\n");
}
