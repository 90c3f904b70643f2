//! A repository on a file system that is mounted read-only: what only reads does so, and does not wait for a lock that
//! cannot be written (weakness 6 of the reference image).

use crate::support::Sandbox;
use std::process::Command;

fn mount(words: &[&str]) -> bool {
    Command::new("mount").args(words).status().is_ok_and(|status| status.success())
}

/// The same repository, read-only at another place.
fn shown_read_only(sandbox: &mut Sandbox) -> bool {
    let (from, to) = (sandbox.path("repo").display().to_string(), sandbox.path("read-only").display().to_string());
    std::fs::create_dir(&to).expect("can be made");
    let done = mount(&["--bind", &from, &to]) && mount(&["-o", "remount,ro,bind", &to]);
    sandbox.set("RESTIC_REPOSITORY", to);
    done
}

#[test]
fn what_only_reads_needs_no_lock_there() {
    for mut sandbox in Sandbox::with_each_repository() {
        let host = nix::unistd::gethostname().expect("has a name");
        sandbox.set("HOSTNAME", host.to_string_lossy());
        sandbox.run(&["backup"]).ends_with(0);
        if !shown_read_only(&mut sandbox) {
            println!("skipped: a read-only repository (nothing can be mounted here)");
            return;
        }
        let archive = sandbox.path("a.tar.gz").display().to_string();
        let target = sandbox.path("restored").display().to_string();
        sandbox.run(&["restore-test"]).ends_with(0);
        sandbox.run(&["restore-test", "--sample", "1"]).ends_with(0);
        sandbox.run(&["snapshot-export", "--output", &archive]).ends_with(0);
        sandbox.run(&["restore", "--yes", "--target", &target]).ends_with(0);
        sandbox.run(&["forget-preview", "--policy", "--keep-last 1"]).ends_with(0);
        assert_eq!(sandbox.repository_locks(), 0);
    }
}
