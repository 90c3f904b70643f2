//! What a restore must not be let loose on without `--force`, judged by where a path really leads.

use super::disk::{self, Unusable};
use super::place::{Place, Relation};
use super::plan::Plan;
use super::table::shown;
use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// The image's own source folder.
pub const DATA: &str = "/data";

/// System folders: nothing is restored into them.
const SYSTEM: &[&str] =
    &["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr"];

/// Folders that hold much else: not to be restored into themselves, but a folder of its own in them is fine.
const CROWDED: &[&str] = &[
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/tmp",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/spool",
    "/var/tmp",
];

/// What both are.
const SYSTEM_FOLDER: &str = "a system folder";

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The folder, what is in it, and what it is in.
    AllAround,
    /// The folder, and what is in it.
    Inside,
    /// The folder alone.
    Itself,
}

/// Why a folder is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is backed up.
    Source,
    /// It is ours, or the repository.
    Own,
    /// It is the system's.
    System,
    /// It holds much else, or an empty disk is mounted there.
    Crowded,
}

/// A folder that is refused, and what it is.
struct Refused {
    folder: PathBuf,
    what: &'static str,
    kind: Kind,
    reach: Reach,
}

impl Refused {
    fn new(folder: impl Into<PathBuf>, what: &'static str, kind: Kind, reach: Reach) -> Self {
        Self { folder: folder.into(), what, kind, reach }
    }

    /// How `target` lies to it, if that is refused.
    fn hit(&self, target: &Place) -> Option<&'static str> {
        let place = Place::of(&self.folder);
        // Everything is inside of `/`: as a source it is refused as itself, or nothing could ever be restored.
        let reach = if place.path == Path::new("/") { Reach::Itself } else { self.reach };
        match (target.relation(&place), reach) {
            (Relation::Same, _) => Some("is"),
            (Relation::Inside, Reach::Inside | Reach::AllAround) => Some("lies inside"),
            (Relation::Around, Reach::AllAround) => Some("holds"),
            _ => None,
        }
    }
}

fn refused_folders(settings: &Settings, backup_root: &str) -> Vec<Refused> {
    let mut list = Vec::new();
    for root in [backup_root, &settings.jobs.backup_root] {
        if !root.is_empty() {
            list.push(Refused::new(root, "BACKUP_ROOT_DIR, which is backed up", Kind::Source, Reach::AllAround));
        }
    }
    list.push(Refused::new(DATA, "the folder that is backed up", Kind::Source, Reach::AllAround));
    for (folder, what) in own_folders(settings) {
        list.push(Refused::new(folder, what, Kind::Own, Reach::Inside));
    }
    if let Some(repository) = local_repository(&settings.repository.location) {
        list.push(Refused::new(repository, "the repository", Kind::Own, Reach::Inside));
    }
    list.extend(SYSTEM.iter().map(|folder| Refused::new(folder, SYSTEM_FOLDER, Kind::System, Reach::Inside)));
    list.push(Refused::new("/", SYSTEM_FOLDER, Kind::System, Reach::Itself));
    list.extend(CROWDED.iter().map(|folder| Refused::new(folder, SYSTEM_FOLDER, Kind::Crowded, Reach::Itself)));
    list
}

