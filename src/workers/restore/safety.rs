//! What a restore must not be let loose on without `--force`, judged by where a path really leads.

use super::disk::{self, Unusable};
use super::place::{Place, Relation};
use super::plan::Plan;
use super::table::shown;
use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// The image's own source folder.
const DATA: &str = "/data";

/// System folders: nothing is restored into them.
const SYSTEM: &[&str] =
    &["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr"];

/// Folders that hold much else: not to be restored into themselves, but a folder of its own in them is fine.
const CROWDED: &[&str] = &[
    "/",
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

/// A folder that is refused, and what it is.
struct Refused {
    folder: PathBuf,
    what: &'static str,
    reach: Reach,
}

impl Refused {
    fn new(folder: impl Into<PathBuf>, what: &'static str, reach: Reach) -> Self {
        Self { folder: folder.into(), what, reach }
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
            list.push(Refused::new(root, "BACKUP_ROOT_DIR, which is backed up", Reach::AllAround));
        }
    }
    list.push(Refused::new(DATA, "the folder that is backed up", Reach::AllAround));
    let paths = &settings.paths;
    for (folder, what) in [
        (&paths.log, "LOG_DIR"),
        (&paths.state, "STATE_DIR"),
        (&paths.hooks, "HOOKS_DIR"),
        (&paths.config, "CONFIG_DIR"),
        (&paths.run, "RUN_DIR"),
    ] {
        list.push(Refused::new(folder, what, Reach::Inside));
    }
    if let Some(repository) = local_repository(&settings.repository.location) {
        list.push(Refused::new(repository, "the repository", Reach::Inside));
    }
    list.extend(SYSTEM.iter().map(|folder| Refused::new(folder, "a system folder", Reach::Inside)));
    list.extend(CROWDED.iter().map(|folder| Refused::new(folder, "a system folder", Reach::Itself)));
    list
}

/// The folder of a repository that is one.
fn local_repository(location: &str) -> Option<&str> {
    let path = location.strip_prefix("local:").unwrap_or(location);
    path.starts_with('/').then_some(path)
}

/// Refuses a target by where it lies; `backup_root` is the source when a pre hook moved it, else empty.
///
/// # Errors
/// The message, without its mark.
pub fn check_place(plan: &Plan, settings: &Settings, backup_root: &str) -> Result<(), String> {
    if plan.force {
        return Ok(());
    }
    let target = Place::of(Path::new(&plan.target));
    for refused in refused_folders(settings, backup_root) {
        if let Some(how) = refused.hit(&target) {
            return Err(format!(
                "restore target '{}'{} {how} '{}' ({}): choose another --target, or add --force to restore there all \
                 the same",
                shown(&plan.target),
                led_to(&plan.target, &target.path),
                shown(&refused.folder.to_string_lossy()),
                refused.what
            ));
        }
    }
    Ok(())
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
    let given = shown(&plan.target);
    let target = std::path::absolute(&plan.target).map_err(|error| format!("restore target '{given}': {error}"))?;
    disk::usable(&target).map_err(|problem| match problem {
        Unusable::NoFolder => {
            format!("restore target '{given}' is not a folder: choose another --target, or move it away")
        }
        Unusable::NotWritable(error) => format!(
            "restore target '{given}' is not writable ({error}): choose another --target, or allow writing there"
        ),
        Unusable::NotCreatable(error) => {
            format!("restore target '{given}' cannot be made ({error}): choose another --target, or make it yourself")
        }
    })?;
    if plan.force || plan.dry_run {
        return Ok(());
    }
    match disk::is_empty(&target) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "restore target '{given}' is not empty: choose an empty --target, or add --force to restore over what is \
             there"
        )),
        Err(error) => Err(format!("restore target '{given}' cannot be read ({error}): choose another --target")),
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
