//! The definitions of Stash, as its users have them.

use crate::came_from::{Page, hooks_of};
use crate::loopback::Http;
use crate::support::Sandbox;
use std::fs;

fn mount(sandbox: &Sandbox, text: &str) {
    fs::write(sandbox.path("hooks/stash.yaml"), text).expect("can be written");
}

#[test]
fn the_page_shows_what_a_definition_becomes() {
    let page = Page::read("docs/hooks/from-stash.md");
    assert_eq!(hooks_of("wiki.yaml", &page.block("# wiki.yaml")), hooks_of("hooks.yaml", &page.block("# hooks.yaml")));
}

#[test]
fn hooks_show_prints_what_the_page_shows() {
    let page = Page::read("docs/hooks/from-stash.md");
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("wiki.yaml"), page.block("# wiki.yaml")).expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &sandbox.path("wiki.yaml").display().to_string()]).ends_with(0).stdout;
    assert_eq!(hooks_of("hooks.yaml", &shown), hooks_of("hooks.yaml", &page.block("# hooks.yaml")), "{shown}");
}

#[test]
fn a_command_of_another_container_fails_the_run_and_says_how_to_run_it_here() {
    let page = Page::read("docs/hooks/from-stash.md");
    let sandbox = Sandbox::with_stand_in_engine();
    mount(&sandbox, &page.block("# wiki.yaml").replace("hooks.example.net", "127.0.0.1"));
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("wiki.preBackup") && out.contains("HOOKS_FOREIGN_EXEC=here"), "{out}");
    assert_eq!(sandbox.engine_log(), "");
}

#[test]
fn the_page_runs_here_when_it_is_told_to() {
    let page = Page::read("docs/hooks/from-stash.md");
    let server = Http::answering("204 No Content");
    let mut sandbox = Sandbox::with_stand_in_engine();
    let (address, port) = address(&server);
    let before = page.block("# wiki.yaml").replace("/tmp/wiki-notes", &sandbox.path("notes").display().to_string());
    let before = before.replace("hooks.example.net", &address).replace("port: 443", &format!("port: {port}"));
    mount(&sandbox, &before.replace("scheme: HTTPS", "scheme: HTTP"));
    sandbox.set("HOOKS_FOREIGN_EXEC", "here");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "readonly on\n");
    assert_eq!(server.others().len(), 0, "OnFailure ran after a success");

    sandbox.set("ENGINE_EXIT", "7");
    sandbox.run(&["backup"]).ends_with(7);
    let request = server.request();
    assert_eq!((request.line.as_str(), request.header("x-team")), ("POST /alert HTTP/1.1", Some("storage")));
    assert!(request.body.starts_with("{\"msg\": \"apps/wiki: "), "{}", request.body);
}

#[test]
fn a_mistake_in_a_definition_fails_the_run_before_its_work() {
    let page = Page::read("docs/hooks/from-stash.md");
    let sandbox = Sandbox::with_stand_in_engine();
    mount(&sandbox, &page.block("# wiki.yaml").replace("containerName: wiki", "containername: wiki"));
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("unknown field 'containername' in spec.hooks.preBackup"), "{out}");
    assert!(out.contains("did you mean 'containerName'?"), "{out}");
    // It defines nothing for other workers.
    sandbox.run(&["unlock"]).ends_with(0);
}

fn address(server: &Http) -> (String, String) {
    let url = server.url("/");
    let authority = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (host, port) = authority.rsplit_once(':').expect("has a port");
    (host.to_owned(), port.to_owned())
}
