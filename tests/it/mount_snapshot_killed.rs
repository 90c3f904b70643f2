//! `mount-snapshot` with somebody killed, alone or together with others: nothing stays mounted, and nobody is left.

use crate::mount_snapshot::{Mounted, assert_normal_end, is_mounted, mounted, sandboxes};
use crate::support::{send, wait_for};
use std::fs;
use std::path::Path;

fn child_named(parent: i32, name: &str) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    let mut children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    children.find(|pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name))
}

/// Keeper, worker, engine and cleaner of a mount.
struct Cast {
    keeper: i32,
    worker: i32,
    engine: i32,
    cleaner: i32,
}

impl Cast {
    fn of(mounted: &Mounted) -> Self {
        let keeper = mounted.running.pid();
        let worker = wait_for("the worker", || child_named(keeper, "boathook"));
        let engine = wait_for("the engine", || child_named(worker, "restic"));
        let cleaner = wait_for("the cleaner", || child_named(worker, "boathook-clean"));
        Self { keeper, worker, engine, cleaner }
    }

    fn wait_for_the_end(&self) {
        for pid in [self.keeper, self.worker, self.engine, self.cleaner] {
            let is_over = || {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
            };
            wait_for(&format!("the end of {pid}"), is_over);
        }
    }
}

#[test]
fn a_killed_restic_leaves_no_dead_mount() {
    for mut sandbox in sandboxes() {
        sandbox.set("RESTIC_AUTO_UNLOCK", "ON");
        let mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        send(cast.engine, 9);
        let finished = mounted.running.finish().ends_with(137);
        assert!(finished.all().contains("which restic had left mounted"), "{}", finished.all());
        assert!(!Path::new(&format!("/proc/{}", cast.cleaner)).exists(), "the cleaner is there after the command");
        assert_eq!(sandbox.notes(), format!("post 137 failure free {}\n", mounted.point.display()));
        assert_eq!(sandbox.repository_locks(), 0);
        assert!(sandbox.error_log("mount-snapshot").is_some());
        cast.wait_for_the_end();
    }
}

#[test]
fn a_killed_worker_leaves_no_mount() {
    for sandbox in sandboxes() {
        let mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        send(cast.worker, 9);
        mounted.running.finish().ends_with(137);
        assert!(!Path::new(&format!("/proc/{}", cast.cleaner)).exists(), "the cleaner is there after the command");
        assert_eq!(sandbox.notes(), format!("post 137 interrupted free {}\n", mounted.point.display()));
        assert!(!is_mounted(&mounted.point));
        assert_eq!(sandbox.repository_locks(), 0);
        cast.wait_for_the_end();
    }
}

#[test]
fn a_killed_keeper_leaves_a_mount_that_ends_normally() {
    for sandbox in sandboxes() {
        let mut mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        send(cast.keeper, 9);
        mounted.running.end();
        assert!(is_mounted(&mounted.point) && mounted.point.join("snapshots/latest").exists());
        send(cast.worker, 15);
        cast.wait_for_the_end();
        assert_normal_end(&sandbox, &mounted.point);
    }
}

/// Nobody is left who could run a post hook; what is left behind is nothing.
#[test]
fn keeper_and_worker_killed_together_leave_nothing() {
    for sandbox in sandboxes() {
        let mut mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        // Stopped first: the keeper must not have the time for a successor.
        send(cast.keeper, 19);
        send(cast.worker, 9);
        send(cast.keeper, 9);
        mounted.running.end();
        cast.wait_for_the_end();
        assert!(!is_mounted(&mounted.point));
        assert_eq!(sandbox.repository_locks(), 0);
        sandbox.expect_no_process();
    }
}

#[test]
fn restic_and_worker_killed_together_leave_no_dead_mount() {
    for sandbox in sandboxes() {
        let mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        send(cast.worker, 19);
        send(cast.engine, 9);
        send(cast.worker, 9);
        mounted.running.finish().ends_with(137);
        assert_eq!(sandbox.notes(), format!("post 137 interrupted free {}\n", mounted.point.display()));
        cast.wait_for_the_end();
    }
}

/// Only the cleaner is left, and a mount that nobody serves.
#[test]
fn all_three_killed_together_leave_no_dead_mount() {
    for sandbox in sandboxes() {
        let mut mounted = mounted(&sandbox, &[]);
        let cast = Cast::of(&mounted);
        for pid in [cast.keeper, cast.worker] {
            send(pid, 19);
        }
        for pid in [cast.engine, cast.worker, cast.keeper] {
            send(pid, 9);
        }
        mounted.running.end();
        cast.wait_for_the_end();
        assert!(!is_mounted(&mounted.point));
    }
}
