//! Which hooks a run has, why one of them cannot run, and its limit.

use crate::support::{Sandbox, write_executable};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn the_plan_of_a_run_is_made_once_at_its_start() {
    let sandbox = Sandbox::with_stand_in_engine();
    let new = "printf '#!/bin/sh\\necho MUST NOT RUN >> %s/notes\\n' $T > $T/hooks/$file; chmod 755 $T/hooks/$file";
    sandbox.hook(
        "pre-backup.sh",
        &format!("for file in pre-backup.20-new.sh post-backup.sh; do {new}; done\nrm $T/hooks/pre-backup.30-gone.sh"),
    );
    sandbox.hook("pre-backup.30-gone.sh", "echo MUST NOT RUN >> $T/notes");
    sandbox.hook("post-backup.10-old.sh", "echo old >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "old\n");
    let summary = sandbox.summary("backup");
    let hooks = summary["hooks"].as_array().expect("is a list");
    let names: Vec<&str> = hooks.iter().map(|hook| hook["name"].as_str().expect("is text")).collect();
    assert_eq!(names, ["pre-backup", "pre-backup.30-gone", "post-backup.10-old"]);
    // What was planned and is gone is no silent skip either.
    assert_eq!((&hooks[1]["status"], &hooks[1]["exit_code"]), (&"failed".into(), &126.into()));
    assert_eq!(summary["status"], "warning");
}

#[test]
fn every_reason_that_keeps_a_hook_from_running_is_an_error_of_the_run() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let hooks = sandbox.path("hooks");
    let plain = |file: &str, text: &str| write_executable(&hooks.join(file), text);
    fs::write(hooks.join("pre-backup.10-mode.sh"), "#!/bin/sh\n").expect("can be written");
    plain("pre-backup.20-interpreter.sh", "#!/none/python99\n");
    plain("pre-backup.30-windows.sh", "#!/bin/sh\r\n");
    fs::create_dir(hooks.join("pre-backup.40-folder.sh")).expect("can be made");
    symlink("nowhere", hooks.join("pre-backup.50-dangling.sh")).expect("can be linked");
    sandbox.hook("pre-backup.60-sound.sh", "echo sound >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_eq!(sandbox.notes(), "sound\n");
    let log = sandbox.log("backup");
    let summary = sandbox.summary("backup");
    let reasons = [
        ("10-mode", "is not executable (mode 0644)", "chmod +x"),
        ("20-interpreter", "needs the interpreter /none/python99, which does not exist", "install it"),
        ("30-windows", "has a carriage return at the end of its #! line", "sed -i"),
        ("40-folder", "is a folder, not a file", "put a script in its place"),
        ("50-dangling", "is a link to nowhere, which does not exist", "mend the link"),
    ];
    for (place, (name, why, mend)) in reasons.into_iter().enumerate() {
        let hook = &summary["hooks"][place];
        assert_eq!(hook["name"], format!("pre-backup.{name}"));
        assert_eq!(
            (&hook["status"], &hook["exit_code"], &hook["attempts"]),
            (&"failed".into(), &126.into(), &0.into())
        );
        assert!(hook["reason"].as_str().is_some_and(|reason| reason.contains(why)), "{hook}");
        for text in [&out, &log] {
            let line = text.lines().position(|line| line.starts_with(&format!("❌ Hook pre-backup.{name} ")));
            let line = line.unwrap_or_else(|| panic!("nothing is said of {name} in\n{text}"));
            assert!(text.lines().nth(line + 1).is_some_and(|next| next.contains(mend)), "{name}: {text}");
        }
        assert!(out.lines().any(|line| line.starts_with("  ❌ ") && line.contains(name)), "{name} is no task: {out}");
    }
    assert_eq!((&summary["status"], &summary["hooks_verdict"]), (&"warning".into(), &"failed".into()));
    // Where a failed hook forbids the work, one that cannot run does.
    sandbox.set("HOOK_ON_ERROR", "Fail").run(&["backup"]).ends_with(120);
}

#[test]
fn a_limit_is_seconds_or_a_duration() {
    let mut sandbox = Sandbox::new();
    sandbox.hook("pre-backup.sh", "exit 0");
    let limits =
        [("7", "limit 7s"), ("90s", "limit 90s"), ("5m", "limit 300s"), ("1h30m", "limit 5400s"), ("0", "no limit")];
    for (given, shown) in limits {
        let out = sandbox.set("HOOK_TIMEOUT", given).run(&["hooks", "list", "backup"]).ends_with(0).stdout;
        assert!(out.contains(&format!("  {shown}, onError Continue")), "{given}: {out}");
    }
}
