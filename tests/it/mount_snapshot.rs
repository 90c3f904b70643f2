//! `mount-snapshot`, through the real binary on real repositories of both restics, with real mounts.

use crate::containers::skip;
use crate::support::{Running, Sandbox, wait_for};
use crate::terminal::{AtTerminal, CTRL_C};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The hook that looks whether the target is still mounted, and says so with its argument and the run's status.
const POST_HOOK: &str = "\
if grep -q \" $RUN_TARGET \" /proc/self/mountinfo; then m=mounted; else m=free; fi\n\
echo post $1 $RUN_STATUS $m $RUN_TARGET >> $T/notes";

/// Whether something can be mounted here; says that the test is skipped if not.
pub fn can_mount() -> bool {
    let device = fs::OpenOptions::new().read(true).write(true).open("/dev/fuse");
    let helper = ["/usr/bin/fusermount", "/bin/fusermount"].iter().any(|path| Path::new(path).exists());
    match (device, helper) {
        (Ok(_), true) => true,
        (Err(error), _) => {
            // What a machine cannot have is no fault of the tests' set-up.
            println!("skipped: mounts: /dev/fuse: {error}");
            false
        }
        (Ok(_), false) => {
            skip("there is no fusermount: tests/install.sh test installs it");
            false
        }
    }
}

/// A sandbox of each restic, with one snapshot, and hooks that tell how it went.
pub fn sandboxes() -> Vec<Sandbox> {
    if !can_mount() {
        return Vec::new();
    }
    let mut sandboxes = Sandbox::with_each_repository();
    for sandbox in &mut sandboxes {
        fs::create_dir(sandbox.path("mnt")).expect("can be made");
        sandbox.restic(&["backup", "--tag", "automated", "--host", "test-host", &text(sandbox, "data")]).ends_with(0);
        sandbox.hook("post-mount-snapshot.sh", POST_HOOK);
    }
    sandboxes
}

/// A part of the sandbox, as the words of a command.
fn text(sandbox: &Sandbox, part: &str) -> String {
    sandbox.path(part).canonicalize().unwrap_or_else(|_| sandbox.path(part)).display().to_string()
}

/// Whether something is mounted at this place.
pub fn is_mounted(point: &Path) -> bool {
    let list = fs::read_to_string("/proc/self/mountinfo").expect("is there");
    list.lines().any(|line| line.split(' ').nth(4) == Some(&point.display().to_string()))
}

/// A mount that goes on: the command, and where it is.
pub struct Mounted {
    pub running: Running,
    pub point: PathBuf,
}

/// Starts the command, and waits until the snapshots can be seen.
pub fn mounted(sandbox: &Sandbox, more: &[&str]) -> Mounted {
    let point = sandbox.path("mnt");
    let running = sandbox.start(&[&["mount-snapshot", "--target", &point.display().to_string()], more].concat());
    // Not by looking into it: what is there may be a dead mount, whose names the kernel still knows.
    wait_for("the line that it is mounted", || sandbox.log("mount-snapshot").contains("✅ Mounted at ").then_some(()));
    wait_for_mount(&point);
    Mounted { running, point }
}

pub fn wait_for_mount(point: &Path) {
    wait_for("the mount", || is_mounted(point).then_some(()));
    wait_for("the snapshots", || point.join("snapshots/latest").symlink_metadata().ok());
}

/// Asserts that a run has ended as it is meant to: success, nothing mounted, no lock, nobody left, hook told.
pub fn assert_normal_end(sandbox: &Sandbox, point: &Path) {
    assert!(!is_mounted(point));
    assert_eq!(sandbox.notes(), format!("post 0 success free {}\n", point.display()));
    let summary = sandbox.summary("mount-snapshot");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"success".into(), &0.into()), "{summary}");
    assert_eq!(sandbox.repository_locks(), 0);
    assert!(sandbox.log("mount-snapshot").contains("✅ Snapshot mount finished cleanly."));
    assert_eq!(sandbox.error_log("mount-snapshot"), None);
    sandbox.expect_no_process();
}

