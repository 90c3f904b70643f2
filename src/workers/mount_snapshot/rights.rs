//! Whether this process can have something mounted at all (contract: operator commands, section 6, checks 7 to 11),
//! judged by what really forbids it.
//!
//! restic mounts through `fusermount`, also as root. That program needs CAP_SYS_ADMIN. Root has it if the container
//! has; other users get it from the program's setuid bit, which `no_new_privs` makes void. Root needs no new rights, so
//! `no_new_privs` alone forbids it nothing.

use crate::exit;
use crate::settings::Environment;
use crate::workers::mount_snapshot::target::Refusal;
use nix::unistd::{AccessFlags, access, geteuid};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const DEVICE: &str = "/dev/fuse";
/// The number of CAP_SYS_ADMIN.
const SYS_ADMIN: u32 = 21;
const RUN_WITH: &str = "docker run --cap-add SYS_ADMIN --device /dev/fuse";

/// The device as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Usable,
    Missing,
    NoSuchKind,
    Forbidden,
}

/// The helper as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Helper {
    Missing { has_fusermount3: bool },
    There { path: PathBuf, raises: bool },
}

/// What the kernel says of this process (proc(5): status).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Status {
    effective: u64,
    bounding: u64,
    ambient: u64,
    no_new_privileges: bool,
}

/// Everything that the judgement is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    is_root: bool,
    device: Device,
    helper: Helper,
    status: Status,
    /// `/proc/self/attr/current`.
    label: String,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why nothing can be mounted; all of it.
    pub refusals: Vec<Refusal>,
    /// What is worth knowing if it goes wrong.
    pub notes: Vec<String>,
}

/// Looks at this process and its surroundings; restic gets `environment`.
pub fn check(environment: &Environment) -> Verdict {
    judge(&Facts {
        is_root: geteuid().is_root(),
        device: device(Path::new(DEVICE)),
        helper: helper(environment),
        status: status(&fs::read_to_string("/proc/self/status").unwrap_or_default()),
        label: label(),
    })
}

fn device(path: &Path) -> Device {
    match fs::metadata(path) {
        Err(_) => Device::Missing,
        Ok(found) if !found.file_type().is_char_device() => Device::NoSuchKind,
        // The control group of the container may forbid what the bits allow.
        Ok(_) => match fs::OpenOptions::new().read(true).write(true).open(path) {
            Ok(_) => Device::Usable,
            Err(_) => Device::Forbidden,
        },
    }
}

fn helper(environment: &Environment) -> Helper {
    let find = |name: &str| {
        let path = environment.raw("PATH")?;
        let folders = path.as_bytes().split(|byte| *byte == b':');
        let mut files = folders.map(|folder| Path::new(std::ffi::OsStr::from_bytes(folder)).join(name));
        files.find(|file| file.is_file() && access(file, AccessFlags::X_OK).is_ok())
    };
    match find("fusermount") {
        None => Helper::Missing { has_fusermount3: find("fusermount3").is_some() },
        Some(path) => {
            let raises =
                fs::metadata(&path).is_ok_and(|file| file.uid() == 0 && file.permissions().mode() & 0o4000 != 0);
            Helper::There { path, raises }
        }
    }
}

fn status(text: &str) -> Status {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let set = |name: &str| field(name).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    Status {
        effective: set("CapEff:"),
        bounding: set("CapBnd:"),
        ambient: set("CapAmb:"),
        no_new_privileges: field("NoNewPrivs:") == Some("1"),
    }
}

fn label() -> String {
    let bytes = fs::read("/proc/self/attr/current").unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_matches(['\0', '\n', ' ']).to_owned()
}

fn judge(facts: &Facts) -> Verdict {
    let mut verdict = Verdict::default();
    let mut refuse = |why: String| verdict.refusals.push(Refusal::new(exit::USAGE, why));
    match facts.device {
        Device::Usable => {}
        Device::Missing => refuse(format!("{DEVICE} is not there: start the container with --device /dev/fuse")),
        Device::NoSuchKind => {
            refuse(format!("{DEVICE} is not a character device: start the container with --device /dev/fuse"));
        }
        Device::Forbidden => refuse(format!(
            "{DEVICE} cannot be read and written by this user: start the container with --device /dev/fuse, as root"
        )),
    }
    match &facts.helper {
        Helper::Missing { has_fusermount3: true } => refuse(
            "fusermount is not in PATH, and restic looks for it by that name; fusermount3 is there: link it (ln -s \
             fusermount3 fusermount)"
                .to_owned(),
        ),
        Helper::Missing { .. } => refuse("fusermount is not in PATH: install the package fuse3".to_owned()),
        Helper::There { .. } => {}
    }
    let has = |set: u64| set >> SYS_ADMIN & 1 == 1;
    let Status { effective, bounding, ambient, no_new_privileges } = facts.status;
    if facts.is_root {
        // A program that root starts gets all that the container has, unless new rights are forbidden.
        if !has(effective) && (no_new_privileges || !has(bounding)) {
            refuse(format!("CAP_SYS_ADMIN is missing, without which nothing can be mounted: {RUN_WITH}"));
        }
    } else if !has(ambient) {
        let mend = "run it as root (docker exec -u 0)";
        if !has(bounding) {
            refuse(format!("CAP_SYS_ADMIN is missing, without which nothing can be mounted: {RUN_WITH}, and {mend}"));
        }
        if no_new_privileges {
            refuse(format!(
                "NoNewPrivs is set (allowPrivilegeEscalation: false, or no-new-privileges), so fusermount cannot get \
                 CAP_SYS_ADMIN for a user other than root: take it away, or {mend}"
            ));
        }
        if let Helper::There { path, raises: false } = &facts.helper {
            refuse(format!("{} is not setuid root, which users other than root need: {mend}", path.display()));
        }
    }
    match security(&facts.label) {
        Security::None => {}
        Security::AppArmorEnforced => refuse(format!(
            "the AppArmor profile '{}' forbids to mount: start the container with --security-opt apparmor=unconfined",
            facts.label
        )),
        Security::AppArmor => {
            verdict.notes.push(format!("ℹ️ AppArmor profile: '{}' (does not forbid to mount)", facts.label));
        }
        Security::Selinux => verdict.notes.push(format!(
            "ℹ️ SELinux label: '{}'; if mounting is denied, start the container with --security-opt label=disable",
            facts.label
        )),
        Security::Unknown => verdict.notes.push(format!("ℹ️ Unknown security label: '{}'", facts.label)),
    }
    verdict
}

