//! The section `Hooks` of `doctor`, through the real binary: every hook there could be, and why one would not run.

use crate::doctor::{WORKERS, assert_says, assert_shape, in_order, json, section};
use crate::support::{Sandbox, write_executable};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn the_hooks_section_has_a_line_for_every_hook_there_could_be() {
    let mut sandbox = in_order();
    sandbox.set("HOOK_TIMEOUT", "300");
    sandbox.hook("pre-backup.sh", "echo MUST NOT RUN >> $T/notes");
    sandbox.hook("pre-backup.10-dump.sh", "echo MUST NOT RUN >> $T/notes").hook("post-all.sh", "exit 0");
    fs::write(sandbox.path("hooks/post-restore-test.sh"), "#!/bin/sh\n").expect("can be written");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    let mut expected = vec!["HOOK_TIMEOUT: 300".to_owned()];
    for worker in WORKERS.into_iter().chain(["all"]) {
        for phase in ["pre", "post"] {
            let state = match (phase, worker) {
                ("pre", "backup") | ("post", "all") => "executable",
                ("post", "restore-test") => "not executable",
                _ => "not found",
            };
            expected.push(format!("hooks/{phase}-{worker}.sh: {state}"));
            if (phase, worker) == ("pre", "backup") {
                expected.push("hooks/pre-backup.10-dump.sh: executable".to_owned());
            }
        }
    }
    let lines = section(&report, "Hooks");
    assert_eq!(lines[..expected.len()], expected);
    // Our own findings follow, with the real path.
    let hooks = sandbox.path("hooks").display().to_string();
    assert_eq!(
        lines[expected.len()..],
        [
            format!("[OK] {hooks}/pre-backup.sh is executable"),
            format!("[OK] {hooks}/pre-backup.10-dump.sh is executable"),
            format!(
                "[WARN] {hooks}/post-restore-test.sh exists but is not executable (mode 0644): chmod +x \
                 {hooks}/post-restore-test.sh"
            ),
            format!("[OK] {hooks}/post-all.sh is executable"),
        ]
    );
    assert_eq!(sandbox.notes(), "");
    // Unset is 0, and what cannot be read is shown as it is given.
    sandbox.unset("HOOK_TIMEOUT");
    assert_eq!(section(&sandbox.run(&["doctor", "--no-probe"]).stdout, "Hooks")[0], "HOOK_TIMEOUT: 0");
    sandbox.set("HOOK_TIMEOUT", "soon");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    let lines = section(&report, "Hooks");
    assert_eq!(lines[0], "HOOK_TIMEOUT: soon");
    assert!(lines.iter().any(|line| line.starts_with("[FAIL] HOOK_TIMEOUT='soon' ")), "{report}");
}

/// A file in the hooks folder with this content and mode.
fn hook_file(sandbox: &Sandbox, file: &str, content: &str, mode: &str) -> String {
    let path = sandbox.path("hooks").join(file);
    write_executable(&path, content);
    let path = path.display().to_string();
    sandbox.run_program("chmod", &[mode, &path]).ends_with(0);
    path
}

/// That this is the finding about a hook that cannot run: a warning, a failure where hooks are critical, an error of
/// `hooks check`, and `not executable` in the list.
#[track_caller]
fn assert_cannot_run(sandbox: &mut Sandbox, hook: &str, finding: &str) {
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    assert_says(&report, "Hooks", &format!("[WARN] {finding}"));
    assert_says(&report, "Hooks", &format!("hooks/{hook}.sh: not executable"));
    sandbox.set("HOOK_ON_ERROR", "Fail");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    assert_says(&report, "Hooks", &format!("[FAIL] {finding}"));
    sandbox.unset("HOOK_ON_ERROR");
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    let scripts = document["hooks"]["scripts"].as_array().expect("is a list");
    let script = scripts.iter().find(|script| script["name"] == hook).expect("is listed");
    assert_eq!(script["executable"], false);
    for part in ["what", "mend"] {
        let said = script["problem"][part].as_str().expect("is text");
        assert!(finding.contains(said), "'{said}' is not in '{finding}'");
    }
    let check = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert!(check.contains(finding.split_once(": ").expect("has a mend").1), "{check}");
}

