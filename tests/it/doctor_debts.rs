//! What `doctor` sees of runs that were killed, and of a `STATE_DIR` that could not tell of one.

use crate::debts_scene::{frozen, journals, killed};
use crate::support::{Finished, Sandbox};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn doctor(sandbox: &Sandbox) -> Value {
    let finished: Finished = sandbox.run(&["doctor", "--no-probe", "--json"]);
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.all()))
}

/// The findings of the section.
fn checks(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("is a text").to_owned();
    let checks = document["checks"].as_array().expect("is a list").iter();
    checks
        .filter(|one| one["section"] == "Open debts")
        .map(|one| (text(&one["status"]), text(&one["message"])))
        .collect()
}

#[track_caller]
fn found(document: &Value, status: &str, part: &str) -> String {
    let checks = checks(document);
    let found = checks.iter().find(|(is, message)| is == status && message.contains(part));
    found.unwrap_or_else(|| panic!("no {status} with {part:?} in {checks:?}")).1.clone()
}

fn contents(folder: &Path) -> Vec<(String, u64)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .expect("is there")
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().expect("is there").len()))
        .collect();
    all.sort();
    all
}

#[test]
fn an_open_debt_is_named_with_its_mends_and_a_recovery_is_told_of() {
    let sandbox = frozen();
    let before = doctor(&sandbox);
    assert_eq!(checks(&before).iter().filter(|(status, _)| status == "fail").count(), 0, "{before}");
    assert_eq!((&before["debts"]["undo_declared"], &before["debts"]["journal_problem"]), (&true.into(), &Value::Null));
    let run = killed(&sandbox);
    let there = contents(&sandbox.path("state/journal"));
    let document = doctor(&sandbox);
    let message = found(&document, "fail", &run);
    for part in [
        "(backup, 0m ago) is dead and owes the undo of 'freeze' (undo-freeze); ",
        "; the summary; the post hook 'tell'; the notification: ",
        "`boathook hooks recover`",
        &format!("`boathook hooks recover --forget {run}`"),
    ] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
    let debt = &document["debts"]["open"][0];
    assert_eq!(
        (&debt["run_id"], &debt["job"], &debt["problem"]),
        (&run.as_str().into(), &"backup".into(), &Value::Null)
    );
    assert_eq!(debt["owed"][0], "the undo of 'freeze' (undo-freeze)");
    assert_eq!(document["exit_code"], 1);
    assert_eq!(contents(&sandbox.path("state/journal")), there, "to look changes nothing");
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    let document = doctor(&sandbox);
    found(&document, "ok", "no dead run owes anything");
    let message = found(&document, "info", &run);
    assert!(
        message.contains("(backup): recovery at ")
            && message.contains(": success, undo-freeze completed, tell completed"),
        "{message}"
    );
    assert_eq!(document["debts"]["recoveries"][0]["parent"], run.as_str());
    assert_eq!(document["debts"]["recoveries"][0]["trigger"], "recovery");
}

#[test]
fn a_run_that_is_alive_is_no_debt() {
    let sandbox = frozen();
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    assert_eq!(journals(&sandbox).len(), 1);
    found(&doctor(&sandbox), "ok", "no dead run owes anything");
    running.signal(15);
    running.finish().ends_with(143);
}

#[test]
fn a_journal_that_cannot_be_read_is_never_taken_for_nothing_owed() {
    let sandbox = frozen();
    let run = killed(&sandbox);
    let path = journals(&sandbox).remove(0);
    let whole = fs::read(&path).expect("is there");
    // Of a version that is to come, and no journal at all.
    for text in ["00000000 {\"boathook_journal\":2}\n", "", "\u{0}\u{0}\n"] {
        fs::write(&path, text).expect("is ours");
        let document = doctor(&sandbox);
        let message = found(&document, "fail", &run);
        assert!(
            message.contains("what it owes is not known: ")
                && !message.contains("recover` does it now")
                && message.contains(&path.display().to_string()),
            "{message}"
        );
        assert!(document["debts"]["open"][0]["problem"].is_string(), "{document}");
    }
    fs::write(&path, whole).expect("is ours");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("is ours");
    let message = found(&doctor(&sandbox), "fail", &run);
    assert!(message.contains("others may write it (mode 0666)"), "{message}");
    // Of a worker that is to come, and no journal by its name.
    fs::rename(&path, path.with_file_name("20260511T073000Z-polish-0a1b2c3d.journal")).expect("is ours");
    fs::write(path.with_file_name("foo.journal"), "").expect("can be written");
    let document = doctor(&sandbox);
    let message = found(&document, "fail", "its worker 'polish' is not known to this program");
    assert!(message.ends_with("use the boathook that wrote it"), "{message}");
    found(&document, "fail", "foo.journal is no journal's name: move it away");
    let said = sandbox.run(&["hooks", "recover"]).ends_with(1).stderr;
    assert!(said.contains("foo.journal is no journal's name: move it away"), "{said}");
}