enum Security {
    None,
    AppArmor,
    AppArmorEnforced,
    Selinux,
    Unknown,
}

fn security(label: &str) -> Security {
    // SELinux: user:role:type:level.
    let is_selinux = !label.contains(' ') && label.split(':').count() >= 3;
    if label.is_empty() || label == "unconfined" || label == "kernel" {
        Security::None
    } else if is_selinux {
        Security::Selinux
    } else if label.ends_with("(enforce)") {
        Security::AppArmorEnforced
    } else if label.ends_with(')') || label.ends_with("//unconfined") {
        Security::AppArmor
    } else {
        Security::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: u64 = 1 << SYS_ADMIN;

    fn good(is_root: bool) -> Facts {
        Facts {
            is_root,
            device: Device::Usable,
            helper: Helper::There { path: "/usr/bin/fusermount".into(), raises: true },
            status: Status { effective: if is_root { ADMIN } else { 0 }, bounding: ADMIN, ..Status::default() },
            label: "unconfined".to_owned(),
        }
    }

    fn refusals(facts: &Facts) -> Vec<String> {
        let verdict = judge(facts);
        assert!(verdict.refusals.iter().all(|refusal| refusal.code == 2));
        verdict.refusals.into_iter().map(|refusal| refusal.why).collect()
    }

    /// Contract, section 6, checks 7 and 8.
    #[test]
    fn without_device_or_helper_nothing_is_mounted() {
        assert_eq!(refusals(&good(true)), [""; 0]);
        for (device, word) in [
            (Device::Missing, "not there"),
            (Device::NoSuchKind, "character device"),
            (Device::Forbidden, "read and written"),
        ] {
            let found = refusals(&Facts { device, ..good(true) });
            assert!(found.len() == 1 && found[0].contains(word), "{found:?}");
        }
        let without = |has_fusermount3| Facts { helper: Helper::Missing { has_fusermount3 }, ..good(true) };
        assert!(refusals(&without(false))[0].contains("package fuse3"));
        assert!(refusals(&without(true))[0].contains("link it"));
    }

    /// Contract, section 6, checks 9 and 10, and weakness 24: root mounts under `NoNewPrivs`.
    #[test]
    fn new_rights_matter_to_who_has_none() {
        let with = |is_root, status: Status| refusals(&Facts { status, ..good(is_root) });
        let all = Status { effective: ADMIN, bounding: ADMIN, ambient: 0, no_new_privileges: true };
        assert_eq!(with(true, all), [""; 0]);
        assert!(with(true, Status::default())[0].contains("CAP_SYS_ADMIN"));
        let later = Status { effective: 0, ..all };
        assert_eq!(with(true, later).len(), 1);
        assert_eq!(with(true, Status { no_new_privileges: false, ..later }), [""; 0]);

        assert_eq!(refusals(&good(false)), [""; 0], "the setuid bit is enough");
        assert!(with(false, later)[0].contains("NoNewPrivs"));
        assert_eq!(with(false, Status { no_new_privileges: true, ..Status::default() }).len(), 2, "both are told");
        assert_eq!(with(false, Status { ambient: ADMIN, ..later }), [""; 0]);
        let plain = Helper::There { path: "/usr/bin/fusermount".into(), raises: false };
        assert!(refusals(&Facts { helper: plain.clone(), ..good(false) })[0].contains("setuid"));
        assert_eq!(refusals(&Facts { helper: plain, ..good(true) }), [""; 0]);
    }

    /// Contract, section 6, check 11, and weakness 24: SELinux labels were called AppArmor.
    #[test]
    fn labels_are_called_by_their_names() {
        let with = |label: &str| judge(&Facts { label: label.to_owned(), ..good(true) });
        assert!(
            with("docker-default (enforce)").refusals[0].why.contains("AppArmor profile 'docker-default (enforce)'")
        );
        for (label, word) in [
            ("docker-default (complain)", "AppArmor"),
            ("system_u:system_r:container_t:s0:c1,c2", "SELinux"),
            ("something", "Unknown"),
        ] {
            let verdict = with(label);
            assert!(verdict.refusals.is_empty() && verdict.notes[0].contains(word), "{verdict:?}");
        }
        assert_eq!((with(""), with("unconfined")), (Verdict::default(), Verdict::default()));
    }

    #[test]
    fn the_status_is_read() {
        let read = status("Name:\tx\nCapEff:\t0000000000200000\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\n");
        assert_eq!((read.effective, read.no_new_privileges, read.ambient), (ADMIN, true, 0));
        assert_eq!(device(Path::new("/etc/passwd")), Device::NoSuchKind);
        assert_eq!(device(Path::new("/no/such/device")), Device::Missing);
    }
}