#[test]
fn a_hook_without_its_execute_bit_is_named_with_chmod() {
    let mut sandbox = in_order();
    let path = hook_file(&sandbox, "pre-backup.sh", "#!/bin/sh\n", "644");
    let finding = format!("{path} exists but is not executable (mode 0644): chmod +x {path}");
    assert_cannot_run(&mut sandbox, "pre-backup", &finding);
    sandbox.run_program("chmod", &["+x", &path]).ends_with(0);
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    assert_says(&report, "Hooks", &format!("[OK] {path} is executable"));
}

#[test]
fn a_config_map_without_execute_bits_is_named_with_its_default_mode() {
    let mut sandbox = in_order();
    fs::create_dir(sandbox.path("hooks/..2026_05_01")).expect("can be made");
    symlink("..2026_05_01", sandbox.path("hooks/..data")).expect("can be linked");
    hook_file(&sandbox, "..2026_05_01/pre-backup.sh", "#!/bin/sh\n", "644");
    symlink("..data/pre-backup.sh", sandbox.path("hooks/pre-backup.sh")).expect("can be linked");
    let path = sandbox.path("hooks/pre-backup.sh").display().to_string();
    let finding =
        format!("{path} exists but is not executable (mode 0644): set `defaultMode: 0755` on the ConfigMap's volume");
    assert_cannot_run(&mut sandbox, "pre-backup", &finding);
}

#[test]
fn windows_line_ends_in_the_first_line_are_named_with_sed() {
    let mut sandbox = in_order();
    let path = hook_file(&sandbox, "post-check.sh", "#!/bin/sh\r\necho\r\n", "755");
    let finding = format!(
        "{path} has a carriage return at the end of its #! line (Windows line ends): the kernel looks for \
         '/bin/sh\\r': sed -i 's/\\r$//' {path}"
    );
    assert_cannot_run(&mut sandbox, "post-check", &finding);
}

#[test]
fn an_interpreter_that_is_missing_is_named() {
    let mut sandbox = in_order();
    let path = hook_file(&sandbox, "pre-all.sh", "#!/opt/none/python3.99\n", "755");
    let finding = format!(
        "{path} needs the interpreter /opt/none/python3.99, which does not exist: install it in the image, or name \
         an interpreter that is there"
    );
    assert_cannot_run(&mut sandbox, "pre-all", &finding);
}

#[test]
fn a_dangling_link_and_a_folder_are_named() {
    let mut sandbox = in_order();
    symlink("../elsewhere/dump.sh", sandbox.path("hooks/pre-backup.10-dump.sh")).expect("can be linked");
    let path = sandbox.path("hooks/pre-backup.10-dump.sh").display().to_string();
    let finding =
        format!("{path} is a link to ../elsewhere/dump.sh, which does not exist: mend the link, or take {path} away");
    assert_cannot_run(&mut sandbox, "pre-backup.10-dump", &finding);

    let mut sandbox = in_order();
    fs::create_dir(sandbox.path("hooks/post-prune.sh")).expect("can be made");
    let path = sandbox.path("hooks/post-prune.sh").display().to_string();
    let finding = format!("{path} is a folder, not a file: put a script in its place, or take {path} away");
    assert_cannot_run(&mut sandbox, "post-prune", &finding);
}

#[test]
fn a_script_that_others_may_write_is_doubtful_and_refused_when_strict() {
    let mut sandbox = in_order();
    let path = hook_file(&sandbox, "pre-backup.sh", "#!/bin/sh\n", "777");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    assert_says(&report, "Hooks", "hooks/pre-backup.sh: executable");
    assert_says(&report, "Hooks", &format!("[OK] {path} is executable"));
    assert_says(&report, "Hooks", &format!("[WARN] {path} may be written by everybody (mode 0777): chmod o-w {path}"));
    sandbox.set("HOOKS_STRICT", "ON");
    let finding = format!("{path} may be written by everybody (mode 0777), and HOOKS_STRICT is ON: chmod o-w {path}");
    assert_cannot_run(&mut sandbox, "pre-backup", &finding);
}