#[test]
fn a_state_folder_that_is_no_folder_fails_where_an_undo_is_declared_and_warns_where_none_is() {
    let mut sandbox = frozen();
    fs::write(sandbox.path("file"), "").expect("can be written");
    let state = sandbox.path("file/state").display().to_string();
    sandbox.set("STATE_DIR", state);
    let message = found(&doctor(&sandbox), "fail", "no run can keep a journal");
    assert!(message.contains("file is no folder: move it away, or set STATE_DIR"), "{message}");
    fs::remove_file(sandbox.path("hooks/hooks.yaml")).expect("is there");
    found(&doctor(&sandbox), "warn", "no run can keep a journal");
}

#[test]
fn a_state_folder_that_is_mounted_read_only_fails() {
    let sandbox = frozen();
    let state = sandbox.path("state");
    let none: Option<&str> = None;
    if let Err(error) = mount(Some("tmpfs"), &state, Some("tmpfs"), MsFlags::MS_RDONLY, none) {
        eprintln!("SKIPPED a_state_folder_that_is_mounted_read_only_fails: nothing can be mounted here ({error})");
        return;
    }
    let document = doctor(&sandbox);
    umount2(&state, MntFlags::MNT_DETACH).expect("is mounted");
    let message = found(&document, "fail", "no run can keep a journal");
    assert!(message.contains("is mounted read-only: mount it for writing"), "{message}");
}

#[test]
fn a_state_folder_without_room_fails() {
    let sandbox = frozen();
    let state = sandbox.path("state");
    if let Err(error) = mount(Some("tmpfs"), &state, Some("tmpfs"), MsFlags::empty(), Some("size=4k,mode=700")) {
        eprintln!("SKIPPED a_state_folder_without_room_fails: nothing can be mounted here ({error})");
        return;
    }
    // To its last byte: the write ends with an error.
    let _ = fs::write(state.join("full"), [0; 16 * 1024]);
    let document = doctor(&sandbox);
    umount2(&state, MntFlags::MNT_DETACH).expect("is mounted");
    let message = found(&document, "fail", "no run can keep a journal");
    assert!(message.contains("has no room left: free some"), "{message}");
}

#[test]
fn a_state_folder_of_somebody_else_fails_for_who_is_not_root() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED a_state_folder_of_somebody_else_fails_for_who_is_not_root: only root becomes somebody else");
        return;
    }
    let sandbox = frozen();
    fs::set_permissions(sandbox.path(""), Permissions::from_mode(0o755)).expect("is ours");
    fs::set_permissions(sandbox.path("state"), Permissions::from_mode(0o755)).expect("is ours");
    let mut command = sandbox.command("setpriv", &["--reuid=4711", "--regid=4711", "--clear-groups"]);
    command.args([crate::support::BOATHOOK, "doctor", "--no-probe", "--json"]);
    let finished = Sandbox::spawn(command).finish();
    let Ok(document) = serde_json::from_str::<Value>(&finished.stdout) else {
        eprintln!(
            "SKIPPED a_state_folder_of_somebody_else_fails_for_who_is_not_root: another user cannot run it here ({})",
            finished.all()
        );
        return;
    };
    let message = found(&document, "fail", "no run can keep a journal");
    assert!(message.contains("user 4711 may not write into"), "{message}");
}