/// Contract, section 6: the tree, the lines, the keys. Weakness 24: Ctrl-C lost restic's farewell.
#[test]
fn ctrl_c_is_a_normal_end() {
    for sandbox in sandboxes() {
        let point = sandbox.path("mnt");
        let target = point.display().to_string();
        let mut person = AtTerminal::start(&sandbox, &["mount-snapshot", "--target", &target]);
        person.expect(&format!("✅ Mounted at '{target}'"));
        wait_for_mount(&point);
        let file = point.join("snapshots/latest").join(text(&sandbox, "data").trim_start_matches('/')).join("one.txt");
        assert_eq!(fs::read_to_string(&file).expect("is in the snapshot"), "one\n");
        assert!(
            point.join("ids").exists()
                && point.join("hosts/test-host").exists()
                && point.join("tags/automated").exists()
        );
        person.types(CTRL_C);
        let (code, shown) = person.ends();
        assert_eq!(code, 0, "{shown}");
        assert_normal_end(&sandbox, &point);
        crate::support::assert_in_order(
            &shown,
            &[
                "🔌 Starting snapshot mount at ",
                "🔎 Mounting host/tag-scoped tree (host='test-host', tag='automated').",
                &format!("📂 Mounting at '{target}'. "),
                "✅ Mounted at ",
                "✅ Snapshot mount finished cleanly.",
                "🏁 Finished snapshot mount at ",
            ],
        );
        let log = sandbox.log("mount-snapshot");
        assert!(log.contains(&format!("TARGET: {target}\n")) && log.contains("Now serving the repository"), "{log}");
        let summary = sandbox.summary("mount-snapshot");
        let keys: Vec<&String> = summary.as_object().expect("is one").keys().skip(6).take(7).collect();
        let expected = ["repository", "target", "repo_wide", "allow_other", "host_filter", "tag_filter", "exit_code"];
        assert_eq!(keys, expected, "{summary}");
    }
}

/// Weakness 24: SIGTERM lost the whole tail.
#[test]
fn sigterm_is_a_normal_end() {
    for sandbox in sandboxes() {
        let Mounted { running, point } = mounted(&sandbox, &[]);
        running.signal(15);
        running.finish().ends_with(0);
        assert_normal_end(&sandbox, &point);
    }
}

#[test]
fn an_unmount_from_outside_is_a_normal_end() {
    for sandbox in sandboxes() {
        for words in [&["umount"][..], &["fusermount", "-u"]] {
            let Mounted { running, point } = mounted(&sandbox, &["--allow-other", "--path", &text(&sandbox, "data")]);
            sandbox.run_program(words[0], &[&words[1..], &[&point.display().to_string()]].concat()).ends_with(0);
            running.finish().ends_with(0);
            assert_normal_end(&sandbox, &point);
            let summary = sandbox.summary("mount-snapshot");
            assert_eq!((&summary["allow_other"], &summary["repo_wide"]), (&"ON".into(), &"OFF".into()));
            assert_eq!(summary["path_filters"], text(&sandbox, "data"));
            fs::remove_file(sandbox.path("notes")).expect("is there");
            fs::remove_file(sandbox.path("log/mount-snapshot-last.log")).expect("is there");
        }
    }
}

/// Somebody stands in the folder: restic cannot unmount it, and nothing hangs.
#[test]
fn a_mount_that_is_used_is_taken_away_all_the_same() {
    for sandbox in sandboxes() {
        let Mounted { running, point } = mounted(&sandbox, &[]);
        let mut sitter = sandbox.command("sleep", &["1000"]);
        sitter.current_dir(&point);
        let sitter = Sandbox::spawn(sitter);
        running.signal(2);
        let finished = running.finish().ends_with(0);
        assert!(finished.all().contains(&format!("was still used by sleep ({})", sitter.pid())), "{}", finished.all());
        sitter.signal(9);
        sitter.finish();
        assert_normal_end(&sandbox, &point);
    }
}

/// A target on which something is mounted: restic's dead mount is taken away, a living one is somebody's.
#[test]
fn a_dead_mount_is_taken_away_and_a_living_one_is_refused() {
    for sandbox in sandboxes() {
        let point = sandbox.path("mnt");
        let target = point.display().to_string();
        let other = sandbox.start_program("restic", &["mount", &target]);
        wait_for_mount(&point);
        for more in [&[][..], &["--force"]] {
            let words = [&["mount-snapshot", "--target", &target], more].concat();
            let finished = sandbox.run(&words).ends_with(1);
            assert!(finished.all().contains("is mounted already (restic serves"), "{}", finished.all());
        }
        assert!(point.join("snapshots/latest").exists(), "somebody else's mount was taken away");
        other.signal(9);
        other.finish();
        assert!(is_mounted(&point));
        fs::remove_file(sandbox.path("notes")).expect("is there");
        for log in ["last", "error-last"] {
            fs::remove_file(sandbox.path(format!("log/mount-snapshot-{log}.log"))).expect("is there");
        }
        sandbox.restic(&["unlock", "--remove-all"]).ends_with(0);
        let Mounted { running, point } = mounted(&sandbox, &[]);
        running.signal(15);
        let finished = running.finish().ends_with(0);
        assert!(finished.all().contains("Took away a dead mount"), "{}", finished.all());
        assert_normal_end(&sandbox, &point);
    }
}

/// Weakness 29: filters that match nothing gave an empty folder without a word.
#[test]
fn filters_that_match_nothing_are_told() {
    for sandbox in sandboxes() {
        let point = sandbox.path("mnt");
        let words = ["mount-snapshot", "--host", "nobody", "--target", &point.display().to_string()];
        let running = sandbox.start(&words);
        wait_for("the mount", || point.join("ids").exists().then_some(()));
        running.signal(15);
        let finished = running.finish().ends_with(0);
        assert!(finished.all().contains("⚠️ No snapshot matches tag='automated' host='nobody'"), "{}", finished.all());
        // `--since` is not known here, and an empty value is refused.
        let flags = "; choose with --host and --tag, or take --repo-wide";
        assert!(finished.all().contains(flags), "{}", finished.all());
        assert!(finished.all().contains("hosts: test-host"), "{}", finished.all());
    }
}

