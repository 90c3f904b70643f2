//! The cleaner (`src/run/cleaner.rs`), started as a worker starts it: what is still owed when everybody is gone is paid,
//! and nothing else is touched.

use crate::support::{BOATHOOK, send, wait_for, write_executable};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send as tell, socketpair};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A cleaner, and our end of its socket.
struct Cleaner {
    child: Child,
    ours: OwnedFd,
}

impl Cleaner {
    fn start(program: &Path, user: Option<u32>) -> Self {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .expect("descriptors are there");
        let mut command = Command::new(program);
        command.arg("debt-cleaner").env_clear().stdin(Stdio::null()).current_dir("/");
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let number = theirs.as_raw_fd();
        // SAFETY: plain system calls, which are allowed between fork and exec.
        unsafe {
            command.pre_exec(move || {
                if libc::dup2(number, 3) < 0 || libc::fcntl(3, libc::F_SETFD, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().expect("can be started");
        drop(theirs);
        let cleaner = Self { child, ours };
        assert_eq!(recv(cleaner.ours.as_raw_fd(), &mut [0; 8], MsgFlags::empty()), Ok(1), "it says that it is there");
        cleaner
    }

    fn tell(&self, word: &str) -> &Self {
        tell(self.ours.as_raw_fd(), word.as_bytes(), MsgFlags::MSG_NOSIGNAL).expect("it listens");
        self
    }

    fn owes(&self, kind: &str, path: &Path) -> &Self {
        self.tell(&format!("{{\"Owes\":{{\"{kind}\":{:?}}}}}", path.as_os_str().as_bytes()))
    }

    /// Whoever owes is gone.
    fn left_alone(mut self) -> i32 {
        drop(self.ours);
        self.child.wait().expect("ends").code().expect("ends by itself")
    }
}

fn cleaner() -> Cleaner {
    Cleaner::start(Path::new(BOATHOOK), None)
}

#[test]
fn what_is_owed_is_paid_at_the_end_and_what_was_paid_stays() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| root.path().join(name);
    for name in ["work/deep", "kept", "paid"] {
        fs::create_dir_all(at(name)).expect("can be made");
    }
    fs::write(at("work/deep/file"), "x").expect("can be written");
    fs::write(at("half"), "x").expect("can be written");
    fs::write(at("kept/file"), "x").expect("can be written");
    symlink(at("kept"), at("work/link")).expect("can be linked");
    let cleaner = cleaner();
    cleaner
        .owes("Folder", &at("work"))
        .owes("File", &at("half"))
        .owes("Folder", &at("paid"))
        .owes("File", &at("never"));
    cleaner.tell(&format!("{{\"Paid\":{{\"Folder\":{:?}}}}}", at("paid").as_os_str().as_bytes()));
    assert!(at("work/deep/file").exists() && at("half").exists(), "nothing is touched before");
    assert_eq!(cleaner.left_alone(), 0);
    assert!(!at("work").exists() && !at("half").exists());
    assert!(at("paid").exists() && at("kept/file").exists());
}

#[test]
fn it_obeys_neither_terminal_nor_operator_and_leaves_when_it_is_told() {
    let mut cleaner = cleaner();
    for signal in [1, 2, 3, 13, 15] {
        let ignored = fs::read_to_string(format!("/proc/{}/status", cleaner.child.id())).expect("is there");
        let set = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("is told").trim().to_owned();
        let set = u64::from_str_radix(&set, 16).expect("is a number");
        assert!(set >> (signal - 1) & 1 == 1, "{signal}");
        send(cleaner.child.id() as i32, signal);
    }
    cleaner.tell("\"Over\"");
    assert_eq!(cleaner.child.wait().expect("ends").code(), Some(0));
}

/// An engine that goes on writing for a moment after its worker's death leaves nothing, either.
#[test]
fn an_engine_that_still_writes_is_waited_for() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("work");
    fs::create_dir(&folder).expect("can be made");
    let go = root.path().join("go");
    let engine = root.path().join("engine");
    write_executable(
        &engine,
        "#!/bin/sh\nwhile [ ! -e \"$2\" ]; do mkdir -p \"$1/a\"; echo x > \"$1/a/$$\"; done\nmkdir -p \"$1/last\"\n",
    );
    let mut engine = Command::new(&engine).arg(&folder).arg(&go).stderr(Stdio::null()).spawn().expect("can be started");
    let cleaner = cleaner();
    cleaner.owes("Folder", &folder);
    let ending = std::thread::spawn(move || cleaner.left_alone());
    wait_for("the engine to write", || folder.join("a").exists().then_some(()));
    fs::write(&go, "").expect("can be written");
    engine.wait().expect("ends");
    assert_eq!(ending.join().expect("ends"), 0);
    assert!(!folder.exists());
}

/// A user without rights.
const SOMEBODY: u32 = 65_534;

/// A restored tree has the modes that it was saved with: also nothing at all, for a user who is not root.
#[test]
fn folders_without_permissions_are_removed_by_their_owner() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: another user (needs root)");
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("is ours");
    let at = |name: &str| root.path().join(name);
    let program = at("boathook");
    // Through a process that ends: a descriptor of ours would make it busy.
    assert!(Command::new("cp").arg(BOATHOOK).arg(&program).status().expect("cp is there").success());
    fs::create_dir_all(at("home/work/a/b")).expect("can be made");
    fs::write(at("home/work/a/b/file"), "x").expect("can be written");
    for (name, mode) in
        [("home", 0o755), ("home/work", 0), ("home/work/a", 0o500), ("home/work/a/b", 0), ("home/work/a/b/file", 0)]
    {
        chown(at(name), Some(SOMEBODY), Some(SOMEBODY)).expect("is root's right");
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).expect("is root's right");
    }
    let cleaner = Cleaner::start(&program, Some(SOMEBODY));
    cleaner.owes("Folder", &at("home/work"));
    assert_eq!(cleaner.left_alone(), 0);
    assert!(!at("home/work").exists());
}

/// What is mounted within a folder is not emptied.
#[test]
fn no_mount_point_is_crossed() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: bind mounts (need root)");
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("work/inner")).expect("can be made");
    fs::create_dir(at("precious")).expect("can be made");
    fs::write(at("precious/file"), "x").expect("can be written");
    fs::write(at("work/file"), "x").expect("can be written");
    let bind = Command::new("mount").arg("--bind").arg(at("precious")).arg(at("work/inner")).status();
    if !bind.is_ok_and(|status| status.success()) {
        return println!("skipped: bind mounts (not allowed here)");
    }
    let cleaner = cleaner();
    cleaner.owes("Folder", &at("work")).tell("\"Over\"");
    let code = cleaner.left_alone();
    let kept = at("precious/file").exists();
    assert!(Command::new("umount").arg(at("work/inner")).status().expect("umount is there").success());
    assert!(kept && code == 1, "{code}");
    assert!(!at("work/file").exists());
}
