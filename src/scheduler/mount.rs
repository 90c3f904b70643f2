//! The NFS export that holds the repository (`NFS_TARGET`; contract: workers, section 4.2).

use crate::process::{Ending, Event, Exit, Spec, Stop, run};
use crate::settings::Settings;
use nix::sys::signal::Signal;
use std::fs;
use std::time::Duration;

/// Where it is mounted.
pub const MOUNT_POINT: &str = "/mnt/restic";

/// How long `mount` may take to end once it is asked to.
const GRACE: Duration = Duration::from_secs(1);

/// Mounts `NFS_TARGET` at [`MOUNT_POINT`] if it is set and nothing of the kind is mounted there yet. `say` gets every
/// line that is meant for a person, those of `mount` too.
///
/// # Errors
/// When it cannot be mounted: the line that says so.
pub fn mount(settings: &Settings, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let stop = Stop::new().map_err(|error| failed(settings, &error.to_string()))?;
    mount_unless_stopped(settings, &stop, say)
}

/// As [`mount`], for a caller who hears signals: a server that is silent for minutes must not hold up a stop.
///
/// # Errors
/// When it cannot be mounted, or was stopped meanwhile: the line that says so.
pub fn mount_unless_stopped(settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let target = settings.start.nfs_target.as_str();
    if target.is_empty() || is_mounted(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()) {
        return Ok(());
    }
    say(&settings.secrets.mask(&format!("📂 Mounting NFS based on NFS_TARGET: {target}")));
    let spec = Spec {
        program: "mount".into(),
        args: ["-o", "nolock", "-v", target, MOUNT_POINT].map(Into::into).to_vec(),
        environment: settings.environment.clone(),
        directory: None,
        dies_with_us: None,
    };
    let mut said = Vec::new();
    let ending = Ending { signal: Signal::SIGTERM, grace: &|_| GRACE, limit: None };
    let exit = run(&spec, stop, &ending, &mut |event| {
        if let Event::Stdout(bytes) | Event::Stderr(bytes) = event {
            said.extend_from_slice(bytes);
        }
    });
    for line in String::from_utf8_lossy(&said).lines() {
        say(&settings.secrets.mask(line));
    }
    match exit {
        Ok(Exit::Code(0)) => Ok(()),
        Ok(Exit::Code(code)) => Err(failed(settings, &format!("mount ended with exit code {code}"))),
        Ok(Exit::Signal(signal)) => Err(failed(settings, &format!("mount was ended by signal {signal}"))),
        Err(error) => Err(failed(settings, &format!("mount cannot be started: {error}"))),
    }
}

/// The contract's line, and why.
fn failed(settings: &Settings, why: &str) -> String {
    let target = &settings.start.nfs_target;
    let line = format!(
        "❌ NFS mount failed for target '{target}' on {MOUNT_POINT}; aborting startup. ({why}; the container needs CAP_SYS_ADMIN, and the server must export the target to this host)"
    );
    settings.secrets.mask(&line).into_owned()
}

/// Whether an NFS export is mounted there already (proc(5): mountinfo).
fn is_mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let (mount, source) = line.split_once(" - ").unwrap_or_default();
        mount.split(' ').nth(4) == Some(MOUNT_POINT) && source.starts_with("nfs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_export_at_that_very_place_counts_as_mounted() {
        let line = |place: &str, kind: &str| format!("36 35 0:43 / {place} rw,relatime shared:1 - {kind} nas:/x rw\n");
        assert!(is_mounted(&format!("{}{}", line("/", "overlay"), line("/mnt/restic", "nfs4"))));
        assert!(is_mounted(&line("/mnt/restic", "nfs")));
        assert!(!is_mounted(&line("/mnt/restic", "ext4")));
        assert!(!is_mounted(&line("/mnt/restic/sub", "nfs4")));
        assert!(!is_mounted(""));
    }
}