/// The folders that we ourselves work with, and the settings that name them.
pub fn own_folders(settings: &Settings) -> [(&Path, &'static str); 5] {
    let paths = &settings.paths;
    [
        (&paths.log, "LOG_DIR"),
        (&paths.state, "STATE_DIR"),
        (&paths.hooks, "HOOKS_DIR"),
        (&paths.config, "CONFIG_DIR"),
        (&paths.run, "RUN_DIR"),
    ]
}

/// The folder of a repository that is one.
pub fn local_repository(location: &str) -> Option<&str> {
    let path = location.strip_prefix("local:").unwrap_or(location);
    path.starts_with('/').then_some(path)
}

/// Which of the folders that count `folder` is, holds or lies in, as the beginning of a message; `what` is how it is
/// called there, `backup_root` is the source when a pre hook moved it, else empty.
pub fn refusal(
    what: &str,
    folder: &str,
    settings: &Settings,
    backup_root: &str,
    counts: &dyn Fn(Kind) -> bool,
) -> Option<String> {
    let place = Place::of(Path::new(folder));
    let refused = refused_folders(settings, backup_root);
    refused.iter().filter(|refused| counts(refused.kind)).find_map(|refused| {
        let how = refused.hit(&place)?;
        Some(format!(
            "{what} '{}'{} {how} '{}' ({})",
            shown(folder),
            led_to(folder, &place.path),
            shown(&refused.folder.to_string_lossy()),
            refused.what
        ))
    })
}

/// Refuses a target by where it lies; `backup_root` is the source when a pre hook moved it, else empty.
///
/// # Errors
/// The message, without its mark.
pub fn check_place(plan: &Plan, settings: &Settings, backup_root: &str) -> Result<(), String> {
    if plan.force {
        return Ok(());
    }
    match refusal(TARGET, &plan.target, settings, backup_root, &|_| true) {
        Some(said) => Err(format!("{said}: choose another --target, or add --force to restore there all the same")),
        None => Ok(()),
    }
}

/// ` (which leads to '...')` where the path does not say so itself.
fn led_to(given: &str, found: &Path) -> String {
    if Path::new(given) == found { String::new() } else { format!(" (that is '{}')", shown(&found.to_string_lossy())) }
}

/// Refuses a target that cannot be used, or where something lies already. Makes nothing.
///
/// # Errors
/// The message, without its mark.
pub fn check(plan: &Plan, settings: &Settings) -> Result<(), String> {
    check_place(plan, settings, "")?;
    check_usable(&plan.target)?;
    if plan.force || plan.dry_run { Ok(()) } else { check_empty(&plan.target) }
}

/// How targets are called in messages.
pub const TARGET: &str = "restore target";

/// Refuses a target that is no folder, cannot be written to, or cannot be made. Makes nothing.
///
/// # Errors
/// The message, without its mark.
pub fn check_usable(target: &str) -> Result<(), String> {
    let given = shown(target);
    let target = std::path::absolute(target).map_err(|error| format!("{TARGET} '{given}': {error}"))?;
    disk::usable(&target).map_err(|problem| match problem {
        Unusable::NoFolder => {
            format!("{TARGET} '{given}' is not a folder: choose another --target, or move it away")
        }
        Unusable::NotWritable(error) => {
            format!("{TARGET} '{given}' is not writable ({error}): choose another --target, or allow writing there")
        }
        Unusable::NotCreatable(error) => {
            format!("{TARGET} '{given}' cannot be made ({error}): choose another --target, or make it yourself")
        }
    })
}

/// Refuses a target where something lies already.
///
/// # Errors
/// The message, without its mark.
pub fn check_empty(target: &str) -> Result<(), String> {
    let given = shown(target);
    match disk::is_empty(Path::new(target)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "{TARGET} '{given}' is not empty: choose an empty --target, or add --force to restore over what is there"
        )),
        Err(error) => Err(format!("{TARGET} '{given}' cannot be read ({error}): choose another --target")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::restore::testing::{self, arguments};
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Ground {
        root: tempfile::TempDir,
        settings: Settings,
    }

    impl Ground {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a temporary folder");
            let mut settings = testing::settings(root.path());
            fs::create_dir_all(root.path().join("source/deep")).expect("is made");
            settings.jobs.backup_root = root.path().join("source").to_string_lossy().into_owned();
            settings.repository.location = root.path().join("repo").to_string_lossy().into_owned();
            Self { root, settings }
        }

        fn path(&self, name: &str) -> String {
            self.root.path().join(name).to_string_lossy().into_owned()
        }

        fn check(&self, target: &str, more: &[&str]) -> Result<(), String> {
            let words = [&["--target", target], more].concat();
            check(&Plan::new(&arguments(&words), &self.settings).expect("is a plan"), &self.settings)
        }

        fn refuses(&self, target: &str) -> String {
            assert_eq!(self.check(target, &["--force", "--dry-run"]), Ok(()), "{target} with --force");
            assert!(self.check(target, &["--dry-run"]).is_err(), "{target} in a dry run");
            self.check(target, &[]).expect_err(target)
        }
    }

    #[test]
    fn the_source_is_refused_however_it_is_spelled() {
        let ground = Ground::new();
        symlink(ground.path("source"), ground.path("link")).expect("is linked");
        for name in ["source", "source/", "source/.", "source/new", "source/deep/..", "link", "link/new", "./source"] {
            let message = ground.refuses(&ground.path(name));
            assert!(message.contains("BACKUP_ROOT_DIR") && message.contains("--force"), "{message}");
        }
        // A parent of the source.
        let parent = ground.root.path().to_string_lossy().into_owned();
        assert!(ground.refuses(&parent).contains("holds"));
        // Only its name is alike.
        assert_eq!(ground.check(&ground.path("source-2"), &[]), Ok(()));
    }

    #[test]
    fn data_and_system_folders_are_refused() {
        let ground = Ground::new();
        for target in [
            "/data",
            "/data/",
            "//data/.",
            "/data/new",
            "/",
            "//",
            "/etc",
            "/etc/x",
            "/usr/local/x",
            "/bin",
            "/var",
            "/var/log/..",
            "/home",
            "/tmp",
            "/proc",
            "/dev/x",
        ] {
            let message = ground.check(target, &[]).expect_err(target);
            assert!(message.contains(&format!("'{target}'")) && message.contains("--force"), "{message}");
        }
    }

    #[test]
    fn our_own_folders_and_the_repository_are_refused() {
        let ground = Ground::new();
        for (name, what) in
            [("log", "LOG_DIR"), ("state/x", "STATE_DIR"), ("hooks", "HOOKS_DIR"), ("repo/out", "repository")]
        {
            assert!(ground.refuses(&ground.path(name)).contains(what), "{name}");
        }
    }

    #[test]
    fn a_source_that_is_everything_leaves_room_for_targets() {
        let mut ground = Ground::new();
        ground.settings.jobs.backup_root = "/".to_owned();
        assert_eq!(ground.check(&ground.path("out"), &[]), Ok(()));
        assert!(ground.check("/", &[]).is_err());
    }

    #[test]
    fn a_source_that_a_hook_moved_counts_too() {
        let ground = Ground::new();
        let out = ground.path("out");
        let plan = Plan::new(&arguments(&["--target", &out]), &ground.settings).expect("is a plan");
        assert_eq!(check_place(&plan, &ground.settings, ""), Ok(()));
        assert!(check_place(&plan, &ground.settings, &ground.path("out/snapshot")).is_err());
    }

    #[test]
    fn what_is_not_empty_wants_force_or_a_dry_run() {
        let ground = Ground::new();
        let out = ground.path("out");
        fs::create_dir(&out).expect("is made");
        assert_eq!(ground.check(&out, &[]), Ok(()));
        fs::write(ground.path("out/.hidden"), "").expect("is written");
        let message = ground.check(&out, &[]).expect_err("something is there");
        assert!(message.contains("is not empty") && message.contains("--force"), "{message}");
        assert_eq!(ground.check(&out, &["--force"]), Ok(()));
        assert_eq!(ground.check(&out, &["--dry-run"]), Ok(()));
    }

    #[test]
    fn a_refusal_makes_nothing() {
        let ground = Ground::new();
        fs::write(ground.path("file"), "").expect("is written");
        for target in ["file", "file/below"] {
            assert!(ground.check(&ground.path(target), &["--force"]).is_err(), "{target}");
        }
        assert_eq!(ground.check(&ground.path("new/deep"), &[]), Ok(()));
        assert!(!ground.root.path().join("new").exists());
    }
}