/// Weakness 31: a password by command is one.
#[test]
fn a_password_by_command_is_accepted() {
    for mut sandbox in sandboxes() {
        sandbox.unset("RESTIC_PASSWORD").set("RESTIC_PASSWORD_COMMAND", "echo correct-horse-battery");
        let Mounted { running, point } = mounted(&sandbox, &["--repo-wide", "--host", ""]);
        running.signal(15);
        running.finish().ends_with(0);
        assert_normal_end(&sandbox, &point);
        let summary = sandbox.summary("mount-snapshot");
        assert_eq!((summary.get("host_filter"), &summary["repo_wide"]), (None, &"ON".into()));
        assert!(sandbox.log("mount-snapshot").contains("⚠️ Mounting repository-wide tree (--repo-wide)."));
    }
}

/// Weakness 24: root mounts under `no_new_privs`.
#[test]
fn root_mounts_without_new_privileges_and_nobody_else_does() {
    for sandbox in sandboxes() {
        if !nix::unistd::geteuid().is_root() {
            return println!("skipped: no_new_privs (needs root)");
        }
        let point = sandbox.path("mnt");
        let target = point.display().to_string();
        let words = ["--no-new-privs", crate::support::BOATHOOK, "mount-snapshot", "--target", &target];
        let running = sandbox.start_program("setpriv", &words);
        wait_for_mount(&point);
        running.signal(15);
        running.finish().ends_with(0);
        assert_normal_end(&sandbox, &point);
        let without = ["--bounding-set", "-sys_admin", crate::support::BOATHOOK, "mount-snapshot", "--target", &target];
        let finished = sandbox.run_program("setpriv", &without).ends_with(2);
        assert!(finished.all().contains("CAP_SYS_ADMIN is missing"), "{}", finished.all());
        assert_eq!(sandbox.summary("mount-snapshot")["exit_code"], 2);
    }
}

/// restic's own codes pass through, and a failure that has to do with rights is followed by a hint.
#[test]
fn failures_of_restic_pass_through() {
    for mut sandbox in sandboxes() {
        let modern = sandbox.restic_version() >= (0, 17);
        sandbox.set("RESTIC_PASSWORD", "wrong");
        let target = sandbox.path("mnt").display().to_string();
        let finished = sandbox.run(&["mount-snapshot", "--target", &target]);
        let finished = finished.ends_with(crate::repository::Code::WrongPassword.of(modern));
        assert!(finished.all().contains("❌ Snapshot mount exited with status"), "{}", finished.all());
        assert!(!finished.all().contains("💡 Hint:"), "{}", finished.all());
        assert!(sandbox.error_log("mount-snapshot").is_some());
        sandbox.expect_no_process();
    }
    let sandbox = Sandbox::with_stand_in_engine();
    crate::support::write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\ncase \"$1\" in mount) echo 'fusermount: mount failed: Operation not permitted' >&2; exit 1;; esac\n",
    );
    if can_mount() {
        let finished =
            sandbox.run(&["mount-snapshot", "--target", &sandbox.path("x").display().to_string()]).ends_with(1);
        assert_eq!(finished.all().lines().filter(|line| line.starts_with("💡 Hint:")).count(), 1, "{}", finished.all());
        assert!((1..=5).all(|number| finished.all().contains(&format!("\n  {number}. "))));
    }
}

/// What `--force` lifts: where the target lies, and that it is not empty.
#[test]
fn force_lifts_what_it_may() {
    for sandbox in sandboxes() {
        fs::create_dir(sandbox.path("data/full")).expect("can be made");
        fs::write(sandbox.path("data/full/file"), "x").expect("can be written");
        let point = sandbox.path("data/full");
        let running = sandbox.start(&["mount-snapshot", "--force", "--target", &point.display().to_string()]);
        wait_for_mount(&point);
        running.signal(15);
        running.finish().ends_with(0);
        assert_normal_end(&sandbox, &point);
        assert!(point.join("file").exists());
    }
}

/// Contract, section 6, check 8: restic looks for fusermount by that name.
#[test]
fn without_fusermount_nothing_is_tried() {
    for mut sandbox in sandboxes() {
        let bin = sandbox.path("only");
        fs::create_dir(&bin).expect("can be made");
        for tool in ["sh", "cat", "grep"] {
            symlink(Path::new("/bin").join(tool), bin.join(tool)).expect("can be linked");
        }
        sandbox.set("PATH", bin.display().to_string());
        let finished = sandbox.run(&["mount-snapshot", "--target", &sandbox.path("mnt").display().to_string()]);
        let finished = finished.ends_with(2);
        assert!(finished.all().contains("fusermount is not in PATH"), "{}", finished.all());
    }
}
