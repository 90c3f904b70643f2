//! What a scene is made of: folders, settings, files.

use crate::scene::{MARK, Program, Scenario};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a file's name has one of these endings.
pub fn ends_in(name: &str, endings: &[&str]) -> bool {
    Path::new(name).extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending))
}

pub fn environment(folder: &Path, link: &Path, scenario: Scenario, program: &Program) -> BTreeMap<String, String> {
    let at = |part: &str| folder.join(part).display().to_string();
    let mut environment: BTreeMap<String, String> = [
        ("TZ", "UTC".to_owned()),
        ("HOSTNAME", "test-host".to_owned()),
        ("RESTIC_PASSWORD", "correct-horse-battery".to_owned()),
        ("HOOK_KILL_AFTER", "1".to_owned()),
        ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", at("bin"))),
        ("T", folder.display().to_string()),
        ("BOATHOOK", link.display().to_string()),
        (MARK, folder.display().to_string()),
        ("HOME", at("home")),
        ("HOOKS_DIR", at("hooks")),
        ("CONFIG_DIR", at("config")),
        ("LOG_DIR", at("log")),
        ("RUN_DIR", at("run")),
        ("STATE_DIR", at("state")),
        ("METRICS_DIR", at("metrics")),
        ("BACKUP_ROOT_DIR", at("data")),
        ("RESTIC_REPOSITORY", at("repo")),
        ("RESTIC_CACHE_DIR", at("cache")),
        ("TMPDIR", at("tmp")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let mut set = |name: &str, value: &str| environment.insert(name.to_owned(), value.to_owned());
    match scenario {
        Scenario::Hold => {
            set("WORK_TAKES", "0.06");
            set("UNDO_TAKES", "0.05");
        }
        Scenario::Inner => {
            set("WORK_RECOVERS", "yes");
        }
        Scenario::Backup | Scenario::Recovery => {}
    }
    if let Some(fault) = program.fault {
        set("BOATHOOK_SEEDED_FAULT", fault);
    }
    environment
}

/// In memory where that is possible: thousands of sandboxes are made.
pub fn base(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let probe = memory.join(format!("{name}.probe"));
    let can_execute = write_executable(&probe, "#!/bin/sh\n").is_ok()
        && Command::new(&probe).status().is_ok_and(|status| status.success());
    let _ = fs::remove_file(&probe);
    if can_execute { memory.to_owned() } else { std::env::temp_dir() }
}

/// Through a child that has ended: a fork of another thread would hold the file open ("Text file busy").
pub fn write_executable(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut child = Command::new("/bin/sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(io::Error::other("sh fails")) }
}

pub fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The paths of everything in a folder, below `name`.
pub fn collect(folder: &Path, name: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), &name, found);
        }
        found.push(name);
    }
}

/// Scripts are linked, not copied: what was just written cannot be executed while anybody's fork holds it open.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let facts = fs::symlink_metadata(&source)?;
        if facts.is_dir() {
            copy(&source, &target)?;
            fs::set_permissions(&target, facts.permissions())?;
        } else if facts.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if facts.permissions().mode() & 0o111 != 0 {
            fs::hard_link(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
