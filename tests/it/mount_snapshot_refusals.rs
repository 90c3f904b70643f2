//! Where `mount-snapshot` does not mount.

use crate::support::Sandbox;
use std::fs;
use std::os::unix::fs::symlink;

/// What is refused, with its code; nothing is made, and monitoring sees it. Contract, section 6, checks 1 to 6; weakness
/// 3: refusals were string compares.
#[test]
fn refusals_have_their_codes_and_are_recorded() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-mount-snapshot.sh", "echo post $1 >> $T/notes");
    let path = |part: &str| sandbox.path(part).display().to_string();
    symlink(sandbox.path("data"), sandbox.path("link")).expect("can be linked");
    fs::create_dir(sandbox.path("full")).expect("can be made");
    fs::write(sandbox.path("full/file"), "x").expect("can be written");
    fs::write(sandbox.path("a-file"), "x").expect("can be written");
    let around = sandbox.path("data").parent().expect("has one").display().to_string();
    let mut cases: Vec<(Vec<String>, i32, &str)> = Vec::new();
    let mut case =
        |words: &[&str], code, said| cases.push((words.iter().map(|&word| word.to_owned()).collect(), code, said));
    case(&["--target", ""], 2, "--target is empty");
    for target in [
        "/",
        "//",
        "/usr/.",
        "/etc/../etc/x",
        "/data",
        "/data/deep/er",
        "/hooks/",
        "/mnt/restic",
        "/tmp",
        "/var/spool/cron",
    ] {
        case(&["--target", target], 2, "choose another --target");
    }
    for part in
        ["data", "data/.", "data/new", "link", "link/new", "log", "state/x", "run", "hooks", "config/x", "repo/x"]
    {
        case(&["--target", &path(part)], 2, "choose another --target");
    }
    case(&["--target", &around], 2, "holds");
    case(&["--target", &path("full")], 1, "is not empty");
    case(&["--target", &path("a-file")], 1, "is not a folder");
    case(&["--target", &path("a-file/x"), "--force"], 1, "cannot be made");
    case(&["--target", &path("new"), "--tag", ""], 2, "the tag filter is empty");
    case(&["--target", &path("new"), "--host=", "--force"], 2, "the host filter is empty");
    for (words, code, said) in cases {
        let mut all = vec!["mount-snapshot"];
        all.extend(words.iter().map(String::as_str));
        let finished = sandbox.run(&all).ends_with(code);
        assert!(finished.all().contains(said), "{words:?}: {}", finished.all());
        assert!(finished.all().contains("🏁 Finished snapshot mount at "), "{words:?}: {}", finished.all());
        assert_eq!(sandbox.summary("mount-snapshot")["exit_code"], code);
        assert_eq!(sandbox.notes(), format!("post {code}\n"));
        fs::remove_file(sandbox.path("notes")).expect("is there");
        assert_eq!(sandbox.engine_log(), "", "{words:?}");
    }
    assert!(!sandbox.path("new").exists() && !sandbox.path("data/new").exists());
    let without = sandbox.unset("RESTIC_PASSWORD").run(&["mount-snapshot"]).ends_with(2);
    assert!(without.all().contains("RESTIC_PASSWORD"), "{}", without.all());
    assert!(without.all().contains("🏁 Finished snapshot mount at "), "{}", without.all());
}