#[test]
fn a_script_without_an_interpreter_line_and_an_empty_one_are_doubtful() {
    let sandbox = in_order();
    let plain = hook_file(&sandbox, "pre-backup.sh", "echo\n", "755");
    let empty = hook_file(&sandbox, "post-backup.sh", "", "755");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    assert_says(
        &report,
        "Hooks",
        &format!("[WARN] {plain} has no #! line: /bin/sh runs it: write #!/bin/sh as its first line"),
    );
    assert_says(
        &report,
        "Hooks",
        &format!("[WARN] {empty} is empty: it runs, and does nothing: write a script into it, or take it away"),
    );
    assert_says(&report, "Hooks", "hooks/pre-backup.sh: executable");
}

#[test]
fn every_entry_that_will_not_run_is_named_with_the_nearest_right_name() {
    let sandbox = in_order();
    let cases = [
        ("PRE-BACKUP.sh", "it is written in upper case; the nearest right name is pre-backup.sh"),
        ("pre-backup", "it has no `.sh` at its end; the nearest right name is pre-backup.sh"),
        (
            "pre-backup.old.sh",
            "it has the suffix `old`, which does not begin with a digit; the nearest right name is pre-backup.10-old.sh",
        ),
        ("pre-backup.py", "it ends in `.py` instead of `.sh`; the nearest right name is pre-backup.sh"),
        ("pre-backup.sh.txt", "it ends in `.sh.txt` instead of `.sh`; the nearest right name is pre-backup.sh"),
        ("pre-bakcup.sh", "it is called `pre-bakcup`, which is no hook; the nearest right name is pre-backup.sh"),
        ("pre-doctor.sh", "it names `doctor`, which runs no hooks"),
        ("pre_check.sh", "it has `_` where `-` belongs; the nearest right name is pre-check.sh"),
    ];
    for (file, _) in cases {
        hook_file(&sandbox, file, "#!/bin/sh\necho MUST NOT RUN >> \"$LOG_DIR/../notes\"\n", "755");
    }
    fs::create_dir(sandbox.path("hooks/pre-backup.d")).expect("can be made");
    fs::write(sandbox.path("hooks/words.csv"), "[]").expect("can be written");
    hook_file(&sandbox, ".pre-backup.sh", "#!/bin/sh\n", "755");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    let hooks = sandbox.path("hooks").display().to_string();
    for (file, why) in cases {
        assert_says(&report, "Hooks", &format!("[WARN] {hooks}/{file} will not run: {why}"));
    }
    let lines = section(&report, "Hooks");
    let about = |file: &str| lines.iter().find(|line| line.contains(&format!("/{file} will not run")));
    let folder = about("pre-backup.d").expect("the folder is named");
    assert!(
        folder.starts_with("[WARN] ") && folder.contains("is a folder, and hooks are files side by side"),
        "{folder}"
    );
    assert!(about("words.csv").is_some_and(|line| line.starts_with("[INFO] ") && line.contains("is data")), "{report}");
    assert_eq!(about(".pre-backup.sh"), None, "what is hidden is hidden");

    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    let strangers = document["hooks"]["strangers"].as_array().expect("is a list");
    assert_eq!(strangers.len(), cases.len() + 2);
    for stranger in strangers {
        assert_shape(stranger, &[("file", 's'), ("reason", 's'), ("nearest", '?'), ("attempt", 'b')]);
    }
    assert_eq!(
        (&strangers[2]["file"], &strangers[2]["nearest"]),
        (&"pre-backup.d".into(), &"pre-backup.10-name.sh".into())
    );
    // And none of them does run.
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "");
}

#[test]
fn a_hooks_folder_that_is_not_there_says_so_before_its_list() {
    let mut sandbox = in_order();
    let none = sandbox.path("none").display().to_string();
    let report = sandbox.set("HOOKS_DIR", &*none).run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    let lines = section(&report, "Hooks");
    assert_eq!(lines[1], "hooks/pre-backup.sh: not found");
    assert_eq!(lines.last(), Some(&format!("[WARN] Hook directory {none} is not mounted.").as_str()));
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    assert_eq!(document["hooks"]["directory_mounted"], false);
    assert_eq!(document["hooks"]["present"], serde_json::json!([]));
}
