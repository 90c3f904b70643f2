//! The folder to mount at: where it really is, and why it cannot be used (contract: operator commands, section 6, checks
//! 1 to 5).

use super::plan::Plan;
use crate::exit;
use crate::masking::say;
use crate::process::mounts::{self, Mount};
use crate::settings::Settings;
use crate::workers::restore::disk::{self, Unusable};
use crate::workers::restore::place::{Place, Relation};
use crate::workers::restore::safety::own_folders;
use crate::workers::restore::table::shown;
use std::path::{Path, PathBuf};

/// Why something is not done, and the exit code of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The exit code.
    pub code: i32,
    /// One line, without its mark.
    pub why: String,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: i32, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }
}

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The folder, what is in it, and what it is in: a mount there would hide it.
    AllAround,
    /// The folder, and what is in it.
    Inside,
    /// The folder alone.
    Itself,
}

/// Folders of the system, of the image and of what it backs up.
const REFUSED: &[(&str, &str, Reach)] = &[
    ("/data", "the folder that is backed up", Reach::AllAround),
    ("/host", "the host's files", Reach::Inside),
    ("/config", "the configuration", Reach::Inside),
    ("/hooks", "the hooks", Reach::Inside),
    ("/mnt/restic", "where a repository is mounted", Reach::Inside),
    ("/bin", "a system folder", Reach::Inside),
    ("/boot", "a system folder", Reach::Inside),
    ("/dev", "a system folder", Reach::Inside),
    ("/etc", "a system folder", Reach::Inside),
    ("/lib", "a system folder", Reach::Inside),
    ("/lib32", "a system folder", Reach::Inside),
    ("/lib64", "a system folder", Reach::Inside),
    ("/libx32", "a system folder", Reach::Inside),
    ("/proc", "a system folder", Reach::Inside),
    ("/sbin", "a system folder", Reach::Inside),
    ("/sys", "a system folder", Reach::Inside),
    ("/usr", "a system folder", Reach::Inside),
    ("/var/log", "a system folder", Reach::Inside),
    ("/var/spool", "a system folder", Reach::Inside),
    ("/", "a system folder", Reach::Itself),
    ("/home", "a system folder", Reach::Itself),
    ("/media", "a system folder", Reach::Itself),
    ("/mnt", "a system folder", Reach::Itself),
    ("/opt", "a system folder", Reach::Itself),
    ("/root", "a system folder", Reach::Itself),
    ("/run", "a system folder", Reach::Itself),
    ("/srv", "a system folder", Reach::Itself),
    ("/tmp", "a system folder", Reach::Itself),
    ("/var", "a system folder", Reach::Itself),
    ("/var/cache", "a system folder", Reach::Itself),
    ("/var/lib", "a system folder", Reach::Itself),
    ("/var/run", "a system folder", Reach::Itself),
    ("/var/tmp", "a system folder", Reach::Itself),
];

/// Says whether the target may be mounted at. Makes nothing; a dead mount of ours is taken away.
///
/// # Errors
/// Why it may not.
pub fn check(plan: &Plan, settings: &Settings) -> Result<(), Refusal> {
    if plan.target.is_empty() {
        return Err(Refusal::new(exit::USAGE, "--target is empty: name the folder to mount at"));
    }
    if !plan.force {
        check_place(plan, settings)?;
    }
    free(plan)?;
    let given = shown(&plan.target);
    disk::usable(&plan.point).map_err(|problem| {
        let why = match problem {
            Unusable::NoFolder => "is not a folder: choose another --target, or move it away".to_owned(),
            Unusable::NotWritable(error) => format!("is not writable ({error}): choose another --target"),
            Unusable::NotCreatable(error) => {
                format!("cannot be made ({error}): choose another --target, or make it yourself")
            }
        };
        Refusal::new(exit::FAILURE, format!("mount target '{given}' {why}"))
    })?;
    if plan.force {
        return Ok(());
    }
    match disk::is_empty(&plan.point) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::new(
            exit::FAILURE,
            format!(
                "mount target '{given}' is not empty: choose an empty --target, or add --force to cover what is there"
            ),
        )),
        Err(error) => Err(Refusal::new(exit::FAILURE, format!("mount target '{given}' cannot be read ({error})"))),
    }
}

/// The folder of a repository that is one.
fn local_repository(location: &str) -> Option<&str> {
    let path = location.strip_prefix("local:").unwrap_or(location);
    path.starts_with('/').then_some(path)
}

fn check_place(plan: &Plan, settings: &Settings) -> Result<(), Refusal> {
    let target = Place::of(&plan.point);
    let mut refused: Vec<(PathBuf, &str, Reach)> = Vec::new();
    for root in [plan.moved_source.as_str(), &settings.jobs.backup_root] {
        if !root.is_empty() {
            refused.push((root.into(), "BACKUP_ROOT_DIR, which is backed up", Reach::AllAround));
        }
    }
    for (folder, what) in own_folders(settings) {
        refused.push((folder.to_owned(), what, Reach::AllAround));
    }
    if let Some(repository) = local_repository(&settings.repository.location) {
        refused.push((repository.into(), "the repository", Reach::AllAround));
    }
    refused.extend(REFUSED.iter().map(|(folder, what, reach)| (PathBuf::from(folder), *what, *reach)));
    for (folder, what, reach) in refused {
        let place = Place::of(&folder);
        // Everything is inside of `/`: as a source it is refused as itself, or nothing could ever be mounted.
        let reach = if place.path == Path::new("/") { Reach::Itself } else { reach };
        let how = match (target.relation(&place), reach) {
            (Relation::Same, _) => "is",
            (Relation::Inside, Reach::Inside | Reach::AllAround) => "lies inside",
            (Relation::Around, Reach::AllAround) => "holds",
            _ => continue,
        };
        let led_to = if Path::new(&plan.target) == plan.point {
            String::new()
        } else {
            format!(" (that is '{}')", shown(&plan.point.to_string_lossy()))
        };
        return Err(Refusal::new(
            exit::USAGE,
            format!(
                "mount target '{}'{led_to} {how} '{}' ({what}): choose another --target, or add --force to mount there \
                 all the same",
                shown(&plan.target),
                shown(&folder.to_string_lossy()),
            ),
        ));
    }
    Ok(())
}

/// What is served there already: a dead mount of restic's is taken away, anything else is somebody's. A volume may be
/// there: that is how the host gets to see what is mounted on it.
fn free(plan: &Plan) -> Result<(), Refusal> {
    let Some(mount) = mounts::top_at(&plan.point).filter(Mount::is_fuse) else { return Ok(()) };
    let given = shown(&plan.target);
    // This one is always asked of whoever serves it: names and attributes may come from the kernel's cache.
    let is_dead = nix::sys::statfs::statfs(&plan.point).err() == Some(nix::errno::Errno::ENOTCONN);
    let is_ours = mount.source == "restic";
    let refuse = |why: String| Err(Refusal::new(exit::FAILURE, format!("mount target '{given}' {why}")));
    if !is_dead {
        let whose = if is_ours { "restic serves a repository there".to_owned() } else { shown(&mount.source) };
        return refuse(format!("is mounted already ({whose}): unmount it first, or choose another --target"));
    }
    if !is_ours {
        return refuse(format!("has a dead mount of '{}': unmount it first (umount '{given}')", shown(&mount.source)));
    }
    match mounts::unmount(&plan.point) {
        Ok(_) => {
            say::info(format!("🔌 Took away a dead mount of restic's at '{given}'."));
            Ok(())
        }
        Err(error) => refuse(format!("has a dead mount of restic's that cannot be taken away ({error})")),
    }
}
